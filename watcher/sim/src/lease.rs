//! Leases: made, read, replaced over their version, deleted, one by one. Pure. They are in no list and no watch, and nobody
//! looks at what they say.

use std::collections::BTreeMap;

use hyper::{Method, StatusCode};
use serde_json::{Value, json};

/// The Leases of a cluster.
#[derive(Default)]
pub(crate) struct Leases {
    /// By namespace and name.
    leases: BTreeMap<(String, String), Value>,
    version: u64,
}

/// What a request is about.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Path {
    namespace: String,
    /// Absent: all of the namespace.
    name: Option<String>,
}

/// Why not: status, reason and message.
pub(crate) type Refused = (StatusCode, &'static str, String);

impl Path {
    /// Nothing where it leads to no Lease.
    pub(crate) fn parse(path: &str) -> Option<Self> {
        let rest = path.strip_prefix("/apis/coordination.k8s.io/v1/namespaces/")?;
        let (namespace, name) = match rest.split('/').collect::<Vec<_>>()[..] {
            [namespace, "leases"] => (namespace, None),
            [namespace, "leases", name] => (namespace, Some(name.to_owned())),
            _ => return None,
        };
        Some(Self { namespace: namespace.to_owned(), name })
    }
}

impl Leases {
    /// Does what was asked for, and says what became of it.
    pub(crate) fn answer(&mut self, method: &Method, path: Path, body: &[u8]) -> Result<(StatusCode, Value), Refused> {
        let body = || {
            let lease = serde_json::from_slice::<Value>(body).ok().filter(|lease| lease["metadata"].is_object());
            lease.ok_or_else(|| (StatusCode::BAD_REQUEST, "BadRequest", "the body is no Lease".to_owned()))
        };
        let Path { namespace, name } = path;
        match (method, name) {
            (&Method::GET, Some(name)) => Ok((StatusCode::OK, self.find(namespace, name)?.clone())),
            (&Method::POST, None) => self.create(namespace, body()?),
            (&Method::PUT, Some(name)) => self.replace(namespace, name, body()?),
            (&Method::DELETE, Some(name)) => {
                self.find(namespace.clone(), name.clone())?;
                self.leases.remove(&(namespace, name));
                Ok((StatusCode::OK, json!({ "kind": "Status", "apiVersion": "v1", "status": "Success" })))
            }
            _ => Err((
                StatusCode::METHOD_NOT_ALLOWED,
                "MethodNotAllowed",
                "this server doesn't do that to Leases".to_owned(),
            )),
        }
    }

    fn find(&self, namespace: String, name: String) -> Result<&Value, Refused> {
        let missing = || (StatusCode::NOT_FOUND, "NotFound", format!("leases.coordination.k8s.io {name:?} not found"));
        self.leases.get(&(namespace, name.clone())).ok_or_else(missing)
    }

    fn create(&mut self, namespace: String, mut lease: Value) -> Result<(StatusCode, Value), Refused> {
        let name = lease["metadata"]["name"].as_str().unwrap_or_default().to_owned();
        if self.leases.contains_key(&(namespace.clone(), name.clone())) {
            let why = format!("leases.coordination.k8s.io {name:?} already exists");
            return Err((StatusCode::CONFLICT, "AlreadyExists", why));
        }
        let version = self.version + 1;
        lease["metadata"]["uid"] = json!(format!("00000000-0000-4000-8001-{version:012x}"));
        lease["metadata"]["creationTimestamp"] = crate::pod::now();
        Ok((StatusCode::CREATED, self.store(namespace, name, lease)))
    }

    /// As a real server, which has a precondition of the uid as well: where a Lease was deleted, whoever knew it meets a
    /// conflict.
    fn replace(&mut self, namespace: String, name: String, lease: Value) -> Result<(StatusCode, Value), Refused> {
        let there = self.leases.get(&(namespace.clone(), name.clone()));
        let same = |field: &str| there.is_some_and(|there| there["metadata"][field] == lease["metadata"][field]);
        if !same("resourceVersion") || !same("uid") {
            let why =
                format!("Operation cannot be fulfilled on leases.coordination.k8s.io {name:?}: it has been modified");
            return Err((StatusCode::CONFLICT, "Conflict", why));
        }
        Ok((StatusCode::OK, self.store(namespace, name, lease)))
    }

    fn store(&mut self, namespace: String, name: String, mut lease: Value) -> Value {
        self.version += 1;
        lease["apiVersion"] = json!("coordination.k8s.io/v1");
        lease["kind"] = json!("Lease");
        lease["metadata"]["namespace"] = json!(namespace);
        lease["metadata"]["resourceVersion"] = json!(self.version.to_string());
        self.leases.insert((namespace, name), lease.clone());
        lease
    }

    /// Whatever version it is of. It may say when it was made, which a real server decides.
    pub(crate) fn apply(&mut self, mut lease: Value) {
        let made = lease["metadata"]["creationTimestamp"].take();
        let text = |field: &str| lease["metadata"][field].as_str().unwrap_or_default().to_owned();
        let (namespace, name) = (text("namespace"), text("name"));
        self.leases.remove(&(namespace.clone(), name.clone()));
        // There is none: so it can't be there already.
        self.create(namespace.clone(), lease).ok();
        if let Some(lease) = self.leases.get_mut(&(namespace, name)).filter(|_| !made.is_null()) {
            lease["metadata"]["creationTimestamp"] = made;
        }
    }

    /// As it is stored.
    pub(crate) fn lease(&self, namespace: &str, name: &str) -> Option<Value> {
        self.leases.get(&(namespace.to_owned(), name.to_owned())).cloned()
    }

    /// False where there was none.
    pub(crate) fn delete(&mut self, namespace: &str, name: &str) -> bool {
        self.leases.remove(&(namespace.to_owned(), name.to_owned())).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: &str = "/apis/coordination.k8s.io/v1/namespaces/podlight/leases";
    const ONE: &str = "/apis/coordination.k8s.io/v1/namespaces/podlight/leases/watcher";

    fn ask(leases: &mut Leases, method: Method, path: &str, body: &Value) -> (u16, Value) {
        match leases.answer(&method, Path::parse(path).unwrap(), body.to_string().as_bytes()) {
            Ok((code, lease)) => (code.as_u16(), lease),
            Err((code, reason, _)) => (code.as_u16(), json!(reason)),
        }
    }

    #[test]
    fn a_lease_is_made_once_and_replaced_over_its_version() {
        let mut leases = Leases::default();
        let none = Value::Null;
        assert_eq!(ask(&mut leases, Method::GET, ONE, &none), (404, json!("NotFound")));
        let lease = json!({ "metadata": { "name": "watcher" }, "spec": { "holderIdentity": "a" } });
        let (code, first) = ask(&mut leases, Method::POST, ALL, &lease);
        assert_eq!((code, &first["metadata"]["resourceVersion"]), (201, &json!("1")));
        assert_eq!(ask(&mut leases, Method::POST, ALL, &lease), (409, json!("AlreadyExists")));
        let (code, second) = ask(&mut leases, Method::PUT, ONE, &first);
        assert_eq!((code, &second["metadata"]["resourceVersion"]), (200, &json!("2")));
        assert_eq!(ask(&mut leases, Method::PUT, ONE, &first), (409, json!("Conflict")));
        assert_eq!(ask(&mut leases, Method::GET, ONE, &none), (200, second));
    }

    #[test]
    fn a_lease_that_was_deleted_is_not_made_anew_by_who_knew_it() {
        let mut leases = Leases::default();
        let (_, first) = ask(&mut leases, Method::POST, ALL, &json!({ "metadata": { "name": "watcher" } }));
        assert_eq!(ask(&mut leases, Method::DELETE, ONE, &Value::Null).0, 200);
        assert_eq!(ask(&mut leases, Method::DELETE, ONE, &Value::Null).0, 404);
        assert_eq!(ask(&mut leases, Method::PUT, ONE, &first), (409, json!("Conflict")));
        let (_, second) = ask(&mut leases, Method::POST, ALL, &json!({ "metadata": { "name": "watcher" } }));
        assert_ne!(first["metadata"]["uid"], second["metadata"]["uid"]);
    }

    #[test]
    fn odd_requests_are_answered() {
        let mut leases = Leases::default();
        assert_eq!(Path::parse("/api/v1/pods"), None);
        assert_eq!(Path::parse(&format!("{ONE}/status")), None);
        assert_eq!(ask(&mut leases, Method::GET, ALL, &Value::Null).0, 405);
        for garbage in ["{", "[]", "{\"metadata\":7}", ""] {
            let answer = leases.answer(&Method::POST, Path::parse(ALL).unwrap(), garbage.as_bytes());
            assert_eq!(answer.unwrap_err().0, 400, "{garbage}");
        }
    }
}
