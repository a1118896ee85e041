//! What the machine takes for the least that any way has: a byte over loopback to another process, and back.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::Command;
use std::thread;
use std::time::Duration;

use podlight_bed::Process;

use crate::figures::Times;
use crate::light::now;

/// So many times, after a pause of so many microseconds each.
pub(crate) fn times(count: usize, pause: u64) -> Times {
    let echo = Process::start(Command::new(std::env::current_exe().unwrap()).arg("--echo"));
    let mut stream = TcpStream::connect(echo.until_says("listening address=")).unwrap();
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
    eprintln!("listening address={}", listener.local_addr()?);
    let (mut stream, _) = listener.accept()?;
    let mut byte = [0];
    while stream.read(&mut byte)? > 0 {
        stream.write_all(&byte)?;
    }
    Ok(())
}
