//! All that stands between Identity Manager and the service, a step at a time. Nothing changes on the service, and
//! without a number of the user the call goes to a number that no phone has.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Instant;

use super::Service;
use super::step::{Step, Verdict};
use crate::client::flow::{FICTIONAL, Gate, Plan};
use crate::client::{CallStage, Client, Connection, Failure, Handshake, Times, check_dates, check_trust, schemes_of};
use crate::operations::{GetUserSettings, TestMasterConnection, TestSecurity, UserExists};
use crate::tls::TrustAnchor;

/// How long a step may take, except the challenge.
const STEP: Duration = Duration::from_secs(10);
/// How long .NET waits.
const CHALLENGE: Duration = Duration::from_secs(100);

/// Goes along the chain, and reports each step. It ends at the first step without which no other can work.
pub async fn check(client: &Client, settings: &Service, number: Option<&str>, tell: &mut (dyn FnMut(Step) + Send)) {
    let mut chain = Chain { client, settings, tell };
    // The step that ended it was reported.
    let _: Option<()> = chain.go(number).await;
}

struct Chain<'a> {
    client: &'a Client,
    settings: &'a Service,
    tell: &'a mut (dyn FnMut(Step) + Send),
}

/// `None`: the chain ends. The step that failed was reported.
type GoesOn<T> = Option<T>;

impl Chain<'_> {
    fn say(&mut self, step: &'static str, verdict: Verdict, what: impl Into<String>, remedy: impl Into<String>) {
        (self.tell)(Step { step, verdict, what: what.into(), remedy: remedy.into() });
    }

    fn ok(&mut self, step: &'static str, what: impl Into<String>) {
        self.say(step, Verdict::Ok, what, "");
    }

    /// The output, or `None` after the failure was reported.
    fn got<T>(&mut self, step: &'static str, outcome: Result<T, Failure>) -> GoesOn<T> {
        outcome.map_err(|Failure { what, remedy, .. }| self.say(step, Verdict::Failed, what, remedy)).ok()
    }

    async fn go(&mut self, number: Option<&str>) -> GoesOn<()> {
        let client = self.client;
        let soon = || Instant::now() + STEP;
        let addresses = client.resolve(soon()).await;
        let addresses = self.got("name", addresses)?;
        self.say_addresses(&addresses);
        let reached = client.connect_tcp(&addresses, soon()).await;
        let (stream, address, refused) = self.got("port", reached)?;
        match refused.as_slice() {
            [] => self.ok("port", format!("{address} takes connections.")),
            refused => self.say(
                "port",
                Verdict::Warning,
                format!("{address} takes connections; {} does not.", refused.join(", ")),
                "Clients try the addresses in this order and may lose seconds. Let the service listen on all of them.",
            ),
        }
        if !client.target.is_secure {
            self.say(
                "TLS",
                Verdict::Warning,
                "The URL says http: everything goes in the clear, and no certificate is tested.",
                "Microsoft's article has MIM call an https URL.",
            );
            return self.call(stream, None, number).await;
        }
        let outcome = client.handshake(stream, soon()).await;
        let (stream, handshake) = self.got("TLS", outcome)?;
        let end_point = handshake.certificate.end_point.clone();
        self.certificate(handshake)?;
        self.call(stream, Some(end_point), number).await
    }

    fn say_addresses(&mut self, addresses: &[SocketAddr]) {
        let host = &self.client.target.host;
        let listed: Vec<_> = addresses.iter().map(|it| it.ip().to_string()).collect();
        let what = format!("{host} is {}, tried in this order.", listed.join(", then "));
        match host.parse::<IpAddr>() {
            Ok(_) => self.say(
                "name",
                Verdict::Warning,
                format!("{host} is an address, not a name."),
                "Certificates are mostly for names: use one. Windows signs in to an address by NTLM alone.",
            ),
            Err(_) => self.ok("name", what),
        }
    }

    /// Reports all that is wrong with a certificate, not only the first.
    fn certificate(&mut self, handshake: Handshake) -> GoesOn<()> {
        let Handshake { version, suite, certificate: shown } = handshake;
        self.ok("TLS", format!("{version}, {suite}."));
        let names = self
            .client
            .check_name(&shown)
            .map(|()| format!("The certificate {} is for {}.", shown.summary.subject, shown.summary.names.join(", ")));
        let names = self.report("certificate names", names);
        let (from, to) = (shown.summary.not_before.date(), shown.summary.not_after.date());
        let dates =
            self.report("certificate dates", check_dates(&shown).map(|()| format!("Valid from {from} to {to}.")));
        let issuer = &shown.summary.issuer;
        let trust = check_trust(&shown).map(|()| format!("This machine trusts {issuer} (chain of {}).", shown.chain));
        let trust = if shown.trust_anchor == TrustAnchor::File {
            self.say(
                "certificate trust",
                Verdict::Warning,
                format!("{issuer} is trusted because of --authority only; this machine does not trust it."),
                "MIM will not either, if it runs here: import the authority into Cert:\\LocalMachine\\Root (`locmfa certs trust` says how).",
            );
            true
        } else {
            self.report("certificate trust", trust)
        };
        (names && dates && trust).then_some(())
    }

    /// Reports a step. Whether it succeeded.
    fn report(&mut self, step: &'static str, outcome: Result<String, Failure>) -> bool {
        self.got(step, outcome).map(|what| self.ok(step, what)).is_some()
    }

    /// Calls over a stream whose certificate was checked.
    async fn call<S>(&mut self, stream: S, end_point: Option<Vec<u8>>, number: Option<&str>) -> GoesOn<()>
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let client = self.client;
        let opened = client.open(stream, end_point, Times::default(), Instant::now() + STEP).await;
        let mut connection = self.got("sign-in", opened)?;
        self.security(&mut connection).await?;
        self.master(&mut connection).await?;
        self.account(&mut connection).await?;
        self.challenge(&mut connection, number).await
    }

    /// The first call, which signs in.
    async fn security(&mut self, connection: &mut Connection<'_>) -> GoesOn<()> {
        let said = connection.ask(&TestSecurity {}).await;
        // The rights of the account are a step of its own.
        if let Err(Failure { at: CallStage::SignIn, .. }) = &said {
            self.got("sign-in", said)?;
            return None;
        }
        let offers = schemes_of(&connection.offers);
        let account = self.client.credentials.as_ref().map(|it| it.account.as_str()).unwrap_or_default();
        match (connection.signed_in, connection.offers.is_empty()) {
            (Some(scheme), _) => {
                self.ok("sign-in", format!("On offer: {offers}. Signed in as {account} by {}.", scheme.word()))
            }
            (None, true) if said.is_ok() => self.say(
                "sign-in",
                Verdict::Warning,
                "The service did not ask for a sign-in.",
                "Microsoft's article turns anonymous authentication off and Windows authentication on.",
            ),
            // The service was not reached, as the next step says.
            (None, true) => {}
            (None, false) => self.ok("sign-in", format!("On offer: {offers}. {account} was taken.")),
        }
        match said {
            Err(failure) if failure.at == CallStage::Group => self.got("PhoneFactor Admins", Err(failure))?,
            Err(failure) => self.got("TestSecurity", Err(failure))?,
            Ok(text) => {
                self.ok("PhoneFactor Admins", "The account may call the service.");
                self.ok("TestSecurity", format!("Answers {text:?}."));
            }
        }
        Some(())
    }

    async fn master(&mut self, connection: &mut Connection<'_>) -> GoesOn<()> {
        connection.deadline = Instant::now() + STEP;
        let replied = connection.call(&TestMasterConnection {}).await;
        let replied = self.got("TestMasterConnection", replied)?;
        match replied.succeeded {
            true => self.ok("TestMasterConnection", "The master server answers."),
            false => self.say(
                "TestMasterConnection",
                Verdict::Failed,
                format!("The master server does not answer{}.", because(replied.error)),
                "Look at the MFA Server behind the service, or at `master` in the scenario.",
            ),
        }
        Some(())
    }

    async fn account(&mut self, connection: &mut Connection<'_>) -> GoesOn<()> {
        let name = &self.settings.username;
        let username = || Some(name.clone());
        connection.deadline = Instant::now() + STEP;
        let exists = connection.call(&UserExists { username: username() }).await;
        let exists = self.got("user", exists)?;
        if !exists.succeeded {
            self.say(
                "user",
                Verdict::Failed,
                format!("The service has no user {name}{}.", because(exists.error)),
                "Add it as a user, with a blank phone: in MFA Server by import, with locmfa under users in the scenario. Or correct Username in MfaSettings.xml.",
            );
            return None;
        }
        let settings = connection.call(&GetUserSettings { username: username() }).await;
        let settings = self.got("user", settings)?;
        match settings.out.user_settings {
            Some(it) if it.enabled => self.ok("user", format!("{name} exists and is enabled.")),
            Some(_) => self.say(
                "user",
                Verdict::Failed,
                format!("{name} exists and is disabled."),
                "Enable the user: in MFA Server on its page, with locmfa by taking `enabled: false` out of the scenario.",
            ),
            None => self.say(
                "user",
                Verdict::Warning,
                format!("{name} exists; whether it is enabled is not told{}.", because(settings.error)),
                "Look at the user on the service.",
            ),
        }
        Some(())
    }

    async fn challenge(&mut self, connection: &mut Connection<'_>, number: Option<&str>) -> GoesOn<()> {
        let number = number.unwrap_or(FICTIONAL);
        let Service { username, country_code, .. } = self.settings.clone();
        let plan = Plan {
            gate: Gate::Phone,
            number: number.into(),
            username,
            country_code,
            codes: Vec::new(),
            wait: CHALLENGE,
        };
        connection.deadline = Instant::now() + CHALLENGE;
        let replied = connection.call(&plan.request()).await;
        let replied = self.got("challenge", replied)?;
        match replied.out.call_result {
            // The step is right if the call was made, whatever its result.
            Some(result) => self.ok(
                "challenge",
                format!(
                    "A call to {number} ended with result {}, {}.",
                    result.code,
                    result.description.unwrap_or_default()
                ),
            ),
            None => self.say(
                "challenge",
                Verdict::Failed,
                format!("A call to {number} ended without a call result{}.", because(replied.error)),
                "The error says why. MIM's log says \"Call Status=''\" then.",
            ),
        }
        Some(())
    }
}

/// The error of an answer, to continue a sentence.
fn because(error: Option<crate::contract::Error>) -> String {
    match error {
        Some(error) if error.code != 0 => {
            format!(" (error {} {})", error.code, error.description.unwrap_or_default().trim_end_matches('.'))
        }
        _ => String::new(),
    }
}
