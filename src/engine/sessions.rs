//! The sessions that another site hands to the user portal.

use super::Refusal;
use crate::contract::{AuthResult, PassedSession};

/// A session of a user whose first factor another site has checked.
#[derive(Clone, Debug, PartialEq)]
pub struct Session {
    /// The identifier by which the portal asks for it.
    pub id: String,
    pub passed: PassedSession,
}

/// All sessions of a scenario.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sessions(Vec<Session>);

impl Sessions {
    pub(super) const fn new(sessions: Vec<Session>) -> Self {
        Self(sessions)
    }

    /// The session of an identifier.
    ///
    /// # Errors
    /// `UnknownSession`
    pub fn get(&self, id: &str) -> Result<&PassedSession, Refusal> {
        let session = self.0.iter().find(|it| it.id == id.trim());
        session.map(|it| &it.passed).ok_or_else(|| Refusal::UnknownSession { id: id.into() })
    }

    /// Marks the second factor of a session as passed.
    ///
    /// # Errors
    /// `UnknownSession`
    pub fn pass(&mut self, cookie: &str) -> Result<(), Refusal> {
        let session = self.0.iter_mut().find(|it| it.passed.cookie_id.as_deref() == Some(cookie.trim()));
        let session = session.ok_or_else(|| Refusal::UnknownSession { id: cookie.into() })?;
        session.passed.secondary_auth_status = AuthResult::Succeed;
        Ok(())
    }
}
