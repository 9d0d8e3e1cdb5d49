//! `locmfa mim call`: calls as MIM makes them, and their outcome.

use std::fmt::Write as _;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::builder::PossibleValue;
use clap::{Args, ValueEnum};
use serde::Serialize;
use tokio::time::Instant;

use super::super::print::{Output, complain};
use super::access::{Access, ask_for_code};
use crate::client::flow::{FICTIONAL, Gate, Outcome, Plan, Round, in_milliseconds, place};
use crate::client::{Client, Exchange, Failure, Times};
use crate::mim::call::{Spread, Summary, place_many, summarize};

#[derive(Args, Debug)]
#[command(after_help = EXIT_CODES)]
pub struct Call {
    #[command(flatten)]
    access: Access,
    /// What asks: a phone gate, a text message gate, or the activation of a role
    #[arg(long, value_enum, default_value_t = Gate::Phone)]
    gate: Gate,
    /// The number to call, "country code, blank, number" [default: a number that is reserved for fiction]. With several
    /// numbers, each call takes the next
    #[arg(long, value_name = "NUMBER", default_value = FICTIONAL, hide_default_value = true)]
    number: Vec<String>,
    /// The code of the text message [default: asked for at the terminal]. Several codes are tried until one is right
    #[arg(long, value_name = "DIGITS")]
    code: Vec<String>,
    /// The time to wait for an answer, in seconds: .NET, and so MIM most likely, waits for 100
    #[arg(long, value_name = "SECONDS", default_value_t = 100)]
    wait: u32,
    /// The number of calls
    #[arg(long, value_name = "COUNT", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    repeat: u32,
    /// The largest number of open calls
    #[arg(long, value_name = "COUNT", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    parallel: u32,
    /// Print what was on the wire, without secrets
    #[arg(long)]
    raw: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

const EXIT_CODES: &str = "Exit codes: 0 passed; 1 denied; 2 the command line is wrong; 3 the call failed. The worst of several calls counts.";

impl ValueEnum for Gate {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::Phone, Self::Text, Self::Pam]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(match self {
            Self::Phone => PossibleValue::new("phone").help("Password reset by phone call"),
            Self::Text => PossibleValue::new("text").help("Password reset by text message"),
            Self::Pam => {
                PossibleValue::new("pam").help("The activation of a role (PAM), whose numbers are digits alone")
            }
        })
    }
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

impl Call {
    pub(super) async fn run(self, out: &mut Output<'_>) -> anyhow::Result<ExitCode> {
        let settings = self.access.service()?;
        if let Some(obstacle) = self.access.obstacle(&settings) {
            complain(obstacle);
            return Ok(ExitCode::FAILURE);
        }
        let client = Arc::new(self.access.client(settings.target)?);
        let plan = Plan {
            gate: self.gate,
            number: self.number.first().cloned().unwrap_or_default(),
            username: settings.username,
            country_code: settings.country_code,
            codes: self.code.iter().map(|it| it.as_str().into()).collect(),
            wait: Duration::from_secs(self.wait.into()),
        };
        let started = Instant::now();
        let rounds = match self.repeat {
            1 => vec![place(&client, &plan, async { ask_for_code() }).await],
            count => {
                let numbers = self.number.iter().cycle().take(count as usize);
                let plans = numbers.map(|number| Plan { number: number.clone(), ..plan.clone() });
                place_many(&client, plans, self.parallel, self.raw).await
            }
        };
        let elapsed = started.elapsed();
        let summary = (self.repeat > 1).then(|| summarize(&rounds, elapsed));
        let outcome = rounds.iter().map(|it| it.outcome).max().unwrap_or(Outcome::Failed);
        let mut rounds = rounds;
        if !self.raw {
            rounds.iter_mut().for_each(|it| it.exchanges.clear());
        }
        match self.json {
            true => {
                let (country_code, number) = plan.dialled();
                let url = client.target.to_string();
                let (gate, username) = (plan.gate, &plan.username);
                out.json(&Report { url, gate, username, country_code, number, outcome, calls: &rounds, summary })?;
            }
            false => out.print(&text_of(&client, &plan, &rounds, summary.as_ref()))?,
        }
        Ok(ExitCode::from(match outcome {
            Outcome::Passed => 0,
            Outcome::Denied => 1,
            Outcome::Failed => 3,
        }))
    }
}

/// The report as text.
fn text_of(client: &Client, plan: &Plan, rounds: &[Round], summary: Option<&Summary>) -> String {
    let mut text = String::new();
    let (country_code, number) = plan.dialled();
    let number = match rounds.iter().any(|it| it.number != plan.number) {
        true => "several numbers".into(),
        false => [country_code, number].join(" "),
    };
    let mode = if plan.gate == Gate::Text { "text message" } else { "phone call" };
    let _ = writeln!(text, "calls       {} as {}, {mode} to {}", client.target, plan.username, number.trim());
    match summary {
        None => rounds.iter().for_each(|it| write_round(it, client, &mut text)),
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
            let mut written: Vec<&str> = Vec::new();
            for failure in rounds.iter().filter_map(|it| it.failure.as_ref()) {
                if !written.contains(&failure.what.as_str()) {
                    written.push(&failure.what);
                    write_failure(failure, &mut text);
                }
            }
            rounds.iter().for_each(|it| write_exchanges(it, &mut text));
        }
    }
    text
}

fn write_round(round: &Round, client: &Client, text: &mut String) {
    write_exchanges(round, text);
    if let (Some(scheme), Some(credentials)) = (round.signed_in, &client.credentials) {
        let _ = writeln!(text, "signed in   as {} by {}", credentials.account, scheme.word());
    }
    for answer in &round.answers {
        let _ = writeln!(text, "answer      {answer}");
    }
    if let Some(failure) = &round.failure {
        return write_failure(failure, text);
    }
    let Times { connect, tls, sign_in, call } = round.times;
    let [connect, tls, sign_in, call] = [connect, tls, sign_in, call].map(in_milliseconds);
    let _ = writeln!(text, "times       connect {connect} ms, TLS {tls} ms, sign-in {sign_in} ms, call {call} ms");
    let _ = writeln!(text, "outcome     {}", if round.outcome == Outcome::Passed { "passed" } else { "denied" });
}

fn write_exchanges(round: &Round, text: &mut String) {
    for Exchange { request, response } in &round.exchanges {
        for (mark, message) in [(">", request), ("<", response)] {
            for line in message.lines() {
                let _ = writeln!(text, "{mark}{}{line}", if line.is_empty() { "" } else { " " });
            }
        }
    }
}

fn write_failure(failure: &Failure, text: &mut String) {
    let _ = writeln!(text, "FAILED      {}\n            {}", failure.what, failure.remedy);
}
