//! A policy as the text of a file that says every key: what [`Policy::parse`] reads it from again.

use std::fmt;
use std::time::Duration;

use podlight_proto::{Look, v1};

use super::{Night, Policy};
use crate::criteria::{Conditions, Criteria};
use crate::filter::Filter;
use crate::standing::PodState;
use crate::timing::Timing;

/// The whole, with comments.
impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { criteria: Criteria { filter, timing, nodes }, layout, palette, brightness, lights } = self;
        writeln!(f, "# What podlight's lights show. Each key may be left out: then the preset's value holds.\n")?;
        writeln!(f, "# What the rest overrides: default, origin or color-blind-safe.\npreset: default\n")?;
        pods(f, filter)?;
        writeln!(
            f,
            "# How it is spread over LEDs: same (the worst on all), split (top: whether anything runs; bottom: the"
        )?;
        writeln!(f, "# worst) or pods (an LED a pod).\nlayout: {layout}\n")?;
        writeln!(
            f,
            "# States of a pod, best first: the worst pod decides. color: a CSS color. effect: solid, morph, pulse or"
        )?;
        writeln!(
            f,
            "# blink. period: how long a morph takes, or a cycle of the others. after: counts only once it has lasted"
        )?;
        writeln!(f, "# for so long. hold: once it showed, shows for so long after it has passed.\nstates:")?;
        for state in PodState::ALL {
            writeln!(f, "  {}: {{{}{}}}", state.word(), look(palette.of(state)), patience(timing, state))?;
        }
        let Conditions { not_ready, pressure, cordoned } = nodes;
        writeln!(
            f,
            "\n# Conditions of a node. not-ready beats all pods, pressure (of memory, disk or process ids) all but failed"
        )?;
        writeln!(f, "# ones, cordoned only those that are well.\nnodes:")?;
        writeln!(f, "  not-ready: {{counts: {not_ready}, {}}}", look(palette.node_not_ready))?;
        writeln!(f, "  pressure: {{counts: {pressure}, {}}}", look(palette.node_pressure))?;
        writeln!(f, "  cordoned: {{counts: {cordoned}, {}}}", look(palette.node_cordoned))?;
        writeln!(
            f,
            "\n# Pods that come and go are \"updating\" for so long after another pod of their Deployment, StatefulSet or"
        )?;
        writeln!(f, "# DaemonSet became ready. 0s: never.\nupdates:\n  within: {}", time(timing.updating))?;
        writeln!(f, "\n# How bright the colors are: 1% to 100%.\nbrightness: {}%\n", brightness.day)?;
        night(f, brightness.night.as_ref())?;
        writeln!(
            f,
            "\n# Lights besides those in the cluster: NAME=URL, where NAME is a node, node/NAME, namespace/NAME or cluster."
        )?;
        list(f, "lights", lights.iter().map(|light| quoted(&format!("{}={}", light.full_name(), light.url))))
    }
}

fn pods(f: &mut fmt::Formatter<'_>, filter: &Filter) -> fmt::Result {
    let Filter { namespaces, excluded, selector } = filter;
    writeln!(
        f,
        "# Which pods count. only: none means all. labels: as kubectl's -l takes them. A pod with the annotation"
    )?;
    writeln!(f, "# podlight.dev/ignore: \"true\" never does.\npods:\n  namespaces:")?;
    list(f, "    only", namespaces.iter().map(|name| quoted(name)))?;
    list(f, "    except", excluded.iter().map(|name| quoted(name)))?;
    writeln!(f, "  labels: {}\n", quoted(&selector.to_string()))
}

fn night(f: &mut fmt::Formatter<'_>, night: Option<&Night>) -> fmt::Result {
    writeln!(
        f,
        "# When they are less bright, by whose clocks; failures: how bright failed pods and nodes that are not ready"
    )?;
    writeln!(f, "# are then.")?;
    let Some(Night { from, to, zone, brightness, failures }) = night else {
        return writeln!(
            f,
            "# night: {{from: \"22:00\", to: \"07:00\", zone: Europe/Berlin, brightness: 20%, failures: 100%}}"
        );
    };
    let clock = |time: &jiff::civil::Time| time.strftime("%H:%M").to_string();
    writeln!(f, "night:\n  from: \"{}\"\n  to: \"{}\"", clock(from), clock(to))?;
    writeln!(f, "  zone: {}", quoted(zone.iana_name().unwrap_or("UTC")))?;
    writeln!(f, "  brightness: {brightness}%\n  failures: {failures}%")
}

fn list(f: &mut fmt::Formatter<'_>, key: &str, parts: impl Iterator<Item = String>) -> fmt::Result {
    writeln!(f, "{key}: [{}]", parts.collect::<Vec<_>>().join(", "))
}

fn look(look: Look) -> String {
    let effect = v1::Effect::from(look.effect).as_str_name().to_lowercase();
    let period = look.effect.period().map(|period| format!(", period: {}", time(period))).unwrap_or_default();
    format!("color: \"{}\", effect: {effect}{period}", look.color)
}

fn patience(timing: &Timing, state: PodState) -> String {
    let patience = timing.clone().of_mut(state).copied();
    patience.map(|own| format!(", after: {}, hold: {}", time(own.after), time(own.hold))).unwrap_or_default()
}

fn time(time: Duration) -> String {
    humantime::format_duration(time).to_string()
}

/// In double quotes; what such texts may hold needs no escape.
fn quoted(text: &str) -> String {
    format!("\"{text}\"")
}
