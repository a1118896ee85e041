//! Texts with gaps. A gap is `$` and a name in small letters; line breaks and what indents the next line are left out, so
//! that long JSON can be read here and is compact there.

use jiff::{Timestamp, ToSpan as _};

/// Writes `text` with these values in its gaps.
pub(super) fn fill(out: &mut Vec<u8>, text: &str, values: &[(&str, &str)]) {
    for line in text.lines() {
        let mut pieces = line.trim_start().split('$');
        out.extend_from_slice(pieces.next().unwrap_or_default().as_bytes());
        for piece in pieces {
            let (name, rest) = piece.split_at(piece.find(|c: char| !c.is_ascii_lowercase()).unwrap_or(piece.len()));
            let value = values.iter().find(|(known, _)| *known == name).map(|(_, value)| *value);
            debug_assert!(value.is_some(), "nothing for ${name}");
            out.extend_from_slice(value.unwrap_or_default().as_bytes());
            out.extend_from_slice(rest.as_bytes());
        }
    }
}

/// So many seconds after `now`, as the API writes it.
pub(super) fn moment(now: Timestamp, seconds: i64) -> String {
    let time = now.saturating_add(seconds.seconds()).unwrap_or(now);
    // It has no fraction, as `now` has none.
    time.to_string()
}
