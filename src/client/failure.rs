//! Why a call has no answer.

use serde::Serialize;
use tokio::time::{Instant, timeout_at};

use crate::text::counted;

/// Why a call has no answer, and what to do about it.
#[derive(Clone, Debug, Serialize, thiserror::Error)]
#[error("{what}")]
pub struct Failure {
    pub at: CallStage,
    /// A sentence.
    pub what: String,
    /// What to do about it: one sentence or more.
    pub remedy: String,
}

/// How far a call came.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum CallStage {
    Name,
    Port,
    Tls,
    Certificate,
    SignIn,
    /// The account signed in and is not allowed to call.
    Group,
    Call,
}

impl Failure {
    pub(super) fn new(at: CallStage, what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { at, what: what.into(), remedy: remedy.into() }
    }
}

impl CallStage {
    /// What the client waits for at this stage.
    const fn waits_for(self) -> &'static str {
        match self {
            Self::Name => "the name to be found",
            Self::Port => "the connection to be taken",
            Self::Tls | Self::Certificate => "the TLS handshake",
            Self::SignIn | Self::Group | Self::Call => "the answer",
        }
    }
}

/// The output of a future, or the failure that it is not ready at the deadline.
pub(super) async fn by<T>(
    deadline: Instant,
    at: CallStage,
    future: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    let started = Instant::now();
    timeout_at(deadline, future).await.unwrap_or_else(|_| {
        let seconds = started.elapsed().as_secs_f32().round();
        Err(Failure::new(
            at,
            format!("The client gave up after {} of waiting for {}.", counted(seconds, "second"), at.waits_for()),
            match at {
                CallStage::Call => "A .NET client waits for 100 seconds: a phone that rings longer is given up by MIM. Look for the call in the service's log.",
                _ => "Something takes the connection and says nothing, or a firewall drops it: look at what listens there.",
            },
        ))
    })
}
