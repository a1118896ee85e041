//! Edge: the programs that are measured, each a process of its own.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

/// Far longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// A program that runs. Dropped, it is killed.
pub(crate) struct Process {
    child: Child,
    log: Receiver<String>,
}

impl Process {
    pub(crate) fn start(command: &mut Command) -> Self {
        let command = command.env("NO_COLOR", "1").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let lines = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
        let (said, log) = channel();
        // Read to the end, whether or not anybody listens.
        std::thread::spawn(move || lines.for_each(|line| drop(said.send(line))));
        Self { child, log }
    }

    /// Waits until it logs a line with this text, and returns what follows it there.
    pub(crate) fn until_says(&self, text: &str) -> String {
        let mut said = String::new();
        loop {
            match self.log.recv_timeout(PATIENCE) {
                Ok(line) => match line.split_once(text) {
                    Some((_, rest)) => return rest.trim().to_owned(),
                    None => said += &format!("{line}\n"),
                },
                Err(error) => panic!("it never said {text:?} ({error}), but:\n{said}"),
            }
        }
    }

    /// What it prints.
    pub(crate) fn output(&mut self) -> ChildStdout {
        self.child.stdout.take().unwrap()
    }

    /// Tells it to end, and waits until it has.
    pub(crate) fn terminate(mut self) {
        assert!(Command::new("kill").arg(self.child.id().to_string()).status().unwrap().success());
        self.child.wait().unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// The binary `lightd`, made as the watcher's was, of the sources as they are now.
pub(crate) fn lightd() -> PathBuf {
    let beside = Path::new(env!("CARGO_BIN_EXE_watcher"));
    let folder = beside.parent().unwrap();
    let profile = match folder.file_name().unwrap().to_str().unwrap() {
        "debug" => "dev",
        profile => profile,
    };
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--quiet", "--locked", "--package", "lightd", "--bin", "lightd", "--profile", profile]);
    cargo.arg("--manifest-path").arg(concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml"));
    assert!(cargo.arg("--target-dir").arg(folder.parent().unwrap()).status().unwrap().success(), "{cargo:?}");
    folder.join("lightd")
}

/// Says something to whoever reads the standard output of this process, at once.
pub(crate) fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}").unwrap();
    out.flush().unwrap();
}
