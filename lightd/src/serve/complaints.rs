//! Pure: which complaints about peers are news. Whoever can connect can give cause for complaint as often as they like:
//! the log has one of each peer and reason, and so many in all.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

use tokio::time::Instant;

/// After this long the same is told again.
const QUIET: Duration = Duration::from_secs(600);
/// Complaints within that time.
const MOST: usize = 64;

/// What was complained of, and when.
#[derive(Debug, Default)]
pub(super) struct Complaints {
    told: HashMap<(IpAddr, String), Instant>,
}

impl Complaints {
    /// Whether it is news that there is this `reason` to complain of `peer`.
    pub(super) fn is_news(&mut self, peer: IpAddr, reason: &str, now: Instant) -> bool {
        self.told.retain(|_, told| now.duration_since(*told) < QUIET);
        let complaint = (peer, reason.to_owned());
        if self.told.contains_key(&complaint) || self.told.len() >= MOST {
            return false;
        }
        self.told.insert(complaint, now);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(last: u8) -> IpAddr {
        IpAddr::from([10, 0, 0, last])
    }

    #[test]
    fn the_same_of_the_same_is_told_once_in_a_while() {
        let (mut complaints, start) = (Complaints::default(), Instant::now());
        assert!(complaints.is_news(peer(1), "no TLS", start));
        assert!(!complaints.is_news(peer(1), "no TLS", start + QUIET / 2));
        assert!(complaints.is_news(peer(1), "no certificate", start));
        assert!(complaints.is_news(peer(2), "no TLS", start));
        assert!(complaints.is_news(peer(1), "no TLS", start + QUIET));
    }

    #[test]
    fn there_are_only_so_many() {
        let (mut complaints, start) = (Complaints::default(), Instant::now());
        let news = (0..=u8::MAX).filter(|last| complaints.is_news(peer(*last), "no TLS", start)).count();
        assert_eq!(news, MOST);
        assert!(complaints.is_news(peer(255), "no TLS", start + QUIET));
    }
}
