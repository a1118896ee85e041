//! The demo as a screen full of lights: lines of text with ANSI colors. Pure: a view and a size make the lines.

use std::fmt::Write as _;

use podlight_proto::Color;

use crate::view::{Kind, Tile, View, mix, shine};

/// An LED that is off: still to be seen that it is there.
const OFF: Color = Color::rgb(44, 44, 52);
/// Cells for a node's name, or its stick's model and port.
const NAME: usize = 18;

/// The lines that fill a terminal of this size; some may be empty.
pub(crate) fn draw(view: &View, width: usize, height: usize) -> Vec<String> {
    let mut lines = vec![header(view, width), Line::new(width)];
    for (age, caption) in view.captions.iter().rev().take(2).enumerate() {
        let style = if age == 0 { "1" } else { "2" };
        let mark = if age == 0 { " ▸ " } else { "   " };
        lines.push(Line::new(width).styled(mark, "33").styled(caption, style));
    }
    lines.resize_with(4, || Line::new(width));

    let footer = footer(view, width);
    let room = height.saturating_sub(lines.len() + footer.len() + 1);
    let each = if room > view.tiles.len() * 3 { 3 } else { 2 };
    let shown = view.tiles.len().min(room / each);
    lines.push(Line::new(width));
    for tile in &view.tiles[..shown] {
        lines.extend(draw_tile(tile, width));
        lines.extend((2..each).map(|_| Line::new(width)));
    }
    if let hidden @ 1.. = view.tiles.len() - shown {
        lines.pop();
        lines.push(Line::new(width).styled(&format!(" … and {hidden} more: this terminal is too low"), "2"));
    }
    let body = height.saturating_sub(footer.len());
    lines.resize_with(body, || Line::new(width));
    lines.extend(footer);
    lines.truncate(height);
    lines.into_iter().map(|line| line.text).collect()
}

fn header(view: &View, width: usize) -> Line {
    let clock = view.clock();
    Line::new(width)
        .styled(" podlight", "1")
        .styled("  simulated cluster, real watcher, real lightd, virtual sticks", "2")
        .to(width.saturating_sub(clock.len() + 1))
        .styled(&clock, "2")
}

fn footer(view: &View, width: usize) -> Vec<Line> {
    let (call, twin) = view.invitation();
    let mut legend = Line::new(width).plain(" ");
    for (color, meaning) in [
        (Kind::Running.color(), "running"),
        (Kind::Pending.color(), "pending"),
        (Kind::Deleting.color(), "deleting"),
        (Kind::Failed.color(), "failed"),
        (shine(Color::rgb(24, 0, 40)), "unknown"),
    ] {
        legend = legend.colored("■ ", color).styled(&format!("{meaning}   "), "2");
    }
    let mut lines = vec![legend.styled("Ctrl-C ends", "2")];
    // A command is no use when cut: where it doesn't fit in one line it goes on in the next, as a shell lets it.
    let (label, or) = (" Join in:  ", "      or:  ");
    if label.len() + call.len() <= width {
        lines.push(Line::new(width).styled(label, "36").plain(&call));
    } else {
        let (head, tail) = call.split_at(call.find("127.0.0.1").unwrap_or(0));
        lines.push(Line::new(width).styled(label, "36").plain(head).plain("\\"));
        lines.push(Line::new(width).plain("             ").plain(tail));
    }
    lines.push(Line::new(width).styled(or, "36").plain(&twin));
    lines.extend(view.wall.map(|wall| Line::new(width).styled(" The wall: ", "36").plain(&format!("http://{wall}/"))));
    lines
}

fn draw_tile(tile: &Tile, width: usize) -> [Line; 2] {
    let area = if width >= 100 { 32 } else { 24 };
    let [upper, lower] = leds(&tile.colors, area);
    let start = |text: &str, style: &str| Line::new(width).plain(" ").styled(text, style).to(1 + NAME);
    let mark = match (tile.layer(), tile.state.owner.as_str()) {
        ("", _) => String::new(),
        (layer, "") => format!("{layer}: "),
        (layer, owner) => format!("{layer} by {owner}: "),
    };
    let first =
        start(&tile.node, "1").paint(upper).to(1 + NAME + area + 2).styled(&mark, "35").plain(&tile.state.reason);
    let where_ = format!("{} :{}", tile.short_model(), tile.port);
    let mut second = start(&where_, "2").paint(lower).to(1 + NAME + area + 2);
    for (kind, count) in tile.counts() {
        second = second.colored(&format!("{count} {}  ", kind.name()), kind.color());
    }
    [first, second.styled(tile.remark, "33")]
}

/// A piece of text and its color.
type Piece = (String, Color);

/// The LEDs on two lines of at most `area` cells. Up to 8 are drawn with round corners and a bright heart, more as dots
/// on two lines.
fn leds(colors: &[Color], area: usize) -> [Vec<Piece>; 2] {
    let lit = |color: Color| if color == Color::BLACK { OFF } else { shine(color) };
    if colors.len() > 8 {
        let dot = if area >= 32 { "▐▌" } else { "●" };
        let row = |colors: &[Color]| colors.iter().map(|color| (dot.to_owned(), lit(*color))).collect();
        let half = colors.len().div_ceil(2).min(16);
        let (upper, lower) = colors.split_at(half);
        return [row(upper), row(&lower[..lower.len().min(half)])];
    }
    let heart = "█".repeat(area / 8 - 2);
    let row = |left: &str, right: &str| {
        let led = |color: &Color| {
            let edge = lit(*color);
            let inner = if *color == Color::BLACK { OFF } else { mix(edge, Color::WHITE, 0.2) };
            [(left.to_owned(), edge), (heart.clone(), inner), (right.to_owned(), edge)]
        };
        colors.iter().flat_map(led).collect()
    };
    [row("▗", "▖"), row("▝", "▘")]
}

/// A line that is never wider than the terminal. All text in it is of characters one cell wide.
struct Line {
    text: String,
    used: usize,
    width: usize,
}

impl Line {
    const fn new(width: usize) -> Self {
        Self { text: String::new(), used: 0, width }
    }

    fn plain(mut self, text: &str) -> Self {
        let left = self.width - self.used;
        let long = text.chars().count() > left;
        let kept = if long { left.saturating_sub(1) } else { left };
        // Whatever a reason holds, it can't move the cursor.
        self.text.extend(text.chars().take(kept).map(|c| if c.is_control() { ' ' } else { c }));
        if long && left > 0 {
            self.text.push('…');
        }
        self.used += if long { left } else { text.chars().count() };
        self
    }

    /// Text with an SGR attribute.
    fn styled(mut self, text: &str, style: &str) -> Self {
        let _ = write!(self.text, "\x1b[{style}m");
        self = self.plain(text);
        self.text.push_str("\x1b[0m");
        self
    }

    fn colored(self, text: &str, Color { r, g, b }: Color) -> Self {
        self.styled(text, &format!("38;2;{r};{g};{b}"))
    }

    fn paint(self, pieces: Vec<Piece>) -> Self {
        pieces.into_iter().fold(self, |line, (text, color)| line.colored(&text, color))
    }

    /// Blanks up to a column.
    fn to(self, column: usize) -> Self {
        let blanks = column.min(self.width).saturating_sub(self.used);
        self.plain(&" ".repeat(blanks))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is left of a line without its escape sequences.
    fn bare(line: &str) -> String {
        let mut parts = line.split("\x1b[");
        let first = parts.next().unwrap().to_owned();
        parts.fold(first, |text, part| text + part.split_once('m').unwrap().1)
    }

    fn view(tiles: usize, leds: usize) -> View {
        let mut tile =
            Tile { node: "pi-atlas".to_owned(), colors: vec![Color::rgb(50, 0, 0); leds], ..Tile::default() };
        tile.state.reason = "shop/cart-7f CrashLoopBackOff ×3 and \x1b[2J much more to say than fits here".to_owned();
        View {
            seconds: 7,
            captions: vec!["It crashes.".to_owned()],
            tiles: vec![tile; tiles],
            wall: Some(([127, 0, 0, 1], 8080).into()),
        }
    }

    #[test]
    fn no_line_is_wider_and_no_screen_higher_than_the_terminal() {
        for (width, height) in [(0, 0), (1, 1), (20, 5), (80, 24), (100, 30), (200, 60)] {
            for (tiles, leds) in [(0, 0), (1, 1), (6, 2), (6, 8), (6, 32), (40, 192)] {
                let lines = draw(&view(tiles, leds), width, height);
                assert!(lines.len() <= height, "{width}x{height}: {}", lines.len());
                for line in lines {
                    assert!(bare(&line).chars().count() <= width, "{width}x{height}: {line:?}");
                }
            }
        }
    }

    #[test]
    fn six_nodes_and_how_to_join_in_fit_on_the_smallest_usual_terminal() {
        let screen = draw(&view(6, 8), 80, 24).iter().map(|line| bare(line)).collect::<Vec<_>>().join("\n");
        assert_eq!(screen.matches("pi-atlas").count(), 6);
        assert!(screen.contains("SetColor") && screen.contains("lightd set magenta"), "{screen}");
        assert!(screen.contains("http://127.0.0.1:8080/"), "{screen}");
        assert!(screen.contains("shop/cart-7f CrashLoopBackOff ×3"), "{screen}");
    }
}
