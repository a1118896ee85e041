//! A certificate with its key, and the CAs whose certificates are believed: one reading of the three files, found fit for
//! use. Refuses to know where it was read and what replaces it.

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use thiserror::Error;
use tokio_rustls::rustls::client::Resumption;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use tokio_rustls::rustls::server::danger::ClientCertVerifier;
use tokio_rustls::rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use tokio_rustls::rustls::version::TLS13;
use tokio_rustls::rustls::{ClientConfig, Error, RootCertStore, ServerConfig};

use crate::files::Files;
use crate::name::Named;
use crate::provider;
use crate::validity::Validity;
use crate::words::day;

/// HTTP/2, as gRPC speaks it.
const PROTOCOL: &[u8] = b"h2";

/// What the three files hold, byte for byte.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Reading {
    pub(crate) cert: Vec<u8>,
    pub(crate) key: Vec<u8>,
    pub(crate) ca: Vec<u8>,
}

/// A certificate, its key, and whom to believe.
pub struct Papers {
    /// As whoever accepts a connection uses them.
    pub(crate) server: Arc<ServerConfig>,
    /// As whoever opens one does.
    pub(crate) client: Arc<ClientConfig>,
    clients: Arc<dyn ClientCertVerifier>,
    pub(crate) validity: Validity,
}

/// What is wrong with the files, and with which.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct BadPapers(pub(crate) String);

impl Papers {
    /// What `reading` of `files` holds. Whether it is valid by now isn't asked: a clock may be wrong, and the other side
    /// looks at it anyway.
    ///
    /// # Errors
    /// A file holds nothing of what it should, or the key isn't the certificate's.
    pub(crate) fn parse(files: &Files, reading: &Reading) -> Result<Self, BadPapers> {
        let Files { cert, key, ca } = files;
        let bad = |what: &dyn fmt::Display, why: &str| BadPapers(format!("{what}: {why}"));
        let certificates = |pem| CertificateDer::pem_slice_iter(pem).collect::<Result<Vec<_>, _>>();
        let own = certificates(&reading.cert).map_err(|error| bad(cert, &error.to_string()))?;
        let first = own.first().ok_or_else(|| bad(cert, "there is no certificate in it (PEM: BEGIN CERTIFICATE)"))?;
        let validity = Validity::of(first).ok_or_else(|| bad(cert, "the first certificate can't be read"))?;
        let private = PrivateKeyDer::from_pem_slice(&reading.key)
            .map_err(|_| bad(key, "there is no private key in it (PEM: BEGIN PRIVATE KEY)"))?;
        let mut roots = RootCertStore::empty();
        for authority in certificates(&reading.ca).map_err(|error| bad(ca, &error.to_string()))? {
            roots.add(authority).map_err(|error| bad(ca, &error.to_string()))?;
        }
        if roots.is_empty() {
            return Err(bad(ca, "there is no certificate in it (PEM: BEGIN CERTIFICATE)"));
        }
        let roots = Arc::new(roots);
        let clients = WebPkiClientVerifier::builder_with_provider(Arc::clone(&roots), provider())
            .build()
            .map_err(|error| bad(ca, &error.to_string()))?;
        let unfit = |error| {
            let wrong_key = matches!(error, Error::InconsistentKeys(_));
            let why = format!("this isn't the key of the certificate in {cert}");
            if wrong_key { bad(key, &why) } else { bad(cert, &error.to_string()) }
        };
        let version = "ring has all that TLS 1.3 needs";
        let mut server = ServerConfig::builder_with_provider(provider())
            .with_protocol_versions(&[&TLS13])
            .expect(version)
            .with_client_cert_verifier(Arc::clone(&clients))
            .with_single_cert(own.clone(), private.clone_key())
            .map_err(unfit)?;
        server.alpn_protocols = vec![PROTOCOL.to_vec()];
        // Whoever resumes shows no certificate again: then none would be looked at after it was replaced.
        server.session_storage = Arc::new(NoServerSessionStorage {});
        server.send_tls13_tickets = 0;
        let named = Named::new(roots).map_err(|error| bad(ca, &error.to_string()))?;
        let mut client = ClientConfig::builder_with_provider(provider())
            .with_protocol_versions(&[&TLS13])
            .expect(version)
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(named))
            .with_client_auth_cert(own, private)
            .map_err(unfit)?;
        client.alpn_protocols = vec![PROTOCOL.to_vec()];
        client.resumption = Resumption::disabled();
        Ok(Self { server: Arc::new(server), client: Arc::new(client), clients, validity })
    }

    /// Whether a client that shows this `chain`, its own certificate first, may come in.
    pub(crate) fn admits(&self, chain: &[CertificateDer<'_>], now: SystemTime) -> bool {
        let now = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let Some((own, others)) = chain.split_first() else { return false };
        self.clients.verify_client_cert(own, others, UnixTime::since_unix_epoch(now)).is_ok()
    }
}

/// Never the key.
impl fmt::Debug for Papers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Papers").field("validity", &self.validity).finish_non_exhaustive()
    }
}

/// From when until when they are valid.
impl fmt::Display for Papers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "valid from {} to {}", day(self.validity.from), day(self.validity.until))
    }
}
