//! Settings in the manifests are those that the daemons take.

use clap::{Args as _, Command};
use k8s_openapi::api::core::v1::PodSpec;

use crate::overlay::{ALL, KIND, Overlay};

/// What the only container is told, as flags.
fn flags(command: &Command, spec: &PodSpec) -> Result<Vec<String>, String> {
    let [container] = spec.containers.as_slice() else { return Err("one container is enough".to_owned()) };
    // Which daemon it is may be told, and nothing else.
    let others = container.args.iter().flatten().any(|argument| argument != command.get_name());
    if container.command.is_some() || others {
        return Err("settings are told by the environment, where components can add to them".to_owned());
    }
    let mut flags = vec![command.get_name().to_owned()];
    for variable in container.env.iter().flatten() {
        let mut known = command.get_arguments();
        let flag = known.find(|flag| flag.get_env().is_some_and(|name| name == variable.name.as_str()));
        // Besides what it serves by, what `lightd status` asks in its container.
        if command.get_name() == "lightd" && variable.name == "PODLIGHT_SERVER" {
            continue;
        }
        let flag = flag.ok_or_else(|| format!("{} is no setting of {}", variable.name, command.get_name()))?;
        let name = flag.get_long().expect("each setting has a flag");
        match (flag.get_action().takes_values(), variable.value.as_deref().unwrap_or_default()) {
            (true, value) => flags.push(format!("--{name}={value}")),
            (false, "true") => flags.push(format!("--{name}")),
            (false, other) => return Err(format!("{}: {other:?} is no \"true\"", variable.name)),
        }
    }
    Ok(flags)
}

fn watcher() -> Command {
    watcher::Settings::augment_args(Command::new("watcher"))
}

fn lightd() -> Command {
    lightd::Settings::augment_args(Command::new("lightd"))
}

fn device_plugin() -> Command {
    lightd::device_plugin::Settings::augment_args(Command::new("device-plugin"))
}

fn is_taken(command: Command, spec: &PodSpec, overlay: &Overlay) {
    let taken = flags(&command, spec).and_then(|flags| command.try_get_matches_from(flags).map_err(|e| e.to_string()));
    assert!(taken.is_ok(), "{}: {}", overlay.name, taken.unwrap_err());
}

#[test]
fn the_daemons_take_all_that_the_manifests_tell_them() {
    for overlay in ALL {
        is_taken(watcher(), &overlay.watcher(), &overlay);
        is_taken(lightd(), &overlay.lightd(), &overlay);
        if let Some(plugin) = overlay.device_plugin() {
            is_taken(device_plugin(), &plugin, &overlay);
        }
    }
}

#[test]
fn a_setting_that_the_daemon_lacks_is_found() {
    let told = flags(&watcher(), &KIND.lightd());
    assert_eq!(told, Err("PODLIGHT_STICK is no setting of watcher".to_owned()));
}
