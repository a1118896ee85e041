//! A page of metrics, in Prometheus' text format, version 0.0.4. Keeps what was written so far; refuses to know what it
//! means.
//!
//! Names, units and suffixes are the caller's, by Prometheus' conventions: base units, `_total` for what only grows.

use std::fmt::{self, Write as _};
use std::time::Duration;

use crate::Histogram;

/// As which HTTP's `Content-Type` announces it.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// A page of metrics.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page(String);

/// A metric on a page, for its samples to follow.
#[derive(Debug)]
pub struct Family<'a> {
    page: &'a mut String,
    name: &'static str,
}

/// What a sample says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Value(f64);

impl Page {
    /// A metric that only grows while the process lives; its name ends in `_total`.
    pub fn counter(&mut self, name: &'static str, help: &str) -> Family<'_> {
        self.family(name, help, "counter")
    }

    /// A metric that goes up and down.
    pub fn gauge(&mut self, name: &'static str, help: &str) -> Family<'_> {
        self.family(name, help, "gauge")
    }

    /// A metric that tells how durations are spread; its name ends in `_seconds`.
    pub fn histogram<const N: usize>(&mut self, name: &'static str, help: &str, histogram: &Histogram<N>) {
        let Family { page, name } = self.family(name, help, "histogram");
        for (bound, count) in histogram.buckets() {
            line(page, name, "_bucket", &[("le", &bound.as_secs_f64().to_string())], count.into());
        }
        line(page, name, "_bucket", &[("le", "+Inf")], histogram.count().into());
        line(page, name, "_sum", &[], histogram.sum().into());
        line(page, name, "_count", &[], histogram.count().into());
    }

    /// All that was written.
    pub fn into_text(self) -> String {
        self.0
    }

    fn family(&mut self, name: &'static str, help: &str, kind: &str) -> Family<'_> {
        let help = help.replace('\\', r"\\").replace('\n', r"\n");
        push(&mut self.0, format_args!("# HELP {name} {help}\n# TYPE {name} {kind}\n"));
        Family { page: &mut self.0, name }
    }
}

impl Family<'_> {
    /// Its only sample, without labels.
    pub fn is(self, value: impl Into<Value>) {
        line(self.page, self.name, "", &[], value.into());
    }

    /// A sample with these labels.
    pub fn of(&mut self, labels: &[(&str, &str)], value: impl Into<Value>) -> &mut Self {
        line(self.page, self.name, "", labels, value.into());
        self
    }
}

fn line(page: &mut String, name: &str, suffix: &str, labels: &[(&str, &str)], Value(value): Value) {
    push(page, format_args!("{name}{suffix}"));
    for (i, (label, text)) in labels.iter().enumerate() {
        let text = text.replace('\\', r"\\").replace('"', r#"\""#).replace('\n', r"\n");
        push(page, format_args!("{}{label}=\"{text}\"", if i == 0 { '{' } else { ',' }));
    }
    push(page, format_args!("{} {value}\n", if labels.is_empty() { "" } else { "}" }));
}

fn push(page: &mut String, text: fmt::Arguments<'_>) {
    page.write_fmt(text).expect("a String takes all");
}

impl From<f64> for Value {
    fn from(value: f64) -> Self {
        Self(value)
    }
}

/// Exact below 2⁵³: Prometheus knows no other numbers.
impl From<u64> for Value {
    fn from(value: u64) -> Self {
        Self(value as f64)
    }
}

impl From<u32> for Value {
    fn from(value: u32) -> Self {
        Self(value.into())
    }
}

impl From<usize> for Value {
    fn from(value: usize) -> Self {
        Self(value as f64)
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self(value.into())
    }
}

/// In seconds.
impl From<Duration> for Value {
    fn from(value: Duration) -> Self {
        Self(value.as_secs_f64())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_what_the_format_says() {
        let mut page = Page::default();
        page.gauge("lease_seconds", "Time\nleft, \\ in all.").is(Duration::from_millis(1500));
        page.counter("frames_total", "Frames.").of(&[("stick", "a"), ("why", "\"x\"\\\n")], 7_u64).of(&[], true);
        let want = "# HELP lease_seconds Time\\nleft, \\\\ in all.\n# TYPE lease_seconds gauge\nlease_seconds 1.5\n\
                    # HELP frames_total Frames.\n# TYPE frames_total counter\n\
                    frames_total{stick=\"a\",why=\"\\\"x\\\"\\\\\\n\"} 7\nframes_total 1\n";
        assert_eq!(page.into_text(), want);
    }

    #[test]
    fn a_histograms_buckets_add_up() {
        let mut page = Page::default();
        let mut histogram = Histogram::new([10, 100].map(Duration::from_millis));
        for took in [10, 11, 5_000] {
            histogram.observe(Duration::from_millis(took));
        }
        page.histogram("took_seconds", "Time.", &histogram);
        let want = "# HELP took_seconds Time.\n# TYPE took_seconds histogram\ntook_seconds_bucket{le=\"0.01\"} 1\n\
                    took_seconds_bucket{le=\"0.1\"} 2\ntook_seconds_bucket{le=\"+Inf\"} 3\ntook_seconds_sum 5.021\n\
                    took_seconds_count 3\n";
        assert_eq!(page.into_text(), want);
    }
}
