//! Which files hold a certificate, its key and a CA, and by which flags they were given. Refuses to know what is in them.

use std::fmt;
use std::path::PathBuf;

use thiserror::Error;

/// A file, by the flag that names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// As in `--tls-cert`.
    pub flag: &'static str,
    /// Where it is. May be a link that changes, as those of Kubernetes' Secrets do.
    pub path: PathBuf,
}

/// What each side of mutual TLS needs, in PEM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Files {
    /// Its certificate; those that lead from it to a CA may follow.
    pub cert: File,
    /// The certificate's private key.
    pub key: File,
    /// The CAs, one or several, that the other side's certificate has to be of.
    pub ca: File,
}

/// Some of the three files are given, and others aren't.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{} without {}: TLS takes all three of {}, {} and {}; give none of them to do without", .given.join(" and "),
    .missing.join(" and "), .all[0], .all[1], .all[2])]
pub struct Missing {
    all: [&'static str; 3],
    given: Vec<&'static str>,
    missing: Vec<&'static str>,
}

/// The three files, or nothing where none is given.
///
/// # Errors
/// Only some are given.
pub fn all_or_none(
    cert: (&'static str, Option<PathBuf>),
    key: (&'static str, Option<PathBuf>),
    ca: (&'static str, Option<PathBuf>),
) -> Result<Option<Files>, Missing> {
    let all = [cert.0, key.0, ca.0];
    let file = |flag, path| File { flag, path };
    match (cert.1, key.1, ca.1) {
        (None, None, None) => Ok(None),
        (Some(certificate), Some(private), Some(authority)) => {
            Ok(Some(Files { cert: file(cert.0, certificate), key: file(key.0, private), ca: file(ca.0, authority) }))
        }
        (cert, key, ca) => {
            let is_given = [cert.is_some(), key.is_some(), ca.is_some()];
            let those = |wanted| {
                all.iter().zip(is_given).filter(move |(_, given)| *given == wanted).map(|(flag, _)| *flag).collect()
            };
            Err(Missing { all, given: those(true), missing: those(false) })
        }
    }
}

/// As on the command line.
impl fmt::Display for File {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.flag, self.path.display())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(cert: bool, key: bool, ca: bool) -> Result<Option<Files>, Missing> {
        let path = |given: bool| given.then(|| PathBuf::from("x"));
        all_or_none(("--tls-cert", path(cert)), ("--tls-key", path(key)), ("--client-ca", path(ca)))
    }

    #[test]
    fn all_three_are_taken_or_none() {
        assert_eq!(files(false, false, false), Ok(None));
        assert_eq!(files(true, true, true).unwrap().unwrap().ca.to_string(), "--client-ca x");
    }

    #[test]
    fn whatever_is_missing_is_named() {
        let error = files(true, false, false).unwrap_err().to_string();
        assert!(error.starts_with("--tls-cert without --tls-key and --client-ca: "), "{error}");
        let error = files(true, true, false).unwrap_err().to_string();
        assert!(error.starts_with("--tls-cert and --tls-key without --client-ca: "), "{error}");
    }
}
