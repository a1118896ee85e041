//! A stick as it looks: its board, its LEDs where they are on it, and their light.

use std::f64::consts::TAU;
use std::fmt::Write as _;

use podlight_proto::Color;

use super::{halo, heart};
use crate::view::Tile;

/// An LED's place and radius.
type Place = (f64, f64, f64);

/// The stick of a tile, centered at a point.
pub(super) fn draw(tile: &Tile, (x, y): (f64, f64)) -> String {
    let (board, places) = match (tile.short_model(), tile.colors.len()) {
        ("Square", 8) => square(),
        ("Flex", count @ 9..=40) => flex(count),
        (_, count @ 0..=2) => nano(count),
        (_, count) => strip(count),
    };
    let lights = places.into_iter().zip(&tile.colors);
    let (mut bodies, mut halos, mut hearts) = (String::new(), String::new(), String::new());
    for ((x, y, radius), color) in lights {
        let side = radius * 2.6;
        let corner = side / 2.0;
        let _ = write!(
            bodies,
            r##"<rect x="{:.1}" y="{:.1}" width="{side:.1}" height="{side:.1}" rx="{:.1}" fill="#23262e"/>"##,
            x - corner,
            y - corner,
            radius * 0.5
        );
        if *color == Color::BLACK {
            let _ = write!(bodies, r##"<circle cx="{x:.1}" cy="{y:.1}" r="{radius:.1}" fill="#343842"/>"##);
            continue;
        }
        // A lamp of twice the light reaches further: the eye takes the root.
        let strength = color.parts().into_iter().map(f64::from).fold(0.0, f64::max);
        let reach = radius * (5.0 + (strength / 4.0).sqrt());
        let _ = write!(halos, r#"<circle cx="{x:.1}" cy="{y:.1}" r="{reach:.1}" fill="url(#{})"/>"#, halo(*color));
        let _ = write!(
            hearts,
            r#"<circle cx="{x:.1}" cy="{y:.1}" r="{:.1}" fill="url(#{})"/>"#,
            radius * 1.25,
            heart(*color)
        );
    }
    format!(r#"<g transform="translate({x} {y})">{board}{bodies}{halos}{hearts}</g>"#)
}

/// A board with a USB plug at its left.
fn plugged(width: f64, height: f64) -> String {
    let (left, top) = (-width / 2.0, -height / 2.0);
    format!(
        r##"<rect x="{:.1}" y="-10" width="30" height="20" rx="2" fill="url(#metal)"/><rect x="{left:.1}" y="{top:.1}" width="{width}" height="{height}" rx="7" fill="#07080b" stroke="#303644"/>"##,
        left - 26.0
    )
}

fn nano(count: usize) -> (String, Vec<Place>) {
    let places = if count == 1 { vec![(10.0, 0.0, 8.5)] } else { vec![(-12.0, 0.0, 7.0), (22.0, 0.0, 7.0)] };
    (plugged(92.0, 34.0), places)
}

/// Eight LEDs around a square board, two on each side.
fn square() -> (String, Vec<Place>) {
    let board = r##"<rect x="-44" y="-44" width="88" height="88" rx="9" fill="#07080b" stroke="#303644"/><rect x="-11" y="-11" width="22" height="22" rx="3" fill="#14161d" stroke="#232733"/>"##;
    let (near, far) = (14.0, 32.0);
    let places = [
        (-near, -far),
        (near, -far),
        (far, -near),
        (far, near),
        (near, far),
        (-near, far),
        (-far, near),
        (-far, -near),
    ];
    (board.to_owned(), places.map(|(x, y)| (x, y, 5.2)).to_vec())
}

/// A flexible strip, hung in a wave.
fn flex(count: usize) -> (String, Vec<Place>) {
    let (width, height) = (392.0, 17.0);
    let at = |share: f64| ((share - 0.5) * width, height * (share * TAU * 1.5).sin());
    let path = (0..=96).fold(String::new(), |mut path, step| {
        let (x, y) = at(f64::from(step) / 96.0 * 1.04 - 0.02);
        let _ = write!(path, "{}{x:.1} {y:.1}", if step == 0 { "M" } else { "L" });
        path
    });
    let board = format!(
        r##"<path d="{path}" fill="none" stroke="#303644" stroke-width="21" stroke-linecap="round"/><path d="{path}" fill="none" stroke="#07080b" stroke-width="19" stroke-linecap="round"/>"##
    );
    let places = (0..count).map(|index| {
        let (x, y) = at(share(index, count));
        (x, y, 3.4)
    });
    (board, places.collect())
}

/// LEDs in rows of at most 64, as a Pro's three channels are.
fn strip(count: usize) -> (String, Vec<Place>) {
    let rows = count.div_ceil(64).max(1);
    let columns = count.div_ceil(rows).max(1);
    let (width, height, radius) = if columns <= 8 { (300.0, 34.0, 6.4) } else { (400.0, 22.0, 2.0) };
    let tall = height * number(rows);
    let places = (0..count).map(|index| {
        let (row, column) = (index / columns, index % columns);
        ((share(column, columns) - 0.5) * (width - 40.0), (number(row) + 0.5) * height - tall / 2.0, radius)
    });
    (plugged(width, tall), places.collect())
}

/// How far along the `index`th of `count` is, from 0 to 1.
fn share(index: usize, count: usize) -> f64 {
    if count < 2 { 0.5 } else { number(index) / number(count - 1) }
}

fn number(count: usize) -> f64 {
    u32::try_from(count).map_or(f64::MAX, f64::from)
}
