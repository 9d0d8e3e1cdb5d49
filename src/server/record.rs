//! A call from its start to its end: the line in the log, and the entry in the journal.

use std::fmt::{self, Write};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::body::Bytes;
use axum::http::StatusCode;
use axum::response::Response;
use tokio::time::Instant;
use tracing::{error, info, warn};

use super::answer::{self, Page};
use super::transfer;
use crate::engine::{CallEnd, CallRequest, Raw, Refusal, Transfer};
use crate::operations::{Note, Reply, Substitute, Trace, Unanswered};
use crate::soap::{self, Fault, Version};
use crate::switchboard::Space;

/// One call while it is answered. It is in the journal from the start; when it is answered, or when the client hangs up,
/// it is logged and its end is recorded.
pub(super) struct Record<'a> {
    space: &'a Space,
    started: Instant,
    /// Its number in the journal.
    seq: u64,
    request: Arc<CallRequest>,
    answer: Raw,
    note: Note,
    /// How the rules decided, as soon as they did.
    trace: Option<&'a OnceLock<Trace>>,
    /// How the answer is damaged on its way.
    transfer: Transfer,
    error: Option<i32>,
    /// The address of the person's machine, as the call has it.
    pub(super) address: Option<Box<str>>,
    pub(super) initiating_type: Option<Box<str>>,
    closed: bool,
}

impl<'a> Record<'a> {
    pub(super) fn open(space: &'a Space, started: Instant, request: CallRequest) -> Self {
        let request = Arc::new(request);
        let seq = space.open_call(request.clone());
        let answer = Raw::default();
        let note = Note { warning: space.ambiguity(&request.username).map(Into::into), ..Note::default() };
        Self {
            space,
            started,
            seq,
            request,
            answer,
            note,
            trace: None,
            transfer: Transfer::default(),
            error: None,
            address: None,
            initiating_type: None,
            closed: false,
        }
    }

    /// The same, with the place where the rules note how they decide.
    pub(super) const fn traced(mut self, trace: &'a OnceLock<Trace>) -> Self {
        self.trace = Some(trace);
        self
    }

    /// Ends the call with a reply, of which `sealed` is the document.
    pub(super) fn reply(&mut self, reply: Reply, sealed: String, content_type: &'static str) -> Response {
        self.transfer = reply.transfer;
        let body = self.keep_answer(sealed);
        let about_the_name = self.note.warning.take();
        self.note = reply.note;
        self.note.warning = self.note.warning.take().or(about_the_name);
        if let Some(Refusal::UserNotFound { username }) = &reply.refusal
            && self.space.is_first_unknown_user()
        {
            let name: String = username.chars().take(256).collect();
            let line = format!("  - {}", crate::scenario::edit::scalar(&name));
            info!(target: "locmfa::call", line, "unknown user; add the line below users: of the scenario if the user is to be there");
        }
        self.error = reply.refusal.as_ref().map(Refusal::code);
        if let Some(refusal) = reply.refusal.as_ref().filter(|_| self.note.incident.is_none()) {
            self.note.incident = self.space.incident_behind(refusal);
        }
        let mut outcome = String::with_capacity(32);
        outcome.push_str(if reply.succeeded { "true" } else { "false" });
        let told = (|| {
            if let Some(code) = self.note.call_result {
                write!(outcome, " {code}")?;
            }
            if let Some(code) = self.error {
                write!(outcome, " error {code}")?;
            }
            if let Some(rule) = &self.note.rule {
                write!(outcome, " by {rule:?}")?;
            }
            outcome.push_str(&transfer::purpose(&self.transfer));
            fmt::Result::Ok(())
        })();
        told.expect("a String does not fail");
        if let Some(warning) = &self.note.warning {
            let request = &self.request;
            warn!(target: "locmfa::call", operation = request.operation, user = named(&request.username), "{warning}");
        }
        self.close(StatusCode::OK, outcome);
        self.damaged(answer::page(StatusCode::OK, Page::Fresh(content_type), body))
    }

    /// An answer with the faults that the rule gives it.
    fn damaged(&self, response: Response) -> Response {
        match self.transfer == Transfer::default() {
            true => response,
            false => transfer::damaged(response, &self.transfer),
        }
    }

    /// Keeps a document for the journal, as the rule spoils it. What goes to the client.
    fn keep_answer(&mut self, document: String) -> Bytes {
        let document = transfer::spoilt(document, &self.transfer);
        if document.len() > Raw::KEPT {
            self.answer = Raw::new(&document);
            return document.into();
        }
        self.answer = Raw::of(document);
        self.answer.bytes().clone()
    }

    /// Ends the call with what the client gets in place of a reply. `refuse` makes the answer to a refused sign-in.
    pub(super) fn unanswered(
        &mut self,
        version: Version,
        unanswered: Unanswered,
        refuse: impl FnOnce() -> Response,
    ) -> Response {
        let by = unanswered.rule.as_ref().map(|it| format!(" by {it:?}")).unwrap_or_default();
        self.note.rule = unanswered.rule;
        self.note.incident = unanswered.incident;
        self.transfer = unanswered.transfer;
        let purpose = transfer::purpose(&self.transfer);
        match unanswered.substitute {
            Substitute::Fault(fault) => self.fault(version, &fault),
            Substitute::Status { code, retry_after } => {
                let status = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
                let again = retry_after.map(|it| format!(", Retry-After {it}")).unwrap_or_default();
                self.close(status, format!("{}{by}{again}{purpose}", status.as_u16()));
                self.damaged(answer::empty(status, retry_after))
            }
            Substitute::Page(kind) => {
                let (status, page, document) = answer::error_page(kind);
                let body = self.keep_answer(document);
                let what = transfer::of_page(kind);
                self.close(status, format!("{}{by}{what}{purpose}", status.as_u16()));
                self.damaged(answer::page(status, page, body))
            }
            Substitute::SignInRefused => {
                let response = refuse();
                let what = transfer::of_refusal();
                self.close(response.status(), format!("{}{by}{what}{purpose}", response.status().as_u16()));
                self.damaged(response)
            }
            Substitute::Nothing(hangup) => {
                self.end(0, format!("cut off{by}{}", transfer::of_hangup(hangup)));
                answer::cut(hangup)
            }
        }
    }

    pub(super) fn fault(&mut self, version: Version, fault: &Fault) -> Response {
        if matches!(fault, Fault::Internal { .. }) {
            error!(target: "locmfa::call", operation = self.request.operation, "the operation failed");
        }
        let body = self.keep_answer(soap::seal_fault(version, fault));
        let purpose = transfer::purpose(&self.transfer);
        self.close(StatusCode::INTERNAL_SERVER_ERROR, format!("fault {}{purpose}", shortened(fault.text())));
        self.damaged(answer::page(StatusCode::INTERNAL_SERVER_ERROR, Page::Failed(version.content_type()), body))
    }

    pub(super) fn close(&mut self, status: StatusCode, outcome: String) {
        self.end(status.as_u16(), outcome);
    }

    fn end(&mut self, status: u16, outcome: String) {
        if std::mem::replace(&mut self.closed, true) {
            return;
        }
        let took = self.started.elapsed();
        let Trace { rule, incident, delay, draws } = self.trace.and_then(OnceLock::get).cloned().unwrap_or_default();
        self.note.rule = self.note.rule.take().or(rule);
        self.note.incident = self.note.incident.take().or(incident);
        let request = &self.request;
        info!(
            target: "locmfa::call",
            space = self.space.name(),
            caller = &*request.caller,
            operation = named(request.operation),
            user = named(&request.username),
            number = request.number.as_deref(),
            address = self.address.as_deref(),
            initiating_type = self.initiating_type.as_deref(),
            status,
            outcome = outcome.as_str(),
            call_result = self.note.call_result,
            description = self.note.description.as_deref(),
            error = self.error,
            rule = self.note.rule.as_deref(),
            incident = self.note.incident.as_deref(),
            ms = milliseconds(took),
        );
        let (rule, incident, warning) = (self.note.rule.take(), self.note.incident.take(), self.note.warning.take());
        let answer = std::mem::take(&mut self.answer);
        self.space.close_call(self.seq, |at| CallEnd {
            at,
            took,
            status,
            outcome: outcome.into(),
            call_result: self.note.call_result,
            error: self.error,
            rule,
            incident,
            delay,
            draws,
            warning,
            answer,
        });
    }
}

impl Drop for Record<'_> {
    fn drop(&mut self) {
        self.end(0, "the client hung up".into());
    }
}

/// A text for the log and the journal. A hostile body can make the reader's words as long as itself.
pub(super) fn shortened(mut text: String) -> String {
    const LONGEST: usize = 1024;
    if text.len() > LONGEST {
        text.truncate(text.floor_char_boundary(LONGEST));
        text.push('…');
    }
    text
}

/// What a request names, for the log: a line leaves out what is not named.
fn named(text: &str) -> Option<&str> {
    Some(text).filter(|it| !it.is_empty())
}

/// Milliseconds, to the microsecond.
fn milliseconds(time: Duration) -> f64 {
    time.as_micros() as f64 / 1000.0
}
