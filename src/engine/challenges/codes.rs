//! The codes of text messages and tokens: drawn, waited for, and checked when a second operation brings them.

use crate::contract::{Secret, SmsMode};
use crate::engine::challenge_id::ChallengeId;
use crate::engine::challenges::challenge::{Challenge, Phase};
use crate::engine::directory::OathKey;
use crate::engine::journal::ChallengeStage;
use crate::engine::outcome::{Ending, Method, Outcome};
use crate::engine::{Engine, Refusal, Timestamp, oath};

/// How many past steps an OATH code is recognised in, to say that it is old rather than wrong.
const OATH_MEMORY: u64 = 120;

impl Engine {
    /// Checks the code of a text message.
    ///
    /// # Errors
    /// A refusal that says what is wrong with it, and how many attempts are left.
    pub fn validate_passcode(&mut self, now: Timestamp, username: &str, passcode: &str) -> Result<(), Refusal> {
        let username = self.account(username)?;
        let nothing = || Refusal::NoPasscode { username: username.clone() };
        let awaited = self.challenges.awaiting_code(&username.to_lowercase());
        let texts: Vec<&Challenge> = awaited.filter(|it| it.method != Method::Oath).collect();
        if texts.is_empty() {
            return Err(nothing());
        }

        let passcode = passcode.trim();
        let right = texts.iter().find(|it| self.expected(it).is_some_and(|code| code == passcode));
        if let Some(challenge) = right.filter(|it| it.fate().is_none()) {
            let id = challenge.id;
            self.pass(now, id);
            return Ok(());
        }
        let fate = right.and_then(|it| it.fate()).or_else(|| texts.iter().find_map(|it| it.fate()));
        let fate = fate.and_then(Ending::known);
        if fate == Some(Outcome::AuthTimedOut) {
            return Err(nothing());
        }
        // A wrong code does not say which message it was meant for, so it counts against each.
        let wrong_pin = texts.iter().any(|it| is_code_without_pin(it, passcode));
        let wrong = if wrong_pin { Outcome::TextPinIncorrect } else { Outcome::TextCodeIncorrect };
        let texts: Vec<ChallengeId> = texts.iter().map(|it| it.id).collect();
        self.apply_triggers(now, &texts, wrong);
        let mut left = 0;
        for id in texts {
            left = left.max(self.use_attempt(now, id));
        }
        Err(match fate {
            Some(Outcome::TextRetriesReached) => Refusal::TooManyPasscodes {},
            _ if left == 0 => Refusal::TooManyPasscodes {},
            Some(Outcome::TextPinIncorrect) => Refusal::WrongPasscodePin { left },
            _ if wrong_pin => Refusal::WrongPasscodePin { left },
            _ => Refusal::WrongPasscode { left },
        })
    }

    /// Checks a code of a user's OATH token. `fallback`: it stands in for a second factor that failed, and no
    /// authentication needs to wait for it.
    ///
    /// # Errors
    /// A refusal that says what is wrong with it.
    pub fn validate_oath_code(
        &mut self,
        now: Timestamp,
        username: &str,
        code: &str,
        request_id: &str,
        fallback: bool,
    ) -> Result<(), Refusal> {
        let username = self.account(username)?;
        let of_request =
            |it: &&Challenge| it.method == Method::Oath && (request_id.is_empty() || it.request_id == request_id);
        let awaited = self.challenges.awaiting_code(&username.to_lowercase()).find(of_request);
        if awaited.is_none() && !fallback {
            return Err(Refusal::UnknownRequest { id: request_id.into() });
        }
        let fate = awaited.and_then(Challenge::fate).and_then(Ending::known);
        let awaited = awaited.map(|it| it.id);
        match fate {
            Some(Outcome::OathDuplicate) => return Err(Refusal::UsedOathCode {}),
            Some(Outcome::OathOld) => return Err(Refusal::OldOathCode {}),
            Some(Outcome::OathTimedOut) => return Err(Refusal::UnknownRequest { id: request_id.into() }),
            Some(_) => return Err(Refusal::WrongOathCode {}),
            None => (),
        }
        let no_token = || Refusal::NoOathToken { username: username.clone() };
        let user = self.users.find_mut(&username).ok_or_else(no_token)?;
        let code = code.trim();
        let keys: Vec<OathKey> = user.oath_keys().collect();
        let shows = |it: &OathKey, before, after| {
            let current = oath::step(now, it.interval);
            let mut steps = current.saturating_sub(before)..=current + after;
            steps.find(|step| oath::code(&it.key, *step) == code)
        };
        // The token and each phone with the app have a key; the one that shows the code counts.
        let Some((key, step)) = keys.iter().find_map(|it| Some((it, shows(it, 1, 1)?))) else {
            return Err(match keys.iter().any(|it| shows(it, OATH_MEMORY, 0).is_some()) {
                _ if keys.is_empty() => no_token(),
                true => Refusal::OldOathCode {},
                false => Refusal::WrongOathCode {},
            });
        };
        let last = user.oath_step_mut(key);
        if last.is_some_and(|last| step <= last) {
            return Err(Refusal::UsedOathCode {});
        }
        *last = Some(step);
        if let Some(id) = awaited {
            self.pass(now, id);
        }
        Ok(())
    }

    /// The code that the person types where they sign in: that of the text message, or the one that the token shows
    /// now. `None` where the challenge awaits no code, or the user has no token.
    #[must_use]
    pub fn awaited_code(&self, now: Timestamp, id: ChallengeId) -> Option<Secret> {
        let challenge = self.challenges.get(id).filter(|it| it.awaits_code())?;
        if challenge.method != Method::Oath {
            return challenge.code.clone();
        }
        let OathKey { key, interval, .. } = self.users.find(&challenge.username)?.oath_keys().next()?;
        Some(oath::code(&key, oath::step(now, interval)).into())
    }

    /// The stored name of the account, or the name as sent where codes are out for an unknown user.
    fn account(&self, username: &str) -> Result<String, Refusal> {
        let stored = self.users.find(username).map(|it| it.username.clone());
        let sent = username.trim();
        let has_codes = || self.challenges.awaiting_code(&sent.to_lowercase()).next().is_some();
        let name = stored.or_else(|| has_codes().then(|| sent.to_owned()));
        name.ok_or_else(|| Refusal::UserNotFound { username: username.into() })
    }

    /// The passcode that a text message asks for: its code, and the person's PIN behind it where that is asked.
    fn expected(&self, challenge: &Challenge) -> Option<String> {
        let mut passcode = challenge.code.as_ref()?.reveal().to_owned();
        if challenge.method == Method::TextOneWay(SmsMode::OtpPlusPin) {
            let owner = challenge.owner.as_deref().unwrap_or(&challenge.username);
            let pin = self.users.find(owner).and_then(|it| it.settings.pin.as_ref());
            passcode.push_str(pin.map(Secret::reveal).unwrap_or_default());
        }
        Some(passcode)
    }

    /// Applies state triggers once per person.
    fn apply_triggers(&mut self, now: Timestamp, ids: &[ChallengeId], outcome: Outcome) {
        let mut applied = Vec::new();
        let counted = ids.iter().filter_map(|it| self.challenges.get(*it)).filter(|it| !it.is_incidental);
        for challenge in counted {
            let keys = challenge.keys(&self.users);
            if !applied.contains(&keys) {
                self.rules.apply_triggers(now, &outcome.into(), challenge.method, || keys.clone());
                applied.push(keys);
            }
        }
    }

    /// Counts a wrong code against a text message, and closes it with the last one. How many more it allows.
    fn use_attempt(&mut self, now: Timestamp, id: ChallengeId) -> u32 {
        let Some(mut challenge) = self.challenges.remove(id) else { return 0 };
        let mut left = 0;
        if let Phase::AwaitingCode { attempts_left, .. } = &mut challenge.phase {
            left = attempts_left.saturating_sub(1);
            *attempts_left = left;
        }
        self.challenges.insert(challenge);
        if left == 0 {
            self.apply_triggers(now, &[id], Outcome::TextRetriesReached);
            if let Some(challenge) = self.challenges.remove(id) {
                self.note_turn(now, &challenge, ChallengeStage::Closed { passed: false });
            }
        }
        left
    }

    /// A code that no other open challenge of this space carries.
    pub(super) fn draw_code(&mut self) -> Secret {
        let length = self.company.passcode.length;
        let below = 10_u64.pow(length);
        loop {
            let code = Secret::from(format!("{:0width$}", self.draw() % below, width = length as usize));
            // With short codes and very many messages there may be no free one; then two share one.
            if !self.challenges.carries(&code) || self.challenges.codes() as u64 > below / 2 {
                return code;
            }
        }
    }

    /// Closes the oldest challenges that await a code above a bound. Whether there was one.
    pub(in crate::engine) fn evict_codes(&mut self, now: Timestamp, bound: usize) -> bool {
        let mut is_evicted = false;
        while let Some(challenge) = self.challenges.remove_code_above(bound) {
            is_evicted = true;
            self.note_turn(now, &challenge, ChallengeStage::Closed { passed: false });
        }
        is_evicted
    }

    /// Closes a challenge whose code came.
    fn pass(&mut self, now: Timestamp, id: ChallengeId) {
        let Some(challenge) = self.challenges.remove(id) else { return };
        self.remember_pass(now, &challenge);
        self.note_turn(now, &challenge, ChallengeStage::Closed { passed: true });
    }
}

fn is_code_without_pin(challenge: &Challenge, passcode: &str) -> bool {
    let code = challenge.code.as_ref().map(Secret::reveal);
    challenge.method == Method::TextOneWay(SmsMode::OtpPlusPin) && code.is_some_and(|it| passcode.starts_with(it))
}
