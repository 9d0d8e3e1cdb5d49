//! What a rule will draw, before there is a call.

use std::sync::Arc;

use crate::engine::chance::Draw;
use crate::engine::delay::DrawnDelay;
use crate::engine::number::NotANumber;
use crate::engine::rules::states::{Keys, Per};
use crate::engine::subject::{GivenNumber, Subject};
use crate::engine::{Engine, Rule};

/// What a rule will draw for one person or number, from the first turn on.
#[derive(Clone, Debug)]
pub struct Preview {
    pub rule: Arc<str>,
    pub per: Per,
    /// The username in lower case or the digits of the number, as `per` says.
    pub key: String,
    pub turns: Vec<PreviewedTurn>,
}

/// A call that meets all other conditions of the rule.
#[derive(Clone, Debug)]
pub struct PreviewedTurn {
    /// `None`: the rule has no chance, and takes the call.
    pub draw: Option<Draw>,
    /// The delay of the answer, where the rule takes the call and delays it.
    pub delay: Option<DrawnDelay>,
}

/// Why there is no preview.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum NoPreview {
    UnknownRule,
    /// It has neither chance nor a delay that is drawn.
    DrawsNothing,
    NeedsNumber,
    NeedsUser,
    NotANumber(NotANumber),
}

impl Engine {
    /// What a rule will draw for calls with this username and number, either of which can be empty. Letter case of the
    /// rule's name aside.
    ///
    /// # Errors
    /// [`NoPreview`]
    pub fn preview(&self, rule: &str, username: &str, number: &str, turns: u32) -> Result<Preview, NoPreview> {
        let rule = self.all_rules().map(|it| it.rule).find(|it| it.name.eq_ignore_ascii_case(rule));
        let rule = rule.ok_or(NoPreview::UnknownRule)?;
        if rule.when.chance().is_none() && !rule.answers.draws_delays() {
            return Err(NoPreview::DrawsNothing);
        }
        let given = GivenNumber { country_code: "", phone: number, extension: "" };
        let subject = Subject::resolve(&self.users, &self.company.country_code, username, given);
        if let Err(why) = &subject.number {
            return Err(NoPreview::NotANumber(*why));
        }
        let keys = Keys::of(subject.username, subject.person, subject.number(), subject.number_given);
        let per = rule.answers.per;
        match (per, keys.per(per)) {
            (Per::Number, "") => Err(NoPreview::NeedsNumber),
            (Per::User, "") => Err(NoPreview::NeedsUser),
            (_, key) => {
                Ok(Preview { rule: rule.name.clone(), per, key: key.into(), turns: self.turns(rule, key, turns) })
            }
        }
    }

    fn turns(&self, rule: &Rule, key: &str, turns: u32) -> Vec<PreviewedTurn> {
        let seed = self.seed();
        let mut given = 0;
        let turn = |turn| {
            let draw = rule.when.chance().map(|it| Draw::of(seed, &rule.name, it, key, turn));
            let mut delay = None;
            if draw.as_ref().is_none_or(Draw::is_taken) {
                given += 1;
                delay = rule.answers.of(given - 1).delay.map(|it| it.drawn(seed, &rule.name, key, given));
            }
            PreviewedTurn { draw, delay }
        };
        (1..=u64::from(turns)).map(turn).collect()
    }
}
