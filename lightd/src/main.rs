//! The binary `lightd`: see the library's `cli`.

fn main() -> std::process::ExitCode {
    lightd::cli::main()
}
