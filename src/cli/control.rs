//! The command line over the admin API: what it tells and does for people and scripts. It knows nothing that another
//! program could not know.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::{Args, Subcommand};
use hyper::Method;
use serde_json::{Map, Value, json};

use super::files;
use super::table::{Column, line, sheet, table};
use crate::control::{Api, No, Url, segment};
use crate::file;
use crate::scenario;

/// Which server is asked, and how it is told.
#[derive(Args, Debug)]
pub(super) struct Target {
    /// Where the admin API of the server is
    #[arg(long, value_name = "URL", env = "LOCMFA_ADMIN", default_value = "http://127.0.0.1:9998")]
    admin: Url,
    /// The space; without it, the default one
    #[arg(long, value_name = "NAME", default_value = "")]
    space: String,
    /// The file with the token, where the server wants one
    #[arg(long, value_name = "FILE", env = "LOCMFA_ADMIN_TOKEN_FILE")]
    admin_token_file: Option<PathBuf>,
    /// Tell JSON, for scripts
    #[arg(long)]
    json: bool,
}

/// Commands that ask a server that runs.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Tell how the server is: its spaces, and what failed
    Status {
        #[command(flatten)]
        target: Target,
    },
    /// List the calls that came, or follow them
    Calls {
        #[command(flatten)]
        asked: Asked,
        /// Tell each call as it comes
        #[arg(long, conflicts_with_all = ["wait", "after"])]
        follow: bool,
    },
    /// Tell of one call in full
    Call {
        /// The number of the call, from the list
        seq: u64,
        /// Tell how it came to its answer
        #[arg(long)]
        explain: bool,
        /// Tell request and answer as they went over the wire
        #[arg(long)]
        raw: bool,
        #[command(flatten)]
        target: Target,
    },
    /// List the messages that went out, with their codes, or wait for one
    Messages {
        #[command(flatten)]
        asked: Asked,
    },
    /// Do what a person does with a phone that rings
    #[command(subcommand)]
    Phone(Phone),
    /// List, add and remove rules
    #[command(subcommand)]
    Rule(Rule),
    /// Tell or set what time it is in a space
    #[command(subcommand)]
    Clock(Clock),
    /// List, make, reset, write down and drop spaces
    #[command(subcommand)]
    Space(Space),
    /// Verify what happened against a file of expectations
    Verify {
        /// The expectations: YAML or JSON
        file: PathBuf,
        /// How long to wait until it is so, such as 30s
        #[arg(long, value_name = "TIME")]
        wait: Option<String>,
        #[command(flatten)]
        target: Target,
    },
}

/// What is asked of a list.
#[derive(Args, Debug)]
pub(super) struct Asked {
    /// Conditions, such as username=anna operation=PfAuthUser* phone="+1 425 555 0100"
    #[arg(value_name = "NAME=VALUE", value_parser = pair)]
    conditions: Vec<(String, String)>,
    /// Wait where there is nothing, such as 30s
    #[arg(long, value_name = "TIME")]
    wait: Option<String>,
    /// Only what follows that number, or `now`
    #[arg(long, value_name = "NUMBER")]
    after: Option<String>,
    /// How many at most
    #[arg(long, value_name = "COUNT")]
    limit: Option<usize>,
    #[command(flatten)]
    target: Target,
}

/// What a person does. Without an id it is done in the one challenge that is open.
#[derive(Debug, Subcommand)]
pub(super) enum Phone {
    /// List the challenges that are open, or wait for one
    List {
        #[command(flatten)]
        asked: Asked,
    },
    /// Take the call
    Answer(Act),
    /// Press keys: digits, * and #
    Press {
        keys: String,
        #[command(flatten)]
        act: Act,
    },
    /// Enter a PIN and #: digits, or pin, wrong-pin, fraud-code
    Enter {
        what: String,
        #[command(flatten)]
        act: Act,
    },
    /// Hang up
    HangUp(Act),
    /// Reply to the text message: a text, or code, wrong-code
    Reply {
        text: String,
        #[command(flatten)]
        act: Act,
    },
    /// Approve in the app
    Approve(Act),
    /// Deny in the app
    Deny(Act),
    /// Say that somebody else signs in
    Fraud(Act),
}

#[derive(Args, Debug)]
pub(super) struct Act {
    /// The challenge; without it, the one that is open
    #[arg(long, value_name = "NUMBER")]
    id: Option<u64>,
    #[command(flatten)]
    target: Target,
}

/// Rules of a space.
#[derive(Debug, Subcommand)]
pub(super) enum Rule {
    /// List the rules in their order
    List {
        #[command(flatten)]
        target: Target,
    },
    /// Add a rule before all others
    Add {
        /// The rule as a scenario has it, such as '{when: {user: anna}, outcome: busy}'; - reads it from standard input
        rule: String,
        /// How many calls it decides
        #[arg(long, value_name = "COUNT")]
        times: Option<u64>,
        /// How long it holds, such as 10m
        #[arg(long, value_name = "TIME")]
        lasts: Option<String>,
        #[command(flatten)]
        target: Target,
    },
    /// Remove a rule
    Remove {
        name: String,
        #[command(flatten)]
        target: Target,
    },
}

/// The clock of a space.
#[derive(Debug, Subcommand)]
pub(super) enum Clock {
    /// Tell what time it is, and how it passes
    Show(Target),
    /// Let time stand still
    Freeze(Target),
    /// Let time pass as in the world
    Real(Target),
    /// Let it jump to the next thing that an open call waits for
    Auto(Target),
    /// Let it pass so many times as fast
    Rate {
        times: f64,
        #[command(flatten)]
        target: Target,
    },
    /// Move it on, such as 10m, or to a moment such as 2026-11-24T08:00:00Z
    Advance {
        how_far: String,
        #[command(flatten)]
        target: Target,
    },
}

/// Spaces of a server.
#[derive(Debug, Subcommand)]
pub(super) enum Space {
    /// List the spaces
    List(Target),
    /// Make a space, from the loaded scenario where nothing is said
    New {
        name: String,
        /// The space to go on from
        #[arg(long, value_name = "NAME", conflicts_with = "scenario")]
        from: Option<String>,
        /// The scenario to begin with
        #[arg(long, value_name = "FILE")]
        scenario: Option<PathBuf>,
        #[command(flatten)]
        target: Target,
    },
    /// Let a space begin anew
    Reset {
        name: String,
        #[command(flatten)]
        target: Target,
    },
    /// Write a space down as a scenario, secrets included
    Snapshot {
        name: String,
        #[command(flatten)]
        target: Target,
    },
    /// End a space
    Drop {
        name: String,
        #[command(flatten)]
        target: Target,
    },
}

/// Users of a server that runs.
#[derive(Debug, Subcommand)]
pub(super) enum Users {
    /// List users of a server that runs
    List {
        #[command(flatten)]
        asked: Asked,
    },
    /// Tell of a user of a server that runs
    Show {
        username: String,
        #[command(flatten)]
        target: Target,
    },
    /// Add a user to a server that runs: username=anna phone="+1 425 555 0100" mode=smsText
    Add {
        /// The user by the keys of a scenario
        #[arg(value_name = "KEY=VALUE", value_parser = pair, required = true)]
        keys: Vec<(String, String)>,
        #[command(flatten)]
        target: Target,
    },
    /// Change a user of a server that runs: anna enabled=false phone=
    Change {
        username: String,
        /// What is to be, by the keys of a scenario; an empty value is the company's default
        #[arg(value_name = "KEY=VALUE", value_parser = pair, required = true)]
        keys: Vec<(String, String)>,
        #[command(flatten)]
        target: Target,
    },
    /// Remove a user from a server that runs
    Remove {
        username: String,
        #[command(flatten)]
        target: Target,
    },
}

const CALLS: &[Column] = &[
    ("#", "seq"),
    ("TIME", "at"),
    ("OPERATION", "operation"),
    ("USER", "username"),
    ("NUMBER", "number"),
    ("OUTCOME", "outcome"),
    ("RULE", "rule"),
    ("MS", "milliseconds"),
    ("CALLER", "caller"),
    ("WARNING", "warning"),
];
const MESSAGES: &[Column] = &[
    ("#", "seq"),
    ("TIME", "at"),
    ("MEDIUM", "medium"),
    ("USER", "username"),
    ("TO", "to"),
    ("CODE", "code"),
    ("SUBJECT", "subject"),
    ("TEXT", "text"),
];
const USERS: &[Column] = &[
    ("USER", "username"),
    ("FIRST NAME", "first_name"),
    ("LAST NAME", "last_name"),
    ("COUNTRY", "country_code"),
    ("PHONE", "phone"),
    ("EXTENSION", "extension"),
    ("MODE", "mode"),
    ("ENABLED", "enabled"),
    ("BLOCKED", "blocked"),
];
const CHALLENGES: &[Column] = &[
    ("ID", "id"),
    ("SINCE", "since"),
    ("STATE", "state"),
    ("CHANNEL", "channel"),
    ("USER", "username"),
    ("OWNER", "owner"),
    ("PHONE", "phone"),
    ("CODE", "code"),
    ("DUE", "due"),
    ("RULE", "rule"),
];
const RULES: &[Column] =
    &[("NAME", "name"), ("CALLS", "calls"), ("LEFT", "left"), ("UNTIL", "until"), ("RULE", "written")];
const SPACES: &[Column] = &[
    ("SPACE", "name"),
    ("NOW", "clock.now"),
    ("PACE", "clock.pace"),
    ("USERS", "users"),
    ("CALLS", "calls"),
    ("WAITING", "waiting"),
    ("CHALLENGES", "challenges"),
    ("IDLE", "idle_seconds"),
];
const FAILURES: &[Column] =
    &[("TIME", "at"), ("CLIENT", "peer"), ("KIND", "kind"), ("WHAT", "what"), ("REMEDY", "remedy")];

/// How a command writes what it tells.
struct Told<'a> {
    out: &'a mut (dyn Write + Send),
    json: bool,
}

/// Runs a command and tells its exit code: 0 done; 1 the server said no, a verification failed, or nothing came in
/// time.
///
/// # Errors
/// A sentence with a remedy where the server cannot be reached, or a file cannot be read.
pub(super) async fn run(
    command: Command,
    out: &mut (dyn Write + Send),
    err: &mut (dyn Write + Send),
) -> anyhow::Result<ExitCode> {
    finished(perform(command, out).await, err)
}

/// Runs a command that concerns users, as [`run`] does.
///
/// # Errors
/// As [`run`].
pub(super) async fn users(
    command: Users,
    out: &mut (dyn Write + Send),
    err: &mut (dyn Write + Send),
) -> anyhow::Result<ExitCode> {
    finished(perform_users(command, out).await, err)
}

fn finished(result: anyhow::Result<ExitCode>, err: &mut (dyn Write + Send)) -> anyhow::Result<ExitCode> {
    let error = match result {
        Ok(code) => return Ok(code),
        Err(error) => error,
    };
    let is_broken_pipe = |it: &std::io::Error| it.kind() == std::io::ErrorKind::BrokenPipe;
    if error.downcast_ref().is_some_and(is_broken_pipe) {
        // The reader, such as `head`, has seen enough.
        return Ok(ExitCode::SUCCESS);
    }
    let no: No = error.downcast()?;
    // Nobody is left to tell if standard error is gone.
    let _ = writeln!(err, "locmfa: {no}");
    for it in no.problem.get("mistakes").and_then(Value::as_array).into_iter().flatten().skip(1) {
        let _ = writeln!(err, "  {}", it["message"].as_str().unwrap_or_default());
    }
    Ok(ExitCode::from(1))
}

async fn perform(command: Command, out: &mut (dyn Write + Send)) -> anyhow::Result<ExitCode> {
    match command {
        Command::Status { target } => status(&target, out).await,
        Command::Calls { asked, follow: true } => {
            let path = format!("/events?kinds=call&{}", query(&asked.conditions));
            let json = asked.target.json;
            let see = |kind: &str, it: Value| {
                if kind != "call" {
                    bail!(
                        "{} {}",
                        it["detail"].as_str().unwrap_or_default(),
                        it["remedy"].as_str().unwrap_or_default()
                    );
                }
                let line = if json { format!("{it}\n") } else { line(CALLS, &it) };
                out.write_all(line.as_bytes())?;
                Ok(out.flush()?)
            };
            asked.target.api()?.follow(&path, see).await?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Calls { asked, .. } => list("/calls", CALLS, &asked, out).await,
        Command::Messages { asked } => list("/messages", MESSAGES, &asked, out).await,
        Command::Call { seq, explain, raw, target } => {
            let it = target.api()?.json(Method::GET, &format!("/calls/{seq}?raw={raw}"), None).await?;
            if target.json {
                return Told::new(&target, out).json(&it);
            }
            let mut text = sheet(&it["call"]);
            text += &format!("\nfields\n{}", sheet(&it["fields"]));
            if explain {
                let lines = it["explained"].as_array().into_iter().flatten().filter_map(Value::as_str);
                text += &format!("\nexplained\n{}", lines.map(|it| format!("{it}\n")).collect::<String>());
            }
            for part in ["request", "answer"] {
                if let Some(raw) = it[part].as_str() {
                    text += &format!("\n{part}\n{raw}\n");
                }
            }
            out.write_all(text.as_bytes())?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Phone(phone) => self::phone(phone, out).await,
        Command::Rule(rule) => self::rule(rule, out).await,
        Command::Clock(clock) => self::clock(clock, out).await,
        Command::Space(space) => self::space(space, out).await,
        Command::Verify { file, wait, target } => verify(&file, wait, &target, out).await,
    }
}

async fn perform_users(command: Users, out: &mut (dyn Write + Send)) -> anyhow::Result<ExitCode> {
    let user = |username: &str| format!("/users/{}", segment(username));
    let (target, answer) = match command {
        Users::List { asked } => return list("/users", USERS, &asked, out).await,
        Users::Show { username, target } => {
            let answer = target.api()?.json(Method::GET, &user(&username), None).await?;
            (target, answer)
        }
        Users::Add { keys, target } => {
            let answer = target.api()?.json(Method::POST, "/users", Some(object(keys))).await?;
            (target, answer)
        }
        Users::Change { username, keys, target } => {
            let answer = target.api()?.json(Method::PATCH, &user(&username), Some(object(keys))).await?;
            (target, answer)
        }
        Users::Remove { username, target } => {
            target.api()?.json(Method::DELETE, &user(&username), None).await?;
            return Told::new(&target, out).done(&format!("{username} is gone."));
        }
    };
    Told::new(&target, out).sheet(&answer)
}

async fn status(target: &Target, out: &mut (dyn Write + Send)) -> anyhow::Result<ExitCode> {
    let api = target.api()?;
    let health = api.json(Method::GET, "/readyz", None).await?;
    let spaces = api.json(Method::GET, "/spaces", None).await?;
    let failures = api.json(Method::GET, "/failures", None).await?;
    if target.json {
        let all = json!({"health": health, "spaces": spaces["items"], "failures": failures});
        return Told::new(target, out).json(&all);
    }
    let version = health["version"].as_str().unwrap_or_default();
    let mut text = format!("locmfa {version} is ready\n\n{}", table(SPACES, items(&spaces)));
    let failed = items(&failures);
    if !failed.is_empty() {
        let newest = &failed[failed.len().saturating_sub(5)..];
        text += &format!("\nWhat failed lately\n{}", table(FAILURES, newest));
    }
    out.write_all(text.as_bytes())?;
    Ok(ExitCode::SUCCESS)
}

/// Lists what there is. Nothing where something was awaited is a failure.
async fn list(path: &str, columns: &[Column], asked: &Asked, out: &mut (dyn Write + Send)) -> anyhow::Result<ExitCode> {
    let controls =
        [("wait", asked.wait.clone()), ("after", asked.after.clone()), ("limit", asked.limit.map(|it| it.to_string()))];
    let controls = controls.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
    let pairs: Vec<_> = asked.conditions.iter().cloned().chain(controls).collect();
    let page = asked.target.api()?.json(Method::GET, &format!("{path}?{}", query(&pairs)), None).await?;
    let nothing_came = asked.wait.is_some() && items(&page).is_empty();
    Told::new(&asked.target, out).list(columns, &page)?;
    Ok(ExitCode::from(u8::from(nothing_came)))
}

async fn phone(phone: Phone, out: &mut (dyn Write + Send)) -> anyhow::Result<ExitCode> {
    let (what, act) = match phone {
        Phone::List { asked } => return list("/challenges", CHALLENGES, &asked, out).await,
        Phone::Answer(act) => (json!("answers"), act),
        Phone::Press { keys, act } => (json!({"presses": keys}), act),
        Phone::Enter { what, act } => (json!({"enters": what}), act),
        Phone::HangUp(act) => (json!("hangs-up"), act),
        Phone::Reply { text, act } => (json!({"replies": text}), act),
        Phone::Approve(act) => (json!("approves"), act),
        Phone::Deny(act) => (json!("denies"), act),
        Phone::Fraud(act) => (json!("reports-fraud"), act),
    };
    let api = act.target.api()?;
    let id = match act.id {
        Some(id) => id,
        None => {
            let open = api.json(Method::GET, "/challenges", None).await?;
            match items(&open) {
                [one] => one["id"].as_u64().unwrap_or_default(),
                [] => bail!("no phone rings, and no message waits. locmfa phone list --wait 30s waits for one"),
                more => {
                    bail!("{} challenges are open; say which one by --id. locmfa phone list tells them", more.len())
                }
            }
        }
    };
    let acted = api.json(Method::POST, &format!("/challenges/{id}/act"), Some(json!({"act": what}))).await?;
    Told::new(&act.target, out).sheet(&acted)
}

async fn rule(rule: Rule, out: &mut (dyn Write + Send)) -> anyhow::Result<ExitCode> {
    match rule {
        Rule::List { target } => {
            let rules = target.api()?.json(Method::GET, "/rules", None).await?;
            Told::new(&target, out).list(RULES, &rules)
        }
        Rule::Add { rule, times, lasts, target } => {
            let text = match rule.as_str() {
                "-" => std::io::read_to_string(std::io::stdin()).context("standard input cannot be read")?,
                _ => rule,
            };
            let controls = [("times", times.map(|it| it.to_string())), ("lasts", lasts)];
            let controls = controls.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
            let path = format!("/rules?{}", query(&controls.collect::<Vec<_>>()));
            let added = target.api()?.ask(Method::POST, &path, Some(("application/yaml", text))).await?;
            Told::new(&target, out).sheet(&serde_json::from_str(&added).context("the answer is no JSON")?)
        }
        Rule::Remove { name, target } => {
            target.api()?.json(Method::DELETE, &format!("/rules/{}", segment(&name)), None).await?;
            Told::new(&target, out).done(&format!("{name} is gone."))
        }
    }
}

async fn clock(clock: Clock, out: &mut (dyn Write + Send)) -> anyhow::Result<ExitCode> {
    let (target, method, path, body) = match clock {
        Clock::Show(target) => (target, Method::GET, "/clock", None),
        Clock::Freeze(target) => (target, Method::PUT, "/clock", Some(json!({"pace": "frozen"}))),
        Clock::Real(target) => (target, Method::PUT, "/clock", Some(json!({"pace": "real"}))),
        Clock::Auto(target) => (target, Method::PUT, "/clock", Some(json!({"pace": "auto"}))),
        Clock::Rate { times, target } => (target, Method::PUT, "/clock", Some(json!({"rate": times}))),
        Clock::Advance { how_far, target } => {
            let key = if how_far.contains('T') { "to" } else { "by" };
            (target, Method::POST, "/clock/advance", Some(json!({key: how_far})))
        }
    };
    let clock = target.api()?.json(method, path, body).await?;
    Told::new(&target, out).sheet(&clock)
}

async fn space(space: Space, out: &mut (dyn Write + Send)) -> anyhow::Result<ExitCode> {
    match space {
        Space::List(target) => {
            let spaces = target.api()?.json(Method::GET, "/spaces", None).await?;
            Told::new(&target, out).list(SPACES, &spaces)
        }
        Space::New { name, from, scenario, target } => {
            let scenario = scenario.map(|it| file::read_text(&it)).transpose()?;
            let body = json!({"from": from, "scenario": scenario});
            let space = target.api()?.json(Method::PUT, &format!("/spaces/{}", segment(&name)), Some(body)).await?;
            Told::new(&target, out).sheet(&space)
        }
        Space::Reset { name, target } => {
            let path = format!("/spaces/{}/reset", segment(&name));
            let space = target.api()?.json(Method::POST, &path, None).await?;
            Told::new(&target, out).sheet(&space)
        }
        Space::Snapshot { name, target } => {
            let api = Api { space: name, ..target.api()? };
            let text = api.ask(Method::GET, "/snapshot", None).await?;
            out.write_all(text.as_bytes())?;
            Ok(ExitCode::SUCCESS)
        }
        Space::Drop { name, target } => {
            target.api()?.json(Method::DELETE, &format!("/spaces/{}", segment(&name)), None).await?;
            Told::new(&target, out).done(&format!("The space {name} is gone."))
        }
    }
}

async fn verify(
    file: &Path,
    wait: Option<String>,
    target: &Target,
    out: &mut (dyn Write + Send),
) -> anyhow::Result<ExitCode> {
    let text = file::read_text(file)?;
    let mut expectations = match scenario::written::value(&file.display().to_string(), &text) {
        Ok(Value::Array(list)) => json!({"expect": list}),
        Ok(value) => value,
        Err(mistakes) => bail!("{}", mistakes.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n\n")),
    };
    if let (Some(wait), Some(map)) = (wait, expectations.as_object_mut()) {
        map.insert("wait".into(), wait.into());
    }
    let verified = target.api()?.json(Method::POST, "/verify", Some(expectations)).await;
    let verified = match verified {
        Ok(verified) => verified,
        Err(error) => {
            let no: No = error.downcast()?;
            if no.problem.get("failures").is_none() {
                return Err(no.into());
            }
            if target.json {
                Told::new(target, out).json(&no.problem)?;
            } else {
                writeln!(out, "{}", no.detail)?;
            }
            return Ok(ExitCode::from(1));
        }
    };
    if target.json {
        return Told::new(target, out).json(&verified);
    }
    let count = verified["counts"].as_array().map_or(0, Vec::len);
    writeln!(out, "All {count} expectations came true.")?;
    Ok(ExitCode::SUCCESS)
}

impl Target {
    fn api(&self) -> anyhow::Result<Api> {
        let token = self.admin_token_file.as_deref().map(files::token);
        Ok(Api { url: self.admin.clone(), space: self.space.clone(), token: token.transpose()? })
    }
}

impl<'a> Told<'a> {
    fn new(target: &Target, out: &'a mut (dyn Write + Send)) -> Self {
        Self { out, json: target.json }
    }

    fn json(self, it: &Value) -> anyhow::Result<ExitCode> {
        writeln!(self.out, "{it:#}")?;
        Ok(ExitCode::SUCCESS)
    }

    fn list(self, columns: &[Column], page: &Value) -> anyhow::Result<ExitCode> {
        if self.json {
            return self.json(page);
        }
        self.out.write_all(table(columns, items(page)).as_bytes())?;
        if let (Some(total), Some(_)) = (page["total"].as_u64(), page["next"].as_str()) {
            let shown = items(page).len();
            writeln!(self.out, "{shown} of {total}; --limit {total} tells all")?;
        }
        Ok(ExitCode::SUCCESS)
    }

    fn sheet(self, it: &Value) -> anyhow::Result<ExitCode> {
        if self.json {
            return self.json(it);
        }
        self.out.write_all(sheet(it).as_bytes())?;
        Ok(ExitCode::SUCCESS)
    }

    fn done(self, text: &str) -> anyhow::Result<ExitCode> {
        if !self.json {
            writeln!(self.out, "{text}")?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn items(page: &Value) -> &[Value] {
    page.get("items").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

/// `name=value`
fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or_else(|| format!("{text:?} has no =; write NAME=VALUE"))?;
    Ok((name.trim().into(), value.into()))
}

fn query(pairs: &[(String, String)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

/// Keys and values as an object. What looks like a truth is one, and nothing is `null`.
fn object(pairs: Vec<(String, String)>) -> Value {
    let value = |text: String| match text.as_str() {
        "" => Value::Null,
        "true" => true.into(),
        "false" => false.into(),
        _ => text.into(),
    };
    Value::Object(pairs.into_iter().map(|(key, text)| (key, value(text))).collect::<Map<_, _>>())
}
