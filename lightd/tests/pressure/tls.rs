//! What peers who speak TLS say first, and the certificates of a light.

#![expect(clippy::unwrap_used, reason = "only tests call this, and a panic fails them")]

use std::fs;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use podlight_tls::EVERY_LIGHT;
use podlight_tls::authority::Authority;
use tempfile::TempDir;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, ClientConnection, RootCertStore};

const DAY: Duration = Duration::from_secs(86_400);

/// A light's certificate, its key, and the CA, as in a Secret.
pub(crate) fn papers() -> TempDir {
    #[expect(clippy::disallowed_methods, reason = "certificates are valid by the clock of the wall")]
    let from = SystemTime::now() - DAY;
    let authority = Authority::new(from, 2 * DAY).unwrap();
    let pair = authority.light(&[EVERY_LIGHT], from, 2 * DAY).unwrap();
    let folder = TempDir::new().unwrap();
    for (name, text) in [("tls.crt", pair.certificate), ("tls.key", pair.key), ("ca.crt", authority.certificate())] {
        fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

/// How a client of TLS 1.3 begins.
pub(crate) fn greeting() -> Vec<u8> {
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth();
    let name = ServerName::try_from(EVERY_LIGHT).unwrap();
    let mut client = ClientConnection::new(Arc::new(config), name).unwrap();
    let mut bytes = Vec::new();
    client.write_tls(&mut bytes).unwrap();
    bytes
}
