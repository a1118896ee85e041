//! Which stick is whose: each belongs to one port of a light at most, and one that is named is left to who names it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::sysfs::Seen;
use crate::stick::Problem;

/// The sticks that are spoken for, shared by the ports of a light.
#[derive(Clone)]
pub(crate) struct Claims(Arc<Owners>);

struct Owners {
    /// Serials and paths that ports ask for by name.
    named: Vec<String>,
    /// Paths of the sticks that are open, or about to be.
    taken: Mutex<Vec<String>>,
}

impl Claims {
    /// No stick is taken yet; `named` are the serials and paths by which ports ask.
    pub(crate) fn new(named: impl IntoIterator<Item = String>) -> Self {
        Self(Arc::new(Owners { named: named.into_iter().collect(), taken: Mutex::default() }))
    }

    /// Whether a port has the stick.
    pub(super) fn is_taken(&self, seen: &Seen) -> bool {
        self.taken().contains(&seen.path)
    }

    /// Whether the choice can't change by reading the serials that weren't.
    pub(super) fn is_certain(&self, seen: &[Seen], wanted: Option<&str>) -> bool {
        let by_name = || match wanted {
            Some(name) => seen.iter().any(|seen| is(seen, name)),
            None => self.0.named.is_empty(),
        };
        seen.iter().all(|seen| seen.serial.is_some()) || by_name()
    }

    /// Takes the stick that is wanted: by serial or path, or any that nobody names.
    pub(super) fn claim(&self, seen: &[Seen], wanted: Option<&str>) -> Result<(Seen, Claim), Problem> {
        let mut taken = self.taken();
        let chosen = choose(seen, wanted, &self.0.named, &taken)?.clone();
        taken.push(chosen.path.clone());
        let claim = Claim { path: chosen.path.clone(), claims: self.clone() };
        Ok((chosen, claim))
    }

    fn taken(&self) -> MutexGuard<'_, Vec<String>> {
        // Nobody panics halfway through a change.
        self.0.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The right to one stick, given back when dropped.
pub(super) struct Claim {
    path: String,
    claims: Claims,
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.claims.taken().retain(|path| *path != self.path);
    }
}

fn is(seen: &Seen, name: &str) -> bool {
    seen.path == name || seen.serial.as_deref() == Some(name)
}

fn choose<'a>(seen: &'a [Seen], wanted: Option<&str>, named: &[String], taken: &[String]) -> Result<&'a Seen, Problem> {
    let fit: Vec<&Seen> = match wanted {
        Some(wanted) => seen.iter().filter(|seen| is(seen, wanted)).collect(),
        None => seen.iter().filter(|seen| !named.iter().any(|name| is(seen, name))).collect(),
    };
    if let Some(free) = fit.iter().find(|seen| !taken.contains(&seen.path)) {
        return Ok(free);
    }
    match (fit.first().copied().or(seen.first()), wanted) {
        (None, _) => Err(Problem::Absent),
        (Some(_), Some(wanted)) if fit.is_empty() => Err(Problem::NotFound {
            wanted: wanted.to_owned(),
            found: seen.iter().map(described).collect::<Vec<_>>().join(", "),
        }),
        (Some(taken), _) => Err(Problem::Taken { path: taken.path.clone() }),
    }
}

fn described(seen: &Seen) -> String {
    match seen.serial.as_deref() {
        None | Some("") => format!("one without a serial at {}", seen.path),
        Some(serial) => format!("{serial} at {}", seen.path),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(path: &str, serial: &str) -> Seen {
        Seen { path: path.into(), bus: 1, address: 2, bcd_device: 0x0202, serial: Some(serial.into()) }
    }

    fn chosen(wanted: Option<&str>, named: &[&str], taken: &[&str]) -> Result<String, Problem> {
        let owned = |names: &[&str]| names.iter().map(ToString::to_string).collect::<Vec<_>>();
        let sticks = [seen("1-2", "A"), seen("1-10", "B"), seen("2-1", "B")];
        choose(&sticks, wanted, &owned(named), &owned(taken)).map(|seen| seen.path.clone())
    }

    #[test]
    fn the_lowest_free_stick_that_nobody_names_is_chosen() {
        assert_eq!(chosen(None, &[], &[]).unwrap(), "1-2");
        assert_eq!(chosen(None, &["A"], &[]).unwrap(), "1-10");
        assert_eq!(chosen(None, &["1-2"], &["1-10"]).unwrap(), "2-1");
        assert_eq!(chosen(None, &["A"], &["1-10", "2-1"]), Err(Problem::Taken { path: "1-10".into() }));
        assert_eq!(chosen(None, &["A", "B"], &[]), Err(Problem::Taken { path: "1-2".into() }));
    }

    #[test]
    fn a_stick_is_named_by_serial_or_path() {
        assert_eq!(chosen(Some("A"), &["A"], &[]).unwrap(), "1-2");
        assert_eq!(chosen(Some("2-1"), &["2-1"], &[]).unwrap(), "2-1");
        assert_eq!(chosen(Some("B"), &["B"], &["1-10"]).unwrap(), "2-1");
        assert_eq!(chosen(Some("A"), &["A", "A"], &["1-2"]), Err(Problem::Taken { path: "1-2".into() }));
    }

    #[test]
    fn a_name_that_no_stick_has_lists_those_that_are_there() {
        let problem = chosen(Some("C"), &["C"], &[]).unwrap_err();
        assert!(problem.to_string().contains("A at 1-2, B at 1-10, B at 2-1"), "{problem}");
        let nothing = choose(&[], Some("C"), &["C".into()], &[]).unwrap_err();
        assert_eq!(nothing, Problem::Absent);
    }

    #[test]
    fn a_stick_that_is_given_back_is_free() {
        let (claims, sticks) = (Claims::new(["A".into()]), [seen("1-2", "A"), seen("1-10", "B")]);
        let (any, claim) = claims.claim(&sticks, None).unwrap();
        assert_eq!((any.path.as_str(), claims.is_taken(&any)), ("1-10", true));
        assert!(matches!(claims.clone().claim(&sticks, None), Err(Problem::Taken { .. })));
        assert_eq!(claims.claim(&sticks, Some("A")).unwrap().0.path, "1-2");
        drop(claim);
        assert_eq!(claims.claim(&sticks, None).unwrap().0.path, "1-10");
    }

    #[test]
    fn ports_sort_by_number() {
        let mut sticks = [seen("10-1", ""), seen("1-10", ""), seen("1-2.3", ""), seen("1-2", "")];
        sticks.sort_by_key(Seen::order);
        assert_eq!(sticks.map(|seen| seen.path), ["1-2", "1-2.3", "1-10", "10-1"]);
    }
}
