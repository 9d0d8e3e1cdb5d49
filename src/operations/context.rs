//! Where and how a request arrived.

use crate::contract::FieldValue;
use crate::engine::{Call, Change, Engine, Refusal, Timestamp, Verdict};
use crate::switchboard::Space;

use super::answer::{Answer, No, Note};

/// Where and how a request arrived.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    pub space: &'a Space,
    /// The operation's name on the wire.
    pub operation: &'static str,
    /// What the rules made of the call; none before it was received, and where no rule matches.
    pub verdict: Option<&'a Verdict>,
}

impl Context<'_> {
    /// Lets the rules decide a call, once for each.
    pub(super) fn receive(self, asks: bool, values: &[FieldValue<'_>]) -> Option<Verdict> {
        let call = Call { operation: self.operation, asks, space: self.space.name(), values };
        self.space.update(|engine, now| engine.receive(now, &call))
    }

    /// Makes a change, and keeps who made it.
    ///
    /// # Errors
    /// As [`Engine::change`].
    pub(super) fn change<T>(
        self,
        asked: Change<'_>,
        change: impl FnOnce(&mut Engine, Timestamp) -> Result<T, Refusal>,
    ) -> Result<Answer<T>, No> {
        for (field, text) in [("modifyUsername", asked.by), ("reason", asked.detail)] {
            super::bounded(field, text)?;
        }
        let asked = Change { operation: self.operation, ..asked };
        let changed = self.space.update(|engine, now| engine.change(now, asked, |engine| change(engine, now)));
        let (out, warning) = changed?;
        Ok(Answer { out, refusal: None, note: Note { warning, ..Note::default() } })
    }
}
