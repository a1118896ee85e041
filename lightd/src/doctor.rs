//! What is to be said of the sticks on a host: the table of `lightd list`, the findings and remedies of
//! `lightd doctor`, and the udev rule.
//!
//! Turns a [`Survey`] into text. Knows neither USB nor files: who surveys has looked already.

use crate::blinkstick::{Mode, Model, PRODUCT, VENDOR};
use crate::stick::Problem;

/// What there is on a host.
#[derive(Debug)]
pub(crate) struct Survey {
    /// The BlinkSticks by port, or why none could be looked for.
    pub(crate) sticks: Result<Vec<Found>, Problem>,
    /// The file of the udev rule that speaks of them.
    pub(crate) rule: Option<String>,
}

/// A BlinkStick that is plugged in.
#[derive(Debug)]
pub(crate) struct Found {
    /// Its model, as far as it can be told.
    pub(crate) model: Model,
    /// Empty where it has none that can be read.
    pub(crate) serial: String,
    /// Bus and port, "1-1.2".
    pub(crate) path: String,
    /// What it said when asked, or why it couldn't be.
    pub(crate) answers: Result<Answers, Problem>,
}

/// What the firmware of a stick says.
#[derive(Debug)]
pub(crate) struct Answers {
    /// LEDs that a frame has while lightd serves.
    pub(crate) leds: usize,
    /// None where the model has none, or the firmware doesn't say.
    pub(crate) mode: Option<u8>,
}

/// One thing that `lightd doctor` finds.
#[derive(Debug)]
pub(crate) enum Finding {
    /// As it should be.
    Good(String),
    /// Nothing that keeps a stick dark, but good to know, and what to do about it.
    Note(String, String),
    /// A stick stays dark, and what helps.
    Wrong(String, String),
}

/// A row for each stick.
pub(crate) fn list(survey: &Survey) -> String {
    let found = match &survey.sticks {
        Ok(found) if found.is_empty() => return format!("{}\n", Problem::Absent),
        Ok(found) => found,
        Err(problem) => return format!("{problem}\n"),
    };
    let mut rows = vec![["MODEL", "SERIAL", "PATH", "LEDS", "MODE", "ACCESS"].map(str::to_owned)];
    rows.extend(found.iter().map(row));
    let widths: [usize; 6] =
        std::array::from_fn(|column| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default());
    rows.iter().fold(String::new(), |mut table, row| {
        let cells: String =
            row.iter().zip(widths).fold(String::new(), |cells, (cell, width)| format!("{cells}{cell:width$}  "));
        table.push_str(cells.trim_end());
        table.push('\n');
        table
    })
}

fn row(found: &Found) -> [String; 6] {
    let unsaid = || "-".to_owned();
    let (leds, mode, access) = match &found.answers {
        Ok(answers) => (answers.leds.to_string(), answers.mode.map_or_else(unsaid, mode), "ok".to_owned()),
        Err(Problem::Denied { .. } | Problem::Withheld { .. }) => (unsaid(), unsaid(), "denied".to_owned()),
        Err(_) => (unsaid(), unsaid(), "fails".to_owned()),
    };
    let serial = if found.serial.is_empty() { unsaid() } else { printable(&found.serial) };
    [found.model.to_string(), serial, found.path.clone(), leds, mode, access]
}

/// What is well, what keeps sticks from being lit, and what helps.
pub(crate) fn findings(survey: &Survey) -> Vec<Finding> {
    let mut findings = match &survey.sticks {
        Err(problem) => vec![wrong("USB can't be looked at", &problem.to_string())],
        Ok(found) if found.is_empty() => vec![wrong(
            "no BlinkStick found",
            &format!("plug one in; `lsusb -d {VENDOR:04x}:{PRODUCT:04x}` shows whether the host sees it"),
        )],
        Ok(found) => found.iter().flat_map(of_stick).collect(),
    };
    let denied = |found: &Found| matches!(found.answers, Err(Problem::Denied { .. }));
    let is_denied = survey.sticks.as_ref().is_ok_and(|found| found.iter().any(denied));
    findings.push(match (&survey.rule, is_denied) {
        (Some(file), false) => Finding::Good(format!("udev rule installed: {file}")),
        (Some(file), true) => note(
            &format!("udev rule installed, but access is denied: {file}"),
            "replug the stick so that the rule applies, and see that lightd's user is in the group that the rule names",
        ),
        (None, true) => note("no udev rule for BlinkSticks found", RULE_REMEDY),
        (None, false) => note("no udev rule for BlinkSticks found", "none is needed for the user that runs this"),
    });
    findings
}

/// Whether nothing of it keeps a stick dark.
pub(crate) fn is_well(findings: &[Finding]) -> bool {
    !findings.iter().any(|finding| matches!(finding, Finding::Wrong(..)))
}

/// The findings with their remedies, a line each.
pub(crate) fn text(findings: &[Finding]) -> String {
    findings.iter().fold(String::new(), |text, finding| match finding {
        Finding::Good(what) => format!("{text}ok     {what}\n"),
        Finding::Note(what, remedy) => format!("{text}note   {what}\n       {remedy}\n"),
        Finding::Wrong(what, remedy) => format!("{text}WRONG  {what}\n       {remedy}\n"),
    })
}

const RULE_REMEDY: &str = "lightd udev-rules | sudo tee /etc/udev/rules.d/60-podlight.rules, then replug the stick";

fn note(what: &str, remedy: &str) -> Finding {
    Finding::Note(what.to_owned(), remedy.to_owned())
}

fn wrong(what: &str, remedy: &str) -> Finding {
    Finding::Wrong(what.to_owned(), remedy.to_owned())
}

fn of_stick(Found { model, serial, path, answers }: &Found) -> Vec<Finding> {
    let name = match serial.as_str() {
        "" => format!("{model} at {path}"),
        serial => format!("{model} {} at {path}", printable(serial)),
    };
    let Answers { leds, mode: read } = match answers {
        Ok(answers) => answers,
        Err(Problem::Denied { device }) => {
            return vec![wrong(
                &format!("{name}: no permission to open {device}"),
                &format!(
                    "on a host: {RULE_REMEDY}; in a pod: podlight.dev/usb-stick in the container's limits gives it {device}"
                ),
            )];
        }
        Err(Problem::Withheld { device }) => {
            return vec![wrong(
                &format!("{name}: the container may not use {device}, though its file lets anyone in"),
                "ask for podlight.dev/usb-stick in the container's limits; if it does, runc 1.1.3 to 1.1.6 with the systemd \
                 cgroup driver on cgroup v2 leaves out devices that aren't there when it starts: update runc to 1.1.7, or use \
                 the component `privileged`",
            )];
        }
        Err(Problem::Failing { why, .. }) => {
            return vec![wrong(&format!("{name}: {why}"), "replug it, without a hub; try another port or cable")];
        }
        Err(problem) => return vec![wrong(&name, &problem.to_string())],
    };
    let leds = if *leds == 1 { "1 LED".to_owned() } else { format!("{leds} LEDs") };
    let mut findings = vec![match read {
        Some(read) => Finding::Good(format!("{name} answers: {leds}, mode {}", mode(*read))),
        None if model.has_modes() => wrong(&format!("{name} doesn't tell its mode"), "replug it: its firmware should"),
        None => Finding::Good(format!("{name}: {leds}")),
    }];
    if model.mode_to_write(*read).is_some() {
        findings.push(note(
            &format!("{name} isn't in mode {}", mode(Mode::FRAMES)),
            "lightd sets it when it serves, unless it is told --keep-mode",
        ));
    }
    if *model == Model::Unknown {
        findings.push(note(
            &format!("{name} has no serial by which its model could be told"),
            "only its first LED is lit; its maker's tools can give it a serial (BSnnnnnn-M.m)",
        ));
    }
    findings
}

fn mode(mode: u8) -> String {
    format!("{mode} ({})", Mode::name(mode))
}

/// A serial can be garbage, which shall not reach a terminal.
fn printable(serial: &str) -> String {
    serial.escape_default().take(40).collect()
}

/// The udev rule that lets a group open BlinkSticks, with how to install it.
pub(crate) const UDEV_RULES: &str = r#"# Lets lightd open BlinkSticks without being root. To install it:
#
#   lightd udev-rules | sudo tee /etc/udev/rules.d/60-podlight.rules
#   sudo udevadm control --reload
#   sudo udevadm trigger --subsystem-match=usb --attr-match=idVendor=20a0
#
# The group must exist, and lightd's user be in it: sudo groupadd --force --system plugdev
#                                                   sudo usermod --append --groups plugdev USER
# Whoever sits at the machine gets access too (uaccess); for that, the file's name must sort before 73.
SUBSYSTEM=="usb", ATTR{idVendor}=="20a0", ATTR{idProduct}=="41e5", GROUP="plugdev", MODE="0660", TAG+="uaccess"
"#;

#[cfg(test)]
mod tests {
    use super::*;

    fn nano(answers: Result<Answers, Problem>) -> Found {
        Found { model: Model::Nano, serial: "BS012345-3.0".into(), path: "1-1.2".into(), answers }
    }

    fn answers(mode: u8) -> Result<Answers, Problem> {
        Ok(Answers { leds: 2, mode: Some(mode) })
    }

    fn denied() -> Result<Answers, Problem> {
        Err(Problem::Denied { device: "/dev/bus/usb/001/002".into() })
    }

    fn survey(sticks: Vec<Found>) -> Survey {
        Survey { sticks: Ok(sticks), rule: None }
    }

    #[test]
    fn a_list_has_a_row_for_each_stick() {
        let unknown = Found { model: Model::Unknown, serial: String::new(), path: "1-3".into(), answers: denied() };
        assert_eq!(
            list(&survey(vec![nano(answers(2)), unknown])),
            "\
MODEL                        SERIAL        PATH   LEDS  MODE           ACCESS
BlinkStick Nano              BS012345-3.0  1-1.2  2     2 (multi-LED)  ok
BlinkStick of unknown model  -             1-3    -     -              denied
"
        );
    }

    #[test]
    fn a_list_without_sticks_says_so() {
        assert!(list(&survey(vec![])).contains("no BlinkStick"));
        let none = Survey { sticks: Err(Problem::NoUsb("why".into())), rule: None };
        assert!(list(&none).contains("no USB"));
    }

    #[test]
    fn a_stick_that_answers_is_well() {
        let findings = findings(&survey(vec![nano(answers(2))]));
        assert!(is_well(&findings), "{findings:?}");
        let text = text(&findings);
        assert!(text.contains("BS012345-3.0 at 1-1.2 answers: 2 LEDs, mode 2"), "{text}");
    }

    #[test]
    fn what_keeps_a_stick_dark_has_a_remedy() {
        let failing = Err(Problem::Failing { path: "1-1.2".into(), why: "Pipe error".into() });
        let withheld = Err(Problem::Withheld { device: "/dev/bus/usb/001/002".into() });
        for (survey, remedy) in [
            (survey(vec![]), "plug one in"),
            (Survey { sticks: Err(Problem::NoUsb("why".into())), rule: None }, "/dev/bus/usb"),
            (survey(vec![nano(denied())]), "lightd udev-rules"),
            (survey(vec![nano(answers(2)), nano(denied())]), "/dev/bus/usb/001/002"),
            (survey(vec![nano(failing)]), "replug"),
            (survey(vec![nano(withheld)]), "runc 1.1.3 to 1.1.6"),
            (survey(vec![nano(Ok(Answers { leds: 2, mode: None }))]), "replug"),
        ] {
            let findings = findings(&survey);
            let remedies = |finding: &Finding| matches!(finding, Finding::Wrong(_, how) if how.contains(remedy));
            assert!(!is_well(&findings) && findings.iter().any(remedies), "{findings:?}");
        }
    }

    #[test]
    fn a_rule_that_does_not_apply_is_told_from_one_that_is_missing() {
        let text = |rule: Option<&str>, answers| {
            text(&findings(&Survey { sticks: Ok(vec![nano(answers)]), rule: rule.map(str::to_owned) }))
        };
        assert!(text(Some("60-podlight.rules"), denied()).contains("rule installed, but"));
        assert!(text(Some("60-podlight.rules"), answers(2)).contains("rule installed: 60-podlight.rules"));
        assert!(text(None, denied()).contains("no udev rule"));
        assert!(text(None, answers(2)).contains("none is needed"));
    }

    #[test]
    fn a_mode_that_lightd_corrects_is_a_note() {
        let findings = findings(&survey(vec![nano(answers(1))]));
        assert!(is_well(&findings) && text(&findings).contains("note   BlinkStick Nano"), "{findings:?}");
    }

    #[test]
    fn a_garbage_serial_does_not_reach_the_terminal() {
        let found = Found { serial: "\u{1b}[2Jé".into(), ..nano(answers(2)) };
        assert!(list(&survey(vec![found])).is_ascii());
    }

    #[test]
    fn the_rule_matches_blinksticks_only() {
        let effective: Vec<_> = UDEV_RULES.lines().filter(|line| !line.starts_with('#')).collect();
        let ours = format!(r#"ATTR{{idVendor}}=="{VENDOR:04x}", ATTR{{idProduct}}=="{PRODUCT:04x}""#);
        let rule = format!(r#"SUBSYSTEM=="usb", {ours}, GROUP="plugdev", MODE="0660", TAG+="uaccess""#);
        assert_eq!(effective, [rule]);
    }
}
