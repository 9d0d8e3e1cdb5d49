//! `when`: the conditions under which a rule matches.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::contract::{AuthenticationType, Mode, Shape};
use crate::engine::{Addresses, Day, Hours, Operations, Parameter, Pattern, Reached, When};
use crate::operations::{self, Operation};

use super::fields::{Fields, Reader, mapping};
use super::grammar::Values;
use super::mistake::{Code, closest, quoted};
use super::number::{country_code, number};
use super::scope::Scope;
use super::tags::tag_of_rule;
use super::values::{Choice, Name, OneOrList, OneOrMore, Placed, ReaderExt, Text, Word, described, text_as};
use super::written::{Pair, Written};

/// Operations that a rule names, where they are named.
pub(super) type Named<'a> = Vec<(Written<'a>, Operations)>;

/// The conditions of a mapping, each of which must hold, and the operations among them.
pub(super) fn when<'a>(scope: &Scope<'_, 'a>) -> impl Reader<'a, Value = (When, Named<'a>)> {
    mapping("when", "when", move |fields| {
        let mut all = Vec::new();
        let operations = fields.get("operation", OneOrMore(Placed(operation()))).unwrap_or_default();
        if !operations.is_empty() {
            all.push(When::Operation(operations.iter().map(|it| it.1.clone()).collect()));
        }
        any_of(fields, &mut all, "user", user_pattern(scope), When::User);
        any_of(fields, &mut all, "phone", number(&scope.company.country_code), When::Phone);
        any_of(fields, &mut all, "country", country_code(), When::Country);
        any_of(fields, &mut all, "initiating_type", Choice::<AuthenticationType>::NEW, When::InitiatingType);
        any_of(fields, &mut all, "application", pattern(), When::Application);
        any_of(fields, &mut all, "ip", addresses(), When::Ip);
        let modes = [Mode::VoiceCall, Mode::SmsText, Mode::PhoneApp, Mode::OathToken].map(|it| (it.word(), it));
        any_of(fields, &mut all, "mode", Word(&modes), When::Mode);
        any_of(fields, &mut all, "tag", tag_of_rule(scope.company), When::Tag);
        any_of(fields, &mut all, "group", pattern(), When::Group);
        let space = Name.map(|it: String| Pattern::new(&it)).known_as("name or pattern");
        any_of(fields, &mut all, "space", space, When::Space);
        any_of(fields, &mut all, "time", hours(), When::Time);
        let days: Vec<_> = Day::ALL.iter().map(|it| (it.word(), *it)).collect();
        any_of(fields, &mut all, "days", Word(&days), When::Day);
        any_of(fields, &mut all, "state", text_as("name", |it: Written<'a>| scope.asked_state(it)), When::State);
        all.extend(fields.get("field", parameters()).into_iter().flatten());
        all.extend(fields.get("count", counters(scope)).into_iter().flatten());
        if let Some((not, _)) = fields.get("not", when(scope)) {
            all.push(When::Not(Box::new(not)));
        }
        any_of(fields, &mut all, "any", when(scope).map(|it| it.0), When::Any);
        any_of(fields, &mut all, "all", when(scope).map(|it| it.0), When::All);
        Some((When::All(all), operations))
    })
}

/// A condition that holds where one of its values fits.
fn any_of<'a, R: Reader<'a>>(
    fields: &mut Fields<'a>,
    all: &mut Vec<When>,
    key: &'static str,
    reader: R,
    condition: impl FnOnce(Vec<R::Value>) -> When,
) {
    let items = fields.get(key, OneOrMore(reader)).unwrap_or_default();
    if !items.is_empty() {
        all.push(condition(items));
    }
}

fn pattern<'a>() -> impl Reader<'a, Value = Pattern> {
    Text.map(|it: String| Pattern::new(&it)).known_as("text or pattern")
}

/// Parameters of the request, each with texts or patterns.
fn parameters<'a>() -> impl Reader<'a, Value = Vec<When>> {
    let read = |written: Written<'a>| {
        let condition = |pair: Pair<'a>| {
            let texts = OneOrList(pattern()).read(pair.value)?;
            Some(When::Field(Parameter { name: parameter(&pair)?, texts }))
        };
        Some(written.pairs().into_iter().filter_map(condition).collect())
    };
    described(|_| Values::pairs("mapping from parameters to texts or patterns", None), read)
}

/// Counters of the person, each with the number that it has reached.
fn counters<'a>(scope: &Scope<'_, 'a>) -> impl Reader<'a, Value = Vec<When>> {
    let read = move |written: Written<'a>| {
        let condition = |pair: Pair<'a>| {
            scope.awaits(pair.key, pair.value);
            let at_least = pair.value.whole(1..=i64::MAX)?;
            Some(When::Count(Reached { counter: pair.key.into(), at_least }))
        };
        Some(written.pairs().into_iter().filter_map(condition).collect())
    };
    let values = |_| Values::pairs("mapping from counters to numbers", Some(&Values::whole(&(1..=i64::MAX))));
    described(values, read)
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
fn user_pattern<'a>(scope: &Scope<'_, 'a>) -> impl Reader<'a, Value = Pattern> {
    text_as("name or pattern", move |written: Written<'a>| {
        let text = written.name()?;
        let pattern = Pattern::new(text);
        match (scope.stored)(text) {
            Some(username) if !pattern.matches(username) => {
                let message = format!("rules see the name under users, and that is {}", quoted(username));
                written.wrong(Code::NeverApplies, message, [format!("Did you mean {username}?")])
            }
            _ => Some(pattern),
        }
    })
}

/// A name or pattern of operations, or a word for those of one subject.
fn operation<'a>() -> impl Reader<'a, Value = Operations> {
    described(|_| Values::suggested("name, pattern or subject", "operation"), read_operation)
}

fn read_operation(written: Written<'_>) -> Option<Operations> {
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
fn addresses<'a>() -> impl Reader<'a, Value = Addresses> {
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
fn hours<'a>() -> impl Reader<'a, Value = Hours> {
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
