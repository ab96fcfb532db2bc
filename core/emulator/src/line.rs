//! A client's connection: one that can end with a reset, and whose client may shut down its sending side.
//!
//! The end of what a client sends means one of two things: it sends no more and waits for its answer, or it is gone.
//! Both look the same on the line. While an answer is under way, the end is held back as long as the system shows
//! that some process still holds the other end. Linux shows that for clients of this machine; elsewhere, the client
//! counts as gone.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::time::Sleep;

/// How often it is looked whether a client that sends no more is still there.
const LOOK: Duration = Duration::from_millis(50);

/// How a connection ends.
#[derive(Default)]
pub(super) struct End {
    /// With a reset, if a script asks for it.
    pub reset: AtomicBool,
    /// After what is under way, if a script asks for it.
    pub leave: Notify,
    /// How many requests have come whole and are not answered yet.
    answering: AtomicUsize,
}

/// A request that has come whole. Dropped when it is answered.
pub(super) struct Answering(Arc<End>);

impl Answering {
    pub fn of(end: &Arc<End>) -> Self {
        end.answering.fetch_add(1, Ordering::SeqCst);
        Answering(end.clone())
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        self.0.answering.fetch_sub(1, Ordering::SeqCst);
    }
}

/// A connection.
pub(super) struct Line {
    stream: TcpStream,
    end: Arc<End>,
    /// Until the next look, once the client sends no more.
    looking: Option<Pin<Box<Sleep>>>,
    /// Whether the end came in a read before this one.
    has_ended: bool,
}

impl Line {
    pub fn new(stream: TcpStream, end: Arc<End>) -> Self {
        Line { stream, end, looking: None, has_ended: false }
    }

    /// Whether the end of what was sent is to be held back. At first it is in any case: it may be read together
    /// with a request's last bytes, before that request counts as one to be answered.
    fn is_awaited(&mut self) -> bool {
        let is_first = !std::mem::replace(&mut self.has_ended, true);
        let places = self.stream.local_addr().ok().zip(self.stream.peer_addr().ok());
        (is_first || self.end.answering.load(Ordering::SeqCst) > 0)
            && places.is_some_and(|(own, peer)| is_held(own, peer))
    }
}

/// Whether a process of this machine holds the other end of a connection.
#[cfg(target_os = "linux")]
fn is_held(own: SocketAddr, peer: SocketAddr) -> bool {
    // The port is written in hexadecimal behind the address; an end that nobody holds has no inode.
    let is_it = |place: &str, port: u16| place.ends_with(&format!(":{port:04X}"));
    let holds = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let (place, other, inode) = (words.get(1)?, words.get(2)?, words.get(9)?);
        (is_it(place, peer.port()) && is_it(other, own.port())).then_some(*inode != "0")
    };
    let tables =
        ["/proc/net/tcp", "/proc/net/tcp6"].map(|table| std::fs::read_to_string(table).unwrap_or_default());
    tables.iter().flat_map(|table| table.lines()).find_map(holds).unwrap_or(false)
}

#[cfg(not(target_os = "linux"))]
fn is_held(_own: SocketAddr, _peer: SocketAddr) -> bool {
    false
}

impl Drop for Line {
    fn drop(&mut self) {
        if self.end.reset.load(Ordering::SeqCst) {
            // If it fails, the connection is closed in the usual way, which is a cut too.
            let _ = self.stream.set_zero_linger();
        }
    }
}

impl AsyncRead for Line {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context, buf: &mut ReadBuf) -> Poll<io::Result<()>> {
        loop {
            if let Some(looking) = &mut self.looking {
                ready!(looking.as_mut().poll(cx));
                self.looking = None;
            }
            let before = buf.filled().len();
            ready!(Pin::new(&mut self.stream).poll_read(cx, buf))?;
            if buf.filled().len() > before || buf.remaining() == 0 || !self.is_awaited() {
                return Poll::Ready(Ok(()));
            }
            self.looking = Some(Box::pin(tokio::time::sleep(LOOK)));
        }
    }
}

impl AsyncWrite for Line {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context, data: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, data)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
