//! Every command of docs/commands.md, run in its order as it stands there, against a real lightd with a virtual Nano.
//!
//! In a block of `console`, a line that begins with `$ ` is a command (which a `\` at its end continues); those below it
//! are what it prints. A line `…` stands for any lines, a `…` within one for anything. Only the address is put in.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

const DOCS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/commands.md");
const README: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../README.md");
const ADDRESS: &str = "127.0.0.1:50051";

/// A command and what it shall print.
#[derive(Default)]
struct Recipe {
    command: String,
    output: Vec<String>,
}

fn recipes(text: &str) -> Vec<Recipe> {
    let mut recipes: Vec<Recipe> = Vec::new();
    let mut in_console = false;
    for line in text.lines() {
        if line.starts_with("```") {
            in_console = line == "```console";
        } else if in_console {
            match (line.strip_prefix("$ "), recipes.last_mut()) {
                (Some(command), _) => recipes.push(Recipe { command: command.to_owned(), output: Vec::new() }),
                (None, Some(recipe)) if recipe.output.is_empty() && recipe.command.ends_with('\\') => {
                    recipe.command.push('\n');
                    recipe.command.push_str(line);
                }
                (None, Some(recipe)) => recipe.output.push(line.to_owned()),
                (None, None) => panic!("output without a command: {line}"),
            }
        }
    }
    recipes
}

/// Whether `text` is `pattern`, in which `…` stands for anything.
fn fits(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('…');
    let Some(mut rest) = parts.next().and_then(|first| text.strip_prefix(first)) else { return false };
    let mut open = false;
    for part in parts {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
        open = part.is_empty();
    }
    open || rest.is_empty()
}

/// A lightd that the commands talk to.
struct Served {
    lightd: Child,
    address: String,
}

impl Served {
    fn start() -> Self {
        let mut lightd = Command::new(env!("CARGO_BIN_EXE_lightd"))
            .args(["--listen", "127.0.0.1:0", "--stick", "virtual:nano"])
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("lightd starts");
        let log = BufReader::new(lightd.stderr.take().expect("it is piped"));
        let mut lines = log.lines().map_while(Result::ok);
        let address = lines.find_map(|line| Some(line.split_once("address=")?.1.trim().to_owned()));
        // Whoever logs into a closed pipe fails.
        std::thread::spawn(move || lines.for_each(drop));
        Self { lightd, address: address.expect("it says where it listens") }
    }

    /// Whether `command` succeeds, and what it prints.
    fn run(&self, command: &str) -> (bool, String) {
        let folder = Path::new(env!("CARGO_BIN_EXE_lightd")).parent().expect("it is in a folder");
        #[expect(clippy::disallowed_methods, reason = "the commands need a PATH")]
        let path = format!("{}:{}", folder.display(), std::env::var("PATH").unwrap_or_default());
        let output = Command::new("sh")
            .args(["-c", &format!("{{ {}\n}} 2>&1", command.replace(ADDRESS, &self.address))])
            .envs([("PATH", path.as_str()), ("PODLIGHT_SERVER", &format!("http://{}", self.address))])
            .output()
            .expect("there is a shell");
        let text = String::from_utf8_lossy(&output.stdout).replace(&self.address, ADDRESS);
        (output.status.success(), text)
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.lightd.kill();
        let _ = self.lightd.wait();
    }
}

fn fits_all(wanted: &[String], text: &str) -> bool {
    let mut lines = text.lines();
    let mut any = false;
    let all = wanted.iter().all(|want| match want.trim() {
        "…" => {
            any = true;
            true
        }
        _ if std::mem::take(&mut any) => lines.any(|line| fits(want, line)),
        _ => lines.next().is_some_and(|line| fits(want, line)),
    });
    all && (any || lines.next().is_none())
}

#[test]
#[ignore = "needs grpcurl; .ci/run has it"]
fn each_command_does_what_the_docs_say() {
    let served = Served::start();
    let recipes = recipes(&std::fs::read_to_string(DOCS).expect("the docs are there"));
    assert!(recipes.len() > 10, "the docs lost their commands");
    let mut failures = String::new();
    for Recipe { command, output } in recipes {
        let (_, text) = served.run(&command);
        if !fits_all(&output, &text) {
            failures += &format!("$ {command}\nprinted\n{text}instead of\n{}\n\n", output.join("\n"));
        }
    }
    assert!(failures.is_empty(), "\n{failures}");
}

#[test]
#[ignore = "needs grpcurl; .ci/run has it"]
fn each_grpcurl_command_of_the_readme_succeeds() {
    let served = Served::start();
    let readme = std::fs::read_to_string(README).expect("it is there").replace("\\\n", "");
    let commands: Vec<&str> = readme.lines().filter(|line| line.starts_with("grpcurl ")).collect();
    assert!(!commands.is_empty(), "the README lost its commands");
    for command in commands {
        let (success, text) = served.run(command);
        assert!(success, "$ {command}\n{text}");
    }
}

#[test]
fn a_pattern_fits_with_anything_in_its_gaps() {
    assert!(fits("a … c", "a b c") && fits("…", "") && fits("a…", "abc") && fits("abc", "abc"));
    assert!(!fits("a … c", "a b d") && !fits("a", "ab") && !fits("b…", "ab"));
}
