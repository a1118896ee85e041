//! Peers of a light: an honest person, and those who speak HTTP/2 as nobody should.

#![expect(clippy::unwrap_used, reason = "only tests call this, and a panic fails them")]

use std::net::SocketAddr;
use std::time::Duration;

use podlight_proto::v1;
use podlight_proto::v1::light_client::LightClient;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};
use tonic::transport::{Channel, Endpoint};

/// Far longer than anything here takes: a test that waits for it has failed.
const PATIENCE: Duration = Duration::from_secs(60);
/// Of a person who was not let in.
const RETRY: Duration = Duration::from_millis(10);

/// A new connection.
pub(crate) async fn client(address: SocketAddr) -> LightClient<Channel> {
    let endpoint = Endpoint::from_shared(format!("http://{address}")).unwrap();
    LightClient::new(endpoint.connect().await.unwrap())
}

/// A person on a connection of their own, who tries again where that breaks.
pub(crate) async fn set(address: SocketAddr, color: &str) {
    let request = v1::SetColorRequest { color: color.to_owned(), ..v1::SetColorRequest::default() };
    let endpoint = Endpoint::from_shared(format!("http://{address}")).unwrap();
    let attempt = async || {
        let channel = endpoint.connect().await.map_err(drop)?;
        LightClient::new(channel).set_color(request.clone()).await.map_err(drop)
    };
    while attempt().await.is_err() {
        sleep(RETRY).await;
    }
}

/// A connection on which this was said, and that is held. What comes back isn't read.
pub(crate) async fn said(address: SocketAddr, bytes: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    // That nobody listens to the end is as well; that nobody ever reads on must not hold us up.
    let _ = timeout(Duration::from_millis(200), stream.write_all(bytes)).await;
    stream
}

/// Waits for a frame of this kind, as the answer to a call.
pub(crate) async fn hears(connection: &mut TcpStream, kind: u8) {
    let mut head = [0; 9];
    let heard = async {
        loop {
            connection.read_exact(&mut head).await.unwrap();
            let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
            connection.read_exact(&mut vec![0; length as usize]).await.unwrap();
            if head[3] == kind {
                return;
            }
        }
    };
    assert!(timeout(PATIENCE, heard).await.is_ok(), "no frame of kind {kind}");
}

/// How a client of HTTP/2 begins.
pub(crate) fn preface() -> Vec<u8> {
    [&b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"[..], &frame(SETTINGS, 0, 0, &[])].concat()
}

pub(crate) const DATA: u8 = 0;
pub(crate) const HEADERS: u8 = 1;
pub(crate) const RESET: u8 = 3;
pub(crate) const SETTINGS: u8 = 4;
pub(crate) const PING: u8 = 6;
pub(crate) const CONTINUATION: u8 = 9;
pub(crate) const END_STREAM: u8 = 1;
pub(crate) const END_HEADERS: u8 = 4;

/// A frame (RFC 9113, section 4.1).
pub(crate) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let [_, l0, l1, l2] = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&[l0, l1, l2, kind, flags], &stream.to_be_bytes()[..], payload].concat()
}

/// The headers of a call of the service Light (RFC 7541).
pub(crate) fn call(method: &str) -> Vec<u8> {
    const POST: u8 = 0x83;
    const HTTP: u8 = 0x86;
    const PATH: u8 = 0x04;
    const CONTENT_TYPE: [u8; 2] = [0x0f, 0x10];
    let path = format!("/podlight.v1.Light/{method}");
    [
        &[POST, HTTP, PATH],
        &text(&path)[..],
        &CONTENT_TYPE,
        &text("application/grpc"),
        &[0],
        &text("te"),
        &text("trailers"),
    ]
    .concat()
}

/// Shorter than 127 bytes, not compressed.
fn text(text: &str) -> Vec<u8> {
    [&[u8::try_from(text.len()).unwrap()], text.as_bytes()].concat()
}

/// The number of the `i`th stream that a client opens.
pub(crate) fn stream(i: u32) -> u32 {
    2 * i + 1
}
