//! What the log warns of when a sign-in succeeds.

use std::fmt;
use std::time::Duration;

use super::AccountName;

use crate::text::counted;

/// The difference between a client's clock and the clock of this machine.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ClockSkew {
    Ahead(Duration),
    Behind(Duration),
}

impl ClockSkew {
    /// The skew between two times since the same moment.
    pub(super) fn of(theirs: Duration, ours: Duration) -> Self {
        match theirs.checked_sub(ours) {
            Some(ahead) => Self::Ahead(ahead),
            None => Self::Behind(ours - theirs),
        }
    }

    #[must_use]
    pub const fn amount(self) -> Duration {
        match self {
            Self::Ahead(amount) | Self::Behind(amount) => amount,
        }
    }
}

impl fmt::Display for ClockSkew {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let minutes = self.amount().as_secs() / 60;
        match minutes {
            0..120 => f.write_str(&counted(minutes, "minute"))?,
            120..2880 => f.write_str(&counted(minutes / 60, "hour"))?,
            _ => f.write_str(&counted(minutes / 1440, "day"))?,
        }
        f.write_str(match self {
            Self::Ahead(_) => " ahead of",
            Self::Behind(_) => " behind",
        })
    }
}

/// Why a sign-in that succeeds deserves a warning.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Warning {
    #[error("The password of {account} was not checked: the scenario trusts any password.")]
    AnyPassword { account: AccountName },
    #[error(
        "A Kerberos ticket for {service} was let in unread, as {account}: the scenario says so. Any client could have made it."
    )]
    UnreadTicket { account: AccountName, service: String },
    #[error("{account} signed in with NTLM version 1, which newer Windows servers no longer accept.")]
    NtlmV1 { account: AccountName },
    #[error("The clock of the client that signed in as {account} is {skew} this server's. Kerberos would refuse it.")]
    ClockSkew { account: AccountName, skew: ClockSkew },
    #[error("The request has a Via header: a proxy sent it. The sign-in counts for this request only, as in IIS.")]
    Via,
}
