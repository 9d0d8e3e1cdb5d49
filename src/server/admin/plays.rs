//! Playing MIM: the server calls its own service as Identity Manager does, so that the whole loop needs no MIM.
//!
//! The address is never that of a request: it is the server's own, in the space that is asked. The account is one of
//! the scenario's, and its password stays here.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use rustls::pki_types::CertificateDer;
use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;
use utoipa::ToSchema;

use super::input::{Asked, Body, needed_text};
use super::problem::{Kind, Problem};
use super::{At, Json, Shared, view};
use crate::client::flow::{FICTIONAL, Gate, Outcome, Plan, place};
use crate::client::{Client, Failure, Target};
use crate::contract::Secret;
use crate::engine::Engine;
use crate::server::FOLDER;
use crate::sign_in::{Credentials, Policy, Scheme, Trust as Trusted};
use crate::switchboard::{DEFAULT, Space};
use crate::tls::{Certificates, Trust};

/// How the server calls itself, and the newest calls.
#[derive(Debug)]
pub struct Player {
    /// Scheme, host and port.
    origin: String,
    /// Of the default space.
    path: String,
    /// `None`: the certificate is not this program's, so this machine must trust it.
    authority: Option<CertificateDer<'static>>,
    trust: OnceLock<Trust>,
    /// `Err`: why no sign-in can be played.
    credentials: Result<Option<Credentials>, &'static str>,
    plays: Mutex<VecDeque<Kept>>,
}

/// A call that was played.
#[derive(Debug)]
struct Kept {
    space: String,
    play: Play,
    /// Takes the code that the call waits for.
    code: Option<oneshot::Sender<Secret>>,
}

/// A call of MIM that the server plays.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct Play {
    id: u64,
    /// `phone`, `text`, `pam`
    gate: &'static str,
    /// As it was given.
    number: String,
    /// The user that the call names, which is MIM's own.
    username: String,
    /// `calling`; `code`: it waits for the code of the text message; `passed`, `denied`; `failed`: there is no answer.
    state: &'static str,
    /// By the space's clock.
    #[schema(value_type = String, format = DateTime)]
    since: view::At,
    /// What the service answered, an operation a line.
    answers: Vec<String>,
    /// Why there is no answer, and what to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    failure: Option<PlayFailure>,
    /// How the call signed in.
    signed_in: Option<&'static str>,
}

/// Why a call has no answer.
#[derive(Clone, Debug, Serialize, ToSchema)]
struct PlayFailure {
    what: String,
    remedy: String,
}

/// The calls that were played in a space.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Plays {
    /// The oldest first; the newest 20 are kept.
    items: Vec<Play>,
    /// The account that the calls sign in as; null where no sign-in is needed, or none can be played.
    account: Option<String>,
    /// Why no call can be played; missing where one can.
    #[serde(skip_serializing_if = "Option::is_none")]
    cannot: Option<&'static str>,
}

/// What to play.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewPlay {
    /// `phone`: password reset by phone call; `text`: by text message; `pam`: the activation of a role.
    #[schema(example = "phone")]
    gate: Option<String>,
    /// The number to call, such as `+1 4255550100`, which it is where this says nothing.
    number: Option<String>,
    /// The user that the call names; MIM's account where this says nothing.
    username: Option<String>,
}

/// The code of a text message.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PlayCode {
    #[serde(deserialize_with = "needed_text")]
    #[schema(value_type = String)]
    code: String,
}

/// How many calls are kept in all spaces together.
const KEPT: usize = 20;

/// How long the client waits for an answer: as long as MIM most likely does.
const WAIT: Duration = Duration::from_secs(100);

/// How long the client waits for the code.
const CODE: Duration = Duration::from_secs(600);

/// The account that MIM's article has.
const MIM: &str = "mimservice@contoso.com";

impl Player {
    /// A player for a service that listens there.
    #[must_use]
    pub fn new(
        listening: &[SocketAddr],
        certificates: Option<&Certificates>,
        policy: &Policy,
        group: &str,
        paths: &[String],
    ) -> Self {
        let address = listening[0];
        let ip = address.ip();
        let host = if ip.is_loopback() || ip.is_unspecified() { "localhost".into() } else { ip.to_string() };
        let host = if host.contains(':') { format!("[{host}]") } else { host };
        let scheme = if certificates.is_some() { "https" } else { "http" };
        Self {
            origin: format!("{scheme}://{host}:{}", address.port()),
            path: paths.first().cloned().unwrap_or_else(|| format!("{FOLDER}/PfWsSdk.asmx")),
            authority: certificates.and_then(Certificates::authority_certificate).cloned(),
            trust: OnceLock::new(),
            credentials: credentials(policy, group),
            plays: Mutex::default(),
        }
    }

    /// The service's URL in a space.
    pub(super) fn url(&self, space: &str) -> String {
        let space = if space == DEFAULT { String::new() } else { format!("/~{space}") };
        format!("{}{space}{}", self.origin, self.path)
    }

    fn client(&self, space: &str) -> Result<Client, Problem> {
        let failed = |why: String| {
            Problem::new(Kind::Refused, format!("The server cannot call itself: {why}."), "Use locmfa mim call.")
        };
        let trust = match (self.trust.get(), &self.authority) {
            (Some(trust), _) => trust.clone(),
            (None, Some(authority)) => Trust::new(Vec::new(), vec![authority.clone()]),
            (None, None) => Trust::load(&[]).map_err(|it| failed(it.to_string()))?,
        };
        let trust = self.trust.get_or_init(|| trust).clone();
        let target: Target = self.url(space).parse().map_err(failed)?;
        Ok(Client { target, trust, credentials: self.credentials.clone().ok().flatten() })
    }

    fn change(&self, id: u64, change: impl FnOnce(&mut Kept)) {
        let mut plays = self.plays.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(kept) = plays.iter_mut().find(|it| it.play.id == id) {
            change(kept);
        }
    }

    /// Keeps a new call, and gives it a number.
    fn keep(&self, space: &str, mut play: Play) -> Play {
        let mut plays = self.plays.lock().unwrap_or_else(PoisonError::into_inner);
        play.id = plays.back().map_or(1, |it| it.play.id + 1);
        plays.push_back(Kept { space: space.into(), play: play.clone(), code: None });
        if plays.len() > KEPT {
            plays.pop_front();
        }
        play
    }
}

/// The account to sign in as. `None`: none is needed. `Err`: why none can be played.
fn credentials(policy: &Policy, group: &str) -> Result<Option<Credentials>, &'static str> {
    if policy.schemes.contains(&Scheme::Anonymous) {
        return Ok(None);
    }
    if policy.schemes.iter().all(|it| *it == Scheme::Certificate) {
        return Err("Callers of this scenario sign in with a client certificate, which the server does not have.");
    }
    let any = |account: String| Ok(Some(Credentials { account, password: "any".into() }));
    let in_group = policy.accounts.iter().filter(|it| group.is_empty() || it.is_in(group));
    match policy.trust {
        Trusted::Anybody => any("CONTOSO\\mimservice".into()),
        Trusted::AnyPassword => match in_group.chain(&policy.accounts).next() {
            Some(account) => any(account.name.to_string()),
            None => Err("The scenario lists no account that could sign in."),
        },
        Trusted::Passwords => {
            let found = in_group.chain(&policy.accounts).find_map(|it| Some((it, it.password.clone()?)));
            match found {
                Some((account, password)) => Ok(Some(Credentials { account: account.name.to_string(), password })),
                None => Err("No account of the scenario has a password in it, so the server cannot sign in as one."),
            }
        }
    }
}

fn player(admin: &super::Admin) -> Result<&Arc<Player>, Problem> {
    let remedy = "Start the server with locmfa serve.";
    admin.player.as_ref().ok_or_else(|| Problem::new(Kind::Refused, "This server cannot call itself.", remedy))
}

/// Lists the calls that the server played as MIM in the space, and says which account they sign in as.
#[utoipa::path(get, path = "/plays", tag = "plays", responses((status = 200, body = Plays)))]
pub(super) async fn list(State(admin): Shared, At(space): At, asked: Asked) -> Result<Json<Plays>, Problem> {
    asked.finish()?;
    let player = player(&admin)?;
    let plays = player.plays.lock().unwrap_or_else(PoisonError::into_inner);
    let items = plays.iter().filter(|it| it.space == space.name()).map(|it| it.play.clone()).collect();
    let (account, cannot) = match &player.credentials {
        Ok(credentials) => (credentials.as_ref().map(|it| it.account.clone()), None),
        Err(why) => (None, Some(*why)),
    };
    Ok(Json::ok(Plays { items, account, cannot }))
}

/// Calls this server's own service, in this space, as MIM does. The answer comes at once; `GET /plays` tells how the
/// call goes on.
#[utoipa::path(post, path = "/plays", tag = "plays", request_body = NewPlay, responses((status = 202, body = Play)))]
pub(super) async fn add(
    State(admin): Shared,
    At(space): At,
    asked: Asked,
    Body(new): Body<NewPlay>,
) -> Result<Json<Play>, Problem> {
    asked.finish()?;
    let player = player(&admin)?.clone();
    if let Err(why) = player.credentials {
        return Err(Problem::new(Kind::Refused, why, "Play a scenario whose accounts have passwords."));
    }
    let (gate, word) = gate_of(new.gate.as_deref().unwrap_or("phone"))?;
    let number = new.number.filter(|it| !it.trim().is_empty()).unwrap_or_else(|| FICTIONAL.into());
    let (username, country_code) = space.update(|engine, _| {
        let country = engine.company().country_code.clone();
        (new.username.or_else(|| of_mim(engine)), country)
    });
    let no_user = || Problem::new(Kind::Refused, "The space has no user that MIM could ask as.", "Add a user first.");
    let username = username.ok_or_else(no_user)?;
    let client = player.client(space.name())?;
    let plan = Plan { gate, number, username, country_code, codes: Vec::new(), wait: WAIT };
    let since = view::At(space.now());
    let (number, username) = (plan.number.clone(), plan.username.clone());
    let play = Play {
        id: 0,
        gate: word,
        number,
        username,
        state: "calling",
        since,
        answers: Vec::new(),
        failure: None,
        signed_in: None,
    };
    let play = player.keep(space.name(), play);
    tokio::spawn(run(player, play.id, client, plan));
    Ok(Json(StatusCode::ACCEPTED, play))
}

/// Makes the call, and keeps how it goes.
async fn run(player: Arc<Player>, id: u64, client: Client, plan: Plan) {
    let code = async {
        let (sender, receiver) = oneshot::channel();
        player.change(id, |it| {
            it.play.state = "code";
            it.play.answers = vec!["PfAuthUser_5: true, call result 20 Text Message Sent".into()];
            it.code = Some(sender);
        });
        let code = tokio::time::timeout(CODE, receiver).await;
        player.change(id, |it| it.play.state = "calling");
        code.ok().and_then(Result::ok).ok_or_else(|| "none was entered".to_owned())
    };
    let round = place(&client, &plan, code).await;
    player.change(id, |it| {
        it.play.state = match round.outcome {
            Outcome::Passed => "passed",
            Outcome::Denied => "denied",
            Outcome::Failed => "failed",
        };
        it.play.answers = round.answers.iter().map(ToString::to_string).collect();
        it.play.failure = round.failure.map(|Failure { what, remedy, .. }| PlayFailure { what, remedy });
        it.play.signed_in = round.signed_in.map(Scheme::word);
    });
}

/// Enters the code of the text message that a call waits for.
#[utoipa::path(post, path = "/plays/{id}/code", tag = "plays", params(("id" = u64, Path)), request_body = PlayCode, responses((status = 202, body = Play)))]
pub(super) async fn code(
    State(admin): Shared,
    At(space): At,
    Path(id): Path<u64>,
    asked: Asked,
    Body(entered): Body<PlayCode>,
) -> Result<Json<Play>, Problem> {
    asked.finish()?;
    let player = player(&admin)?;
    let mut plays = player.plays.lock().unwrap_or_else(PoisonError::into_inner);
    let kept = plays.iter_mut().find(|it| it.play.id == id && it.space == space.name());
    let taken = kept.and_then(|it| Some((it.code.take()?, it)));
    let Some((sender, kept)) = taken else {
        let detail = format!("The call {id} waits for no code.");
        return Err(Problem::new(Kind::Refused, detail, "GET /plays tells how the calls are."));
    };
    // An error means that the call gave up.
    let _ = sender.send(entered.code.into());
    kept.play.state = "calling";
    Ok(Json(StatusCode::ACCEPTED, kept.play.clone()))
}

fn gate_of(word: &str) -> Result<(Gate, &'static str), Problem> {
    match word {
        "phone" => Ok((Gate::Phone, "phone")),
        "text" => Ok((Gate::Text, "text")),
        "pam" => Ok((Gate::Pam, "pam")),
        other => {
            let detail = format!("gate: {other:?} is no gate.");
            Err(Problem::new(Kind::BadBody, detail, "Write phone, text or pam.").with("field", "gate"))
        }
    }
}

/// The user that MIM names: that of its article, else the first one without a phone of its own, else the first.
fn of_mim(engine: &Engine) -> Option<String> {
    let users = engine.directory();
    let has_phone = |it: &&crate::engine::User| it.settings.phone.as_deref().is_some_and(|it| !it.is_empty());
    let found = users.find(MIM).or_else(|| users.iter().find(|it| !has_phone(it))).or_else(|| users.iter().next());
    found.map(|it| it.username.clone())
}

/// The URL of the service in a space, where the server knows it.
pub(super) fn service_of(admin: &super::Admin, space: &Space) -> Option<String> {
    Some(admin.player.as_ref()?.url(space.name()))
}
