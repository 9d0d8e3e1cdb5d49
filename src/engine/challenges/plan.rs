//! What the person who is asked will do, and when: as the rule says, as the number's magic says, or what is asked.

use std::sync::Arc;
use std::time::Duration;

use crate::contract::PinMode;
use crate::engine::act::Act;
use crate::engine::challenges::challenge::{Challenge, Phase, Planned};
use crate::engine::challenges::line::Line;
use crate::engine::outcome::{Channel, CustomResult, Ending, Method, Outcome, Reaction};
use crate::engine::rules::rule::{Conduct, Script, Verdict};
use crate::engine::rules::template;
use crate::engine::{Engine, Timestamp};

impl Engine {
    /// Plans what the person will do. A text message gets its code.
    pub(super) fn plan(&mut self, now: Timestamp, challenge: &mut Challenge, verdict: Option<&Verdict>) {
        let usual = Script::default();
        let script = verdict.and_then(Verdict::script).unwrap_or(&usual);
        challenge.rule = verdict.map(|it| it.rule.clone());
        challenge.is_incidental = verdict.is_some_and(|it| it.is_incidental);
        challenge.delivery = verdict.and_then(|it| it.answer.delivery);
        challenge.counter = verdict.map_or(0, |it| it.words.counter);
        challenge.digits.clone_from(&script.digits);
        if challenge.method.channel() == Channel::Text {
            let code = script.code.as_ref().or(self.company.passcode.code.as_ref()).cloned();
            challenge.code = Some(code.unwrap_or_else(|| self.draw_code()));
        }
        let mut stops = match challenge.backup {
            Some(_) => now + self.company.ring_timeout / 2,
            None => challenge.gives_up,
        };
        let mut decides = false;
        // The code arrives in a later request; the call that asked does not block.
        let waits = !challenge.method.waits_for_code();
        let magic = challenge.number.as_ref().and_then(|it| self.rules.magic(it));
        let magic = magic.filter(|_| matches!(script.conduct, Conduct::Usual));
        if let Some(magic) = magic {
            challenge.rule.get_or_insert_with(|| magic.rule_name());
        }
        let after = script.after.or_else(|| magic?.after);
        let conduct = magic.map_or(&script.conduct, |it| &it.conduct);
        let plan = match conduct {
            Conduct::Acts(acts) if waits => {
                let mut at = now;
                let planned = |(wait, act): &(Duration, Act)| {
                    at = at + *wait;
                    (at, Planned::Act(act.clone()))
                };
                acts.iter().map(planned).collect()
            }
            Conduct::Decides { within, otherwise } if waits => {
                stops = now + within.unwrap_or(self.company.ring_timeout);
                decides = true;
                [(stops, Planned::End(self.ending(otherwise, challenge)))].into()
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
                [(at, Planned::End(ending))].into()
            }
        };
        challenge.phase = Phase::Asking { line: Line::default(), plan, stops, decides };
        challenge.update_deadline();
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
            Conduct::End(Ending::Known(outcome)) => (*outcome).into(),
            Conduct::End(Ending::Custom(result)) => {
                let text = template::fill(&result.text, &challenge.words()).into();
                Ending::Custom(Arc::new(CustomResult { text, ..**result }))
            }
            Conduct::Usual if asks_for_pin && challenge.stale_pin => Outcome::PinExpired.into(),
            Conduct::Usual | Conduct::Acts(_) | Conduct::Decides { .. } => Reaction::Approve.outcome(method).into(),
        }
    }
}

/// Whether the person does nothing until the time runs out.
fn is_silence(ending: &Ending) -> bool {
    matches!(ending.known(), Some(Outcome::NoReply | Outcome::AppNoResponse | Outcome::NoInput))
}
