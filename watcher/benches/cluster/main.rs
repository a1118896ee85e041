//! A whole watcher at a large cluster's size, and beside it what people would use instead: what the first lists cost, what
//! each event of a pod costs, how both grow, and what a policy and a scrape add.
//!
//! ```text
//!  this process ──starts──▶ serve (an API server, of a Crowd) ◀── watcher, stock (kube's reflector), watch.py
//!        └── reads what each of them costs
//! ```

#![expect(clippy::unwrap_used, clippy::print_stdout, clippy::disallowed_methods, reason = "this is a benchmark")]

mod api;
mod peer;
mod serve;
mod stock;
mod subject;
mod tables;

use std::path::PathBuf;

use clap::{Parser, Subcommand};

/// What a watcher costs in a large cluster, beside what people would use instead.
#[derive(Parser)]
#[command(args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(subcommand)]
    role: Option<Role>,
    #[command(flatten)]
    size: Size,
}

#[derive(clap::Args, Clone, Debug)]
struct Size {
    /// Sizes that take seconds: whether everything works, and roughly what it costs
    #[arg(long)]
    short: bool,
    /// Pods of the large cluster
    #[arg(long, default_value_t = 150_000, default_value_if("short", "true", "600"))]
    pods: usize,
    /// Its nodes
    #[arg(long, default_value_t = 5_000, default_value_if("short", "true", "20"))]
    nodes: usize,
    /// Events of pods, at full speed
    #[arg(long, default_value_t = 500_000, default_value_if("short", "true", "2000"))]
    events: u64,
    /// Events for the client that is written in Python
    #[arg(long, default_value_t = 10_000, default_value_if("short", "true", "200"))]
    python_events: u64,
    /// The parts to measure
    #[arg(long, value_delimiter = ',', default_values = ["list", "events", "growth", "extras"])]
    parts: Vec<String>,
    /// Fail where a peer's packages are missing
    #[arg(long)]
    require_peers: bool,
    /// Measure the watcher alone
    #[arg(long)]
    alone: bool,
    /// Draw how it grows
    #[arg(long, value_name = "FILE")]
    plot: Option<PathBuf>,
    /// What cargo appends.
    #[arg(long, hide = true)]
    bench: bool,
}

#[derive(Subcommand)]
enum Role {
    /// Serve a crowd; what is emitted when, stdin says.
    #[command(hide = true)]
    Serve { pods: usize, nodes: usize },
    /// Watch as the documentation of kube has it.
    #[command(hide = true)]
    Stock { url: String, events: u64 },
}

fn main() {
    let cli = Cli::parse();
    match cli.role {
        Some(Role::Serve { pods, nodes }) => serve::run(podlight_sim::Crowd::new(pods, nodes)),
        Some(Role::Stock { url, events }) => stock::run(&url, events),
        None => tables::print(&cli.size),
    }
}
