//! Which cluster is meant: as kubectl would have it, or the one around us. Refuses to connect.

use std::path::Path;

use kube::Config;
use kube::config::{KubeConfigOptions, Kubeconfig};

use crate::chain;
use crate::settings::Misconfigured;

/// A cluster, and where we are.
pub(crate) struct Place {
    pub(crate) config: Config,
    /// The namespace of the pod that this is; nothing outside the cluster.
    pub(crate) inside: Option<String>,
}

/// The cluster of this kubeconfig and context; of kubectl's, or else the one around us, where neither is given.
///
/// # Errors
/// There is none, or it can't be read.
pub(crate) async fn place(kubeconfig: Option<&Path>, context: Option<&str>) -> Result<Place, Misconfigured> {
    let options = KubeConfigOptions { context: context.map(str::to_owned), ..KubeConfigOptions::default() };
    let outside = |config| Place { config, inside: None };
    match kubeconfig {
        Some(file) => match Kubeconfig::read_from(file) {
            Ok(kubeconfig) => Config::from_custom_kubeconfig(kubeconfig, &options).await,
            Err(error) => Err(error),
        }
        .map(outside)
        .map_err(|error| Misconfigured::new(format!("--kubeconfig {}: {}", file.display(), chain(&error)))),
        None if context.is_some() => Config::from_kubeconfig(&options)
            .await
            .map(outside)
            .map_err(|error| Misconfigured::new(format!("--context: {}", chain(&error)))),
        None => match (Config::from_kubeconfig(&options).await, Config::incluster()) {
            (Ok(config), _) => Ok(outside(config)),
            (Err(_), Ok(config)) => {
                let inside = Some(config.default_namespace.clone());
                Ok(Place { config, inside })
            }
            (Err(outside), Err(inside)) => Err(Misconfigured::new(format!(
                "no cluster to watch: {}; {}; give --kubeconfig, or run in a cluster",
                chain(&outside),
                chain(&inside)
            ))),
        },
    }
}
