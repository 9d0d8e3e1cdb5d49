//! Signing in as a client: the counterpart of [`Conversation`](super::Conversation), for one connection. It does no
//! I/O and is told the time and its randomness.

use std::time::Duration;

use base64::{Engine, prelude::BASE64_STANDARD};
use subtle::ConstantTimeEq;

use super::conversation::header;
use super::ntlm::initiator::{self, Claim};
use super::ntlm::{self, Session, Side};
use super::spnego::{self, Progress, Token};
use super::{Flaw, Scheme};
use crate::contract::Secret;

/// The account that a client claims.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// `DOMAIN\user`, `user@domain` or `user`.
    pub account: String,
    pub password: Secret,
}

impl Credentials {
    /// Domain and user as NTLM has them. A `user@domain` stays whole: which domain it means is the server's to know.
    fn parts(&self) -> (&str, &str) {
        self.account.split_once('\\').unwrap_or(("", &self.account))
    }
}

/// What a step may use.
#[derive(Clone, Copy, Debug)]
pub struct Surroundings<'a> {
    /// The host of the URL.
    pub host: &'a str,
    /// The hash of the server's certificate, as `tls-server-end-point` has it (RFC 5929). `None` without TLS.
    pub server_certificate_hash: Option<&'a [u8]>,
    /// The time since 1970.
    pub now: Duration,
    /// Fresh randomness.
    pub random: [u8; 24],
}

/// Why a client is not signed in.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Unsigned {
    /// Everything was offered afresh: the account or its password is not taken, or the account may not use the service.
    #[error("the service refused {0}")]
    Refused(String),
    /// Within Negotiate the server wants something else than NTLM.
    #[error("the service does not take NTLM within Negotiate; it wants Kerberos")]
    NoNtlm,
    #[error("the server's sign-in message cannot be read: {0}")]
    Malformed(Flaw),
    /// The server cannot prove that it saw the same messages.
    #[error("the server's proof of the sign-in is wrong: something changed its messages on the way")]
    Changed,
}

impl From<Flaw> for Unsigned {
    fn from(flaw: Flaw) -> Self {
        Self::Malformed(flaw)
    }
}

/// A sign-in under way.
#[derive(Debug)]
pub struct SignIn<'a> {
    credentials: &'a Credentials,
    scheme: Scheme,
    progress: Stage,
}

#[derive(Debug)]
enum Stage {
    /// The first NTLM message is out.
    Negotiated(Vec<u8>),
    /// All that the client has to say is said.
    Said(Option<Session>),
}

/// The schemes in the order in which .NET takes them: the strongest that is offered.
const PREFERENCE: [Scheme; 3] = [Scheme::Negotiate, Scheme::Ntlm, Scheme::Basic];

/// The schemes among the values of `WWW-Authenticate` that a client could take, its favourite first.
#[must_use]
pub fn offered(www_authenticate: &[String]) -> Vec<Scheme> {
    let names = |scheme: &Scheme| {
        let name = scheme.header_name().unwrap_or_default();
        let is_it = |value: &String| value.split(' ').next().is_some_and(|it| it.eq_ignore_ascii_case(name));
        www_authenticate.iter().any(is_it)
    };
    PREFERENCE.into_iter().filter(names).collect()
}

impl<'a> SignIn<'a> {
    /// Begins by one of the schemes that have a header; the `Authorization` of the next request. It is the last
    /// one where [`is_said`](Self::is_said).
    #[must_use]
    pub fn begin(scheme: Scheme, credentials: &'a Credentials) -> (Self, String) {
        let (progress, token) = match scheme {
            Scheme::Basic => {
                let text = format!("{}:{}", credentials.account, credentials.password.reveal());
                (Stage::Said(None), text.into_bytes())
            }
            _ => {
                let message = initiator::negotiate();
                let token = match scheme {
                    Scheme::Negotiate => spnego::init(&spnego::ntlm_alone(), &message),
                    _ => message.clone(),
                };
                (Stage::Negotiated(message), token)
            }
        };
        (Self { credentials, scheme, progress }, header(scheme, &token))
    }

    #[must_use]
    pub const fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// Whether all is said, so that the next answer is that of the request itself.
    #[must_use]
    pub const fn is_said(&self) -> bool {
        matches!(self.progress, Stage::Said(_))
    }

    /// Answers a 401 by its `WWW-Authenticate`: the `Authorization` of the next request.
    ///
    /// # Errors
    /// [`Unsigned`]
    pub fn go_on(&mut self, www_authenticate: &[String], around: &Surroundings<'_>) -> Result<String, Unsigned> {
        let refused = || Unsigned::Refused(self.credentials.account.clone());
        let Stage::Negotiated(negotiate) = &self.progress else { return Err(refused()) };
        let token = self.token(www_authenticate)?.ok_or_else(refused)?;
        let challenge = match self.scheme {
            // A raw NTLM token may be answered raw.
            Scheme::Negotiate if !ntlm::is_message(&token) => match Token::read(&token)? {
                Token::Response { token: Some(message), .. } => message,
                _ => return Err(Unsigned::NoNtlm),
            },
            _ => &token,
        };
        let (domain, user) = self.credentials.parts();
        let (nonce, key) = around.random.split_at(8);
        let claim = Claim {
            domain,
            user,
            password: &self.credentials.password,
            service: &format!("HTTP/{}", around.host),
            channel_binding: around.server_certificate_hash.map(ntlm::channel_binding),
            now: around.now,
            nonce: nonce.try_into().expect("8 of 24"),
            key: key.try_into().expect("16 of 24"),
        };
        let (message, session) = initiator::authenticate(negotiate, challenge, &claim)?;
        let reply = match self.scheme {
            Scheme::Negotiate => {
                let code = session.sign(Side::Client, &spnego::ntlm_alone());
                spnego::response(Progress::Incomplete, false, Some(&message), code.as_ref())
            }
            _ => message,
        };
        self.progress = Stage::Said(Some(session));
        Ok(header(self.scheme, &reply))
    }

    /// Ends a sign-in that the server let through, by the `WWW-Authenticate` of its answer.
    ///
    /// # Errors
    /// [`Unsigned::Changed`] where the server's integrity code is wrong.
    pub fn end(&self, www_authenticate: &[String]) -> Result<(), Unsigned> {
        let Stage::Said(Some(session)) = &self.progress else { return Ok(()) };
        let Some(token) = self.token(www_authenticate)? else { return Ok(()) };
        let Token::Response { integrity_code: Some(theirs), .. } = Token::read(&token)? else { return Ok(()) };
        match session.sign(Side::Server, &spnego::ntlm_alone()) {
            Some(ours) if ours.ct_eq(theirs).into() => Ok(()),
            _ => Err(Unsigned::Changed),
        }
    }

    /// The token that the server sent under our scheme.
    fn token(&self, www_authenticate: &[String]) -> Result<Option<Vec<u8>>, Flaw> {
        let name = self.scheme.header_name().unwrap_or_default();
        let tokens = www_authenticate.iter().filter_map(|it| it.split_once(' '));
        let mut ours = tokens.filter(|(scheme, _)| scheme.eq_ignore_ascii_case(name));
        let Some((_, token)) = ours.next() else { return Ok(None) };
        let token = BASE64_STANDARD.decode(token.trim());
        token.map(Some).map_err(|_| Flaw { part: "the token", fault: "is not Base64", at: 0 })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::{Account, ChannelBinding, Conversation, Names, Policy, Presented, Step};
    use super::*;
    use crate::trouble::Trouble;

    const NOW: Duration = Duration::from_secs(1_795_521_600);
    const CERTIFICATE: &[u8] = &[7; 32];

    fn policy(schemes: &[Scheme]) -> Policy {
        let account = |name: &str, password: &str| {
            Arc::new(Account { name: name.into(), password: Some(password.into()), ..Account::default() })
        };
        let names = Names { domain: "CONTOSO".into(), computer: "MFA01".into(), ..Names::default() };
        let accounts = vec![account("CONTOSO\\mimservice", "Winter-2026!"), account("CONTOSO\\jörg", "Grüße, Öl")];
        Policy { schemes: schemes.into(), accounts, names, ..Policy::default() }
    }

    /// Signs in to a server of ours: who it took the client for, or why it did not.
    fn sign_in(policy: &Policy, account: &str, password: &str, seen: &[u8]) -> Result<String, (Unsigned, Trouble)> {
        let credentials = Credentials { account: account.into(), password: password.into() };
        let mut server = Conversation::default();
        let mut send = |authorization: Option<&str>| {
            let request = Presented {
                via: false,
                authorization: authorization.map(str::as_bytes),
                certificate: None,
                server_certificate_hash: Some(CERTIFICATE),
                now: NOW,
                nonce: [3; 8],
            };
            server.step(policy, &request)
        };
        let Step::Challenge { www_authenticate, trouble: None } = send(None) else { panic!("it was let in") };
        let scheme = offered(&www_authenticate)[0];
        let (mut client, mut authorization) = SignIn::begin(scheme, &credentials);
        let around = Surroundings {
            host: "mfa01.contoso.com",
            server_certificate_hash: Some(seen),
            now: NOW - Duration::from_secs(60),
            random: [9; 24],
        };
        assert!(!format!("{client:?} {credentials:?}").contains(password));
        loop {
            match send(Some(&authorization)) {
                Step::Proceed { caller, www_authenticate, warnings, .. } => {
                    assert_eq!((warnings.len(), caller.scheme, client.is_said()), (0, scheme, true));
                    let offers: Vec<String> = www_authenticate.into_iter().collect();
                    client.end(&offers).unwrap();
                    if scheme == Scheme::Negotiate {
                        let mut token = client.token(&offers).unwrap().unwrap();
                        *token.last_mut().unwrap() ^= 1;
                        assert_eq!(client.end(&[header(scheme, &token)]), Err(Unsigned::Changed));
                    }
                    return Ok(caller.who.to_string());
                }
                Step::Challenge { www_authenticate, trouble } => match client.go_on(&www_authenticate, &around) {
                    Ok(next) => authorization = next,
                    Err(unsigned) => return Err((unsigned, trouble.expect("a refusal has its reason"))),
                },
            }
        }
    }

    #[test]
    fn our_own_server_lets_the_client_in() {
        for schemes in [&[Scheme::Basic][..], &[Scheme::Ntlm], &[Scheme::Negotiate, Scheme::Ntlm, Scheme::Basic]] {
            let policy = Policy { channel_binding: ChannelBinding::Strict, ..policy(schemes) };
            for (account, password) in [
                (r"CONTOSO\mimservice", "Winter-2026!"),
                ("mimservice@contoso.com", "Winter-2026!"),
                ("mimservice", "Winter-2026!"),
                (r"contoso\jörg", "Grüße, Öl"),
            ] {
                let who = sign_in(&policy, account, password, CERTIFICATE);
                assert!(who.is_ok_and(|it| it.starts_with(r"CONTOSO\")), "{schemes:?} {account}");
            }
        }
    }

    #[test]
    fn a_wrong_password_is_refused() {
        for scheme in PREFERENCE {
            let (unsigned, trouble) = sign_in(&policy(&[scheme]), "mimservice", "wrong-one", CERTIFICATE).unwrap_err();
            assert_eq!((unsigned, trouble.kind()), (Unsigned::Refused("mimservice".into()), "wrong-password"));
        }
    }

    #[test]
    fn a_channel_to_somebody_else_is_refused() {
        for scheme in [Scheme::Ntlm, Scheme::Negotiate] {
            let policy = Policy { channel_binding: ChannelBinding::Lenient, ..policy(&[scheme]) };
            let (_, trouble) = sign_in(&policy, "mimservice", "Winter-2026!", &[8; 32]).unwrap_err();
            assert_eq!(trouble.kind(), "wrong-channel-binding");
        }
    }

    #[test]
    fn a_server_that_answers_nonsense_is_told_apart() {
        let credentials = Credentials { account: "mimservice".into(), password: "Winter-2026!".into() };
        let around = Surroundings { host: "h", server_certificate_hash: None, now: NOW, random: [0; 24] };
        let answer = |scheme, token: &[u8]| {
            let (mut client, _) = SignIn::begin(scheme, &credentials);
            client.go_on(&[header(scheme, token)], &around).unwrap_err()
        };
        let reject = spnego::response(Progress::Completed, false, None, None);
        assert_eq!(answer(Scheme::Negotiate, &reject), Unsigned::NoNtlm);
        let mut challenge = b"NTLMSSP\0\x02\0\0\0".to_vec();
        assert!(matches!(answer(Scheme::Ntlm, &challenge), Unsigned::Malformed(_)));
        challenge.resize(48, 0);
        assert!(answer(Scheme::Ntlm, &challenge).to_string().contains("does not grant Unicode"));
        challenge[20] = 1;
        challenge[40..48].copy_from_slice(&[8, 0, 8, 0, 200, 0, 0, 0]);
        assert!(answer(Scheme::Ntlm, &challenge).to_string().contains("lies outside the message"));
        challenge.resize(5000, 0);
        assert!(answer(Scheme::Ntlm, &challenge).to_string().contains("longer than 4096"));
        let (mut client, _) = SignIn::begin(Scheme::Ntlm, &credentials);
        assert!(matches!(client.go_on(&["NTLM #".into()], &around), Err(Unsigned::Malformed(_))));
    }
}
