//! The demo as lines of text: one for each change. Pure.

use crate::view::{Tile, View};

/// What there is to know before anything happens.
pub(crate) fn preface(view: &View) -> Vec<String> {
    let lights = view.tiles.iter().map(|tile| {
        let (node, model, port) = (&tile.node, &tile.model, tile.port);
        format!("{}  {node:<13} a virtual {model}, lightd at 127.0.0.1:{port}", view.clock())
    });
    let (call, twin) = view.invitation();
    let wall = view.wall.map(|wall| format!("{}  The wall: http://{wall}/", view.clock()));
    lights
        .chain(wall)
        .chain([format!("{}  Join in:  {call}", view.clock()), format!("{}       or  {twin}", view.clock())])
        .collect()
}

/// The changes from one view to the next.
pub(crate) fn changes(before: &View, after: &View) -> Vec<String> {
    let clock = after.clock();
    let told = |caption: &&String| before.captions.contains(caption);
    let captions =
        after.captions.iter().filter(|caption| !told(caption)).map(|caption| format!("{clock}  -- {caption}"));
    let tiles = after.tiles.iter().zip(before.tiles.iter().map(Some).chain(std::iter::repeat(None)));
    let news = tiles.filter(|(tile, before)| before.is_none_or(|before| line(before) != line(tile)));
    captions.chain(news.map(|(tile, _)| format!("{clock}  {}", line(tile)))).collect()
}

fn line(tile: &Tile) -> String {
    let layer = match tile.layer() {
        "" => String::new(),
        layer => format!("({layer}) "),
    };
    format!("{:<13} {:<18} {layer}{}", tile.node, tile.words(), tile.state.reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view(caption: &str, reason: &str) -> View {
        let mut tile = Tile { node: "pi-atlas".to_owned(), ..Tile::default() };
        tile.state.reason = reason.to_owned();
        View { seconds: 67, captions: vec![caption.to_owned()], tiles: vec![tile], wall: None }
    }

    #[test]
    fn only_what_changed_is_told() {
        let before = view("All is well.", "7 pods run");
        assert_eq!(changes(&before, &view("All is well.", "7 pods run")), Vec::<String>::new());
        let lines = changes(&before, &view("A crash.", "shop/cart CrashLoopBackOff ×3"));
        assert_eq!(lines[0], "01:07  -- A crash.");
        assert!(lines[1].starts_with("01:07  pi-atlas") && lines[1].ends_with("shop/cart CrashLoopBackOff ×3"));
        assert_eq!(lines.len(), 2);
    }
}
