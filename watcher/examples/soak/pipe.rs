//! Edge: a link between two TCP endpoints that can be a black hole, or broken. Refuses to know what it carries.
//!
//! A black hole loses nothing that an end would send again: what was on its way arrives once it is over, unless the end
//! that sent it has reset the connection meanwhile. What wanted to connect through it, and gave up, never did.

use std::io;
use std::net::SocketAddr;

use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

/// How the link is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Link {
    Sound,
    /// Nothing gets through, and nothing is said of that.
    Hole,
    /// Connections break at once.
    Broken,
}

/// A link, until it is dropped.
pub(crate) struct Pipe {
    pub(crate) address: SocketAddr,
    link: watch::Sender<Link>,
    carrying: JoinHandle<()>,
}

impl Pipe {
    /// Carries what connects to `address` to `target`.
    pub(crate) async fn lay(address: SocketAddr, target: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let (link, state) = watch::channel(Link::Sound);
        let carrying = tokio::spawn(carry(listener, target, state));
        Ok(Self { address, link, carrying })
    }

    /// From now on the link is so.
    pub(crate) fn turn(&self, link: Link) {
        self.link.send_replace(link);
    }
}

impl Drop for Pipe {
    fn drop(&mut self) {
        self.carrying.abort();
    }
}

async fn carry(listener: TcpListener, target: SocketAddr, link: watch::Receiver<Link>) {
    let mut pairs = JoinSet::new();
    loop {
        tokio::select! {
            Ok((near, _)) = listener.accept() => {
                let (link, mut broken) = (link.clone(), link.clone());
                pairs.spawn(async move {
                    tokio::select! {
                        // Both ends see for themselves that a connection is gone.
                        _ = join(near, target, link) => {}
                        _ = broken.wait_for(|link| *link == Link::Broken) => {}
                    }
                });
            }
            Some(_) = pairs.join_next() => {}
        }
    }
}

async fn join(near: TcpStream, target: SocketAddr, link: watch::Receiver<Link>) -> io::Result<()> {
    sound(&mut link.clone()).await;
    let (from_near, to_near) = near.into_split();
    let mut first = Vec::new();
    if drain(&from_near, &mut first)? == Flow::Over {
        return Ok(());
    }
    let far = TcpStream::connect(target).await?;
    far.set_nodelay(true)?;
    let (from_far, to_far) = far.into_split();
    send(&to_far, &first).await?;
    tokio::try_join!(pump(from_near, to_far, link.clone()), pump(from_far, to_near, link))?;
    Ok(())
}

/// Carries one direction, to its end. An error breaks off both.
async fn pump(from: OwnedReadHalf, to: OwnedWriteHalf, mut link: watch::Receiver<Link>) -> io::Result<()> {
    let mut bytes = Vec::new();
    loop {
        from.readable().await?;
        sound(&mut link).await;
        bytes.clear();
        let flow = drain(&from, &mut bytes)?;
        send(&to, &bytes).await?;
        if flow == Flow::Over {
            // Dropped, `to` says so.
            return Ok(());
        }
    }
}

async fn sound(link: &mut watch::Receiver<Link>) {
    // The pipe is gone: so is this, soon.
    let _ = link.wait_for(|link| *link == Link::Sound).await;
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Flow {
    On,
    Over,
}

/// All that is there now. An error where the other end has reset the connection: then none of it counts.
fn drain(from: &OwnedReadHalf, bytes: &mut Vec<u8>) -> io::Result<Flow> {
    let mut chunk = [0; 8192];
    loop {
        match from.try_read(&mut chunk) {
            Ok(0) => return Ok(Flow::Over),
            Ok(read) => bytes.extend_from_slice(&chunk[..read]),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(Flow::On),
            Err(error) => return Err(error),
        }
    }
}

async fn send(to: &OwnedWriteHalf, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        to.writable().await?;
        match to.try_write(bytes) {
            Ok(written) => bytes = &bytes[written..],
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;

    const ANY: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 0);

    async fn pipe() -> (Pipe, TcpListener) {
        let far = TcpListener::bind(ANY).await.unwrap();
        (Pipe::lay(ANY, far.local_addr().unwrap()).await.unwrap(), far)
    }

    async fn write(stream: &TcpStream, bytes: &[u8]) {
        stream.writable().await.unwrap();
        assert_eq!(stream.try_write(bytes).unwrap(), bytes.len());
    }

    /// What comes next; nothing at the end.
    async fn read(stream: &TcpStream) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; 100];
        loop {
            stream.readable().await?;
            match stream.try_read(&mut bytes) {
                Ok(read) => return Ok(bytes[..read].to_vec()),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
    }

    #[tokio::test]
    async fn what_is_held_up_arrives_once_the_link_is_sound() {
        let (pipe, far) = pipe().await;
        let near = TcpStream::connect(pipe.address).await.unwrap();
        let (far, _) = far.accept().await.unwrap();
        write(&near, b"one").await;
        assert_eq!(read(&far).await.unwrap(), b"one");
        pipe.turn(Link::Hole);
        write(&near, b"two").await;
        write(&far, b"three").await;
        assert!(timeout(Duration::from_millis(100), read(&far)).await.is_err());
        pipe.turn(Link::Sound);
        assert_eq!(read(&far).await.unwrap(), b"two");
        assert_eq!(read(&near).await.unwrap(), b"three");
    }

    #[tokio::test]
    async fn who_gives_up_connecting_through_a_hole_never_did() {
        let (pipe, far) = pipe().await;
        pipe.turn(Link::Hole);
        let first = TcpStream::connect(pipe.address).await.unwrap();
        write(&first, b"first").await;
        drop(first);
        let second = TcpStream::connect(pipe.address).await.unwrap();
        write(&second, b"second").await;
        pipe.turn(Link::Sound);
        let (far, _) = far.accept().await.unwrap();
        assert_eq!(read(&far).await.unwrap(), b"second");
    }

    #[tokio::test]
    async fn a_broken_link_breaks_what_goes_over_it() {
        let (pipe, far) = pipe().await;
        let near = TcpStream::connect(pipe.address).await.unwrap();
        let (far, _) = far.accept().await.unwrap();
        pipe.turn(Link::Broken);
        for end in [near, far] {
            assert_eq!(read(&end).await.unwrap_or_default(), b"");
        }
    }
}
