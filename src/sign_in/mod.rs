//! Signing in as a web server of Microsoft's has it: anonymous, Basic, NTLM, Negotiate, client certificate.
//!
//! Windows authentication lives on the connection: its messages travel as headers of successive requests, and once
//! they are through, later requests on that connection need none. So there is one [`Conversation`] for each
//! connection, and [`Conversation::step`] for each request. It does no I/O and is told the time and its randomness.
//! [`SignIn`] is its counterpart, for a client.
//!
//! Formats and rules: MS-NLMP (NTLM), RFC 4178 and MS-SPNG (SPNEGO), RFC 4559 and MS-N2HT (both over HTTP), RFC 5929
//! (channel binding), RFC 7617 (Basic). Kerberos tickets are recognised and named; nothing here reads them.

mod account;
mod basic;
mod client;
mod conversation;
mod der;
mod flaw;
mod kerberos;
mod ntlm;
mod spnego;
mod subject;
mod warning;

#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

pub use account::{Account, AccountName, CertificateName, ClientCertificate, Names, Thumbprint};
pub use client::{Credentials, SignIn, Surroundings, Unsigned, offered};
pub use conversation::Conversation;
pub use flaw::Flaw;
pub use subject::SubjectName;
pub use warning::{ClockSkew, Warning};

use crate::contract::Secret;
use crate::trouble::Trouble;

/// How callers sign in, and who they can be.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Policy {
    /// The ways to sign in, in the order in which they are offered.
    pub schemes: Vec<Scheme>,
    /// The accounts that may. A claim means the first that fits.
    pub accounts: Vec<Arc<Account>>,
    pub trust: Trust,
    /// Whether NTLM version 1 is good enough, with or without session security.
    pub ntlm_v1: bool,
    pub channel_binding: ChannelBinding,
    /// The account for which any Kerberos ticket is taken, unread.
    pub kerberos_as: Option<Arc<Account>>,
    pub names: Names,
}

/// A way to sign in.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Scheme {
    /// A request without credentials is anonymous, and passes.
    Anonymous,
    Basic,
    /// NTLM, bare.
    Ntlm,
    /// NTLM within SPNEGO, or bare under this name, or a Kerberos ticket.
    Negotiate,
    /// A client certificate that is mapped to an account.
    Certificate,
}

impl Scheme {
    /// Its word in scenarios and logs.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Anonymous => "anonymous",
            Self::Basic => "basic",
            Self::Ntlm => "ntlm",
            Self::Negotiate => "negotiate",
            Self::Certificate => "certificate",
        }
    }

    /// Its name in HTTP headers.
    const fn header_name(self) -> Option<&'static str> {
        match self {
            Self::Basic => Some("Basic"),
            Self::Ntlm => Some("NTLM"),
            Self::Negotiate => Some("Negotiate"),
            Self::Anonymous | Self::Certificate => None,
        }
    }
}

/// What a password must be.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Trust {
    /// That of a listed account.
    #[default]
    Passwords,
    /// Anything, for a listed account. Only bare NTLM and Basic are then offered of the schemes with passwords:
    /// the integrity codes of Negotiate cannot be made without the password.
    AnyPassword,
    /// Anything, for whatever account the client names. The same schemes are offered.
    Anybody,
}

/// Whether NTLM answers must be bound to the TLS connection that they travel on, as IIS's extended protection.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum ChannelBinding {
    /// It is not looked at.
    #[default]
    None,
    /// It must be right if there is one.
    Lenient,
    /// There must be one. Without TLS there is nothing to bind to, and none is asked for.
    Strict,
}

impl Policy {
    /// The values of `WWW-Authenticate` that offer every scheme. Empty where there is nothing that a header
    /// could answer: only a certificate would do.
    #[must_use]
    pub fn www_authenticate(&self) -> Vec<String> {
        let offer = |scheme: Scheme| match scheme {
            Scheme::Basic => Some(format!("Basic realm=\"{}\"", quotable(&self.names.dns_computer))),
            _ => scheme.header_name().map(Into::into),
        };
        self.offered().filter_map(offer).collect()
    }

    fn offered(&self) -> impl Iterator<Item = Scheme> {
        self.schemes.iter().copied().filter(|it| self.trust == Trust::Passwords || *it != Scheme::Negotiate)
    }

    fn offers(&self, scheme: Scheme) -> bool {
        self.offered().any(|it| it == scheme)
    }

    /// Who a claim makes the caller, and the password that has to be proven, if any.
    fn admit(&self, claim: &AccountName) -> Result<(Who, Option<&Secret>), Trouble> {
        if claim.user.is_empty() {
            return Err(Trouble::NoCredentials {});
        }
        let listed = self.accounts.iter().find(|it| claim.means(&it.name, &self.names));
        match (listed, self.trust) {
            (Some(account), Trust::Passwords) => {
                let no_password = || Trouble::NoPassword { account: account.name.to_string() };
                let password = account.password.as_ref().ok_or_else(no_password)?;
                Ok((Who::Listed(account.clone()), Some(password)))
            }
            (Some(account), Trust::AnyPassword | Trust::Anybody) => Ok((Who::Listed(account.clone()), None)),
            (None, Trust::Anybody) => Ok((Who::Unlisted(claim.clone()), None)),
            (None, _) => {
                let managed = AccountName { user: format!("{}$", claim.user), ..claim.clone() };
                let account = claim.to_string();
                Err(match self.accounts.iter().any(|it| managed.means(&it.name, &self.names)) {
                    true => Trouble::UnknownWithoutDollar { account },
                    false => Trouble::UnknownAccount { account },
                })
            }
        }
    }

    /// The account that a certificate stands for.
    fn admit_certificate(&self, certificate: &ClientCertificate) -> Result<Who, Trouble> {
        let subject = certificate.subject.clone();
        if let Some(problem) = certificate.problem.clone() {
            return Err(Trouble::InvalidCertificate { subject, problem });
        }
        match self.accounts.iter().find(|it| it.certificates.iter().any(|it| certificate.is(it))) {
            Some(account) => Ok(Who::Listed(account.clone())),
            None => Err(Trouble::UnknownCertificate { subject, thumbprint: certificate.thumbprint.to_string() }),
        }
    }

    /// Whether an answer's channel binding will do.
    fn check_binding(
        &self,
        account: &AccountName,
        ours: Option<&[u8]>,
        theirs: Option<&[u8; 16]>,
    ) -> Result<(), Trouble> {
        let Some(ours) = ours.map(ntlm::channel_binding) else { return Ok(()) };
        match (self.channel_binding, theirs) {
            (ChannelBinding::None, _) | (ChannelBinding::Lenient, None) => Ok(()),
            (ChannelBinding::Strict, None) => Err(Trouble::NoChannelBinding { account: account.to_string() }),
            (_, Some(theirs)) if ours == *theirs => Ok(()),
            (_, Some(_)) => Err(Trouble::WrongChannelBinding { account: account.to_string() }),
        }
    }
}

/// What a request brings, and what a step may use.
#[derive(Clone, Copy, Debug)]
pub struct Presented<'a> {
    /// The value of `Authorization`.
    pub authorization: Option<&'a [u8]>,
    /// The certificate that the client showed when the connection began.
    pub certificate: Option<&'a ClientCertificate>,
    /// The hash of the server's own certificate as `tls-server-end-point` has it (RFC 5929): SHA-256, or the
    /// stronger hash that signed it. `None` without TLS.
    pub server_certificate_hash: Option<&'a [u8]>,
    /// Whether the request came through a proxy: it has a `Via` header. Others may then use the same connection.
    pub via: bool,
    /// The time since 1970.
    pub now: Duration,
    /// Fresh randomness, for a challenge.
    pub nonce: [u8; 8],
}

/// What to do with a request.
#[derive(Debug)]
pub enum Step {
    /// Let it through: it is this caller's.
    Proceed {
        caller: Caller,
        /// A `WWW-Authenticate` for the answer: the last message of SPNEGO.
        www_authenticate: Option<String>,
        /// Whether the answer says `Persistent-Auth: true`. Only that which ends a sign-in does (MS-N2HT 3.2.5).
        persistent: bool,
        warnings: Vec<Warning>,
    },
    /// Answer 401 with these values of `WWW-Authenticate`, in this order; or 403 where there is none.
    Challenge {
        www_authenticate: Vec<String>,
        /// What went wrong. `None` in the ordinary course of a sign-in.
        trouble: Option<Trouble>,
    },
}

/// Who a request is from, and how we know.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Caller {
    pub who: Who,
    pub scheme: Scheme,
}

/// Who a request is from.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Who {
    /// Anonymous.
    Anonymous,
    Listed(Arc<Account>),
    /// A client that [`Trust::Anybody`] lets in, by the name that it gave.
    Unlisted(AccountName),
}

impl Who {
    /// The account's name; `None`: anonymous.
    #[must_use]
    pub fn name(&self) -> Option<&AccountName> {
        match self {
            Self::Anonymous => None,
            Self::Listed(account) => Some(&account.name),
            Self::Unlisted(name) => Some(name),
        }
    }
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => name.fmt(f),
            None => f.write_str("anonymous"),
        }
    }
}

/// A text that can stand between quotes in a header.
fn quotable(text: &str) -> String {
    text.chars().map(|c| if matches!(c, ' '..='~') && !matches!(c, '"' | '\\') { c } else { '?' }).collect()
}
