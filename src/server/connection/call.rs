//! A call that may outlive its connection.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::runtime::Handle;

use super::Connection;

/// A call in the hands of a connection. If the connection ends first, the call goes on without it: what the client has
/// sent whole is read, recorded, and carried out as far as it need not wait.
pub(super) struct Call<F: Future + Send + 'static> {
    /// `None`: it is answered.
    call: Option<Pin<Box<F>>>,
    connection: Arc<Connection>,
}

impl<F: Future + Send + 'static> Call<F> {
    pub(super) fn new(call: F, connection: Arc<Connection>) -> Self {
        Self { call: Some(Box::pin(call)), connection }
    }
}

impl<F: Future + Send + 'static> Future for Call<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let Some(call) = &mut self.call else { return Poll::Pending };
        let answer = ready!(call.as_mut().poll(cx));
        self.call = None;
        Poll::Ready(answer)
    }
}

impl<F: Future + Send + 'static> Drop for Call<F> {
    fn drop(&mut self) {
        if let Some(call) = self.call.take() {
            self.connection.is_left.send_replace(true);
            // Without a runtime, the program ends.
            if let Ok(runtime) = Handle::try_current() {
                runtime.spawn(async move { drop(call.await) });
            }
        }
    }
}
