//! What a rule answers: one answer, on the rule itself, or several in turn.

use std::sync::Arc;
use std::time::Duration;

use crate::contract::Secret;
use crate::engine::{Answer, Answers, Conduct, Delivery, Effect, Per, Script, StateChange, UserChange};
use crate::operations::Operation;

use super::acts::{person, pressed};
use super::canned::{canned, error};
use super::delay::delay;
use super::fields::{Fields, Reader, mapping};
use super::grammar::Values;
use super::mistake::Code;
use super::outcomes::{outcome, outcome_word};
use super::scope::Scope;
use super::texts::{code, template};
use super::transfer::{check_that_it_fits, hangup, page, refusal, retry_after, transfer};
use super::user_settings::{NUMBERS, settings};
use super::users::blocked;
use super::values::{
    Hidden, Item, Lasting, OneOrList, OneOrMore, ReaderExt, Time, Truth, Whole, Word, described, or_mapping, text_as,
    text_or,
};
use super::written::Written;

/// What the answers of a rule depend on.
#[derive(Clone, Copy)]
pub(super) struct Context<'c, 's, 'a> {
    pub scope: &'c Scope<'s, 'a>,
    /// The operations that the rule names, if it names any.
    pub operations: Option<&'c [&'static Operation]>,
    /// Whether the rule draws whether it takes a call.
    pub has_chance: bool,
}

/// The keys with which a call is answered. A call gets one of them; the first five are parts of one.
const EFFECTS: [&str; 12] =
    ["outcome", "person", "after", "code", "digits", "error", "fault", "answer", "status", "page", "sign_in", "drop"];

const PER: [(&str, Per); 3] = [("rule", Per::All), ("user", Per::User), ("number", Per::Number)];

/// An answer in a sequence, with how many calls get it and where that is said.
type Step<'a> = ((Arc<Answer>, u64), Option<Written<'a>>);

/// Declares the keys of a rule's answers.
pub(super) fn answers<'a>(fields: &mut Fields<'a>, context: Context<'_, '_, 'a>) -> Answers {
    let before = fields.declared();
    let own = answer(fields, context);
    let own_key = fields.present_since(before).next();
    let first = fields.get("first", step(context));
    let then = fields.get("then", OneOrList(Item("then", step(context)))).unwrap_or_default();
    let mut repeat = false;
    fields.set("repeat", &mut repeat, Truth);
    let mut per = Per::All;
    fields.set("per", &mut per, Word(&PER));
    let Some(first) = first else {
        let mut answers = Answers::from(own);
        let has_turns = context.has_chance || answers.draws_delays();
        for key in ["then", "repeat", "per"].into_iter().filter(|it| *it != "per" || !has_turns) {
            if let Some(it) = fields.at(key).filter(|_| fields.at("first").is_none()) {
                let help = "Say the answer before: first: busy".into();
                it.report(Code::NeverApplies, format!("{key} needs first"), [help]);
            }
        }
        answers.per = per;
        return of_each_number(answers, fields, context);
    };
    if let Some((key, written)) = own_key {
        let message = format!("{key} stands beside first");
        written.report(Code::NeverApplies, message, ["Put it into first, or into then.".into()]);
    }
    let mut steps = vec![first];
    steps.extend(then);
    if let Some((_, Some(written))) = steps.last().filter(|_| !repeat) {
        let message = "the last answer stays, however often".into();
        written.report(Code::NeverApplies, message, ["Take times out, say what comes then, or repeat: true.".into()]);
    }
    let turns = steps.into_iter().map(|it| it.0).collect();
    of_each_number(Answers { turns, repeat, per }, fields, context)
}

/// The same answers. What is drawn is drawn for each number, unless the rule says otherwise: what comes to one number then
/// does not depend on the calls to others.
fn of_each_number(answers: Answers, fields: &Fields<'_>, context: Context<'_, '_, '_>) -> Answers {
    match fields.at("per").is_none() && (context.has_chance || answers.draws_delays()) {
        true => Answers { per: Per::Number, ..answers },
        false => answers,
    }
}

/// The word of an outcome, or a mapping.
fn step<'a>(context: Context<'_, '_, 'a>) -> impl Reader<'a, Value = Step<'a>> {
    let by_word = |conduct: Conduct| -> Step<'a> {
        let effect = Effect::Proceed(Script { conduct, ..Script::default() });
        ((Arc::new(Answer { effect, ..Answer::default() }), 1), None)
    };
    text_or(
        outcome_word().map(by_word),
        mapping("answer", "an answer", move |fields| {
            let answer = answer(fields, context);
            let mut times = 1;
            fields.set("times", &mut times, Whole(1..=1_000_000_000));
            Some(((Arc::new(answer), times), fields.at("times")))
        }),
    )
}

/// Declares the keys of one answer.
fn answer<'a>(fields: &mut Fields<'a>, context: Context<'_, '_, 'a>) -> Answer {
    let Context { scope, operations, .. } = context;
    let script = script(fields, scope);
    let refused = fields.get("error", error());
    let by_fault = fields.get("fault", fault());
    let canned = fields.get("answer", canned(operations));
    let status = fields.get("status", Whole(200..=599));
    let retry_after = fields.get("retry_after", retry_after());
    let page = fields.get("page", page());
    let is_refused = fields.get("sign_in", refusal());
    let dropped = fields.get("drop", hangup()).flatten();
    let transfer = transfer(fields);
    let delay = fields.get("delay", delay());
    let delivery = fields.get("delivery", delivery());
    let change = fields.get("change", change(scope));
    let state_changes = fields.get("state", moves(scope)).unwrap_or_default();
    let counts = fields.get("count", counts(scope)).unwrap_or_default();

    let asked = EFFECTS[..5].iter().find(|it| fields.at(it).is_some());
    let others = EFFECTS[5..].iter().filter(|it| fields.at(it).is_some());
    let mut said = asked.into_iter().chain(others);
    if let (Some(first), Some(second)) = (said.next(), said.next())
        && let Some(written) = fields.at(second)
    {
        let message = format!("{second} stands beside {first}");
        written.report(Code::NeverApplies, message, ["A call gets one of them. Take the other out.".into()]);
    }
    let effect = None
        .or_else(|| refused.map(|(code, text)| Effect::Refuse { code, text }))
        .or(by_fault)
        .or_else(|| canned.map(Effect::Canned))
        .or_else(|| status.map(|code| Effect::Status { code, retry_after }))
        .or_else(|| page.map(Effect::Page))
        .or(is_refused)
        .or_else(|| dropped.map(Effect::Drop))
        .unwrap_or(Effect::Proceed(script));
    check_that_it_fits(fields, &effect);
    Answer { effect, delay, transfer, delivery, change, state_changes, counts }
}

/// Declares the keys of what a person does, and of what comes of it.
fn script<'a>(fields: &mut Fields<'a>, scope: &Scope<'_, 'a>) -> Script {
    let conduct = fields.get("outcome", outcome());
    let after = fields.get("after", Time);
    let code = fields.get("code", code(scope.company.passcode.length));
    let digits = fields.get("digits", pressed());
    let person = fields.get("person", person(scope.company.ring));
    let within = fields.get("within", Lasting);
    let otherwise = fields.get("otherwise", outcome());
    if let Some(person) = fields.at("person") {
        if fields.at("outcome").is_some() {
            let help = "Say what the person does, or what comes of it.".into();
            person.report(Code::NeverApplies, "person stands beside outcome".into(), [help]);
        }
        if let Some(after) = fields.at("after") {
            let help = "Say when the person acts within person: [answers: 4s, ...]".into();
            after.report(Code::NeverApplies, "after stands beside person".into(), [help]);
        }
    }
    let conduct = conduct.or_else(|| person.map(|it| it.conduct(within, otherwise))).unwrap_or_default();
    if !matches!(conduct, Conduct::Decides { .. }) {
        for (key, it) in ["within", "otherwise"].into_iter().filter_map(|key| Some((key, fields.at(key)?))) {
            it.report(Code::NeverApplies, format!("{key} needs person: decides"), []);
        }
    }
    Script { conduct, after, code, digits }
}

/// A text, or a mapping.
fn fault<'a>() -> impl Reader<'a, Value = Effect> {
    text_or(
        template().map(|text| Effect::Fault { text, by_client: false }),
        mapping("fault", "fault", |fields| {
            let text = fields.need("text", template());
            let mut by_client = false;
            fields.set("code", &mut by_client, Word(&[("server", false), ("client", true)]));
            Some(Effect::Fault { text: text?, by_client })
        }),
    )
}

/// How the message with the code reaches the person.
fn delivery<'a>() -> impl Reader<'a, Value = Delivery> {
    mapping("delivery", "delivery", |fields| {
        let mut delivery = Delivery { after: Duration::ZERO, copies: 1 };
        fields.set("after", &mut delivery.after, Time);
        fields.set("copies", &mut delivery.copies, Whole(1..=10));
        Some(delivery)
    })
}

/// What changes of a user: keys as under `users`.
fn change<'a>(scope: &Scope<'_, 'a>) -> impl Reader<'a, Value = UserChange> {
    mapping("change", "change", move |fields| {
        let mut change = UserChange { password: fields.get("password", Hidden), ..UserChange::default() };
        change.block = fields.get("blocked", blocked()).map(|it| it.map(|it| it.reason));
        let mut scratch = scope.company.new_user();
        let mut set = Vec::new();
        settings(fields, &mut scratch, scope.company, |key, text| set.push((key, Secret::from(text))));
        // Numbers are kept in parts, as the service keeps them.
        let parts = [
            [&scratch.country_code, &scratch.phone, &scratch.extension],
            [&scratch.backup_country_code, &scratch.backup_phone, &scratch.backup_extension],
        ];
        for (keys, parts) in NUMBERS.iter().zip(parts) {
            if set.iter().any(|it| keys.contains(&it.0)) {
                set.retain(|it| !keys.contains(&it.0));
                let kept = keys.iter().zip(parts).map(|(key, it)| (*key, Secret::from(it.clone().unwrap_or_default())));
                set.extend(kept);
            }
        }
        change.settings = set;
        Some(change)
    })
}

/// A state that the person enters, or a mapping that says for how long, or which ones the person leaves.
fn moves<'a>(scope: &Scope<'_, 'a>) -> impl Reader<'a, Value = Vec<StateChange>> {
    let entered = move || text_as("name", |it: Written<'a>| scope.entered_state(it));
    text_or(
        entered().map(|state| vec![StateChange::Enter { state, lasts: None }]),
        mapping("step", "state", move |fields| {
            let lasts = fields.get("for", Lasting);
            let left = fields.get("clear", OneOrMore(text_as("name", |it: Written<'a>| scope.state(it))));
            let left = left.unwrap_or_default().into_iter().map(|state| StateChange::Leave { state });
            let entered = fields.get("set", entered()).map(|state| StateChange::Enter { state, lasts });
            Some(left.chain(entered).collect())
        }),
    )
}

/// A counter that goes up by one, or a mapping of counters to values.
fn counts<'a>(scope: &Scope<'_, 'a>) -> impl Reader<'a, Value = Vec<(Arc<str>, Option<u64>)>> {
    let name = described(
        |_| Values::text("name"),
        |it: Written<'a>| {
            let name = it.name()?;
            scope.counts(name, it);
            Some((Arc::from(name), None))
        },
    );
    let set = |written: Written<'a>| {
        let pairs = written.pairs();
        pairs.iter().for_each(|it| scope.counts(it.key, it.value));
        Some(pairs.iter().filter_map(|it| Some((it.key.into(), Some(it.value.whole(0..=i64::MAX)?)))).collect())
    };
    let values = |_| Values::pairs("mapping from counters to numbers", Some(&Values::whole(&(0..=i64::MAX))));
    or_mapping(OneOrList(name), described(values, set))
}
