//! Changes that operations make: the journal's entry and the mail to the user.

use super::journal::{Changed, Message, MessageKind, What};
use super::{Engine, Refusal, Timestamp, User};
use crate::contract::Email;

/// A change that an operation makes.
#[derive(Clone, Copy, Debug, Default)]
pub struct Change<'a> {
    pub operation: &'static str,
    /// The user that it concerns; empty if none.
    pub username: &'a str,
    /// Who makes it, as the caller says.
    pub by: &'a str,
    /// The reason that the caller gives, or the new name.
    pub detail: &'a str,
    /// Whether a mail goes to the user.
    pub sends_mail: bool,
}

impl Engine {
    /// Makes a change and notes it in the journal. The result carries a warning if the mail cannot be sent.
    ///
    /// # Errors
    /// `MasterAway`, and those of the change: then nothing is changed, noted or sent.
    pub fn change<T>(
        &mut self,
        now: Timestamp,
        asked: Change<'_>,
        change: impl FnOnce(&mut Self) -> Result<T, Refusal>,
    ) -> Result<(T, Option<&'static str>), Refusal> {
        if self.company.master_away {
            return Err(Refusal::MasterAway {});
        }
        let before = self.users.find(asked.username);
        let stored = before.map(|it| it.username.as_str().into());
        let had_number = before.is_some_and(has_number);
        let changed = change(self)?;
        let username: Box<str> = stored.unwrap_or_else(|| asked.username.trim().into());
        let warning = match self.users.find(&username).filter(|_| asked.sends_mail) {
            Some(user) if had_number && !has_number(user) => Some("no mail went out: the change takes the number away"),
            Some(user) => match self.mail(asked.operation, user) {
                Ok(mail) => {
                    self.journal.note(now, What::Message(mail));
                    None
                }
                Err(why) => Some(why),
            },
            None => None,
        };
        let (by, detail) = (asked.by.into(), asked.detail.into());
        self.journal
            .note(now, What::Changed(Changed { operation: asked.operation, username, by, detail, incident: None }));
        Ok((changed, warning))
    }

    /// The mail that explains how to sign in, from the template for the user's mode, else from the first template.
    fn mail(&self, operation: &'static str, user: &User) -> Result<Message, &'static str> {
        let it = &user.settings;
        let text = |it: &Option<String>| it.as_deref().unwrap_or_default().into();
        let address: Box<str> = text(&it.email_address);
        let to = if address.trim().is_empty() && user.username.contains('@') {
            user.username.as_str().into()
        } else {
            address
        };
        if !self.company.mail.enabled || !self.company.features.welcome_email {
            return Err("no mail went out: the company sends none");
        }
        if !it.enabled {
            return Err("no mail went out: the user is disabled");
        }
        if !has_number(user) && !it.phone_app_activated && user.oath_keys().next().is_none() {
            return Err("no mail went out: the user has no number, no activated app and no token");
        }
        if to.trim().is_empty() {
            return Err("no mail went out: the user has no address");
        }
        let templates = &self.company.mail.templates;
        let fits = |template: &&Email| template.kind.as_deref() == Some(it.mode.word());
        let template = templates.iter().find(fits).or_else(|| templates.first());
        let template = template.ok_or("no mail went out: the company has no template")?;
        let names_the_number = |it: &Option<String>| it.as_deref().is_some_and(|it| it.contains("{phone}"));
        if !has_number(user) && (names_the_number(&template.subject) || names_the_number(&template.body)) {
            return Err("no mail went out: its text names the number, and the user has none");
        }
        let filled = |it: &Option<String>| fill(it.as_deref().unwrap_or_default(), user);
        Ok(Message {
            kind: MessageKind::Mail,
            operation,
            username: user.username.as_str().into(),
            to,
            from: text(&template.from),
            cc: text(&template.cc),
            subject: filled(&template.subject).into(),
            text: filled(&template.body).into(),
            code: None,
            challenge: None,
        })
    }
}

fn has_number(user: &User) -> bool {
    user.settings.phone.as_ref().is_some_and(|it| !it.trim().is_empty())
}

/// A template with the user's name and number filled in.
fn fill(template: &str, user: &User) -> String {
    let text = |it: &Option<String>| it.clone().unwrap_or_default();
    template
        .replace("{username}", &user.username)
        .replace("{first_name}", &text(&user.settings.first_name))
        .replace("{last_name}", &text(&user.settings.last_name))
        .replace("{phone}", &text(&user.settings.phone))
}
