//! `locmfa mim call`: the calls that Identity Manager most likely makes for a gate. What is known of them and what is
//! inferred is in `docs/mim-call.md`.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use clap::{Args, ValueEnum};
use serde::{Serialize, Serializer};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::access::{Access, ask_for_code};
use crate::client::{Client, Connection, Exchange, Failure, Replied, Stage, Times};
use crate::contract::{AuthenticationType, CallResult, Mode, Secret};
use crate::operations::{PfAuthUser, ValidatePasscode};
use crate::sign_in::Scheme;

#[derive(Args, Debug)]
#[command(after_help = EXIT_CODES)]
pub struct Call {
    #[command(flatten)]
    access: Access,
    /// What asks: a phone gate, a text message gate, or the activation of a role
    #[arg(long, value_enum, default_value_t = Gate::Phone)]
    gate: Gate,
    /// The number to call, "country code, blank, number". Without one, a number that belongs to nobody; of several,
    /// each call takes the next
    #[arg(long, value_name = "NUMBER", default_value = FICTIONAL, hide_default_value = true)]
    number: Vec<String>,
    /// The code of the text message; without it, it is asked for. Of several, each is typed until one is taken
    #[arg(long, value_name = "DIGITS")]
    code: Vec<String>,
    /// How long to wait for an answer, in seconds: .NET, and so MIM most likely, waits for 100
    #[arg(long, value_name = "SECONDS", default_value_t = 100)]
    wait: u64,
    /// How often to call
    #[arg(long, value_name = "COUNT", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    repeat: u32,
    /// How many calls may be open at a time
    #[arg(long, value_name = "COUNT", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    parallel: u32,
    /// Show what went over the wire, without secrets
    #[arg(long)]
    raw: bool,
    /// Tell it as JSON
    #[arg(long)]
    json: bool,
}

const EXIT_CODES: &str =
    "Exit codes: 0 passed; 1 denied; 2 the command line is wrong; 3 it could not call. Of many calls the worst counts.";

/// In the block that is kept for fiction: +1 425 555 0100.
pub const FICTIONAL: &str = "1 4255550100";

/// What in Identity Manager asks for a second factor.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Gate {
    /// Password reset by phone call.
    Phone,
    /// Password reset by text message.
    Text,
    /// The activation of a role (PAM), whose numbers are digits alone.
    Pam,
}

/// One authentication to make.
#[derive(Clone, Debug)]
pub struct Plan {
    pub gate: Gate,
    /// As it was given.
    pub number: String,
    pub username: String,
    /// For numbers without a country code; empty where there is none.
    pub country_code: String,
    /// What is typed as the code of the text message, one after the other until one is taken; empty: it is asked for.
    pub codes: Vec<Secret>,
    /// For each answer.
    pub wait: Duration,
}

/// How an authentication went.
#[derive(Clone, Debug, Serialize)]
pub struct Round {
    /// As it was given.
    pub number: String,
    pub outcome: Outcome,
    pub answers: Vec<Answered>,
    /// Why it could not call.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
    /// How the client signed in.
    #[serde(serialize_with = "word")]
    pub signed_in: Option<Scheme>,
    /// In milliseconds, over all connections of the round.
    #[serde(serialize_with = "milliseconds", rename = "milliseconds")]
    pub times: Times,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub exchanges: Vec<Exchange>,
}

/// From best to worst.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    Passed,
    Denied,
    /// There was no answer.
    Failed,
}

/// What one operation answered.
#[derive(Clone, Debug, Serialize)]
pub struct Answered {
    pub operation: &'static str,
    pub result: bool,
    pub call_result: Option<Coded>,
    pub error: Option<Coded>,
}

/// A code with its text.
#[derive(Clone, Debug, Serialize)]
pub struct Coded {
    pub code: i32,
    pub text: String,
}

/// Call results that decide nothing yet: pending, text message sent, OATH code pending.
const WAITING: [i32; 3] = [15, 20, 22];
const TEXT_MESSAGE_SENT: i32 = 20;

impl Plan {
    /// The request that asks for the second factor.
    #[must_use]
    pub fn request(&self) -> PfAuthUser {
        let (country_code, number) = self.dialled();
        let some = |text: String| Some(text).filter(|it| !it.is_empty());
        PfAuthUser {
            username: Some(self.username.clone()),
            initiating_authentication_type: AuthenticationType::Pfsdk,
            require_user_match: true,
            mode: match self.gate {
                Gate::Phone | Gate::Pam => Mode::VoiceCall,
                Gate::Text => Mode::SmsText,
            },
            country_code: some(country_code),
            phone_number: some(number),
            ..PfAuthUser::default()
        }
    }

    /// The country code and the number, as they are sent: apart where a blank divides them, except that PAM writes
    /// digits alone.
    fn dialled(&self) -> (String, String) {
        let digits = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
        let number = self.number.trim();
        if self.gate == Gate::Pam {
            return (String::new(), digits(number));
        }
        match number.split_once(char::is_whitespace) {
            Some((country, rest)) => (digits(country), digits(rest)),
            None if number.starts_with('+') => (String::new(), number.into()),
            None => (self.country_code.clone(), number.into()),
        }
    }
}

/// Makes the calls of one authentication, each over a connection of its own, as .NET makes them where Windows signs
/// in. `code` tells the code of a text message.
pub async fn place(client: &Client, plan: &Plan, code: impl FnOnce() -> anyhow::Result<Secret>) -> Round {
    let mut round = Round {
        number: plan.number.clone(),
        outcome: Outcome::Failed,
        answers: Vec::new(),
        failure: None,
        signed_in: None,
        times: Times::default(),
        exchanges: Vec::new(),
    };
    match round.run(client, plan, code).await {
        Ok(outcome) => round.outcome = outcome,
        Err(failure) => round.failure = Some(failure),
    }
    round
}

impl Round {
    async fn run(
        &mut self,
        client: &Client,
        plan: &Plan,
        code: impl FnOnce() -> anyhow::Result<Secret>,
    ) -> Result<Outcome, Failure> {
        let mut connection = client.connect(Instant::now() + plan.wait).await?;
        let replied = connection.call(&plan.request()).await;
        self.keep(connection);
        let replied = replied?;
        let call_result = replied.out.call_result.clone();
        let code_of_result = call_result.as_ref().map_or(0, |it| it.code);
        self.answered("PfAuthUser_5", &replied, call_result);
        if !replied.succeeded || code_of_result != TEXT_MESSAGE_SENT {
            let is_decided = !WAITING.contains(&code_of_result);
            return Ok(if replied.succeeded && is_decided { Outcome::Passed } else { Outcome::Denied });
        }

        let codes = match plan.codes.as_slice() {
            [] => vec![code().map_err(|why| Failure::new(Stage::Call, format!("There is no code: {why}."), ""))?],
            codes => codes.into(),
        };
        for passcode in codes {
            let mut connection = client.connect(Instant::now() + plan.wait).await?;
            let request = ValidatePasscode { username: Some(plan.username.clone()), passcode: Some(passcode) };
            let replied = connection.call(&request).await;
            self.keep(connection);
            let replied = replied?;
            self.answered("ValidatePasscode", &replied, None);
            if replied.succeeded {
                return Ok(Outcome::Passed);
            }
        }
        Ok(Outcome::Denied)
    }

    fn keep(&mut self, connection: Connection<'_>) {
        let Times { connect, tls, sign_in, call } = connection.times;
        self.times.connect += connect;
        self.times.tls += tls;
        self.times.sign_in += sign_in;
        self.times.call += call;
        self.signed_in = self.signed_in.or(connection.signed_in);
        self.exchanges.extend(connection.exchanges);
    }

    fn answered<T>(&mut self, operation: &'static str, replied: &Replied<T>, call_result: Option<CallResult>) {
        let coded = |code, text: Option<String>| Coded { code, text: text.unwrap_or_default() };
        self.answers.push(Answered {
            operation,
            result: replied.succeeded,
            call_result: call_result.map(|it| coded(it.code, it.description)),
            error: replied.error.clone().map(|it| coded(it.code, it.description)),
        });
    }
}

/// Many rounds, taken together.
#[derive(Debug, Serialize)]
struct Summary {
    passed: usize,
    denied: usize,
    failed: usize,
    /// How often each last answer came; by number, where several were called.
    answers: BTreeMap<String, usize>,
    calls_per_second: f64,
    /// Of those that were answered, from connecting to the last answer.
    milliseconds: Spread,
}

#[derive(Debug, Serialize)]
struct Spread {
    min: f64,
    median: f64,
    p99: f64,
}

#[derive(Serialize)]
struct Report<'a> {
    url: String,
    gate: Gate,
    username: &'a str,
    country_code: String,
    number: String,
    outcome: Outcome,
    calls: &'a [Round],
    #[serde(skip_serializing_if = "Option::is_none")]
    summary: Option<Summary>,
}

/// Runs the command.
///
/// # Errors
/// It cannot begin, or cannot write.
pub async fn run(args: &Call, out: &mut (dyn Write + Send)) -> anyhow::Result<ExitCode> {
    let settings = args.access.service()?;
    let client = std::sync::Arc::new(args.access.client(settings.target)?);
    let plan = Plan {
        gate: args.gate,
        number: args.number.first().cloned().unwrap_or_default(),
        username: settings.username,
        country_code: settings.country_code,
        codes: args.code.iter().map(|it| it.as_str().into()).collect(),
        wait: Duration::from_secs(args.wait),
    };
    let started = Instant::now();
    let rounds = match args.repeat {
        1 => vec![place(&client, &plan, ask_for_code).await],
        count => {
            let numbers = args.number.iter().cycle().take(count as usize);
            let plans = numbers.map(|number| Plan { number: number.clone(), ..plan.clone() });
            place_many(&client, plans, args.parallel, args.raw).await
        }
    };
    let elapsed = started.elapsed();
    let summary = (args.repeat > 1).then(|| summarize(&rounds, elapsed));
    let outcome = rounds.iter().map(|it| it.outcome).max().unwrap_or(Outcome::Failed);
    let mut rounds = rounds;
    if !args.raw {
        rounds.iter_mut().for_each(|it| it.exchanges.clear());
    }
    let text = match args.json {
        true => {
            let (country_code, number) = plan.dialled();
            let url = client.target.to_string();
            let (gate, username) = (plan.gate, &plan.username);
            let report = Report { url, gate, username, country_code, number, outcome, calls: &rounds, summary };
            serde_json::to_string_pretty(&report).context("the report as JSON")? + "\n"
        }
        false => told(&client, &plan, &rounds, summary.as_ref()),
    };
    out.write_all(text.as_bytes()).context("cannot write the report")?;
    Ok(ExitCode::from(match outcome {
        Outcome::Passed => 0,
        Outcome::Denied => 1,
        Outcome::Failed => 3,
    }))
}

/// Makes many authentications, so many at a time.
async fn place_many(
    client: &std::sync::Arc<Client>,
    plans: impl Iterator<Item = Plan>,
    parallel: u32,
    keep_raw: bool,
) -> Vec<Round> {
    let mut rounds = Vec::new();
    let mut running = JoinSet::new();
    for plan in plans {
        if running.len() >= parallel as usize {
            rounds.extend(running.join_next().await.and_then(Result::ok));
        }
        let client = client.clone();
        running.spawn(async move {
            let nobody = || anyhow::bail!("many calls need it given with --code");
            let mut round = place(&client, &plan, nobody).await;
            if !keep_raw {
                round.exchanges = Vec::new();
            }
            round
        });
    }
    while let Some(round) = running.join_next().await {
        rounds.extend(round);
    }
    rounds
}

fn summarize(rounds: &[Round], elapsed: Duration) -> Summary {
    let count = |outcome| rounds.iter().filter(|it| it.outcome == outcome).count();
    let answered = rounds.iter().filter(|it| it.outcome != Outcome::Failed);
    let mut times: Vec<Duration> = answered.map(|it| it.times.total()).collect();
    times.sort_unstable();
    let at = |share: f64| {
        let place = (share * times.len() as f64).ceil() as usize;
        times.get(place.saturating_sub(1)).copied().map(in_milliseconds).unwrap_or_default()
    };
    let mut answers = BTreeMap::new();
    let many = rounds.iter().any(|it| it.number != rounds[0].number);
    for (round, answer) in rounds.iter().filter_map(|it| Some((it, it.answers.last()?))) {
        let answer = if many { format!("{}: {answer}", round.number) } else { answer.to_string() };
        *answers.entry(answer).or_default() += 1;
    }
    Summary {
        answers,
        passed: count(Outcome::Passed),
        denied: count(Outcome::Denied),
        failed: count(Outcome::Failed),
        calls_per_second: (rounds.len() as f64 / elapsed.as_secs_f64()).round(),
        milliseconds: Spread { min: at(0.0), median: at(0.5), p99: at(0.99) },
    }
}

impl Times {
    fn total(self) -> Duration {
        self.connect + self.tls + self.sign_in + self.call
    }
}

/// The report as people read it.
fn told(client: &Client, plan: &Plan, rounds: &[Round], summary: Option<&Summary>) -> String {
    let mut text = String::new();
    let (country_code, number) = plan.dialled();
    let number = match rounds.iter().any(|it| it.number != plan.number) {
        true => "several numbers".into(),
        false => [country_code, number].join(" "),
    };
    let mode = if plan.gate == Gate::Text { "text message" } else { "phone call" };
    let _ = writeln!(text, "calls       {} as {}, {mode} to {}", client.target, plan.username, number.trim());
    match summary {
        None => rounds.iter().for_each(|it| it.tell(client, &mut text)),
        Some(Summary { passed, denied, failed, answers, calls_per_second, milliseconds }) => {
            let _ = writeln!(text, "outcome     {passed} passed, {denied} denied, {failed} could not call");
            for (answer, count) in answers {
                let _ = writeln!(text, "answer      {count} × {answer}");
            }
            let Spread { min, median, p99 } = milliseconds;
            let _ = writeln!(
                text,
                "times       min {min} ms, median {median} ms, p99 {p99} ms; {calls_per_second} calls/s"
            );
            let mut told: Vec<&str> = Vec::new();
            for failure in rounds.iter().filter_map(|it| it.failure.as_ref()) {
                if !told.contains(&failure.what.as_str()) {
                    told.push(&failure.what);
                    failure.tell(&mut text);
                }
            }
            rounds.iter().for_each(|it| it.tell_exchanges(&mut text));
        }
    }
    text
}

impl Round {
    fn tell(&self, client: &Client, text: &mut String) {
        self.tell_exchanges(text);
        if let (Some(scheme), Some(credentials)) = (self.signed_in, &client.credentials) {
            let _ = writeln!(text, "signed in   as {} by {}", credentials.account, scheme.word());
        }
        for answer in &self.answers {
            let _ = writeln!(text, "answer      {answer}");
        }
        if let Some(failure) = &self.failure {
            return failure.tell(text);
        }
        let Times { connect, tls, sign_in, call } = self.times;
        let [connect, tls, sign_in, call] = [connect, tls, sign_in, call].map(in_milliseconds);
        let _ = writeln!(text, "times       connect {connect} ms, TLS {tls} ms, sign-in {sign_in} ms, call {call} ms");
        let _ = writeln!(text, "outcome     {}", if self.outcome == Outcome::Passed { "passed" } else { "denied" });
    }

    fn tell_exchanges(&self, text: &mut String) {
        for Exchange { request, response } in &self.exchanges {
            for (mark, message) in [(">", request), ("<", response)] {
                for line in message.lines() {
                    let _ = writeln!(text, "{mark}{}{line}", if line.is_empty() { "" } else { " " });
                }
            }
        }
    }
}

impl fmt::Display for Answered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.operation, self.result)?;
        for (name, coded) in [("call result", &self.call_result), ("error", &self.error)] {
            if let Some(Coded { code, text }) = coded.as_ref().filter(|it| it.code != 0) {
                write!(f, ", {name} {code} {text}")?;
            }
        }
        Ok(())
    }
}

impl Failure {
    fn tell(&self, text: &mut String) {
        let _ = writeln!(text, "FAILED      {}\n            {}", self.what, self.remedy);
    }
}

/// To a hundredth: what a clock can tell here.
fn in_milliseconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 100_000.0).round() / 100.0
}

fn milliseconds<S: Serializer>(times: &Times, serializer: S) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    struct Milliseconds {
        connect: f64,
        tls: f64,
        sign_in: f64,
        call: f64,
    }
    let Times { connect, tls, sign_in, call } = *times;
    let [connect, tls, sign_in, call] = [connect, tls, sign_in, call].map(in_milliseconds);
    Milliseconds { connect, tls, sign_in, call }.serialize(serializer)
}

fn word<S: Serializer>(scheme: &Option<Scheme>, serializer: S) -> Result<S::Ok, S::Error> {
    scheme.map(Scheme::word).serialize(serializer)
}
