//! What is offered, and the answers to a kubelet that asks for it. Pure: knows neither sockets nor files.

use std::path::{Path, PathBuf};

use super::nodes::Node;
use super::v1beta1::{
    AllocateRequest, AllocateResponse, ContainerAllocateResponse, Device, DeviceSpec, ListAndWatchResponse,
    RegisterRequest,
};

/// As in a container's limits.
pub const RESOURCE: &str = "podlight.dev/usb-stick";
/// Its only device. There is one, for two containers that light the same sticks would fight.
pub const DEVICE: &str = "usb";
/// The plugin's socket in the kubelet's folder.
pub const SOCKET: &str = "podlight-usb-stick.sock";
/// Of the API, in the words of Kubernetes.
const VERSION: &str = "v1beta1";
const HEALTHY: &str = "Healthy";
/// Where a container, and libusb in it, looks for nodes.
const IN_CONTAINER: &str = "/dev/bus/usb";

/// Nodes for one container.
#[derive(Clone, Debug)]
pub struct Offer {
    specs: Vec<DeviceSpec>,
}

impl Offer {
    /// The nodes that are in `folder` on the host. Each is listed by itself: of a folder that was emptied, nobody would
    /// hear, while a node that isn't there keeps the container from starting, and says why.
    pub(super) fn new(nodes: &[Node], folder: &Path) -> Self {
        let text = |path: PathBuf| path.to_string_lossy().into_owned();
        let spec = |node: &Node| DeviceSpec {
            container_path: text(Path::new(IN_CONTAINER).join(node.place())),
            host_path: text(folder.join(node.place())),
            permissions: "rw".to_owned(),
        };
        Self { specs: nodes.iter().map(spec).collect() }
    }

    /// The nodes of `buses`, which are, or will be, in `folder` on the host.
    pub fn of_buses(buses: &[u8], folder: &Path) -> Self {
        Self::new(&super::nodes::of(buses), folder)
    }

    /// What is listed: always the same.
    pub(super) fn list() -> ListAndWatchResponse {
        ListAndWatchResponse { devices: vec![Device { id: DEVICE.to_owned(), health: HEALTHY.to_owned() }] }
    }

    /// How to ask the kubelet.
    pub(super) fn registration() -> RegisterRequest {
        RegisterRequest {
            version: VERSION.to_owned(),
            endpoint: SOCKET.to_owned(),
            resource_name: RESOURCE.to_owned(),
            options: None,
        }
    }

    /// All nodes, for the one container that asks for the one device.
    ///
    /// # Errors
    /// What is asked for isn't offered, with a reason for people.
    pub(super) fn allocate(&self, request: &AllocateRequest) -> Result<AllocateResponse, String> {
        let [container] = request.container_requests.as_slice() else {
            return Err(format!("container_requests: {}; one at a time", request.container_requests.len()));
        };
        let [device] = container.devices_ids.as_slice() else {
            return Err(format!("devices_ids: {}; there is one device, {DEVICE:?}", container.devices_ids.len()));
        };
        if device != DEVICE {
            return Err(format!("devices_ids: no device {device:?}; there is {DEVICE:?}"));
        }
        Ok(AllocateResponse { container_responses: vec![ContainerAllocateResponse { devices: self.specs.clone() }] })
    }
}

#[cfg(test)]
mod tests {
    use super::super::v1beta1::ContainerAllocateRequest;
    use super::*;

    fn asking(containers: &[&[&str]]) -> AllocateRequest {
        let owned = |ids: &[&str]| ids.iter().map(ToString::to_string).collect();
        let request = |ids: &&[&str]| ContainerAllocateRequest { devices_ids: owned(ids) };
        AllocateRequest { container_requests: containers.iter().map(request).collect() }
    }

    #[test]
    fn the_one_device_is_all_nodes() {
        let offer = Offer::of_buses(&[1, 3], Path::new("/var/lib/podlight/usb"));
        let answer = offer.allocate(&asking(&[&[DEVICE]])).unwrap();
        let [container] = answer.container_responses.as_slice() else { panic!("{answer:?}") };
        assert_eq!(container.devices.len(), 254);
        let spec = &container.devices[127];
        assert_eq!(
            [&spec.container_path, &spec.host_path, &spec.permissions],
            ["/dev/bus/usb/003/001", "/var/lib/podlight/usb/003/001", "rw"]
        );
    }

    #[test]
    fn nothing_else_is_given() {
        let offer = Offer::of_buses(&[1], Path::new("/f"));
        let many = vec![[DEVICE].as_slice(); 1000];
        let wrong: [&[&[&str]]; 6] = [&[], &[&[]], &[&["other"]], &[&[DEVICE, DEVICE]], &[&[""]], &many];
        for containers in wrong {
            assert!(offer.allocate(&asking(containers)).is_err(), "{containers:?}");
        }
    }

    #[test]
    fn the_device_is_always_healthy() {
        let list = Offer::list();
        assert_eq!(list.devices, [Device { id: "usb".into(), health: "Healthy".into() }]);
    }
}
