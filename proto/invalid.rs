//! What is wrong with a message, in words that help whoever sent it.

use std::borrow::Cow;

/// A field that breaks an obligation of the contract.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {value} is not valid; give {want}")]
pub struct Invalid {
    field: String,
    value: String,
    want: Cow<'static, str>,
}

impl Invalid {
    /// `field` has `value`, where `want` would be right.
    pub fn new(field: impl Into<String>, value: impl Into<String>, want: impl Into<Cow<'static, str>>) -> Self {
        Self { field: field.into(), value: value.into(), want: want.into() }
    }

    /// `field` is missing, where `want` would be right.
    pub fn missing(field: impl Into<String>, want: impl Into<Cow<'static, str>>) -> Self {
        Self::new(field, "nothing", want)
    }

    /// The same, where the field stands inside the field `outer`.
    #[must_use]
    pub fn within(mut self, outer: &str) -> Self {
        self.field = format!("{outer}.{}", self.field);
        self
    }
}

impl From<Invalid> for tonic::Status {
    fn from(invalid: Invalid) -> Self {
        Self::invalid_argument(invalid.to_string())
    }
}

/// Text of at most `max` bytes.
pub(crate) fn bounded(field: &str, text: String, max: usize, want: &'static str) -> Result<String, Invalid> {
    if text.len() > max { Err(Invalid::new(field, format!("a text of {} bytes", text.len()), want)) } else { Ok(text) }
}
