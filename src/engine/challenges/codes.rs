//! The codes of text messages and tokens: drawn, waited for, and checked when a second operation brings them.

use super::challenge::{Challenge, Step};
use crate::contract::{Secret, SmsMode};
use crate::engine::directory::secret::OathKey;
use crate::engine::journal::ChallengeStage;
use crate::engine::{ChallengeId, Ending, Engine, Method, Outcome, Refusal, Timestamp, oath};

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
        let waiting = self.waiting.get(&username.to_lowercase()).ok_or_else(nothing)?;
        let texts: Vec<_> = waiting.iter().copied().filter(|it| self.texted(*it).is_some()).collect();
        if texts.is_empty() {
            return Err(nothing());
        }

        let passcode = passcode.trim();
        let right = texts.iter().copied().find(|it| self.expected(*it).is_some_and(|code| code == passcode));
        let fate = right.and_then(|it| self.texted(it)?.clone());
        if let Some(id) = right.filter(|_| fate.is_none()) {
            self.pass(now, id);
            return Ok(());
        }
        let fate = fate.or_else(|| texts.iter().find_map(|it| self.texted(*it)?.clone()));
        if fate.as_ref().and_then(Ending::known) == Some(Outcome::AuthTimedOut) {
            return Err(nothing());
        }
        // Nobody says which message a wrong code was meant for, so that it counts against each.
        let wrong_pin = texts.iter().any(|it| self.is_code_without_pin(*it, passcode));
        let wrong = if wrong_pin { Outcome::TextPinIncorrect } else { Outcome::TextCodeIncorrect };
        self.ended(now, &texts, wrong);
        let mut left = 0;
        for id in &texts {
            let challenge = self.challenges.get_mut(id).expect("listed above");
            let Step::Waiting { attempts_left, .. } = &mut challenge.step else { continue };
            *attempts_left = attempts_left.saturating_sub(1);
            left = left.max(*attempts_left);
            if *attempts_left == 0 {
                self.ended(now, &[*id], Outcome::TextRetriesReached);
                let challenge = self.close(*id);
                self.turn(now, &challenge, ChallengeStage::Closed { passed: false });
            }
        }
        Err(match fate.as_ref().and_then(Ending::known) {
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
        let waiting = self.waiting.get(&username.to_lowercase());
        let of_request = |id: &&ChallengeId| {
            let challenge = &self.challenges[*id];
            challenge.method == Method::Oath && (request_id.is_empty() || challenge.request_id == request_id)
        };
        let waiting = waiting.and_then(|it| it.iter().find(of_request)).copied();
        if waiting.is_none() && !fallback {
            return Err(Refusal::UnknownRequest { id: request_id.into() });
        }
        let fate = waiting.and_then(|it| match &self.challenges[&it].step {
            Step::Waiting { fate, .. } => fate.as_ref()?.known(),
            Step::Asking { .. } => None,
        });
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
        if let Some(id) = waiting {
            self.pass(now, id);
        }
        Ok(())
    }

    /// The stored name of the account, or the name as sent where codes are out for a stranger.
    fn account(&self, username: &str) -> Result<String, Refusal> {
        let name = self.users.find(username).map(|it| it.username.clone());
        let stranger = || Some(username.trim().to_owned()).filter(|it| self.waiting.contains_key(&it.to_lowercase()));
        name.or_else(stranger).ok_or_else(|| Refusal::UserNotFound { username: username.into() })
    }

    /// The fate of a text message's code; `None` where the challenge waits for none.
    fn texted(&self, id: ChallengeId) -> Option<&Option<Ending>> {
        let challenge = self.challenges.get(&id)?;
        match &challenge.step {
            Step::Waiting { fate, .. } if challenge.method != Method::Oath => Some(fate),
            _ => None,
        }
    }

    /// The passcode that a text message asks for: its code, and the person's PIN behind it where that is asked.
    fn expected(&self, id: ChallengeId) -> Option<String> {
        let challenge = self.challenges.get(&id)?;
        let mut passcode = challenge.code.as_ref()?.reveal().to_owned();
        if challenge.method == Method::TextOneWay(SmsMode::OtpPlusPin) {
            let owner = challenge.owner.as_deref().unwrap_or(&challenge.username);
            let pin = self.users.find(owner).and_then(|it| it.settings.pin.as_ref());
            passcode.push_str(pin.map(Secret::reveal).unwrap_or_default());
        }
        Some(passcode)
    }

    fn is_code_without_pin(&self, id: ChallengeId, passcode: &str) -> bool {
        let Some(challenge) = self.challenges.get(&id) else { return false };
        let Some(code) = &challenge.code else { return false };
        challenge.method == Method::TextOneWay(SmsMode::OtpPlusPin) && passcode.starts_with(code.reveal())
    }

    /// A code that no other message of this space carries now.
    pub(in crate::engine) fn draw_code(&mut self) -> Secret {
        let length = self.company.passcode.length;
        let below = 10_u64.pow(length);
        loop {
            let code = format!("{:0width$}", self.draw() % below, width = length as usize);
            // With short codes and very many messages there may be no free one; then two share one.
            if self.codes.insert(code.clone()) || self.codes.len() as u64 > below / 2 {
                return code.into();
            }
        }
    }

    /// Lets another message carry the code of one that is over.
    pub(in crate::engine) fn free_code(&mut self, challenge: &Challenge) {
        if let Some(code) = &challenge.code {
            self.codes.remove(code.reveal());
        }
    }

    pub(in crate::engine) fn forget_code(&mut self, id: ChallengeId, challenge: &Challenge) {
        let username = &challenge.subject.username;
        if let Some(ids) = self.waiting.get_mut(username) {
            ids.remove(&id);
            if ids.is_empty() {
                self.waiting.remove(username);
            }
        }
        self.free_code(challenge);
    }

    /// Removes a challenge that waited for a code.
    pub(in crate::engine) fn close(&mut self, id: ChallengeId) -> Challenge {
        let challenge = self.challenges.remove(&id).expect("it was open");
        self.deadlines.remove(&(challenge.deadline, id));
        self.forget_code(id, &challenge);
        challenge
    }

    /// Ends a challenge whose code came.
    pub(in crate::engine) fn pass(&mut self, now: Timestamp, id: ChallengeId) {
        let challenge = self.close(id);
        self.remember_pass(now, &challenge);
        self.turn(now, &challenge, ChallengeStage::Closed { passed: true });
    }
}
