//! `sessions`: the sessions that another site hands to the user portal.

use crate::contract::{AuthResult, PassedSession};
use crate::engine::Session;

use super::fields::{Reader, mapping};
use super::names::Names;
use super::values::{Item, List, Name, ReaderExt};

pub(super) fn sessions<'a>() -> impl Reader<'a, Value = Vec<Session>> {
    let (mut ids, mut cookies) = (Names::new("session"), Names::new("session with the cookie"));
    let session = mapping("session", "a session", move |fields| {
        let written_cookie = |name: String, it| Some((cookies.add(it, &name)?, it));
        let cookie = fields.need("cookie_id", Name.and_then(written_cookie));
        let mut passed = PassedSession { secondary_auth_status: AuthResult::Fail, ..PassedSession::default() };
        let username = fields.need("username", Name);
        fields.record(&mut passed);
        let id = fields.get("session_id", Name.and_then(|name: String, it| ids.add(it, &name)));
        let id = match (fields.at("session_id"), &cookie) {
            (None, Some((cookie, written))) => ids.add(*written, cookie),
            _ => id,
        };
        username?;
        Some(Session { id: id?, passed: PassedSession { cookie_id: Some(cookie?.0), ..passed } })
    });
    List(Item("a session", session))
}
