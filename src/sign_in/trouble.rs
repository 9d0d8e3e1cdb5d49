//! Why somebody could not sign in, one row each: what happened and what to do about it. Names come from the
//! wire; passwords, hashes and tokens never show.

use std::fmt;
use std::time::Duration;

use super::{AccountName, Thumbprint};

/// Declares the troubles: `Name { fields } => "what happened", "what to do"`.
macro_rules! troubles {
    ($($(#[doc = $doc:literal])* $name:ident { $($field:ident: $ty:ty),* } => $what:literal, $hint:literal;)*) => {
        /// Why a sign-in failed. Its text says what happened, [`Trouble::hint`] what to do.
        #[derive(Clone, Debug, Eq, PartialEq)]
        pub enum Trouble {
            $($(#[doc = $doc])* $name { $($field: $ty),* },)*
        }

        impl Trouble {
            /// The name of its row, for logs and counters.
            #[must_use]
            pub const fn kind(&self) -> &'static str {
                match self { $(Self::$name { .. } => stringify!($name),)* }
            }

            /// What to do about it.
            #[must_use]
            pub const fn hint(&self) -> &'static str {
                match self { $(Self::$name { .. } => $hint,)* }
            }

            /// Every kind with its text and hint, for the documentation and its test.
            pub const TABLE: &[(&str, &str, &str)] = &[$((stringify!($name), $what, $hint),)*];
        }

        impl fmt::Display for Trouble {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self { $(Self::$name { $($field),* } => write!(f, $what),)* }
            }
        }
    };
}

troubles! {
    /// The account is not in the list.
    UnknownAccount { account: AccountName } => "There is no account {account}.", "Add it to the accounts of the scenario, or correct the client's user name. It may be written DOMAIN\\user, user@domain or user.";
    /// The account is in the list, without the password that is needed to check the client's.
    NoPassword { account: AccountName } => "Account {account} has no password in the scenario, so the client's cannot be checked.", "Write the account's password into the scenario, or let it say trust: any-password.";
    /// The account is in the list, and the client has another password.
    WrongPassword { account: AccountName } => "The password for {account} is wrong.", "Compare the password in the scenario with the client's. A client without a password of its own uses the Windows account that it runs as.";
    /// The client signed in as nobody.
    NoCredentials {} => "The client signed in with an empty user name: it has no credentials to use.", "Give the client a user name and a password, or run it as a Windows account that has them.";
    /// NTLM version 1, which the policy does not allow.
    NtlmV1 { account: AccountName } => "The client answered for {account} with NTLM version 1, which is off.", "Set LmCompatibilityLevel on the client to 3 or more, or allow NTLM version 1 in the scenario.";
    /// The password is right, and the integrity code is not that of what came.
    WrongIntegrityCode { over: &'static str } => "The integrity code over {over} is wrong: something changed them on the way.", "Look for a proxy or an inspection tool between the client and this server that rewrites sign-in messages.";
    /// An integrity code was asked for, or is needed, and did not come.
    NoIntegrityCode { over: &'static str } => "The integrity code over {over} is missing.", "The client prefers another mechanism than NTLM and does not protect the choice. Offer only ntlm in the scenario, or let the client use NTLM alone.";
    /// The answer's time is further from ours than Windows allows.
    ClockSkew { account: AccountName, skew: ClockSkew } => "The clock of the client that signed in as {account} is {skew} this server's; Windows allows 36 hours.", "Set the clock and the time zone of both machines.";
    /// The policy is strict, and the answer is bound to no TLS connection.
    NoChannelBinding { account: AccountName } => "The answer for {account} is not bound to the TLS connection, and channel binding is strict.", "Turn on extended protection at the client (on Windows, SuppressExtendedProtection 0), or make channel binding lenient in the scenario.";
    /// The answer is bound to another certificate than ours.
    WrongChannelBinding { account: AccountName } => "The answer for {account} is bound to another TLS certificate than this server's.", "Something between the client and this server ends TLS, such as a proxy or an inspection tool. Take it out of the way, or turn channel binding off in the scenario.";
    /// The client signs in another way than those on offer.
    SchemeNotOffered { scheme: String, offered: String } => "The client signed in by {scheme}; on offer is {offered}.", "Add the scheme to the scenario, or let the client wait for the answer that says what is on offer.";
    /// What came cannot be read.
    Malformed { token: &'static str, flaw: Flaw } => "{token} cannot be read: {flaw}.", "Something other than a Windows sign-in was sent, or it was cut or changed on the way.";
    /// What came is longer than anything that could be meant.
    TooLong { length: usize } => "The Authorization header has {length} bytes; 16384 are read, as by IIS.", "A Kerberos ticket grows with the groups of its account. Use an account in fewer groups, or offer only ntlm in the scenario.";
    /// A message that does not belong here.
    OutOfTurn { came: &'static str, expected: &'static str } => "{came} came where {expected} was expected.", "The client mixes two sign-ins on one connection. A connection carries one at a time.";
    /// A later message of a sign-in whose first came somewhere else, or whose challenge was used.
    OtherConnection {} => "A later message of a sign-in came on a connection where none was begun.", "The whole sign-in must travel on one connection. A proxy or load balancer that shares connections breaks it, and so does a client without keep-alive.";
    /// A Kerberos ticket, which nobody here can read.
    KerberosTicket { service: String } => "The client sent a Kerberos ticket for {service}, which only that service's own account can read, and did not offer NTLM.", "Offer only ntlm in the scenario; or say kerberos: {as: DOMAIN\\user} to let any ticket in as that account; or reach this server by a name that the domain does not know, so that Windows falls back to NTLM.";
    /// SPNEGO without a mechanism that is known here.
    NoCommonMechanism { offered: String } => "The client offers {offered}, and not NTLM.", "Let the client use NTLM, or offer only ntlm in the scenario.";
    /// Only a certificate would do, and there is none.
    NoCertificate {} => "The client presented no certificate, and nothing else signs in here.", "Give the client its certificate with the private key. On Windows the account that runs the client must be allowed to read that key.";
    /// The certificate did not pass its checks.
    InvalidCertificate { subject: String, problem: String } => "The client's certificate {subject} is not valid: {problem}.", "Have it issued by an authority that this server trusts, for a time that includes today.";
    /// The certificate is valid and belongs to no account.
    UnknownCertificate { subject: String, thumbprint: Thumbprint } => "The client's certificate {subject} with thumbprint {thumbprint} belongs to no account.", "Write the subject or the thumbprint to an account in the scenario.";
}

impl std::error::Error for Trouble {}

/// What makes a token unreadable, and where.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Flaw {
    /// The part that it concerns.
    pub part: &'static str,
    /// What is wrong with it.
    pub fault: &'static str,
    /// The place in the token, in bytes from 0.
    pub at: usize,
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { part, fault, at } = self;
        write!(f, "{part} {fault} (byte {at})")
    }
}

impl Flaw {
    /// The flaw, as the trouble of a whole token.
    pub(super) const fn of(self, token: &'static str) -> Trouble {
        Trouble::Malformed { token, flaw: self }
    }
}

/// How far a client's clock is from ours.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ClockSkew {
    Ahead(Duration),
    Behind(Duration),
}

impl ClockSkew {
    /// The skew of a clock. Both times are since the same moment.
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
            0..120 => write!(f, "{minutes} minutes")?,
            120..2880 => write!(f, "{} hours", minutes / 60)?,
            _ => write!(f, "{} days", minutes / 1440)?,
        }
        f.write_str(match self {
            Self::Ahead(_) => " ahead of",
            Self::Behind(_) => " behind",
        })
    }
}

/// Something to be said loudly about a sign-in that was let through.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Warning {
    #[error("The password of {account} was not checked: the scenario trusts any password.")]
    AnyPassword { account: AccountName },
    #[error(
        "A Kerberos ticket for {service} was let in unread, as {account}: the scenario says so. Anybody could have made it."
    )]
    UnreadTicket { account: AccountName, service: String },
    #[error("{account} signed in with NTLM version 1, which newer Windows servers no longer accept.")]
    NtlmV1 { account: AccountName },
    #[error("The clock of the client that signed in as {account} is {skew} this server's. Kerberos would refuse it.")]
    ClockSkew { account: AccountName, skew: ClockSkew },
}
