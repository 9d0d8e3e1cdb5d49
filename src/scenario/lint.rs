//! What is valid but probably a mistake: warnings and notes about a scenario that has no errors.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use crate::contract::{Mode, PhoneAppMode, PinMode, SmsMode};
use crate::engine::{
    Channel, Conduct, Effect, Ending, Index, Method, Number, Outcome, Reaction, Rule, Script, Setup, User, When,
};
use crate::text::counted;

use super::mistake::{Code, closest, quoted};
use super::written::Written;

/// Looks at a scenario that was read without an error: its root, and what it means.
pub(super) fn look<'a>(root: Written<'a>, setup: &Setup) {
    let list = |key: &str| root.under(key).map(Written::items).unwrap_or_default();
    let mut lint = Lint { setup, users: list("users"), rules: list("rules"), found: Vec::new() };
    lint.shadowed();
    lint.conducts();
    lint.unknown_users();
    lint.ambiguous_names();
    lint.methods();
    lint.unreached();
    lint.numbers();
    lint.secrets(&list("accounts"));
    lint.tell();
}

struct Lint<'l, 'a> {
    setup: &'l Setup,
    /// Those of the setup, as they are written.
    users: Vec<Written<'a>>,
    /// Those of the setup, as they are written.
    rules: Vec<Written<'a>>,
    found: Vec<(Code, Written<'a>, String, Vec<String>)>,
}

/// How many of a kind are told; the last says how many more there are.
const TOLD: usize = 20;
/// With how many earlier rules that select by the same name or number, or by none, each rule is compared.
const COMPARED: usize = 200;

impl<'a> Lint<'_, 'a> {
    fn add(&mut self, code: Code, written: Written<'a>, message: String, help: impl Into<Vec<String>>) {
        self.found.push((code, written, message, help.into()));
    }

    fn tell(self) {
        let mut seen: HashMap<&str, HashSet<usize>> = HashMap::new();
        let mut told = Vec::new();
        // Users of one pattern stand in one place.
        for it in self.found {
            if seen.entry(it.0.code()).or_default().insert(it.1.at()) {
                told.push(it);
            }
        }
        let mut count: HashMap<&str, usize> = HashMap::new();
        for (code, written, message, mut help) in told {
            let all = seen[code.code()].len();
            let at = count.entry(code.code()).or_default();
            *at += 1;
            match *at {
                TOLD if all > TOLD => help
                    .push(format!("The list ends here: of this kind, it leaves out {}.", counted(all - TOLD, "place"))),
                at if at > TOLD => continue,
                _ => (),
            }
            written.report(code, message, help);
        }
    }

    /// Rules whose every call an earlier one takes.
    fn shadowed(&mut self) {
        let setup = self.setup;
        let mut by_name: HashMap<&str, Vec<usize>> = HashMap::new();
        let mut others: Vec<usize> = Vec::new();
        for (at, rule) in setup.rules.iter().enumerate() {
            let index = rule.when.index();
            let names = index.as_ref().map(Index::keys);
            let near = names.into_iter().flatten().filter_map(|it| by_name.get(*it));
            let near = near.flat_map(|it| it.iter().take(COMPARED));
            let mut earlier: Vec<usize> = near.copied().chain(others.iter().copied().take(COMPARED)).collect();
            earlier.sort_unstable();
            let taken = earlier.into_iter().find(|it| covers(&setup.rules[*it], rule));
            if let Some(earlier) = taken {
                let written = self.rules[at];
                let place = written.spot(self.rules[earlier].at());
                let message = format!(
                    "{} never matches: {} takes every call before it ({place})",
                    quoted(&rule.name),
                    quoted(&setup.rules[earlier].name)
                );
                let help = "The first rule that matches decides. Put this one before the other, or take it out.".into();
                self.add(Code::Shadowed, written, message, [help]);
            }
            match names {
                Some(names) => names.iter().for_each(|it| by_name.entry(it).or_default().push(at)),
                None => others.push(at),
            }
        }
    }

    /// What people do under rules, and cannot.
    fn conducts(&mut self) {
        let setup = self.setup;
        let everybody: HashSet<Channel> = setup.users.iter().filter_map(|it| channel(it.settings.mode)).collect();
        let by_name: HashMap<String, &User> = setup.users.iter().map(|it| (it.username.to_lowercase(), it)).collect();
        for (rule, written) in setup.rules.iter().zip(self.rules.clone()) {
            let named = || rule.when.conditions().iter().find_map(literal_users).into_iter().flatten();
            let modes = rule.when.conditions().iter().find_map(|it| match it {
                When::Mode(modes) => Some(modes),
                _ => None,
            });
            let channels: HashSet<Channel> = match modes {
                Some(modes) => modes.iter().filter_map(|it| channel(*it)).collect(),
                None => named().filter_map(|it| channel(by_name.get(it)?.settings.mode)).collect(),
            };
            let is_sure = !channels.is_empty();
            let possible = if is_sure { &channels } else { &everybody };
            for (answer, _) in &rule.answers.turns {
                let Effect::Proceed(script) = &answer.effect else { continue };
                if let Some((what, way)) = way(&script.conduct).filter(|it| is_sure && !possible.contains(&it.1)) {
                    let who = match modes {
                        Some(_) => "the rule is for people who are asked otherwise".into(),
                        None => format!("{} is asked otherwise", named().next().unwrap_or_default()),
                    };
                    let message = format!("{what} comes of {}, and {who}", said(way));
                    let help = match modes {
                        Some(_) => "Take another outcome, or another mode.",
                        None => {
                            "Take another outcome, or another mode of the user. Where the call brings the mode, say when: {mode: ...}."
                        }
                    };
                    let place = written.under("outcome").or_else(|| written.under("person")).unwrap_or(written);
                    self.add(Code::Impossible, place, message, [help.into()]);
                }
                self.too_late(script, possible, written);
            }
        }
    }

    fn too_late(&mut self, script: &Script, possible: &HashSet<Channel>, written: Written<'a>) {
        let timeout = self.setup.company.ring_timeout;
        let rings = possible.iter().any(|it| matches!(it, Channel::Voice | Channel::App));
        let unanswered = match &script.conduct {
            Conduct::React(Reaction::NoAnswer) => true,
            Conduct::End(Ending::Known(outcome)) => SILENCE.contains(outcome),
            _ => false,
        };
        let after = script.after.filter(|it| *it > timeout && rings && !unanswered);
        if let Some(after) = after {
            let [after, timeout] = [after, timeout].map(|it: Duration| humantime::format_duration(it).to_string());
            let message =
                format!("after, {after}, is longer than company.ring_timeout, {timeout}: the call is not answered");
            let help = "Set a longer ring_timeout, or outcome: no-answer.".into();
            let place = written.under("after").unwrap_or(written);
            self.add(Code::TooLate, place, message, [help]);
        }
    }

    /// Users that a rule names and the scenario does not have.
    fn unknown_users(&mut self) {
        let setup = self.setup;
        let known: HashSet<String> = setup.users.iter().map(|it| it.username.to_lowercase()).collect();
        for (rule, written) in setup.rules.iter().zip(self.rules.clone()) {
            let names = rule.when.conditions().iter().filter_map(literal_users).flatten();
            for name in names.filter(|it| !known.contains(&it.to_lowercase())) {
                let meant = match self.found.len() < TOLD && known.len() <= 10_000 {
                    true => closest(name, known.iter().map(String::as_str)),
                    false => None,
                };
                let meant = meant.map(|it| format!("Did you mean {it}?")).into_iter();
                let help = "A rule by user concerns users of the scenario, and those that a call adds.".into();
                let place = written.under("when").and_then(|it| it.under("user")).unwrap_or(written);
                let message = format!("there is no user {}", quoted(name));
                self.add(Code::UnknownUser, place, message, meant.chain([help]).collect::<Vec<_>>());
            }
        }
    }

    /// Users that a name without its domain does not tell apart.
    fn ambiguous_names(&mut self) {
        let setup = self.setup;
        let mut first: HashMap<String, usize> = HashMap::new();
        let whole: HashSet<String> = setup.users.iter().map(|it| it.username.to_lowercase()).collect();
        for (at, (user, written)) in setup.users.iter().zip(self.users.clone()).enumerate() {
            let name = user.username.to_lowercase();
            let Some((account, _)) = name.split_once('@').filter(|it| !whole.contains(it.0)) else { continue };
            let earlier = *first.entry(account.into()).or_insert(at);
            if earlier == at {
                continue;
            }
            let taken = &setup.users[earlier].username;
            let message = format!(
                "{} and {} are both {account} in calls without a domain",
                quoted(taken),
                quoted(&user.username)
            );
            let help = format!(
                "Such a call concerns {taken}, the first. {} or the domain's first label before \\{account} tells which one is meant.",
                name.split_once('@').map_or("", |it| it.1)
            );
            self.add(Code::AmbiguousName, written, message, [help]);
        }
    }

    /// What the way in which a user is asked needs.
    fn methods(&mut self) {
        for (user, written) in self.setup.users.iter().zip(self.users.clone()) {
            let it = &user.settings;
            let wants = match it.mode {
                Mode::VoiceCall if it.pin_mode == PinMode::Pin => "pin_mode",
                Mode::SmsText if it.sms_mode == SmsMode::OtpPlusPin => "sms_mode",
                Mode::PhoneApp if it.phone_app_mode == PhoneAppMode::Pin => "phone_app_mode",
                _ => "",
            };
            if !wants.is_empty() && it.pin.as_ref().is_none_or(|it| it.reveal().is_empty()) {
                let place = written.under(wants).unwrap_or(written);
                let message = format!("{wants} asks for a PIN, and the user has none");
                self.add(Code::MissingPin, place, message, ["Add one: pin: \"2580\".".into()]);
            }
            if it.mode == Mode::SmsText && it.phone.as_ref().is_none_or(|it| it.is_empty()) {
                let place = written.under("mode").unwrap_or(written);
                let message = "the user gets text messages, and has no number".into();
                let help = "Add phone, unless every call brings a number, as those of MIM do.".into();
                self.add(Code::MissingNumber, place, message, [help]);
            }
        }
    }

    /// Users that no rule concerns, where each rule concerns some.
    fn unreached(&mut self) {
        let setup = self.setup;
        let (mut names, mut patterns, mut digits) = (HashSet::new(), Vec::new(), HashSet::new());
        for rule in &setup.rules {
            let mut selects = false;
            for condition in rule.when.conditions() {
                match condition {
                    When::User(users) => {
                        selects = true;
                        for it in users {
                            match it.text().contains('*') {
                                true => patterns.push(it),
                                false => drop(names.insert(it.text().to_lowercase())),
                            }
                        }
                    }
                    When::Phone(numbers) => {
                        selects = true;
                        digits.extend(numbers.iter().map(|it| it.digits().to_owned()));
                    }
                    _ => (),
                }
            }
            if !selects || patterns.len() > COMPARED {
                return;
            }
        }
        if setup.rules.is_empty() {
            return;
        }
        let country = &setup.company.country_code;
        for (user, written) in setup.users.iter().zip(self.users.clone()) {
            let is_named = names.contains(&user.username.to_lowercase());
            let is_meant = is_named || patterns.iter().any(|it| it.matches(&user.username));
            // Who has no number is asked at those that the calls bring.
            let is_called = user.number(country).map_or(!digits.is_empty(), |it| digits.contains(it.digits()));
            if !is_meant && !is_called {
                let message = "no rule concerns this user, who does what is asked".into();
                self.add(Code::Unreached, written, message, []);
            }
        }
    }

    /// Numbers that may belong to real people: the first, and how many.
    fn numbers(&mut self) {
        let setup = self.setup;
        let country = &setup.company.country_code;
        let real = |it: Option<Number>| it.is_some_and(|it| !it.is_fictional());
        let mut places = Vec::new();
        for (user, written) in setup.users.iter().zip(&self.users) {
            for (key, number) in [("phone", user.number(country)), ("backup_phone", user.backup_number(country))] {
                if real(number) {
                    places.push(written.under(key).unwrap_or(*written));
                }
            }
        }
        for (rule, written) in setup.rules.iter().zip(&self.rules) {
            let is_real = |it: &When| matches!(it, When::Phone(all) if all.iter().any(|it| !it.is_fictional()));
            if rule.when.conditions().iter().any(is_real) {
                let when = written.under("when");
                places.push(when.and_then(|it| it.under("phone")).unwrap_or(*written));
            }
        }
        let [first, rest @ ..] = &places[..] else { return };
        let message = match rest.len() {
            0 => "this number may belong to a real person".into(),
            more => format!("this number may belong to a real person, and so may {more} more of the scenario"),
        };
        let help = "Numbers that are not assigned: +1 425 555 0100 to 0199 and the same with other area codes, +44 1632 960000 to 960999. `locmfa users import --fictional` puts them in.".into();
        self.add(Code::RealNumber, *first, message, [help]);
    }

    /// Passwords that do not say that they are for tests.
    fn secrets(&mut self, accounts: &[Written<'a>]) {
        for written in accounts.iter().chain(&self.users.clone()) {
            let Some(password) = written.under("password") else { continue };
            let text = password.source().to_lowercase();
            if !text.contains("${") && !["test", "example"].iter().any(|it| text.contains(it)) {
                let message = "this password stands here in clear".into();
                let help = [
                    "Take it from the environment: environment: [NAME], and password: \"${NAME}\".",
                    "A password that is made up for tests can say so: Passw0rd-for-tests.",
                ];
                self.add(Code::SecretInClear, password, message, help.map(Into::into));
            }
        }
    }
}

/// The users that a condition names, where it names each by the whole name.
fn literal_users(condition: &When) -> Option<Vec<&str>> {
    match condition.index()? {
        Index::Users(names) => Some(names),
        Index::Numbers(_) => None,
    }
}

/// The ending when the person does nothing.
const SILENCE: [Outcome; 3] = [
    Reaction::NoAnswer.outcome(Method::Voice(PinMode::Standard)),
    Reaction::NoAnswer.outcome(Method::TextTwoWay(SmsMode::Otp)),
    Reaction::NoAnswer.outcome(Method::App(PhoneAppMode::Standard)),
];

/// Whether every call that a rule matches is one that an earlier rule matches. `false` where that is not plain to see.
fn covers(earlier: &Rule, later: &Rule) -> bool {
    let conditions = later.when.conditions();
    let asks = |it: &When| match it {
        When::Operation(all) => {
            let names = all.iter().flat_map(|it| &it.names);
            { names }.all(|name| crate::operations::all().any(|it| it.asks && it.signature.name == *name))
        }
        _ => false,
    };
    let concerned = !earlier.answers.directs_person() || later.answers.directs_person() || conditions.iter().any(asks);
    concerned && earlier.when.conditions().iter().all(|wide| conditions.iter().any(|narrow| wide.covers(narrow)))
}

/// The way in which a mode asks.
const fn channel(mode: Mode) -> Option<Channel> {
    match mode {
        Mode::VoiceCall => Some(Channel::Voice),
        Mode::SmsText => Some(Channel::Text),
        Mode::PhoneApp => Some(Channel::App),
        Mode::OathToken => Some(Channel::Oath),
        _ => None,
    }
}

/// What the person does, where only one way of asking allows it.
fn way(conduct: &Conduct) -> Option<(String, Channel)> {
    let (what, channel) = match conduct {
        Conduct::End(Ending::Known(outcome)) => (outcome.word().to_owned(), outcome.channel()),
        Conduct::Acts(acts) => ("what the person does".into(), acts.first()?.1.channel()?),
        _ => return None,
    };
    matches!(channel, Channel::Voice | Channel::Text | Channel::App | Channel::Oath).then_some((what, channel))
}

/// A way of being asked, in words.
const fn said(channel: Channel) -> &'static str {
    match channel {
        Channel::Voice => "a phone call",
        Channel::Text => "a text message",
        Channel::App => "the mobile app",
        _ => "a token",
    }
}
