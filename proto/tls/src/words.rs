//! Pure: what went wrong in TLS, said so that someone can put it right.

use std::io;
use std::time::{Duration, SystemTime};

use tokio_rustls::rustls::{AlertDescription, CertificateError, Error};

use crate::name::EVERY_LIGHT;

/// Whose words: each side has other flags, and another side opposite.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    /// lightd, who is spoken to.
    Light,
    /// Whoever speaks to it.
    Caller,
}

/// What is wrong, and what would be right.
pub(crate) fn explain(side: Side, error: &Error) -> String {
    let (their, ours) = match side {
        Side::Light => ("the peer's certificate", "lightd's certificate"),
        Side::Caller => ("the light's certificate", "the certificate shown to it"),
    };
    #[expect(clippy::wildcard_enum_match_arm, reason = "these are what a setting can put right")]
    match error {
        Error::InvalidCertificate(fault) => certificate(side, their, fault),
        Error::NoCertificatesPresented => {
            "the peer shows no certificate: give it one that is signed by a CA of --client-ca".to_owned()
        }
        // It answered a greeting of TLS with something else.
        Error::InvalidMessage(_) if side == Side::Caller => {
            "what answers there speaks no TLS: start lightd with --tls-cert, --tls-key and --client-ca".to_owned()
        }
        Error::AlertReceived(alert) => refusal(side, ours, *alert),
        Error::PeerIncompatible(why) => format!("the other side speaks no TLS 1.3 that is known here: {why:?}"),
        other => other.to_string(),
    }
}

fn certificate(side: Side, their: &str, fault: &CertificateError) -> String {
    let time = |seconds: u64| day(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds));
    #[expect(clippy::wildcard_enum_match_arm, reason = "these are what a setting can put right")]
    match fault {
        CertificateError::UnknownIssuer | CertificateError::BadSignature => {
            let authorities = match side {
                Side::Light => "--client-ca",
                Side::Caller => "the CA file given here",
            };
            format!("{their} is of an unknown CA: it must be signed by one in {authorities}")
        }
        CertificateError::ExpiredContext { not_after, .. } => {
            format!("{their} expired at {}: renew it", time(not_after.as_secs()))
        }
        CertificateError::NotValidYetContext { not_before, .. } => {
            format!("{their} is valid from {} on: is a clock wrong?", time(not_before.as_secs()))
        }
        CertificateError::NotValidForNameContext { expected, presented } => {
            let all = presented.join(", ");
            let all = if all.is_empty() { "no name" } else { &all };
            format!(
                "{their} is for {all}, and it must be for {} or {EVERY_LIGHT} (subject alternative name)",
                expected.to_str()
            )
        }
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            let (purpose, usage) = match side {
                Side::Light => ("client", "clientAuth"),
                Side::Caller => ("server", "serverAuth"),
            };
            format!("{their} isn't meant for a {purpose}: its extended key usage must have {usage}")
        }
        other => format!("{their} is not valid: {other}"),
    }
}

/// What the other side said before it hung up (RFC 8446, section 6.2).
fn refusal(side: Side, ours: &str, alert: AlertDescription) -> String {
    let (they, flag) = match side {
        Side::Light => ("the peer", "its CA file"),
        Side::Caller => ("the light", "its --client-ca"),
    };
    #[expect(clippy::wildcard_enum_match_arm, reason = "there are dozens")]
    match alert {
        AlertDescription::UnknownCA | AlertDescription::DecryptError => {
            format!("{they} refuses {ours}: it is of a CA that isn't in {flag}")
        }
        AlertDescription::CertificateExpired => format!("{they} refuses {ours}: it isn't valid at this time, renew it"),
        AlertDescription::CertificateRequired => format!("{they} wants a certificate, signed by a CA of {flag}"),
        AlertDescription::UnsupportedCertificate => {
            format!("{they} refuses {ours}: it isn't meant for this side (extended key usage)")
        }
        AlertDescription::BadCertificate
        | AlertDescription::CertificateUnknown
        | AlertDescription::CertificateRevoked
        | AlertDescription::AccessDenied => format!("{they} refuses {ours} ({alert:?})"),
        AlertDescription::ProtocolVersion => format!("{they} speaks no TLS 1.3"),
        other => format!("{they} hung up: {other:?}"),
    }
}

/// An error of a stream in our words, where it is one of TLS.
pub(crate) fn explained(side: Side, error: io::Error) -> io::Error {
    match error.get_ref().and_then(|inner| inner.downcast_ref::<Error>()) {
        Some(tls) => io::Error::new(error.kind(), explain(side, tls)),
        None => error,
    }
}

/// As in 2026-11-22T17:00:00Z.
pub(crate) fn day(time: SystemTime) -> String {
    humantime::format_rfc3339_seconds(time).to_string()
}
