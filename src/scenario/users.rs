//! `users` and `user_defaults`: who the service knows.

use crate::engine::{Block, Company, Timestamp, User};

use super::compose::{COUNT, FROM};
use super::fields::{Fields, Reader, mapping};
use super::mistake::Code;
use super::names::Names;
use super::tree::{Kind, Node};
use super::user_portal;
use super::user_settings::settings;
use super::values::{Hidden, Item, Name, ReaderExt, text_as};
use super::written::Written;

/// Takes the keys without a value out of a user, or of each user of a list.
pub(super) fn without_empty_keys(root: &mut Node<'_>) {
    root.take_out_nothing();
    let is_empty = |it: &Node<'_>| matches!(&it.kind, Kind::Text(text) if text.is_empty());
    let users = match &mut root.kind {
        Kind::List(items) => items.as_mut_slice(),
        _ => std::slice::from_mut(root),
    };
    for user in users {
        if let Kind::Mapping(entries) = &mut user.kind {
            entries.retain(|it| it.key == "username" || !is_empty(&it.value));
        }
    }
}

/// A user: a name, or a mapping. `defaults` are what a user has who does not say otherwise. No two users that one reader
/// reads have the same name.
pub(super) fn user<'a>(defaults: Option<Written<'a>>, company: &Company) -> impl Reader<'a, Value = User> {
    let (mut names, mut device_ids) = (Names::new("user"), Names::new("device"));
    let section = move |fields: &mut Fields<'a>| {
        // A pattern of users has become the users: see `compose`.
        fields.elsewhere("count", COUNT);
        fields.elsewhere("from", FROM);
        if let Some(it) = fields.at("from") {
            let help = "Add count: how many users there are of the pattern.".into();
            it.report(Code::NeverApplies, "from says where a pattern counts from, and this is none".into(), [help]);
        }
        let written = fields.written();
        let username = match written.is_text() {
            true => written.name().and_then(|name| names.add(written, name)),
            false => fields.need("username", Name.and_then(|name: String, it| names.add(it, &name))),
        };
        let mut user = User::new(&username.unwrap_or_default(), company.new_user());
        beside_the_name(fields, &mut user, company, &mut device_ids);
        Some(user)
    };
    Item("a user", mapping("user", "a user", section).over(defaults).or_text("name"))
}

/// What every user has who does not say otherwise: a mapping that is read again beneath each user.
pub(super) fn user_defaults<'a>(company: &Company) -> impl Reader<'a, Value = Written<'a>> {
    mapping("user_defaults", "user_defaults", move |fields| {
        let mut unnamed = User::new("", company.new_user());
        beside_the_name(fields, &mut unnamed, company, &mut Names::new("device"));
        Some(fields.written())
    })
}

/// The keys of a user beside the name.
fn beside_the_name<'a>(fields: &mut Fields<'a>, user: &mut User, company: &Company, device_ids: &mut Names) {
    user.password = fields.get("password", Hidden);
    fields.set("blocked", &mut user.block, blocked());
    settings(fields, &mut user.settings, company, |_, _| ());
    user_portal::user(fields, user, company, device_ids);
}

/// `true`, `false`, or the reason.
pub(super) fn blocked<'a>() -> impl Reader<'a, Value = Option<Block>> {
    text_as("`true`, `false` or a reason", |written: Written<'a>| {
        let reason = match written.truth_or_text()? {
            Ok(false) => return Some(None),
            Ok(true) => "Blocked by the scenario.",
            Err(reason) => reason,
        };
        Some(Some(Block { since: Timestamp::default(), reason: reason.into() }))
    })
}
