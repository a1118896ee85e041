//! Makes the requests of kubelets before 1.26 readable. Pure: bytes in, bytes out.
//!
//! They name the path of the plugin's socket as the `:authority` of a request, which is none (RFC 3986), and the HTTP/2 that
//! tonic brings refuses it. Nobody needs the authority of a socket, so it is replaced by one that is as long: both sides
//! keep tables of the headers that were sent, with the lengths counted (RFC 7541, 4.1), and they must stay alike. All
//! else passes as it is, also what can't be read: to refuse it is the server's business.

/// What a client's side begins with (RFC 9113, 3.4).
const PREFACE: usize = 24;
/// Length, type, flags, stream (RFC 9113, 4.1).
const HEADER: usize = 9;
const HEADERS: u8 = 1;
const END_HEADERS: u8 = 0x4;
const PADDED: u8 = 0x8;
const PRIORITY: u8 = 0x20;
/// What every peer takes (RFC 9113, 4.2).
const LARGEST_FRAME: usize = 16_384;
/// `:authority` in the static table (RFC 7541, A).
const AUTHORITY: usize = 1;
/// The first code of each length in the Huffman code, and how many there are: it is canonical (RFC 7541, B), so that
/// symbols can be counted without knowing them. The last one of 30 bits ends a text, and is never sent.
const CODES: [u32; 31] =
    [0, 0, 0, 0, 0, 10, 26, 32, 6, 0, 5, 3, 2, 6, 2, 3, 0, 0, 0, 3, 8, 13, 26, 29, 12, 4, 15, 19, 29, 0, 4];

/// What was read of a connection and not passed on yet.
#[derive(Debug, Default)]
pub(super) struct Reading {
    pending: Vec<u8>,
    begun: bool,
}

impl Reading {
    /// Takes what came, and adds to `out` what can be passed on.
    pub(super) fn push(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        self.pending.extend_from_slice(bytes);
        let mut rest = self.pending.as_slice();
        if !self.begun {
            let Some((preface, frames)) = rest.split_at_checked(PREFACE) else { return };
            out.extend_from_slice(preface);
            self.begun = true;
            rest = frames;
        }
        while let Some((frame, others)) = frame(rest) {
            match with_authority(frame) {
                Some(readable) => out.extend(readable),
                None => out.extend_from_slice(frame),
            }
            rest = others;
        }
        let begun = self.pending.len() - rest.len();
        self.pending.drain(..begun);
    }
}

/// The first frame, and what follows; or all there is, where that is no frame that anyone takes.
fn frame(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let length = bytes.get(..3)?.iter().fold(0, |length, byte| length << 8 | usize::from(*byte));
    if length > LARGEST_FRAME {
        return bytes.split_at_checked(bytes.len());
    }
    bytes.split_at_checked(HEADER + length)
}

/// The frame with a name as its authority. None where it has no authority of its own, or more than one can tell.
fn with_authority(frame: &[u8]) -> Option<Vec<u8>> {
    let (header, payload) = frame.split_at_checked(HEADER)?;
    let (kind, flags) = (header[3], header[4]);
    if kind != HEADERS || flags & END_HEADERS == 0 || flags & PADDED != 0 {
        return None;
    }
    let (priority, block) = payload.split_at_checked(if flags & PRIORITY == 0 { 0 } else { 5 })?;
    let value = authority(block)?;
    let name = "x".repeat(symbols(&block[value.clone()])?);
    let mut text = Vec::new();
    put_length(name.len(), &mut text);
    text.extend(name.bytes());
    let payload = [priority, &block[..value.start], &text, &block[value.end..]].concat();
    let length = u32::try_from(payload.len()).ok().filter(|_| payload.len() <= LARGEST_FRAME)?;
    Some([&length.to_be_bytes()[1..], &header[3..], &payload].concat())
}

/// Where in a block of headers the authority is spelled out.
fn authority(block: &[u8]) -> Option<std::ops::Range<usize>> {
    let mut at = 0;
    while at < block.len() {
        let first = block[at];
        // Which forms there are: RFC 7541, 6.
        let bits = match first {
            0x80.. => 7,
            0x40.. => 6,
            0x20.. => 5,
            _ => 4,
        };
        let (index, after) = integer(block, at, bits)?;
        at = after;
        // An entry of the table, or its size.
        if bits == 7 || bits == 5 {
            continue;
        }
        if index == 0 {
            at = text(block, at)?;
        }
        let end = text(block, at)?;
        if index == AUTHORITY {
            return Some(at..end);
        }
        at = end;
    }
    None
}

/// The number in the lower `bits` of the byte there and in those that follow, and where it ends (RFC 7541, 5.1).
fn integer(block: &[u8], at: usize, bits: u8) -> Option<(usize, usize)> {
    let most = (1_usize << bits) - 1;
    let mut value = usize::from(*block.get(at)?) & most;
    if value < most {
        return Some((value, at + 1));
    }
    for (position, byte) in block.iter().enumerate().skip(at + 1).take(3) {
        value += usize::from(byte & 0x7f) << (7 * (position - at - 1));
        if byte & 0x80 == 0 {
            return Some((value, position + 1));
        }
    }
    None
}

/// Where the text that begins there ends (RFC 7541, 5.2).
fn text(block: &[u8], at: usize) -> Option<usize> {
    let (length, start) = integer(block, at, 7)?;
    (start + length <= block.len()).then_some(start + length)
}

/// How many symbols an encoded text has.
fn symbols(text: &[u8]) -> Option<usize> {
    let (length, start) = integer(text, 0, 7)?;
    if text[0] & 0x80 == 0 {
        return Some(length);
    }
    let (mut symbols, mut code, mut first, mut bits) = (0, 0_u32, 0_u32, 0);
    for bit in text[start..].iter().flat_map(|byte| (0..8).rev().map(move |bit| u32::from(byte >> bit & 1))) {
        bits += 1;
        code = code << 1 | bit;
        first <<= 1;
        let count = *CODES.get(bits)?;
        if code - first < count {
            symbols += 1;
            (code, first, bits) = (0, 0, 0);
        } else {
            first += count;
        }
    }
    Some(symbols)
}

fn put_length(length: usize, text: &mut Vec<u8>) {
    let low = |value: usize| u8::try_from(value & 0x7f).unwrap_or_default();
    if length < 127 {
        return text.push(low(length));
    }
    text.push(127);
    let mut rest = length - 127;
    while rest > 127 {
        text.push(low(rest) | 0x80);
        rest >>= 7;
    }
    text.push(low(rest));
}

#[cfg(test)]
mod tests;
