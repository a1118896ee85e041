//! A corpus, fed to what libFuzzer feeds: for the tests of lightd, and of the watcher.

/// Feeds each file of the corpus of `target` to `check`.
#[expect(clippy::print_stdout, reason = "the harness shows it with the failure")]
pub(crate) fn replay(target: &str, check: fn(&[u8])) {
    let folder = format!("{}/fuzz/corpus/{target}", env!("CARGO_MANIFEST_DIR"));
    let files: Vec<_> =
        std::fs::read_dir(folder).expect("it is there").map(|file| file.expect("it is there")).collect();
    assert!(files.len() >= 16, "{} files are no corpus", files.len());
    for file in files {
        println!("{}", file.path().display());
        check(&std::fs::read(file.path()).expect("a file"));
    }
}
