//! What answers calls, and a call that may outlive its connection.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use axum::Router;
use axum::extract::Request;
use axum::response::Response;
use tokio::runtime::Handle;
use tower::ServiceExt;

use super::Connection;

type Answering = Pin<Box<dyn Future<Output = Response> + Send>>;

/// What answers the requests of all connections.
#[derive(Clone)]
pub struct App(Arc<dyn Fn(Request, Option<Arc<Connection>>) -> Answering + Send + Sync>);

impl fmt::Debug for App {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("App")
    }
}

impl App {
    /// `answer` gets the connection that a request came over, if it came over one.
    pub fn new<F: Future<Output = Response> + Send + 'static>(
        answer: impl Fn(Request, Option<Arc<Connection>>) -> F + Send + Sync + 'static,
    ) -> Self {
        Self(Arc::new(move |request, connection| Box::pin(answer(request, connection))))
    }

    /// Answers a request that came over no connection.
    pub fn answer(&self, request: Request) -> impl Future<Output = Response> + Send + Unpin + 'static {
        (self.0)(request, None)
    }
}

/// The requests have their connection as an `Extension<Arc<Connection>>`.
impl From<Router> for App {
    fn from(router: Router) -> Self {
        Self::new(move |mut request, connection| {
            if let Some(connection) = connection {
                request.extensions_mut().insert(connection);
            }
            let answer = router.clone().oneshot(request);
            async { answer.await.unwrap_or_else(|never| match never {}) }
        })
    }
}

/// A call in the hands of a connection. If the connection ends first, the call goes on without it: what the client has
/// sent whole is read, recorded, and carried out as far as it need not wait.
pub(super) struct Call {
    /// `None`: it is answered.
    call: Option<Answering>,
    connection: Arc<Connection>,
}

impl Call {
    pub(super) fn new(app: &App, request: Request, connection: Arc<Connection>) -> Self {
        Self { call: Some((app.0)(request, Some(connection.clone()))), connection }
    }
}

impl Future for Call {
    type Output = Response;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Response> {
        let Some(call) = &mut self.call else { return Poll::Pending };
        let answer = ready!(call.as_mut().poll(cx));
        self.call = None;
        Poll::Ready(answer)
    }
}

impl Drop for Call {
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
