//! Against the bytes that grpc-go sends, and against the decoder that has to read what comes out.

use super::*;

/// `/var/lib/kubelet/device-plugins/podlight-usb-stick.sock`, plain.
const PATH: &[u8] = b"/var/lib/kubelet/device-plugins/podlight-usb-stick.sock";

fn frame_of(kind: u8, flags: u8, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags, 0, 0, 0, 1], payload].concat()
}

/// `:method POST`, `:scheme http`, `:path /a`, then the authority, `te trailers` after it.
fn block(authority: &[u8]) -> Vec<u8> {
    [&[0x83, 0x86, 0x44, 0x02, b'/', b'a', 0x41], authority, &[0x40, 0x02, b't', b'e', 0x01, b'x']].concat()
}

fn plain(text: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    put_length(text.len(), &mut bytes);
    [&bytes, text].concat()
}

fn passed(bytes: &[u8]) -> Vec<u8> {
    let (mut reading, mut out) = (Reading::default(), Vec::new());
    reading.push(bytes, &mut out);
    out
}

const START: &[u8; PREFACE] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

#[test]
fn an_authority_becomes_a_name_of_the_same_length() {
    let request = [START.as_slice(), &frame_of(HEADERS, END_HEADERS, &block(&plain(PATH)))].concat();
    let name = "x".repeat(PATH.len());
    let expected = [START.as_slice(), &frame_of(HEADERS, END_HEADERS, &block(&plain(name.as_bytes())))].concat();
    assert_eq!(passed(&request), expected);
}

#[test]
fn an_authority_that_is_encoded_is_counted_in_symbols() {
    // RFC 7541, C.4.1: "www.example.com".
    let encoded = [0x8c, 0xf1, 0xe3, 0xc2, 0xe5, 0xf2, 0x3a, 0x6b, 0xa0, 0xab, 0x90, 0xf4, 0xff];
    assert_eq!(symbols(&encoded), Some(15));
    // C.6.1: "Mon, 21 Oct 2013 20:13:21 GMT", and "https://www.example.com".
    let date = [
        0x96, 0xd0, 0x7a, 0xbe, 0x94, 0x10, 0x54, 0xd4, 0x44, 0xa8, 0x20, 0x05, 0x95, 0x04, 0x0b, 0x81, 0x66, 0xe0,
        0x82, 0xa6, 0x2d, 0x1b, 0xff,
    ];
    assert_eq!(symbols(&date), Some(29));
    let link =
        [0x91, 0x9d, 0x29, 0xad, 0x17, 0x18, 0x63, 0xc7, 0x8f, 0x0b, 0x97, 0xc8, 0xe9, 0xae, 0x82, 0xae, 0x43, 0xd3];
    assert_eq!(symbols(&link), Some(23));
}

#[test]
fn the_code_is_complete() {
    // Kraft: each sequence of bits begins with exactly one code, the end's among them.
    let used: u64 = (1..).zip(&CODES[1..]).map(|(bits, count)| u64::from(*count) << (30 - bits)).sum();
    assert_eq!((used, CODES.iter().sum::<u32>()), (1 << 30, 257));
}

#[test]
fn bytes_pass_however_they_are_cut() {
    let frames = [
        frame_of(4, 0, &[0, 3, 0, 0, 0, 9]),
        frame_of(HEADERS, END_HEADERS | PRIORITY, &[&[0; 5], block(&plain(PATH)).as_slice()].concat()),
        frame_of(0, 1, &[0; 600]),
    ];
    let all = [START.as_slice(), &frames.concat()].concat();
    let whole = passed(&all);
    assert_ne!(whole, all);
    for size in [1, 2, 9, 23, 100] {
        let (mut reading, mut out) = (Reading::default(), Vec::new());
        all.chunks(size).for_each(|chunk| reading.push(chunk, &mut out));
        assert_eq!(out, whole, "by {size}");
    }
}

#[test]
fn whatever_else_comes_passes_as_it_is() {
    let indexed = frame_of(HEADERS, END_HEADERS, &[0x83, 0x86, 0xbf, 0xbe]);
    let unfinished = frame_of(HEADERS, 0, &block(&plain(PATH)));
    let padded = frame_of(HEADERS, END_HEADERS | PADDED, &[0; 40]);
    let cut = frame_of(HEADERS, END_HEADERS, &[0x83, 0x41, 0xff, 0xff, 0xff, 0xff, 0xff]);
    let short = frame_of(HEADERS, END_HEADERS | PRIORITY, &[0]);
    let large = [&[0xff; 9], [0x41; 100].as_slice()].concat();
    for frame in [indexed, unfinished, padded, cut, short, large] {
        let all = [START.as_slice(), &frame].concat();
        assert_eq!(passed(&all), all);
    }
}

proptest::proptest! {
    /// Whatever comes, as much goes on, and nothing panics.
    #[test]
    fn noise_does_no_harm(block in proptest::collection::vec(proptest::num::u8::ANY, 0..80), flags in 0_u8..64) {
        let all = [START.as_slice(), &frame_of(HEADERS, flags, &block), &frame_of(0, 0, &[7; 3])].concat();
        proptest::prop_assert!(passed(&all).ends_with(&[7; 3]));
    }
}
