//! Mutual TLS between podlight's daemons: TLS 1.3 by rustls, with certificates that may change while it runs.
//!
//! ```text
//!  three files ──▶ shelf (which reading counts) ──▶ papers ──▶ trust (the newest) ──┬──▶ accept: lightd's side
//!                                                                                   └──▶ dial: watcher's and people's
//! ```
//!
//! Pure: [`shelf`], [`validity`], [`words`]. Both sides show a certificate, and believe those of the CA that they were
//! given and of no other. A light is believed by its name: see [`name`].

mod accept;
#[cfg(feature = "authority")]
pub mod authority;
mod dial;
mod files;
mod name;
mod papers;
mod shelf;
mod trust;
mod validity;
mod words;

pub use accept::{Client, Refused, accept};
pub use dial::{Own, Secured, dial, reach, secure};
pub use files::{File, Files, Missing, all_or_none};
pub use name::EVERY_LIGHT;
pub use papers::{BadPapers, Papers};
pub use tokio_rustls::server::TlsStream;
pub use trust::{Renewal, Trust};

use std::sync::Arc;

use tokio_rustls::rustls::crypto::{CryptoProvider, ring};

/// The one provider of cryptography: kube brings it, too.
fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}
