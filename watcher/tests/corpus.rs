//! The fuzz targets' corpora, fed to what libFuzzer feeds. How to find more: docs/development.md.

#[path = "../fuzz/src/cluster.rs"]
mod cluster;
#[path = "../fuzz/src/model.rs"]
mod model;
#[path = "../fuzz/src/policy.rs"]
mod policy;
#[path = "../fuzz/src/protobuf.rs"]
mod protobuf;
#[path = "../fuzz/src/settings.rs"]
mod settings;
#[path = "../fuzz/src/watch.rs"]
mod watch;

/// Feeds each file of the corpus to `check`.
#[expect(clippy::print_stdout, reason = "the harness shows it with the failure")]
fn replay(target: &str, check: fn(&[u8])) {
    let folder = format!("{}/fuzz/corpus/{target}", env!("CARGO_MANIFEST_DIR"));
    let files: Vec<_> =
        std::fs::read_dir(folder).expect("it is there").map(|file| file.expect("it is there")).collect();
    assert!(files.len() >= 16, "{} files are no corpus", files.len());
    for file in files {
        println!("{}", file.path().display());
        check(&std::fs::read(file.path()).expect("a file"));
    }
}

#[test]
fn nothing_that_the_api_sends_confuses_the_ledger() {
    replay("watch", watch::check);
}

#[test]
fn it_does_not_matter_in_what_pieces_the_api_sends() {
    replay("protobuf", protobuf::check);
}

#[test]
fn nothing_that_befalls_a_cluster_confuses_the_ledger() {
    replay("cluster", cluster::check);
}

#[test]
fn no_command_line_is_misunderstood() {
    replay("settings", settings::check);
}

#[test]
fn no_policy_is_misunderstood() {
    replay("policy", policy::check);
}
