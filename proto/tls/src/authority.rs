//! Makes a CA, and certificates of it. Refuses to know where they are kept.

use std::time::{Duration, SystemTime};

use rcgen::{
    BasicConstraints, Certificate, CertificateParams, DnType, Error, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};

/// What a CA is called. All have this name; what tells them apart is their key, by which certificates refer to them.
const NAME: &str = "podlight CA";

/// A CA with its key.
pub struct Authority {
    certificate: Certificate,
    issuer: Issuer<'static, KeyPair>,
}

/// A certificate and its key, in PEM.
#[derive(Clone)]
pub struct Pair {
    /// The certificate.
    pub certificate: String,
    /// Its private key.
    pub key: String,
}

impl Authority {
    /// A new one.
    ///
    /// # Errors
    /// The system has no randomness.
    pub fn new(from: SystemTime, lasts: Duration) -> Result<Self, Error> {
        Self::of(KeyPair::generate()?, from, lasts)
    }

    /// The one whose key this is. Its certificate is another, and what the one signed the other stands for.
    ///
    /// # Errors
    /// `key` is no private key in PEM.
    pub fn with_key(key: &str, from: SystemTime, lasts: Duration) -> Result<Self, Error> {
        Self::of(KeyPair::from_pem(key)?, from, lasts)
    }

    fn of(key: KeyPair, from: SystemTime, lasts: Duration) -> Result<Self, Error> {
        let mut wanted = parameters(NAME, from, lasts);
        // It signs certificates of daemons, and of no further CA.
        wanted.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        wanted.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        Ok(Self { certificate: wanted.self_signed(&key)?, issuer: Issuer::new(wanted, key) })
    }

    /// Its certificate, in PEM.
    pub fn certificate(&self) -> String {
        self.certificate.pem()
    }

    /// Its private key, in PEM.
    pub fn key(&self) -> String {
        self.issuer.key().serialize_pem()
    }

    #[cfg(test)]
    pub(crate) fn der(&self) -> &[u8] {
        self.certificate.der()
    }

    /// A certificate for lights of these names, hosts or addresses.
    ///
    /// # Errors
    /// A name can't be in a certificate.
    pub fn light(&self, names: &[&str], from: SystemTime, lasts: Duration) -> Result<Pair, Error> {
        self.sign(names, ExtendedKeyUsagePurpose::ServerAuth, from, lasts)
    }

    /// A certificate for whoever speaks to lights, for people to read by this name.
    ///
    /// # Errors
    /// The name can't be in a certificate.
    pub fn caller(&self, name: &str, from: SystemTime, lasts: Duration) -> Result<Pair, Error> {
        self.sign(&[name], ExtendedKeyUsagePurpose::ClientAuth, from, lasts)
    }

    fn sign(
        &self,
        names: &[&str],
        purpose: ExtendedKeyUsagePurpose,
        from: SystemTime,
        lasts: Duration,
    ) -> Result<Pair, Error> {
        let mut wanted = parameters(names.first().unwrap_or(&NAME), from, lasts);
        let alternatives = CertificateParams::new(names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>())?;
        wanted.subject_alt_names = alternatives.subject_alt_names;
        wanted.use_authority_key_identifier_extension = true;
        wanted.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        wanted.extended_key_usages = vec![purpose];
        let key = KeyPair::generate()?;
        let certificate = wanted.signed_by(&key, &self.issuer)?.pem();
        Ok(Pair { certificate, key: key.serialize_pem() })
    }
}

fn parameters(name: &str, from: SystemTime, lasts: Duration) -> CertificateParams {
    let mut wanted = CertificateParams::default();
    wanted.distinguished_name = rcgen::DistinguishedName::new();
    wanted.distinguished_name.push(DnType::CommonName, name);
    (wanted.not_before, wanted.not_after) = (from.into(), (from + lasts).into());
    wanted
}
