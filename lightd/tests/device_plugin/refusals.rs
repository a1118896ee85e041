//! The binary where it can't do its work: it ends with a line that says why.

use std::process::{Command, Output};

/// What `lightd device-plugin` says of these folders. It ends, for each of these can't be mended by waiting.
fn refused(folder: &str, kubelet_folder: &str) -> String {
    let arguments = ["device-plugin", "--buses", "1", "--folder", folder, "--kubelet-folder", kubelet_folder];
    let Output { status, stderr, .. } = Command::new(env!("CARGO_BIN_EXE_lightd")).args(arguments).output().unwrap();
    assert_eq!(status.code(), Some(1));
    String::from_utf8_lossy(&stderr).into_owned()
}

#[test]
fn a_folder_that_can_not_be_written_to_is_named() {
    let said = refused("/proc/podlight", "/tmp");
    assert!(said.contains("folder not writable: /proc/podlight"), "{said}");
}

#[test]
fn more_buses_than_a_container_can_have_are_bad_usage() {
    for buses in ["0", "17", "256", "-1", "all"] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lightd"));
        let output = command.args(["device-plugin", &format!("--buses={buses}")]).output().unwrap();
        assert_eq!(output.status.code(), Some(64), "{buses}");
    }
}
