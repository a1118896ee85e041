use std::path::PathBuf;

use tokio::sync::watch;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;

use super::*;
use crate::authority::Authority;
use crate::files::{File, Files};
use crate::papers::Reading;

const HOUR: Duration = Duration::from_secs(3_600);
/// In virtual time: it passes at once where nothing else is due.
const FOREVER: Duration = Duration::from_secs(20_000);

fn authority() -> Authority {
    Authority::new(now() - HOUR, 10 * HOUR).unwrap()
}

/// A light's, which believes this CA.
fn papers(authority: &Authority) -> Arc<Papers> {
    let file = |flag| File { flag, path: PathBuf::from("there") };
    let files = Files { cert: file("--tls-cert"), key: file("--tls-key"), ca: file("--client-ca") };
    let pair = authority.light(&["n1"], now() - HOUR, 10 * HOUR).unwrap();
    let reading = Reading { cert: pair.certificate.into(), key: pair.key.into(), ca: authority.certificate().into() };
    Arc::new(Papers::parse(&files, &reading).unwrap())
}

/// A client that was let in by this CA, with a certificate of so many hours from two hours ago on.
fn client(authority: &Authority, hours: u32) -> Client {
    let pair = authority.caller("watcher", now() - 2 * HOUR, HOUR * hours).unwrap();
    Client { chain: vec![CertificateDer::from_pem_slice(pair.certificate.as_bytes()).unwrap()] }
}

#[tokio::test(start_paused = true)]
async fn who_is_believed_stays() {
    let authority = authority();
    let (_papers, trust) = watch::channel(papers(&authority));
    assert!(timeout(FOREVER, client(&authority, 10).outstays(trust.into())).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn who_has_a_certificate_of_a_ca_that_was_replaced_stays_for_a_while() {
    let (old, new) = (authority(), authority());
    let (renewed, trust) = watch::channel(papers(&old));
    let outstays = client(&old, 10).outstays(trust.into());
    tokio::pin!(outstays);
    assert!(timeout(FOREVER, &mut outstays).await.is_err());
    renewed.send_replace(papers(&new));
    assert!(timeout(GRACE - LOOK, &mut outstays).await.is_err());
    assert!(timeout(LOOK * 2, &mut outstays).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn who_is_believed_again_in_time_stays() {
    let (old, new) = (authority(), authority());
    let (renewed, trust) = watch::channel(papers(&old));
    let outstays = client(&old, 10).outstays(trust.into());
    tokio::pin!(outstays);
    renewed.send_replace(papers(&new));
    assert!(timeout(GRACE / 2, &mut outstays).await.is_err());
    renewed.send_replace(papers(&old));
    assert!(timeout(FOREVER, &mut outstays).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn who_has_a_certificate_that_expired_goes() {
    let authority = authority();
    let (_papers, trust) = watch::channel(papers(&authority));
    assert!(timeout(GRACE * 2, client(&authority, 1).outstays(trust.into())).await.is_ok());
}

#[test]
fn whoever_speaks_no_tls_is_told_in_http_2() {
    let frames = farewell();
    let (settings, goaway) = frames.split_at(9);
    assert_eq!(settings, [0, 0, 0, 4, 0, 0, 0, 0, 0]);
    assert_eq!(usize::from(goaway[2]), goaway.len() - 9);
    assert_eq!(goaway[3..17], [7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x0c]);
    assert!(goaway.ends_with(PLAIN.as_bytes()));
}
