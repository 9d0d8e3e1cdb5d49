//! Event confirmation: calls that stay open, so that several events can be played on one.

use std::time::Duration;

use crate::engine::{Engine, Refusal, Timestamp};

/// A call that is open between two events.
#[derive(Clone, Debug)]
pub(in crate::engine) struct OpenCall {
    pub username: String,
    until: Timestamp,
}

/// How long a call stays open after an event.
const OPEN: Duration = Duration::from_mins(5);

impl Engine {
    /// Keeps a call to a user open, and names it.
    pub fn open_call(&mut self, now: Timestamp, username: &str) -> String {
        self.calls.retain(|_, it| now < it.until);
        let id = format!("{:016X}{:016X}", self.draw(), self.draw());
        self.calls.insert(id.clone(), OpenCall { username: username.into(), until: now + OPEN });
        id
    }

    /// Whom an open call reaches. It then stays open for a while more.
    ///
    /// # Errors
    /// `UnknownCall`
    pub fn call(&mut self, now: Timestamp, id: &str) -> Result<String, Refusal> {
        let call = self.calls.get_mut(id.trim()).filter(|it| now < it.until);
        let call = call.ok_or_else(|| Refusal::UnknownCall { id: id.into() })?;
        call.until = now + OPEN;
        Ok(call.username.clone())
    }

    /// Ends a call.
    ///
    /// # Errors
    /// `UnknownCall`
    pub fn end_call(&mut self, now: Timestamp, id: &str) -> Result<(), Refusal> {
        self.call(now, id)?;
        self.calls.remove(id.trim());
        Ok(())
    }

    pub(in crate::engine) fn move_calls(&mut self, from: &str, to: Option<&str>) {
        match to {
            None => self.calls.retain(|_, it| it.username != from),
            Some(to) => self.calls.values_mut().filter(|it| it.username == from).for_each(|it| it.username = to.into()),
        }
    }
}
