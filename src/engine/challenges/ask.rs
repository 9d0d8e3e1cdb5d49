//! Asking a person for the second factor: the subject is resolved, settled without asking where that is possible, and
//! challenged otherwise.

use std::borrow::Cow;
use std::sync::Arc;

use crate::contract::{AuthResult, AuthenticationType, Mode, PinMode};
use crate::engine::challenge_id::ChallengeId;
use crate::engine::challenges::challenge::{Challenge, Phase, Settlement};
use crate::engine::challenges::memory::{SignIn, SubjectKey};
use crate::engine::outcome::{Channel, Ending, Method, Outcome};
use crate::engine::rules::rule::Verdict;
use crate::engine::subject::{GivenNumber, Subject};
use crate::engine::{Engine, Refusal, Timestamp, User};

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
    /// Whether the call plays an event: it rings even where a bypass or the cache would let the user pass.
    pub plays_event: bool,
}

/// What comes of asking.
#[derive(Debug)]
pub enum Authentication {
    Settled(Settlement),
    /// The person has yet to act; [`Engine::take_settled`] has the settlement then.
    Open(ChallengeId),
}

/// An authentication with all that is known of its subject.
struct Request<'a> {
    ask: Ask<'a>,
    subject: Subject<'a>,
    /// The subject's, shared by the challenge and by all that is noted of it.
    username: Arc<str>,
    key: SubjectKey,
    method: Method,
}

/// How an authentication ends in which no person is asked.
struct Unasked {
    outcome: Outcome,
    /// What a tester should know.
    warning: Option<Cow<'static, str>>,
    /// The user whose one-time bypass it uses up.
    bypass_of: Option<String>,
}

/// How many characters of a number that cannot be read are shown.
const SHOWN: usize = 40;

impl Engine {
    /// Authenticates a user: resolves the subject, settles without asking where that is possible, and opens a
    /// challenge otherwise.
    ///
    /// # Errors
    /// An in-band refusal where no person is asked and no call result says why.
    pub fn authenticate(&mut self, now: Timestamp, ask: Ask<'_>) -> Result<Authentication, Refusal> {
        if ask.username.trim().is_empty() {
            return Err(Refusal::NoUsername {});
        }
        let id = self.challenges.next_id();
        let request_id = self.draw_request_id();

        let request = self.resolve(ask);

        if let Some(unasked) = self.settle_without_asking(now, &request)? {
            if let Some(user) = unasked.bypass_of.as_ref().and_then(|it| self.users.find_mut(it)) {
                user.bypass = None;
            }
            return Ok(Authentication::Settled(unasked.settlement(request_id)));
        }

        let mut challenge = self.challenge(now, id, request_id, request);
        self.plan(now, &mut challenge, ask.verdict);
        Ok(self.begin(now, challenge).map_or(Authentication::Open(id), Authentication::Settled))
    }

    fn resolve<'a>(&'a self, ask: Ask<'a>) -> Request<'a> {
        let country = &self.company.country_code;
        let number = GivenNumber { country_code: ask.country_code, phone: ask.phone_number, extension: ask.extension };
        let subject = Subject::resolve(&self.users, country, ask.username, number);
        let username = subject.username.into();
        let key = SubjectKey::new(&username, subject.number());
        let method = Method::choose(ask.mode, subject.account.map(|it| &it.settings), &self.company.defaults);
        Request { ask, subject, username, key, method }
    }

    /// The end of an authentication for which no person is asked; `None` where a challenge has to decide.
    fn settle_without_asking(&self, now: Timestamp, request: &Request<'_>) -> Result<Option<Unasked>, Refusal> {
        let Request { ask, subject, key, method, .. } = request;
        let settled = |outcome| Ok(Some(Unasked::new(outcome)));
        if ask.initiating_type == AuthenticationType::Pfsdk && !self.company.direct_sdk {
            return settled(Outcome::DirectSdkNotAllowed);
        }
        match subject.account {
            None if ask.require_user_match => return Err(Refusal::UserNotFound { username: ask.username.into() }),
            None if !subject.number_given => {
                let warning = "unknown user passed without a challenge, since requireUserMatch is false";
                return Ok(Some(Unasked { warning: Some(warning.into()), ..Unasked::new(Outcome::Bypassed) }));
            }
            Some(user) if !user.settings.enabled => {
                let warning = "disabled user passed without a challenge, as the disabled behavior says";
                return match user.settings.disabled_behavior {
                    AuthResult::Fail => Err(Refusal::UserDisabled { username: user.username.clone() }),
                    AuthResult::Succeed => {
                        Ok(Some(Unasked { warning: Some(warning.into()), ..Unasked::new(Outcome::Bypassed) }))
                    }
                };
            }
            _ => (),
        }
        if let Err(why) = &subject.number {
            let phone: String = ask.phone_number.chars().take(SHOWN).collect();
            let warning = Some(format!("the number of the call, {phone:?}, cannot be read: {why}").into());
            return Ok(Some(Unasked { warning, ..Unasked::new(Outcome::InvalidNumberFormat) }));
        }

        let remembered = self.challenges.memory.get(key);
        let users = [subject.person, subject.account];
        if users.into_iter().flatten().any(|it| it.block.is_some()) || remembered.is_some_and(|it| it.is_blocked()) {
            return settled(Outcome::UserBlocked);
        }
        // An event rings even where a sign-in would pass.
        if !ask.plays_event {
            let may_bypass = |it: &&User| it.bypass.as_ref().is_some_and(|it| now < it.until);
            if let Some(user) = users.into_iter().flatten().find(may_bypass) {
                let bypass_of = Some(user.username.clone());
                return Ok(Some(Unasked { bypass_of, ..Unasked::new(Outcome::Bypassed) }));
            }
            let cached = |cache| remembered?.cached(now, &ask.sign_in(), cache);
            if let Some(outcome) = self.company.cache.and_then(cached) {
                return settled(outcome);
            }
        }

        if let Some(outcome) = self.not_allowed(*method, subject) {
            return settled(outcome);
        }
        if method.channel() == Channel::Voice && remembered.is_some_and(|it| it.is_in_call()) {
            return settled(Outcome::Busy);
        }
        let has_token = || subject.account.is_some_and(|it| it.oath_keys().next().is_some());
        if *method == Method::Oath && ask.verdict.is_none() && !has_token() {
            return Err(Refusal::NoOathToken { username: subject.username.into() });
        }
        Ok(None)
    }

    /// What the company has not licensed, and what cannot be reached.
    fn not_allowed(&self, method: Method, subject: &Subject<'_>) -> Option<Outcome> {
        let features = &self.company.features;
        match method {
            Method::Voice(PinMode::Pin) if !features.pin_mode => return Some(Outcome::PinModeNotAllowed),
            Method::Voice(PinMode::ReturnPin) if !features.pin_mode => return Some(Outcome::ReturnPinNotAllowed),
            Method::Voice(PinMode::Voiceprint) if !features.voiceprint => return Some(Outcome::VoiceprintNotAllowed),
            Method::TextOneWay(_) | Method::TextTwoWay(_) if !features.sms => return Some(Outcome::TextNotAllowed),
            Method::App(_) if !features.phone_app => return Some(Outcome::AppNotAllowed),
            Method::Oath if !features.oath_token => return Some(Outcome::OathNotAllowed),
            Method::App(_) => {
                let user = subject.person.or(subject.account);
                let has_app = user.is_some_and(|it| it.settings.phone_app_activated);
                return (!has_app).then_some(Outcome::AppNotificationFailed);
            }
            Method::Oath => return None,
            Method::Voice(_) | Method::TextOneWay(_) | Method::TextTwoWay(_) => (),
        }
        match subject.number() {
            None => Some(Outcome::InvalidNumber),
            Some(it) if !features.international && !it.is_in(&self.company.country_code) => {
                Some(Outcome::InternationalNotAllowed)
            }
            Some(it) if !features.extension_dialing && !it.extension().is_empty() => {
                Some(Outcome::ExtensionsNotAllowed)
            }
            Some(_) => None,
        }
    }

    /// A challenge of which nothing is planned yet.
    fn challenge(&self, now: Timestamp, id: ChallengeId, request_id: String, request: Request<'_>) -> Challenge {
        let Request { ask, subject, username, key, method } = request;
        let rolls_over = self.company.features.call_rollover && !subject.number_given;
        let has_backup = rolls_over && method.channel() == Channel::Voice;
        let account = subject.account.filter(|_| has_backup);
        Challenge {
            id,
            subject: key,
            since: now,
            number_given: subject.number_given,
            plays_event: ask.plays_event,
            method,
            operation: ask.operation,
            space: ask.space.into(),
            username,
            owner: subject.owner.map(|it| it.username.as_str().into()),
            number: subject.number.ok().flatten(),
            sign_in: ask.sign_in(),
            stale_pin: subject.person.or(subject.account).is_some_and(|it| it.pin_is_stale(now)),
            backup: account.and_then(|it| it.backup_number(&self.company.country_code)).map(Into::into),
            gives_up: now + self.company.ring_timeout,
            request_id,
            deadline: now,
            rule: None,
            is_incidental: false,
            delivery: None,
            counter: 0,
            digits: None,
            code: None,
            phase: Phase::AwaitingCode { attempts_left: 0, fate: None },
            warning: None,
        }
    }

    /// Whether a user is blocked, or the person asked at the user's number.
    ///
    /// # Errors
    /// The refusal for a name that no user has.
    pub fn is_blocked(&self, username: &str) -> Result<bool, Refusal> {
        let user = self.users.user(username)?;
        let number = user.number(&self.company.country_code);
        let at_number = || number.is_some_and(|it| self.challenges.memory.is_blocked_at(&it));
        Ok(user.block.is_some() || at_number())
    }

    /// Lifts what blocks a user and the people asked under that name or at the user's number.
    ///
    /// # Errors
    /// `NotBlocked` where nothing does.
    pub fn unblock(&mut self, username: &str) -> Result<(), Refusal> {
        let country = self.company.country_code.clone();
        let user = self.users.user_mut(username)?;
        let (name, number) = (user.username.clone(), user.number(&country));
        let was_blocked = user.block.take().is_some();
        let lifted = self.challenges.memory.unblock(&name, number.as_ref());
        (was_blocked || lifted).then_some(()).ok_or(Refusal::NotBlocked { username: name })
    }

    fn draw_request_id(&mut self) -> String {
        let bits = u128::from(self.draw()) << 64 | u128::from(self.draw());
        data_encoding::HEXUPPER.encode(&bits.to_be_bytes())
    }
}

impl Ask<'_> {
    fn sign_in(&self) -> SignIn {
        SignIn {
            initiating_type: self.initiating_type,
            application: self.application.into(),
            ip_address: self.ip_address.into(),
        }
    }
}

impl Unasked {
    fn new(outcome: Outcome) -> Self {
        Self { outcome, warning: None, bypass_of: None }
    }

    fn settlement(&self, request_id: String) -> Settlement {
        let ending = Ending::from(self.outcome);
        let succeeds = ending.succeeds(None);
        Settlement { ending, succeeds, request_id, rule: None, warning: self.warning.clone(), digits: None }
    }
}
