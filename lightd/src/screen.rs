//! Edge: draws virtual sticks in the terminal: one line in place and in true color, or plain lines where that can't be.

use std::io::{IsTerminal as _, Write as _};
use std::time::Duration;

use futures::future::select_all;
use podlight_proto::Color;
use tokio::sync::watch;
use tokio::time::sleep;

use crate::virtual_stick::Frame;

/// Between two plain lines: they are to be read, not watched.
const PLAIN_PAUSE: Duration = Duration::from_secs(1);
/// Between two drawings in place: what an eye follows.
const DRAWN_PAUSE: Duration = Duration::from_millis(30);
/// LEDs that are drawn one by one; of more, equal neighbours are drawn as one.
const SINGLE: usize = 32;

/// Whether standard output shows colors: it is a terminal, and `NO_COLOR` (no-color.org) isn't set.
#[expect(clippy::disallowed_methods, reason = "NO_COLOR is every program's, so it is no flag of ours")]
pub fn has_color() -> bool {
    std::io::stdout().is_terminal() && std::env::var("NO_COLOR").map_or(true, |value| value.is_empty())
}

/// Draws what the sticks show, until they are gone.
pub(crate) async fn draw(mut frames: Vec<watch::Receiver<Frame>>) {
    let color = has_color();
    let mut drawn = String::new();
    while !frames.is_empty() {
        let line: Vec<String> = frames.iter_mut().map(|frame| line(&frame.borrow_and_update(), color)).collect();
        let line = line.join("   ");
        if line != drawn {
            write(&line, color);
            drawn = line;
        }
        let (changed, ..) = select_all(frames.iter_mut().map(|frame| Box::pin(frame.changed()))).await;
        if changed.is_err() {
            return;
        }
        sleep(if color { DRAWN_PAUSE } else { PLAIN_PAUSE }).await;
    }
}

/// That standard output is closed ends the drawing's worth, not lightd.
fn write(line: &str, color: bool) {
    let mut out = std::io::stdout().lock();
    // The cursor waits at the line's start, so that a log line takes its place instead of following it.
    let _ = if color { write!(out, "\x1b[2K{line}\r") } else { writeln!(out, "{line}") };
    let _ = out.flush();
}

fn line(Frame { model, colors }: &Frame, color: bool) -> String {
    let most = if colors.len() > SINGLE { usize::MAX } else { 1 };
    let mut runs: Vec<(Color, usize)> = Vec::new();
    for &color in colors {
        match runs.last_mut() {
            Some((last, run)) if *last == color && *run < most => *run += 1,
            _ => runs.push((color, 1)),
        }
    }
    let runs = runs.into_iter().map(|(led, run)| {
        let led = if color { led.paint("●") } else { led.to_string() };
        if run == 1 { led } else { format!("{led}×{run}") }
    });
    format!("{model} {}", runs.collect::<Vec<_>>().join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_leds_are_drawn_one_by_one_and_many_in_runs() {
        let frame = |colors| Frame { model: "Stick".to_owned(), colors };
        let red = Color::rgb(255, 0, 0);
        assert_eq!(line(&frame(vec![red; 2]), false), "Stick #ff0000 #ff0000");
        assert_eq!(
            line(&frame([vec![red; 64], vec![Color::BLACK; 128]].concat()), false),
            "Stick #ff0000×64 #000000×128"
        );
        assert_eq!(line(&frame(vec![red]), true), "Stick \x1b[38;2;255;0;0m●\x1b[0m");
    }
}
