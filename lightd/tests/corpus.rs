//! The fuzz targets' corpora, fed to what libFuzzer feeds. How to find more: docs/development.md.

#[path = "../fuzz/src/light.rs"]
mod light;
#[path = "../fuzz/src/settings.rs"]
mod settings;
#[path = "../fuzz/src/stick.rs"]
mod stick;

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
