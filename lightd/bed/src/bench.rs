//! What benchmarks share: which machine it was, tables, plots, and Python for peers that are written in it. Measures
//! nothing.

mod plot;

pub use plot::Plot;

use std::env;
use std::fmt;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::thread;

/// A table in Markdown, as straight to be read in a terminal.
#[derive(Clone, Debug)]
pub struct Table<const N: usize>(Vec<[String; N]>);

impl<const N: usize> Table<N> {
    /// Of these columns. All but the first are figures.
    pub fn new(head: [&str; N]) -> Self {
        Self(vec![head.map(str::to_owned)])
    }

    /// One row more.
    pub fn row(&mut self, cells: [String; N]) {
        self.0.push(cells);
    }
}

impl<const N: usize> fmt::Display for Table<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width =
            |column: usize| self.0.iter().map(|row| row[column].chars().count()).max().unwrap_or_default().max(4);
        let widths: [usize; N] = std::array::from_fn(width);
        for (number, row) in self.0.iter().enumerate() {
            for (column, (cell, width)) in row.iter().zip(widths).enumerate() {
                if column == 0 {
                    write!(f, "| {cell:<width$} |")?;
                } else {
                    write!(f, " {cell:>width$} |")?;
                }
            }
            writeln!(f)?;
            if number == 0 {
                for (column, width) in widths.into_iter().enumerate() {
                    let line = "-".repeat(width - 1);
                    if column == 0 { write!(f, "| {line}- |")? } else { write!(f, " {line}: |")? }
                }
                writeln!(f)?;
            }
        }
        Ok(())
    }
}

/// Processor, cores, memory and kernel, in one line.
pub fn machine() -> String {
    let told = |file: &str, name: &str| {
        let text = fs::read_to_string(file).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
        line.trim_start_matches([' ', '\t', ':']).to_owned()
    };
    let memory = told("/proc/meminfo", "MemTotal").trim_end_matches(" kB").parse::<u64>().unwrap_or_default();
    format!(
        "{}, {} cores, {} GiB, Linux {}",
        told("/proc/cpuinfo", "model name"),
        thread::available_parallelism().map_or(1, usize::from),
        memory.div_ceil(1 << 20),
        told("/proc/sys/kernel/osrelease", ""),
    )
}

/// The interpreter that `PODLIGHT_BENCH_PYTHON` names, or else `python3`.
///
/// # Errors
/// It isn't there, or can't import one of these modules, which are of this package: how to get them, in one line.
pub fn python(modules: &[&str], package: &str) -> Result<PathBuf, String> {
    let python = env::var_os("PODLIGHT_BENCH_PYTHON").map_or_else(|| PathBuf::from("python3"), PathBuf::from);
    let mut import = Command::new(&python);
    import.args(["-c", &format!("import {}", modules.join(", "))]).stdout(Stdio::null()).stderr(Stdio::null());
    if import.status().is_ok_and(|status| status.success()) {
        return Ok(python);
    }
    Err(format!(
        "not measured beside it: {package}; python3 -m venv V && V/bin/pip install {package}, then PODLIGHT_BENCH_PYTHON=V/bin/python"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_below_each_other() {
        let mut table = Table::new(["what", "podlight", "peer"]);
        table.row(["memory".to_owned(), "1 MiB".to_owned(), "150 MiB".to_owned()]);
        let lines =
            ["| what   | podlight |    peer |", "| ------ | -------: | ------: |", "| memory |    1 MiB | 150 MiB |"];
        assert_eq!(table.to_string().lines().collect::<Vec<_>>(), lines);
    }

    #[test]
    fn what_python_lacks_is_named() {
        let lacks = python(&["no_such_module"], "no-such-package").unwrap_err();
        assert!(lacks.contains("pip install no-such-package"), "{lacks}");
    }
}
