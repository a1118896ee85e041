//! The fuzz targets' corpora, fed to what libFuzzer feeds. How to find more: docs/development.md.

#[path = "../fuzz/src/light.rs"]
mod light;
#[path = "../fuzz/src/replay.rs"]
mod replay;
#[path = "../fuzz/src/settings.rs"]
mod settings;
#[path = "../fuzz/src/stick.rs"]
mod stick;

use replay::replay;

#[test]
fn no_message_confuses_the_light() {
    replay("light", light::check);
}

#[test]
fn no_stick_is_sent_what_it_must_not_be_sent() {
    replay("stick", stick::check);
}

#[test]
fn no_command_line_is_misunderstood() {
    replay("settings", settings::check);
}
