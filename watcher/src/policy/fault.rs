//! What is wrong with a policy file: where, what, and what would be right.

use podlight_proto::Invalid;
use thiserror::Error;

use crate::near::near;

/// What is wrong with a policy file.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("line {line}, column {column}: {problem}")]
pub struct Fault {
    /// Counted from 1.
    pub line: u64,
    /// Counted from 1.
    pub column: u64,
    /// The field, its value, and what would be right.
    pub problem: String,
}

impl Fault {
    pub(super) fn new(at: (u64, u64), problem: impl ToString) -> Self {
        Self { line: at.0, column: at.1, problem: problem.to_string() }
    }

    /// `path` has `value`, where `want` would be right.
    pub(super) fn invalid(at: (u64, u64), path: &str, value: &str, want: impl Into<String>) -> Self {
        Self::new(at, Invalid::new(path, value, want.into()))
    }
}

/// What is nearest to `word`, if any is near: what someone may have meant.
pub(super) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let (distance, name) = *near(word, known).first()?;
    (distance <= name.len() / 3 + 1).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_nearly_right_is_found() {
        let known = ["namespaces", "labels", "color", "effect"];
        for (word, want) in [
            ("colour", Some("color")),
            ("namespace", Some("namespaces")),
            ("lables", Some("labels")),
            ("Effect", Some("effect")),
            ("brightness", None),
            ("", None),
        ] {
            assert_eq!(nearest(word, known), want, "{word}");
        }
        assert_eq!(nearest("x", []), None);
    }
}
