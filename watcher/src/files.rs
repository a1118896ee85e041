//! How many files this process may have open. Each light is a connection, and each connection a file.

use std::io;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Files besides those of lights: the runtime's, and connections to the API.
const OWN: u64 = 64;

/// Lets this process have as many files open as it may without asking anyone. Processes begin with 1024, for the sake of
/// old programs that can't count further.
///
/// # Errors
/// The system refuses, which none is known to.
pub fn raise() -> io::Result<()> {
    let limit = getrlimit(Resource::Nofile);
    if limit.current != limit.maximum {
        setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit })?;
    }
    Ok(())
}

/// How many lights can be connected to, at least one.
pub(crate) fn room() -> usize {
    let most = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    most.saturating_sub(OWN).max(1).try_into().unwrap_or(usize::MAX)
}
