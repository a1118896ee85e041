//! The device plugin's protocol, against a kubelet of our own on a real socket: what it hears of a kubelet, and what a
//! kubelet hears of it, whoever of them restarts.

#![expect(clippy::unwrap_used, reason = "all of this is a test, and a panic fails it")]

mod kubelet;
mod refusals;

use std::path::Path;

use lightd::device_plugin::{DEVICE, Offer, RESOURCE, SOCKET, offer_to};
use tempfile::TempDir;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tonic::Code;

use kubelet::{Kubelet, in_time};

/// A plugin that offers the nodes of two buses.
struct Plugin {
    stop: oneshot::Sender<()>,
    task: JoinHandle<anyhow::Result<()>>,
}

impl Plugin {
    fn start(folder: &Path) -> Self {
        let (stop, stopped) = oneshot::channel::<()>();
        let folder = folder.to_owned();
        let offer = Offer::of_buses(&[1, 2], Path::new("/var/lib/podlight/usb"));
        let task = tokio::spawn(async move { offer_to(&folder, offer, async { drop(stopped.await) }).await });
        Self { stop, task }
    }

    async fn stop(self) {
        self.stop.send(()).unwrap();
        in_time("the plugin's end", self.task).await.unwrap().unwrap();
    }

    /// As SIGKILL does: its socket stays.
    async fn kill(self) {
        self.task.abort();
        let _ = self.task.await;
    }
}

fn folder() -> TempDir {
    // Short: a socket's path has 108 bytes at most.
    tempfile::Builder::new().prefix("dp").tempdir().unwrap()
}

/// A kubelet with which a plugin has registered.
async fn registered() -> (TempDir, Kubelet, Plugin) {
    let folder = folder();
    let mut kubelet = Kubelet::start(folder.path());
    let plugin = Plugin::start(folder.path());
    kubelet.registered().await;
    (folder, kubelet, plugin)
}

#[tokio::test]
async fn a_kubelet_is_told_of_one_healthy_device() {
    let folder = folder();
    let mut kubelet = Kubelet::start(folder.path());
    let plugin = Plugin::start(folder.path());
    let request = kubelet.registered().await;
    assert_eq!([request.version.as_str(), &request.endpoint, &request.resource_name], ["v1beta1", SOCKET, RESOURCE]);
    let options = kubelet.options().await;
    assert!(!options.pre_start_required && !options.get_preferred_allocation_available);
    let mut list = kubelet.listen().await;
    let devices = in_time("the list", list.message()).await.unwrap().unwrap().devices;
    let told: Vec<_> = devices.iter().map(|device| (device.id.as_str(), device.health.as_str())).collect();
    assert_eq!(told, [(DEVICE, "Healthy")]);
    plugin.stop().await;
    assert!(!folder.path().join(SOCKET).exists());
}

#[tokio::test]
async fn a_container_is_given_every_node_by_name() {
    let (_folder, mut kubelet, plugin) = registered().await;
    let answer = kubelet.allocate(&[&[DEVICE]]).await.unwrap();
    let [container] = answer.container_responses.as_slice() else { panic!("{answer:?}") };
    let places: Vec<_> = container.devices.iter().map(|spec| spec.container_path.clone()).collect();
    let all = (1..=2).flat_map(|bus| (1..=127).map(move |device| format!("/dev/bus/usb/{bus:03}/{device:03}")));
    assert_eq!(places, all.collect::<Vec<_>>());
    for spec in &container.devices {
        assert_eq!(spec.host_path, spec.container_path.replace("/dev/bus/usb", "/var/lib/podlight/usb"));
        assert_eq!(spec.permissions, "rw");
    }
    plugin.stop().await;
}

#[tokio::test]
async fn what_is_not_offered_is_refused_and_the_plugin_goes_on() {
    let (_folder, mut kubelet, plugin) = registered().await;
    for wrong in [&[] as &[&[&str]], &[&[]], &[&["other"]], &[&[DEVICE, DEVICE]], &[&[DEVICE], &[DEVICE]]] {
        assert_eq!(kubelet.allocate(wrong).await.unwrap_err().code(), Code::InvalidArgument, "{wrong:?}");
    }
    let long = "x".repeat(1 << 20);
    kubelet.allocate(&[&[&long]]).await.unwrap_err();
    assert_eq!(kubelet.call_what_is_not_there().await.code(), Code::Unimplemented);
    kubelet.send_noise().await;
    kubelet.allocate(&[&[DEVICE]]).await.unwrap();
    plugin.stop().await;
}

/// Kubelets before 1.26 name the socket's path as the authority of each request.
#[tokio::test]
async fn an_old_kubelet_is_understood() {
    let (_folder, kubelet, plugin) = registered().await;
    kubelet.is_answered_as_an_old_one().await;
    plugin.stop().await;
}

#[tokio::test]
async fn a_kubelet_that_restarts_is_registered_with_again_and_again() {
    let folder = folder();
    let plugin = Plugin::start(folder.path());
    for lifetime in 0..3 {
        let mut kubelet = Kubelet::start(folder.path());
        kubelet.registered().await;
        let _list = kubelet.listen().await;
        kubelet.allocate(&[&[DEVICE]]).await.unwrap();
        // As it goes in order, and as it is killed.
        if lifetime == 1 { kubelet.stop().await } else { kubelet.kill().await }
    }
    plugin.stop().await;
}

#[tokio::test]
async fn a_kubelet_that_forgets_the_plugin_is_reminded() {
    let (_folder, mut kubelet, plugin) = registered().await;
    let mut list = kubelet.listen().await;
    in_time("the list", list.message()).await.unwrap().unwrap();
    drop(list);
    kubelet.registered().await;
    plugin.stop().await;
}

#[tokio::test]
async fn a_socket_that_is_removed_is_made_and_registered_again() {
    let (folder, mut kubelet, plugin) = registered().await;
    let _list = kubelet.listen().await;
    std::fs::remove_file(folder.path().join(SOCKET)).unwrap();
    kubelet.registered().await;
    kubelet.allocate(&[&[DEVICE]]).await.unwrap();
    plugin.stop().await;
}

#[tokio::test]
async fn a_kubelet_that_refuses_is_asked_until_it_does_not() {
    let folder = folder();
    let mut kubelet = Kubelet::start(folder.path());
    kubelet.refuse(2);
    let plugin = Plugin::start(folder.path());
    kubelet.registered().await;
    plugin.stop().await;
}

#[tokio::test]
async fn the_folder_may_come_later_and_go() {
    let folder = folder();
    let sockets = folder.path().join("later");
    let plugin = Plugin::start(&sockets);
    for _ in 0..2 {
        std::fs::create_dir(&sockets).unwrap();
        let mut kubelet = Kubelet::start(&sockets);
        kubelet.registered().await;
        let _list = kubelet.listen().await;
        kubelet.kill().await;
        std::fs::remove_dir_all(&sockets).unwrap();
    }
    plugin.stop().await;
}

#[tokio::test]
async fn a_plugin_that_was_killed_is_replaced_by_the_next() {
    let (folder, mut kubelet, first) = registered().await;
    first.kill().await;
    let second = Plugin::start(folder.path());
    kubelet.registered().await;
    kubelet.allocate(&[&[DEVICE]]).await.unwrap();
    second.stop().await;
}

#[tokio::test]
async fn of_two_plugins_the_newer_has_the_kubelet() {
    let (folder, mut kubelet, first) = registered().await;
    let _list = kubelet.listen().await;
    let second = Plugin::start(folder.path());
    kubelet.registered().await;
    let _list = kubelet.listen().await;
    // The older leaves the newer's socket where it is.
    first.stop().await;
    kubelet.allocate(&[&[DEVICE]]).await.unwrap();
    second.stop().await;
}
