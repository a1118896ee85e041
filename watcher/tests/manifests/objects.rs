//! Each object is of a type that Kubernetes has, with no field that the type doesn't know.

use k8s_openapi::api::apps::v1::{DaemonSet, Deployment};
use k8s_openapi::api::core::v1::{ConfigMap, Namespace, Service, ServiceAccount};
use k8s_openapi::api::networking::v1::NetworkPolicy;
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use k8s_openapi::api::rbac::v1::{ClusterRole, ClusterRoleBinding, Role, RoleBinding};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, from_value, json, to_value};
use watcher::pod::Pod;
use watcher::policy::Policy;

use crate::overlay::{ALL, KIND, POLICY};

/// What `object` is once it has been parsed: a field that its type doesn't know is lost.
fn parsed(object: &Value) -> Result<Value, String> {
    fn through<K: DeserializeOwned + Serialize>(object: &Value) -> Result<Value, String> {
        from_value::<K>(object.clone()).and_then(to_value).map_err(|error| error.to_string())
    }
    let text = |field: &str| object[field].as_str().unwrap_or_default();
    match (text("apiVersion"), text("kind")) {
        ("v1", "ConfigMap") => through::<ConfigMap>(object),
        ("v1", "Namespace") => through::<Namespace>(object),
        ("v1", "Service") => through::<Service>(object),
        ("v1", "ServiceAccount") => through::<ServiceAccount>(object),
        ("apps/v1", "DaemonSet") => through::<DaemonSet>(object),
        ("apps/v1", "Deployment") => through::<Deployment>(object),
        ("networking.k8s.io/v1", "NetworkPolicy") => through::<NetworkPolicy>(object),
        ("policy/v1", "PodDisruptionBudget") => through::<PodDisruptionBudget>(object),
        ("rbac.authorization.k8s.io/v1", "ClusterRole") => through::<ClusterRole>(object),
        ("rbac.authorization.k8s.io/v1", "ClusterRoleBinding") => through::<ClusterRoleBinding>(object),
        ("rbac.authorization.k8s.io/v1", "Role") => through::<Role>(object),
        ("rbac.authorization.k8s.io/v1", "RoleBinding") => through::<RoleBinding>(object),
        // Not of Kubernetes: their contents are schemas of their own.
        ("nfd.k8s-sigs.io/v1alpha1", "NodeFeatureRule")
        | ("cert-manager.io/v1", "Issuer" | "Certificate")
        | ("monitoring.coreos.com/v1", "PodMonitor" | "PrometheusRule") => Ok(object.clone()),
        (version, kind) => Err(format!("{version} {kind} is no type that is known here")),
    }
}

#[test]
fn each_object_has_only_fields_that_its_type_knows() {
    for overlay in ALL {
        for object in overlay.objects() {
            let name = format!("{} {} of {}", object["kind"], object["metadata"]["name"], overlay.name);
            match parsed(&object) {
                Ok(parsed) => assert_eq!(parsed, object, "{name}"),
                Err(error) => panic!("{name}: {error}"),
            }
        }
    }
}

#[test]
fn a_field_that_is_misspelled_is_lost_on_the_way() {
    let mut objects = KIND.objects();
    let namespace = objects.iter_mut().find(|object| object["kind"] == "Namespace").unwrap();
    namespace["metadata"]["label"] = json!({});
    assert_ne!(parsed(namespace).unwrap(), *namespace);
}

#[test]
fn each_object_is_podlights_own() {
    for overlay in ALL {
        for object in overlay.objects() {
            let metadata: ObjectMeta = from_value(object["metadata"].clone()).unwrap();
            let label = metadata.labels.as_ref().and_then(|labels| labels.get("app.kubernetes.io/name"));
            assert_eq!(label.map(String::as_str), Some("podlight"), "{metadata:?}");
            let of_cluster = ["Namespace", "ClusterRole", "ClusterRoleBinding", "NodeFeatureRule"];
            let of_cluster = of_cluster.contains(&object["kind"].as_str().unwrap());
            let namespaces: &[_] =
                if of_cluster { &[None] } else { &[Some("podlight"), Some("podlight-device-plugin")] };
            assert!(namespaces.contains(&metadata.namespace.as_deref()), "{metadata:?}");
        }
    }
}

#[test]
fn a_pod_of_the_daemon_set_is_a_light_that_the_watcher_finds() {
    for overlay in ALL {
        let daemons: DaemonSet = overlay.object("DaemonSet", "lightd");
        let mut pod = to_value(daemons.spec.unwrap().template).unwrap();
        pod["metadata"]["name"] = json!("lightd-1");
        pod["metadata"]["namespace"] = json!(daemons.metadata.namespace);
        pod["metadata"]["uid"] = json!("70646c67-6874-4000-8000-000000000001");
        pod["spec"]["nodeName"] = json!("n1");
        pod["status"] = json!({"phase": "Running", "podIP": "10.0.0.1"});
        let pod: Pod = from_value(pod).unwrap();
        assert_eq!(pod.light(), Some(([10, 0, 0, 1], 50051).into()), "{}", overlay.name);
    }
}

#[test]
fn the_watcher_finds_a_good_policy_where_it_is_mounted() {
    let spec = POLICY.watcher();
    let [container] = spec.containers.as_slice() else { panic!("one container is enough") };
    let env = container.env.as_ref().unwrap().iter().find(|variable| variable.name == "PODLIGHT_POLICY").unwrap();
    let file = std::path::Path::new(env.value.as_ref().unwrap());
    let mount =
        container.volume_mounts.as_ref().unwrap().iter().find(|mount| file.parent() == Some(mount.mount_path.as_ref()));
    // A file that is mounted by itself never changes.
    let volume = mount.filter(|mount| mount.sub_path.is_none()).unwrap().name.as_str();
    let volume = spec.volumes.as_ref().unwrap().iter().find(|own| own.name == volume).unwrap();
    let map: ConfigMap = POLICY.object("ConfigMap", &volume.config_map.as_ref().unwrap().name);
    let text = &map.data.unwrap()[file.file_name().unwrap().to_str().unwrap()];
    assert_eq!(Policy::parse(text), Ok(Policy::default()));
}

#[test]
fn images_are_of_a_release() {
    for overlay in ALL {
        let own = [("watcher", overlay.watcher()), ("lightd", overlay.lightd())];
        // It is lightd's.
        let plugin = overlay.device_plugin().map(|plugin| ("lightd", plugin));
        for (name, spec) in own.into_iter().chain(plugin) {
            let images: Vec<_> = spec.containers.into_iter().map(|container| container.image.unwrap()).collect();
            assert_eq!(images, [format!("ghcr.io/podlight/{name}:{}", env!("CARGO_PKG_VERSION"))], "{}", overlay.name);
        }
    }
}
