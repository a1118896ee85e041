//! The text of a policy file, any text.
//!
//! What is refused says where, and what would be right, in few words. What is taken is the same once it is printed and read
//! again, and shows what a light takes, by day and by night.

use jiff::{SignedDuration, Timestamp};
use podlight_proto::{Look, v1};
use watcher::policy::{Palette, Policy};
use watcher::standing::PodState;

/// 2025-06-01T12:00:00Z.
const NOON: Timestamp = Timestamp::constant(1_748_779_200, 0);

pub(crate) fn check(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    match Policy::parse(text) {
        Ok(policy) => {
            assert_eq!(Policy::parse(&policy.to_string()).as_ref(), Ok(&policy), "{policy}");
            shows(&policy);
        }
        Err(fault) => {
            // To YAML a lone carriage return breaks a line, too.
            let lines = text.split(['\n', '\r']).count() as u64 + 1;
            assert!((1..=lines).contains(&fault.line) && fault.column >= 1, "{fault}");
            assert!(fault.to_string().len() < 1_000, "{fault}");
        }
    }
}

/// For two days, each time it says that it changes.
fn shows(policy: &Policy) {
    let mut now = NOON;
    loop {
        sound(&policy.brightness.palette(&policy.palette, now), now);
        let Some(next) = policy.brightness.changes(now) else { return };
        assert!(next > now && next.duration_since(now) <= SignedDuration::from_hours(26), "{now} {next}");
        if next > NOON + SignedDuration::from_hours(48) {
            return;
        }
        now = next;
    }
}

fn sound(palette: &Palette, now: Timestamp) {
    let nodes = [palette.node_not_ready, palette.node_pressure, palette.node_cordoned];
    for look in PodState::ALL.map(|state| palette.of(state)).into_iter().chain(nodes) {
        assert_eq!(Look::try_from(v1::Look::from(look)), Ok(look), "{now}");
    }
    assert_eq!(palette.node_unknown, Look::UNKNOWN);
}
