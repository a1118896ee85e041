//! Pure: what Prometheus reads of lightd, and whether it lives and is ready, from the state of the light and what was
//! counted. docs/metrics.md says what each metric means.

use std::time::{Duration, Instant};

use podlight_metrics::Page;
use podlight_proto::v1;

use crate::counts::{Counts, read};

/// A stick's loop goes on once a second at least. A transfer that nobody answers holds it up for a second, the opening
/// of a stick for several.
const STANDSTILL: Duration = Duration::from_secs(30);

/// All metrics of a light that is in this state at some moment.
pub(crate) fn page(light: &v1::LightState, counts: &Counts) -> Page {
    let mut page = Page::default();
    page.gauge("podlight_build_info", "1, with the version that runs.")
        .of(&[("component", "lightd"), ("version", env!("CARGO_PKG_VERSION"))], true);
    let mut layer = page.gauge("podlight_light_layer", "1 for the layer that decides what shows, 0 for all others.");
    // As the contract calls them; 0 is none.
    for known in (1..).map_while(|number| v1::Layer::try_from(number).ok()) {
        layer.of(&[("layer", &known.as_str_name().to_lowercase())], light.layer() == known);
    }
    let watcher = light.watcher.as_ref();
    let lease = watcher.and_then(|watcher| watcher.remaining);
    page.gauge(
        "podlight_light_lease_seconds",
        "Time left of the watcher's lease; 0 where it has lapsed or there is none.",
    )
    .is(lease.and_then(|left| Duration::try_from(left).ok()).unwrap_or_default());
    page.gauge("podlight_light_epoch", "The epoch of the last watcher that was obeyed; 0 where there was none.")
        .is(watcher.map_or(0, |watcher| watcher.epoch));
    callers(&mut page, counts);
    let mut present = page.gauge("podlight_stick_present", "1 where the stick is there and shows what it should.");
    for stick in &light.sticks {
        present.of(&[("stick", &stick.name)], stick.present);
    }
    let mut sticks = |name, help, of: fn(&crate::counts::Odometer) -> u64| {
        let mut family = page.counter(name, help);
        for (stick, odometer) in &counts.sticks {
            family.of(&[("stick", stick)], of(odometer));
        }
    };
    sticks("podlight_stick_frames_total", "Frames that the stick took.", |stick| read(&stick.frames));
    sticks("podlight_stick_transfers_total", "USB transfers of frames, failed ones among them.", |stick| {
        read(&stick.transfers)
    });
    sticks(
        "podlight_stick_retries_total",
        "Frames that were sent again because the stick didn't take them.",
        |stick| read(&stick.retries),
    );
    sticks("podlight_stick_reopenings_total", "Times that the stick was opened again after it was lost.", |stick| {
        read(&stick.openings).saturating_sub(1)
    });
    page
}

fn callers(page: &mut Page, counts: &Counts) {
    let callers = &counts.callers;
    page.counter("podlight_light_commands_total", "Commands of watchers, by what became of them.")
        .of(&[("outcome", "applied")], read(&callers.applied))
        .of(&[("outcome", "fenced")], read(&callers.fenced))
        .of(&[("outcome", "invalid")], read(&callers.invalid))
        .of(&[("outcome", "late")], read(&callers.late));
    page.counter("podlight_connections_dismissed_total", "Connections that were closed to make room for others.")
        .is(read(&callers.dismissed));
}

/// Why lightd should be started anew at `now`, if it should: a stick's loop stands still. That there is no stick, or no
/// watcher, is no reason: neither would be there then.
pub(crate) fn ails(counts: &Counts, now: Instant) -> Option<String> {
    let still = |(name, time): (&String, Duration)| {
        (time > STANDSTILL).then(|| format!("the loop of stick {name} stands still for {} s", time.as_secs()))
    };
    counts.sticks.iter().filter_map(|(name, odometer)| Some((name, odometer.stood_still(now)?))).find_map(still)
}

/// Why nobody should count on this lightd at `now`, if nobody should: as above, or a stick's loop is yet to begin.
pub(crate) fn unready(counts: &Counts, now: Instant) -> Option<String> {
    let idle = counts.sticks.iter().find(|(_, odometer)| odometer.stood_still(now).is_none());
    idle.map(|(name, _)| format!("the loop of stick {name} hasn't begun")).or_else(|| ails(counts, now))
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "any instant does, to count from")]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::counts::{Callers, Odometer, count};

    fn counts(now: Instant) -> Counts {
        Counts { sticks: vec![("usb".to_owned(), Arc::new(Odometer::new(now)))], callers: Callers::default() }
    }

    #[test]
    fn what_is_so_and_what_was_counted_is_on_the_page() {
        let counts = counts(Instant::now());
        let [(_, stick)] = &counts.sticks[..] else { unreachable!("one stick") };
        for counter in [&stick.openings, &stick.openings, &stick.frames, &counts.callers.fenced] {
            count(counter);
        }
        let remaining = prost_types::Duration { seconds: 9, nanos: 500_000_000 };
        let watcher = v1::WatcherState { epoch: 7, remaining: Some(remaining), ..v1::WatcherState::default() };
        let usb = v1::StickState { name: "usb".to_owned(), present: true, ..v1::StickState::default() };
        let light = v1::LightState {
            layer: v1::Layer::Manual.into(),
            watcher: Some(watcher),
            sticks: vec![usb],
            ..v1::LightState::default()
        };
        let text = page(&light, &counts).into_text();
        for line in [
            "podlight_light_layer{layer=\"manual\"} 1",
            "podlight_light_layer{layer=\"watcher\"} 0",
            "podlight_light_lease_seconds 9.5",
            "podlight_light_epoch 7",
            "podlight_light_commands_total{outcome=\"fenced\"} 1",
            "podlight_stick_present{stick=\"usb\"} 1",
            "podlight_stick_frames_total{stick=\"usb\"} 1",
            "podlight_stick_retries_total{stick=\"usb\"} 0",
            "podlight_stick_reopenings_total{stick=\"usb\"} 1",
        ] {
            assert!(text.lines().any(|known| known == line), "{line}: {text}");
        }
    }

    #[test]
    fn a_loop_that_has_not_begun_is_unready_and_one_that_stands_still_ails() {
        let start = Instant::now();
        let counts = counts(start);
        assert!(unready(&counts, start).is_some_and(|why| why.contains("usb")));
        assert_eq!(ails(&counts, start + 2 * STANDSTILL), None);
        counts.sticks[0].1.turns(start);
        assert_eq!((unready(&counts, start), ails(&counts, start + STANDSTILL)), (None, None));
        let late = start + STANDSTILL + Duration::from_secs(1);
        assert_eq!(ails(&counts, late).as_deref(), Some("the loop of stick usb stands still for 31 s"));
        assert_eq!(unready(&counts, late), ails(&counts, late));
    }
}
