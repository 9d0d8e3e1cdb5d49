//! What an operation answers, and what the client gets in place of an answer.

use std::borrow::Cow;
use std::sync::Arc;

use crate::engine::{ErrorPage, Hangup, Refusal, Transfer};
use crate::soap::Fault;

/// What an operation answers: its result, its out parameters, and the refusal if there is one.
#[derive(Debug)]
pub struct Answer<T> {
    pub out: T,
    pub refusal: Option<Refusal>,
    pub note: Note,
}

/// Why an operation has no answer of its own.
#[derive(Debug)]
pub enum Rejection {
    /// The in-band refusal: result false, and `error` says why.
    Refused(Refusal),
    /// A SOAP fault.
    Failed(Fault),
}

/// What the log says about a call besides its refusal.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Note {
    /// The code of `callResult`.
    pub call_result: Option<i32>,
    /// The description of `callResult`.
    pub description: Option<Cow<'static, str>>,
    /// The rule of the scenario that decided.
    pub rule: Option<Arc<str>>,
    /// The incident that changed the call.
    pub incident: Option<Arc<str>>,
    /// What a tester should know, such as that a user passed without a challenge.
    pub warning: Option<Cow<'static, str>>,
}

/// What the client gets in place of a reply.
#[derive(Debug, PartialEq)]
pub struct Unanswered {
    pub substitute: Substitute,
    /// The rule of the scenario that decided.
    pub rule: Option<Arc<str>>,
    /// The incident that changed the call.
    pub incident: Option<Arc<str>>,
    /// How it is damaged on its way.
    pub transfer: Transfer,
}

#[derive(Debug, PartialEq)]
pub enum Substitute {
    Fault(Fault),
    /// An HTTP status without a body.
    Status {
        code: u16,
        /// The header `Retry-After`, in whole seconds.
        retry_after: Option<u64>,
    },
    Page(ErrorPage),
    /// 401 with the ways to sign in, as after a wrong password.
    SignInRefused,
    /// Nothing: the connection ends.
    Nothing(Hangup),
}

impl<T> From<T> for Answer<T> {
    fn from(out: T) -> Self {
        Self { out, refusal: None, note: Note::default() }
    }
}

impl From<Refusal> for Rejection {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<Fault> for Unanswered {
    fn from(fault: Fault) -> Self {
        let substitute = Substitute::Fault(fault);
        Self { substitute, rule: None, incident: None, transfer: Transfer::default() }
    }
}
