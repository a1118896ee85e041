//! Looks at every stick of the host without changing any, for `lightd list` and `lightd doctor`.

use std::fs;
use std::path::PathBuf;

use super::{look, open, sysfs::Seen, told::Told};
use crate::blinkstick::{Model, PRODUCT, VENDOR, Wire};
use crate::doctor::{Answers, Found, Survey};
use crate::stick::Problem;

/// Where udev looks for rules.
const RULES: [&str; 4] = ["/etc/udev/rules.d", "/run/udev/rules.d", "/usr/lib/udev/rules.d", "/lib/udev/rules.d"];

/// Every stick that is plugged in, and whether udev knows them. Blocks while sticks answer, up to seconds each where
/// they don't.
pub(crate) fn survey() -> Survey {
    let sticks = look().map(|seen| seen.into_iter().map(found).collect());
    Survey { sticks, rule: rule().map(|path| path.display().to_string()) }
}

fn found(seen: Seen) -> Found {
    let told = open(&seen).and_then(|handle| {
        let failing = |error: rusb::Error| Problem::Failing { path: seen.path.clone(), why: error.to_string() };
        Told::ask(&handle, &seen).map_err(failing)
    });
    let serial = match &told {
        Ok(told) => told.serial.clone(),
        Err(_) => seen.serial.clone().unwrap_or_default(),
    };
    Found {
        model: Model::of(&serial, seen.bcd_device),
        serial,
        path: seen.path,
        // In the mode that it is served in.
        answers: told.map(|Told { model, mode, count, .. }| Answers {
            leds: Wire::of(model, model.mode_to_write(mode).or(mode), count).leds(),
            mode,
        }),
    }
}

/// The first rule that speaks of BlinkSticks.
fn rule() -> Option<PathBuf> {
    let files = RULES.iter().filter_map(|folder| fs::read_dir(folder).ok()).flatten().flatten();
    let (vendor, product) = (format!("{VENDOR:04x}"), format!("{PRODUCT:04x}"));
    files.map(|file| file.path()).find(|path| {
        let text = fs::read_to_string(path).unwrap_or_default().to_lowercase();
        text.lines()
            .any(|line| !line.trim_start().starts_with('#') && line.contains(&vendor) && line.contains(&product))
    })
}
