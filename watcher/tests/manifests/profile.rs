//! What a pod asks for beyond the restricted profile of the Pod Security Standards: each by name, and nothing else.

use k8s_openapi::api::core::v1::{Container, Namespace, PodSpec, SecurityContext};

use crate::overlay::{ALL, KIND, Overlay, PRODUCTION, RASPBERRY_PI, STICKS_ONLY};

/// Where `spec` goes beyond the restricted profile (of 1.35, for Linux), and beyond a root file system that is read-only.
fn beyond_restricted(spec: &PodSpec) -> Vec<String> {
    let mut beyond = Vec::new();
    let mut check = |holds: bool, what: &str| {
        if !holds {
            beyond.push(what.to_owned());
        }
    };
    let host = [spec.host_network, spec.host_pid, spec.host_ipc];
    check(host.iter().all(Option::is_none), "shares the host's namespaces");
    for volume in spec.volumes.iter().flatten() {
        check(volume.host_path.is_none(), &format!("mounts {} from the host", volume.name));
    }
    let of_pod = spec.security_context.as_ref().expect("a pod has a security context");
    let profile = of_pod.seccomp_profile.as_ref().map(|profile| profile.type_.as_str());
    check(profile == Some("RuntimeDefault"), "has no seccomp profile");
    check(of_pod.run_as_non_root == Some(true) && of_pod.run_as_user.is_none_or(|user| user != 0), "is root");
    assert!(spec.init_containers.is_none() && spec.ephemeral_containers.is_none());
    for container in &spec.containers {
        let context = container.security_context.as_ref().expect("a container has a security context");
        check(context.privileged != Some(true), "is privileged");
        check(context.allow_privilege_escalation == Some(false), "may gain privileges");
        check(has_no_capability(context), "has capabilities");
        check(context.read_only_root_filesystem == Some(true), "writes to its root file system");
        check(overrides_nothing(context), "overrides what its pod says");
        check(container.ports.iter().flatten().all(|port| port.host_port.is_none()), "takes a port of the host");
    }
    beyond
}

fn has_no_capability(context: &SecurityContext) -> bool {
    let drops = context.capabilities.as_ref().filter(|capabilities| capabilities.add.is_none());
    drops.and_then(|capabilities| capabilities.drop.as_deref()).is_some_and(|drop| drop == ["ALL"])
}

const fn overrides_nothing(context: &SecurityContext) -> bool {
    context.seccomp_profile.is_none()
        && context.run_as_user.is_none()
        && context.run_as_non_root.is_none()
        && context.proc_mount.is_none()
        && context.app_armor_profile.is_none()
        && context.se_linux_options.is_none()
}

fn enforced(overlay: &Overlay) -> String {
    let namespace: Namespace = overlay.object("Namespace", "podlight");
    namespace.metadata.labels.unwrap().remove("pod-security.kubernetes.io/enforce").unwrap()
}

#[test]
fn the_watcher_holds_to_the_restricted_profile_everywhere() {
    for overlay in ALL {
        assert_eq!(beyond_restricted(&overlay.watcher()), Vec::<String>::new(), "{}", overlay.name);
    }
}

#[test]
fn a_virtual_stick_needs_nothing_beyond_the_restricted_profile() {
    assert_eq!(beyond_restricted(&KIND.lightd()), Vec::<String>::new());
    assert_eq!(enforced(&KIND), "restricted");
}

#[test]
fn a_real_stick_needs_the_usb_folder_root_and_the_hosts_devices() {
    for overlay in [RASPBERRY_PI, PRODUCTION, STICKS_ONLY] {
        let lightd = beyond_restricted(&overlay.lightd());
        assert_eq!(lightd, ["mounts usb from the host", "is root", "is privileged", "may gain privileges"]);
        assert_eq!(enforced(&overlay), "privileged");
    }
}

#[test]
fn lightd_has_no_token() {
    for overlay in ALL {
        let lightd = overlay.lightd();
        assert_eq!(lightd.automount_service_account_token, Some(false));
        let secrets = lightd.volumes.iter().flatten().filter_map(|volume| volume.secret.as_ref());
        let names: Vec<_> = secrets.filter_map(|secret| secret.secret_name.as_deref()).collect();
        // Its certificate, where there is one.
        assert!(names.is_empty() || names == ["lightd-tls"], "{}: {names:?}", overlay.name);
        assert!(lightd.volumes.into_iter().flatten().all(|volume| volume.projected.is_none()));
    }
}

#[test]
fn each_container_has_memory_for_what_was_measured_and_no_more() {
    let bounded = |container: &Container| {
        let resources = container.resources.as_ref().expect("a container has resources");
        let has = |amounts: &Option<_>, what| {
            let amounts: &std::collections::BTreeMap<String, _> = amounts.as_ref().expect("amounts");
            amounts.contains_key(what)
        };
        has(&resources.requests, "cpu") && has(&resources.requests, "memory") && has(&resources.limits, "memory")
    };
    for overlay in ALL {
        assert!(
            overlay.watcher().containers.iter().chain(&overlay.lightd().containers).all(bounded),
            "{}",
            overlay.name
        );
    }
}
