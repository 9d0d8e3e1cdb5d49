//! What the command line asks of the admin API of a running server. Answers are the API's own JSON: this module knows
//! nothing that another program could not know.

mod client;

use std::ops::ControlFlow;

use anyhow::{Context, bail};
use hyper::Method;
use serde_json::{Map, Value, json};

use crate::contract::Secret;
use client::segment;
pub use client::{Refused, Url, by_command};

/// The admin API of a server, and the space that is asked.
#[derive(Debug)]
pub struct Api {
    url: Url,
    /// Empty: the default space.
    space: String,
    token: Option<Secret>,
}

/// The lists that take conditions.
#[derive(Clone, Copy, Debug)]
pub enum List {
    Calls,
    Messages,
    Users,
    Challenges,
}

/// What a list has to have. Names and values are those of the API's query.
#[derive(Clone, Debug, Default)]
pub struct Query {
    pub conditions: Vec<(String, String)>,
    /// How long to wait for a first item.
    pub wait: Option<String>,
    /// Only what follows this number, or `now`.
    pub after: Option<String>,
    pub limit: Option<usize>,
}

/// What a person does in a challenge.
#[derive(Clone, Debug)]
pub enum Act {
    Answer,
    Press(String),
    Enter(String),
    HangUp,
    Reply(String),
    Approve,
    Deny,
    Fraud,
}

/// What is asked of a space's clock, or done to it.
#[derive(Clone, Debug)]
pub enum Clock {
    Show,
    Freeze,
    Real,
    Auto,
    Rate(f64),
    /// A timestamp.
    Set(String),
    /// The next thing that is due.
    Next,
    /// A duration such as `10m`, or a timestamp.
    Advance(String),
}

/// How a verification ended.
#[derive(Debug)]
pub enum Verified {
    /// The API's answer.
    Holds(Value),
    /// The API's problem document, whose `detail` says what did not hold.
    Fails(Value),
}

/// Failed connections and sign-ins of one kind.
#[derive(Clone, Debug)]
pub struct Failures {
    /// As in docs/troubles.md.
    pub kind: String,
    pub count: u64,
    /// The newest failure, in a sentence.
    pub what: String,
    pub remedy: String,
}

/// Each method fails with [`Refused`] where the server refuses, and with a sentence and its remedy where no server
/// answers.
impl Api {
    #[must_use]
    pub const fn new(url: Url, space: String, token: Option<Secret>) -> Self {
        Self { url, space, token }
    }

    /// Whether the server is ready for calls, and its version.
    pub async fn health(&self) -> anyhow::Result<Value> {
        self.get("/readyz").await
    }

    /// An object of `page`, `health`, `spaces` and `failures`.
    pub async fn status(&self) -> anyhow::Result<Value> {
        let health = self.health().await?;
        let spaces = self.get("/spaces").await?;
        let failures = self.get("/failures").await?;
        Ok(
            json!({"page": format!("{}/", self.address()), "health": health, "seed": spaces["seed"], "spaces": spaces["items"], "failures": failures}),
        )
    }

    /// What `/readyz` answers, if the server is ready and has the space of this API.
    pub async fn ready(&self) -> anyhow::Result<Value> {
        let health = self.get("/readyz").await?;
        if !self.space.is_empty() {
            self.get(&format!("/spaces/{}", segment(&self.space))).await?;
        }
        Ok(health)
    }

    /// Asks the server to stop: an object of `status`, `pid` and `open_calls`. It comes before the server has stopped.
    pub async fn stop(&self) -> anyhow::Result<Value> {
        self.json(Method::POST, "/stop", None).await
    }

    /// Why clients did not come through: one row for each kind of failure.
    pub async fn failures(&self) -> anyhow::Result<Vec<Failures>> {
        let failures = self.get("/failures").await?;
        let counts = failures["counts"].as_object().into_iter().flatten();
        let text =
            |item: Option<&Value>, key: &str| item.and_then(|it| it[key].as_str()).unwrap_or_default().to_owned();
        let of_kind = |(kind, count): (&String, &Value)| {
            let newest = items(&failures).iter().rev().find(|it| it["kind"] == **kind);
            let count = count.as_u64().unwrap_or_default();
            Failures { kind: kind.clone(), count, what: text(newest, "what"), remedy: text(newest, "remedy") }
        };
        Ok(counts.map(of_kind).collect())
    }

    /// A page of a list: an object with `items`.
    pub async fn list(&self, list: List, query: &Query) -> anyhow::Result<Value> {
        let path = match list {
            List::Calls => "/calls",
            List::Messages => "/messages",
            List::Users => "/users",
            List::Challenges => "/challenges",
        };
        let Query { conditions, wait, after, limit } = query;
        let controls = [("wait", wait.clone()), ("after", after.clone()), ("limit", limit.map(|it| it.to_string()))];
        let pairs = conditions.iter().cloned().chain(given(controls));
        self.get(&format!("{path}?{}", encoded(pairs))).await
    }

    /// Passes each new event of a kind, and with `after` what follows that cursor, to `see` until the server stops or `see` has seen enough, and to `warn` what the
    /// stream says of itself: that events are lost, or that the space was reset. Where the space is dropped it fails with
    /// [`Refused`].
    pub async fn follow_events(
        &self,
        kind: &str,
        after: Option<&str>,
        conditions: &[(String, String)],
        mut see: impl FnMut(&Value) -> anyhow::Result<ControlFlow<()>>,
        mut warn: impl FnMut(&str),
    ) -> anyhow::Result<()> {
        let after = given([("after", after.map(Into::into))]);
        let path = format!("/events?kinds={kind}&{}", encoded(conditions.iter().cloned().chain(after)));
        let each = |name: &str, event: Value| match name {
            "ended" => Err(Refused::of(event).into()),
            "lost" | "reset" => {
                warn(event["detail"].as_str().unwrap_or_default());
                Ok(ControlFlow::Continue(()))
            }
            _ => see(&event),
        };
        self.follow(&path, each).await
    }

    /// One call: an object of `call`, `fields`, `explained`, and `request` and `answer` if `raw`.
    pub async fn call(&self, seq: u64, raw: bool) -> anyhow::Result<Value> {
        self.get(&format!("/calls/{seq}?raw={raw}")).await
    }

    /// Does what a person does in a challenge; without an id, in the one that is open.
    pub async fn act(&self, id: Option<u64>, act: &Act) -> anyhow::Result<Value> {
        let act = match act {
            Act::Answer => json!("answers"),
            Act::Press(keys) => json!({"presses": keys}),
            Act::Enter(what) => json!({"enters": what}),
            Act::HangUp => json!("hangs-up"),
            Act::Reply(text) => json!({"replies": text}),
            Act::Approve => json!("approves"),
            Act::Deny => json!("denies"),
            Act::Fraud => json!("reports-fraud"),
        };
        let id = match id {
            Some(id) => id,
            None => self.open_challenge().await?,
        };
        self.json(Method::POST, &format!("/challenges/{id}/act"), Some(json!({"act": act}))).await
    }

    async fn open_challenge(&self) -> anyhow::Result<u64> {
        let open = self.get("/challenges").await?;
        match items(&open) {
            [one] => Ok(one["id"].as_u64().unwrap_or_default()),
            [] => Err(Refused::of(json!({
                "detail": "No phone rings, and no text message waits.",
                "remedy": "`locmfa phone list --wait 30s` waits for one.",
            }))
            .into()),
            more => bail!("{} challenges are open; name one with --id. `locmfa phone list` lists them", more.len()),
        }
    }

    pub async fn rules(&self) -> anyhow::Result<Value> {
        self.get("/rules").await
    }

    /// Adds a rule, given as YAML, before all others.
    pub async fn add_rule(&self, rule: String, times: Option<u64>, lasts: Option<String>) -> anyhow::Result<Value> {
        let controls = given([("times", times.map(|it| it.to_string())), ("lasts", lasts)]);
        let path = format!("/rules?{}", encoded(controls));
        let added = self.ask(Method::POST, &path, Some(("application/yaml", rule))).await?;
        serde_json::from_str(&added).context("the answer of the admin API is not JSON")
    }

    pub async fn remove_rule(&self, name: &str) -> anyhow::Result<()> {
        self.json(Method::DELETE, &format!("/rules/{}", segment(name)), None).await.map(drop)
    }

    /// An object of `items` and `running`.
    pub async fn incidents(&self) -> anyhow::Result<Value> {
        self.get("/incidents").await
    }

    pub async fn incident(&self, name: &str) -> anyhow::Result<Value> {
        self.get(&format!("/incidents/{}", segment(name))).await
    }

    /// Begins an incident: an object of `name`, `since`, `until`, `left_seconds` and `hits`.
    pub async fn begin_incident(&self, name: &str, lasts: Option<String>) -> anyhow::Result<Value> {
        let path = format!("/incidents/{}?{}", segment(name), encoded(given([("lasts", lasts)])));
        self.json(Method::POST, &path, None).await
    }

    /// Ends the incident that runs: an object of `ended` and `hits`.
    pub async fn end_incident(&self) -> anyhow::Result<Value> {
        self.json(Method::DELETE, "/incidents", None).await
    }

    /// What the clock shows after what was done to it.
    pub async fn clock(&self, clock: Clock) -> anyhow::Result<Value> {
        let set = |body| (Method::PUT, "/clock", Some(body));
        let (method, path, body) = match clock {
            Clock::Show => (Method::GET, "/clock", None),
            Clock::Freeze => set(json!({"pace": "frozen"})),
            Clock::Real => set(json!({"pace": "real"})),
            Clock::Auto => set(json!({"pace": "auto"})),
            Clock::Set(to) => (Method::POST, "/clock/advance", Some(json!({"to": to}))),
            Clock::Rate(times) => set(json!({"rate": times})),
            Clock::Next => (Method::POST, "/clock/advance", Some(json!({"to": "next"}))),
            Clock::Advance(how_far) => {
                let key = if how_far.contains('T') { "to" } else { "by" };
                (Method::POST, "/clock/advance", Some(json!({key: how_far})))
            }
        };
        self.json(method, path, body).await
    }

    /// The fault of TLS that is on: an object of `fault`, `about`, `by` and `until`, or without members.
    pub async fn tls_fault(&self) -> anyhow::Result<Value> {
        self.get("/tls-fault").await
    }

    /// Switches a fault of TLS on, for a length of time such as `15m`: what [`Self::tls_fault`] then tells.
    pub async fn start_tls_fault(&self, fault: &str, lasts: &str) -> anyhow::Result<Value> {
        self.json(Method::PUT, "/tls-fault", Some(json!({"fault": fault, "lasts": lasts}))).await
    }

    pub async fn stop_tls_fault(&self) -> anyhow::Result<()> {
        self.json(Method::DELETE, "/tls-fault", None).await.map(drop)
    }

    pub async fn spaces(&self) -> anyhow::Result<Value> {
        self.get("/spaces").await
    }

    /// Makes a space with a name from a label, as [`Self::new_space`] does.
    pub async fn new_labelled_space(
        &self,
        label: &str,
        from: Option<&str>,
        scenario: Option<&str>,
    ) -> anyhow::Result<Value> {
        let body = json!({"label": label, "from": from, "scenario": scenario});
        self.json(Method::POST, "/spaces", Some(body)).await
    }

    /// Makes a space from another one or from the text of a scenario; without both, from the loaded scenario.
    pub async fn new_space(&self, name: &str, from: Option<&str>, scenario: Option<&str>) -> anyhow::Result<Value> {
        let body = json!({"from": from, "scenario": scenario});
        self.json(Method::PUT, &format!("/spaces/{}", segment(name)), Some(body)).await
    }

    pub async fn reset_space(&self, name: &str) -> anyhow::Result<Value> {
        self.json(Method::POST, &format!("/spaces/{}/reset", segment(name)), None).await
    }

    /// What happened in the space, as one HTML file.
    pub async fn report(&self) -> anyhow::Result<String> {
        self.ask(Method::GET, "/report", None).await
    }

    /// The space of this API as the YAML of a scenario, secrets included.
    pub async fn snapshot(&self) -> anyhow::Result<String> {
        self.ask(Method::GET, "/snapshot", None).await
    }

    pub async fn drop_space(&self, name: &str) -> anyhow::Result<()> {
        self.json(Method::DELETE, &format!("/spaces/{}", segment(name)), None).await.map(drop)
    }

    pub async fn user(&self, username: &str) -> anyhow::Result<Value> {
        self.get(&user(username)).await
    }

    /// Adds a user, by the keys of a scenario.
    pub async fn add_user(&self, keys: Vec<(String, String)>) -> anyhow::Result<Value> {
        self.json(Method::POST, "/users", Some(object(keys))).await
    }

    /// Adds users, given as a list in YAML: all of them, or none.
    pub async fn add_users(&self, list: String) -> anyhow::Result<()> {
        self.ask(Method::POST, "/users", Some(("application/yaml", list))).await.map(drop)
    }

    /// Changes a user, by the keys of a scenario. An empty value is the company's default.
    pub async fn change_user(&self, username: &str, keys: Vec<(String, String)>) -> anyhow::Result<Value> {
        self.json(Method::PATCH, &user(username), Some(object(keys))).await
    }

    pub async fn remove_user(&self, username: &str) -> anyhow::Result<()> {
        self.json(Method::DELETE, &user(username), None).await.map(drop)
    }

    /// Compares what happened with expectations: an object with a list `expect`, or that list. `wait` replaces the
    /// time in the object.
    pub async fn verify(&self, expectations: Value, wait: Option<String>) -> anyhow::Result<Verified> {
        let mut expectations = match expectations {
            Value::Array(list) => json!({"expect": list}),
            other => other,
        };
        if let (Some(wait), Some(map)) = (wait, expectations.as_object_mut()) {
            map.insert("wait".into(), wait.into());
        }
        match self.json(Method::POST, "/verify", Some(expectations)).await {
            Ok(verified) => Ok(Verified::Holds(verified)),
            Err(error) => {
                let refused: Refused = error.downcast()?;
                match refused.problem.get("failures") {
                    Some(_) => Ok(Verified::Fails(refused.problem)),
                    None => Err(refused.into()),
                }
            }
        }
    }

    async fn get(&self, path: &str) -> anyhow::Result<Value> {
        self.json(Method::GET, path, None).await
    }
}

/// The items of a page.
#[must_use]
pub fn items(page: &Value) -> &[Value] {
    page.get("items").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

fn user(username: &str) -> String {
    format!("/users/{}", segment(username))
}

fn given<const N: usize>(pairs: [(&str, Option<String>); N]) -> impl Iterator<Item = (String, String)> {
    pairs.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)))
}

fn encoded(pairs: impl Iterator<Item = (String, String)>) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

/// Keys and values as an object. `true` and `false` are booleans, and an empty value is `null`.
fn object(pairs: Vec<(String, String)>) -> Value {
    let value = |text: String| match text.as_str() {
        "" => Value::Null,
        "true" => true.into(),
        "false" => false.into(),
        _ => text.into(),
    };
    Value::Object(pairs.into_iter().map(|(key, text)| (key, value(text))).collect::<Map<_, _>>())
}
