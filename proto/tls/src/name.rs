//! By which names a light is believed. Leaves to rustls what a sound certificate is.
//!
//! A light's certificate is good for the light if its subject alternative names have the light's own name: its node's, or
//! the host of the URL by which it was given. A DaemonSet's pods share one Secret, though, so [`EVERY_LIGHT`] does as well.
//! A certificate without that name is good for the lights that it names, and for no other.

use std::sync::Arc;

use tokio_rustls::rustls::client::WebPkiServerVerifier;
use tokio_rustls::rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::server::VerifierBuilderError;
use tokio_rustls::rustls::{CertificateError, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};

use crate::provider;

/// The name in a certificate that all lights may show.
pub const EVERY_LIGHT: &str = "lightd.podlight";

/// Believes a certificate that is good for the name wanted, or for every light.
#[derive(Debug)]
pub(crate) struct Named {
    web: Arc<WebPkiServerVerifier>,
}

impl Named {
    pub(crate) fn new(roots: Arc<RootCertStore>) -> Result<Self, VerifierBuilderError> {
        Ok(Self { web: WebPkiServerVerifier::builder_with_provider(roots, provider()).build()? })
    }
}

impl ServerCertVerifier for Named {
    fn verify_server_cert(
        &self,
        own: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let verify = |name: &ServerName<'_>| self.web.verify_server_cert(own, others, name, ocsp, now);
        match verify(name) {
            Err(Error::InvalidCertificate(
                other @ (CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. }),
            )) => {
                let every = ServerName::try_from(EVERY_LIGHT).expect("it is a name of DNS");
                // The name that was wanted is the better news.
                verify(&every).map_err(|_| Error::InvalidCertificate(other))
            }
            result => result,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        own: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.web.verify_tls12_signature(message, own, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        own: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.web.verify_tls13_signature(message, own, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.web.supported_verify_schemes()
    }
}
