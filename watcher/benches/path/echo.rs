//! What the machine takes for the least that any way has: a byte over loopback to another process, and back.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::Command;
use std::thread;
use std::time::Duration;

use crate::figures::Times;
use crate::light::now;
use crate::process::{Process, say};

/// So many times, after a pause of so many microseconds each.
pub(crate) fn times(count: usize, pause: u64) -> Times {
    let mut echo = Process::start(Command::new(std::env::current_exe().unwrap()).arg("--echo"));
    let mut port = String::new();
    BufReader::new(echo.output()).read_line(&mut port).unwrap();
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port.trim().parse().unwrap())).unwrap();
    let one = |_| {
        thread::sleep(Duration::from_micros(pause));
        let begun = now();
        stream.write_all(&[0]).unwrap();
        stream.read_exact(&mut [0]).unwrap();
        begun.elapsed()
    };
    (0..count).map(one).collect()
}

/// The other process.
pub(crate) fn run() -> anyhow::Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    say(&listener.local_addr()?.port().to_string());
    let (mut stream, _) = listener.accept()?;
    let mut byte = [0];
    while stream.read(&mut byte)? > 0 {
        stream.write_all(&byte)?;
    }
    Ok(())
}
