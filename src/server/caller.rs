//! Who may call.

use std::sync::Arc;

use axum::http::{HeaderMap, header};
use axum::response::Response;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use super::answer;
use crate::contract::Secret;
use crate::scenario::{Account, SignIn};

/// The group whose members may use the service.
pub const ADMINS: &str = "PhoneFactor Admins";

/// Who is let in, and how.
#[derive(Debug)]
pub struct Admission {
    sign_in: SignIn,
    accounts: Vec<Account>,
    host: String,
    anonymous: Arc<str>,
}

/// Who calls.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Caller {
    /// The account, or `anonymous`.
    pub name: Arc<str>,
}

/// A caller who is not let in.
#[derive(Debug)]
pub(super) struct Refused {
    pub why: String,
    offers: Vec<String>,
}

impl Refused {
    pub(super) fn response(&self) -> Response {
        answer::unauthorized(&self.offers, "The service asks who you are. Sign in with an account of the scenario.")
    }
}

impl Admission {
    /// Lets in as `sign_in` says; `host` is the name in the realm of Basic.
    #[must_use]
    pub fn new(sign_in: SignIn, accounts: Vec<Account>, host: &str) -> Self {
        Self { sign_in, accounts, host: host.into(), anonymous: "anonymous".into() }
    }

    pub(super) fn admit(&self, headers: &HeaderMap) -> Result<Caller, Refused> {
        match self.sign_in {
            SignIn::None => Ok(Caller { name: self.anonymous.clone() }),
            SignIn::Basic => self
                .basic(headers)
                .map_err(|why| Refused { why, offers: vec![format!("Basic realm=\"{}\"", self.host)] }),
        }
    }

    fn basic(&self, headers: &HeaderMap) -> Result<Caller, String> {
        let value = headers.get(header::AUTHORIZATION).ok_or("the request does not say who calls")?;
        let (name, password) =
            credentials(value.as_bytes()).ok_or("Authorization is not Basic with a name and a password")?;
        let account = self
            .accounts
            .iter()
            .find(|it| same_account(&it.name, &name))
            .ok_or_else(|| format!("the scenario has no account {name:?}"))?;
        if account.password.as_ref().map(Secret::reveal) != Some(password.reveal()) {
            return Err(format!("the password of {:?} is wrong, or the scenario gives it none", account.name));
        }
        if !account.groups.iter().any(|it| it.eq_ignore_ascii_case(ADMINS)) {
            return Err(format!("{:?} is not in the group {ADMINS}", account.name));
        }
        Ok(Caller { name: account.name.as_str().into() })
    }
}

fn credentials(header: &[u8]) -> Option<(String, Secret)> {
    let (scheme, token) = header.split_at_checked(6)?;
    if !scheme.eq_ignore_ascii_case(b"basic ") {
        return None;
    }
    let decoded = BASE64_STANDARD.decode(token.trim_ascii()).ok()?;
    let text = String::from_utf8(decoded).unwrap_or_else(|it| it.as_bytes().iter().map(|b| char::from(*b)).collect());
    let (name, password) = text.split_once(':')?;
    Some((name.into(), password.into()))
}

/// Whether a name that a client gave is an account: `DOMAIN\name` in full, `name`, or `name@domain`.
fn same_account(account: &str, given: &str) -> bool {
    let bare =
        |it: &str| it.rsplit('\\').next().unwrap_or_default().split('@').next().unwrap_or_default().to_lowercase();
    account.eq_ignore_ascii_case(given) || (!given.contains('\\') && bare(account) == bare(given))
}
