//! Whom a watcher that stands by passes on to what people ask: only the one that leads knows the lights. Keeps where that
//! one is; refuses to know by which protocol it is asked.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use http::{HeaderMap, HeaderValue};
use tokio::sync::watch;

/// On what was passed on: it isn't passed on again, whoever leads by then.
const PASSED_ON: &str = "podlight-passed-on";

/// The watcher that leads, while it is another.
#[derive(Clone, Debug)]
pub(crate) struct Leader {
    address: watch::Receiver<Option<IpAddr>>,
    port: u16,
}

impl Leader {
    /// For it to be reached, which is in the same cluster.
    pub(crate) const CONNECTING: Duration = Duration::from_secs(2);

    /// The leader at `address`; all watchers listen on `port`.
    pub(crate) const fn new(address: watch::Receiver<Option<IpAddr>>, port: u16) -> Self {
        Self { address, port }
    }

    /// Where to pass on a request with these headers. Nowhere while this watcher leads, or nobody; nor what was passed on.
    pub(crate) fn of(&self, headers: &HeaderMap) -> Option<SocketAddr> {
        let address = *self.address.borrow();
        address.filter(|_| !headers.contains_key(PASSED_ON)).map(|address| SocketAddr::new(address, self.port))
    }

    /// Marks a request as passed on.
    pub(crate) fn mark(headers: &mut HeaderMap) {
        headers.insert(PASSED_ON, HeaderValue::from_static("1"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_passed_on_is_not_passed_on_again() {
        let (leads, address) = watch::channel(None);
        let (leader, mut headers) = (Leader::new(address, 50_052), HeaderMap::new());
        assert_eq!(leader.of(&headers), None);
        leads.send_replace(Some(IpAddr::from([10, 0, 0, 7])));
        assert_eq!(leader.of(&headers), Some(SocketAddr::from(([10, 0, 0, 7], 50_052))));
        Leader::mark(&mut headers);
        assert_eq!(leader.of(&headers), None);
    }
}
