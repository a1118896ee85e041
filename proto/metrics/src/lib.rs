//! What Prometheus reads: a page of metrics in its text format, a histogram, and what it asks of every process.
//!
//! ```text
//!  figures ──▶ Page (names, help, types, labels) ──▶ text
//!  Process ──▶ │      Histogram ──▶ │
//! ```
//!
//! Nothing is registered and nothing ticks: a page is written from what is so when it is asked for. Refuses to know
//! what the figures mean, and how the page travels.

mod histogram;
mod page;
mod process;

pub use histogram::Histogram;
pub use page::{CONTENT_TYPE, Family, Page, Value};
pub use process::Process;
