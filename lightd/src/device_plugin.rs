//! The kubelet's device plugin for USB: device nodes for every number that a stick may get, whether or not one is there.
//!
//! ```text
//!  folder (makes the nodes once) ─▶ offer (the list, an answer to Allocate)
//!                                     │
//!  kubelet.sock ◀─ Register ── kubelet ─ service ◀── ListAndWatch, Allocate
//!  socket folder ─ looks ─────▶ standing (when to listen, when to register again)
//! ```
//!
//! A container's devices are settled when it starts, and a stick that is put back has another number. So a container is
//! given all numbers of some buses: a node with no device behind it fails to open until a stick has its number. Whether
//! one is plugged in is lightd's business: the one device offered is always healthy, or no pod could start unplugged.
//!
//! Pure: [`nodes`], [`offer`], [`standing`], [`authority`]. Edges: [`folder`], [`kubelet`], [`service`], [`mod@line`]. None
//! knows libusb: which buses have a stick, whoever runs this says.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

mod authority;
mod folder;
mod kubelet;
mod line;
mod nodes;
mod offer;
mod service;
mod standing;

pub use kubelet::offer_to;
pub use nodes::MOST_BUSES;
pub use offer::{DEVICE, Offer, RESOURCE, SOCKET};

/// The kubelet's API, generated.
#[allow(missing_docs, unreachable_pub, clippy::all, clippy::pedantic, clippy::wildcard_enum_match_arm)]
pub mod v1beta1 {
    tonic::include_proto!("v1beta1");
}

/// Between two looks for a stick, where its bus alone is to be offered.
const LOOK_OUT: Duration = Duration::from_secs(1);

/// What to offer, and to which kubelet.
#[derive(Args, Clone, Debug)]
pub struct Settings {
    /// Offer the nodes of buses 1 to this one, 16 at most
    #[arg(long, env = "PODLIGHT_BUSES", default_value_t = 4, value_parser = clap::value_parser!(u8).range(1..=i64::from(MOST_BUSES)))]
    pub buses: u8,

    /// Of those, offer only the buses on which a BlinkStick is found first; waits for one
    #[arg(long, env = "PODLIGHT_ONLY_BUS_OF_STICK")]
    pub only_bus_of_stick: bool,

    /// The folder for the nodes: the same path on the host, where the container runtime looks for them
    #[arg(long, env = "PODLIGHT_FOLDER", default_value = "/var/lib/podlight/usb")]
    pub folder: PathBuf,

    /// The folder of kubelet.sock
    #[arg(long, env = "PODLIGHT_KUBELET_FOLDER", default_value = "/var/lib/kubelet/device-plugins")]
    pub kubelet_folder: PathBuf,
}

/// Makes the nodes and offers them until `shutdown`. `look` tells the buses on which BlinkSticks are plugged in.
///
/// # Errors
/// The nodes can't be made. A kubelet that isn't there is a state, not an error.
pub async fn run(
    settings: Settings,
    look: impl Fn() -> Vec<u8>,
    shutdown: impl Future<Output = ()>,
) -> anyhow::Result<()> {
    let Settings { buses, only_bus_of_stick, folder, kubelet_folder } = settings;
    tokio::pin!(shutdown);
    let buses = if only_bus_of_stick {
        tokio::select! {
            found = wait_for_stick(buses, look) => found,
            () = &mut shutdown => return Ok(()),
        }
    } else {
        (1..=buses).collect()
    };
    let nodes = nodes::of(&buses);
    folder::fill(&folder, &nodes)?;
    tracing::info!(nodes = nodes.len(), ?buses, folder = %folder.display(), "the nodes are made");
    offer_to(&kubelet_folder, Offer::new(&nodes, &folder), shutdown).await
}

async fn wait_for_stick(most: u8, look: impl Fn() -> Vec<u8>) -> Vec<u8> {
    let mut told = false;
    loop {
        let mut found = look();
        found.retain(|bus| (1..=most).contains(bus));
        found.sort_unstable();
        found.dedup();
        if !found.is_empty() {
            return found;
        }
        if !std::mem::replace(&mut told, true) {
            tracing::warn!(most, "no BlinkStick on these buses, so nothing is offered yet");
        }
        tokio::time::sleep(LOOK_OUT).await;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn only_the_buses_of_a_stick_are_offered_once_there_is_one() {
        let looks = Mutex::new(vec![vec![3, 1, 3, 5], vec![5], vec![]]);
        let look = || looks.lock().unwrap().pop().unwrap();
        assert_eq!(wait_for_stick(4, look).await, [1, 3]);
        assert!(looks.lock().unwrap().is_empty());
    }
}
