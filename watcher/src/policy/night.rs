//! How bright it is, by day and by night. Pure: time zones come with the program, and `now` is an argument.

use jiff::civil::Time;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};

use crate::policy::Palette;

/// How bright lights are, in percent of their looks' colors.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Brightness {
    /// Outside of the night.
    pub day: u8,
    /// When and how it differs.
    pub night: Option<Night>,
}

/// A time of each day at which lights are less bright.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Night {
    /// When it begins, by the clocks of the zone.
    pub from: Time,
    /// When it ends, on the same or on the next day.
    pub to: Time,
    /// By whose clocks.
    pub zone: TimeZone,
    /// How bright it is then.
    pub brightness: u8,
    /// How bright pods that have failed and nodes that are not ready are then.
    pub failures: u8,
}

impl Default for Brightness {
    fn default() -> Self {
        Self { day: 100, night: None }
    }
}

impl Brightness {
    /// The palette as it shows at `now`.
    pub fn palette(&self, palette: &Palette, now: Timestamp) -> Palette {
        match &self.night {
            Some(night) if night.is(now) => palette.dimmed(night.failures, night.brightness),
            _ => palette.dimmed(self.day, self.day),
        }
    }

    /// When that changes next, if ever.
    pub fn changes(&self, now: Timestamp) -> Option<Timestamp> {
        let night = self.night.as_ref()?;
        night.turns(now).filter(|(at, _)| *at > now).map(|(at, _)| at).min()
    }
}

impl Night {
    /// Whether it is night at `now`: whether it began last, or ended.
    fn is(&self, now: Timestamp) -> bool {
        self.turns(now).filter(|(at, _)| *at <= now).max().is_some_and(|(_, begins)| begins)
    }

    /// When nights begin (true) and end (false) around `now`. What a clock skips in spring comes when it has skipped it.
    fn turns(&self, now: Timestamp) -> impl Iterator<Item = (Timestamp, bool)> {
        let today = now.to_zoned(self.zone.clone()).date();
        (-2..=2).flat_map(move |days| {
            let date = today.checked_add(days.days()).ok();
            [(self.from, true), (self.to, false)].into_iter().filter_map(move |(time, begins)| {
                let turn = date?.to_datetime(time).to_zoned(self.zone.clone()).ok()?;
                Some((turn.timestamp(), begins))
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::time;
    use jiff::tz::TimeZoneDatabase;

    use super::*;

    fn night(from: Time, to: Time, zone: &str) -> Brightness {
        let zone = TimeZoneDatabase::bundled().get(zone).unwrap();
        Brightness { day: 100, night: Some(Night { from, to, zone, brightness: 20, failures: 100 }) }
    }

    fn is_night(brightness: &Brightness, now: &str) -> bool {
        let now = now.parse().unwrap();
        assert!(brightness.changes(now).unwrap() > now);
        brightness.palette(&Palette::default(), now) != Palette::default()
    }

    #[test]
    fn a_night_goes_over_midnight_by_the_clocks_of_its_zone() {
        let berlin = night(time(22, 0, 0, 0), time(7, 0, 0, 0), "Europe/Berlin");
        for (now, want) in [
            ("2025-06-01T19:59:59Z", false),
            ("2025-06-01T20:00:00Z", true),
            ("2025-06-02T04:59:59Z", true),
            ("2025-06-02T05:00:00Z", false),
            ("2025-12-01T20:30:00Z", false),
            ("2025-12-01T21:00:00Z", true),
        ] {
            assert_eq!(is_night(&berlin, now), want, "{now}");
        }
        let noon = night(time(12, 0, 0, 0), time(13, 0, 0, 0), "Asia/Kathmandu");
        assert!(is_night(&noon, "2025-06-01T06:15:00Z") && !is_night(&noon, "2025-06-01T07:15:00Z"));
    }

    #[test]
    fn it_changes_when_it_says_so_also_where_clocks_are_put_forward_or_back() {
        for (from, to, day) in
            [((2, 30), (7, 0), "2025-03-30"), ((22, 0), (2, 30), "2025-10-26"), ((22, 0), (2, 30), "2025-03-30")]
        {
            let brightness = night(time(from.0, from.1, 0, 0), time(to.0, to.1, 0, 0), "Europe/Berlin");
            let mut now: Timestamp = format!("{day}T00:00:00Z").parse().unwrap();
            for _ in 0..4 {
                let next = brightness.changes(now).unwrap();
                let before = next.checked_sub(jiff::SignedDuration::from_nanos(1)).unwrap();
                let shows = |at| brightness.palette(&Palette::default(), at);
                assert_eq!(shows(before), shows(now), "nothing changes before {next}");
                assert_ne!(shows(before), shows(next), "it changes at {next}");
                now = next;
            }
        }
    }

    #[test]
    fn without_a_night_nothing_changes() {
        assert_eq!(Brightness::default().changes(Timestamp::UNIX_EPOCH), None);
        assert_eq!(Brightness::default().palette(&Palette::default(), Timestamp::UNIX_EPOCH), Palette::default());
    }
}
