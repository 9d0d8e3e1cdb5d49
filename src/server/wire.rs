//! Faults on the wire: an adapter between HTTP and the stream of a connection, which an answer arms.
//!
//! A connection without a fault pays for it by one look at a flag with each write. The fault and its timer belong to the
//! connection and end with it. A client that sends requests ahead of the answers may get the end of the answer before in
//! the same way.

use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep};
use tokio_rustls::server::TlsStream;

use crate::tls::hello::Opening;

/// A stream that can end by a reset.
pub(super) trait Socket: AsyncRead + AsyncWrite + Send + Unpin + 'static {
    /// From now on, dropping the stream resets the connection.
    fn reset_when_dropped(&self);
}

impl Socket for Opening<TcpStream> {
    fn reset_when_dropped(&self) {
        // If the system refuses, the connection is closed in the usual way.
        let _ = self.get_ref().set_zero_linger();
    }
}

impl Socket for TlsStream<Opening<TcpStream>> {
    fn reset_when_dropped(&self) {
        self.get_ref().0.reset_when_dropped();
    }
}

impl<S: Socket> Socket for Box<S> {
    fn reset_when_dropped(&self) {
        S::reset_when_dropped(self);
    }
}

#[cfg(test)]
impl Socket for tokio::io::DuplexStream {
    fn reset_when_dropped(&self) {}
}

/// What happens to an answer on the wire. An answer has it as an extension.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct WireFault {
    pub(super) cut: Option<Cut>,
    /// How many bytes leave each second.
    pub(super) drip: Option<u32>,
}

/// Where the connection ends.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Cut {
    MidHeader,
    /// After so many bytes of the body.
    MidBody(usize),
    /// After the headers and after these bytes, which take the place of the body.
    After(&'static [u8]),
}

/// The faults of one connection, in the hands of what answers its requests.
#[derive(Default)]
pub(super) struct Wire {
    is_armed: AtomicBool,
    work: Mutex<Option<Work>>,
    resets: AtomicBool,
    is_cut: AtomicBool,
}

impl Wire {
    /// Damages the answer that leaves next.
    pub(super) fn arm(&self, fault: WireFault) {
        let cut = fault.cut.map(|place| Cutting { place, left: None, last: &[] });
        let drip = fault.drip.map(|rate| Drip { rate, due: Box::pin(sleep(Duration::ZERO)) });
        *self.work() = Some(Work { cut, drip });
        self.is_armed.store(true, Ordering::Release);
    }

    /// Lets what leaves from now on pass. The next request has come.
    pub(super) fn disarm(&self) {
        if self.is_armed.swap(false, Ordering::AcqRel) {
            *self.work() = None;
        }
    }

    /// Lets the connection end by a reset.
    pub(super) fn reset(&self) {
        self.resets.store(true, Ordering::Release);
    }

    /// Whether a fault has ended the connection.
    pub(super) fn is_cut(&self) -> bool {
        self.is_cut.load(Ordering::Acquire)
    }

    fn is_armed(&self) -> bool {
        self.is_armed.load(Ordering::Acquire)
    }

    fn work(&self) -> MutexGuard<'_, Option<Work>> {
        self.work.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Work {
    cut: Option<Cutting>,
    drip: Option<Drip>,
}

struct Cutting {
    place: Cut,
    /// How many bytes still pass. `None`: nothing has left.
    left: Option<usize>,
    /// What is still to be written behind them.
    last: &'static [u8],
}

struct Drip {
    rate: u32,
    due: Pin<Box<Sleep>>,
}

impl Work {
    fn poll_write<S: Socket>(
        &mut self,
        stream: &mut S,
        cx: &mut Context<'_>,
        bytes: &[u8],
        wire: &Wire,
    ) -> Poll<io::Result<usize>> {
        let mut allowed = bytes.len();
        if let Some(cut) = &mut self.cut {
            let left = cut.left(bytes);
            if left == 0 {
                ready!(cut.poll_end(stream, cx, wire))?;
            }
            allowed = allowed.min(left);
        }
        if let Some(drip) = &mut self.drip {
            ready!(drip.due.as_mut().poll(cx));
            allowed = allowed.min(drip.piece());
        }
        let written = ready!(Pin::new(stream).poll_write(cx, &bytes[..allowed]))?;
        if let Some(left) = self.cut.as_mut().and_then(|it| it.left.as_mut()) {
            *left -= written;
        }
        if let Some(drip) = &mut self.drip {
            drip.wait_after(written);
        }
        Poll::Ready(Ok(written))
    }

    fn poll_flush<S: Socket>(&mut self, stream: &mut S, cx: &mut Context<'_>, wire: &Wire) -> Poll<io::Result<()>> {
        match &mut self.cut {
            Some(cut) if cut.left == Some(0) => cut.poll_end(stream, cx, wire),
            _ => Pin::new(stream).poll_flush(cx),
        }
    }
}

impl Cutting {
    /// How many bytes still pass. The first ones have the whole head of the answer: HTTP writes it in one piece.
    fn left(&mut self, bytes: &[u8]) -> usize {
        let place = self.place;
        *self.left.get_or_insert_with(|| {
            let head = bytes.windows(4).position(|it| it == b"\r\n\r\n").map_or(bytes.len(), |it| it + 4);
            match place {
                Cut::MidHeader => {
                    // In the middle of a line, after a letter.
                    let middle = head / 2;
                    let letter = bytes[middle..head].iter().position(u8::is_ascii_alphanumeric);
                    letter.map_or(middle, |it| middle + it + 1)
                }
                Cut::MidBody(length) => head + length,
                Cut::After(last) => {
                    self.last = last;
                    head
                }
            }
        })
    }

    /// Writes what comes last, and ends the connection: `Ready` is always an error.
    fn poll_end<S: Socket>(&mut self, stream: &mut S, cx: &mut Context<'_>, wire: &Wire) -> Poll<io::Result<()>> {
        while !self.last.is_empty() {
            let written = ready!(Pin::new(&mut *stream).poll_write(cx, self.last))?;
            self.last = &self.last[written..];
        }
        ready!(Pin::new(stream).poll_flush(cx))?;
        wire.is_cut.store(true, Ordering::Release);
        Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()))
    }
}

impl Drip {
    /// How many bytes leave at once: those of a twentieth of a second.
    fn piece(&self) -> usize {
        (self.rate / 20).max(1) as usize
    }

    fn wait_after(&mut self, written: usize) {
        let time = Duration::from_secs_f64(written as f64 / f64::from(self.rate));
        self.due.as_mut().reset(Instant::now() + time);
    }
}

/// The stream of a connection, with the faults of its answers.
pub(super) struct Tampered<S: Socket> {
    stream: S,
    wire: Arc<Wire>,
    /// What was read before it was asked for.
    ahead: Bytes,
}

impl<S: Socket> Tampered<S> {
    pub(super) const fn new(stream: S, wire: Arc<Wire>) -> Self {
        Self { stream, wire, ahead: Bytes::new() }
    }

    /// Gives back what was read. Its copy does not keep the buffer that it was read into.
    pub(super) fn read_ahead(&mut self, bytes: &[u8]) {
        self.ahead = Bytes::copy_from_slice(bytes);
    }

    /// Waits for the first byte of a request: `true` when it is there, `false` when the other side closes. With `ends`,
    /// this side closes.
    pub(super) fn poll_awake(&mut self, cx: &mut Context<'_>, ends: bool) -> Poll<io::Result<bool>> {
        if self.ahead.is_empty() && !ends {
            let mut first = [0];
            let mut buffer = ReadBuf::new(&mut first);
            ready!(Pin::new(&mut self.stream).poll_read(cx, &mut buffer))?;
            self.ahead = Bytes::copy_from_slice(buffer.filled());
        }
        if self.ahead.is_empty() {
            ready!(Pin::new(&mut self.stream).poll_shutdown(cx))?;
        }
        Poll::Ready(Ok(!self.ahead.is_empty()))
    }
}

impl<S: Socket> Drop for Tampered<S> {
    fn drop(&mut self) {
        if self.wire.resets.load(Ordering::Acquire) {
            self.stream.reset_when_dropped();
        }
    }
}

impl<S: Socket> AsyncRead for Tampered<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.ahead.is_empty() {
            return Pin::new(&mut self.stream).poll_read(cx, buffer);
        }
        let length = self.ahead.len().min(buffer.remaining());
        let first = self.ahead.split_to(length);
        buffer.put_slice(&first);
        Poll::Ready(Ok(()))
    }
}

impl<S: Socket> AsyncWrite for Tampered<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let Self { stream, wire, .. } = &mut *self;
        if wire.is_armed()
            && let Some(work) = &mut *wire.work()
        {
            return work.poll_write(stream, cx, bytes, wire);
        }
        Pin::new(stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if self.wire.is_armed() {
            let first = slices.iter().find(|it| !it.is_empty()).map_or(&[][..], |it| &**it);
            return self.poll_write(cx, first);
        }
        Pin::new(&mut self.stream).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Self { stream, wire, .. } = &mut *self;
        if wire.is_armed()
            && let Some(work) = &mut *wire.work()
        {
            return work.poll_flush(stream, cx, wire);
        }
        Pin::new(stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

    use super::*;

    const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\nabcdefghijklmnopqrst";

    fn tampered(wire: &Arc<Wire>) -> (Tampered<DuplexStream>, DuplexStream) {
        let (near, far) = duplex(4096);
        (Tampered::new(near, wire.clone()), far)
    }

    /// What arrives of an answer, and how writing it ended.
    async fn arrives(fault: WireFault) -> (String, io::Result<()>) {
        let wire = Arc::new(Wire::default());
        let (mut stream, mut far) = tampered(&wire);
        wire.arm(fault);
        let written = async {
            stream.write_all(ANSWER).await?;
            stream.flush().await
        };
        let written = written.await;
        assert_eq!(wire.is_cut(), written.is_err());
        drop(stream);
        let mut text = String::new();
        far.read_to_string(&mut text).await.unwrap();
        (text, written)
    }

    #[tokio::test]
    async fn an_answer_ends_where_the_fault_says() {
        let whole = str::from_utf8(ANSWER).unwrap();
        for (cut, arrived) in [
            (Cut::MidHeader, "HTTP/1.1 200 OK\r\nCon"),
            (Cut::MidBody(10), "HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\nabcdefghij"),
            (Cut::MidBody(0), "HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n"),
            (Cut::After(b"no chunk"), "HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\nno chunk"),
        ] {
            let (text, written) = arrives(WireFault { cut: Some(cut), drip: None }).await;
            assert_eq!(text, arrived, "{cut:?}");
            assert_eq!(written.unwrap_err().kind(), io::ErrorKind::ConnectionAborted);
        }
        let (text, written) = arrives(WireFault::default()).await;
        assert!(text == whole && written.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn a_drip_takes_its_time_and_ends_with_its_answer() {
        let wire = Arc::new(Wire::default());
        let (mut stream, _far) = tampered(&wire);
        for rate in [3, 100, 1000] {
            wire.arm(WireFault { cut: None, drip: Some(rate) });
            let began = Instant::now();
            stream.write_all(&[b'x'; 1000]).await.unwrap();
            stream.write_all(b"").await.unwrap();
            let (took, due) = (began.elapsed().as_secs_f64(), 1000.0 / f64::from(rate));
            assert!(took > due * 0.94 && took < due * 1.06, "{took} for {due}");
        }
        wire.disarm();
        let began = Instant::now();
        stream.write_all(&[b'x'; 1000]).await.unwrap();
        assert!(began.elapsed().is_zero());
    }
}
