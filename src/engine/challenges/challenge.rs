//! Asking a person for the second factor: from the request to its ending.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use crate::contract::{AuthResult, AuthenticationType, Mode, PinMode, Secret, SmsDirection, SmsMode, UserSettings};
use crate::engine::challenges::act::{Line, Open, OpenState};
use crate::engine::challenges::outcome::{Channel, Ending, Method, Outcome};
use crate::engine::company::{Cache, CacheKey};
use crate::engine::directory::user::{Block, User};
use crate::engine::journal::{ChallengeStage, Message, MessageKind, Turn, What};
use crate::engine::rules::magic;
use crate::engine::rules::rule::{Conduct, Script, Verdict};
use crate::engine::rules::states::Keys;
use crate::engine::rules::template::{self, Words};
use crate::engine::{Act, Directory, Engine, Facts, Number, Reaction, Refusal, Timestamp};

/// What a caller asks.
#[derive(Clone, Copy, Debug)]
pub struct Ask<'a> {
    pub operation: &'static str,
    pub space: &'a str,
    /// What the rules made of the call when it arrived.
    pub verdict: Option<&'a Verdict>,
    pub username: &'a str,
    pub initiating_type: AuthenticationType,
    pub ip_address: &'a str,
    pub application: &'a str,
    pub require_user_match: bool,
    /// `unspecified`: as stored.
    pub mode: Mode,
    pub country_code: &'a str,
    /// Empty: as stored.
    pub phone_number: &'a str,
    pub extension: &'a str,
    /// Whether the call plays an event: it rings whatever was bypassed or passed before.
    pub plays_event: bool,
}

/// Names a challenge that is open.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct ChallengeId(pub u64);

/// What comes of asking.
#[derive(Debug)]
pub enum Asked {
    Settled(Settlement),
    /// The person has yet to act; the settlement comes when he does.
    Open(ChallengeId),
}

/// How an authentication ended, as its caller is told.
#[derive(Clone, Debug, PartialEq)]
pub struct Settlement {
    pub ending: Ending,
    /// Whether the answer is yes.
    pub succeeds: bool,
    /// 32 upper-case hexadecimal digits.
    pub request_id: String,
    /// The rule of the scenario that decided.
    pub rule: Option<Arc<str>>,
    /// What a tester should know.
    pub warning: Option<&'static str>,
    /// What the person pressed, if an event was played.
    pub digits: Option<Secret>,
}

/// Who is being asked. Many people may stand behind one username, each with a number: MIM asks for all of them as
/// its service account.
#[derive(Clone, Debug, Default, Eq, Hash, PartialEq)]
pub(in crate::engine) struct Subject {
    /// Lower case.
    pub(super) username: String,
    digits: String,
}

/// What is remembered of a subject.
#[derive(Clone, Debug, Default)]
pub(in crate::engine) struct Remembered {
    block: Option<Block>,
    passed: Vec<Passed>,
    /// Calls that ring now: there is one at most.
    in_call: bool,
}

impl Remembered {
    fn is_worth_keeping(&self) -> bool {
        self.block.is_some() || self.in_call || !self.passed.is_empty()
    }
}

/// How many subjects are remembered before the first look for those whose time is over.
pub(in crate::engine) const SWEEP: usize = 1024;

/// A success that the cache can use.
#[derive(Clone, Debug)]
struct Passed {
    at: Timestamp,
    initiating_type: AuthenticationType,
    application: String,
    ip_address: String,
}

/// An open challenge.
#[derive(Clone, Debug)]
pub(in crate::engine) struct Challenge {
    id: ChallengeId,
    pub(super) subject: Subject,
    since: Timestamp,
    /// Whether the number came with the call.
    number_given: bool,
    pub plays_event: bool,
    pub method: Method,
    operation: &'static str,
    space: String,
    pub(super) username: String,
    pub(super) owner: Option<String>,
    number: Option<Number>,
    initiating_type: AuthenticationType,
    application: String,
    ip_address: String,
    pub stale_pin: bool,
    /// The number to try when nobody answers.
    backup: Option<Number>,
    /// When all ringing ends.
    gives_up: Timestamp,
    pub(super) request_id: String,
    pub deadline: Timestamp,
    rule: Option<Arc<str>>,
    /// How many calls the rule had answered.
    counter: u64,
    /// What the person presses when an event is played.
    digits: Option<Secret>,
    /// The code that the text message carries.
    pub code: Option<Secret>,
    pub step: Step,
    /// What a tester should know.
    warning: Option<&'static str>,
}

#[derive(Clone, Debug)]
pub(in crate::engine) enum Step {
    /// The person is being asked.
    Asking {
        line: Line,
        /// What he will do, and when.
        plan: VecDeque<(Timestamp, Doing)>,
        /// When he does no longer.
        stops: Timestamp,
        /// Whether somebody is asked to decide.
        decides: bool,
    },
    /// A code is out, and may come back until the deadline.
    Waiting { attempts_left: u32, fate: Option<Ending> },
}

/// What a person will do.
#[derive(Clone, Debug)]
pub(in crate::engine) enum Doing {
    Act(Act),
    End(Ending),
}

impl Engine {
    /// Challenges a user.
    ///
    /// # Errors
    /// An in-band refusal where nobody is asked and no call result says why.
    pub fn authenticate(&mut self, now: Timestamp, ask: Ask<'_>) -> Result<Asked, Refusal> {
        if ask.username.trim().is_empty() {
            return Err(Refusal::NoUsername {});
        }
        let request_id = self.draw_request_id();
        let id = self.next_challenge();
        let settled = |outcome: Outcome, request_id, warning| {
            let ending = Ending::from(outcome);
            let succeeds = ending.succeeds(None);
            Ok(Asked::Settled(Settlement { ending, succeeds, request_id, rule: None, warning, digits: None }))
        };
        if ask.initiating_type == AuthenticationType::Pfsdk && !self.company.direct_sdk {
            return settled(Outcome::DirectSdkNotAllowed, request_id, None);
        }

        let number_given = !ask.phone_number.trim().is_empty();
        let account = self.users.find(ask.username);
        if account.is_none() && ask.require_user_match {
            return Err(Refusal::UserNotFound { username: ask.username.into() });
        }
        if account.is_none() && !number_given {
            let warning = "unknown user passed without a challenge, since requireUserMatch is false";
            return settled(Outcome::Bypassed, request_id, Some(warning));
        }
        if let Some(user) = account.filter(|it| !it.settings.enabled) {
            let warning = "disabled user passed without a challenge, as the disabled behavior says";
            return match user.settings.disabled_behavior {
                AuthResult::Fail => Err(Refusal::UserDisabled { username: user.username.clone() }),
                AuthResult::Succeed => settled(Outcome::Bypassed, request_id, Some(warning)),
            };
        }

        let country = &self.company.country_code;
        let number = match number_given {
            true => Number::read(ask.phone_number, ask.country_code, ask.extension, country).map(Some),
            false => Ok(account.and_then(|it| it.number(country))),
        };
        let Ok(number) = number else { return settled(Outcome::InvalidNumberFormat, request_id, None) };
        let owner = number.as_ref().and_then(|it| self.users.owner(it));
        let person = if number_given { owner } else { account };
        let username = account.map_or(ask.username, |it| it.username.as_str());
        let subject = Subject::new(username, number.as_ref());
        let remembered = self.subjects.get(&subject);
        let blocked = |user: Option<&User>| user.is_some_and(|it| it.block.is_some());
        if blocked(account) || blocked(person) || remembered.is_some_and(|it| it.block.is_some()) {
            return settled(Outcome::UserBlocked, request_id, None);
        }
        let may_bypass = |it: &&User| !ask.plays_event && it.bypass.as_ref().is_some_and(|it| now < it.until);
        let bypassed = [person, account].into_iter().flatten().find(may_bypass).map(|it| it.username.clone());
        if let Some(username) = bypassed {
            self.users.find_mut(&username).expect("found above").bypass = None;
            return settled(Outcome::Bypassed, request_id, None);
        }
        let cache = self.company.cache.filter(|_| !ask.plays_event);
        if let Some(outcome) = cache.and_then(|it| cached(it, remembered?, now, &ask)) {
            return settled(outcome, request_id, None);
        }

        let strangers = account.is_none().then(|| self.company.new_user());
        let stored = account.map(|it| &it.settings).or(strangers.as_ref()).expect("one of them is there");
        let method = self.method(ask.mode, stored);
        if let Some(outcome) = self.not_allowed(method, number.as_ref(), person.or(account)) {
            return settled(outcome, request_id, None);
        }
        if method.channel() == Channel::Voice && remembered.is_some_and(|it| it.in_call) {
            return settled(Outcome::Busy, request_id, None);
        }
        let backup = match (method, number_given) {
            (Method::Voice(_), false) if self.company.features.call_rollover => {
                account.and_then(|it| it.backup_number(country))
            }
            _ => None,
        };
        let verdict = ask.verdict;
        let stale_pin = person.or(account).is_some_and(|it| it.pin_is_stale(now));
        let has_token = account.is_some_and(|it| it.oath_keys().next().is_some());
        if method == Method::Oath && !has_token && verdict.is_none() {
            return Err(Refusal::NoOathToken { username: username.into() });
        }
        let mut challenge = Challenge {
            id,
            subject,
            since: now,
            number_given,
            plays_event: ask.plays_event,
            method,
            operation: ask.operation,
            space: ask.space.into(),
            username: username.into(),
            owner: owner.map(|it| it.username.clone()),
            number,
            initiating_type: ask.initiating_type,
            application: ask.application.into(),
            ip_address: ask.ip_address.into(),
            stale_pin,
            backup,
            gives_up: now + self.company.ring_timeout,
            request_id,
            deadline: now,
            rule: None,
            counter: 0,
            digits: None,
            code: None,
            step: Step::Waiting { attempts_left: 0, fate: None },
            warning: None,
        };
        self.plan(now, &mut challenge, verdict);
        Ok(self.begin(now, challenge))
    }

    /// Lets everything happen that is due.
    pub fn tick(&mut self, now: Timestamp) {
        while let Some(&(deadline, id)) = self.deadlines.first() {
            if deadline > now {
                return;
            }
            self.deadlines.pop_first();
            let Some(mut challenge) = self.challenges.remove(&id) else { continue };
            if matches!(challenge.step, Step::Waiting { .. }) {
                self.forget_code(id, &challenge);
                self.turn(deadline, &challenge, ChallengeStage::Closed { passed: false });
                continue;
            }
            match self.play(deadline, &mut challenge) {
                Some(ending) => self.settle(deadline, challenge, ending),
                None => self.keep(challenge),
            }
        }
    }

    /// When something is due next.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Timestamp> {
        Some(self.deadlines.first()?.0)
    }

    /// The challenges that ended since this was last asked.
    pub fn take_settled(&mut self) -> Vec<(ChallengeId, Settlement)> {
        std::mem::take(&mut self.settled)
    }

    /// Whether a person was asked to decide, and has not.
    #[must_use]
    pub fn asks_a_person(&self) -> bool {
        self.challenges.values().any(|it| matches!(it.step, Step::Asking { decides: true, .. }))
    }

    /// When a challenge is due.
    #[must_use]
    pub fn deadline(&self, id: ChallengeId) -> Option<Timestamp> {
        Some(self.challenges.get(&id)?.deadline)
    }

    /// How many challenges are open, those that wait for a code included.
    #[must_use]
    pub fn open_challenges(&self) -> usize {
        self.challenges.len()
    }

    /// Whether a user is blocked, or whoever is asked at the user's number.
    ///
    /// # Errors
    /// The refusal for a name that nobody has.
    pub fn is_blocked(&self, username: &str) -> Result<bool, Refusal> {
        let user = self.user(username)?;
        let number = user.number(&self.company.country_code);
        let at_number = |it: &Subject| number.as_ref().is_some_and(|number| number.digits() == it.digits);
        let blocked = self.subjects.iter().any(|(subject, it)| it.block.is_some() && at_number(subject));
        Ok(user.block.is_some() || blocked)
    }

    /// Lifts what blocks a user and the people asked under that name or at the user's number.
    ///
    /// # Errors
    /// `NotBlocked` where nothing does.
    pub fn unblock(&mut self, username: &str) -> Result<(), Refusal> {
        let country = self.company.country_code.clone();
        let user = self.user_mut(username)?;
        let (name, number) = (user.username.clone(), user.number(&country));
        let mut lifted = user.block.take().is_some();
        let (key, digits) = (name.to_lowercase(), number.map(|it| it.digits().to_owned()));
        for (subject, remembered) in &mut self.subjects {
            if subject.username == key || digits.as_ref() == Some(&subject.digits) {
                lifted |= remembered.block.take().is_some();
            }
        }
        self.subjects.retain(|_, it| it.is_worth_keeping());
        lifted.then_some(()).ok_or(Refusal::NotBlocked { username: name })
    }

    /// Lets what is remembered of a username go on under another. `None` forgets it, and the codes that are out for
    /// it.
    pub(in crate::engine) fn move_subjects(&mut self, from: &str, to: Option<&str>) {
        let key = from.to_lowercase();
        self.people.rename(from, to);
        self.rules.rename(from, to);
        let ids = self.waiting.get(&key).cloned().unwrap_or_default();
        if to.is_none() {
            ids.iter().for_each(|it| drop(self.close(*it)));
        }
        let subjects: Vec<_> = self.subjects.extract_if(|it, _| it.username == key).collect();
        let Some(to) = to else { return };
        let new_key = to.to_lowercase();
        for (subject, remembered) in subjects {
            self.subjects.insert(Subject { username: new_key.clone(), ..subject }, remembered);
        }
        if let Some(ids) = self.waiting.remove(&key) {
            self.waiting.entry(new_key.clone()).or_default().extend(ids);
        }
        for challenge in self.challenges.values_mut() {
            if challenge.subject.username == key {
                challenge.subject.username.clone_from(&new_key);
            }
            let names = [Some(&mut challenge.username), challenge.owner.as_mut()];
            names.into_iter().flatten().filter(|it| **it == from).for_each(|it| *it = to.into());
        }
    }

    pub(in crate::engine) fn method(&self, asked: Mode, stored: &UserSettings) -> Method {
        let defaults = &self.company.defaults;
        let given = |mode: Mode| Some(mode).filter(|it| !matches!(it, Mode::Unspecified | Mode::Invalid));
        let sms_mode = match stored.sms_mode {
            SmsMode::Invalid | SmsMode::Unspecified => defaults.sms_mode,
            mode => mode,
        };
        let direction = match stored.sms_direction {
            SmsDirection::Invalid | SmsDirection::Unspecified => defaults.sms_direction,
            direction => direction,
        };
        match given(asked).or_else(|| given(stored.mode)).unwrap_or(defaults.mode) {
            Mode::SmsText if direction == SmsDirection::TwoWay => Method::TextTwoWay(sms_mode),
            Mode::SmsText => Method::TextOneWay(sms_mode),
            Mode::PhoneApp => Method::App(stored.phone_app_mode),
            Mode::OathToken => Method::Oath,
            Mode::VoiceCall | Mode::Invalid | Mode::Unspecified => Method::Voice(stored.pin_mode),
        }
    }

    /// What the company has not licensed, and what cannot be reached.
    fn not_allowed(&self, method: Method, number: Option<&Number>, person: Option<&User>) -> Option<Outcome> {
        let features = &self.company.features;
        let refused = match method {
            Method::Voice(PinMode::Pin) if !features.pin_mode => Some(Outcome::PinModeNotAllowed),
            Method::Voice(PinMode::ReturnPin) if !features.pin_mode => Some(Outcome::ReturnPinNotAllowed),
            Method::Voice(PinMode::Voiceprint) if !features.voiceprint => Some(Outcome::VoiceprintNotAllowed),
            Method::TextOneWay(_) | Method::TextTwoWay(_) if !features.sms => Some(Outcome::TextNotAllowed),
            Method::App(_) if !features.phone_app => Some(Outcome::AppNotAllowed),
            Method::Oath if !features.oath_token => Some(Outcome::OathNotAllowed),
            _ => None,
        };
        if refused.is_some() {
            return refused;
        }
        match method {
            Method::App(_) if !person.is_some_and(|it| it.settings.phone_app_activated) => {
                Some(Outcome::AppNotificationFailed)
            }
            Method::App(_) | Method::Oath => None,
            Method::Voice(_) | Method::TextOneWay(_) | Method::TextTwoWay(_) => match number {
                None => Some(Outcome::InvalidNumber),
                Some(it) if !features.international && !it.is_in(&self.company.country_code) => {
                    Some(Outcome::InternationalNotAllowed)
                }
                Some(it) if !features.extension_dialing && !it.extension().is_empty() => {
                    Some(Outcome::ExtensionsNotAllowed)
                }
                Some(_) => None,
            },
        }
    }

    /// Plans what the person will do: as the verdict has it, as the number's magic has it, or what is asked.
    fn plan(&mut self, now: Timestamp, challenge: &mut Challenge, verdict: Option<&Verdict>) {
        let usual = Script::default();
        let script = verdict.and_then(Verdict::script).unwrap_or(&usual);
        challenge.rule = verdict.map(|it| it.rule.clone());
        challenge.counter = verdict.map_or(0, |it| it.words.counter);
        challenge.digits.clone_from(&script.digits);
        let code = script.code.as_ref().or(self.company.passcode.code.as_ref()).cloned();
        if challenge.method.channel() == Channel::Text {
            challenge.code = Some(code.unwrap_or_else(|| self.draw_code()));
        }
        let mut stops = match challenge.backup {
            Some(_) => now + self.company.ring_timeout / 2,
            None => challenge.gives_up,
        };
        let mut decides = false;
        // What is asked for by a message or a token is typed where the person signs in, and nobody waits for him.
        let waits = !challenge.method.waits_for_code();
        let magic = challenge.number.as_ref().filter(|_| self.magic_numbers).and_then(magic::of);
        let magic = magic.filter(|_| matches!(script.conduct, Conduct::Usual));
        if let Some(magic) = magic {
            challenge.rule.get_or_insert_with(|| magic.rule());
        }
        let after = script.after.or_else(|| magic?.after);
        let conduct = magic.map_or(&script.conduct, |it| &it.conduct);
        let plan = match conduct {
            Conduct::Acts(acts) if waits => {
                let mut at = now;
                let step = |(wait, act): &(Duration, Act)| {
                    at = at + *wait;
                    (at, Doing::Act(act.clone()))
                };
                acts.iter().map(step).collect()
            }
            Conduct::Decides { within, otherwise } if waits => {
                stops = now + within.unwrap_or(self.company.ring_timeout);
                decides = true;
                [(stops, Doing::End(self.ending(otherwise, challenge)))].into()
            }
            conduct => {
                let ending = self.ending(conduct, challenge);
                let at = match after {
                    Some(after) => now + after,
                    None if !waits => now,
                    None if ending.is_unanswered() || is_silence(&ending) => stops,
                    None => now + self.company.ring,
                };
                if !waits {
                    // However late a message is sent, it is sent.
                    stops = stops.max(at);
                }
                [(at, Doing::End(ending))].into()
            }
        };
        challenge.step = Step::Asking { line: Line::default(), plan, stops, decides };
        challenge.reckon();
    }

    /// How a conduct ends that has no acts of its own.
    fn ending(&self, conduct: &Conduct, challenge: &Challenge) -> Ending {
        let method = challenge.method;
        let asks_for_pin = matches!(method, Method::Voice(PinMode::Pin | PinMode::ReturnPin));
        match conduct {
            // The fraud code is then a wrong entry like any other.
            Conduct::React(Reaction::Fraud) if !self.company.features.fraud_alert => {
                Reaction::WrongCode.outcome(method).into()
            }
            Conduct::React(reaction) => reaction.outcome(method).into(),
            Conduct::End(ending) => ending.filled(&challenge.words()),
            Conduct::Usual if asks_for_pin && challenge.stale_pin => Outcome::PinExpired.into(),
            Conduct::Usual | Conduct::Acts(_) | Conduct::Decides { .. } => Reaction::Approve.outcome(method).into(),
        }
    }

    /// Opens a challenge, or ends it where nothing is to be waited for.
    fn begin(&mut self, now: Timestamp, mut challenge: Challenge) -> Asked {
        self.notify(now, &challenge);
        if let Some(ending) = self.play(now, &mut challenge) {
            if challenge.sends_a_code(&ending) {
                return Asked::Settled(self.send_code(now, challenge, ending));
            }
            if !self.try_backup(now, &mut challenge, &ending) {
                return Asked::Settled(self.end(now, challenge, ending));
            }
        }
        if challenge.method.channel() == Channel::Voice {
            self.subjects.entry(challenge.subject.clone()).or_default().in_call = true;
        }
        self.turn(now, &challenge, ChallengeStage::Asked);
        let id = challenge.id;
        self.keep(challenge);
        Asked::Open(id)
    }

    /// Lets the person do what is due. The ending, if that ends it.
    fn play(&mut self, now: Timestamp, challenge: &mut Challenge) -> Option<Ending> {
        loop {
            let Step::Asking { line, plan, stops, .. } = &mut challenge.step else { return None };
            let stops = *stops;
            let is_due = plan.front().is_some_and(|it| it.0 <= now && it.0 <= stops);
            let due = if is_due { plan.pop_front() } else { None };
            match due {
                Some((_, Doing::End(ending))) => return Some(ending),
                Some((at, Doing::Act(act))) => match self.perform(at, challenge, &act) {
                    Ok(Some(ending)) => return Some(ending),
                    Ok(None) => (),
                    Err(_) => challenge.warning = Some("the rule has the person do what nobody can do when asked so"),
                },
                None if stops <= now => return Some(line.silence(challenge.method).into()),
                None => {
                    challenge.reckon();
                    return None;
                }
            }
            challenge.reckon();
        }
    }

    /// Ends a challenge that was open, or lets it go on in another way.
    pub(in crate::engine) fn settle(&mut self, now: Timestamp, mut challenge: Challenge, ending: Ending) {
        let id = challenge.id;
        let settlement = if challenge.sends_a_code(&ending) {
            self.send_code(now, challenge, ending)
        } else if self.try_backup(now, &mut challenge, &ending) {
            return self.keep(challenge);
        } else {
            self.end(now, challenge, ending)
        };
        self.settled.push((id, settlement));
    }

    /// Lets an ending lead those who are asked to the states that it leads to, each once.
    pub(super) fn ended(&mut self, now: Timestamp, ids: &[ChallengeId], outcome: Outcome) {
        let mut met = Vec::new();
        for id in ids {
            let challenge = &self.challenges[id];
            let (keys, method) = (challenge.keys(&self.users), challenge.method);
            if !met.contains(&keys) {
                self.people.ended(now, &outcome.into(), method, &keys);
                met.push(keys);
            }
        }
    }

    /// Keeps a challenge open until its deadline.
    pub(in crate::engine) fn keep(&mut self, challenge: Challenge) {
        self.deadlines.insert((challenge.deadline, challenge.id));
        self.challenges.insert(challenge.id, challenge);
    }

    /// Sends the code of a text message, or asks for the token's: from now on a second operation may bring it. What
    /// ends differently is the fate that the code meets.
    fn send_code(&mut self, now: Timestamp, mut challenge: Challenge, ending: Ending) -> Settlement {
        let fate = Some(ending).filter(Ending::comes_after_sending);
        challenge.step = Step::Waiting { attempts_left: self.company.passcode.attempts, fate };
        challenge.deadline = now + self.company.passcode.lifetime;
        self.notify(now, &challenge);
        let sent = if challenge.method == Method::Oath { Outcome::OathPending } else { Outcome::TextSent };
        let settlement = challenge.settlement(sent.into(), challenge.request_id.clone());
        self.turn(now, &challenge, ChallengeStage::Sent);
        let waiting = self.waiting.entry(challenge.subject.username.clone()).or_default();
        waiting.insert(challenge.id);
        self.keep(challenge);
        settlement
    }

    fn next_challenge(&mut self) -> ChallengeId {
        let id = ChallengeId(self.next_challenge);
        self.next_challenge += 1;
        id
    }

    /// Notes a step in the life of a challenge.
    pub(in crate::engine) fn turn(&mut self, now: Timestamp, challenge: &Challenge, stage: ChallengeStage) {
        let turn = Turn {
            challenge: challenge.id,
            stage,
            username: challenge.username.as_str().into(),
            owner: challenge.owner.as_deref().map(Into::into),
            number: challenge.number.clone(),
            method: challenge.method,
            rule: challenge.rule.clone(),
        };
        self.journal.note(now, What::Turn(turn));
    }

    /// Forgets that anybody is in a call.
    pub(in crate::engine) fn let_go(&mut self) {
        self.subjects.values_mut().for_each(|it| it.in_call = false);
        self.subjects.retain(|_, it| it.is_worth_keeping());
    }

    /// Keeps what goes out to the person: a text message, a notification of the app.
    fn notify(&mut self, now: Timestamp, challenge: &Challenge) {
        let planned = match &challenge.step {
            Step::Asking { plan, .. } => plan.front().map(|it| &it.1),
            Step::Waiting { .. } => None,
        };
        if matches!(planned, Some(Doing::End(ending)) if ending.leaves_nothing()) {
            return;
        }
        let kind = match (challenge.method, &challenge.step) {
            (Method::TextOneWay(_), Step::Waiting { .. }) | (Method::TextTwoWay(_), _) => MessageKind::Text,
            (Method::App(_), _) => MessageKind::App,
            _ => return,
        };
        let words = challenge.words();
        let text = match kind {
            MessageKind::Text => template::fill(&self.company.passcode.message, &words).into_owned(),
            _ => format!("Approve the sign-in of {}?", words.user),
        };
        let message = Message {
            kind,
            operation: challenge.operation,
            username: challenge.username.as_str().into(),
            to: challenge.number.as_ref().map(|it| it.to_string().into()).unwrap_or_default(),
            from: "".into(),
            cc: "".into(),
            subject: "".into(),
            text: text.into(),
            code: challenge.code.clone().filter(|_| kind == MessageKind::Text),
            challenge: Some(challenge.id),
        };
        self.journal.note(now, What::Message(message));
    }

    /// Rings the backup number, if nobody took the call and there is one that was not tried. The rules are asked
    /// anew; what the request held is no longer known to them.
    fn try_backup(&mut self, now: Timestamp, challenge: &mut Challenge, ending: &Ending) -> bool {
        if !ending.is_unanswered() {
            return false;
        }
        let Some(backup) = challenge.backup.take() else { return false };
        challenge.number = Some(backup);
        let found = self.rules.select(&self.facts_of(now, challenge));
        let verdict = found.map(|it| self.take(now, it));
        self.plan(now, challenge, verdict.as_ref());
        true
    }

    /// Ends a challenge: what it means for the person, and what its caller is told.
    fn end(&mut self, now: Timestamp, mut challenge: Challenge, ending: Ending) -> Settlement {
        if let Some(remembered) = self.subjects.get_mut(&challenge.subject) {
            remembered.in_call = false;
        }
        if ending.known().is_some_and(Outcome::is_fraud) {
            self.block_person(now, &challenge, ending.description());
        }
        let keys = challenge.keys(&self.users);
        self.people.ended(now, &ending, challenge.method, &keys);
        self.free_code(&challenge);
        let request_id = std::mem::take(&mut challenge.request_id);
        let settlement = challenge.settlement(ending, request_id);
        let stage = ChallengeStage::Settled {
            ending: settlement.ending.clone(),
            succeeds: settlement.succeeds,
            request_id: settlement.request_id.as_str().into(),
        };
        self.turn(now, &challenge, stage);
        if settlement.succeeds {
            self.remember_pass(now, &challenge);
        }
        self.prune(&challenge.subject);
        settlement
    }

    /// Blocks who was asked: the subject, and the user with that number. A service account that asked for somebody
    /// else stays free.
    fn block_person(&mut self, now: Timestamp, challenge: &Challenge, reason: &str) {
        let block = Block { since: now, reason: reason.into() };
        self.subjects.entry(challenge.subject.clone()).or_default().block = Some(block.clone());
        let person = match challenge.number_given {
            true => challenge.number.as_ref().and_then(|it| self.users.owner_mut(it)),
            false => self.users.find_mut(&challenge.username),
        };
        if let Some(user) = person {
            user.block = Some(block);
        }
    }

    pub(super) fn remember_pass(&mut self, now: Timestamp, challenge: &Challenge) {
        // Who confirms an event has not signed in.
        let Some(cache) = self.company.cache.filter(|_| !challenge.plays_event) else { return };
        // Most people do not come back, and what they passed runs out unseen.
        if self.subjects.len() >= self.sweep_at {
            self.subjects.retain(|_, it| {
                it.passed.retain(|it| now.since(it.at) <= cache.lasts);
                it.is_worth_keeping()
            });
            self.sweep_at = SWEEP.max(2 * self.subjects.len());
        }
        let passed = &mut self.subjects.entry(challenge.subject.clone()).or_default().passed;
        passed.retain(|it| now.since(it.at) <= cache.lasts);
        passed.push(Passed {
            at: now,
            initiating_type: challenge.initiating_type,
            application: challenge.application.clone(),
            ip_address: challenge.ip_address.clone(),
        });
    }

    /// Forgets a subject of whom there is nothing to remember.
    fn prune(&mut self, subject: &Subject) {
        if self.subjects.get(subject).is_some_and(|it| !it.is_worth_keeping()) {
            self.subjects.remove(subject);
        }
    }

    /// What rules see of a challenge that goes on to another number.
    fn facts_of<'a>(&'a self, now: Timestamp, challenge: &'a Challenge) -> Facts<'a> {
        let account = self.users.find(&challenge.username);
        let number = challenge.number.clone();
        Facts {
            operation: challenge.operation,
            asks: true,
            space: &challenge.space,
            now,
            values: &[],
            username: &challenge.username,
            account,
            owner: number.as_ref().and_then(|it| self.users.owner(it)),
            person: challenge.person(&self.users),
            number,
            initiating_type: challenge.initiating_type,
            application: &challenge.application,
            ip_address: &challenge.ip_address,
            mode: challenge.method.mode(),
            keys: challenge.keys(&self.users),
            people: &self.people,
        }
    }

    fn draw_request_id(&mut self) -> String {
        let bits = u128::from(self.draw()) << 64 | u128::from(self.draw());
        data_encoding::HEXUPPER.encode(&bits.to_be_bytes())
    }
}

impl Challenge {
    /// Whether a code goes out before it ends like this.
    fn sends_a_code(&self, ending: &Ending) -> bool {
        let asks = matches!(ending.known(), Some(Outcome::TextSent | Outcome::OathPending));
        self.method.waits_for_code() && (asks || ending.comes_after_sending())
    }

    /// The user who is asked, if there is one.
    pub(in crate::engine) fn person<'a>(&self, users: &'a Directory) -> Option<&'a User> {
        match self.number_given {
            true => users.find(self.owner.as_deref()?),
            false => users.find(&self.username),
        }
    }

    fn keys(&self, users: &Directory) -> Keys {
        Keys::of(&self.username, self.person(users), self.number.as_ref(), self.number_given)
    }

    pub(in crate::engine) fn words(&self) -> Words {
        let owner = self.owner.as_ref().filter(|_| self.number_given);
        Words {
            user: owner.unwrap_or(&self.username).clone(),
            number: self.number.clone(),
            code: self.code.clone().unwrap_or_default(),
            time: self.since,
            counter: self.counter,
        }
    }

    /// Reckons when something is due, after what was done and planned.
    fn reckon(&mut self) {
        let Step::Asking { line, plan, stops, .. } = &mut self.step else { return };
        if line.answered {
            *stops = self.gives_up.max(*stops);
        }
        self.deadline = plan.front().map_or(*stops, |it| it.0.min(*stops));
    }

    /// Lets go of what was planned: somebody acts.
    pub(in crate::engine) fn is_taken_over(&mut self) {
        if let Step::Asking { plan, decides, .. } = &mut self.step {
            plan.clear();
            *decides = false;
        }
        self.reckon();
    }

    /// The challenge, to be looked at.
    pub(in crate::engine) fn shown(&self, id: ChallengeId) -> Open<'_> {
        Open {
            id,
            since: self.since,
            operation: self.operation,
            username: &self.username,
            owner: self.owner.as_deref(),
            number: self.number.as_ref(),
            application: &self.application,
            method: self.method,
            state: match &self.step {
                Step::Waiting { .. } => OpenState::WaitingForCode,
                Step::Asking { decides: true, .. } => OpenState::Deciding,
                Step::Asking { line, .. } if line.answered => OpenState::Answered,
                Step::Asking { .. } => OpenState::Ringing,
            },
            due: self.deadline,
            rule: self.rule.as_deref(),
            request_id: &self.request_id,
            code: self.code.as_ref(),
        }
    }

    fn settlement(&self, ending: Ending, request_id: String) -> Settlement {
        let succeeds = ending.succeeds(Some(self.method));
        let pressed = match &self.step {
            Step::Asking { line, .. } => line.entered.clone(),
            Step::Waiting { .. } => None,
        };
        let digits = pressed.or_else(|| self.digits.clone()).or_else(|| Some("1".into())).filter(|_| self.plays_event);
        Settlement { ending, succeeds, request_id, rule: self.rule.clone(), warning: self.warning, digits }
    }
}

impl Subject {
    fn new(username: &str, number: Option<&Number>) -> Self {
        let digits = number.map(|it| it.digits().into()).unwrap_or_default();
        Self { username: username.to_lowercase(), digits }
    }
}

/// Whether nothing comes back until time runs out.
fn is_silence(ending: &Ending) -> bool {
    matches!(ending.known(), Some(Outcome::NoReply | Outcome::AppNoResponse | Outcome::NoInput))
}

fn cached(cache: Cache, remembered: &Remembered, now: Timestamp, ask: &Ask<'_>) -> Option<Outcome> {
    let same = |it: &&Passed| match cache.by {
        CacheKey::User => true,
        CacheKey::Application => it.initiating_type == ask.initiating_type && it.application == ask.application,
        CacheKey::Ip => {
            it.initiating_type == ask.initiating_type
                && it.application == ask.application
                && it.ip_address == ask.ip_address
        }
    };
    remembered.passed.iter().filter(same).find(|it| now.since(it.at) <= cache.lasts)?;
    Some(match cache.by {
        CacheKey::User => Outcome::UsedCache,
        CacheKey::Ip => Outcome::UsedIpCache,
        CacheKey::Application => Outcome::UsedAppCache,
    })
}
