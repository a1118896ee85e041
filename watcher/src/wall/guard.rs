//! Who may ask, and what the browser is told not to do with the answer.
//!
//! Whoever reaches the port may read. A browser reaches it for its own user, and for pages of other sites as well. Those can't
//! read the answer, unless they come under a name of their own that they have led to our address (DNS rebinding). So the name
//! that was asked for must be one that nobody else can have: an address, a name of a private network, or one that was given by
//! `--wall-host`. And what changes something must come from the page itself: the browser says where it comes from.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;

use super::refuse;

/// Ends of names that no one can own (RFC 2606, 6761, 6762, 8375, ICANN's `internal`, Kubernetes).
const PRIVATE: [&str; 7] = [".localhost", ".local", ".home.arpa", ".internal", ".svc", ".test", ".lan"];
const HEADERS: [(&str, &str); 5] = [
    (
        "content-security-policy",
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; base-uri 'none'; \
         form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
    ),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-resource-policy", "same-origin"),
    ("x-frame-options", "DENY"),
];

#[derive(Clone, Debug)]
pub(super) struct Guard {
    hosts: Arc<[String]>,
}

impl Guard {
    pub(super) fn new(hosts: Vec<String>) -> Self {
        Self { hosts: hosts.into() }
    }

    /// Lets it pass, or refuses it.
    pub(super) async fn admit(self, request: Request, next: Next) -> Response {
        let mut response = match self.refusal(request.method(), request.headers()) {
            None => next.run(request).await,
            Some(why) => refuse(StatusCode::FORBIDDEN, &why),
        };
        let headers = response.headers_mut();
        for (name, value) in HEADERS {
            headers.insert(name, HeaderValue::from_static(value));
        }
        headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
        response
    }

    fn refusal(&self, method: &Method, headers: &HeaderMap) -> Option<String> {
        let text = |name| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
        let host = text("host").unwrap_or_default();
        if !self.knows(host) {
            return Some(format!(
                "the wall isn't known as {host:?}; ask by its address, or start the watcher with --wall-host"
            ));
        }
        let changes = method != Method::GET && method != Method::HEAD;
        let foreign = text("sec-fetch-site").is_some_and(|site| site != "same-origin")
            || text("origin").is_some_and(|origin| origin.split_once("://").is_none_or(|(_, from)| from != host));
        (changes && foreign).then(|| "only the wall's own page may ask for this".to_owned())
    }

    /// Whether nobody else can be asked by this name, with or without a port.
    fn knows(&self, host: &str) -> bool {
        let name = match host.rsplit_once(':') {
            Some((name, port)) if port.bytes().all(|c| c.is_ascii_digit()) => name,
            _ => host,
        };
        let name = name.trim_end_matches('.').to_ascii_lowercase();
        let address = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(&name);
        !name.is_empty()
            && (address.parse::<IpAddr>().is_ok()
                || !name.contains('.')
                || name.ends_with(".svc.cluster.local")
                || PRIVATE.iter().any(|end| name.ends_with(end))
                || self.hosts.iter().any(|host| host.eq_ignore_ascii_case(&name)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(method: &Method, headers: &[(&'static str, &str)]) -> Option<String> {
        let guard = Guard::new(vec!["Wall.Example.com".to_owned()]);
        let headers = headers.iter().map(|(name, value)| ((*name).parse().unwrap(), value.parse().unwrap()));
        guard.refusal(method, &headers.collect())
    }

    #[test]
    fn a_name_that_anyone_can_own_is_refused_unless_it_was_given() {
        for host in [
            "127.0.0.1:8080",
            "[::1]:8080",
            "[fe80::1]",
            "10.0.0.7",
            "localhost:8080",
            "watcher:8080",
            "tower.local",
            "watcher.podlight.svc",
            "watcher.podlight.svc.cluster.local:8080",
            "wall.example.com",
            "WALL.example.com:443",
        ] {
            assert_eq!(refusal(&Method::GET, &[("host", host)]), None, "{host}");
        }
        for host in
            ["", "evil.example", "wall.example.com.evil.example", "evil.example:8080", "127.0.0.1.evil.example:80"]
        {
            let why = refusal(&Method::GET, &[("host", host)]).unwrap();
            assert!(why.contains("--wall-host"), "{host}: {why}");
        }
        assert!(refusal(&Method::GET, &[]).is_some());
    }

    #[test]
    fn only_the_page_itself_may_change_something() {
        let host = ("host", "10.0.0.7:8080");
        for (headers, may) in [
            (vec![host], true),
            (vec![host, ("origin", "http://10.0.0.7:8080"), ("sec-fetch-site", "same-origin")], true),
            (vec![host, ("origin", "https://10.0.0.7:8080")], true),
            (vec![host, ("origin", "http://10.0.0.7:9090")], false),
            (vec![host, ("origin", "http://evil.example")], false),
            (vec![host, ("origin", "null")], false),
            (vec![host, ("origin", "http://10.0.0.7:8080"), ("sec-fetch-site", "cross-site")], false),
            (vec![host, ("sec-fetch-site", "same-site")], false),
            (vec![host, ("sec-fetch-site", "none")], false),
        ] {
            assert_eq!(refusal(&Method::POST, &headers).is_none(), may, "{headers:?}");
            assert_eq!(refusal(&Method::GET, &headers), None);
        }
    }
}
