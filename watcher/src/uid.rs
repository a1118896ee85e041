//! A pod's uid, in as few bytes as it takes: 16.

use std::num::NonZeroU8;

/// What tells a pod from all others that ever were, also from those of the same name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Uid {
    /// A UUID in its canonical form, as API servers make them. The byte that holds its version is none that is zero, which leaves
    /// room to tell it from what is odd.
    Uuid([u8; 6], NonZeroU8, [u8; 9]),
    /// Anything else: the API promises no form. A static pod's is the hash of its manifest.
    Odd(Box<Box<str>>),
}

impl From<&str> for Uid {
    fn from(text: &str) -> Self {
        uuid(text).and_then(Self::uuid).unwrap_or_else(|| Self::Odd(Box::new(text.into())))
    }
}

impl Uid {
    fn uuid([a, b, c, d, e, f, version, rest @ ..]: [u8; 16]) -> Option<Self> {
        Some(Self::Uuid([a, b, c, d, e, f], NonZeroU8::new(version)?, rest))
    }
}

/// Only the canonical form, so that two texts never make one uid.
fn uuid(text: &str) -> Option<[u8; 16]> {
    const HYPHENS: [usize; 4] = [8, 13, 18, 23];

    let text = text.as_bytes();
    if text.len() != 36 || HYPHENS.iter().any(|&i| text[i] != b'-') {
        return None;
    }
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let mut digits = text.iter().enumerate().filter(|(i, _)| !HYPHENS.contains(i)).map(|(_, byte)| digit(*byte));
    let mut uuid = [0; 16];
    for byte in &mut uuid {
        *byte = digits.next()?? << 4 | digits.next()??;
    }
    Some(uuid)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_canonical_uuid_takes_16_bytes() {
        let uid = Uid::from("0123abcd-4567-89ef-0000-fedcba987654");
        let bytes = [1, 0x23, 0xab, 0xcd, 0x45, 0x67, 0x89, 0xef, 0, 0, 0xfe, 0xdc, 0xba, 0x98, 0x76, 0x54];
        assert_eq!(Some(&uid), Uid::uuid(bytes).as_ref());
        assert!(matches!(uid, Uid::Uuid(..)));
        assert_eq!(size_of::<Uid>(), 16);
    }

    #[test]
    fn two_texts_never_make_one_uid() {
        for text in [
            "",
            "0123ABCD-4567-89ef-0000-fedcba987654",
            "0123abcd-4567-89ef-0000-fedcba98765",
            "0123abcd-4567-00ef-0000-fedcba987654",
            "00000000-0000-0000-0000-000000000000",
            "0123abcd04567-89ef-0000-fedcba987654",
            "0123abcd-4567-89ef-0000-fedcba98765-",
            "d1e2ad5bc4b5e0b3d3ee2ba3f4d1c2b3",
            "äääääääääääääääääää",
        ] {
            assert_eq!(Uid::from(text), Uid::Odd(Box::new(text.into())));
        }
    }
}
