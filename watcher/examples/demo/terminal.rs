//! Edge: the terminal, borrowed for a while and given back as it was, whatever happens.

use std::io::{self, Write as _};
use std::sync::atomic::{AtomicBool, Ordering};

use terminal_size::{Height, Width, terminal_size};

/// To the alternate screen, without a cursor; and back.
const ENTER: &str = "\x1b[?1049h\x1b[?25l";
const LEAVE: &str = "\x1b[0m\x1b[?25h\x1b[?1049l";

/// Whether there is something to give back.
static OURS: AtomicBool = AtomicBool::new(false);

/// The terminal while it is ours.
pub(crate) struct Terminal {
    size: (usize, usize),
    shown: Vec<String>,
}

impl Terminal {
    /// Takes the terminal over, once in a process. Dropping gives it back; so does a panic, before its message is printed.
    ///
    /// # Errors
    /// Standard output is closed.
    pub(crate) fn enter() -> io::Result<Self> {
        let usual = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            leave();
            usual(info);
        }));
        OURS.store(true, Ordering::SeqCst);
        write(ENTER)?;
        Ok(Self { size: (0, 0), shown: Vec::new() })
    }

    /// Shows what `draw` makes for the present width and height; writes only lines that differ from what shows.
    ///
    /// # Errors
    /// Standard output is closed.
    pub(crate) fn show(&mut self, draw: impl FnOnce(usize, usize) -> Vec<String>) -> io::Result<()> {
        let size = terminal_size().map_or((80, 24), |(Width(width), Height(height))| (width.into(), height.into()));
        let mut text = String::new();
        if size != self.size {
            self.size = size;
            self.shown.clear();
            text.push_str("\x1b[2J");
        }
        let lines = draw(size.0, size.1);
        for (row, line) in lines.iter().enumerate() {
            if self.shown.get(row) != Some(line) {
                text.push_str(&format!("\x1b[{};1H{line}\x1b[K", row + 1));
            }
        }
        self.shown = lines;
        // Between the two marks a terminal that knows them draws nothing: no half-drawn screens.
        if text.is_empty() { Ok(()) } else { write(&format!("\x1b[?2026h{text}\x1b[?2026l")) }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        leave();
    }
}

/// Only once: a second time the cursor would go back over what was written since.
fn leave() {
    if OURS.swap(false, Ordering::SeqCst) {
        // Closed already: nobody is there to mind.
        let _ = write(LEAVE);
    }
}

/// Writes to standard output at once.
///
/// # Errors
/// It is closed.
pub(crate) fn write(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}
