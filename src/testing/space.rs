//! A space of a running server, as a test uses it.

use std::collections::HashMap;
use std::fmt;
use std::panic::{Location, resume_unwind};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;
use tokio::runtime::Handle;

use super::lines::Lines;
use crate::control::{Act, Api, List, Query, Refused, Verified, items};
use crate::server::FOLDER;

/// What the spaces of a server share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) handle: Handle,
    pub(super) lines: Lines,
    /// Scheme, host and port of the service.
    pub(super) service: String,
    /// The URL of the admin API.
    pub(super) admin: String,
    /// Of all that is drawn.
    pub(super) seed: u64,
}

/// A space: what a test calls, prepares, awaits and verifies.
#[derive(Debug)]
pub struct Space {
    shared: Arc<Shared>,
    /// Empty: the default space, which stays.
    name: String,
    url: String,
    admin_url: String,
    api: Arc<Api>,
    /// By conditions: the number of the newest message that a wait returned.
    seen: Mutex<HashMap<Vec<(String, String)>, String>>,
}

/// A message that the server sent. `Debug` shows neither the text nor the code.
#[derive(Clone, Deserialize)]
#[non_exhaustive]
pub struct Message {
    /// Its number among all events of the space.
    pub seq: u64,
    /// `text`, `app`, `mail`
    pub medium: String,
    /// The user of the call.
    pub username: String,
    /// The number or mail address; empty for the mobile app.
    pub to: String,
    pub text: String,
    /// The code in the text.
    pub code: Option<String>,
}

/// A challenge that is open: a ringing phone, a text message that awaits its reply, a notification of the app.
#[derive(Clone, Debug, Deserialize)]
#[non_exhaustive]
pub struct Challenge {
    pub id: u64,
    /// `ringing`, `answered`, `waiting`, `deciding`
    pub state: String,
    /// As in the call.
    pub username: String,
    /// The number that is called.
    pub phone: Option<String>,
    /// `voice`, `text`, `app`, `oath`
    pub channel: String,
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut it = f.debug_struct("Message");
        it.field("seq", &self.seq).field("medium", &self.medium).field("username", &self.username);
        it.field("to", &self.to).finish_non_exhaustive()
    }
}

impl Shared {
    /// Why something was not done, in full.
    fn told(&self, what: &str, error: &anyhow::Error) -> String {
        let mut text = format!("{what}: {error:#}");
        let refused = error.downcast_ref::<Refused>();
        // The first mistake is the text of the error.
        let mistakes = refused.and_then(|it| it.problem["mistakes"].as_array()).into_iter().flatten().skip(1);
        mistakes.for_each(|it| text += &format!("\n{}", it["message"].as_str().unwrap_or_default()));
        text + &self.newest_lines()
    }

    /// The seed and the end of the log, behind a failure.
    fn newest_lines(&self) -> String {
        let seed = self.seed;
        match self.lines.newest(IN_FAILURES).join("\n  ") {
            lines if lines.is_empty() => format!("\nThe server's seed: {seed}"),
            lines => format!("\nThe server's seed: {seed}\nThe newest lines of the server's log:\n  {lines}"),
        }
    }
}

impl Space {
    pub(super) fn default_of(shared: Arc<Shared>) -> Self {
        Self::of(shared, String::new())
    }

    fn of(shared: Arc<Shared>, name: String) -> Self {
        let path = if name.is_empty() { String::new() } else { format!("/~{name}") };
        let admin = shared.admin.parse().expect("it is a URL");
        Self {
            url: format!("{}{path}{FOLDER}/PfWsSdk.asmx", shared.service),
            admin_url: format!("{}{path}", shared.admin),
            api: Arc::new(Api::new(admin, name.clone(), None)),
            seen: Mutex::default(),
            shared,
            name,
        }
    }

    #[track_caller]
    pub(super) fn another(&self, name: &str) -> Self {
        let (api, made) = (self.api.clone(), name.to_owned());
        // A fork of the default space would go on from what other tests did there.
        let taken = self.now("The space cannot be made", async move {
            let spaces = api.spaces().await?;
            let is_taken = items(&spaces).iter().any(|it| it["name"] == *made.to_lowercase());
            if !is_taken {
                api.new_space(&made, None, None).await?;
            }
            Ok(is_taken)
        });
        assert!(
            !taken,
            "There is a space {name} already: two tests use one space. Give each test a name of its own.{}",
            self.newest_lines()
        );
        Self::of(self.shared.clone(), name.to_owned())
    }

    /// The URL of the service, for the client under test.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The URL of the admin API, for what has no method here.
    #[must_use]
    pub fn admin_url(&self) -> &str {
        &self.admin_url
    }

    /// The seed of all that the server draws, for [`Builder::seed`](super::Builder::seed): with it, a run repeats.
    #[must_use]
    pub fn seed(&self) -> u64 {
        self.shared.seed
    }

    /// The newest lines of the server's log, up to 200.
    #[must_use]
    pub fn log(&self) -> Vec<String> {
        self.shared.lines.newest(usize::MAX)
    }

    /// Adds a rule before all others, by the keys of scenario files, in YAML. Returns its name.
    ///
    /// # Panics
    /// The rule has mistakes.
    #[track_caller]
    pub fn add_rule(&self, rule: &str) -> String {
        let (api, rule) = (self.api.clone(), rule.to_owned());
        let added = self.now("The rule cannot be added", async move { api.add_rule(rule, None, None).await });
        added["name"].as_str().unwrap_or_default().to_owned()
    }

    /// Removes a rule.
    ///
    /// # Panics
    /// There is no rule of that name.
    #[track_caller]
    pub fn remove_rule(&self, name: &str) {
        let (api, name) = (self.api.clone(), name.to_owned());
        self.now("The rule cannot be removed", async move { api.remove_rule(&name).await });
    }

    /// The calls that the space received, as `GET /calls` returns them: the newest 100. The conditions are those of
    /// lists, such as `("operation", "PfAuthUser*")`.
    ///
    /// # Panics
    /// A condition is unknown.
    #[track_caller]
    pub fn calls(&self, conditions: &[(&str, &str)]) -> Vec<Value> {
        let (api, query) = (self.api.clone(), Query { conditions: owned(conditions), ..Query::default() });
        let page = self.now("The calls cannot be listed", async move { api.list(List::Calls, &query).await });
        items(&page).to_vec()
    }

    /// Waits for a message, such as `[("to", "+1 425 555 0100")]`. Waits with the same conditions return each message
    /// once, the oldest first.
    ///
    /// # Panics
    /// No message comes in time, or a condition is unknown.
    #[track_caller]
    pub fn wait_for_message(&self, conditions: &[(&str, &str)], timeout: Duration) -> Message {
        let (message, next) = self.now("There is no message", self.message(conditions, timeout));
        self.see(conditions, next);
        message
    }

    /// [`Space::wait_for_message`] as a future.
    ///
    /// # Panics
    /// As [`Space::wait_for_message`], when it is awaited.
    #[track_caller]
    pub fn wait_for_message_async<'a>(
        &'a self,
        conditions: &'a [(&'a str, &'a str)],
        timeout: Duration,
    ) -> impl Future<Output = Message> + Send + 'a {
        let message = self.later("There is no message", self.message(conditions, timeout));
        async move {
            let (message, next) = message.await;
            self.see(conditions, next);
            message
        }
    }

    fn message(
        &self,
        conditions: &[(&str, &str)],
        timeout: Duration,
    ) -> impl Future<Output = anyhow::Result<(Message, String)>> + use<> {
        let conditions = owned(conditions);
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner).get(&conditions).cloned();
        let api = self.api.clone();
        async move {
            let query = Query {
                conditions,
                wait: Some(in_words(timeout)),
                after: Some(seen.unwrap_or_else(|| "0".into())),
                limit: Some(1),
            };
            let page = api.list(List::Messages, &query).await?;
            let first = items(&page).first().cloned();
            let Some(message) = first else {
                let others = api.list(List::Messages, &Query::default()).await?;
                let others = items(&others).iter().map(|it| format!("#{} to {}", it["seq"], it["to"]));
                let others = others.collect::<Vec<_>>().join(", ");
                let what = described(&query.conditions);
                let others = if others.is_empty() { "There is none".into() } else { format!("All are: {others}") };
                anyhow::bail!("none{what} came within {timeout:?}. {others}.")
            };
            Ok((serde_json::from_value(message)?, page["next"].as_str().unwrap_or_default().into()))
        }
    }

    fn see(&self, conditions: &[(&str, &str)], next: String) {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).insert(owned(conditions), next);
    }

    /// Waits for an open challenge, such as `[("username", "anna")]`.
    ///
    /// # Panics
    /// None opens in time, or a condition is unknown.
    #[track_caller]
    pub fn wait_for_challenge(&self, conditions: &[(&str, &str)], timeout: Duration) -> Challenge {
        self.now("There is no challenge", self.challenge(conditions, timeout))
    }

    /// [`Space::wait_for_challenge`] as a future.
    ///
    /// # Panics
    /// As [`Space::wait_for_challenge`], when it is awaited.
    #[track_caller]
    pub fn wait_for_challenge_async(
        &self,
        conditions: &[(&str, &str)],
        timeout: Duration,
    ) -> impl Future<Output = Challenge> + Send + use<> {
        self.later("There is no challenge", self.challenge(conditions, timeout))
    }

    fn challenge(
        &self,
        conditions: &[(&str, &str)],
        timeout: Duration,
    ) -> impl Future<Output = anyhow::Result<Challenge>> + use<> {
        let query = Query { conditions: owned(conditions), wait: Some(in_words(timeout)), ..Query::default() };
        let api = self.api.clone();
        async move {
            let page = api.list(List::Challenges, &query).await?;
            let first = items(&page).first().cloned();
            let what = described(&query.conditions);
            let first = first.ok_or_else(|| anyhow::anyhow!("none{what} opened within {timeout:?}"))?;
            Ok(serde_json::from_value(first)?)
        }
    }

    /// Acts as the person in a challenge, one act after the other.
    ///
    /// # Panics
    /// The challenge is over, or the act does not fit it.
    #[track_caller]
    pub fn act(&self, challenge: &Challenge, acts: &[Act]) {
        let (api, id, acts) = (self.api.clone(), challenge.id, acts.to_vec());
        self.now("The person cannot act so", async move {
            for act in &acts {
                api.act(Some(id), act).await?;
            }
            Ok(())
        });
    }

    /// Compares what happened with expectations, as `locmfa verify` takes them, in YAML. It waits for them to come
    /// true, for so long at most.
    ///
    /// # Panics
    /// An expectation does not come true: the text shows what came nearest. Or the expectations have mistakes.
    #[track_caller]
    pub fn verify(&self, expectations: &str, wait: Duration) {
        self.now("The verification failed", self.verified(expectations, wait));
    }

    /// [`Space::verify`] as a future.
    ///
    /// # Panics
    /// As [`Space::verify`], when it is awaited.
    #[track_caller]
    pub fn verify_async(&self, expectations: &str, wait: Duration) -> impl Future<Output = ()> + Send + use<> {
        self.later("The verification failed", self.verified(expectations, wait))
    }

    fn verified(&self, expectations: &str, wait: Duration) -> impl Future<Output = anyhow::Result<()>> + use<> {
        let (api, text) = (self.api.clone(), expectations.to_owned());
        async move {
            let read = crate::scenario::export::value("the expectations", &text);
            let expectations = read.map_err(|mistakes| {
                let mistakes: Vec<_> = mistakes.iter().map(ToString::to_string).collect();
                anyhow::anyhow!("{}", mistakes.join("\n\n"))
            })?;
            match api.verify(expectations, Some(in_words(wait))).await? {
                Verified::Holds(_) => Ok(()),
                Verified::Fails(problem) => {
                    anyhow::bail!("{}", problem["detail"].as_str().unwrap_or_default().to_owned())
                }
            }
        }
    }

    /// Does it on the server's thread, and waits for it.
    #[track_caller]
    fn now<T: Send + 'static>(&self, what: &str, doing: impl Future<Output = anyhow::Result<T>> + Send + 'static) -> T {
        let (sender, receiver) = mpsc::channel();
        self.shared.handle.spawn(async move { sender.send(doing.await) });
        match receiver.recv() {
            Ok(Ok(done)) => done,
            Ok(Err(error)) => panic!("{}", self.shared.told(what, &error)),
            Err(_) => panic!("{what}: the server has ended.{}", self.newest_lines()),
        }
    }

    /// Does it on the server's thread. The future panics with the place of the caller.
    #[track_caller]
    fn later<T, F>(&self, what: &'static str, doing: F) -> impl Future<Output = T> + Send + use<T, F>
    where
        T: Send + 'static,
        F: Future<Output = anyhow::Result<T>> + Send + 'static,
    {
        let caller = Location::caller();
        let doing = self.shared.handle.spawn(doing);
        let shared = self.shared.clone();
        async move {
            match doing.await {
                Ok(Ok(done)) => done,
                Ok(Err(error)) => panic!("{caller}: {}", shared.told(what, &error)),
                Err(error) if error.is_panic() => resume_unwind(error.into_panic()),
                Err(_) => panic!("{caller}: {what}: the server has ended.{}", shared.newest_lines()),
            }
        }
    }

    /// The end of the log, behind a failure.
    pub(super) fn newest_lines(&self) -> String {
        self.shared.newest_lines()
    }
}

impl Drop for Space {
    fn drop(&mut self) {
        if self.name.is_empty() {
            return;
        }
        let (api, name) = (self.api.clone(), self.name.clone());
        let (sender, receiver) = mpsc::channel();
        // A space that is gone, or a server that has ended, needs no removal.
        self.shared.handle.spawn(async move {
            let _ = api.drop_space(&name).await;
            sender.send(())
        });
        let _ = receiver.recv();
    }
}

fn owned(conditions: &[(&str, &str)]) -> Vec<(String, String)> {
    conditions.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn described(conditions: &[(String, String)]) -> String {
    let conditions: Vec<_> = conditions.iter().map(|(name, value)| format!("{name}={value}")).collect();
    if conditions.is_empty() { String::new() } else { format!(" with {}", conditions.join(" ")) }
}

fn in_words(time: Duration) -> String {
    humantime::format_duration(time).to_string()
}

/// How many lines of the log a failure shows.
const IN_FAILURES: usize = 10;
