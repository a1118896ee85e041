//! Edge: where a view goes: the whole terminal, or lines of text.

use std::io::{self, IsTerminal as _};

use crate::terminal::{self, Terminal};
use crate::view::View;
use crate::{plain, screen};

/// What is shown to, and what it shows.
pub(crate) enum Show {
    Screen(Terminal),
    Plain(Option<View>),
}

impl Show {
    /// Lines of text if `plain`, or where standard output is no terminal or is to stay without colors.
    ///
    /// # Errors
    /// Standard output is closed.
    pub(crate) fn begin(plain: bool) -> io::Result<Self> {
        Ok(if plain || !has_color() { Self::Plain(None) } else { Self::Screen(Terminal::enter()?) })
    }

    /// Shows what changed since the last view.
    ///
    /// # Errors
    /// Standard output is closed.
    pub(crate) fn show(&mut self, view: View) -> io::Result<()> {
        match self {
            Self::Screen(terminal) => terminal.show(|width, height| screen::draw(&view, width, height)),
            Self::Plain(before) => {
                let lines = match before {
                    Some(before) => plain::changes(before, &view),
                    None => [plain::preface(&view), plain::changes(&View::default(), &view)].concat(),
                };
                *before = Some(view);
                lines.iter().try_for_each(|line| terminal::write(&format!("{line}\n")))
            }
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "NO_COLOR (no-color.org) is every program's, so it is no option of ours")]
fn has_color() -> bool {
    io::stdout().is_terminal() && std::env::var("NO_COLOR").map_or(true, |value| value.is_empty())
}
