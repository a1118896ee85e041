//! Edge: the light's side of a handshake. Lets in whoever shows a certificate of a CA that is believed; tells all others
//! why not. Refuses to know how many there are, and what they want.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::Error as Fault;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::server::TlsStream;

use crate::papers::Papers;
use crate::trust::{Trust, now};
use crate::words::{Side, explain};

/// For a handshake, from the connection on. Two round trips, and some thousandths of a second of a slow host.
const PATIENCE: Duration = Duration::from_secs(5);
/// For a peer to read why it is refused. What is closed before that may never be read.
const FAREWELL: Duration = Duration::from_secs(1);
/// Between two looks at whether a client's certificate is still good.
const LOOK: Duration = Duration::from_secs(60);
/// For a client whose certificate is good no more to come back with a better one: as long as Kubernetes takes, at worst, to
/// bring a new Secret to the one pod when the other has it.
const GRACE: Duration = Duration::from_secs(300);

/// A record of TLS begins with this, where it is one of a handshake (RFC 8446, section 5.1).
const HANDSHAKE: u8 = 0x16;
/// Said to whoever speaks HTTP/2 and no TLS.
const PLAIN: &str = "this port speaks TLS: give https://, a client certificate and its key";

/// A client that was let in, by the certificate that it showed.
#[derive(Debug)]
pub struct Client {
    chain: Vec<CertificateDer<'static>>,
}

/// Why a client wasn't let in.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Refused {
    /// It left before it said anything, as probes and scanners do. No news.
    #[error("it left before it said anything")]
    Gone,
    /// It speaks something else.
    #[error("it speaks no TLS: give it an https URL, and a certificate of a CA in --client-ca")]
    Plain,
    /// It doesn't get on.
    #[error("it began no handshake, or never ended it: no place is kept for it")]
    Late,
    /// Its certificate isn't believed, or it doesn't believe ours.
    #[error("{0}")]
    Distrust(String),
}

/// Shakes hands with whoever came by `stream`, in a bounded time.
///
/// # Errors
/// It isn't let in. It has been told why, and the connection is closed.
pub async fn accept(stream: TcpStream, papers: Arc<Papers>) -> Result<(TlsStream<TcpStream>, Client), Refused> {
    timeout(PATIENCE, shake(stream, &papers)).await.unwrap_or(Err(Refused::Late))
}

async fn shake(stream: TcpStream, papers: &Papers) -> Result<(TlsStream<TcpStream>, Client), Refused> {
    let mut first = [0];
    match stream.peek(&mut first).await {
        Ok(0) | Err(_) => return Err(Refused::Gone),
        Ok(_) if first[0] != HANDSHAKE => {
            part(stream, &farewell()).await;
            return Err(Refused::Plain);
        }
        Ok(_) => {}
    }
    let accept = TlsAcceptor::from(Arc::clone(&papers.server)).accept(stream);
    match accept.into_fallible().await {
        Ok(stream) => {
            let chain = stream.get_ref().1.peer_certificates().unwrap_or_default();
            let client = Client { chain: chain.iter().map(|one| one.clone().into_owned()).collect() };
            Ok((stream, client))
        }
        Err((error, stream)) => {
            part(stream, &[]).await;
            Err(refused(&error))
        }
    }
}

fn refused(error: &io::Error) -> Refused {
    match error.get_ref().and_then(|inner| inner.downcast_ref::<Fault>()) {
        Some(fault) => Refused::Distrust(explain(Side::Light, fault)),
        None => Refused::Distrust("it hung up during the handshake".to_owned()),
    }
}

/// Says the last words and hears the peer out: what comes in after a connection is closed would take them back.
async fn part(mut stream: TcpStream, words: &[u8]) {
    let hear_out = async {
        stream.write_all(words).await?;
        stream.shutdown().await?;
        let mut ignored = [0; 1024];
        while stream.read(&mut ignored).await? > 0 {}
        io::Result::Ok(())
    };
    // It has ended either way.
    drop(timeout(FAREWELL, hear_out).await);
}

/// Empty settings, and GOAWAY with a reason (RFC 9113, sections 6.5 and 6.8).
fn farewell() -> Vec<u8> {
    const SETTINGS: [u8; 9] = [0, 0, 0, 4, 0, 0, 0, 0, 0];
    const GOAWAY: u8 = 7;
    const INADEQUATE_SECURITY: u32 = 0x0c;
    let length = u8::try_from(8 + PLAIN.len()).expect("it is a short text");
    let head = [0, 0, length, GOAWAY, 0, 0, 0, 0, 0];
    [&SETTINGS[..], &head, &0_u32.to_be_bytes(), &INADEQUATE_SECURITY.to_be_bytes(), PLAIN.as_bytes()].concat()
}

impl Client {
    /// Waits until the client has outstayed its welcome: its certificate has expired, or its CA isn't believed any more,
    /// and it had time to come back with another.
    pub async fn outstays(self, mut trust: Trust) {
        loop {
            if !trust.papers().admits(&self.chain, now()) {
                sleep(GRACE).await;
                if !trust.papers().admits(&self.chain, now()) {
                    return;
                }
            }
            tokio::select! {
                () = trust.changed() => {}
                () = sleep(LOOK) => {}
            }
        }
    }
}

#[cfg(test)]
mod tests;
