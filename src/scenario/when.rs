//! `when`: the conditions under which a rule matches. Their keys are those of the engine's table `conditions!`.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::contract::{AuthenticationType, Mode, Shape};
use crate::engine::{
    Addresses, Day, Hours, NamedState, Number, Operations, Parameter, Pattern, Percent, Reached, Timestamp, When,
    Window, conditions,
};
use crate::operations::{self, Operation};

use super::fields::{Fields, Reader, mapping};
use super::grammar::Values;
use super::mistake::{Code, closest, quoted};
use super::number::{self, number};
use super::scope::{Named, Scope};
use super::tags::tag_of_rule;
use super::values::{Choice, Name, OneOrList, OneOrMore, ReaderExt, Text, Time, Word, described, text_as};
use super::written::{Pair, Written};

/// Declares the keys of the engine's table of conditions, in its order: each row names its reader below.
macro_rules! declare {
    ($($(#[$doc:meta])* $name:ident($operand:ty) => $key:literal, $quantifier:ident $reader:ident {
        $($engine:tt)*
    })*) => {
        fn conditions<'a>(fields: &mut Fields<'a>, scope: &Scope<'_, 'a>) -> Vec<When> {
            let mut all = Vec::new();
            $(all.extend($quantifier(fields, $key, $reader(scope), When::$name));)*
            all
        }
    };
}

conditions!(declare);

/// The conditions of a mapping, each of which must hold, and the operations among them.
pub(super) fn when<'a>(scope: &Scope<'_, 'a>) -> impl Reader<'a, Value = (When, Named<'a>)> {
    mapping("when", "when", move |fields| {
        let mut all = conditions(fields, scope);
        // Those of the mappings below are theirs.
        let operations = scope.take_operations();
        let not = fields.get("not", nested(scope));
        all.extend(not.map(|it| When::Not(Box::new(it))));
        all.extend(any_of(fields, "any", nested(scope), When::Any));
        all.extend(any_of(fields, "all", nested(scope), When::All));
        Some((When::All(all), operations))
    })
}

/// The conditions of a mapping within another. A rule draws once for a call, so chance is not among them.
fn nested<'a>(scope: &Scope<'_, 'a>) -> impl Reader<'a, Value = When> {
    when(scope).and_then(|(when, _), written| {
        if let Some(chance) = written.under("chance").filter(|_| when.chance().is_some()) {
            let help = "Put it directly under when: a rule draws when all its other conditions hold.".into();
            chance.report(Code::NeverApplies, "chance stands below not, any or all".into(), [help]);
        }
        Some(when)
    })
}

/// A condition that has one value.
fn one<'a, R: Reader<'a>>(
    fields: &mut Fields<'a>,
    key: &'static str,
    reader: R,
    condition: impl FnOnce(R::Value) -> When,
) -> Option<When> {
    fields.get(key, reader).map(condition)
}

/// A condition that holds where one of its values fits.
fn any_of<'a, R: Reader<'a>>(
    fields: &mut Fields<'a>,
    key: &'static str,
    reader: R,
    condition: impl FnOnce(Vec<R::Value>) -> When,
) -> Option<When> {
    let items = fields.get(key, OneOrMore(reader)).filter(|it| !it.is_empty());
    items.map(condition)
}

/// A condition for each pair of a mapping.
fn each_of<'a, T>(
    fields: &mut Fields<'a>,
    key: &'static str,
    reader: impl Reader<'a, Value = Vec<T>>,
    condition: impl Fn(T) -> When,
) -> Vec<When> {
    fields.get(key, reader).unwrap_or_default().into_iter().map(condition).collect()
}

fn phone_number<'a>(scope: &Scope<'_, 'a>) -> impl Reader<'a, Value = Number> {
    number(&scope.company.country_code)
}

fn country_code<'a>(_: &Scope<'_, 'a>) -> impl Reader<'a, Value = String> {
    number::country_code()
}

fn initiating_type<'a>(_: &Scope<'_, 'a>) -> impl Reader<'a, Value = AuthenticationType> {
    Choice::NEW
}

fn text_pattern<'a>(_: &Scope<'_, 'a>) -> impl Reader<'a, Value = Pattern> {
    Text.map(|it: String| Pattern::new(&it)).known_as("text or pattern")
}

fn name_pattern<'a>(_: &Scope<'_, 'a>) -> impl Reader<'a, Value = Pattern> {
    Name.map(|it: String| Pattern::new(&it)).known_as("name or pattern")
}

fn mode<'a>(_: &Scope<'_, 'a>) -> impl Reader<'a, Value = Mode> {
    const fn with_word(mode: Mode) -> (&'static str, Mode) {
        (mode.word(), mode)
    }
    const WORDS: [(&str, Mode); 4] =
        [with_word(Mode::VoiceCall), with_word(Mode::SmsText), with_word(Mode::PhoneApp), with_word(Mode::OathToken)];
    Word(&WORDS)
}

fn tag<'a>(scope: &Scope<'_, 'a>) -> impl Reader<'a, Value = String> {
    tag_of_rule(scope.company)
}

fn weekday<'a>(_: &Scope<'_, 'a>) -> impl Reader<'a, Value = Day> {
    Word(Day::WORDS)
}

fn state<'a>(scope: &Scope<'_, 'a>) -> impl Reader<'a, Value = NamedState> {
    text_as("name", |it: Written<'a>| scope.asked_state(it))
}

/// Parameters of the request, each with texts or patterns.
fn parameters<'a>(scope: &Scope<'_, 'a>) -> impl Reader<'a, Value = Vec<Parameter>> {
    let read = move |written: Written<'a>| {
        let parameter = |pair: Pair<'a>| {
            let texts = OneOrList(text_pattern(scope)).read(pair.value)?;
            Some(Parameter { name: parameter(&pair)?, texts })
        };
        Some(written.pairs().into_iter().filter_map(parameter).collect())
    };
    described(|_| Values::pairs("mapping from parameters to texts or patterns", None), read)
}

/// Counters of the person, each with the number that it has reached.
fn counters<'a>(scope: &Scope<'_, 'a>) -> impl Reader<'a, Value = Vec<Reached>> {
    let read = move |written: Written<'a>| {
        let counter = |pair: Pair<'a>| {
            scope.awaits(pair.key, pair.value);
            let at_least = pair.value.whole(1..=i64::MAX)?;
            Some(Reached { counter: pair.key.into(), at_least })
        };
        Some(written.pairs().into_iter().filter_map(counter).collect())
    };
    let values = |_| Values::pairs("mapping from counters to numbers", Some(&Values::whole(&(1..=i64::MAX))));
    described(values, read)
}

/// A simple parameter of a request that is no secret, by its wire name.
fn parameter(pair: &Pair<'_>) -> Option<&'static str> {
    let fields = || operations::all().flat_map(|it| it.signature.request.fields());
    let Some(field) = fields().find(|it| it.name == pair.key || it.key == pair.key) else {
        return pair.wrong_key_with(Code::UnknownKey, || {
            let meant = closest(pair.key, fields().map(|it| it.name));
            let help: Vec<_> = meant.map(|it| format!("Did you mean {it}?")).into_iter().collect();
            (format!("no request has a field {}", quoted(pair.key)), help)
        });
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
fn username<'a>(scope: &Scope<'_, 'a>) -> impl Reader<'a, Value = Pattern> {
    text_as("name or pattern", move |written: Written<'a>| {
        let text = written.name()?;
        let pattern = Pattern::new(text);
        match (scope.stored)(text) {
            Some(username) if !pattern.matches(&username) => {
                let message = format!("rules see the name under users, and that is {}", quoted(&username));
                written.wrong(Code::NeverApplies, message, [format!("Did you mean {username}?")])
            }
            _ => Some(pattern),
        }
    })
}

/// A name or pattern of operations, or a word for those of one subject.
pub(super) fn operation<'a>(scope: &Scope<'_, 'a>) -> impl Reader<'a, Value = Operations> {
    let read = move |written: Written<'a>| {
        let operations = read_operation(written)?;
        scope.names(&operations, written);
        Some(operations)
    };
    described(|_| Values::suggested("name, pattern or subject", "operation"), read)
}

fn read_operation(written: Written<'_>) -> Option<Operations> {
    let text = written.name()?;
    let pattern = Pattern::new(text);
    let is_meant = |it: &&Operation| it.subject() == text || pattern.matches(it.signature.name);
    let names: Vec<_> = operations::all().filter(is_meant).map(|it| it.signature.name).collect();
    if !names.is_empty() {
        return Some(Operations { written: text.into(), names });
    }
    written.wrong_with(Code::UnknownOperation, || {
        let subjects: BTreeSet<_> = operations::all().map(Operation::subject).collect();
        let candidates = operations::all().map(|it| it.signature.name).chain(subjects.iter().copied());
        let meant = closest(text, candidates);
        let star = if text.ends_with('*') { "*" } else { "" };
        let help = meant.map(|it| format!("Did you mean {it}{star}?")).into_iter();
        let help = help.chain([
            "A * stands for anything: PfAuthUser*.".into(),
            format!("Subjects: {}.", subjects.into_iter().collect::<Vec<_>>().join(", ")),
        ]);
        (format!("{} fits no operation of the service", quoted(text)), help.collect::<Vec<_>>())
    })
}

/// An address, a network, or a pattern.
fn address<'a>(_: &Scope<'_, 'a>) -> impl Reader<'a, Value = Addresses> {
    text_as("address, network or pattern", |written: Written<'a>| {
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
    })
}

/// A part of the day: `08:00-17:00`.
fn part_of_day<'a>(_: &Scope<'_, 'a>) -> impl Reader<'a, Value = Hours> {
    text_as("part of the day, such as `08:00-17:00`", |written: Written<'a>| {
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
    })
}

/// A time after the start of the space.
fn window<'a>(_: &Scope<'_, 'a>) -> impl Reader<'a, Value = Window> {
    mapping("window", "window", |fields| {
        let mut from = Duration::ZERO;
        fields.set("from", &mut from, Time);
        let length = fields.get(
            "for",
            Time.and_then(|it: Duration, written| match it.is_zero() {
                true => {
                    let help = "Say how long it stays open: for: 30s".into();
                    written.wrong(Code::BadValue, "the window never opens: it is open for 0 seconds".into(), [help])
                }
                false => Some(it),
            })
            .known_as("time above 0"),
        );
        if from > Timestamp::LAST.unix() {
            let help = "Give a time after the start of the space, such as 2m.".into();
            return fields.at("from")?.wrong(
                Code::BadValue,
                "the window never opens: no clock gets so far".into(),
                [help],
            );
        }
        if from.is_zero() && fields.at("for").is_none() {
            let help = "Say when it opens, for how long, or both: {from: 2m, for: 30s}".into();
            fields.written().report(Code::NeverApplies, "the window is always open".into(), [help]);
        }
        Some(Window { from, length })
    })
}

/// Whole percent in one spelling: `30%`.
fn percent<'a>(_: &Scope<'_, 'a>) -> impl Reader<'a, Value = Percent> {
    let read = |written: Written<'a>| {
        let text = written.text()?;
        let read = text.strip_suffix('%').filter(|it| it.bytes().all(|it| it.is_ascii_digit()));
        let read = read.filter(|it| *it == "0" || !it.starts_with('0'));
        if let Some(percent) = read.and_then(|it| it.parse().ok()).and_then(Percent::new) {
            return Some(percent);
        }
        let number = text.trim().trim_end_matches("percent").trim_end_matches('%').trim().parse::<f64>().ok();
        let is_share = |it: f64| it > 0.0 && it < 1.0 && !text.contains(['%', 'p']);
        let (message, meant) = match number {
            Some(it) if !(0.0..=100.0).contains(&it) => (format!("{} is impossible", quoted(text)), None),
            Some(it) if is_share(it) => (format!("{} is no percentage", quoted(text)), Some(it * 100.0)),
            Some(it) if it.fract() == 0.0 => (format!("{} is not how chance is written", quoted(text)), Some(it)),
            Some(it) => (format!("{} is no whole percentage", quoted(text)), Some(it.round())),
            None => (format!("{} is no percentage", quoted(text)), None),
        };
        let help = match meant {
            Some(meant) => format!("Did you mean {meant:.0}%?"),
            None => "Write 0% to 100%, whole and with the sign: 30%. 0% never takes a call, 100% every one.".into(),
        };
        written.wrong(Code::BadValue, format!("chance: {message}"), [help])
    };
    described(|_| Values::percent(), read)
}
