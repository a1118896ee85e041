//! The fields of a message in protobuf, one after the other, where they lie: nothing is copied, and what isn't used is passed
//! over by its length. Knows no message.

use prost::encoding::{DecodeContext, WireType, decode_key, decode_varint, skip_field};

use super::Malformed;

/// What is left of a message.
pub(super) struct Fields<'a>(pub(super) &'a [u8]);

/// What is in a field.
#[derive(Clone, Copy, Debug)]
pub(super) enum Value<'a> {
    Number(u64),
    /// A text, a message, or bytes.
    Piece(&'a [u8]),
    /// What no field has that is used.
    Other,
}

impl<'a> Fields<'a> {
    /// The next field, by its number in the message; nothing behind the last one.
    pub(super) fn next(&mut self) -> Result<Option<(u32, Value<'a>)>, Malformed> {
        let Self(rest) = self;
        if rest.is_empty() {
            return Ok(None);
        }
        let (number, kind) = decode_key(rest).map_err(Malformed::new)?;
        let value = match kind {
            WireType::Varint => Value::Number(decode_varint(rest).map_err(Malformed::new)?),
            WireType::LengthDelimited => {
                let length = decode_varint(rest).map_err(Malformed::new)?;
                let piece = usize::try_from(length).ok().and_then(|length| rest.split_at_checked(length));
                let (piece, behind) = piece.ok_or_else(|| Malformed::new("a field ends beyond its message"))?;
                *rest = behind;
                Value::Piece(piece)
            }
            WireType::ThirtyTwoBit | WireType::SixtyFourBit | WireType::StartGroup | WireType::EndGroup => {
                skip_field(kind, number, rest, DecodeContext::default()).map_err(Malformed::new)?;
                Value::Other
            }
        };
        Ok(Some((number, value)))
    }
}

impl<'a> Value<'a> {
    pub(super) fn piece(self) -> Result<&'a [u8], Malformed> {
        if let Self::Piece(piece) = self { Ok(piece) } else { Err(Malformed::new("a field without a length")) }
    }

    pub(super) fn text(self) -> Result<&'a str, Malformed> {
        std::str::from_utf8(self.piece()?).map_err(Malformed::new)
    }

    pub(super) fn owned(self) -> Result<String, Malformed> {
        self.text().map(str::to_owned)
    }

    /// A number that fits.
    pub(super) fn number<T: TryFrom<i64>>(self) -> Result<T, Malformed> {
        let Self::Number(number) = self else { return Err(Malformed::new("a field that is no number")) };
        T::try_from(number.cast_signed()).map_err(|_| Malformed::new("a number beyond what it may be"))
    }

    pub(super) fn truth(self) -> Result<bool, Malformed> {
        self.number::<i64>().map(|number| number != 0)
    }
}
