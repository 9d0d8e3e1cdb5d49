//! The stream of a connection, as its phases see it.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

use super::pace::{Pace, Phase, Progress};
use crate::server::wire::Socket;

/// A stream that sets the phase when a request begins, and when an answer waits for its reader.
pub(super) struct Paced<S> {
    stream: S,
    pace: Arc<Pace>,
    /// How writing goes on since it had to wait.
    blocked: Option<Progress>,
}

impl<S> Paced<S> {
    pub(super) const fn new(stream: S, pace: Arc<Pace>) -> Self {
        Self { stream, pace, blocked: None }
    }

    /// Notes how a write went.
    fn note_write(&mut self, written: &Poll<io::Result<usize>>) {
        match (written, &mut self.blocked) {
            (Poll::Pending, blocked) => {
                let due = blocked.get_or_insert_with(Progress::new).due(self.pace.limits.write_time);
                self.pace.await_reader(Some(due));
            }
            (Poll::Ready(written), Some(blocked)) => {
                blocked.add(*written.as_ref().unwrap_or(&0));
                self.pace.await_reader(Some(blocked.due(self.pace.limits.write_time)));
            }
            (Poll::Ready(_), None) => {}
        }
    }
}

impl<S: Socket> Socket for Paced<S> {
    fn reset_when_dropped(&self) {
        self.stream.reset_when_dropped();
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Paced<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buffer);
        if buffer.filled().len() > before && self.pace.is_idle() {
            self.pace.set(Phase::Head(Instant::now()));
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Paced<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.note_write(&written);
        written
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
        self.note_write(&written);
        written
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(cx);
        match &flushed {
            Poll::Pending => self.note_write(&Poll::Pending),
            Poll::Ready(_) if self.blocked.take().is_some() => self.pace.await_reader(None),
            Poll::Ready(_) => {}
        }
        flushed
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
