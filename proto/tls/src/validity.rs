//! Pure: from when until when a certificate is valid. Reads so much of it and no more.
//!
//! A certificate is DER (X.690): values of a tag, a length and contents. By RFC 5280, section 4.1, it begins with
//! `{{[0] version, serial, algorithm, issuer, {not before, not after}, …`.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

const SEQUENCE: u8 = 0x30;
const VERSION: u8 = 0xa0;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
const DAY: u64 = 86_400;

/// When a certificate is valid, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Validity {
    pub(crate) from: SystemTime,
    pub(crate) until: SystemTime,
}

impl Validity {
    /// That of a certificate in DER. Nothing where it is none, or is of a time before 1970.
    pub(crate) fn of(certificate: &[u8]) -> Option<Self> {
        let (SEQUENCE, outer, _) = value(certificate)? else { return None };
        let (SEQUENCE, mut rest, _) = value(outer)? else { return None };
        if rest.first() == Some(&VERSION) {
            rest = value(rest)?.2;
        }
        for _serial_algorithm_issuer in 0..3 {
            rest = value(rest)?.2;
        }
        let (SEQUENCE, times, _) = value(rest)? else { return None };
        let (tag, from, rest) = value(times)?;
        let from = time(tag, from)?;
        let (tag, until, _) = value(rest)?;
        Some(Self { from, until: time(tag, until)? })
    }

    /// Whether it holds now.
    pub(crate) fn holds(&self, now: SystemTime) -> bool {
        self.from <= now && now <= self.until
    }

    /// From when on it should have been renewed: cert-manager and others do when a third of it is left.
    pub(crate) fn is_late(&self, now: SystemTime) -> bool {
        let whole = self.until.duration_since(self.from).unwrap_or_default();
        self.until.duration_since(now).map_or(true, |left| left < whole / 6)
    }
}

/// The first value's tag and contents, and what follows it.
fn value(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let [tag, first, rest @ ..] = der else { return None };
    let (length, rest) = if *first < 0x80 {
        (usize::from(*first), rest)
    } else {
        let (bytes, rest) = rest.split_at_checked(usize::from(first & 0x7f)).filter(|(bytes, _)| bytes.len() <= 4)?;
        (bytes.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)), rest)
    };
    let (contents, rest) = rest.split_at_checked(length)?;
    Some((*tag, contents, rest))
}

/// `YYMMDDhhmmssZ` or `YYYYMMDDhhmmssZ`, as RFC 5280 narrows ASN.1's.
fn time(tag: u8, text: &[u8]) -> Option<SystemTime> {
    let digits = text.strip_suffix(b"Z").filter(|digits| digits.iter().all(u8::is_ascii_digit))?;
    let number = |digits: &[u8]| digits.iter().fold(0, |number, digit| number * 10 + u64::from(digit - b'0'));
    let (year, rest) = match (tag, digits.len()) {
        (UTC_TIME, 12) => (number(&digits[..2]), &digits[2..]),
        (GENERALIZED_TIME, 14) => (number(&digits[..4]), &digits[4..]),
        _ => return None,
    };
    let year = match tag {
        UTC_TIME if year < 50 => year + 2000,
        UTC_TIME => year + 1900,
        _ => year,
    };
    let [month, day, hour, minute, second] = [0, 2, 4, 6, 8].map(|at| number(&rest[at..at + 2]));
    let seconds = days(year, month, day)? * DAY + hour * 3_600 + minute * 60 + second;
    Some(UNIX_EPOCH + Duration::from_secs(seconds))
}

/// Days from the first of 1970 to this one, in the Gregorian calendar.
fn days(year: u64, month: u64, day: u64) -> Option<u64> {
    // Before the first of each month, in a year that doesn't leap.
    const BEFORE: [u64; 12] = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];
    let before = BEFORE.get(usize::try_from(month.checked_sub(1)?).ok()?)?;
    // Leap days until the end of a year.
    let leaps = |year: u64| year / 4 - year / 100 + year / 400;
    let whole = year.checked_sub(1970)? * 365 + leaps(year - 1) - leaps(1969);
    let leap = u64::from(month > 2 && leaps(year) > leaps(year - 1));
    Some(whole + before + leap + day.checked_sub(1)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(seconds)
    }

    #[test]
    fn times_are_read_as_the_standard_writes_them() {
        for (tag, text, want) in [
            (UTC_TIME, "700101000000Z", 0),
            (UTC_TIME, "000229235959Z", 951_868_799),
            (UTC_TIME, "491231235959Z", 2_524_607_999),
            (GENERALIZED_TIME, "20500101000000Z", 2_524_608_000),
            (GENERALIZED_TIME, "21000301000000Z", 4_107_542_400),
            (GENERALIZED_TIME, "99991231235959Z", 253_402_300_799),
        ] {
            assert_eq!(time(tag, text.as_bytes()), Some(at(want)), "{text}");
        }
        for (tag, text) in [(UTC_TIME, "500101000000Z"), (UTC_TIME, "701301000000Z"), (UTC_TIME, "7001010000Z")] {
            assert_eq!(time(tag, text.as_bytes()), None, "{text}");
        }
        assert_eq!(time(SEQUENCE, b"700101000000Z"), None);
    }

    #[test]
    fn a_certificate_cut_anywhere_is_none() {
        let authority = crate::authority::Authority::new(at(1_000_000_000), Duration::from_secs(DAY)).unwrap();
        let whole = authority.der();
        let want = Validity { from: at(1_000_000_000), until: at(1_000_000_000 + DAY) };
        assert_eq!(Validity::of(whole), Some(want));
        assert!((0..whole.len()).all(|length| Validity::of(&whole[..length]).is_none()));
    }

    #[test]
    fn it_is_late_when_a_sixth_is_left() {
        let validity = Validity { from: at(0), until: at(600) };
        assert!(validity.holds(at(0)) && validity.holds(at(600)) && !validity.holds(at(601)));
        assert!(!validity.is_late(at(500)) && validity.is_late(at(501)) && validity.is_late(at(700)));
    }
}
