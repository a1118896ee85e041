//! Counts what valgrind's callgrind counts: instructions don't depend on how busy a machine is, so they may be asserted.

use std::env;
use std::process::Command;

use podlight_bed::bench::Table;

use crate::{FOLD, SCAN};

/// What parsing and folding may cost, as so many scans: a quarter more than it does.
const MOST: f64 = 0.46;

/// Counts for each way, and prints it. Panics where ours takes too many.
pub(crate) fn count(events: usize, ways: &[&str]) {
    let mut table = Table::new(["one event", "instructions", "÷ scan"]);
    let events = f64::from(u32::try_from(events).unwrap());
    // What comes before and after the rounds is the same in both, and falls out.
    let per_event = |way: &&str| (collected(way, 3) - collected(way, 1)) / (2.0 * events);
    let figures: Vec<_> = ways.iter().map(|way| (*way, per_event(way))).collect();
    let scan = figures.iter().find(|(way, _)| *way == SCAN).unwrap().1;
    for (way, figure) in &figures {
        table.row([(*way).to_owned(), format!("{figure:.0}"), format!("{:.2}", figure / scan)]);
    }
    println!("{table}");
    let fold = figures.iter().find(|(way, _)| *way == FOLD).unwrap().1 / scan;
    assert!(fold <= MOST, "to parse and fold costs {fold:.2} scans, and should {MOST} at most");
}

fn collected(way: &str, rounds: u32) -> f64 {
    let mut valgrind = Command::new("valgrind");
    valgrind.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]).arg(env::current_exe().unwrap());
    let output =
        valgrind.args(["--short", "--only", way, &rounds.to_string()]).output().expect("valgrind is installed");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}");
    let collected = said.lines().find_map(|line| line.split_once("Collected : "));
    collected.unwrap_or_else(|| panic!("{said}")).1.trim().parse().unwrap()
}
