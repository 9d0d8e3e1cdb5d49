//! The whole file: its sections, in the order in which each needs what it reads before.

use std::borrow::Cow;
use std::cell::RefCell;

use crate::engine::{OnReload, Setup};

use super::accounts::accounts;
use super::clock::clock;
use super::company::company;
use super::fields::{Reader, mapping};
use super::grammar::Values;
use super::rules::rules;
use super::scope::{Scope, Usernames};
use super::server::{listed, server};
use super::sessions::sessions;
use super::states::states;
use super::users::{user, user_defaults};
use super::values::{List, OneOrMore, ReaderExt, Text, Truth, Whole, Word, described};
use super::{Mistakes, Scenario, Server};

const ON_RELOAD: [(&str, OnReload); 2] = [("keep", OnReload::Keep), ("reset", OnReload::Reset)];

/// A scenario; `source` is how mistakes name its file.
pub(super) fn scenario<'a>(source: &str) -> impl Reader<'a, Value = Scenario> {
    mapping("scenario", "a scenario", move |fields| {
        // Both are read before anything else is: see `compose`.
        fields.elsewhere("use", OneOrMore(Text.known_as("file")));
        fields.elsewhere("environment", described(|_| Values::environment(), |_| Some(())));
        let seed = fields.get("seed", Whole(0..=i64::MAX as u64));
        let mut on_reload = OnReload::default();
        fields.set("on_reload", &mut on_reload, Word(&ON_RELOAD));
        let clock = fields.get("clock", clock()).unwrap_or_default();
        let accounts = fields.get("accounts", accounts());
        let mut listening = Server::default();
        listening.sign_in.accounts = listed(accounts.as_ref());
        if let Some(server) = fields.get("server", server(accounts.as_ref())) {
            listening = server;
        }
        let company = fields.get("company", company()).unwrap_or_default();
        fields.get("user_defaults", user_defaults(&company));
        let defaults = fields.at("user_defaults");
        // After an error no scenario comes of it. Then the names are enough for what rules say of users.
        let names = RefCell::new(Vec::new());
        let user = user(defaults, &company).and_then(|user, written| match written.files().has_errors() {
            true => {
                names.borrow_mut().extend(Some(user.username).filter(|it| !it.is_empty()));
                None
            }
            false => Some(user),
        });
        let users = fields.get("users", List(user)).unwrap_or_default();
        let names = names.take();
        let (places, states): (Vec<_>, Vec<_>) = fields.get("states", states()).unwrap_or_default().into_iter().unzip();
        let rules = {
            let usernames = Usernames::of(&users, &names);
            let stored = |name: &str| usernames.find(name).map(Cow::Borrowed);
            let scope = Scope::new(&company, &stored, &states);
            let rules = fields.get("rules", rules(&scope)).unwrap_or_default();
            scope.check(&places);
            rules
        };
        let mut magic_numbers = true;
        fields.set("magic_numbers", &mut magic_numbers, Truth);
        let sessions = fields.get("sessions", sessions()).unwrap_or_default();
        Some(Scenario {
            name: source.into(),
            server: listening,
            setup: Setup { company, users, rules, states, magic_numbers, sessions, seed, clock, ..Setup::default() },
            on_reload,
            files: Vec::new(),
            warnings: Mistakes::default(),
        })
    })
}
