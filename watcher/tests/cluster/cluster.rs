//! The API server of `KUBECONFIG`: what a test has there, and the watcher's account with the rights that are shipped.

use std::collections::BTreeMap;
use std::time::Duration;

use http::Request;
use http::header::CONTENT_TYPE;
use k8s_openapi::api::authentication::v1::TokenRequest;
use k8s_openapi::api::core::v1::{Namespace, Node, Pod, ServiceAccount};
use k8s_openapi::api::rbac::v1::{ClusterRole, ClusterRoleBinding};
use kube::api::{DeleteParams, ListParams, PostParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Api, Client, Config, Resource};
use serde::de::DeserializeOwned;
use serde_json::{Value, from_value, json};
use tokio::time::sleep;

use crate::stage::until;

/// On all that a test makes; the value is the test's own name.
pub(crate) const MARK: &str = "podlight.dev/tested-by";
const RIGHTS: &str = include_str!("../../../deploy/base/watcher-rbac.yaml");
/// As in [`RIGHTS`].
const ACCOUNT: &str = "watcher";

/// A cluster, and a test's place in it.
pub(crate) struct Cluster {
    pub(crate) client: Client,
    /// The test's namespace, and the beginning of its other names.
    pub(crate) name: String,
    entry: kube::config::Cluster,
}

impl Cluster {
    /// The cluster that `KUBECONFIG` names.
    pub(crate) async fn join() -> Self {
        let kubeconfig = Kubeconfig::from_env().unwrap().expect("KUBECONFIG names a cluster to test with");
        let context = kubeconfig.current_context.clone();
        let mut contexts = kubeconfig.contexts.iter();
        let context =
            contexts.find(|named| Some(&named.name) == context.as_ref()).and_then(|named| named.context.as_ref());
        let name = &context.expect("KUBECONFIG has a current context").cluster;
        let entry =
            kubeconfig.clusters.iter().find(|named| named.name == *name).and_then(|named| named.cluster.clone());
        let entry = entry.expect("KUBECONFIG has its context's cluster");
        let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await.unwrap();
        let name = format!("tested-{:08x}", fastrand::u32(..));
        Self { client: Client::try_from(config).unwrap(), name, entry }
    }

    /// Makes the namespace, and in it the watcher's account with its rights.
    pub(crate) async fn prepare(&self) {
        self.namespace(&self.name).await;
        for document in RIGHTS.split("\n---\n") {
            let kind = document.lines().find_map(|line| line.strip_prefix("kind: ")).expect("a document has a kind");
            let (core, rbac) = ("/api/v1", "/apis/rbac.authorization.k8s.io/v1");
            let path = match kind {
                "ServiceAccount" => format!("{core}/namespaces/{}/serviceaccounts", self.name),
                "Role" => format!("{rbac}/namespaces/{}/roles", self.name),
                "RoleBinding" => format!("{rbac}/namespaces/{}/rolebindings", self.name),
                "ClusterRole" => format!("{rbac}/clusterroles"),
                "ClusterRoleBinding" => format!("{rbac}/clusterrolebindings"),
                other => panic!("the test doesn't know {other}s"),
            };
            // What is shipped, but for its place and for names that the whole cluster shares.
            let document = document.replace("namespace: podlight", &format!("namespace: {}", self.name));
            let document = document.replace("name: podlight-watcher", &format!("name: {}", self.role()));
            let request = Request::post(path).header(CONTENT_TYPE, "application/yaml");
            self.client.request::<Value>(request.body(document.into_bytes()).unwrap()).await.unwrap();
        }
    }

    /// The name of the watcher's role and of its binding.
    pub(crate) fn role(&self) -> String {
        format!("{}-watcher", self.name)
    }

    /// Makes a namespace that takes pods, where there isn't one already.
    pub(crate) async fn namespace(&self, name: &str) {
        let namespaces: Api<Namespace> = Api::all(self.client.clone());
        let namespace: Namespace =
            from_value(json!({"metadata": {"name": name, "labels": {MARK: self.name}}})).unwrap();
        until("a namespace that lasts", async || {
            namespaces.create(&PostParams::default(), &namespace).await.ok();
            let there = namespaces.get(name).await.map_err(|error| error.to_string())?;
            if there.metadata.deletion_timestamp.is_none() { Ok(()) } else { Err(format!("{name} is on its way out")) }
        })
        .await;
        // Without it no pod is admitted.
        let accounts: Api<ServiceAccount> = Api::namespaced(self.client.clone(), name);
        until("a default account", async || accounts.get("default").await.map_err(|error| error.to_string())).await;
    }

    /// A kubeconfig of the watcher's account, for the API at `server`, or else where it is.
    pub(crate) async fn kubeconfig(&self, server: Option<String>) -> String {
        let accounts: Api<ServiceAccount> = Api::namespaced(self.client.clone(), &self.name);
        let token = accounts.create_token_request(ACCOUNT, &PostParams::default(), &TokenRequest::default()).await;
        let token = token.unwrap().status.expect("a token that was granted").token;
        let mut entry = self.entry.clone();
        if server.is_some() {
            entry.tls_server_name = entry.tls_server_name.or_else(|| Some(self.address().0));
            entry.server = server;
        }
        json!({
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "tested", "cluster": entry}],
            "users": [{"name": "watcher", "user": {"token": token}}],
            "contexts": [{"name": "tested", "context": {"cluster": "tested", "user": "watcher"}}],
            "current-context": "tested",
        })
        .to_string()
    }

    /// Host and port of the API.
    pub(crate) fn address(&self) -> (String, u16) {
        let server: http::Uri = self.entry.server.as_deref().expect("a cluster has a server").parse().unwrap();
        let host = server.host().expect("a server has a host").trim_matches(['[', ']']);
        (host.to_owned(), server.port_u16().unwrap_or(443))
    }

    /// What the API itself prints of an object, by the columns' names, as kubectl shows it.
    pub(crate) async fn printed(&self, path: &str) -> impl Fn(&str) -> String {
        let table = "application/json;as=Table;v=v1;g=meta.k8s.io";
        let request = Request::get(path).header(http::header::ACCEPT, table).body(Vec::new()).unwrap();
        let table: Value = self.client.request(request).await.unwrap();
        move |column| {
            let columns = table["columnDefinitions"].as_array().expect("a table has columns");
            let column = columns.iter().position(|named| named["name"] == column).expect("a column that there is");
            let cell = &table["rows"][0]["cells"][column];
            cell.as_str().map_or_else(|| cell.to_string(), str::to_owned)
        }
    }

    /// What kubectl prints as the STATUS of each pod of the namespace of this run, by name.
    pub(crate) async fn statuses(&self) -> BTreeMap<String, String> {
        let table = "application/json;as=Table;v=v1;g=meta.k8s.io";
        let path = format!("/api/v1/namespaces/{}/pods", self.name);
        let request = Request::get(path).header(http::header::ACCEPT, table).body(Vec::new()).unwrap();
        let table: Value = self.client.request(request).await.unwrap();
        let columns = table["columnDefinitions"].as_array().expect("a table has columns");
        let column = columns.iter().position(|named| named["name"] == "Status").expect("it has this one");
        let cell = |row: &Value| row["cells"][column].as_str().unwrap_or_default().to_owned();
        let name = |row: &Value| row["object"]["metadata"]["name"].as_str().unwrap_or_default().to_owned();
        table["rows"].as_array().expect("it has rows").iter().map(|row| (name(row), cell(row))).collect()
    }

    /// Whether the API answers; else why not.
    pub(crate) async fn answers(&self) -> Result<(), String> {
        self.client.apiserver_version().await.map(drop).map_err(|error| error.to_string())
    }

    /// Takes back all that was made under this name. What isn't there any more is no fault.
    pub(crate) async fn clear(&self) {
        while self.answers().await.is_err() {
            sleep(Duration::from_secs(1)).await;
        }
        let ours = ListParams::default().labels(&format!("{MARK}={}", self.name));
        let namespaces: Api<Namespace> = Api::all(self.client.clone());
        let listed = namespaces.list(&ours).await.map(|list| list.items).unwrap_or_default();
        for name in listed.into_iter().filter_map(|namespace| namespace.metadata.name) {
            namespaces.delete(&name, &DeleteParams::default()).await.ok();
            // Without a kubelet nobody else ends them.
            let pods: Api<Pod> = Api::namespaced(self.client.clone(), &name);
            let at_once = DeleteParams::default().grace_period(0);
            pods.delete_collection(&at_once, &ListParams::default()).await.ok();
        }
        let nodes: Api<Node> = Api::all(self.client.clone());
        nodes.delete_collection(&DeleteParams::default(), &ours).await.ok();
        self.forget::<ClusterRoleBinding>().await;
        self.forget::<ClusterRole>().await;
    }

    async fn forget<K>(&self)
    where
        K: Resource<DynamicType = (), Scope = kube::core::ClusterResourceScope>
            + Clone
            + DeserializeOwned
            + std::fmt::Debug,
    {
        Api::<K>::all(self.client.clone()).delete(&self.role(), &DeleteParams::default()).await.ok();
    }
}
