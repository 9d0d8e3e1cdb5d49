//! An open challenge from its beginning to its end: the plan is played, a caller of the API acts, time runs out.

use std::time::Duration;

use crate::engine::act::Act;
use crate::engine::challenge_id::ChallengeId;
use crate::engine::challenges::challenge::{Challenge, OpenChallenge, Phase, Planned, Settlement};
use crate::engine::challenges::line::{ActRefusal, Acted, Scene};
use crate::engine::directory::Block;
use crate::engine::incident::Running;
use crate::engine::journal::{ChallengeStage, What};
use crate::engine::outcome::{Channel, Ending, Method, Outcome};
use crate::engine::rules::facts::Facts;
use crate::engine::subject::Subject;
use crate::engine::{Delivery, Engine, Timestamp};

impl Engine {
    /// Lets everything happen that is due, and evicts what exceeds the bounds.
    pub fn tick(&mut self, now: Timestamp) {
        if let Some(until) = self.incident.as_ref().map(Running::until).filter(|it| *it <= now) {
            self.play_until(until);
            self.end_incident_in_time(now);
        }
        self.play_until(now);
        self.enforce_bounds(now);
    }

    fn play_until(&mut self, now: Timestamp) {
        while let Some(mut challenge) = self.challenges.remove_due(now) {
            let at = challenge.deadline;
            self.deliver(at);
            if challenge.awaits_code() {
                self.note_turn(at, &challenge, ChallengeStage::Closed { passed: false });
                continue;
            }
            match self.play(at, &mut challenge) {
                Some(ending) => self.settle(at, challenge, ending),
                None => self.challenges.insert(challenge),
            }
        }
        self.deliver(now);
    }

    /// Notes the messages that were under way and have arrived.
    fn deliver(&mut self, now: Timestamp) {
        while let Some((at, message)) = self.challenges.take_arrived(now) {
            self.journal.note(at, What::Message(message));
        }
    }

    /// When something is due next.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Timestamp> {
        let ends = self.incident.as_ref().map(Running::until);
        [self.challenges.next_deadline(), ends].into_iter().flatten().min()
    }

    /// The challenges that ended since the last call of this.
    pub fn take_settled(&mut self) -> Vec<(ChallengeId, Settlement)> {
        self.challenges.take_settled()
    }

    /// Whether the scenario leaves an open challenge to a caller of [`Self::act`].
    #[must_use]
    pub fn asks_a_person(&self) -> bool {
        self.challenges.asks_a_person()
    }

    /// When a challenge is due.
    #[must_use]
    pub fn deadline(&self, id: ChallengeId) -> Option<Timestamp> {
        Some(self.challenges.get(id)?.deadline)
    }

    /// How many challenges are open, those that wait for a code included.
    #[must_use]
    pub fn challenge_count(&self) -> usize {
        self.challenges.iter().len()
    }

    /// The challenges that are open, the oldest first.
    pub fn open_challenges(&self) -> impl Iterator<Item = OpenChallenge<'_>> {
        let mut open: Vec<_> = self.challenges.iter().collect();
        open.sort_unstable_by_key(|it| it.id);
        open.into_iter().map(Challenge::view)
    }

    /// A challenge that is open.
    #[must_use]
    pub fn open_challenge(&self, id: ChallengeId) -> Option<OpenChallenge<'_>> {
        self.challenges.get(id).map(Challenge::view)
    }

    /// Acts as the person who is asked. What the scenario had planned does not happen any more.
    ///
    /// # Errors
    /// [`ActRefusal`] where the challenge is not open, or where the act does not fit it. Then nothing changes.
    pub fn act(&mut self, now: Timestamp, id: ChallengeId, act: &Act) -> Result<Acted, ActRefusal> {
        let mut challenge = self.challenges.remove(id).ok_or(ActRefusal::NotOpen)?;
        match self.perform(now, &mut challenge, act) {
            Ok(Some(ending)) => {
                self.settle(now, challenge, ending.clone());
                Ok(Acted::Ended(ending))
            }
            Ok(None) => {
                challenge.drop_plan();
                self.challenges.insert(challenge);
                Ok(Acted::GoesOn)
            }
            Err(refusal) => {
                self.challenges.insert(challenge);
                Err(refusal)
            }
        }
    }

    /// Opens a planned challenge; the settlement instead where it ends at once.
    pub(super) fn begin(&mut self, now: Timestamp, mut challenge: Challenge) -> Option<Settlement> {
        self.note_message(now, &challenge);
        if let Some(ending) = self.play(now, &mut challenge) {
            if challenge.sends_a_code(&ending) {
                return Some(self.send_code(now, challenge, ending));
            }
            if !self.try_backup(now, &mut challenge, &ending) {
                return Some(self.end(now, challenge, ending));
            }
        }
        if challenge.method.channel() == Channel::Voice {
            self.challenges.memory.begin_call(&challenge.subject);
        }
        self.note_turn(now, &challenge, ChallengeStage::Asked);
        self.challenges.insert(challenge);
        None
    }

    /// Lets the person do what is due. The ending, if that ends it.
    fn play(&mut self, now: Timestamp, challenge: &mut Challenge) -> Option<Ending> {
        loop {
            let Phase::Asking { line, plan, stops, .. } = &mut challenge.phase else { return None };
            let stops = *stops;
            let is_due = plan.front().is_some_and(|it| it.0 <= now && it.0 <= stops);
            let due = if is_due { plan.pop_front() } else { None };
            match due {
                Some((_, Planned::End(ending))) => return Some(ending),
                Some((at, Planned::Act(act))) => match self.perform(at, challenge, &act) {
                    Ok(Some(ending)) => return Some(ending),
                    Ok(None) => (),
                    Err(_) => {
                        challenge.warning = Some(
                            "the rule has the person do something that this kind of challenge does not allow".into(),
                        )
                    }
                },
                None if stops <= now => return Some(line.silence(challenge.method).into()),
                None => {
                    challenge.update_deadline();
                    return None;
                }
            }
            challenge.update_deadline();
        }
    }

    /// Lets a person act within a challenge. The ending, if that ends it.
    fn perform(&mut self, now: Timestamp, challenge: &mut Challenge, act: &Act) -> Result<Option<Ending>, ActRefusal> {
        let scene = Scene {
            method: challenge.method,
            plays_event: challenge.plays_event,
            person: challenge.person(&self.users),
            stale_pin: challenge.stale_pin,
            fraud_alert: self.company.features.fraud_alert,
            fraud_code: &self.company.fraud_code,
            attempts: self.company.pin_attempts,
            code: challenge.code.as_ref(),
        };
        let Phase::Asking { line, .. } = &mut challenge.phase else {
            return Err(ActRefusal::CodeElsewhere(act.in_words()));
        };
        let was_answered = line.answered;
        let result = line.act(act, &scene)?;
        if line.answered && !was_answered {
            self.note_turn(now, challenge, ChallengeStage::Answered);
        }
        Ok(result)
    }

    /// Ends a challenge that was open, or sends its code, or rings the backup number.
    fn settle(&mut self, now: Timestamp, mut challenge: Challenge, ending: Ending) {
        let id = challenge.id;
        let settlement = if challenge.sends_a_code(&ending) {
            self.send_code(now, challenge, ending)
        } else if self.try_backup(now, &mut challenge, &ending) {
            return self.challenges.insert(challenge);
        } else {
            self.end(now, challenge, ending)
        };
        self.challenges.settle(id, settlement);
    }

    /// Sends the code of a text message, or asks for the token's: from now on a second operation may bring it. An
    /// ending that comes after sending is the fate that the code meets.
    fn send_code(&mut self, now: Timestamp, mut challenge: Challenge, ending: Ending) -> Settlement {
        let fate = Some(ending).filter(Ending::comes_after_sending);
        challenge.phase = Phase::AwaitingCode { attempts_left: self.company.passcode.attempts, fate };
        challenge.deadline = now + self.company.passcode.lifetime;
        self.note_message(now, &challenge);
        let sent = if challenge.method == Method::Oath { Outcome::OathPending } else { Outcome::TextSent };
        let settlement = challenge.settlement(sent.into(), challenge.request_id.clone());
        self.note_turn(now, &challenge, ChallengeStage::Sent);
        self.challenges.insert(challenge);
        settlement
    }

    /// Rings the backup number, if the call was not answered and there is one that was not tried. The rules are asked
    /// again; they no longer see the fields of the request.
    fn try_backup(&mut self, now: Timestamp, challenge: &mut Challenge, ending: &Ending) -> bool {
        if !ending.is_unanswered() {
            return false;
        }
        let Some(backup) = challenge.backup.take() else { return false };
        challenge.number = Some(backup);
        let selected = self.rules.select(self.facts_of(now, challenge));
        let decision = self.rules.consume(now, selected);
        self.plan(now, challenge, decision.verdict.as_deref());
        true
    }

    /// Ends a challenge: block, states, journal and cache follow. The settlement is for its caller.
    fn end(&mut self, now: Timestamp, mut challenge: Challenge, ending: Ending) -> Settlement {
        if challenge.method.channel() == Channel::Voice {
            self.challenges.memory.end_call(&challenge.subject);
        }
        if !challenge.is_incidental {
            if ending.known().is_some_and(Outcome::is_fraud) {
                self.block_person(now, &challenge, ending.description());
            }
            let keys = || challenge.keys(&self.users);
            self.rules.apply_triggers(now, &ending, challenge.method, keys);
        }
        let request_id = std::mem::take(&mut challenge.request_id);
        let settlement = challenge.settlement(ending, request_id);
        let stage = ChallengeStage::Settled {
            ending: settlement.ending.clone(),
            succeeds: settlement.succeeds,
            request_id: settlement.request_id.as_str().into(),
        };
        self.note_turn(now, &challenge, stage);
        if settlement.succeeds {
            self.remember_pass(now, &challenge);
        }
        settlement
    }

    /// Blocks the person who was asked: the subject, and the user with that number. A service account that asked for
    /// another person is not blocked.
    fn block_person(&mut self, now: Timestamp, challenge: &Challenge, reason: &str) {
        let block = Block { since: now, reason: reason.into() };
        self.challenges.memory.block(&challenge.subject, block.clone());
        let person = match challenge.number_given {
            true => challenge.number.as_ref().and_then(|it| self.users.owner_mut(it)),
            false => self.users.find_mut(&challenge.username),
        };
        if let Some(user) = person {
            user.block = Some(block);
        }
    }

    /// Remembers a success for the cache, if there is one. A confirmed event is no sign-in, and an incident leaves nothing
    /// behind.
    pub(super) fn remember_pass(&mut self, now: Timestamp, challenge: &Challenge) {
        let is_remembered = !challenge.plays_event && !challenge.is_incidental;
        let Some(cache) = self.company.cache.filter(|_| is_remembered) else { return };
        self.challenges.memory.remember(now, &challenge.subject, challenge.sign_in.clone(), cache);
    }

    /// Notes a step in the life of a challenge in the journal.
    pub(super) fn note_turn(&mut self, now: Timestamp, challenge: &Challenge, stage: ChallengeStage) {
        self.journal.note(now, What::Turn(challenge.turn(stage)));
    }

    /// Notes what goes out to the person now, if anything does; what is under way for a while is noted when it arrives.
    fn note_message(&mut self, now: Timestamp, challenge: &Challenge) {
        let Some(message) = challenge.message(&self.company.passcode.message) else { return };
        let Delivery { after, copies } = challenge.delivery.unwrap_or(Delivery { after: Duration::ZERO, copies: 1 });
        for _ in 0..copies {
            match after {
                Duration::ZERO => drop(self.journal.note(now, What::Message(message.clone()))),
                after => self.challenges.send_late(now + after, message.clone()),
            }
        }
    }

    /// What rules see of a challenge that goes on to another number.
    fn facts_of<'a>(&'a self, now: Timestamp, challenge: &'a Challenge) -> Facts<'a> {
        let number = challenge.number.clone();
        let subject = Subject {
            username: &challenge.username,
            account: self.users.find(&challenge.username),
            owner: number.as_ref().and_then(|it| self.users.owner(it)),
            person: challenge.person(&self.users),
            number: Ok(number),
            number_given: challenge.number_given,
        };
        Facts {
            operation: challenge.operation,
            asks: true,
            space: &challenge.space,
            now,
            since_start: now.since(self.begun),
            values: &[],
            subject,
            initiating_type: challenge.sign_in.initiating_type,
            application: &challenge.sign_in.application,
            ip_address: &challenge.sign_in.ip_address,
            mode: challenge.method.mode(),
            keys: challenge.keys(&self.users),
            people: self.rules.people(),
        }
    }
}
