//! A program that runs as a process of its own: what it says, what it costs, how it ends. Refuses to know what it is for.

use std::io::{BufRead as _, BufReader, Read, Write as _};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use crate::{PATIENCE, Usage};

/// A program that runs. Dropped, it is killed; where that is for a failure, its log is shown.
pub struct Process {
    /// For people.
    command: String,
    child: Child,
    log: Arc<Log>,
}

#[derive(Default)]
struct Log {
    said: Mutex<Said>,
    more: Condvar,
}

#[derive(Default)]
struct Said {
    text: String,
    /// It has ended.
    is_all: bool,
}

impl Process {
    /// Starts `command`, whatever it prints.
    ///
    /// # Panics
    /// Where it can't be started.
    pub fn start(command: &mut Command) -> Self {
        Self::heard(command, drop)
    }

    /// Starts `command`, and gives each line that it prints to `hear`, at once and on a thread of its own.
    ///
    /// # Panics
    /// Where it can't be started.
    pub fn heard(command: &mut Command, hear: impl FnMut(String) + Send + 'static) -> Self {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let log = Arc::new(Log::default());
        let write = Arc::clone(&log);
        // Whoever writes to a pipe that nobody reads stops when it is full, and fails when it is closed.
        let (printed, said) = (lines(child.stdout.take()), lines(child.stderr.take()));
        thread::spawn(move || printed.for_each(hear));
        thread::spawn(move || {
            said.for_each(|line| write.change(|said| said.text.extend([&line, "\n"])));
            write.change(|said| said.is_all = true);
        });
        Self { command: format!("{command:?}"), child, log }
    }

    /// Says this line to it, on its standard input.
    ///
    /// # Panics
    /// Where it has ended.
    pub fn tell(&mut self, line: &str) {
        let stdin = self.child.stdin.as_mut().expect("it is piped, and nobody takes it");
        writeln!(stdin, "{line}").unwrap_or_else(|error| panic!("{}: {error}", self.command));
    }

    /// What it has logged so far, on its standard error.
    pub fn said(&self) -> String {
        self.log.lock().text.clone()
    }

    /// What follows `text` in the first line of its log that has it, if one has by now.
    pub fn says(&self, text: &str) -> Option<String> {
        self.log.lock().after(text)
    }

    /// Waits until a line of its log has `text`, and returns what follows it there.
    ///
    /// # Panics
    /// When that takes too long, or it has ended before.
    pub fn until_says(&self, text: &str) -> String {
        let waits = |said: &mut Said| !said.is_all && said.after(text).is_none();
        let waited = self.log.more.wait_timeout_while(self.log.lock(), PATIENCE, waits);
        let said = waited.unwrap_or_else(PoisonError::into_inner).0.after(text);
        said.unwrap_or_else(|| panic!("it never said {text:?}, but:\n{}", self.said()))
    }

    /// Its number.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// What it has cost so far.
    ///
    /// # Panics
    /// Where it has ended.
    pub fn usage(&self) -> Usage {
        Usage::of(self.id()).unwrap_or_else(|error| panic!("{}: {error}", self.command))
    }

    /// Sends it this signal, as `kill` names it.
    ///
    /// # Panics
    /// Where it is gone.
    pub fn signal(&self, name: &str) {
        let kill = Command::new("kill").args([&format!("-{name}"), &self.id().to_string()]).status();
        assert!(kill.is_ok_and(|kill| kill.success()), "{} has ended by itself", self.command);
    }

    /// How it ended, if it has.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("nobody else waits for it")
    }

    /// Tells it to end, and waits until it has.
    pub fn terminate(&mut self) -> ExitStatus {
        self.signal("TERM");
        self.child.wait().expect("nobody else waits for it")
    }

    /// Kills it, as the kernel does where memory is short, and returns all that it has logged.
    pub fn kill(&mut self) -> String {
        self.end();
        let all = self.log.more.wait_timeout_while(self.log.lock(), PATIENCE, |said| !said.is_all);
        all.unwrap_or_else(PoisonError::into_inner).0.text.clone()
    }

    fn end(&mut self) {
        // It may have ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Process {
    #[expect(clippy::print_stderr, reason = "the harness shows it with the failure")]
    fn drop(&mut self) {
        self.end();
        if thread::panicking() {
            eprintln!("--- {} said:\n{}---", self.command, self.said());
        }
    }
}

impl Log {
    fn lock(&self) -> MutexGuard<'_, Said> {
        // Whoever panicked while it looked has changed nothing.
        self.said.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut Said)) {
        change(&mut self.lock());
        self.more.notify_all();
    }
}

impl Said {
    fn after(&self, text: &str) -> Option<String> {
        self.text.lines().find_map(|line| Some(line.split_once(text)?.1.trim().to_owned()))
    }
}

fn lines(pipe: Option<impl Read>) -> impl Iterator<Item = String> {
    BufReader::new(pipe.expect("it is piped, and just once taken")).lines().map_while(Result::ok)
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    fn shell(script: &str) -> Command {
        let mut shell = Command::new("sh");
        shell.args(["-c", script]);
        shell
    }

    #[test]
    fn what_it_logs_and_prints_is_heard_and_it_hears_what_it_is_told() {
        let (print, printed) = channel();
        let script = "echo at port=7 here >&2; while read -r line; do echo \"heard $line\"; done";
        let mut process = Process::heard(&mut shell(script), move |line| drop(print.send(line)));
        assert_eq!(process.until_says("port="), "7 here");
        assert_eq!((process.says("at "), process.says("after")), (Some("port=7 here".to_owned()), None));
        process.tell("this");
        assert_eq!(printed.recv_timeout(PATIENCE).unwrap(), "heard this");
        assert!(process.ended().is_none() && process.usage().memory > 0);
    }

    #[test]
    fn it_ends_as_it_is_told() {
        let mut process = Process::start(&mut shell("trap 'echo bye >&2; exit 3' TERM; echo hi >&2; read -r line"));
        process.until_says("hi");
        assert_eq!(process.terminate().code(), Some(3));
        assert_eq!(process.kill(), "hi\nbye\n");
    }

    #[test]
    #[should_panic(expected = "it never said \"more\", but:\nall")]
    fn what_ends_before_it_says_it_is_not_waited_for() {
        Process::start(&mut shell("echo all >&2")).until_says("more");
    }
}
