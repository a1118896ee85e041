//! What the monitoring component scrapes is there, and what its alerts and its dashboard speak of is documented.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use k8s_openapi::api::core::v1::{ConfigMap, Container, PodSpec, Probe, Service};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use serde_json::{Value, from_str, to_string};

use crate::overlay::{ALL, PRODUCTION};

fn container(spec: PodSpec) -> Container {
    let [container] = <[Container; 1]>::try_from(spec.containers).expect("one container is enough");
    container
}

/// The port of this name.
fn port(container: &Container, name: &str) -> i32 {
    let ports = container.ports.iter().flatten();
    let mut named = ports.filter(|port| port.name.as_deref() == Some(name));
    named.next().unwrap_or_else(|| panic!("{} has no port {name}", container.name)).container_port
}

fn setting<'a>(container: &'a Container, name: &str) -> &'a str {
    let variable = container.env.iter().flatten().find(|variable| variable.name == name);
    variable.and_then(|variable| variable.value.as_deref()).unwrap_or_default()
}

#[test]
fn probes_and_metrics_are_asked_where_the_daemons_answer() {
    for overlay in ALL {
        for (container, http) in [(container(overlay.watcher()), 8080), (container(overlay.lightd()), 8081)] {
            assert_eq!(port(&container, "http"), http, "{}", overlay.name);
            assert_eq!(setting(&container, "PODLIGHT_HTTP"), format!("0.0.0.0:{http}"), "{}", overlay.name);
            let asks = |probe: &Option<Probe>, path: &str| {
                let get = probe.as_ref().and_then(|probe| probe.http_get.as_ref()).expect("it is by HTTP");
                assert_eq!((get.path.as_deref(), &get.port), (Some(path), &IntOrString::String("http".to_owned())));
            };
            asks(&container.liveness_probe, "/livez");
            asks(&container.readiness_probe, "/readyz");
        }
    }
}

#[test]
fn the_service_leads_to_ports_of_the_watcher() {
    for overlay in ALL {
        let (service, watcher): (Service, _) = (overlay.object("Service", "watcher"), container(overlay.watcher()));
        for exposed in service.spec.unwrap().ports.unwrap() {
            let Some(IntOrString::String(name)) = exposed.target_port else { panic!("a port is told by its name") };
            assert_eq!(port(&watcher, &name), exposed.port, "{}", overlay.name);
        }
        assert_eq!(setting(&watcher, "PODLIGHT_LISTEN"), format!("0.0.0.0:{}", port(&watcher, "grpc")));
    }
}

/// The rules as a file of Prometheus has them.
fn rules() -> Value {
    PRODUCTION.object::<Value>("PrometheusRule", "podlight")["spec"].take()
}

fn dashboard() -> Value {
    let folder: ConfigMap = PRODUCTION.object("ConfigMap", "podlight-dashboard");
    assert_eq!(folder.metadata.labels.unwrap()["grafana_dashboard"], "1");
    from_str(&folder.data.unwrap()["podlight.json"]).unwrap()
}

/// Whatever is said under this key, wherever that is.
fn said<'a>(value: &'a Value, key: &str, found: &mut Vec<&'a str>) {
    match value {
        Value::Object(fields) => fields.iter().for_each(|(name, value)| match value.as_str() {
            Some(text) if name == key => found.push(text),
            _ => said(value, key, found),
        }),
        Value::Array(values) => values.iter().for_each(|value| said(value, key, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// The metrics that a text speaks of.
fn metrics(text: &str) -> BTreeSet<&str> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let metrics = words.filter(|word| word.starts_with("podlight_") || word.starts_with("process_"));
    metrics.map(|metric| metric.strip_suffix("_bucket").unwrap_or(metric)).collect()
}

fn documentation() -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/metrics.md")).unwrap()
}

#[test]
fn alerts_and_panels_ask_for_metrics_that_are_documented() {
    let (rules, dashboard, documentation) = (rules(), dashboard(), documentation());
    let mut asked = Vec::new();
    said(&rules, "expr", &mut asked);
    let alerts = asked.len();
    said(&dashboard, "expr", &mut asked);
    assert!(alerts > 0 && asked.len() > alerts);
    let known = metrics(&documentation);
    for expression in asked {
        let metrics = metrics(expression);
        assert!(!metrics.is_empty() && metrics.is_subset(&known), "{expression}");
    }
}

#[test]
fn for_each_alert_it_is_documented_what_to_do() {
    let (rules, documentation) = (rules(), documentation());
    let mut alerts = Vec::new();
    said(&rules, "alert", &mut alerts);
    assert!(!alerts.is_empty());
    for alert in alerts {
        assert!(documentation.contains(&format!("| `{alert}` |")), "{alert}");
    }
}

#[test]
#[ignore = "needs promtool; .ci/run has it"]
fn promtool_takes_the_rules_and_they_fire_when_they_should() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("rules.yaml"), to_string(&rules()).unwrap()).unwrap();
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/manifests/alerts.yaml");
    std::fs::copy(cases, folder.path().join("alerts.yaml")).unwrap();
    for arguments in [["check", "rules", "rules.yaml"], ["test", "rules", "alerts.yaml"]] {
        let output = Command::new("promtool").args(arguments).current_dir(folder.path()).output().unwrap();
        let text = [output.stdout, output.stderr].concat();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&text));
    }
}
