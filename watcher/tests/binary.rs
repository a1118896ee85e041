//! The binary `watcher`, as whoever starts it sees it: exit codes, errors, signals.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::net::SocketAddr;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use podlight_sim::{Cluster, NodeBuilder};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::time::timeout;

/// Far more than anything here takes.
const LONG: Duration = Duration::from_secs(60);

/// With nothing around that it could take for a cluster.
fn watcher(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_watcher"));
    command
        .args(args)
        .env_clear()
        .env("HOME", "/nonexistent")
        .env("PODLIGHT_LISTEN", "127.0.0.1:0")
        .env("PODLIGHT_HTTP", "off");
    command
}

fn refused(command: &mut Command) -> String {
    let Output { status, stderr, .. } = command.output().unwrap();
    let stderr = String::from_utf8(stderr).unwrap();
    assert_eq!(status.code(), Some(64), "{stderr}");
    stderr
}

#[test]
fn bad_settings_exit_with_64_and_say_what_would_be_right() {
    for (args, parts) in [
        (&["--lease", "0s"][..], ["--lease", "1s to 10m"]),
        (&["--light", "n1=desk"], ["--light", "http://HOST:PORT"]),
        (&["--namespace", "a", "--exclude-namespace", "a"], ["--namespace a", "give one of them"]),
        (&["--kubeconfig", "/nonexistent/config"], ["--kubeconfig", "/nonexistent/config"]),
        (&["--context", "prod"], ["--context", "kubeconfig"]),
        (&[], ["no cluster to watch", "--kubeconfig"]),
    ] {
        let stderr = refused(&mut watcher(args));
        for part in parts {
            assert!(stderr.contains(part), "{args:?}: {stderr}");
        }
    }
    let stderr = refused(watcher(&[]).env("PODLIGHT_API_SILENCE", "soon"));
    assert!(stderr.contains("--api-silence") && stderr.contains("2s to 10m"), "{stderr}");
}

#[test]
fn help_names_each_flag_with_its_default_and_its_environment_twin() {
    let Output { status, stdout, .. } = watcher(&["--help"]).output().unwrap();
    let help = String::from_utf8(stdout).unwrap();
    assert_eq!(status.code(), Some(0));
    for part in ["--lease", "[env: PODLIGHT_LEASE=]", "[default: 15s]", "[default: 30s]", "which is same"] {
        assert!(help.contains(part), "{part}: {help}");
    }
}

#[test]
fn as_a_plugin_of_kubectl_it_asks_and_never_watches() {
    let folder = tempfile::tempdir().unwrap();
    let plugin = folder.path().join("kubectl-podlight");
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_watcher"), &plugin).unwrap();
    let stderr = refused(Command::new(&plugin).env_clear());
    assert!(stderr.contains("kubectl podlight status"), "{stderr}");
    let Output { status, stdout, .. } = Command::new(&plugin).arg("explain").arg("--help").output().unwrap();
    assert!(status.success() && String::from_utf8(stdout).unwrap().contains("--server"));
}

#[tokio::test]
async fn a_signal_ends_it_well() {
    let cluster = Cluster::new();
    cluster.apply_node(NodeBuilder::new("n1"));
    let server = cluster.serve(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
    let kubeconfig = server.kubeconfig().unwrap();
    for signal in ["-TERM", "-INT"] {
        let command = watcher(&["--kubeconfig", kubeconfig.path().to_str().unwrap()]);
        let mut child =
            tokio::process::Command::from(command).stderr(Stdio::piped()).kill_on_drop(true).spawn().unwrap();
        let mut logs = BufReader::new(child.stderr.take().unwrap()).lines();
        let heard = async {
            loop {
                let line = logs.next_line().await.unwrap().unwrap();
                assert!(!line.contains('\x1b'), "colors are for terminals: {line:?}");
                if line.contains("is heard") {
                    break;
                }
            }
        };
        timeout(LONG, heard).await.unwrap();
        let pid = child.id().unwrap().to_string();
        assert!(Command::new("kill").args([signal, &pid]).status().unwrap().success());
        let status = timeout(LONG, child.wait()).await.unwrap().unwrap();
        assert_eq!(status.code(), Some(0), "{signal}");
    }
}
