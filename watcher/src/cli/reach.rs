//! Edge: how to reach a watcher: by its URL, or through the Kubernetes API into its pod, with whatever rights the kubeconfig
//! gives.

use std::io;
use std::time::Duration;

use anyhow::Context as _;
use http::Uri;
use hyper_util::rt::TokioIo;
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::Pod;
use kube::api::ListParams;
use kube::{Api, Client};
use podlight_proto::v1::cluster_client::ClusterClient;
use tonic::transport::{Channel, Endpoint};

use super::people::How;
use crate::place::{Place, place};
use crate::settings::LEASE;
use crate::{chain, election};

/// Where the manifests put the watcher, and how they name it.
const NAMESPACE: &str = "podlight";
const WATCHERS: &str = "app.kubernetes.io/name=podlight,app.kubernetes.io/component=watcher";
const PORT: u16 = 50052;
/// For the watcher to be found, and to answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// Thousands of nodes in one answer, 1 to 2 KiB each.
const LARGEST_ANSWER: usize = 64 * 1024 * 1024;

impl How {
    /// The watcher to ask.
    ///
    /// # Errors
    /// There is none, or it can't be reached.
    pub(super) async fn connect(&self) -> anyhow::Result<ClusterClient<Channel>> {
        let channel = match &self.server {
            Some(url) => direct(url).await?,
            None => self.found().await?,
        };
        Ok(ClusterClient::new(channel).max_decoding_message_size(LARGEST_ANSWER))
    }

    async fn found(&self) -> anyhow::Result<Channel> {
        let Place { config, inside } = place(self.kubeconfig.as_deref(), self.context.as_deref()).await?;
        if inside.is_some() {
            // In the watcher's own pod, which has no rights to reach itself by the API.
            return direct(&format!("http://127.0.0.1:{PORT}")).await;
        }
        let server = config.cluster_url.clone();
        let client = Client::try_from(config).context("the kubeconfig can't be used")?;
        let pod = tokio::time::timeout(PATIENCE, watcher(&client))
            .await
            .with_context(|| format!("the Kubernetes API at {server} doesn't answer"))??;
        let pods = Api::<Pod>::namespaced(client, NAMESPACE);
        let refused = |error| anyhow::anyhow!("no way to pod {NAMESPACE}/{pod}: {}", chain(&error));
        let mut forwarder = pods.portforward(&pod, &[PORT]).await.map_err(refused)?;
        let stream = forwarder.take_stream(PORT).context("the Kubernetes API opened no stream")?;
        let mut stream = Some(TokioIo::new(stream));
        // There is one stream: a client that would connect again has lost it.
        let connector = tower::service_fn(move |_: Uri| {
            let stream = stream.take().ok_or_else(|| io::Error::from(io::ErrorKind::NotConnected));
            async { stream }
        });
        Endpoint::from_static("http://watcher")
            .connect_timeout(PATIENCE)
            .connect_with_connector(connector)
            .await
            .with_context(|| format!("pod {NAMESPACE}/{pod} doesn't answer on port {PORT}"))
    }
}

async fn direct(url: &str) -> anyhow::Result<Channel> {
    let endpoint = Endpoint::from_shared(url.to_owned())
        .with_context(|| format!("--server {url}: give a URL such as http://127.0.0.1:{PORT}"))?;
    endpoint.connect_timeout(PATIENCE).connect().await.map_err(|error| {
        let error = anyhow::Error::from(error);
        anyhow::anyhow!("no watcher answers at {url} ({}); is it running?", error.root_cause())
    })
}

/// The pod of the watcher that leads; of any that runs, where that can't be told.
async fn watcher(client: &Client) -> anyhow::Result<String> {
    let pods = Api::<Pod>::namespaced(client.clone(), NAMESPACE);
    let pods = pods
        .list(&ListParams::default().labels(WATCHERS).fields("status.phase=Running"))
        .await
        .map_err(|error| anyhow::anyhow!("the pods of namespace {NAMESPACE} can't be listed: {}", chain(&error)))?;
    let mut names = pods.items.into_iter().filter_map(|pod| pod.metadata.name);
    let leases = Api::<Lease>::namespaced(client.clone(), NAMESPACE);
    let lease = leases.get_opt(LEASE).await.ok().flatten();
    let holder = lease.and_then(|lease| lease.spec?.holder_identity).unwrap_or_default();
    let leader = election::host(&holder);
    let first = names.next().with_context(|| {
        format!("no watcher runs in namespace {NAMESPACE} of this cluster; deploy it, or give --server URL")
    })?;
    Ok(if first == leader { first } else { names.find(|name| name == leader).unwrap_or(first) })
}
