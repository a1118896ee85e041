//! What may be told to lights: until when, and under which epoch. Keeps both; refuses to know what time it is, so that it is
//! asked at the very moment of telling. A process that was stopped for a while doesn't know it, and its timers come late.

use std::time::Instant;

/// The right to tell lights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Term {
    /// Higher than that of any who had the right before.
    pub epoch: u64,
    /// Nothing where nobody else can have it.
    pub until: Option<Instant>,
}

/// That what is known may be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Vouch {
    /// As [`Term::epoch`].
    pub epoch: u64,
    /// The first moment at which it may no longer be.
    pub until: Instant,
}

impl Vouch {
    /// Where there is the right to tell, and what is known is fresh: until either ends.
    pub fn new(term: Option<Term>, fresh_until: Option<Instant>) -> Option<Self> {
        let (Term { epoch, until }, fresh) = (term?, fresh_until?);
        Some(Self { epoch, until: until.map_or(fresh, |until| until.min(fresh)) })
    }

    /// Whether it holds at `now`.
    pub fn holds(self, now: Instant) -> bool {
        now < self.until
    }
}

/// The epoch under which what is known may be told at `now`.
pub fn epoch(vouch: Option<Vouch>, now: Instant) -> Option<u64> {
    vouch.filter(|vouch| vouch.holds(now)).map(|vouch| vouch.epoch)
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "any instant does, to count from")]
mod tests {
    use std::time::Duration;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn what_ends_first_ends_it() {
        let now = Instant::now();
        for (term, fresh, want) in [(2, 3, 2), (3, 2, 2)] {
            let term = Term { epoch: 7, until: Some(now + term * SECOND) };
            let vouch = Vouch::new(Some(term), Some(now + fresh * SECOND));
            let end = now + want * SECOND;
            assert_eq!(epoch(vouch, end - Duration::from_nanos(1)), Some(7));
            assert_eq!(epoch(vouch, end), None);
        }
    }

    #[test]
    fn a_watcher_that_is_alone_tells_what_is_fresh() {
        let now = Instant::now();
        let term = Some(Term { epoch: 7, until: None });
        assert_eq!(epoch(Vouch::new(term, Some(now + SECOND)), now), Some(7));
        assert_eq!(epoch(Vouch::new(term, Some(now + SECOND)), now + SECOND), None);
        assert_eq!(epoch(Vouch::new(term, None), now), None);
    }

    #[test]
    fn without_the_right_nothing_is_told() {
        let now = Instant::now();
        assert_eq!(epoch(Vouch::new(None, Some(now + SECOND)), now), None);
    }
}
