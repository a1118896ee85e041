//! The fuzz targets' corpora, fed to what libFuzzer feeds. How to find more: docs/development.md.

#[path = "../fuzz/src/cluster.rs"]
mod cluster;
#[path = "../fuzz/src/model.rs"]
mod model;
#[path = "../fuzz/src/policy.rs"]
mod policy;
#[path = "../fuzz/src/protobuf.rs"]
mod protobuf;
#[path = "../../lightd/fuzz/src/replay.rs"]
mod replay;
#[path = "../fuzz/src/settings.rs"]
mod settings;
#[path = "../fuzz/src/watch.rs"]
mod watch;

use replay::replay;

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
