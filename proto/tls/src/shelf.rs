//! Pure: which reading of the files counts, as they change while they are read. Refuses to know how they are read, and when.
//!
//! Three files aren't replaced at one moment, so what doesn't fit together may just be half of a change: only what is
//! read alike twice is judged. What is bad is refused, and what was good stays.

use std::sync::Arc;
use std::time::SystemTime;

use crate::files::Files;
use crate::papers::{BadPapers, Papers, Reading};
use crate::words::day;

/// The reading that counts, and one that doesn't yet.
pub(crate) struct Shelf {
    files: Files,
    papers: Arc<Papers>,
    /// What they were read from.
    good: Reading,
    /// What was read last, where that is something else, and whether it was refused.
    other: Option<(Result<Reading, BadPapers>, bool)>,
    warned: Age,
}

/// How old the papers are, as last told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Age {
    Good,
    /// They should have been renewed by now.
    Late,
    /// They aren't valid.
    Over,
}

/// What a look at the files brings.
#[derive(Debug)]
pub(crate) enum News {
    /// Nothing that hasn't been told.
    Nothing,
    /// New papers count from now on.
    New(Arc<Papers>),
    /// What is there is refused, and the old ones stay.
    Refused(BadPapers),
    /// The papers that count are of another age than told last.
    Aged(Age),
}

impl Shelf {
    /// What was read first.
    ///
    /// # Errors
    /// It is bad, and there is nothing older.
    pub(crate) fn new(files: Files, first: Reading) -> Result<Self, BadPapers> {
        let papers = Arc::new(Papers::parse(&files, &first)?);
        Ok(Self { files, papers, good: first, other: None, warned: Age::Good })
    }

    /// Those that count.
    pub(crate) const fn papers(&self) -> &Arc<Papers> {
        &self.papers
    }

    /// Takes in what the files hold now.
    pub(crate) fn look(&mut self, read: Result<Reading, BadPapers>, now: SystemTime) -> News {
        if read.as_ref() == Ok(&self.good) {
            self.other = None;
            return self.age(now);
        }
        let (seen, refused) = match self.other.take() {
            Some((other, refused)) if other == read => (true, refused),
            _ => (false, false),
        };
        let judged = match &read {
            _ if !seen => None,
            Ok(reading) => Some(self.fit(reading, now)),
            Err(bad) => Some(Err(bad.clone())),
        };
        match (judged, read) {
            (Some(Ok(papers)), Ok(reading)) => {
                self.papers = Arc::new(papers);
                self.good = reading;
                self.warned = Age::Good;
                News::New(Arc::clone(&self.papers))
            }
            (Some(Err(bad)), read) => {
                self.other = Some((read, true));
                if refused { self.age(now) } else { News::Refused(bad) }
            }
            (_, read) => {
                self.other = Some((read, false));
                self.age(now)
            }
        }
    }

    /// The papers of `reading`, where they are no worse than those that count.
    fn fit(&self, reading: &Reading, now: SystemTime) -> Result<Papers, BadPapers> {
        let papers = Papers::parse(&self.files, reading)?;
        if papers.validity.holds(now) || !self.papers.validity.holds(now) {
            return Ok(papers);
        }
        Err(BadPapers(format!("{}: it is {papers}, and now it is {}", self.files.cert, day(now))))
    }

    fn age(&mut self, now: SystemTime) -> News {
        let validity = self.papers.validity;
        let age = match (validity.holds(now), validity.is_late(now)) {
            (false, _) => Age::Over,
            (true, true) => Age::Late,
            (true, false) => Age::Good,
        };
        if std::mem::replace(&mut self.warned, age) == age { News::Nothing } else { News::Aged(age) }
    }
}

#[cfg(test)]
mod tests;
