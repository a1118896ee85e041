//! The binary; all of it is in the library.

/// musl's own rounds up, and most to what HTTP/2 keeps for each light.
#[cfg(target_env = "musl")]
#[global_allocator]
static ALLOCATOR: dlmalloc::GlobalDlmalloc = dlmalloc::GlobalDlmalloc;

fn main() -> std::process::ExitCode {
    watcher::cli::main()
}
