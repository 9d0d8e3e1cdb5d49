//! The grammar of rules: when they match, and what they answer in turn.

use std::cell::{LazyCell, RefCell};
use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use crate::contract::{Primitive, Secret, Shape};
use crate::engine::{
    Act, Addresses, Answer, Answers, Broken, Canned, CannedValue, Company, Conduct, CustomResult, Day, Directory,
    Effect, Ending, Hours, NamedState, NotAnAct, Operations, Outcome, Parameter, Pattern, Per, PersonState, Reached,
    Reaction, Rule, Script, StateChange, Trigger, TriggerEnding, User, UserChange, WORDS, When, by_any_form,
    unknown_word,
};
use crate::operations::{self, Operation};

use super::meaning::{self, Names, any_of, read_number};
use super::mistake::{Code, closest, quoted};
use super::reader::{Fields, Pair, Written};

/// What rules speak of.
struct Scope<'s, 'a> {
    company: &'s Company,
    /// The name of a user as it is stored, by any form of it.
    stored: &'s dyn Fn(&str) -> Option<&'s str>,
    states: &'s [PersonState],
    met: RefCell<Met<'a>>,
}

/// What was met while the rules were read.
#[derive(Default)]
struct Met<'a> {
    /// The states that a rule asks for, and those that an answer leads to, by their places.
    asked: HashSet<usize>,
    entered: HashSet<usize>,
    /// The counters that a rule asks for, and those that an answer changes.
    awaited: Vec<(&'a str, Written<'a>)>,
    counted: Vec<(&'a str, Written<'a>)>,
}

/// The rules and the states of a scenario.
pub(super) fn of<'a>(fields: &mut Fields<'a>, company: &Company, users: &[User]) -> (Vec<Rule>, Vec<PersonState>) {
    let written_states = fields.take("states").map(Written::list).unwrap_or_default();
    let mut names = Names::new("state");
    let read = |it: Written<'a>| Some((state(it.called("a state"), &mut names)?, it));
    let (states, written_states): (Vec<_>, Vec<_>) = written_states.into_iter().filter_map(read).unzip();
    let names_of_users = LazyCell::new(|| Usernames::of(users));
    let stored = |name: &str| names_of_users.find(name);
    let scope = Scope { company, stored: &stored, states: &states, met: RefCell::default() };
    let mut names = Names::new("rule");
    let written = fields.take("rules").map(Written::list).unwrap_or_default();
    let read =
        |(at, it): (usize, Written<'a>)| rule(it.called("a rule"), &format!("rule {}", at + 1), &scope, &mut names);
    let rules = written.into_iter().enumerate().filter_map(read).collect();
    scope.check(&written_states);
    (rules, states)
}

/// A rule alone, called `unnamed` where it has no name.
pub(super) fn one(
    written: Written<'_>,
    unnamed: &str,
    company: &Company,
    directory: &Directory,
    states: &[PersonState],
) -> Option<Rule> {
    let stored = |name: &str| directory.find(name).map(|it| it.username.as_str());
    let scope = Scope { company, stored: &stored, states, met: RefCell::default() };
    rule(written.called("a rule"), unnamed, &scope, &mut Names::new("rule"))
}

/// The names of users, to be found by any form.
struct Usernames<'u> {
    by_name: HashMap<String, &'u str>,
    by_account: HashMap<String, &'u str>,
}

impl<'u> Usernames<'u> {
    fn of(users: &'u [User]) -> Self {
        let names = || users.iter().map(|it| (it.username.to_lowercase(), it.username.as_str())).rev();
        let account = |(name, stored): (String, &'u str)| Some((name.split_once('@')?.0.to_owned(), stored));
        Self { by_name: names().collect(), by_account: names().filter_map(account).collect() }
    }

    fn find(&self, name: &str) -> Option<&'u str> {
        by_any_form(name, |name| self.by_name.get(name).copied(), |account| self.by_account.get(account).copied())
    }
}

impl Scope<'_, '_> {
    /// Reports what leads nowhere.
    fn check(&self, written_states: &[Written<'_>]) {
        let met = self.met.borrow();
        for (at, (state, written)) in self.states.iter().zip(written_states).enumerate() {
            let name = quoted(&state.name);
            if !met.asked.contains(&at) {
                let help = format!("Ask for it: rules: [{{when: {{state: {}}}, outcome: ...}}]", state.name);
                written.report(Code::NeverApplies, format!("no rule asks for the state {name}"), [help]);
            } else if state.trigger.is_none() && !met.entered.contains(&at) {
                let help = "Say when: {outcome: ...} in it, or state: in the answer of a rule.".into();
                written.report(Code::NeverApplies, format!("nothing leads to the state {name}"), [help]);
            }
        }
        let has = |list: &[(&str, Written<'_>)], name: &str| list.iter().any(|it| it.0 == name);
        for (name, written) in met.awaited.iter().filter(|it| !has(&met.counted, it.0)) {
            let known = closest(name, met.counted.iter().map(|it| it.0));
            let help = known
                .map_or_else(|| format!("Count it in an answer: count: {name}"), |it| format!("Did you mean {it}?"));
            written.report(Code::NeverApplies, format!("no answer counts {}", quoted(name)), [help]);
        }
        for (name, written) in met.counted.iter().filter(|it| !has(&met.awaited, it.0)) {
            let help = format!("Ask for it: when: {{count: {{{name}: 3}}}}");
            written.report(Code::NeverApplies, format!("no rule asks for the counter {}", quoted(name)), [help]);
        }
    }

    /// The place of a state.
    fn state(&self, written: Written<'_>) -> Option<usize> {
        let name = written.name()?;
        let same = |it: &PersonState| it.name.eq_ignore_ascii_case(name);
        self.states.iter().position(same).or_else(|| {
            let known = closest(name, self.states.iter().map(|it| &*it.name));
            let help = match known {
                Some(known) => format!("Did you mean {known}?"),
                None => format!("Declare it: states: [{{name: {name}}}]"),
            };
            written.wrong(Code::UnknownWord, format!("there is no state {}", quoted(name)), [help])
        })
    }
}

fn state(written: Written<'_>, names: &mut Names) -> Option<PersonState> {
    written.mapping("a state", |fields| {
        let name = fields.need("name").and_then(|it| names.add(it, it.name()?));
        let trigger = fields.take("when").and_then(trigger);
        let mut per = Per::User;
        fields.set("per", &mut per, |it| it.word(&Per::ALL.iter().map(|it| (it.word(), *it)).collect::<Vec<_>>()));
        let mut lasts = None;
        fields.set("lasts", &mut lasts, |it| it.lasting().map(Some));
        Some(PersonState { name: name?.into(), trigger, per, lasts })
    })?
}

fn trigger(written: Written<'_>) -> Option<Trigger> {
    written.mapping("when", |fields| {
        fields.need("outcome");
        let endings = any_of(fields, "outcome", |it| match outcome(it)? {
            Conduct::React(reaction) => Some(TriggerEnding::Reaction(reaction)),
            Conduct::End(Ending::Known(outcome)) => Some(TriggerEnding::Outcome(outcome)),
            _ => it.wrong(Code::BadValue, "outcome must be a word for an outcome here".into(), []),
        });
        let mut times = 1;
        fields.set("times", &mut times, |it| it.whole(1..=1_000_000));
        let mut within = None;
        fields.set("within", &mut within, |it| it.lasting().map(Some));
        Trigger { endings, times, within }
    })
}

fn rule<'a>(written: Written<'a>, unnamed: &str, scope: &Scope<'_, 'a>, names: &mut Names) -> Option<Rule> {
    written.mapping("a rule", |fields| {
        let name = match fields.take("name") {
            Some(it) => it.name().and_then(|name| names.add(it, name)),
            None => names.add(written, unnamed),
        };
        let mut named = Vec::new();
        let when = fields.take("when").and_then(|it| when(it, scope, &mut named)).unwrap_or_default();
        let operations = scoped(&named);
        let answers = answers(fields, scope, operations.as_deref());
        if answers.directs_person() {
            named.iter().for_each(|(written, it)| asks(*written, it));
        }
        Rule { name: name.unwrap_or_default().into(), when, answers, written: written.flow().into() }
    })
}

/// The operations that a rule names.
fn scoped(named: &[(Written<'_>, Operations)]) -> Option<Vec<&'static Operation>> {
    let names: Vec<_> = named.iter().flat_map(|it| &it.1.names).copied().collect();
    (!names.is_empty()).then(|| operations::all().filter(|it| names.contains(&it.signature.name)).collect())
}

/// Reports operations none of which asks for a second factor, under a rule that says what a person does.
fn asks(written: Written<'_>, named: &Operations) {
    if !operations::all().any(|it| it.asks && named.names.contains(&it.signature.name)) {
        let message =
            format!("{} asks nobody for a second factor, so that nobody does anything", quoted(&named.written));
        let help = "Those that ask: PfAuthUser*, CombinedAuthUser*, EventConfirmation*. For others say error, fault, answer, status, drop or delay.".into();
        written.report(Code::NeverApplies, message, [help]);
    }
}

/// The answers of a rule: one, on the rule itself, or several in turn.
fn answers<'a>(fields: &mut Fields<'a>, scope: &Scope<'_, 'a>, operations: Option<&[&'static Operation]>) -> Answers {
    let (own, own_keys) = answer(fields, scope, operations);
    let first = fields.take("first");
    let then = fields.take("then");
    let repeat = fields.take("repeat");
    let per = fields.take("per");
    let words = [("rule", Per::All), ("user", Per::User), ("number", Per::Number)];
    let Some(first) = first else {
        for (key, it) in [("then", then), ("repeat", repeat), ("per", per)] {
            if let Some(it) = it {
                it.report(
                    Code::NeverApplies,
                    format!("{key} needs first"),
                    ["Say the answer before: first: busy".into()],
                );
            }
        }
        return own.into();
    };
    if let Some((key, written)) = own_keys.first() {
        let message = format!("{key} stands beside first");
        written.report(Code::NeverApplies, message, ["Put it into first, or into then.".into()]);
    }
    let mut steps = vec![step(first, scope, operations)];
    let then = then.map(Written::one_or_more).unwrap_or_default();
    steps.extend(then.iter().map(|it| step(it.called("then"), scope, operations)));
    let repeat = repeat.and_then(Written::truth).unwrap_or_default();
    if let Some((_, Some(written))) = steps.last().map(|it| (&it.0, it.1)).filter(|_| !repeat) {
        let message = "the last answer stays, however often".into();
        written.report(Code::NeverApplies, message, ["Take times out, say what comes then, or repeat: true.".into()]);
    }
    let per = per.and_then(|it| it.word(&words)).unwrap_or(Per::All);
    Answers { turns: steps.into_iter().map(|it| it.0).collect(), repeat, per }
}

/// An answer in a sequence, with how often it comes and where that is said.
type Step<'a> = ((Arc<Answer>, u64), Option<Written<'a>>);

fn step<'a>(written: Written<'a>, scope: &Scope<'_, 'a>, operations: Option<&[&'static Operation]>) -> Step<'a> {
    if written.is_text() {
        let conduct = outcome(written).unwrap_or_default();
        let effect = Effect::Proceed(Script { conduct, ..Script::default() });
        return ((Arc::new(Answer { effect, ..Answer::default() }), 1), None);
    }
    let mut times = 1;
    let mut written_times = None;
    let answer = written.mapping("an answer", |fields| {
        written_times = fields.take("times");
        fields.set("times", &mut times, |it| it.whole(1..=1_000_000_000));
        answer(fields, scope, operations).0
    });
    ((Arc::new(answer.unwrap_or_default()), times), written_times)
}

/// An answer, with the keys that say it.
fn answer<'a>(
    fields: &mut Fields<'a>,
    scope: &Scope<'_, 'a>,
    operations: Option<&[&'static Operation]>,
) -> (Answer, Vec<(&'static str, Written<'a>)>) {
    let mut met = Vec::new();
    let mut take = |fields: &mut Fields<'a>, key: &'static str| {
        let written = fields.take(key)?;
        met.push((key, written));
        Some(written)
    };
    let [after, conduct, code, digits, person, within, otherwise] =
        ["after", "outcome", "code", "digits", "person", "within", "otherwise"].map(|it| take(fields, it));
    let effects = ["error", "fault", "answer", "status", "drop"].map(|it| take(fields, it));
    let [broken, delay, change, state, count] =
        ["broken", "delay", "change", "state", "count"].map(|it| take(fields, it));

    let mut script = Script::default();
    let conducts = conduct.and_then(outcome).or_else(|| person.and_then(|it| acts(it, within, otherwise, scope)));
    script.conduct = conducts.unwrap_or_default();
    script.after = after.and_then(Written::duration);
    script.code = code.and_then(|it| meaning::code(it, scope.company.passcode.length));
    script.digits = digits.and_then(pressed);
    if let Some((_, person)) = conduct.zip(person) {
        let message = "person stands beside outcome".into();
        let help = "Say what the person does, or what comes of it.".into();
        person.report(Code::NeverApplies, message, [help]);
    }
    if let Some((after, _)) = after.zip(person) {
        let help = "Say when he acts within person: [answers: 4s, ...]".into();
        after.report(Code::NeverApplies, "after stands beside person".into(), [help]);
    }
    let decides = matches!(script.conduct, Conduct::Decides { .. });
    for (key, it) in [("within", within), ("otherwise", otherwise)] {
        if let Some(it) = it.filter(|_| !decides) {
            it.report(Code::NeverApplies, format!("{key} needs person: decides"), []);
        }
    }

    let mut said = Vec::new();
    let asked = [("outcome", conduct), ("person", person), ("after", after), ("code", code), ("digits", digits)];
    said.extend(asked.into_iter().find_map(|(key, it)| Some((key, it?))));
    said.extend(
        ["error", "fault", "answer", "status", "drop"]
            .into_iter()
            .zip(effects)
            .filter_map(|(key, it)| Some((key, it?))),
    );
    if let [(first, _), (second, written), ..] = said.as_slice() {
        let message = format!("{second} stands beside {first}");
        written.report(Code::NeverApplies, message, ["A call gets one of them. Take the other out.".into()]);
    }
    let [refused, fault, canned_answer, status, dropped] = effects;
    let effect = None
        .or_else(|| refused.and_then(error).map(|(code, text)| Effect::Refuse { code, text }))
        .or_else(|| fault.and_then(self::fault))
        .or_else(|| canned_answer.and_then(|it| canned(it, operations)).map(Effect::Canned))
        .or_else(|| status.and_then(|it| it.whole(200..=599)).map(Effect::Status))
        .or_else(|| dropped.and_then(Written::truth).filter(|it| *it).map(|_| Effect::Drop))
        .unwrap_or(Effect::Proceed(script));
    let words = [("truncated", Broken::Truncated), ("garbage", Broken::Garbage)];
    let answer = Answer {
        effect,
        delay: delay.and_then(Written::duration),
        broken: broken.and_then(|it| it.word(&words)),
        change: change.and_then(|it| user_change(it, scope.company)),
        state_changes: state.map(|it| steps(it, scope)).unwrap_or_default(),
        counts: count.map(|it| counts(it, scope)).unwrap_or_default(),
    };
    (answer, met)
}

/// A text in which words in braces are filled in.
pub(super) fn template(written: Written<'_>) -> Option<String> {
    let text = written.text()?;
    let Some(unknown) = unknown_word(text) else { return Some(text.into()) };
    let all: Vec<_> = WORDS.iter().map(|it| format!("{{{it}}}")).collect();
    let meant = closest(unknown, WORDS.iter().copied()).map(|it| format!("Did you mean {{{it}}}?"));
    let help = meant.into_iter().chain([format!("Words: {}. Two braces, {{{{, stand for one.", all.join(", "))]);
    written.wrong(
        Code::UnknownWord,
        format!("{} stands for nothing", quoted(&format!("{{{unknown}}}"))),
        help.collect::<Vec<_>>(),
    )
}

/// The code and the text of an in-band error.
fn error(written: Written<'_>) -> Option<(i32, String)> {
    written.mapping("error", |fields| {
        let code = fields.need("code").and_then(|it| it.whole(i32::MIN.into()..=i32::MAX.into()));
        let mut text = String::new();
        fields.set("text", &mut text, template);
        Some((code?, text))
    })?
}

/// A text, or a mapping.
fn fault(written: Written<'_>) -> Option<Effect> {
    if written.is_text() {
        return Some(Effect::Fault { text: template(written)?, by_client: false });
    }
    written.mapping("fault", |fields| {
        let text = fields.need("text").and_then(template);
        let mut by_client = false;
        fields.set("code", &mut by_client, |it| it.word(&[("server", false), ("client", true)]));
        Some(Effect::Fault { text: text?, by_client })
    })?
}

/// An answer in its fields, which must be those of every operation that the rule names.
fn canned(written: Written<'_>, operations: Option<&[&'static Operation]>) -> Option<Canned> {
    let Some(operations) = operations else {
        let help = "Say which: when: {operation: GetPhone}".into();
        return written.wrong(
            Code::MissingKey,
            "answer needs an operation, since each has its own fields".into(),
            [help],
        );
    };
    let mut read = operations.iter().map(|it| canned_of(written, it));
    let first = read.next()?;
    read.all(|it| it.is_some());
    first
}

fn canned_of(written: Written<'_>, operation: &Operation) -> Option<Canned> {
    let signature = &operation.signature;
    let mut canned = Canned { result: "true".into(), out: Vec::new(), error: None };
    let mut whole = true;
    for pair in written.pairs() {
        let read = match pair.key {
            "result" if signature.is_plain() => template(pair.value).map(|it| canned.result = it),
            "result" => pair.value.truth().map(|it| canned.result = it.to_string()),
            "error" if !signature.is_plain() => error(pair.value).map(|it| canned.error = Some(it)),
            _ => canned_field(&pair, signature.out, signature.name).map(|it| canned.out.push(it)),
        };
        whole &= read.is_some();
    }
    whole.then_some(canned)
}

fn canned_field(pair: &Pair<'_>, record: &'static Shape, of: &str) -> Option<(&'static str, CannedValue)> {
    let fields = record.fields();
    // The name on the wire, or the key that scenarios have for it.
    match fields.iter().find(|it| it.name == pair.key || it.key == pair.key) {
        Some(field) => Some((field.name, canned_value(pair.value, field.shape)?)),
        None => {
            let own = ["result", "error"].into_iter();
            let names: Vec<_> = fields.iter().map(|it| it.name).chain(own.filter(|_| of != record.name())).collect();
            let meant = closest(pair.key, names.iter().copied()).map(|it| format!("Did you mean {it}?"));
            let help = meant.unwrap_or_else(|| format!("Allowed: {}.", names.join(", ")));
            pair.wrong_key(Code::UnknownKey, format!("{of} answers no {}", quoted(pair.key)), [help])
        }
    }
}

fn canned_value(written: Written<'_>, shape: &'static Shape) -> Option<CannedValue> {
    let whole = |min, max| written.whole::<i64>(min..=max).map(|it| it.to_string());
    let text = match shape {
        Shape::Optional(shape) => return canned_value(written, shape),
        Shape::Array(item) => {
            let items = written.list();
            let read: Vec<_> = items.iter().filter_map(|it| canned_value(*it, item)).collect();
            return (read.len() == items.len()).then_some(CannedValue::List(read));
        }
        Shape::Record { name, .. } => {
            let pairs = written.pairs();
            let read: Vec<_> = pairs.iter().filter_map(|it| canned_field(it, shape, name)).collect();
            return (read.len() == pairs.len()).then_some(CannedValue::Record(read));
        }
        Shape::Choice { values, .. } => {
            written.word(&values.iter().map(|it| (*it, *it)).collect::<Vec<_>>()).map(Into::into)
        }
        Shape::Simple(Primitive::Boolean) => written.truth().map(|it| it.to_string()),
        Shape::Simple(Primitive::Int) => whole(i32::MIN.into(), i32::MAX.into()),
        Shape::Simple(Primitive::UnsignedInt) => whole(0, u32::MAX.into()),
        Shape::Simple(Primitive::Long) => whole(i64::MIN, i64::MAX),
        Shape::Simple(Primitive::Double) => match written.text()?.parse::<f64>() {
            Ok(number) => Some(number.to_string()),
            Err(_) => written.wrong(Code::BadValue, "a number is needed here".into(), []),
        },
        Shape::Simple(Primitive::String) => template(written),
    };
    text.map(CannedValue::Text)
}

/// What changes of a user: keys as under users.
fn user_change(written: Written<'_>, company: &Company) -> Option<UserChange> {
    const NUMBERS: [&str; 6] =
        ["country_code", "phone", "extension", "backup_country_code", "backup_phone", "backup_extension"];
    written.mapping("change", |fields| {
        let mut change = UserChange::default();
        fields.set("password", &mut change.password, |it| it.secret().map(|it| Some(it.into())));
        fields.set("blocked", &mut change.block, |it| meaning::blocked(it).map(|it| Some(it.map(|it| it.reason))));
        let mut scratch = company.new_user();
        let mut set = Vec::new();
        fields.record_and(&mut scratch, |key, text| set.push((key, Secret::from(text))));
        meaning::settings(fields, &mut scratch, company);
        // Numbers are kept in parts, as the service keeps them.
        let parts = [
            [&scratch.country_code, &scratch.phone, &scratch.extension],
            [&scratch.backup_country_code, &scratch.backup_phone, &scratch.backup_extension],
        ];
        for (keys, parts) in NUMBERS.chunks(3).zip(parts) {
            if set.iter().any(|it| keys.contains(&it.0)) {
                set.retain(|it| !keys.contains(&it.0));
                let kept = keys.iter().zip(parts).map(|(key, it)| (*key, Secret::from(it.clone().unwrap_or_default())));
                set.extend(kept);
            }
        }
        change.settings = set;
        change
    })
}

/// A state that the person comes into, or a mapping that says for how long, or which one he leaves.
fn steps<'a>(written: Written<'a>, scope: &Scope<'_, 'a>) -> Vec<StateChange> {
    let enter = |it: Written<'_>, lasts| {
        let state = scope.state(it)?;
        scope.met.borrow_mut().entered.insert(state);
        Some(StateChange::Enter { state, lasts })
    };
    if written.is_text() {
        return enter(written, None).into_iter().collect();
    }
    let steps = written.mapping("state", |fields| {
        let mut lasts = None;
        fields.set("for", &mut lasts, |it| it.lasting().map(Some));
        let left = any_of(fields, "clear", |it| Some(StateChange::Leave { state: scope.state(it)? }));
        let entered = fields.take("set").and_then(|it| enter(it, lasts));
        left.into_iter().chain(entered).collect::<Vec<_>>()
    });
    steps.unwrap_or_default()
}

/// A counter that goes up by one, or a mapping of counters to values.
fn counts<'a>(written: Written<'a>, scope: &Scope<'_, 'a>) -> Vec<(Arc<str>, Option<u64>)> {
    let counted = |name: &'a str, it| scope.met.borrow_mut().counted.push((name, it));
    if !written.is_mapping() {
        let names = written.one_or_more();
        let names: Vec<_> = names.into_iter().filter_map(|it| Some((it.name()?, it))).collect();
        names.iter().for_each(|(name, it)| counted(name, *it));
        return names.into_iter().map(|(name, _)| (name.into(), None)).collect();
    }
    let pairs = written.pairs();
    pairs.iter().for_each(|it| counted(it.key, it.value));
    pairs.iter().filter_map(|it| Some((it.key.into(), Some(it.value.whole(0..=i64::MAX)?)))).collect()
}

/// The keys that a person presses when an event is played.
fn pressed(written: Written<'_>) -> Option<Secret> {
    let text = written.secret()?;
    match text.chars().all(|it| it.is_ascii_digit() || matches!(it, '*' | '#')) {
        true => Some(text.into()),
        false => written.wrong(Code::BadValue, "keys are 0 to 9, * and #".into(), []),
    }
}

/// What the person does with the phone, or that somebody decides.
fn acts<'a>(
    written: Written<'a>,
    within: Option<Written<'a>>,
    otherwise: Option<Written<'a>>,
    scope: &Scope<'_, 'a>,
) -> Option<Conduct> {
    if written.is_text() && written.text()? == "decides" {
        let otherwise = otherwise.and_then(outcome).unwrap_or(Conduct::React(Reaction::NoAnswer));
        let within = within.and_then(Written::lasting);
        return Some(Conduct::Decides { within, otherwise: Box::new(otherwise) });
    }
    let mut acts = Vec::new();
    // What passes before the next act; where nothing is said, the ring before the first.
    let mut wait: Option<Duration> = None;
    let mut whole = true;
    for it in written.one_or_more() {
        let Some((time, act)) = act(it) else {
            whole = false;
            continue;
        };
        wait = time.map(|time| time + wait.unwrap_or_default()).or(wait);
        let Some(act) = act else { continue };
        let usual = if acts.is_empty() { scope.company.ring } else { Duration::ZERO };
        let wait = wait.take().unwrap_or(usual);
        match act.is_by_keys() && acts.is_empty() {
            // Whoever presses keys holds the phone.
            true => acts.extend([(wait, Act::Answer), (Duration::ZERO, act)]),
            false => acts.push((wait, act)),
        }
    }
    whole.then_some(Conduct::Acts(acts))
}

/// What passes, and what is done then.
fn act(written: Written<'_>) -> Option<(Option<Duration>, Option<Act>)> {
    let written = written.called("an act");
    let pairs = if written.is_text() { Vec::new() } else { written.pairs() };
    let (word, value) = match pairs.as_slice() {
        [] => (written.text()?, None),
        [one] => (one.key, Some(one.value)),
        _ => {
            let help = "Put a - before each act.".into();
            return written.wrong(Code::BadValue, "an act is one word with one value".into(), [help]);
        }
    };
    let time = match value.filter(|_| word == "waits" || TIMED.contains(&word)) {
        Some(value) => Some(value.duration()?),
        None => None,
    };
    let act = match word {
        "waits" if time.is_some() => return Some((time, None)),
        "waits" => return written.wrong(Code::MissingKey, "waits needs a time: waits: 3s".into(), []),
        _ if time.is_some() => Act::read(word, None),
        _ => Act::read(word, value.map(|it| it.secret().unwrap_or_default())),
    };
    match act {
        Ok(act) => Some((time, Some(act))),
        Err(NotAnAct::Unknown) => {
            written.unknown_word(word, acts_and("decides"), &acts_and("waits").collect::<Vec<_>>().join(", "))
        }
        Err(needs @ NotAnAct::Needs(..)) => written.wrong(Code::MissingKey, needs.to_string(), []),
        Err(takes @ NotAnAct::Takes(..)) => value.unwrap_or(written).wrong(Code::BadValue, takes.to_string(), []),
    }
}

/// The acts behind which a time can stand, after which they are done.
const TIMED: [&str; 2] = ["answers", "voicemail"];

/// What a person can do, with a further word.
pub(super) fn acts_and(word: &'static str) -> impl Iterator<Item = &'static str> {
    Act::WORDS.iter().copied().chain([word])
}

/// Operations that a rule names, where they are named.
type Named<'a> = Vec<(Written<'a>, Operations)>;

/// The conditions of a mapping, each of which must hold. `named` gets the operations among them.
fn when<'a>(written: Written<'a>, scope: &Scope<'_, 'a>, named: &mut Named<'a>) -> Option<When> {
    let default_country = &scope.company.country_code;
    written.mapping("when", |fields| {
        let mut all = Vec::new();
        let mut keep = |when: When, some: bool| {
            if some {
                all.push(when);
            }
        };
        macro_rules! list {
            ($key:literal, $kind:ident, $read:expr) => {{
                let items = any_of(fields, $key, $read);
                let some = !items.is_empty();
                keep(When::$kind(items), some);
            }};
        }
        let operations = any_of(fields, "operation", |it| Some((it, operation(it)?)));
        keep(When::Operation(operations.iter().map(|it| it.1.clone()).collect()), !operations.is_empty());
        named.extend(operations);
        list!("user", User, |it| user_pattern(it, scope.stored));
        list!("phone", Phone, |it| read_number(it, it.text()?, "", "", default_country));
        list!("country", Country, meaning::country_code);
        list!("initiating_type", InitiatingType, Written::choice);
        list!("application", Application, |it| it.text().map(Pattern::new));
        list!("ip", Ip, addresses);
        list!("mode", Mode, mode);
        list!("tag", Tag, |it| tag(it, scope.company));
        list!("group", Group, |it| it.text().map(Pattern::new));
        list!("space", Space, |it| it.name().map(Pattern::new));
        list!("time", Time, hours);
        list!("days", Day, |it| it.word(&Day::ALL.iter().map(|it| (it.word(), *it)).collect::<Vec<_>>()));
        list!("state", State, |it| {
            let at = scope.state(it)?;
            scope.met.borrow_mut().asked.insert(at);
            Some(NamedState { place: at, name: scope.states[at].name.clone() })
        });
        for pair in fields.take("field").map(Written::pairs).unwrap_or_default() {
            let texts = pair.value.one_or_more().into_iter().filter_map(|it| it.text().map(Pattern::new)).collect();
            if let Some(name) = parameter(&pair) {
                keep(When::Field(Parameter { name, texts }), true);
            }
        }
        for pair in fields.take("count").map(Written::pairs).unwrap_or_default() {
            scope.met.borrow_mut().awaited.push((pair.key, pair.value));
            if let Some(at_least) = pair.value.whole(1..=i64::MAX) {
                keep(When::Count(Reached { counter: pair.key.into(), at_least }), true);
            }
        }
        if let Some(not) = fields.take("not").and_then(|it| when(it, scope, &mut Vec::new())) {
            keep(When::Not(Box::new(not)), true);
        }
        let any = any_of(fields, "any", |it| when(it, scope, &mut Vec::new()));
        let some = !any.is_empty();
        keep(When::Any(any), some);
        let each = any_of(fields, "all", |it| when(it, scope, &mut Vec::new()));
        let some = !each.is_empty();
        keep(When::All(each), some);
        When::All(all)
    })
}

/// A simple parameter of a request that is no secret, by its wire name.
fn parameter(pair: &Pair<'_>) -> Option<&'static str> {
    let fields = || operations::all().flat_map(|it| it.signature.request.fields());
    let Some(field) = fields().find(|it| it.name == pair.key || it.key == pair.key) else {
        let meant = closest(pair.key, fields().map(|it| it.name));
        let help: Vec<_> = meant.map(|it| format!("Did you mean {it}?")).into_iter().collect();
        return pair.wrong_key(Code::UnknownKey, format!("no request has a field {}", quoted(pair.key)), help);
    };
    if field.secret {
        return pair.wrong_key(
            Code::NeverApplies,
            format!("{} is a secret, and rules do not see those", field.name),
            [],
        );
    }
    match field.shape.inner() {
        Shape::Simple(_) | Shape::Choice { .. } => Some(field.name),
        _ => pair.wrong_key(Code::NeverApplies, format!("{} is a record, and rules see simple values", field.name), []),
    }
}

/// A pattern of usernames, as they are stored: rules do not see other forms of the same name.
fn user_pattern<'s>(written: Written<'_>, stored: &dyn Fn(&str) -> Option<&'s str>) -> Option<Pattern> {
    let text = written.name()?;
    let pattern = Pattern::new(text);
    match stored(text) {
        Some(username) if !pattern.matches(username) => {
            let message = format!("rules see the name under users, and that is {}", quoted(username));
            written.wrong(Code::NeverApplies, message, [format!("Did you mean {username}?")])
        }
        _ => Some(pattern),
    }
}

/// A name or pattern of operations, or a word for those of one subject.
fn operation(written: Written<'_>) -> Option<Operations> {
    let text = written.name()?;
    let pattern = Pattern::new(text);
    let is_meant = |it: &&Operation| it.subject() == text || pattern.matches(it.signature.name);
    let names: Vec<_> = operations::all().filter(is_meant).map(|it| it.signature.name).collect();
    if !names.is_empty() {
        return Some(Operations { written: text.into(), names });
    }
    let subjects: BTreeSet<_> = operations::all().map(Operation::subject).collect();
    let candidates = operations::all().map(|it| it.signature.name).chain(subjects.iter().copied());
    let meant = closest(text, candidates);
    let star = if text.ends_with('*') { "*" } else { "" };
    let help = meant.map(|it| format!("Did you mean {it}{star}?")).into_iter();
    let help = help.chain([
        "A * stands for anything: PfAuthUser*.".into(),
        format!("Subjects: {}.", subjects.into_iter().collect::<Vec<_>>().join(", ")),
    ]);
    let message = format!("{} fits no operation of the service", quoted(text));
    written.wrong(Code::UnknownOperation, message, help.collect::<Vec<_>>())
}

/// An address, a network, or a pattern.
fn addresses(written: Written<'_>) -> Option<Addresses> {
    let text = written.name()?;
    if text.contains('*') {
        return Some(Addresses::Like(Pattern::new(text)));
    }
    let (address, bits) = text.split_once('/').map_or((text, None), |(address, bits)| (address, Some(bits)));
    let address = address.trim().parse::<std::net::IpAddr>().ok().map(|it| it.to_canonical());
    let most = address.map_or(0, |it| if it.is_ipv4() { 32 } else { 128 });
    let bits = bits.map_or(Some(most), |it| it.trim().parse().ok().filter(|it| *it <= most));
    match address.zip(bits) {
        Some((address, bits)) => Some(Addresses::Net(address, bits)),
        None => {
            let help = "Such as 192.0.2.1, 10.0.0.0/8 or 192.0.2.*".into();
            written.wrong(Code::BadValue, format!("{} is no address, network or pattern", quoted(text)), [help])
        }
    }
}

fn mode(written: Written<'_>) -> Option<crate::contract::Mode> {
    use crate::contract::Mode;
    let modes = [Mode::VoiceCall, Mode::SmsText, Mode::PhoneApp, Mode::OathToken];
    written.word(&modes.map(|it| (it.word(), it)))
}

/// A tag of the company, by name or identifier; its identifier.
fn tag(written: Written<'_>, company: &Company) -> Option<String> {
    let text = written.name()?;
    let has = |it: &Option<String>| it.as_ref().is_some_and(|it| it.eq_ignore_ascii_case(text));
    let found = company.tags.iter().find(|it| has(&it.name) || has(&it.tag_id));
    found.and_then(|it| it.tag_id.clone()).or_else(|| {
        let names = || company.tags.iter().filter_map(|it| it.name.as_deref());
        let help = match closest(text, names()) {
            Some(meant) => format!("Did you mean {meant}?"),
            None => format!("Add it: company: {{tags: [{text}]}}"),
        };
        written.wrong(Code::UnknownWord, format!("the company has no tag {}", quoted(text)), [help])
    })
}

/// A part of the day: `08:00-17:00`.
fn hours(written: Written<'_>) -> Option<Hours> {
    let text = written.text()?;
    let clock = |text: &str| {
        let (hour, minute) = text.trim().split_once(':')?;
        let (hour, minute): (u64, u64) = (hour.parse().ok()?, minute.parse().ok()?);
        let is_time = minute < 60 && (hour < 24 || (hour == 24 && minute == 0));
        is_time.then(|| Duration::from_secs(60 * (60 * hour + minute)))
    };
    let parts = text.split_once('-').and_then(|(from, to)| Some((clock(from)?, clock(to)?)));
    match parts.filter(|it| it.0 != it.1) {
        Some((from, to)) => Some(Hours { from, to }),
        None => {
            let help = "Such as \"08:00-17:00\", or \"22:00-06:00\" past midnight; in UTC.".into();
            written.wrong(Code::BadValue, format!("{} is no part of a day", quoted(text)), [help])
        }
    }
}

/// A word for what the person does, a word for how it ends, or a result of the scenario's own.
fn outcome(written: Written<'_>) -> Option<Conduct> {
    if written.is_mapping() {
        return written.mapping("an outcome of your own", own_outcome)?;
    }
    let text = written.text()?;
    if text == USUAL {
        return Some(Conduct::Usual);
    }
    if let Some(reaction) = Reaction::ALL.iter().find(|it| it.word() == text) {
        return Some(Conduct::React(*reaction));
    }
    if let Some(outcome) = Outcome::of_word(text) {
        return Some(Conduct::End(outcome.into()));
    }
    if let Some(outcome) = text.parse().ok().and_then(|code: i32| Outcome::ALL.iter().find(|it| it.code() == code)) {
        let help = format!("Call result {text} has the word {}.", outcome.word());
        return written.wrong(Code::UnknownWord, format!("outcome cannot be {}", quoted(text)), [help]);
    }
    let reactions = Reaction::ALL.iter().map(|it| it.word()).chain([USUAL]);
    let words = reactions.clone().chain(Outcome::ALL.iter().map(|it| it.word()));
    let allowed = format!(
        "{}, a word for a call result such as busy (docs/scenarios.md lists them), or {{code: 250, text: \"...\"}}",
        reactions.collect::<Vec<_>>().join(", ")
    );
    written.unknown_word(text, words, &allowed)
}

/// The word for an answer that leaves everything as it is.
pub(super) const USUAL: &str = "as-usual";

fn own_outcome(fields: &mut Fields<'_>) -> Option<Conduct> {
    let code = fields.need("code").and_then(|it| it.whole(i32::MIN.into()..=i32::MAX.into()));
    let mut text = String::new();
    fields.set("text", &mut text, template);
    let mut passes = false;
    fields.set("passes", &mut passes, Written::truth);
    Some(Conduct::End(Ending::Custom(Arc::new(CustomResult { code: code?, text, passes }))))
}
