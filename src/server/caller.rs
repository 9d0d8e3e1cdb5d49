//! Who may call: what a request says of its sender, judged by the scenario.

use std::fmt;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use tracing::warn;

use super::answer;
use super::connection::Connection;
use crate::engine::{Notice, SignInFault, What};
use crate::scenario::Outsider;
use crate::sign_in::{Account, ClientCertificate, Conversation, Names, Policy, Presented, Scheme, Step, Who};
use crate::soap::{self, Fault, Version};
use crate::switchboard::Space;
use crate::tls;
use crate::trouble::Trouble;

/// Who is let in, and how.
#[derive(Debug)]
pub struct Admission {
    policy: Policy,
    group: String,
    outsider: Outsider,
    anonymous: Arc<str>,
    /// The names of the listed accounts, as the log and the journal have them: made once, not for each request.
    listed: Vec<(Arc<Account>, Arc<str>)>,
}

/// A request that was let in.
#[derive(Debug)]
pub(super) struct Admitted {
    /// The account, or `anonymous`.
    pub(super) caller: Arc<str>,
    /// How it signed in.
    pub(super) scheme: Scheme,
    /// What the answer to the last message of a sign-in carries.
    ends_sign_in: Option<Ending>,
}

#[derive(Debug)]
struct Ending {
    www_authenticate: Option<String>,
    persistent: bool,
}

impl Admission {
    /// Lets in as the policy says who is in the group, and those who are in no list at all. `host` is this machine's
    /// name: names that the policy leaves empty follow from it.
    #[must_use]
    pub fn new(mut policy: Policy, group: &str, outsider: Outsider, host: &str) -> Self {
        let names = names(&policy, host);
        policy.names = names;
        let listed = policy.accounts.iter().map(|it| (it.clone(), it.name.to_string().into())).collect();
        Self { policy, group: group.into(), outsider, anonymous: "anonymous".into(), listed }
    }

    /// Judges a request to a space, whose body was read: an answer that leaves before it would close the connection.
    ///
    /// # Errors
    /// The answer for a sender who is not let in, or not yet.
    pub(super) fn admit(
        &self,
        headers: &HeaderMap,
        connection: Option<&Connection>,
        space: Option<&Space>,
    ) -> Result<Admitted, Box<Response>> {
        let authorization = headers.get(header::AUTHORIZATION);
        let mut nonce = [0; 8];
        if authorization.is_some() {
            getrandom::fill(&mut nonce).expect("the system gives randomness");
        }
        #[expect(clippy::disallowed_methods, reason = "sign-in runs on the world's time, not on a space's")]
        let now = std::time::SystemTime::now();
        let tls = connection.and_then(|it| it.tls.as_ref());
        let certificate = tls.and_then(|it| it.client.as_ref()).map(shown);
        let presented = Presented {
            authorization: authorization.map(HeaderValue::as_bytes),
            certificate: certificate.as_ref(),
            via: headers.contains_key(header::VIA),
            server_certificate_hash: tls.map(|it| &*it.end_point),
            now: now.duration_since(std::time::SystemTime::UNIX_EPOCH).unwrap_or_default(),
            nonce,
        };
        let step = match connection {
            // Nothing panics under this lock; a conversation is whole after every step.
            Some(it) => {
                it.is_refused.store(false, Ordering::Relaxed);
                it.sign_in.lock().unwrap_or_else(PoisonError::into_inner).step(&self.policy, &presented)
            }
            None => Conversation::default().step(&self.policy, &presented),
        };
        match step {
            Step::Challenge { www_authenticate, trouble } => {
                if let Some(trouble) = trouble {
                    report(&trouble, headers, connection);
                }
                Err(challenge(&www_authenticate).into())
            }
            Step::Proceed { caller, www_authenticate, persistent, warnings } => {
                for warning in &warnings {
                    warn!(target: "locmfa::sign_in", peer = %Peer(connection), caller = caller.who.to_string(), "{warning}");
                }
                let refused = (caller.who != Who::Anonymous).then(|| space?.refuse_sign_in()).flatten();
                if let Some((incident, fault)) = refused.and_then(|it| Some((it.name, it.sign_in?))) {
                    let (incident, account, why) = (incident.to_string(), caller.who.to_string(), fault.why());
                    let trouble = Trouble::Incident { incident, account, why };
                    report(&trouble, headers, connection);
                    if let Some(space) = space {
                        let notice = Notice { topic: trouble.kind(), text: trouble.to_string().into() };
                        space.update(|engine, at| engine.journal.note(at, What::Notice(notice)));
                    }
                    let answer = match fault {
                        SignInFault::OutsideGroup => self.shut_out(&caller.who, headers),
                        SignInFault::PasswordExpired | SignInFault::Disabled => self.unknown(connection),
                    };
                    return Err(answer.into());
                }
                if let Who::Listed(account) = &caller.who
                    && !account.is_in(&self.group)
                {
                    let (account, group) = (caller.who.to_string(), self.group.clone());
                    report(&Trouble::OutsideGroup { account, group }, headers, connection);
                    let answer = self.shut_out(&caller.who, headers);
                    let answer = match answer.status() {
                        StatusCode::UNAUTHORIZED => answer,
                        // The sign-in itself went well, and its last message belongs to the answer.
                        _ => answer::signed_in(answer, www_authenticate.as_deref(), persistent),
                    };
                    return Err(answer.into());
                }
                let listed = |account: &Arc<Account>| self.listed.iter().find(|(it, _)| Arc::ptr_eq(it, account));
                let name = match &caller.who {
                    Who::Anonymous => Some(&self.anonymous),
                    Who::Listed(account) => listed(account).map(|(_, name)| name),
                    Who::Unlisted(_) => None,
                };
                let name = name.cloned().unwrap_or_else(|| caller.who.to_string().into());
                let ends = persistent || www_authenticate.is_some();
                Ok(Admitted {
                    caller: name,
                    scheme: caller.scheme,
                    ends_sign_in: ends.then_some(Ending { www_authenticate, persistent }),
                })
            }
        }
    }

    /// What an account gets that Windows does not let in: the sign-in begins again.
    fn unknown(&self, connection: Option<&Connection>) -> Response {
        begin_again(connection);
        challenge(&self.policy.www_authenticate())
    }

    /// What a caller gets whose sign-in a rule refuses: the sign-in begins again.
    pub(super) fn refused(&self, connection: Option<&Connection>) -> Response {
        begin_again(connection);
        answer::unauthorized(&self.policy.www_authenticate(), "The service refuses the sign-in.")
    }

    /// What an account outside the group gets.
    fn shut_out(&self, who: &Who, headers: &HeaderMap) -> Response {
        let text = format!("You are signed in as {who}, who is not in the group {}.", self.group);
        match self.outsider {
            Outsider::Unauthorized => answer::unauthorized(&self.policy.www_authenticate(), &text),
            Outsider::Forbidden => answer::forbidden(&text),
            Outsider::Fault => {
                let content_type = headers.get(header::CONTENT_TYPE).map(HeaderValue::as_bytes).unwrap_or_default();
                let is_soap12 = content_type.starts_with(b"application/soap+xml");
                let version = if is_soap12 { Version::Soap12 } else { Version::Soap11 };
                let fault = Fault::Outsider { account: who.to_string(), group: self.group.clone() };
                let sealed = soap::seal_fault(version, &fault);
                let page = answer::Page::Failed(version.content_type());
                answer::page(StatusCode::INTERNAL_SERVER_ERROR, page, sealed.into())
            }
        }
    }
}

impl Admitted {
    /// The answer, with what a sign-in that it ends adds to it.
    pub(super) fn complete(&self, response: Response) -> Response {
        match &self.ends_sign_in {
            None => response,
            // A rule refuses the sign-in, or says this status itself.
            Some(_) if response.status() == StatusCode::UNAUTHORIZED => response,
            Some(ending) => answer::signed_in(response, ending.www_authenticate.as_deref(), ending.persistent),
        }
    }
}

/// Takes back the sign-in of a connection.
fn begin_again(connection: Option<&Connection>) {
    if let Some(it) = connection {
        *it.sign_in.lock().unwrap_or_else(PoisonError::into_inner) = Conversation::default();
    }
}

fn challenge(offers: &[String]) -> Response {
    match offers {
        [] => answer::forbidden("The service asks for a client certificate of an account that it knows."),
        offers => {
            answer::unauthorized(offers, "The service asks who you are. Sign in with an account of the scenario.")
        }
    }
}

/// Reports a sign-in that the client left half-way.
pub(super) fn report_given_up(connection: &Connection) {
    let is_half_way = connection.sign_in.lock().unwrap_or_else(PoisonError::into_inner).is_half_way();
    if is_half_way && !connection.is_refused.load(Ordering::Relaxed) {
        report(&Trouble::GivenUp {}, &HeaderMap::new(), Some(connection));
    }
}

fn report(trouble: &Trouble, headers: &HeaderMap, connection: Option<&Connection>) {
    if let Some(connection) = connection {
        connection.keep(trouble);
    }
    let agent = headers.get(header::USER_AGENT).and_then(|it| it.to_str().ok());
    warn!(
        target: "locmfa::sign_in",
        peer = %Peer(connection),
        client = agent,
        trouble = trouble.kind(),
        what = trouble.to_string(),
        hint = trouble.remedy(),
        see = trouble.page(),
        "sign-in failed"
    );
}

/// What the server calls itself: what the scenario says, else the host's name, and the domain of the first account.
fn names(policy: &Policy, host: &str) -> Names {
    let or = |said: &String, otherwise: String| if said.is_empty() { otherwise } else { said.clone() };
    let (short, domain) = host.split_once('.').unwrap_or((host, ""));
    let computer: String = short.to_uppercase().chars().take(15).collect();
    let of_account = policy.accounts.iter().map(|it| &it.name.domain).find(|it| !it.is_empty());
    let of_account = of_account.map(|it| it.split('.').next().unwrap_or_default().to_uppercase());
    let said = &policy.names;
    Names {
        domain: or(&said.domain, of_account.unwrap_or_else(|| computer.clone())),
        computer: or(&said.computer, computer),
        dns_domain: or(&said.dns_domain, domain.to_lowercase()),
        dns_computer: or(&said.dns_computer, host.to_lowercase()),
    }
}

/// A client certificate as TLS found it, for the sign-in.
fn shown(it: &tls::ClientCertificate) -> ClientCertificate {
    ClientCertificate {
        subject: it.subject.clone(),
        thumbprint: it.thumbprint.parse().expect("TLS writes 40 hexadecimal digits"),
        problem: it.verdict.clone().err(),
    }
}

/// The other end of a connection, for the log.
pub(super) struct Peer<'a>(pub(super) Option<&'a Connection>);

impl fmt::Display for Peer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(connection) => connection.peer.fmt(f),
            None => f.write_str("in process"),
        }
    }
}
