//! What a request asks for, parsed from its path and query. Pure.

use serde_json::Value;

use crate::store::{Kind, Position};

/// What to list or watch, and of it which part.
#[derive(Debug)]
pub(crate) struct Query {
    pub(crate) kind: Kind,
    pub(crate) selection: Selection,
    pub(crate) watch: bool,
    pub(crate) bookmarks: bool,
    /// Seconds; 0: the server's own limit.
    pub(crate) timeout: u64,
    /// To watch from. 0: from now, with what is there now first.
    pub(crate) version: u64,
    pub(crate) limit: usize,
    pub(crate) from: Option<Position>,
}

/// Terms that an object must all meet.
#[derive(Debug, Default)]
pub(crate) struct Selection(Vec<Term>);

#[derive(Debug)]
struct Term {
    /// From the object's root to the value.
    path: Vec<String>,
    /// Absent: any value will do.
    value: Option<String>,
    negated: bool,
}

/// Why a request can't be answered.
#[derive(Debug)]
pub(crate) enum Refusal {
    NotFound,
    Bad(String),
}

impl Query {
    pub(crate) fn parse(path: &str, query: &str) -> Result<Self, Refusal> {
        let segments: Vec<&str> = path.trim_matches('/').split('/').collect();
        let (kind, namespace) = match segments[..] {
            ["api", "v1", "pods"] => (Kind::Pod, None),
            ["api", "v1", "namespaces", namespace, "pods"] => (Kind::Pod, Some(namespace)),
            ["api", "v1", "nodes"] => (Kind::Node, None),
            _ => return Err(Refusal::NotFound),
        };
        let mut parsed = Self {
            kind,
            selection: Selection::default(),
            watch: false,
            bookmarks: false,
            timeout: 0,
            version: 0,
            limit: usize::MAX,
            from: None,
        };
        if let Some(namespace) = namespace {
            parsed.selection.add(&format!("metadata.namespace={namespace}"), field)?;
        }
        for (name, value) in form_urlencoded::parse(query.as_bytes()).filter(|(_, value)| !value.is_empty()) {
            let number = || value.parse::<u64>().map_err(|error| Refusal::Bad(format!("{name}: {value:?}: {error}")));
            match &*name {
                "watch" => parsed.watch = truth(&value),
                "allowWatchBookmarks" => parsed.bookmarks = truth(&value),
                "timeoutSeconds" => parsed.timeout = number()?,
                "resourceVersion" => parsed.version = number()?,
                "limit" => {
                    parsed.limit = usize::try_from(number()?).ok().filter(|limit| *limit > 0).unwrap_or(usize::MAX);
                }
                "continue" => parsed.from = Some(Position::parse(&value)?),
                "labelSelector" => parsed.selection.add(&value, label)?,
                "fieldSelector" => parsed.selection.add(&value, field)?,
                "sendInitialEvents" if truth(&value) => {
                    return Err(Refusal::Bad("sendInitialEvents: this server streams no lists".to_owned()));
                }
                // Whatever else a client may ask for changes no answer of this server's.
                _ => {}
            }
        }
        Ok(parsed)
    }
}

impl Position {
    /// The token by which a client asks for the next page.
    pub(crate) fn token(version: u64, (namespace, name): &(String, String)) -> String {
        format!("{version}/{namespace}/{name}")
    }

    fn parse(token: &str) -> Result<Self, Refusal> {
        let mut parts = token.splitn(3, '/');
        match (parts.next().and_then(|version| version.parse().ok()), parts.next(), parts.next()) {
            (Some(version), Some(namespace), Some(name)) => {
                Ok(Self { version, after: (namespace.to_owned(), name.to_owned()) })
            }
            _ => Err(Refusal::Bad(format!("continue: {token:?} is no token of this server's"))),
        }
    }
}

impl Selection {
    /// Whether `object` meets every term.
    pub(crate) fn has(&self, object: &Value) -> bool {
        self.0.iter().all(|term| {
            let found = term.path.iter().try_fold(object, |at, step| at.get(step)).and_then(Value::as_str);
            let met = match &term.value {
                Some(value) => found.unwrap_or_default() == value,
                None => found.is_some(),
            };
            met != term.negated
        })
    }

    fn add(&mut self, selector: &str, path: fn(&str) -> Vec<String>) -> Result<(), Refusal> {
        for term in selector.split(',').map(str::trim).filter(|term| !term.is_empty()) {
            if term.contains(['(', ')']) {
                return Err(Refusal::Bad(format!("{selector:?}: this server selects by equality alone")));
            }
            let (key, value, negated) = if let Some((key, value)) = term.split_once("!=") {
                (key, Some(value), true)
            } else if let Some((key, value)) = term.split_once("==").or_else(|| term.split_once('=')) {
                (key, Some(value), false)
            } else if let Some(key) = term.strip_prefix('!') {
                (key, None, true)
            } else {
                (term, None, false)
            };
            self.0.push(Term { path: path(key.trim()), value: value.map(|value| value.trim().to_owned()), negated });
        }
        Ok(())
    }
}

fn label(key: &str) -> Vec<String> {
    ["metadata", "labels", key].map(str::to_owned).to_vec()
}

fn field(key: &str) -> Vec<String> {
    key.split('.').map(str::to_owned).collect()
}

fn truth(value: &str) -> bool {
    matches!(value, "1" | "true" | "True" | "TRUE")
}
