//! The demo as a picture: an SVG that shows the sticks as they shine, each with its node and its reason. Pure. Uses
//! nothing from elsewhere: no fonts, no links, no scripts.

mod stick;

use std::collections::BTreeSet;
use std::fmt::Write as _;

use podlight_proto::Color;

use crate::view::{Tile, View, legible, mix, shine};

const MARGIN: usize = 28;
const GAP: usize = 20;
const TILE: (usize, usize) = (462, 176);
const COLUMNS: usize = 2;
const SANS: &str = "ui-sans-serif,system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif";
const MONO: &str = "ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono','Liberation Mono',monospace";
/// Characters of a reason that fit in a tile.
const REASON: usize = 54;

/// The picture of a view.
pub(crate) fn draw(view: &View) -> String {
    let rows = view.tiles.len().div_ceil(COLUMNS);
    let width = 2 * MARGIN + COLUMNS * TILE.0 + (COLUMNS - 1) * GAP;
    let top = 78;
    let bottom = 58;
    let height = top + rows * (TILE.1 + GAP) - GAP.min(rows * GAP) + bottom;
    let mut svg = format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img" font-family="{SANS}">
<title>podlight: what a cluster's pods do, as the lights of its nodes show it</title>
<defs>
<linearGradient id="ground" x1="0" y1="0" x2="0" y2="1"><stop offset="0" stop-color="#0e1017"/><stop offset="1" stop-color="#08090d"/></linearGradient>
<linearGradient id="tile" x1="0" y1="0" x2="0" y2="1"><stop offset="0" stop-color="#161923"/><stop offset="1" stop-color="#10121a"/></linearGradient>
<linearGradient id="metal" x1="0" y1="0" x2="0" y2="1"><stop offset="0" stop-color="#9aa0ab"/><stop offset=".5" stop-color="#6d737e"/><stop offset="1" stop-color="#4b505a"/></linearGradient>
<clipPath id="frame"><rect width="{}" height="{}" rx="14"/></clipPath>
{}</defs>
<rect width="{width}" height="{height}" rx="18" fill="url(#ground)"/>
<text x="{MARGIN}" y="47" font-size="25" font-weight="700" fill="#f2f4f8">podlight<tspan dx="14" font-size="15" font-weight="400" fill="#8b93a3">what the pods of each node do, as its light shows it</tspan></text>
"##,
        TILE.0,
        TILE.1,
        glows(view),
    );
    for (index, tile) in view.tiles.iter().enumerate() {
        let (column, row) = (index % COLUMNS, index / COLUMNS);
        let (x, y) = (MARGIN + column * (TILE.0 + GAP), top + row * (TILE.1 + GAP));
        let _ = writeln!(svg, r#"<g transform="translate({x} {y})">{}</g>"#, draw_tile(tile));
    }
    if let Some(caption) = view.captions.last() {
        let y = height - 24;
        let _ = writeln!(
            svg,
            r##"<text x="{MARGIN}" y="{y}" font-size="15" fill="#c9ced8"><tspan fill="#e5c07b">▸</tspan><tspan dx="8">{}</tspan></text>"##,
            escape(caption)
        );
    }
    svg.push_str("</svg>\n");
    svg
}

/// A light's glow, once for each color: a bright heart, and a halo that fades.
fn glows(view: &View) -> String {
    let lit = view.tiles.iter().flat_map(|tile| &tile.colors).filter(|color| **color != Color::BLACK);
    let colors: BTreeSet<[u8; 3]> = lit.map(|color| color.parts()).collect();
    colors.into_iter().fold(String::new(), |mut text, [r, g, b]| {
        let color = Color::rgb(r, g, b);
        let (halo, heart, shine) = (halo(color), heart(color), shine(color));
        let white = mix(shine, Color::WHITE, 0.8);
        let _ = writeln!(
            text,
            r#"<radialGradient id="{halo}"><stop offset="0" stop-color="{shine}" stop-opacity=".75"/><stop offset=".25" stop-color="{shine}" stop-opacity=".38"/><stop offset=".55" stop-color="{shine}" stop-opacity=".1"/><stop offset="1" stop-color="{shine}" stop-opacity="0"/></radialGradient>
<radialGradient id="{heart}"><stop offset="0" stop-color="{white}"/><stop offset=".35" stop-color="{}"/><stop offset=".75" stop-color="{shine}"/><stop offset="1" stop-color="{shine}" stop-opacity="0"/></radialGradient>"#,
            legible(shine)
        );
        text
    })
}

/// The name of a color's halo.
fn halo(color: Color) -> String {
    format!("halo{:06x}", u32::from(color))
}

/// The name of a color's bright heart.
fn heart(color: Color) -> String {
    format!("heart{:06x}", u32::from(color))
}

fn draw_tile(tile: &Tile) -> String {
    let (width, height) = TILE;
    let mut text = format!(r##"<rect width="{width}" height="{height}" rx="14" fill="url(#tile)" stroke="#262b38"/>"##);
    let _ = write!(text, r#"<g clip-path="url(#frame)">{}</g>"#, stick::draw(tile, (231.0, 78.0)));
    let _ = write!(
        text,
        r##"<text x="18" y="29" font-size="16" font-weight="600" fill="#eef0f5">{}<tspan dx="10" font-size="12.5" font-weight="400" fill="#d9b36c">{}</tspan></text>"##,
        escape(&tile.node),
        tile.remark
    );
    let _ = write!(
        text,
        r##"<text x="{}" y="29" font-size="12.5" text-anchor="end" fill="#7d8596">{}</text>"##,
        width - 18,
        escape(&tile.model)
    );
    let mark = match tile.layer() {
        "" => String::new(),
        layer => format!("{layer}: "),
    };
    let _ = write!(
        text,
        r##"<text x="18" y="{}" font-size="13" font-family="{MONO}" fill="#d7dbe4">{}</text>"##,
        height - 38,
        escape(&shorten(&format!("{mark}{}", tile.state.reason)))
    );
    let counts = tile.counts().into_iter().fold(String::new(), |mut text, (kind, count)| {
        let (gap, color, name) = (if text.is_empty() { 0 } else { 16 }, kind.color(), kind.name());
        let _ = write!(
            text,
            r##"<tspan dx="{gap}" fill="{color}">●</tspan><tspan dx="5" fill="#99a1b1">{count} {name}</tspan>"##
        );
        text
    });
    let _ = write!(text, r#"<text x="18" y="{}" font-size="12.5">{counts}</text>"#, height - 15);
    text
}

fn shorten(text: &str) -> String {
    if text.chars().count() <= REASON {
        return text.to_owned();
    }
    text.chars().take(REASON - 1).chain(['…']).collect()
}

fn escape(text: &str) -> String {
    let text: String = text.chars().filter(|c| !c.is_control()).collect();
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_wrote_is_escaped_and_cut() {
        let mut tile = Tile { node: "<a&b>".to_owned(), ..Tile::default() };
        tile.state.reason = "\"x\" ".repeat(40);
        let svg = draw(&View { tiles: vec![tile], ..View::default() });
        assert!(svg.contains("&lt;a&amp;b&gt;") && svg.contains("&quot;x&quot;") && svg.contains('…'), "{svg}");
    }

    #[test]
    fn every_led_is_drawn_and_glows_by_a_gradient_that_is_there() {
        let red = Color::rgb(50, 0, 0);
        for leds in [0, 1, 2, 8, 32, 192] {
            let mut tile = Tile { colors: vec![red; leds], ..Tile::default() };
            tile.colors.extend([Color::BLACK]);
            let svg = draw(&View { tiles: vec![tile], ..View::default() });
            for part in ["halo", "heart"] {
                assert_eq!(svg.matches(&format!("url(#{part}320000)")).count(), leds, "{part}, {leds} LEDs");
                assert_eq!(svg.matches(&format!("id=\"{part}320000\"")).count(), leds.min(1), "{part}, {leds} LEDs");
            }
        }
    }
}
