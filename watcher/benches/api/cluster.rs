//! The API server of `KUBECONFIG`: what is made there, and what it says of itself.

use http::Request;
use k8s_openapi::api::core::v1::{Namespace, Node, Pod, ServiceAccount};
use kube::api::{DeleteParams, ListParams, PostParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Api, Client, Config};
use serde_json::{from_value, json};
use tokio::time::{Duration, sleep, timeout};

use crate::PATIENCE;
use crate::proxy::Proxy;

/// On all that is made.
pub(crate) const MARK: &str = "podlight.dev/measured-by";

/// A cluster, and a benchmark's place in it.
pub(crate) struct Cluster {
    pub(crate) client: Client,
    /// Of the namespace, and the beginning of other names.
    pub(crate) name: String,
    kubeconfig: Kubeconfig,
}

impl Cluster {
    /// The cluster that `KUBECONFIG` names, and in it a namespace.
    pub(crate) async fn join() -> Self {
        let kubeconfig = Kubeconfig::from_env().unwrap().expect("KUBECONFIG names a cluster to measure");
        let config = Config::from_custom_kubeconfig(kubeconfig.clone(), &KubeConfigOptions::default()).await.unwrap();
        let (client, name) = (Client::try_from(config).unwrap(), format!("measured-{:08x}", fastrand::u32(..)));
        let cluster = Self { client, name, kubeconfig };
        let namespace: Namespace =
            from_value(json!({"metadata": {"name": cluster.name, "labels": {MARK: cluster.name}}})).unwrap();
        Api::all(cluster.client.clone()).create(&PostParams::default(), &namespace).await.unwrap();
        // Without it no pod is admitted.
        let accounts: Api<ServiceAccount> = cluster.namespaced();
        let account = async {
            while accounts.get("default").await.is_err() {
                sleep(Duration::from_millis(100)).await;
            }
        };
        assert!(timeout(PATIENCE, account).await.is_ok(), "there is no default account");
        cluster
    }

    /// What there is in the namespace.
    pub(crate) fn namespaced<K>(&self) -> Api<K>
    where
        K: kube::Resource<DynamicType = (), Scope = kube::core::NamespaceResourceScope>,
    {
        Api::namespaced(self.client.clone(), &self.name)
    }

    /// What the API server calls itself.
    pub(crate) async fn version(&self) -> String {
        self.client.apiserver_version().await.unwrap().git_version
    }

    /// The CPU that the API server has taken so far, in seconds.
    pub(crate) async fn cpu(&self) -> f64 {
        let metrics = self.client.request_text(Request::get("/metrics").body(Vec::new()).unwrap()).await.unwrap();
        let line = metrics.lines().find_map(|line| line.strip_prefix("process_cpu_seconds_total "));
        line.and_then(|figure| figure.parse().ok()).expect("an API server tells its CPU time")
    }

    /// Host and port.
    pub(crate) fn address(&self) -> (String, u16) {
        let server: http::Uri = self.entry().server.as_deref().expect("a cluster has a server").parse().unwrap();
        let host = server.host().expect("a server has a host").trim_matches(['[', ']']);
        (host.to_owned(), server.port_u16().unwrap_or(443))
    }

    /// The same, through `proxy`, in YAML.
    pub(crate) fn kubeconfig(&self, proxy: &Proxy) -> String {
        let mut entry = self.entry();
        entry.tls_server_name = entry.tls_server_name.or_else(|| Some(self.address().0));
        entry.server = Some(format!("https://{}", proxy.address));
        let mut kubeconfig = serde_json::to_value(&self.kubeconfig).unwrap();
        let context = self.context();
        kubeconfig["clusters"] = json!([{"name": context.cluster, "cluster": entry}]);
        kubeconfig.to_string()
    }

    fn context(&self) -> kube::config::Context {
        let Kubeconfig { contexts, current_context, .. } = &self.kubeconfig;
        let context = contexts.iter().find(|named| Some(&named.name) == current_context.as_ref());
        context.and_then(|named| named.context.clone()).expect("KUBECONFIG has a current context")
    }

    fn entry(&self) -> kube::config::Cluster {
        let name = self.context().cluster;
        let entry = self.kubeconfig.clusters.iter().find(|named| named.name == name);
        entry.and_then(|named| named.cluster.clone()).expect("KUBECONFIG has its context's cluster")
    }

    /// Takes back all pods and nodes, and waits until they are gone.
    pub(crate) async fn empty(&self) {
        let ours = ListParams::default().labels(&format!("{MARK}={}", self.name));
        let at_once = DeleteParams::default().grace_period(0);
        let (pods, nodes): (Api<Pod>, Api<Node>) = (self.namespaced(), Api::all(self.client.clone()));
        pods.delete_collection(&at_once, &ours).await.unwrap();
        nodes.delete_collection(&at_once, &ours).await.unwrap();
        let gone = async {
            while !pods.list(&ours).await.unwrap().items.is_empty() {
                sleep(Duration::from_millis(100)).await;
            }
        };
        assert!(timeout(PATIENCE, gone).await.is_ok(), "the pods stay");
    }

    /// Takes back the namespace.
    pub(crate) async fn clear(&self) {
        let namespaces: Api<Namespace> = Api::all(self.client.clone());
        namespaces.delete(&self.name, &DeleteParams::default()).await.unwrap();
    }
}
