//! Every command of docs/commands.md, run in its order as it stands there, against a real lightd with a virtual Nano.
//!
//! Only the address is put in.

mod recipes;

use std::path::Path;
use std::process::Command;
use std::time::{Duration, SystemTime};

use podlight_bed::Process;
use podlight_tls::EVERY_LIGHT;
use podlight_tls::authority::Authority;
use tempfile::TempDir;

const DOCS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/commands.md");
const README: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../README.md");
const ADDRESS: &str = "127.0.0.1:50051";
const HOUR: Duration = Duration::from_secs(3_600);

/// A lightd that the commands talk to.
struct Served {
    _lightd: Process,
    address: String,
    /// Where the commands run.
    folder: TempDir,
}

impl Served {
    fn start() -> Self {
        Self::told(&[])
    }

    /// In a folder as `watcher certs certs` leaves one.
    fn with_tls() -> Self {
        #[expect(clippy::disallowed_methods, reason = "certificates are valid by the clock of the wall")]
        let from = SystemTime::now() - HOUR;
        let authority = Authority::new(from, 2 * HOUR).expect("there is randomness");
        let served = TempDir::new().expect("a folder can be made");
        for (name, pair) in [
            ("lightd", authority.light(&[EVERY_LIGHT, "127.0.0.1"], from, 2 * HOUR)),
            ("watcher", authority.caller("watcher.podlight", from, 2 * HOUR)),
        ] {
            let (folder, pair) = (served.path().join("certs").join(name), pair.expect("the names are good"));
            std::fs::create_dir_all(&folder).expect("a folder can be made");
            let ca = authority.certificate();
            for (name, text) in [("tls.crt", pair.certificate), ("tls.key", pair.key), ("ca.crt", ca)] {
                std::fs::write(folder.join(name), text).expect("a file can be made");
            }
        }
        let file = |name| served.path().join("certs/lightd").join(name).display().to_string();
        let (cert, key, ca) = (file("tls.crt"), file("tls.key"), file("ca.crt"));
        let mut lightd = Self::told(&["--tls-cert", &cert, "--tls-key", &key, "--client-ca", &ca]);
        lightd.folder = served;
        lightd
    }

    fn told(arguments: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lightd"));
        command.args(["--listen", "127.0.0.1:0", "--http", "off", "--stick", "virtual:nano"]).args(arguments);
        let lightd = Process::start(&mut command);
        let folder = TempDir::new().expect("a folder can be made");
        Self { address: lightd.until_says("address="), _lightd: lightd, folder }
    }

    /// Whether `command` succeeds, and what it prints.
    fn run(&self, command: &str) -> (bool, String) {
        let folder = Path::new(env!("CARGO_BIN_EXE_lightd")).parent().expect("it is in a folder");
        #[expect(clippy::disallowed_methods, reason = "the commands need a PATH")]
        let path = format!("{}:{}", folder.display(), std::env::var("PATH").unwrap_or_default());
        let output = Command::new("sh")
            .current_dir(&self.folder)
            .args(["-c", &format!("{{ {}\n}} 2>&1", command.replace(ADDRESS, &self.address))])
            .envs([("PATH", path.as_str()), ("PODLIGHT_SERVER", &format!("http://{}", self.address))])
            .output()
            .expect("there is a shell");
        let text = String::from_utf8_lossy(&output.stdout).replace(&self.address, ADDRESS);
        (output.status.success(), text)
    }
}

#[test]
#[ignore = "needs grpcurl; .ci/run has it"]
fn each_command_does_what_the_docs_say() {
    let docs = std::fs::read_to_string(DOCS).expect("the docs are there");
    let (plain, secure) = docs.split_once("\n## By TLS\n").expect("the docs have commands for TLS");
    let (secure, rest) = secure.split_once("\n## ").expect("and something after them");
    let failures = |served: Served, docs: &str| recipes::failures(docs, |command| served.run(command).1);
    let failures = failures(Served::start(), &format!("{plain}\n{rest}")) + &failures(Served::with_tls(), secure);
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
