//! The command line, any words, one a line. Then the same words as the names of sticks and colors.

use std::str::FromStr;

use clap::Parser as _;
use lightd::{Settings, StickName};
use podlight_proto::Color;

pub(crate) fn check(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(settings) = Settings::try_parse_from(["lightd"].into_iter().chain(text.lines())) {
        assert!(!settings.stick.is_empty(), "there is always a stick to drive");
        assert!(settings.max_brightness > 0, "a light is never dimmed to nothing");
    }
    for word in text.lines() {
        survives::<StickName>(word);
        survives::<Color>(word);
    }
}

/// What is understood and said again means the same.
fn survives<T: FromStr + ToString + PartialEq>(word: &str) {
    if let Ok(value) = word.parse::<T>() {
        let said = value.to_string();
        assert!(said.parse::<T>().is_ok_and(|again| again == value), "{word:?} is said as {said:?}");
    }
}
