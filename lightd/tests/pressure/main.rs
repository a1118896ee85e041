//! lightd under pressure: whatever its peers do, it stays within bounds, the stick keeps its truth, and a person gets in.

mod daemon;
mod peers;
mod tls;
mod watcher;

use std::net::SocketAddr;
use std::time::Duration;

use daemon::Daemon;
use futures::future::join_all;
use peers::{
    CONTINUATION, DATA, END_HEADERS, END_STREAM, HEADERS, PING, RESET, call, client, frame, hears, preface, said, set,
    stream,
};
use podlight_proto::{Color, Look, v1};
use tls::{greeting, papers};
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tonic::Code;
use watcher::Stream;

const GREEN: Color = Color::rgb(0, 25, 0);
const RED: Color = Color::rgb(50, 0, 0);
/// Between two renewals of the watcher's lease.
const RENEWAL: Duration = Duration::from_millis(300);

/// Open files that peers can make lightd have: its connections, and some that come and go.
const MOST_FILES: usize = 64 + 8;
/// Memory that peers can make lightd take, in bytes.
const MOST_MEMORY: u64 = 24 << 20;

/// What lightd is before `attack` and while it goes on, for as long as what it returns is held.
async fn survives<T>(attack: impl AsyncFnOnce(SocketAddr) -> T) {
    let lightd = Daemon::start();
    let address = lightd.address;
    stands(lightd, address, attack).await;
}

/// The same by TLS, while the watcher and the person speak without it: all come to one house.
async fn survives_by_tls<T>(attack: impl AsyncFnOnce(SocketAddr) -> T) {
    let folder = papers();
    let lightd = Daemon::with_tls(folder.path());
    let local = lightd.local.expect("it listens there, too");
    stands(lightd, local, attack).await;
}

async fn stands<T>(mut lightd: Daemon, address: SocketAddr, attack: impl AsyncFnOnce(SocketAddr) -> T) {
    let watcher = Stream::open(address, Look::solid(GREEN), RENEWAL).await;
    lightd.shows("#001900").await;
    let before = lightd.usage();

    let held = attack(lightd.address).await;
    let after = lightd.usage();
    assert!(after.files <= before.files + MOST_FILES, "{before:?}, {after:?}");
    assert!(after.memory <= before.memory + MOST_MEMORY, "{before:?}, {after:?}");

    watcher.wants(Look::solid(RED));
    lightd.shows("#320000").await;
    set(address, "blue").await;
    lightd.shows("#0000ff").await;
    assert!(watcher.is_open(), "the watcher's stream broke");
    drop(held);
}

/// So many connections on which this was said, all of them held.
async fn many(count: usize, address: SocketAddr, bytes: &[u8]) -> Vec<TcpStream> {
    let mut held = Vec::new();
    while held.len() < count {
        let batch = (count - held.len()).min(100);
        held.extend(join_all((0..batch).map(|_| said(address, bytes))).await);
    }
    held
}

#[tokio::test]
async fn thousands_of_connections_that_say_nothing_make_room() {
    survives(async |address| many(2_000, address, b"").await).await;
}

#[tokio::test]
async fn connections_that_come_faster_than_they_can_speak_keep_nobody_out() {
    survives(async |address| {
        let mut floods = JoinSet::new();
        for _ in 0..4 {
            floods.spawn(async move {
                loop {
                    said(address, &preface()).await;
                }
            });
        }
        // Until it is under way.
        many(500, address, b"").await;
        floods
    })
    .await;
}

#[tokio::test]
async fn half_a_preface_holds_nothing_up() {
    survives(async |address| many(300, address, b"PRI * HTTP/2.0\r\n\r\nSM").await).await;
}

#[tokio::test]
async fn garbage_is_hung_up_on() {
    let garbage: Vec<u8> = (0..4096_u32).map(|i| i.wrapping_mul(2_654_435_761).to_be_bytes()[0]).collect();
    survives(async |address| {
        for mut stream in many(500, address, &garbage).await {
            // It answers with reasons at most, and then ends.
            let _ = stream.read_to_end(&mut Vec::new()).await;
        }
    })
    .await;
}

#[tokio::test]
async fn headers_that_never_end_are_not_kept() {
    let begun = [preface(), frame(HEADERS, 0, 1, &call("StreamColors"))].concat();
    let more = frame(CONTINUATION, 0, 1, &[&[0, 1, b'x', 127, 0x81, 0x7e][..], &[b'y'; 16_000][..]].concat());
    let endless = [begun.clone(), more.repeat(64)].concat();
    survives(async |address| (many(500, address, &begun).await, many(100, address, &endless).await)).await;
}

#[tokio::test]
async fn thousands_of_streams_are_bounded() {
    let open = |method| {
        let streams = (0..2_000).map(|i| frame(HEADERS, END_HEADERS, stream(i), &call(method)));
        [preface(), streams.collect::<Vec<_>>().concat()].concat()
    };
    let (colors, wishes) = (open("StreamColors"), open("SetColor"));
    survives(async |address| {
        hears(&mut said(address, &colors).await, HEADERS).await;
        (many(100, address, &colors).await, many(100, address, &wishes).await)
    })
    .await;
}

#[tokio::test]
async fn streams_that_are_reset_at_once_are_bounded() {
    let reset = |i| {
        let open = frame(HEADERS, END_HEADERS, stream(i), &call("StreamColors"));
        [open, frame(RESET, 0, stream(i), &8_u32.to_be_bytes())].concat()
    };
    let bytes = [preface(), (0..5_000).map(reset).collect::<Vec<_>>().concat()].concat();
    survives(async |address| many(100, address, &bytes).await).await;
}

#[tokio::test]
async fn pings_that_nobody_hears_the_answer_of_are_bounded() {
    let bytes = [preface(), frame(PING, 0, 0, &[0; 8]).repeat(20_000)].concat();
    survives(async |address| many(20, address, &bytes).await).await;
}

#[tokio::test]
async fn a_message_that_is_too_large_is_refused_before_it_is_kept() {
    // 4 GiB are announced, and some of it is sent.
    let announced = [&[0, 0xff, 0xff, 0xff, 0xff][..], &[0; 16_000]].concat();
    let streams = (0..8).map(|i| {
        let open = frame(HEADERS, END_HEADERS, stream(i), &call("StreamColors"));
        [open, frame(DATA, 0, stream(i), &announced)].concat()
    });
    let bytes = [preface(), streams.collect::<Vec<_>>().concat()].concat();
    survives(async |address| {
        let long = v1::SetColorRequest { owner: "x".repeat(1024 * 1024), ..v1::SetColorRequest::default() };
        let status = client(address).await.set_color(long).await.unwrap_err();
        assert_eq!(status.code(), Code::OutOfRange, "{status}");
        many(100, address, &bytes).await
    })
    .await;
}

#[tokio::test]
async fn those_who_watch_and_do_not_read_are_kept_nothing_for() {
    let watch = |i| frame(HEADERS, END_HEADERS, stream(i), &call("WatchState"));
    let ask = |i| frame(DATA, END_STREAM, stream(i), &[0; 5]);
    let bytes = [preface(), (0..8).map(|i| [watch(i), ask(i)].concat()).collect::<Vec<_>>().concat()].concat();
    survives(async |address| {
        hears(&mut said(address, &bytes).await, DATA).await;
        let held = many(200, address, &bytes).await;
        let mut person = client(address).await;
        for i in 0..2_000 {
            let request = v1::SetColorRequest { color: format!("#{i:06x}"), ..v1::SetColorRequest::default() };
            person.set_color(request).await.unwrap();
        }
        person.release(v1::ReleaseRequest {}).await.unwrap();
        held
    })
    .await;
}

#[tokio::test]
async fn handshakes_that_are_never_begun_or_never_ended_make_room() {
    let greeting = greeting();
    survives_by_tls(async |address| {
        let silent = many(500, address, b"").await;
        let half = many(500, address, &greeting[..greeting.len() / 2]).await;
        // Each costs lightd a signature, and waits for its answer.
        (silent, half, many(500, address, &greeting).await)
    })
    .await;
}

#[tokio::test]
async fn a_handshake_that_hangs_is_given_up() {
    let greeting = greeting();
    survives_by_tls(async |address| {
        for mut stream in many(30, address, &greeting).await {
            // What it says, and then the end of it: far fewer than make room for each other.
            let _ = stream.read_to_end(&mut Vec::new()).await;
        }
    })
    .await;
}

#[tokio::test]
async fn garbage_in_a_handshake_is_hung_up_on() {
    let garbage = [&greeting()[..64], &[0xff; 20_000]].concat();
    let plain = [preface(), vec![0; 20_000]].concat();
    survives_by_tls(async |address| {
        let garbage = many(200, address, &garbage).await;
        for mut stream in garbage.into_iter().chain(many(200, address, &plain).await) {
            let _ = stream.read_to_end(&mut Vec::new()).await;
        }
    })
    .await;
}
