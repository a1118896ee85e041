//! The origin's way: Python with Kubernetes' own client, which waits for pods to change, and the BlinkStick library.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

use podlight_bed::{Bed, Process, bench};

const SCRIPT: &str = include_str!("origin.py");
const DISK: &str = include_str!("disk.py");
const PACKAGES: [&str; 3] = ["kubernetes", "blinkstick", "pyusb"];
/// On Linux, the library asks for pyusb, but doesn't say so to whoever installs it.
const MODULES: [&str; 3] = ["kubernetes", "usb", "blinkstick.blinkstick"];
/// A pod that runs, as a watch tells of it.
const EVENT: &str = r#"{"type":"ADDED","object":{"apiVersion":"v1","kind":"Pod","metadata":{"name":"cart","namespace":"default","uid":"1","resourceVersion":"1"},"spec":{"nodeName":"pi-1","containers":[{"name":"cart"}]},"status":{"phase":"Running"}}}"#;

/// What is on disk, in MB.
pub(crate) struct Disk {
    /// With its standard library.
    pub(crate) interpreter: f64,
    /// With all that they ask for.
    pub(crate) packages: f64,
}

/// An interpreter that has what the origin needs; or what to do about it.
pub(crate) fn python() -> Result<PathBuf, String> {
    let python = bench::python(&MODULES, &PACKAGES.join(" "))?;
    let ask = "import sys, usb.backend.libusb1 as libusb; sys.exit(libusb.get_backend() is None)";
    if Command::new(&python).args(["-c", ask]).status().is_ok_and(|found| found.success()) {
        return Ok(python);
    }
    Err("not measured beside it: pyusb finds no libusb; apt-get install libusb-1.0-0".to_owned())
}

/// Of the interpreter and its packages.
pub(crate) fn versions(python: &Path) -> String {
    let ask = "import platform, sys; from importlib.metadata import version; \
               print(platform.python_version(), *(f'{name} {version(name)}' for name in sys.argv[1:]), sep=', ')";
    output(python, ask)
}

/// The origin's script on this host, watching an API that has one pod, which never changes.
pub(crate) fn start(bed: &Bed, python: &Path) -> Process {
    Process::start(bed.command(python).args(["-c", SCRIPT, &format!("http://{}", api())]))
}

/// Serves the watch of whoever comes first.
fn api() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let head = BufReader::new(stream.try_clone().unwrap()).lines().map_while(Result::ok);
        head.take_while(|line| !line.is_empty()).for_each(drop);
        let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n";
        write!(stream, "{head}{:x}\r\n{EVENT}\n\r\n", EVENT.len() + 1).unwrap();
        // The stream stays open for as long as this waits for another.
        listener.accept()
    });
    address
}

impl Disk {
    /// Of the interpreter with the origin's packages.
    pub(crate) fn of(python: &Path) -> Self {
        let sizes = output(python, DISK);
        let (interpreter, packages) = sizes.split_once('\n').unwrap();
        let megabytes = |bytes: &str| bytes.trim().parse::<f64>().unwrap() / 1e6;
        Self { interpreter: megabytes(interpreter), packages: megabytes(packages) }
    }

    /// Of one file, in which all is.
    pub(crate) fn of_binary(file: &Path) -> f64 {
        fs::metadata(file).unwrap().len() as f64 / 1e6
    }
}

fn output(python: &Path, script: &str) -> String {
    let output = Command::new(python).args(["-c", script]).args(PACKAGES).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}
