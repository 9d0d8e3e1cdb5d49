//! Many authentications at a time, and their figures.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use tokio::task::JoinSet;

use crate::client::Client;
use crate::client::flow::{Outcome, Plan, Round, in_milliseconds, place};

/// The figures of many rounds.
#[derive(Debug, Serialize)]
pub struct Summary {
    pub passed: usize,
    pub denied: usize,
    pub failed: usize,
    /// How often each last answer came; for each number, if there are several.
    pub answers: BTreeMap<String, usize>,
    pub calls_per_second: f64,
    /// From connecting to the last answer, over the rounds with an answer.
    pub milliseconds: Spread,
}

#[derive(Debug, Serialize)]
pub struct Spread {
    pub min: f64,
    pub median: f64,
    pub p99: f64,
}

/// Makes many authentications, `parallel` at a time. `keep_raw` keeps what went over the wire.
pub async fn place_many(
    client: &Arc<Client>,
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
            let no_code = async { Err("many calls need it given with --code".into()) };
            let mut round = place(&client, &plan, no_code).await;
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

/// The figures of at least one round.
#[must_use]
pub fn summarize(rounds: &[Round], elapsed: Duration) -> Summary {
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
