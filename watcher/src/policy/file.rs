//! Reads a policy out of a file's text. What it can't mean is refused, with the place, the field and what would be right.

use std::collections::{BTreeMap, HashSet};

use jiff::civil::Time;
use jiff::tz::{TimeZone, TimeZoneDatabase};
use podlight_proto::{Look, v1};

use super::fault::{Fault, nearest};
use super::tree::{Field, Fields, Tree};
use super::{Layout, Night, Palette, Policy, Preset};
use crate::criteria::Conditions;
use crate::filter::Filter;
use crate::lights::Light;
use crate::standing::PodState;
use crate::timing::{Patience, Timing};

impl Policy {
    /// The policy that this YAML describes. Without a word it is the default one.
    ///
    /// # Errors
    /// It is no YAML, has a key that there isn't, or a value that can't be.
    pub fn parse(text: &str) -> Result<Self, Fault> {
        let tree = Tree::parse(text)?;
        let keys = ["preset", "pods", "layout", "states", "nodes", "updates", "brightness", "night", "lights"];
        let fields = tree.root().fields(&keys)?;
        let mut policy =
            fields.field("preset").map_or(Ok(Preset::Default), |field| field.choice(&Preset::ALL))?.policy();
        let Self { criteria, layout, palette, brightness, lights } = &mut policy;
        if let Some(field) = fields.field("pods") {
            pods(&field, &mut criteria.filter)?;
        }
        if let Some(field) = fields.field("layout") {
            *layout =
                field.choice(&[Layout::Same, Layout::Split, Layout::Pods].map(|layout| (layout.word(), layout)))?;
        }
        if let Some(field) = fields.field("states") {
            states(&field, palette, &mut criteria.timing)?;
        }
        if let Some(field) = fields.field("nodes") {
            nodes(&field, palette, &mut criteria.nodes)?;
        }
        if let Some(field) = fields.field("updates") {
            let updates = field.fields(&["within"])?;
            if let Some(within) = updates.field("within") {
                criteria.timing.updating = within.duration()?;
            }
        }
        if let Some(field) = fields.field("brightness") {
            brightness.day = field.percent(1)?;
        }
        if let Some(field) = fields.field("night") {
            brightness.night = Some(night(&field, brightness.day)?);
        }
        if let Some(field) = fields.field("lights") {
            *lights = desk_lights(&field)?;
        }
        Ok(policy)
    }
}

fn pods(field: &Field<'_>, filter: &mut Filter) -> Result<(), Fault> {
    let fields = field.fields(&["namespaces", "labels"])?;
    if let Some(field) = fields.field("namespaces") {
        let fields = field.fields(&["only", "except"])?;
        if let Some(only) = fields.field("only") {
            filter.namespaces = namespaces(&only)?.into_keys().collect();
        }
        if let Some(except) = fields.field("except") {
            let except = namespaces(&except)?;
            if let Some((name, field)) = except.iter().find(|(name, _)| filter.namespaces.contains(*name)) {
                return Err(field.wrong(format!("{name:?} is among pods.namespaces.only, too; give it once")));
            }
            filter.excluded = except.into_keys().collect();
        }
    }
    if let Some(labels) = fields.field("labels") {
        let text = labels.text(r#"labels as kubectl takes them, as in "app=cart,tier!=test""#)?;
        filter.selector = text.parse().map_err(|invalid| labels.wrong(invalid))?;
    }
    Ok(())
}

fn namespaces<'a>(field: &Field<'a>) -> Result<BTreeMap<String, Field<'a>>, Fault> {
    const WANT: &str = "the name of a namespace: small letters, digits and hyphens, 63 at most";
    let name = |part: Field<'a>| {
        let name = part.text(WANT)?;
        let sound = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if !(1..=63).contains(&name.len()) || !name.chars().all(sound) {
            return Err(part.fault(WANT));
        }
        Ok((name.to_owned(), part))
    };
    field.list()?.into_iter().map(name).collect()
}

fn states(field: &Field<'_>, palette: &mut Palette, timing: &mut Timing) -> Result<(), Fault> {
    let fields = field.fields(&PodState::ALL.map(PodState::word))?;
    for state in PodState::ALL {
        let Some(field) = fields.field(state.word()) else { continue };
        let Some(patience) = timing.of_mut(state) else {
            let fields = field.fields(&["color", "effect", "period"])?;
            look(&field, &fields, palette.of_mut(state))?;
            continue;
        };
        let fields = field.fields(&["color", "effect", "period", "after", "hold"])?;
        look(&field, &fields, palette.of_mut(state))?;
        let Patience { after, hold } = patience;
        for (key, time) in [("after", after), ("hold", hold)] {
            if let Some(field) = fields.field(key) {
                *time = field.duration()?;
            }
        }
    }
    Ok(())
}

fn nodes(field: &Field<'_>, palette: &mut Palette, counts: &mut Conditions) -> Result<(), Fault> {
    let fields = field.fields(&["not-ready", "pressure", "cordoned"])?;
    for (key, own, counts) in [
        ("not-ready", &mut palette.node_not_ready, &mut counts.not_ready),
        ("pressure", &mut palette.node_pressure, &mut counts.pressure),
        ("cordoned", &mut palette.node_cordoned, &mut counts.cordoned),
    ] {
        let Some(field) = fields.field(key) else { continue };
        let fields = field.fields(&["counts", "color", "effect", "period"])?;
        look(&field, &fields, own)?;
        if let Some(field) = fields.field("counts") {
            *counts = field.choice(&[("true", true), ("false", false)])?;
        }
    }
    Ok(())
}

/// Overrides what is given of a look. Another effect has its own usual period.
fn look(whole: &Field<'_>, fields: &Fields<'_>, look: &mut Look) -> Result<(), Fault> {
    const COLOR: &str = r##"a CSS color in quotes: a name such as "green", or "#rrggbb""##;
    let effects = ["solid", "morph", "pulse", "blink"];
    let mut wire = v1::Look::from(*look);
    if let Some(field) = fields.field("color") {
        wire.rgb = u32::from(field.parse::<podlight_proto::Color>(COLOR)?);
    }
    if let Some(field) = fields.field("effect") {
        let effect = field.choice(&effects.map(|word| (word, v1::Effect::from_str_name(&word.to_uppercase()))))?;
        wire.effect = effect.unwrap_or_default().into();
        wire.period = None;
    }
    if let Some(field) = fields.field("period") {
        let period = field.duration()?;
        wire.period = prost_types::Duration::try_from(period).ok();
        // What a period may be, the effect says.
        Look::try_from(wire).map_err(|invalid| field.wrong(invalid))?;
    }
    *look = Look::try_from(wire).map_err(|invalid| whole.wrong(invalid))?;
    if *look == Look::UNKNOWN {
        return Err(whole.wrong("this look says that nobody knows; give another color or another period"));
    }
    Ok(())
}

fn night(field: &Field<'_>, day: u8) -> Result<Night, Fault> {
    const CLOCK: &str = r#"a time of day in quotes, as in "22:00""#;
    let fields = field.fields(&["from", "to", "zone", "brightness", "failures"])?;
    let needed = |key: &str, want: &str| {
        fields.field(key).ok_or_else(|| field.wrong(format!("there is no {key:?}; give {want}")))
    };
    let clock = |key| {
        let field = needed(key, CLOCK)?;
        let text = field.text(CLOCK)?;
        Time::strptime("%H:%M", text).map_err(|_| field.fault(CLOCK))
    };
    let (from, to) = (clock("from")?, clock("to")?);
    if from == to {
        return Err(field.wrong("it ends when it begins; give two times"));
    }
    let brightness = needed("brightness", "0% to 100%")?.percent(0)?;
    let failures = fields.field("failures").map_or(Ok(day), |field| field.percent(1))?;
    Ok(Night { from, to, zone: zone(&needed("zone", "a time zone, as in Europe/Berlin")?)?, brightness, failures })
}

fn zone(field: &Field<'_>) -> Result<TimeZone, Fault> {
    const WANT: &str = "a time zone by its IANA name, as in Europe/Berlin or UTC";
    let name = field.text(WANT)?;
    let zones = TimeZoneDatabase::bundled();
    zones.get(name).map_err(|_| {
        let known: Vec<_> = zones.available().map(|zone| zone.as_str().to_owned()).collect();
        let meant = nearest(name, known.iter().map(String::as_str));
        field.fault(meant.unwrap_or(WANT))
    })
}

fn desk_lights(field: &Field<'_>) -> Result<Vec<Light>, Fault> {
    const WANT: &str = "NAME=URL, as in cluster=http://127.0.0.1:50051";
    let mut urls = HashSet::new();
    let light = |part: Field<'_>| {
        let light: Light = part.text(WANT)?.parse().map_err(|invalid| part.wrong(invalid))?;
        if !urls.insert(light.url.clone()) {
            return Err(part.wrong(format!("{} is another light's URL, too; a light speaks of one thing", light.url)));
        }
        Ok(light)
    };
    field.list()?.into_iter().map(light).collect()
}

#[cfg(test)]
mod tests;
