//! Event confirmation: calls that stay open, so that several events can be played on one.

use std::collections::HashMap;
use std::time::Duration;

use crate::engine::{Engine, Refusal, Timestamp};

/// The calls that are open between two events, by identifier.
#[derive(Clone, Debug, Default)]
pub(super) struct EventCalls(HashMap<String, EventCall>);

#[derive(Clone, Debug)]
struct EventCall {
    username: String,
    until: Timestamp,
}

/// How long a call stays open after an event.
const OPEN: Duration = Duration::from_mins(5);

impl EventCalls {
    /// Moves the calls of a user to another name; `None` ends them.
    pub(super) fn rename(&mut self, from: &str, to: Option<&str>) {
        match to {
            None => self.0.retain(|_, it| it.username != from),
            Some(to) => self.0.values_mut().filter(|it| it.username == from).for_each(|it| it.username = to.into()),
        }
    }

    /// The user that a call reaches, even if its time is over.
    pub(super) fn username(&self, id: &str) -> Option<&str> {
        Some(&self.0.get(id.trim())?.username)
    }
}

impl Engine {
    /// Keeps a call to a user open, and names it.
    pub fn open_call(&mut self, now: Timestamp, username: &str) -> String {
        let id = format!("{:016X}{:016X}", self.draw(), self.draw());
        let EventCalls(calls) = &mut self.challenges.event_calls;
        calls.retain(|_, it| now < it.until);
        calls.insert(id.clone(), EventCall { username: username.into(), until: now + OPEN });
        id
    }

    /// The user that an open call reaches. The call then stays open for five more minutes.
    ///
    /// # Errors
    /// `UnknownCall`
    pub fn call(&mut self, now: Timestamp, id: &str) -> Result<String, Refusal> {
        let call = self.challenges.event_calls.0.get_mut(id.trim()).filter(|it| now < it.until);
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
        self.challenges.event_calls.0.remove(id.trim());
        Ok(())
    }
}
