//! The stick's end of USB/IP: answers what vhci_hcd sends for each URB of the kernel.
//!
//! The protocol, from the kernel's documentation: headers of 48 bytes, big endian. A request: command at 0, its number at
//! 4, direction (1: in) at 12, endpoint at 16, then, of a submission, the length at 24 and the setup packet at 40, and the
//! data of an OUT; of an unlinking, at 20 the number of the request that is given up. A reply: command, number, status at
//! 20, actual length at 24, and the data of an IN.

use std::collections::BTreeSet;
use std::io::{self, Read as _, Write as _};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use crate::EmulatedStick;
use crate::errno::{ECONNRESET, EPIPE, EPROTO};
use crate::stick::Fault;

const SUBMIT: u32 = 1;
const UNLINK: u32 = 2;
const SUBMITTED: u32 = 3;
const UNLINKED: u32 = 4;

/// A stick that is served, and looked at by a test.
pub(crate) struct Served {
    pub(crate) stick: Mutex<EmulatedStick>,
    /// The stick was sent something, or nothing will be any more.
    pub(crate) changed: Condvar,
}

impl Served {
    pub(crate) fn lock(&self) -> MutexGuard<'_, EmulatedStick> {
        // A test that panicked while it looked has changed nothing.
        self.stick.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Serves until the kernel closes its end, or the stick vanishes.
    pub(crate) fn serve(&self, stream: UnixStream) -> io::Result<()> {
        let served = Connection { stream, waiting: BTreeSet::new() }.serve(self);
        self.changed.notify_all();
        served
    }
}

struct Connection {
    stream: UnixStream,
    /// Requests that get no answer until they are given up.
    waiting: BTreeSet<u32>,
}

impl Connection {
    fn serve(mut self, served: &Served) -> io::Result<()> {
        loop {
            let mut header = [0; 48];
            self.stream.read_exact(&mut header)?;
            let word = |at| u32::from_be_bytes(part(&header, at));
            let number = word(4);
            match word(0) {
                // Its only other endpoint has never anything to say.
                SUBMIT if word(16) != 0 => drop(self.waiting.insert(number)),
                SUBMIT => {
                    let is_in = word(12) == 1;
                    let mut data = vec![0; if is_in { 0 } else { word(24) as usize }];
                    self.stream.read_exact(&mut data)?;
                    let mut stick = served.lock();
                    let answer = stick.control(part(&header, 40), &data);
                    let taken = stick.taken(&data);
                    drop(stick);
                    match answer {
                        Ok(answer) if is_in => self.reply(SUBMITTED, number, 0, answer.len(), &answer)?,
                        Ok(_) => self.reply(SUBMITTED, number, 0, taken, &[])?,
                        Err(Fault::Stall) => self.reply(SUBMITTED, number, -EPIPE, 0, &[])?,
                        Err(Fault::Garbled | Fault::Short) => self.reply(SUBMITTED, number, -EPROTO, 0, &[])?,
                        Err(Fault::Silence) => drop(self.waiting.insert(number)),
                        Err(Fault::Vanish) => return self.stream.shutdown(Shutdown::Both),
                    }
                    served.changed.notify_all();
                }
                UNLINK => {
                    // One that was answered meanwhile can't be given up.
                    let status = if self.waiting.remove(&word(20)) { -ECONNRESET } else { 0 };
                    self.reply(UNLINKED, number, status, 0, &[])?;
                }
                other => return Err(io::Error::other(format!("USB/IP command {other}"))),
            }
        }
    }

    fn reply(&mut self, command: u32, number: u32, status: i32, length: usize, data: &[u8]) -> io::Result<()> {
        let length = u32::try_from(length).map_err(io::Error::other)?;
        let mut reply = Vec::with_capacity(48 + data.len());
        for word in [command, number, 0, 0, 0, status.cast_unsigned(), length] {
            reply.extend(word.to_be_bytes());
        }
        reply.resize(48, 0);
        reply.extend(data);
        self.stream.write_all(&reply)
    }
}

fn part<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    std::array::from_fn(|i| bytes[at + i])
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn request(words: [u32; 10], setup: [u8; 8], data: &[u8]) -> Vec<u8> {
        [&words.map(u32::to_be_bytes).concat(), &setup[..], data].concat()
    }

    fn reply(stream: &mut UnixStream, data: usize) -> (Vec<u32>, Vec<u8>) {
        let mut reply = vec![0; 48 + data];
        stream.read_exact(&mut reply).unwrap();
        let words = [0, 4, 20, 24].map(|at| u32::from_be_bytes(part(&reply, at)));
        (words.to_vec(), reply[48..].to_vec())
    }

    #[test]
    fn urbs_are_answered_or_given_up() {
        let nano = EmulatedStick::nano("BS012345-3.0").failing(Fault::Silence, 1).failing(Fault::Stall, 1);
        let served = Arc::new(Served { stick: Mutex::new(nano), changed: Condvar::new() });
        let (mut kernel, stick) = UnixStream::pair().unwrap();
        let serving = std::thread::spawn({
            let served = Arc::clone(&served);
            move || served.serve(stick)
        });
        let set =
            |number| request([SUBMIT, number, 1, 0, 0, 0, 4, 0, 0, 0], [0x20, 9, 1, 0, 0, 0, 4, 0], &[1, 0, 40, 0]);
        let get = request([SUBMIT, 4, 1, 1, 0, 0, 4, 0, 0, 0], [0xA0, 1, 1, 0, 0, 0, 4, 0], &[]);
        let unlink = |number| request([UNLINK, 9, 1, 0, 0, number, 0, 0, 0, 0], [0; 8], &[]);
        for sent in [set(1), set(2), set(3), get, unlink(1), unlink(2)] {
            kernel.write_all(&sent).unwrap();
        }
        assert_eq!(reply(&mut kernel, 0).0, [SUBMITTED, 2, (-EPIPE).cast_unsigned(), 0]);
        assert_eq!(reply(&mut kernel, 0).0, [SUBMITTED, 3, 0, 4]);
        assert_eq!(reply(&mut kernel, 4), (vec![SUBMITTED, 4, 0, 4], vec![1, 0, 40, 0]));
        assert_eq!(reply(&mut kernel, 0).0, [UNLINKED, 9, (-ECONNRESET).cast_unsigned(), 0]);
        assert_eq!(reply(&mut kernel, 0).0, [UNLINKED, 9, 0, 0]);
        drop(kernel);
        assert!(serving.join().unwrap().is_err());
        assert_eq!(served.lock().leds()[0], [0, 40, 0]);
    }
}
