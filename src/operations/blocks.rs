//! Blocks and one-time bypasses.

use super::{Answer, Answers, Context, Rejection, text};
use crate::engine::{Block, Change, Refusal};

operation! {
    /// Tells whether a user is blocked.
    "UserIsBlocked" => UserIsBlocked {
        "username" => username: Option<String>,
    } -> UserIsBlockedOut {}
}

operation! {
    /// Blocks a user: every authentication is denied.
    "BlockUser" => BlockUser {
        "username" => username: Option<String>,
        "reason" => reason: Option<String>,
        "modifyUsername" => modify_username: Option<String>,
    } -> BlockUserOut {}
}

operation! {
    /// Lifts a block.
    "UnblockUser" => UnblockUser {
        "username" => username: Option<String>,
        "reason" => reason: Option<String>,
        "modifyUsername" => modify_username: Option<String>,
    } -> UnblockUserOut {}
}

operation! {
    /// Lets the next authentication of a user pass without a second factor, for a number of seconds.
    "OneTimeBypass_2" => OneTimeBypass {
        "username" => username: Option<String>,
        "reason" => reason: Option<String>,
        /// Seconds; 0: the default of 300.
        "bypassSeconds" => bypass_seconds: u32,
        "modifyUsername" => modify_username: Option<String>,
    } -> OneTimeBypassOut {}
}

impl Answers for UserIsBlocked {
    type Out = UserIsBlockedOut;

    async fn answer(self, context: Context<'_>) -> Result<Answer<Self::Out>, Rejection> {
        context.space.update(|engine, _| {
            let username = text(&self.username);
            match engine.is_blocked(username)? {
                true => Ok(UserIsBlockedOut {}.into()),
                false => Err(Refusal::NotBlockedNow { username: username.into() }.into()),
            }
        })
    }
}

impl Answers for BlockUser {
    type Out = BlockUserOut;

    async fn answer(self, context: Context<'_>) -> Result<Answer<Self::Out>, Rejection> {
        let (username, reason) = (text(&self.username), text(&self.reason));
        let asked = Change { username, by: text(&self.modify_username), detail: reason, ..Change::default() };
        context.change(asked, |engine, now| {
            engine.directory_mut().user_mut(username)?.block = Some(Block { since: now, reason: reason.into() });
            Ok(BlockUserOut {})
        })
    }
}

impl Answers for UnblockUser {
    type Out = UnblockUserOut;

    async fn answer(self, context: Context<'_>) -> Result<Answer<Self::Out>, Rejection> {
        let username = text(&self.username);
        let detail = text(&self.reason);
        let asked = Change { username, by: text(&self.modify_username), detail, ..Change::default() };
        context.change(asked, |engine, _| engine.unblock(username).map(|()| UnblockUserOut {}))
    }
}

impl Answers for OneTimeBypass {
    type Out = OneTimeBypassOut;

    async fn answer(self, context: Context<'_>) -> Result<Answer<Self::Out>, Rejection> {
        let (username, reason) = (text(&self.username), text(&self.reason));
        let asked = Change { username, by: text(&self.modify_username), detail: reason, ..Change::default() };
        context.change(asked, |engine, now| {
            engine.bypass_once(now, username, reason, self.bypass_seconds)?;
            Ok(OneTimeBypassOut {})
        })
    }
}

forms! {
    OLDER of OneTimeBypass {
        "OneTimeBypass" {
            "username" => username: Option<String>,
            "reason" => reason: Option<String>,
            "modifyUsername" => modify_username: Option<String>,
        } -> {}
        "OneTimeBypass2", overloads "OneTimeBypass" {
            "username" => username: Option<String>,
            "reason" => reason: Option<String>,
            "bypassSeconds" => bypass_seconds: u32,
            "modifyUsername" => modify_username: Option<String>,
        } -> {}
    }
}
