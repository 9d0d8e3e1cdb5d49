//! The state of the sign-in on one connection, and how a request moves it.

use std::time::Duration;

use base64::{DecodeError, Engine, prelude::BASE64_STANDARD};
use subtle::ConstantTimeEq;

use super::kerberos::Ticket;
use super::ntlm::{self, Kind, Mismatch, Response, Session, Side};
use super::spnego::{self, List, Mechanism, Progress, Token};
use super::{AccountName, Caller, ClockSkew, Flaw, Policy, Presented, Scheme, Step, Warning, Who, basic};
use crate::trouble::Trouble;

/// The longest `Authorization` that is read, in bytes: what HTTP.sys takes in one header by default.
const MAX_HEADER: usize = 16 * 1024;

/// How far a client's clock may be off: `MaxLifetime`, MS-NLMP 3.1.1.1.
const MAX_SKEW: Duration = Duration::from_secs(36 * 60 * 60);

/// How far a client's clock may be off before it is mentioned: what Kerberos allows.
const NOTABLE_SKEW: Duration = Duration::from_secs(5 * 60);

/// The sign-in on one connection. Between two requests it holds a few kilobytes at most.
#[derive(Debug, Default)]
pub struct Conversation(State);

/// How far the sign-in has come.
#[derive(Debug, Default)]
enum State {
    #[default]
    Idle,
    /// NTLM was chosen from the client's list. Its first message comes next.
    Chosen(Negotiation),
    /// The challenge is out. The last message comes next, bare or not, as the first was.
    Challenged {
        scheme: Scheme,
        challenge: ntlm::Challenge,
        negotiation: Option<Negotiation>,
    },
    SignedIn(Caller),
}

/// What SPNEGO must remember.
#[derive(Debug)]
struct Negotiation {
    /// The client's list of mechanisms, as it came.
    list: Vec<u8>,
    /// Whether NTLM was chosen over what the client prefers. Then the list needs an integrity code.
    is_second_choice: bool,
}

/// What an NTLM message came in.
enum Wrapping<'a> {
    Bare,
    /// The first message of SPNEGO.
    Init(List),
    /// A later one, with the integrity code of the list if there was one.
    Response(Option<&'a [u8]>),
}

impl Conversation {
    /// Judges a request. Its body must have been read, whatever the outcome, or the connection dies with it.
    ///
    /// As in IIS: a sign-in through a proxy counts for its request alone; what was signed in stays so for requests without a header; a first message starts again; after a
    /// failure everything is offered afresh.
    pub fn step(&mut self, policy: &Policy, request: &Presented<'_>) -> Step {
        let mut before = std::mem::take(&mut self.0);
        if request.via && matches!(before, State::SignedIn(_)) {
            before = State::Idle;
        }
        let turn = Turn { policy, request };
        let outcome = match request.authorization {
            None => turn.without_header(before),
            Some(header) => turn.with_header(before, header).map_err(Some),
        };
        match outcome {
            Ok((State::SignedIn(_), Step::Proceed { caller, www_authenticate, mut warnings, .. })) if request.via => {
                warnings.push(Warning::Via);
                Step::Proceed { caller, www_authenticate, persistent: false, warnings }
            }
            Ok((after, step)) => {
                self.0 = after;
                step
            }
            Err(trouble) => Step::Challenge { www_authenticate: policy.www_authenticate(), trouble },
        }
    }
}

impl Conversation {
    /// Whether a sign-in has begun and has not ended.
    #[must_use]
    pub const fn is_half_way(&self) -> bool {
        matches!(self.0, State::Chosen(_) | State::Challenged { .. })
    }
}

/// One request, judged. Each method gives the state that comes after and what to do; after a trouble it is idle.
#[derive(Clone, Copy)]
struct Turn<'a> {
    policy: &'a Policy,
    request: &'a Presented<'a>,
}

impl Turn<'_> {
    fn without_header(self, before: State) -> Result<(State, Step), Option<Trouble>> {
        let Self { policy, request } = self;
        if let State::SignedIn(caller) = before {
            let step = proceed(caller.clone());
            return Ok((State::SignedIn(caller), step));
        }
        let trouble = match request.certificate {
            _ if !policy.offers(Scheme::Certificate) => None,
            None => Some(Trouble::NoCertificate {}).filter(|_| policy.www_authenticate().is_empty()),
            Some(certificate) => match policy.admit_certificate(certificate) {
                Ok(who) => return Ok((State::Idle, proceed(Caller { who, scheme: Scheme::Certificate }))),
                Err(trouble) => Some(trouble),
            },
        };
        if policy.offers(Scheme::Anonymous) { Ok(anonymous()) } else { Err(trouble) }
    }

    fn with_header(self, before: State, header: &[u8]) -> Result<(State, Step), Trouble> {
        let policy = self.policy;
        if header.len() > MAX_HEADER {
            return Err(Trouble::TooLong { length: header.len() });
        }
        let header = header.trim_ascii();
        let (name, token) = header.split_at(header.iter().position(|it| *it == b' ').unwrap_or(header.len()));
        let is_meant = |it: &Scheme| it.header_name().is_some_and(|it| it.as_bytes().eq_ignore_ascii_case(name));
        let Some(scheme) = policy.offered().find(is_meant) else {
            // IIS takes no notice of a header that it does not need.
            if policy.offers(Scheme::Anonymous) {
                return Ok(anonymous());
            }
            let offered: Vec<_> = policy.offered().map(Scheme::word).collect();
            return Err(Trouble::SchemeNotOffered { scheme: shown(name, token), offered: offered.join(", ") });
        };
        let token = read_base64(token.trim_ascii()).map_err(|flaw| flaw.of("The Authorization header"))?;
        match scheme {
            Scheme::Basic => self.basic(token),
            Scheme::Negotiate if !ntlm::is_message(&token) => self.negotiate(before, &token),
            _ => self.ntlm(before, scheme, &token, Wrapping::Bare),
        }
    }

    fn basic(self, token: Vec<u8>) -> Result<(State, Step), Trouble> {
        let credentials = basic::Credentials::read(token).map_err(|flaw| flaw.of("The Basic token"))?;
        let claim = AccountName::claimed("", &credentials.user);
        let (who, password) = self.policy.admit(&claim)?;
        let mut warnings = Vec::new();
        match password {
            None => warnings.push(Warning::AnyPassword { account: claim }),
            Some(password) if credentials.has(password) => {}
            Some(_) => return Err(Trouble::WrongPassword { account: claim.to_string() }),
        }
        let caller = Caller { who, scheme: Scheme::Basic };
        Ok((State::Idle, Step::Proceed { caller, www_authenticate: None, persistent: false, warnings }))
    }

    /// What comes under Negotiate and is no bare NTLM message.
    fn negotiate(self, before: State, token: &[u8]) -> Result<(State, Step), Trouble> {
        match Token::read(token).map_err(|flaw| flaw.of("The Negotiate token"))? {
            Token::Kerberos => self.ticket(token),
            Token::Init { list, token } => match (list.preferred(), token) {
                (Some(Mechanism::Kerberos), Some(ticket))
                    if self.policy.kerberos_as.is_some() || !list.has(Mechanism::Ntlm) =>
                {
                    self.ticket(ticket)
                }
                (Some(Mechanism::Ntlm), Some(message)) => {
                    self.ntlm(before, Scheme::Negotiate, message, Wrapping::Init(list))
                }
                _ if list.has(Mechanism::Ntlm) => Ok(choose_ntlm(list)),
                _ => Err(Trouble::NoCommonMechanism { offered: list.names() }),
            },
            Token::Response { token, integrity_code } => {
                let missing = Flaw { part: "the mechanism's token", fault: "is missing", at: 0 };
                let message = token.ok_or_else(|| missing.of("The Negotiate token"))?;
                self.ntlm(before, Scheme::Negotiate, message, Wrapping::Response(integrity_code))
            }
        }
    }

    /// A Kerberos ticket. A reader of keytabs, once there is one in `kerberos`, takes the place of `kerberos_as`.
    fn ticket(self, token: &[u8]) -> Result<(State, Step), Trouble> {
        let Ticket { service } = Ticket::read(token).map_err(|flaw| flaw.of("The Kerberos token"))?;
        let Some(account) = self.policy.kerberos_as.clone() else { return Err(Trouble::KerberosTicket { service }) };
        let warnings = vec![Warning::UnreadTicket { account: account.name.clone(), service }];
        // Nothing goes back: without the ticket's key there is no answer that a client would take.
        Ok(signed_in(Caller { who: Who::Listed(account), scheme: Scheme::Negotiate }, None, warnings))
    }

    /// An NTLM message.
    fn ntlm(
        self,
        before: State,
        scheme: Scheme,
        message: &[u8],
        wrapping: Wrapping<'_>,
    ) -> Result<(State, Step), Trouble> {
        let kind = ntlm::kind(message).map_err(|flaw| flaw.of("The NTLM message"))?;
        match (kind, wrapping, before) {
            (Kind::Negotiate, Wrapping::Bare, _) => self.challenge(scheme, message, None),
            (Kind::Negotiate, Wrapping::Init(list), _) => {
                let negotiation = Negotiation { list: list.bytes, is_second_choice: false };
                self.challenge(scheme, message, Some(negotiation))
            }
            (Kind::Negotiate, Wrapping::Response(_), State::Chosen(negotiation)) => {
                self.challenge(scheme, message, Some(negotiation))
            }
            (Kind::Authenticate, Wrapping::Bare, State::Challenged { scheme: begun, challenge, negotiation: None })
                if scheme == begun =>
            {
                let (who, _, warnings) = self.verify(&challenge, message)?;
                Ok(signed_in(Caller { who, scheme }, None, warnings))
            }
            (
                Kind::Authenticate,
                Wrapping::Response(integrity_code),
                State::Challenged { challenge, negotiation: Some(negotiation), .. },
            ) => {
                let (who, session, warnings) = self.verify(&challenge, message)?;
                let integrity_code = negotiation.confirm(session.as_ref(), integrity_code)?;
                let reply = spnego::response(Progress::Completed, false, None, integrity_code.as_ref());
                Ok(signed_in(Caller { who, scheme }, Some(header(scheme, &reply)), warnings))
            }
            (Kind::Authenticate, _, State::Idle | State::SignedIn(_))
            | (_, Wrapping::Response(_), State::Idle | State::SignedIn(_)) => Err(Trouble::OtherConnection {}),
            (kind, _, before) => Err(Trouble::OutOfTurn { came: kind.words(), expected: before.expects() }),
        }
    }

    /// Answers the first NTLM message.
    fn challenge(
        self,
        scheme: Scheme,
        message: &[u8],
        negotiation: Option<Negotiation>,
    ) -> Result<(State, Step), Trouble> {
        let Presented { nonce, now, .. } = *self.request;
        let challenge = ntlm::Challenge::answer(message, &self.policy.names, nonce, now)
            .map_err(|flaw| flaw.of("The first NTLM message"))?;
        let step = match &negotiation {
            None => go_on(scheme, challenge.message()),
            Some(negotiation) => {
                // The mechanism is named where it is chosen; the second choice was named already.
                let names_it = !negotiation.is_second_choice;
                go_on(scheme, &spnego::response(Progress::Incomplete, names_it, Some(challenge.message()), None))
            }
        };
        Ok((State::Challenged { scheme, challenge, negotiation }, step))
    }

    /// Judges the last NTLM message: who signed in, and with what key, where the password is known.
    fn verify(
        self,
        challenge: &ntlm::Challenge,
        message: &[u8],
    ) -> Result<(Who, Option<Session>, Vec<Warning>), Trouble> {
        let Self { policy, request } = self;
        let answer =
            ntlm::Authenticate::read(message, challenge.flags()).map_err(|flaw| flaw.of("The last NTLM message"))?;
        let claim = AccountName::claimed(&answer.domain, &answer.user);
        let account = || claim.clone();
        let mut warnings = Vec::new();

        let (time, binding) = match answer.response {
            Response::Anonymous => return Err(Trouble::NoCredentials {}),
            Response::V1 { .. } if !policy.ntlm_v1 => return Err(Trouble::NtlmV1 { account: claim.to_string() }),
            Response::V1 { .. } => {
                warnings.push(Warning::NtlmV1 { account: account() });
                (None, None)
            }
            Response::V2 { time, channel_binding, .. } => (Some(time), channel_binding),
        };
        let (who, password) = policy.admit(&claim)?;
        let session = match password.map(|it| challenge.verify(&answer, it)) {
            None => {
                warnings.push(Warning::AnyPassword { account: account() });
                None
            }
            Some(Ok(session)) => Some(session),
            Some(Err(Mismatch::Password)) if challenge.is_not_meant_by(&answer) => {
                return Err(Trouble::OtherChallenge { account: claim.to_string() });
            }
            Some(Err(Mismatch::Password)) => return Err(Trouble::WrongPassword { account: claim.to_string() }),
            Some(Err(Mismatch::IntegrityCode)) => {
                return Err(Trouble::WrongMic { over: "the three NTLM messages" });
            }
        };
        if let Some(time) = time {
            let skew = ClockSkew::of(time, request.now);
            if skew.amount() > MAX_SKEW {
                return Err(Trouble::ClockSkew { account: claim.to_string(), skew: skew.to_string() });
            }
            if skew.amount() > NOTABLE_SKEW {
                warnings.push(Warning::ClockSkew { account: account(), skew });
            }
        }
        policy.check_binding(&claim, request.server_certificate_hash, binding)?;
        Ok((who, session, warnings))
    }
}

impl Negotiation {
    /// Checks the client's MIC of the list. The server's MIC, if the client sent one.
    fn confirm(&self, session: Option<&Session>, theirs: Option<&[u8]>) -> Result<Option<[u8; 16]>, Trouble> {
        let over = "the list of mechanisms";
        let sign = |side| session.and_then(|it| it.sign(side, &self.list));
        match theirs {
            Some(theirs) if sign(Side::Client).is_some_and(|it| it.ct_eq(theirs).into()) => Ok(sign(Side::Server)),
            Some(_) => Err(Trouble::WrongMic { over }),
            None if self.is_second_choice => Err(Trouble::NoMic { over }),
            None => Ok(None),
        }
    }
}

impl State {
    const fn expects(&self) -> &'static str {
        match self {
            Self::Idle | Self::SignedIn(_) => "the first message of a sign-in",
            Self::Chosen(_) => "the first NTLM message, within SPNEGO",
            Self::Challenged { .. } => "the last NTLM message, under the scheme and in the form of the first",
        }
    }
}

/// Chooses NTLM from a list, before the client has begun it.
fn choose_ntlm(list: List) -> (State, Step) {
    let is_second_choice = list.preferred() != Some(Mechanism::Ntlm);
    let progress = if is_second_choice { Progress::IncompleteWithIntegrityCode } else { Progress::Incomplete };
    let step = go_on(Scheme::Negotiate, &spnego::response(progress, true, None, None));
    (State::Chosen(Negotiation { list: list.bytes, is_second_choice }), step)
}

const fn proceed(caller: Caller) -> Step {
    Step::Proceed { caller, www_authenticate: None, persistent: false, warnings: Vec::new() }
}

const fn anonymous() -> (State, Step) {
    (State::Idle, proceed(Caller { who: Who::Anonymous, scheme: Scheme::Anonymous }))
}

fn signed_in(caller: Caller, www_authenticate: Option<String>, warnings: Vec<Warning>) -> (State, Step) {
    let step = Step::Proceed { caller: caller.clone(), www_authenticate, persistent: true, warnings };
    (State::SignedIn(caller), step)
}

fn go_on(scheme: Scheme, token: &[u8]) -> Step {
    Step::Challenge { www_authenticate: vec![header(scheme, token)], trouble: None }
}

/// The value of a header with a token.
pub(super) fn header(scheme: Scheme, token: &[u8]) -> String {
    format!("{} {}", scheme.header_name().unwrap_or_default(), BASE64_STANDARD.encode(token))
}

fn read_base64(text: &[u8]) -> Result<Vec<u8>, Flaw> {
    let part = "the token";
    if text.is_empty() {
        return Err(Flaw { part, fault: "is missing", at: 0 });
    }
    BASE64_STANDARD.decode(text).map_err(|error| match error {
        DecodeError::InvalidByte(at, _) => Flaw { part, fault: "is not Base64", at },
        DecodeError::InvalidLastSymbol { .. } | DecodeError::InvalidLength(_) | DecodeError::InvalidPadding => {
            Flaw { part, fault: "is cut off", at: text.len() }
        }
    })
}

/// The name of a scheme as it can be logged. A header that lacks its scheme may begin with a secret.
fn shown(name: &[u8], token: &[u8]) -> String {
    let is_name = !token.is_empty() && name.len() <= 16 && name.iter().all(u8::is_ascii_alphabetic);
    if is_name { String::from_utf8_lossy(name).into() } else { "something that names no scheme".into() }
}
