//! Edge: tells people how the soak goes, and how it went.

#![expect(clippy::print_stdout, reason = "this is the command's result")]

use std::time::Duration;

use crate::Options;
use crate::book::Toll;
use crate::memory::Memory;
use crate::soak::Soak;

/// One line, each minute.
pub(crate) fn minute(soak: &Soak, memory: &Memory, minute: u64) {
    let book = soak.book.borrow();
    let faults: u32 = book.tolls().values().map(|toll| toll.times).sum();
    println!(
        "{minute:3} min  {} events  {faults} faults  {} looks  {:.1} MiB  late by {:.0?} at most",
        soak.events.get(),
        book.looks,
        memory.last(),
        soak.latest.get(),
    );
}

/// The figures of the whole run.
pub(crate) fn print(soak: &Soak, memory: &Memory, Options { seed, .. }: &Options) {
    let book = soak.book.borrow();
    println!("\nseed {seed}, {:.0?}\n", soak.start.elapsed());
    println!(
        "{:<26}{:>8}{:>20}{:>20}{:>20}",
        "fault", "times", "stale allowed", "longest to stale", "longest to truth"
    );
    for (kind, Toll { times, to_stale, to_truth }) in book.tolls() {
        let allowed = kind.stale_within();
        println!(
            "{:<26}{times:>8}{:>20}{:>20}{:>20}",
            kind.name(),
            seconds(allowed),
            seconds(*to_stale),
            seconds(*to_truth)
        );
    }
    let growth = memory.growth();
    for (what, figure) in [
        ("events", soak.events.get().to_string()),
        ("looks at a light", book.looks.to_string()),
        ("of these late by over 1 s", book.loose.to_string()),
        ("of these with no fault", book.strict.to_string()),
        ("colors allowed then", format!("{:.2} on average", ratio(book.allowed, book.colors))),
        ("looks at its LEDs", book.frames.to_string()),
        ("late by", format!("{:.2?} at most", soak.latest.get())),
        ("memory", growth.to_string()),
    ] {
        println!("{what:<26}{figure}");
    }
}

fn seconds(time: Option<Duration>) -> String {
    time.map_or_else(|| "-".to_owned(), |time| format!("{:.2} s", time.as_secs_f64()))
}

#[expect(clippy::cast_precision_loss, reason = "for people")]
fn ratio(part: u64, whole: u64) -> f64 {
    part as f64 / whole.max(1) as f64
}
