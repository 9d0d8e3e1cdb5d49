//! Where and how a request arrived.

use std::sync::{Arc, OnceLock};

use crate::contract::FieldValue;
use crate::engine::{Call, Change, Decision, Draw, DrawnDelay, Engine, Refusal, Timestamp, Verdict};
use crate::soap::Fault;
use crate::switchboard::{Ended, Space};

use super::answer::{Answer, Note, Rejection};

/// Where and how a request arrived.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    pub space: &'a Space,
    /// The operation's name on the wire.
    pub operation: &'static str,
    /// Whether the operation runs on the master server.
    pub on_master: bool,
    /// What the rules decided; `None` before they saw the call, and where none matches.
    pub verdict: Option<&'a Verdict>,
    /// Where the journal looks for how the rules decided.
    pub(super) trace: Option<&'a OnceLock<Trace>>,
}

/// How the rules decided a call: known before it ends, and also where the client hangs up.
#[derive(Clone, Debug, Default)]
pub struct Trace {
    /// The rule that decided, unless it only says what a person does.
    pub rule: Option<Arc<str>>,
    /// The incident that changes the call, likewise.
    pub incident: Option<Arc<str>>,
    /// How much later the answer leaves.
    pub delay: Option<DrawnDelay>,
    /// What rules with `chance` drew.
    pub draws: Box<[Draw]>,
}

impl<'a> Context<'a> {
    /// The same, with a place to note how the rules decide.
    #[must_use]
    pub const fn traced(self, trace: &'a OnceLock<Trace>) -> Self {
        Self { trace: Some(trace), ..self }
    }
}

impl Context<'_> {
    /// Lets the rules decide a call, once for each.
    pub(super) fn receive(self, asks: bool, values: &[FieldValue<'_>]) -> Option<Box<Verdict>> {
        let call = Call { operation: self.operation, asks, space: self.space.name(), values };
        let Decision { verdict, draws } = self.space.update(|engine, now| engine.receive(now, &call));
        if let Some(trace) = self.trace {
            let decided = verdict.as_ref().filter(|it| !it.answer.directs_person());
            let (rule, incident) = decided.map(|it| (it.rule.clone(), it.incident.clone())).unzip();
            let delay = verdict.as_ref().and_then(|it| it.delay);
            // A call is decided once.
            let _ = trace.set(Trace { rule, incident: incident.flatten(), delay, draws: draws.into() });
        }
        verdict
    }

    /// The fault of a call that waited in vain.
    pub(super) fn fault(self, ended: Ended) -> Fault {
        let space = self.space.name();
        let what = match ended {
            Ended::Stopped => "locmfa was stopped".into(),
            Ended::Reset => format!("The space {space} was reset"),
            Ended::Replaced => format!("The space {space} was started over with another scenario"),
            Ended::Reloaded => format!("The scenario was read again and the space {space} started over"),
            Ended::Dropped => format!("The space {space} was dropped"),
        };
        Fault::Ended { what }
    }

    /// Whether the operation can run at all.
    ///
    /// # Errors
    /// As [`Space::may_run`].
    pub(super) fn may_run(self) -> Result<(), Refusal> {
        self.space.may_run(self.on_master)
    }

    /// Makes a change, and records who made it.
    ///
    /// # Errors
    /// As [`Engine::change`].
    pub(super) fn change<T>(
        self,
        asked: Change<'_>,
        change: impl FnOnce(&mut Engine, Timestamp) -> Result<T, Refusal>,
    ) -> Result<Answer<T>, Rejection> {
        for (field, text) in [("modifyUsername", asked.by), ("reason", asked.detail)] {
            super::bounded(field, text)?;
        }
        let asked = Change { operation: self.operation, ..asked };
        let changed = self.space.update(|engine, now| engine.change(now, asked, |engine| change(engine, now)));
        let (out, warning) = changed?;
        Ok(Answer { out, refusal: None, note: Note { warning: warning.map(Into::into), ..Note::default() } })
    }
}
