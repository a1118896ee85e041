//! axe-core, the accessibility checker: from npm, for the test alone.

use std::path::PathBuf;
use std::process::Command;
use std::sync::LazyLock;

use crate::browser::Window;

const PACKAGE: &str = "axe-core@4.14.1";

/// Checks what the window shows.
///
/// # Panics
/// Something is seriously wrong.
pub(crate) async fn check(window: &Window, what: &str) {
    static AXE: LazyLock<String> = LazyLock::new(|| {
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(PACKAGE);
        let script = folder.join("node_modules/axe-core/axe.min.js");
        if !script.exists() {
            let mut npm = Command::new("npm");
            npm.args(["install", "--silent", "--no-save", "--prefix"]).arg(&folder).arg(PACKAGE);
            assert!(npm.status().unwrap().success(), "npm install {PACKAGE}");
        }
        std::fs::read_to_string(script).unwrap()
    });
    window.run(&AXE).await;
    let found = window
        .run_async(
            "const done = arguments[0];
            axe.run().then(({ violations }) => done(violations
              .filter(({ impact }) => impact === 'serious' || impact === 'critical')
              .map(({ id, nodes }) => `${id}: ${nodes.map((node) => `${node.html.slice(0, 160)} ${node.failureSummary}`).join(' | ')}`)),
              (error) => done([String(error)]))",
        )
        .await;
    assert_eq!(found, serde_json::json!([]), "{what}");
}
