//! One plugged stick as usbfs shows it: serves the ioctls that umockdev's preload takes from the client's device node.
//!
//! The protocol: messages of three native u64. The client sends `(1, request, argument)`. Until it is told that the
//! ioctl is done, `(3, result, errno)`, its memory can be read, `(5, address, length)`, and written, `(6, address,
//! length)` and the bytes. What libusb needs are the URBs of control transfers.
//!
//! libusb polls the node for being writable and reaps then. So the node is a FIFO that is full but while there is
//! something to reap.

use std::collections::{BTreeMap, VecDeque};
use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use rustix::fs::OFlags;

use crate::EmulatedStick;
use crate::errno::{EAGAIN, EINVAL, ENODATA, ENODEV, ENOENT, ENOTTY, EPIPE, EPROTO, ESHUTDOWN};
use crate::stick::Fault;
use crate::tree::Places;

const GET_DRIVER: u8 = 8;
const SUBMIT_URB: u8 = 10;
const DISCARD_URB: u8 = 11;
const REAP_URB_NO_DELAY: u8 = 13;
const GET_CAPABILITIES: u8 = 26;
/// Zero packets, and URBs can be reaped after a disconnect.
const CAPABILITIES: u32 = 0x11;
const CONTROL_URB: u8 = 2;
const PAGE: usize = 4096;

/// A stick and all that is under way to it.
pub(crate) struct Served {
    pub(crate) stick: EmulatedStick,
    pub(crate) places: Places,
    pub(crate) plugged: bool,
    /// How often it was opened so far.
    pub(crate) opened: usize,
    /// Numbers of the ioctls that aren't about URBs.
    pub(crate) others: Vec<u8>,
    /// What the LEDs came to show, and when.
    pub(crate) history: Vec<(Instant, Vec<[u8; 3]>)>,
    clients: BTreeMap<usize, Urbs>,
    last_client: usize,
    fifo: File,
    writable: bool,
}

/// What one open node has under way.
#[derive(Default)]
struct Urbs {
    pending: Vec<Urb>,
    done: VecDeque<Urb>,
}

struct Urb {
    /// In the client's memory.
    address: u64,
    buffer: u64,
    status: i32,
    answer: Vec<u8>,
    /// Bytes moved, either way.
    actual: i32,
}

/// [`Served`], shared by the threads that serve it and those that look at it.
pub(crate) struct Shared {
    served: Mutex<Served>,
    /// Something happened to the stick.
    pub(crate) changed: Condvar,
}

impl Shared {
    /// Serves a stick whose files are there, but for the socket.
    pub(crate) fn serve(stick: EmulatedStick, places: Places) -> io::Result<Arc<Self>> {
        let nonblocking = i32::try_from(OFlags::NONBLOCK.bits()).map_err(io::Error::other)?;
        let fifo = OpenOptions::new().read(true).write(true).custom_flags(nonblocking).open(&places.node)?;
        let listener = UnixListener::bind(&places.socket)?;
        let mut served = Served {
            stick,
            places,
            plugged: true,
            opened: 0,
            others: Vec::new(),
            history: Vec::new(),
            clients: BTreeMap::new(),
            last_client: 0,
            fifo,
            writable: true,
        };
        served.poll_state()?;
        let shared = Arc::new(Self { served: Mutex::new(served), changed: Condvar::new() });
        let accepting = Arc::clone(&shared);
        std::thread::spawn(move || accepting.accept(&listener));
        Ok(shared)
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Served> {
        // A test that panicked while it looked has changed nothing.
        self.served.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes whoever opens the node, until the stick is gone.
    fn accept(self: &Arc<Self>, listener: &UnixListener) {
        for stream in listener.incoming() {
            let mut served = self.lock();
            let (Ok(stream), true) = (stream, served.plugged) else { return };
            served.last_client += 1;
            let client = served.last_client;
            let shared = Arc::clone(self);
            std::thread::spawn(move || {
                // It ends when the client closes the node, or dies.
                let _ = Client { shared: &shared, number: client, stream, unsent: Vec::new() }.serve();
                shared.lock().clients.remove(&client);
            });
        }
    }
}

impl Served {
    /// Pulls the stick out: what is under way ends, what follows finds no device.
    pub(crate) fn unplug(&mut self) -> io::Result<()> {
        if !std::mem::take(&mut self.plugged) {
            return Ok(());
        }
        for urbs in self.clients.values_mut() {
            urbs.done.extend(urbs.pending.drain(..).map(|urb| Urb { status: -ESHUTDOWN, ..urb }));
        }
        self.poll_state()?;
        // Its thread wakes up, sees that the stick is gone, and ends.
        UnixStream::connect(&self.places.socket)?;
        self.places.unplug()
    }

    fn submit(&mut self, client: usize, urb: Urb, setup: [u8; 8], data: &[u8]) -> io::Result<()> {
        let answer = self.stick.control(setup, data);
        if self.history.last().is_none_or(|(_, leds)| leds != self.stick.leds()) {
            self.history.push((crate::now(), self.stick.leds().to_vec()));
        }
        let actual = |length: usize| i32::try_from(length).unwrap_or_default();
        let failed = |urb, errno: i32| Urb { status: -errno, ..urb };
        let urbs = self.clients.entry(client).or_default();
        match answer {
            Ok(answer) if setup[0] & 0x80 != 0 => {
                urbs.done.push_back(Urb { actual: actual(answer.len()), answer, ..urb });
            }
            Ok(_) => urbs.done.push_back(Urb { actual: actual(self.stick.taken(data)), ..urb }),
            Err(Fault::Stall) => urbs.done.push_back(failed(urb, EPIPE)),
            Err(Fault::Garbled | Fault::Short) => urbs.done.push_back(failed(urb, EPROTO)),
            Err(Fault::Silence) => urbs.pending.push(urb),
            Err(Fault::Vanish) => {
                urbs.done.push_back(failed(urb, EPROTO));
                self.unplug()?;
            }
        }
        self.poll_state()
    }

    fn discard(&mut self, client: usize, address: u64) -> io::Result<Result<(), i32>> {
        let urbs = self.clients.entry(client).or_default();
        let Some(index) = urbs.pending.iter().position(|urb| urb.address == address) else { return Ok(Err(EINVAL)) };
        let urb = urbs.pending.swap_remove(index);
        urbs.done.push_back(Urb { status: -ENOENT, ..urb });
        self.poll_state()?;
        Ok(Ok(()))
    }

    fn reap(&mut self, client: usize) -> io::Result<Result<Urb, i32>> {
        let urb = self.clients.entry(client).or_default().done.pop_front();
        self.poll_state()?;
        Ok(urb.ok_or(if self.plugged { EAGAIN } else { ENODEV }))
    }

    /// Makes the FIFO writable while a URB can be reaped, and full otherwise.
    fn poll_state(&mut self) -> io::Result<()> {
        let reapable = self.clients.values().any(|urbs| !urbs.done.is_empty());
        match (reapable, self.writable) {
            (true, false) => self.fifo.read_exact(&mut [0; PAGE])?,
            (false, true) => loop {
                match self.fifo.write(&[0; PAGE]) {
                    Ok(_) => {}
                    Err(full) if full.kind() == io::ErrorKind::WouldBlock => break,
                    Err(error) => return Err(error),
                }
            },
            _ => {}
        }
        self.writable = reapable;
        Ok(())
    }
}

/// A client that has the node open.
struct Client<'a> {
    shared: &'a Shared,
    number: usize,
    stream: UnixStream,
    /// Messages to it.
    unsent: Vec<u8>,
}

impl Client<'_> {
    fn serve(mut self) -> io::Result<()> {
        loop {
            let [kind, request, argument] = self.receive()?;
            let result = if kind == 1 { self.ioctl(request, argument)? } else { Err(EINVAL) };
            self.send([3, if result.is_ok() { 0 } else { u64::MAX }, result.err().unwrap_or_default() as u64]);
            self.flush()?;
            self.shared.changed.notify_all();
        }
    }

    /// The outer result is that of talking to the client, the inner one that of the ioctl.
    fn ioctl(&mut self, request: u64, argument: u64) -> io::Result<Result<(), i32>> {
        match request.to_le_bytes() {
            [SUBMIT_URB, b'U', ..] => self.submit(argument),
            [DISCARD_URB, b'U', ..] => self.shared.lock().discard(self.number, argument),
            [REAP_URB_NO_DELAY, b'U', ..] => {
                let reaped = self.shared.lock().reap(self.number)?;
                Ok(reaped.map(|urb| self.hand_back(&urb, argument)))
            }
            [GET_CAPABILITIES, b'U', ..] => {
                // The first that libusb does with an open node. The preload connects even where an opening failed.
                self.shared.lock().opened += 1;
                self.write(argument, &CAPABILITIES.to_ne_bytes());
                Ok(Ok(()))
            }
            [number, ..] => {
                self.shared.lock().others.push(number);
                // No driver of the kernel's has a stick that nobody else looks at.
                Ok(Err(if number == GET_DRIVER { ENODATA } else { ENOTTY }))
            }
        }
    }

    /// `struct usbdevfs_urb`: type at 0, buffer at 16, its length at 24. The buffer begins with the setup packet.
    fn submit(&mut self, address: u64) -> io::Result<Result<(), i32>> {
        if !self.shared.lock().plugged {
            return Ok(Err(ENODEV));
        }
        let urb = self.read(address, 56)?;
        let (buffer, length) = (u64::from_ne_bytes(part(&urb, 16)), i32::from_ne_bytes(part(&urb, 24)));
        if urb[0] != CONTROL_URB || length < 8 {
            return Ok(Err(EINVAL));
        }
        let sent = self.read(buffer, u64::from(length.unsigned_abs()))?;
        let data = if sent[0] & 0x80 == 0 { &sent[8..] } else { &[] };
        let urb = Urb { address, buffer, status: 0, answer: Vec::new(), actual: 0 };
        self.shared.lock().submit(self.number, urb, part(&sent, 0), data)?;
        Ok(Ok(()))
    }

    /// Status at 4, actual length at 28.
    fn hand_back(&mut self, urb: &Urb, pointer: u64) {
        if !urb.answer.is_empty() {
            self.write(urb.buffer + 8, &urb.answer);
        }
        self.write(urb.address + 4, &urb.status.to_ne_bytes());
        self.write(urb.address + 28, &urb.actual.to_ne_bytes());
        self.write(pointer, &urb.address.to_ne_bytes());
    }

    fn read(&mut self, address: u64, length: u64) -> io::Result<Vec<u8>> {
        self.send([5, address, length]);
        self.flush()?;
        let mut bytes = vec![0; usize::try_from(length).map_err(io::Error::other)?];
        self.stream.read_exact(&mut bytes)?;
        Ok(bytes)
    }

    fn write(&mut self, address: u64, bytes: &[u8]) {
        self.send([6, address, bytes.len() as u64]);
        self.unsent.extend(bytes);
    }

    fn receive(&mut self) -> io::Result<[u64; 3]> {
        let mut message = [0; 24];
        self.stream.read_exact(&mut message)?;
        Ok([0, 8, 16].map(|at| u64::from_ne_bytes(part(&message, at))))
    }

    fn send(&mut self, message: [u64; 3]) {
        self.unsent.extend(message.map(u64::to_ne_bytes).concat());
    }

    /// All at once: each time that it waits for us, the client's thread sleeps, which no kernel would make it do.
    fn flush(&mut self) -> io::Result<()> {
        self.stream.write_all(&std::mem::take(&mut self.unsent))
    }
}

fn part<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    std::array::from_fn(|i| bytes[at + i])
}
