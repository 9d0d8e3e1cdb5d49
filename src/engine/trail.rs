//! What is kept for people to look at: who changed what, and the mails that went out. The newest, bounded in bytes.

use std::collections::VecDeque;

use super::{Engine, Refusal, Timestamp, User};
use crate::contract::{Email, Secret};

/// A change as an operation asks for it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Change<'a> {
    pub operation: &'static str,
    /// Whose; empty where it concerns no user.
    pub username: &'a str,
    /// Who makes it, as the caller says.
    pub by: &'a str,
    /// The reason that the caller gives, or the new name.
    pub detail: &'a str,
    /// Whether the user is told by mail.
    pub sends_mail: bool,
}

/// A change that was made.
#[derive(Clone, Debug, PartialEq)]
pub struct Changed {
    pub at: Timestamp,
    pub operation: &'static str,
    /// As it was stored before.
    pub username: String,
    pub by: String,
    pub detail: String,
}

/// A mail that the service would have sent.
#[derive(Clone, Debug, PartialEq)]
pub struct Mail {
    pub at: Timestamp,
    pub operation: &'static str,
    pub username: String,
    pub to: String,
    pub from: String,
    pub cc: String,
    pub subject: String,
    pub body: String,
}

/// What went out to a person who is asked.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    pub at: Timestamp,
    pub kind: MessageKind,
    /// The number, if there is one.
    pub to: String,
    pub username: String,
    pub text: String,
    pub code: Option<Secret>,
    /// Of the challenge.
    pub request_id: String,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum MessageKind {
    Text,
    /// A notification of the mobile app.
    App,
}

/// The newest of what happened.
#[derive(Debug)]
pub struct Trail<T> {
    kept: VecDeque<(usize, T)>,
    bytes: usize,
}

/// How much a trail keeps, in bytes.
const LIMIT: usize = 4 << 20;

impl<T> Default for Trail<T> {
    fn default() -> Self {
        Self { kept: VecDeque::new(), bytes: 0 }
    }
}

impl<T> Trail<T> {
    /// The oldest first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &T> {
        self.kept.iter().map(|it| &it.1)
    }

    /// Keeps something whose texts have so many bytes.
    fn push(&mut self, item: T, text: usize) {
        let size = size_of::<(usize, T)>() + text;
        self.bytes += size;
        self.kept.push_back((size, item));
        while self.bytes > LIMIT {
            let Some((size, _)) = self.kept.pop_front() else { break };
            self.bytes -= size;
        }
    }
}

impl Engine {
    /// Makes a change and keeps who made it. A mail that was asked for and cannot go is a warning.
    ///
    /// # Errors
    /// `MasterAway`, and those of the change, which then changed nothing.
    pub fn change<T>(
        &mut self,
        now: Timestamp,
        asked: Change<'_>,
        change: impl FnOnce(&mut Self) -> Result<T, Refusal>,
    ) -> Result<(T, Option<&'static str>), Refusal> {
        if self.company.master_away {
            return Err(Refusal::MasterAway {});
        }
        let stored = self.users.find(asked.username).map(|it| it.username.clone());
        let changed = change(self)?;
        let username = stored.unwrap_or_else(|| asked.username.trim().into());
        let warning = match self.users.find(&username).filter(|_| asked.sends_mail) {
            Some(user) => match self.mail(now, asked.operation, user) {
                Ok(mail) => {
                    let text = mail.to.len() + mail.subject.len() + mail.body.len() + mail.username.len();
                    self.outbox.push(mail, text);
                    None
                }
                Err(why) => Some(why),
            },
            None => None,
        };
        let text = username.len() + asked.by.len() + asked.detail.len();
        let (by, detail) = (asked.by.into(), asked.detail.into());
        self.changes.push(Changed { at: now, operation: asked.operation, username, by, detail }, text);
        Ok((changed, warning))
    }

    /// Who changed what.
    #[must_use]
    pub const fn changes(&self) -> &Trail<Changed> {
        &self.changes
    }

    /// The mails that would have been sent.
    #[must_use]
    pub const fn outbox(&self) -> &Trail<Mail> {
        &self.outbox
    }

    /// The text messages and notifications that would have been sent.
    #[must_use]
    pub const fn messages(&self) -> &Trail<Message> {
        &self.messages
    }

    pub(super) fn keep_message(&mut self, message: Message) {
        let bytes = message.to.len() + message.username.len() + message.text.len() + message.request_id.len();
        self.messages.push(message, bytes);
    }

    /// The mail that tells a user how to sign in: the template for the user's mode, else the first.
    fn mail(&self, now: Timestamp, operation: &'static str, user: &User) -> Result<Mail, &'static str> {
        let it = &user.settings;
        let text = |it: &Option<String>| it.clone().unwrap_or_default();
        let to = text(&it.email_address);
        if !self.company.mail.enabled || !self.company.features.welcome_email {
            return Err("no mail went out: the company sends none");
        }
        if to.trim().is_empty() {
            return Err("no mail went out: the user has no address");
        }
        let templates = &self.company.mail.templates;
        let fits = |template: &&Email| template.kind.as_deref() == Some(it.mode.word());
        let template = templates.iter().find(fits).or_else(|| templates.first());
        let template = template.ok_or("no mail went out: the company has no template")?;
        let filled = |it: &Option<String>| fill(it.as_deref().unwrap_or_default(), user);
        Ok(Mail {
            at: now,
            operation,
            username: user.username.clone(),
            to,
            from: text(&template.from),
            cc: text(&template.cc),
            subject: filled(&template.subject),
            body: filled(&template.body),
        })
    }
}

/// A template with the user's own words in it.
fn fill(template: &str, user: &User) -> String {
    let text = |it: &Option<String>| it.clone().unwrap_or_default();
    template
        .replace("{username}", &user.username)
        .replace("{first_name}", &text(&user.settings.first_name))
        .replace("{last_name}", &text(&user.settings.last_name))
        .replace("{phone}", &text(&user.settings.phone))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trail_keeps_the_newest() {
        let mut trail = Trail::default();
        (0..5).for_each(|n| trail.push(n, LIMIT / 3));
        assert_eq!(trail.iter().copied().collect::<Vec<_>>(), [3, 4]);
    }
}
