//! What happened, as the API tells it. One declaration of each kind gives its JSON, its schema, the names by which it
//! is filtered, and the values that a filter sees.

use std::borrow::Cow;
use std::fmt::{self, Display, Write};

use serde::{Serialize, Serializer};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::contract::{Primitive, Role, Shape, Wire};
use crate::engine::{
    CallEntry, CallRequest, ChallengeStage, Channel, Event, EventKind, MessageKind, Number, Outcome, What,
};
use crate::text::{self, Escaping};
use crate::xml::{Malformed, Node, Reader};
use crate::{operations, soap};

/// Declares the views: `Name { field: Type, }`.
macro_rules! views {
    ($($(#[doc = $doc:literal])* $name:ident { $($(#[$about:meta])* $field:ident: $ty:ty,)* })*) => {$(
        $(#[doc = $doc])*
        #[derive(Debug, ToSchema)]
        pub(super) struct $name<'a> {
            $($(#[$about])* $field: $ty,)*
        }

        impl $name<'_> {
            const NAMES: &'static [&'static str] = &[$(stringify!($field)),*];
        }

        impl Fields for $name<'_> {
            fn get(&self, name: &str) -> Option<Cow<'_, str>> {
                match name {
                    $(stringify!($field) => self.$field.fact(),)*
                    _ => None,
                }
            }

            fn write(&self, json: &mut Json<'_>) {
                let mut before = "{";
                $(
                    json.raw(std::mem::replace(&mut before, ","));
                    json.raw(concat!("\"", stringify!($field), "\":"));
                    self.$field.put(json);
                )*
                json.raw("}");
            }
        }
    )*};
}

views! {
    /// A call of the service.
    Call {
        /// Its number among all that happened in the space: a call has it from its start, before that of what it brings
        /// about.
        seq: u64,
        /// When it began.
        #[schema(value_type = String, format = DateTime)]
        at: At,
        /// `call`
        kind: &'static str,
        /// `open` until it is answered or the client hangs up, then `closed`.
        state: &'static str,
        /// When it ended. Missing while it is open, as is all that is known at the end alone: `outcome`, `call_result`,
        /// `ending`, `error`, `status`, `rule`, `incident`, `warning`, `milliseconds`.
        #[schema(value_type = Option<String>, format = DateTime)]
        ended: Option<At>,
        /// Empty where the request named none.
        operation: &'a str,
        /// As the call has it.
        username: &'a str,
        /// The number that came with the call, as it was written.
        number: Option<&'a str>,
        /// How it ended, in short: `true`, `false 101 error 12`, `fault …`.
        outcome: Option<&'a str>,
        /// The code of `callResult`.
        call_result: Option<i32>,
        /// What the code of `callResult` means, where the product knows it.
        ending: Option<&'a str>,
        /// The code of `error`.
        error: Option<i32>,
        /// The status of HTTP; 0 where the client hung up.
        status: Option<u16>,
        /// The rule of the scenario that decided.
        rule: Option<&'a str>,
        /// The incident that changed the call.
        incident: Option<&'a str>,
        /// What a tester should know.
        warning: Option<&'a str>,
        /// From the last byte of the request to the answer.
        milliseconds: Option<f64>,
        /// Who called.
        caller: &'a str,
        /// How the caller signed in.
        sign_in: &'a str,
        /// The client's software, as it names itself.
        agent: &'a str,
        /// The number of the connection.
        connection: u64,
        /// Address and port of the client.
        peer: &'a str,
        /// The version of TLS; empty without.
        tls: &'a str,
        suite: &'a str,
        /// The host that the client wanted to reach.
        server_name: &'a str,
    }

    /// A step in the life of a challenge.
    Turn {
        seq: u64,
        #[schema(value_type = String, format = DateTime)]
        at: At,
        /// `challenge`
        kind: &'static str,
        /// Which challenge.
        challenge: u64,
        /// `asked`, `answered`, `sent`, `settled`, `closed`
        stage: &'static str,
        username: &'a str,
        /// The user whose number is called.
        owner: Option<&'a str>,
        /// The number that is called.
        #[schema(value_type = Option<String>)]
        phone: Option<Phone<'a>>,
        /// `voice`, `text`, `app`, `oath`
        channel: &'static str,
        rule: Option<&'a str>,
        /// The code of `callResult`, once it is settled.
        call_result: Option<i32>,
        /// What the code means.
        ending: Option<&'a str>,
        /// Whether the answer is yes.
        succeeds: Option<bool>,
        /// What later calls name the challenge by.
        request_id: Option<&'a str>,
        /// Whether the code came in time, once it is closed.
        passed: Option<bool>,
    }

    /// A message that went out, or would have.
    Message {
        seq: u64,
        #[schema(value_type = String, format = DateTime)]
        at: At,
        /// `message`
        kind: &'static str,
        /// `text`, `app`, `mail`
        medium: &'static str,
        /// The user of the call.
        username: &'a str,
        /// The number or mail address; empty for the mobile app.
        to: &'a str,
        from: &'a str,
        cc: &'a str,
        subject: &'a str,
        text: &'a str,
        /// The code that the text holds.
        code: Option<&'a str>,
        /// The operation that sent it.
        operation: &'a str,
        challenge: Option<u64>,
    }

    /// A change that was made to a user or to the company, or an incident that began or ended.
    Change {
        seq: u64,
        #[schema(value_type = String, format = DateTime)]
        at: At,
        /// `change`
        kind: &'static str,
        /// Empty where the admin API made it.
        operation: &'a str,
        /// As it was stored before.
        username: &'a str,
        /// Who made it, as the caller says.
        by: &'a str,
        /// The reason that the caller gave, or the new name.
        detail: &'a str,
        /// The incident that began or ended.
        incident: Option<&'a str>,
    }

    /// Something that people should know.
    Notice {
        seq: u64,
        #[schema(value_type = String, format = DateTime)]
        at: At,
        /// `notice`
        kind: &'static str,
        /// `mistake`, `reload`, …
        topic: &'a str,
        text: &'a str,
    }
}

/// The fields of a view.
trait Fields {
    fn get(&self, name: &str) -> Option<Cow<'_, str>>;

    fn write(&self, json: &mut Json<'_>);
}

/// About how long the JSON of a view is, in bytes.
pub(super) const LENGTH: usize = 640;

/// What happened.
#[derive(Debug, ToSchema)]
#[serde(untagged)]
pub(super) enum View<'a> {
    Call(Call<'a>),
    Turn(Turn<'a>),
    Message(Message<'a>),
    Change(Change<'a>),
    Notice(Notice<'a>),
}

impl<'a> View<'a> {
    pub(super) fn of(event: &'a Event) -> Self {
        let (seq, at, kind) = (event.seq, At(event.at), event.what.kind().word());
        match &event.what {
            What::Call(CallEntry { request, end }) => {
                let end = end.as_ref();
                Self::Call(Call {
                    seq,
                    at,
                    kind,
                    state: if end.is_some() { "closed" } else { "open" },
                    ended: end.map(|it| At(it.at)),
                    operation: request.operation,
                    username: &request.username,
                    number: request.number.as_deref(),
                    outcome: end.map(|it| &*it.outcome),
                    call_result: end.and_then(|it| it.call_result),
                    ending: end.and_then(|it| Outcome::of_code(it.call_result?)).map(Outcome::description),
                    error: end.and_then(|it| it.error),
                    status: end.map(|it| it.status),
                    rule: end.and_then(|it| it.rule.as_deref()),
                    incident: end.and_then(|it| it.incident.as_deref()),
                    warning: end.and_then(|it| it.warning.as_deref()),
                    milliseconds: end.map(|it| it.took.as_micros() as f64 / 1000.0),
                    caller: &request.caller,
                    sign_in: request.scheme,
                    agent: &request.agent,
                    connection: request.origin.connection,
                    peer: &request.origin.peer,
                    tls: &request.origin.tls,
                    suite: &request.origin.suite,
                    server_name: &request.origin.server_name,
                })
            }
            What::Turn(it) => {
                let (ending, succeeds, request_id) = match &it.stage {
                    ChallengeStage::Settled { ending, succeeds, request_id } => {
                        (Some(ending), Some(*succeeds), Some(&**request_id))
                    }
                    _ => (None, None, None),
                };
                Self::Turn(Turn {
                    seq,
                    at,
                    kind,
                    challenge: it.challenge.0,
                    stage: match it.stage {
                        ChallengeStage::Asked => "asked",
                        ChallengeStage::Answered => "answered",
                        ChallengeStage::Sent => "sent",
                        ChallengeStage::Settled { .. } => "settled",
                        ChallengeStage::Closed { .. } => "closed",
                    },
                    username: &it.username,
                    owner: it.owner.as_deref(),
                    phone: it.number.as_deref().map(Phone),
                    channel: channel(it.method.channel()),
                    rule: it.rule.as_deref(),
                    call_result: ending.map(|it| it.code()),
                    ending: ending.map(|it| it.description()),
                    succeeds,
                    request_id,
                    passed: if let ChallengeStage::Closed { passed } = it.stage { Some(passed) } else { None },
                })
            }
            What::Message(it) => Self::Message(Message {
                seq,
                at,
                kind,
                medium: match it.kind {
                    MessageKind::Text => "text",
                    MessageKind::App => "app",
                    MessageKind::Mail => "mail",
                },
                username: &it.username,
                to: &it.to,
                from: &it.from,
                cc: &it.cc,
                subject: &it.subject,
                text: it.text.reveal(),
                code: it.code.as_ref().map(crate::contract::Secret::reveal),
                operation: it.operation,
                challenge: it.challenge.map(|it| it.0),
            }),
            What::Changed(it) => Self::Change(Change {
                seq,
                at,
                kind,
                operation: it.operation,
                username: &it.username,
                by: &it.by,
                detail: &it.detail,
                incident: it.incident.as_deref(),
            }),
            What::Notice(it) => Self::Notice(Notice { seq, at, kind, topic: it.topic, text: &it.text }),
        }
    }

    /// Appends its JSON, without markup as in [`text::json`].
    pub(super) fn write(&self, out: &mut String, escaping: Escaping) {
        self.fields().write(&mut Json { out, escaping });
    }

    pub(super) fn json(&self) -> String {
        let mut out = String::with_capacity(LENGTH);
        self.write(&mut out, Escaping::Markup);
        out
    }

    pub(super) fn value(&self) -> Value {
        serde_json::from_str(&self.json()).expect("a view is JSON")
    }

    /// A value by its name, as a filter sees it; `None` where there is none.
    pub(super) fn get(&self, name: &str) -> Option<Cow<'_, str>> {
        self.fields().get(name)
    }

    fn fields(&self) -> &dyn Fields {
        match self {
            Self::Call(it) => it,
            Self::Turn(it) => it,
            Self::Message(it) => it,
            Self::Change(it) => it,
            Self::Notice(it) => it,
        }
    }
}

/// The names by which a kind is filtered, but for the fields of requests.
pub(super) const fn names(kind: EventKind) -> &'static [&'static str] {
    match kind {
        EventKind::Call => Call::NAMES,
        EventKind::Turn => Turn::NAMES,
        EventKind::Message => Message::NAMES,
        EventKind::Changed => Change::NAMES,
        EventKind::Notice => Notice::NAMES,
    }
}

/// The values of a call that are known at its end alone.
pub(super) const AT_THE_END: [&str; 10] =
    ["ended", "outcome", "call_result", "ending", "error", "status", "rule", "incident", "warning", "milliseconds"];

pub(super) const fn channel(channel: Channel) -> &'static str {
    match channel {
        Channel::Voice => "voice",
        Channel::Text => "text",
        Channel::App => "app",
        Channel::Oath => "oath",
        Channel::Questions => "questions",
        Channel::Any | Channel::Unasked => "",
    }
}

/// The fields of a request, by their wire names, as far as the client sent them. Secrets are masked.
pub(super) fn fields(request: &CallRequest) -> &Map<String, Value> {
    request.reading.fields(|| read_fields(request))
}

fn read_fields(request: &CallRequest) -> Map<String, Value> {
    let text = operations::without_secrets(request.body.reveal());
    let read = || {
        let operation = operations::find(request.operation)?;
        let (_, mut reader) = soap::body(&text).ok()?;
        while reader.move_to_content().ok()? != Node::Element {
            reader.read().ok()?;
        }
        nested(&mut reader, operation.signature.request, 0).ok()
    };
    match read() {
        Some(Value::Object(fields)) => fields,
        _ => Map::new(),
    }
}

/// The number that a request names, put together from its fields.
pub(super) fn phone<'a>(request: &'a CallRequest, default_country: &str) -> Option<Cow<'a, Number>> {
    request.reading.number(|| read_fields(request), default_country, |fields| number_of(fields, default_country))
}

fn number_of(fields: &Map<String, Value>, default_country: &str) -> Option<Number> {
    let text = |role| {
        let field = fields.iter().find(|it| Role::of(it.0) == Some(role));
        field.and_then(|it| it.1.as_str()).unwrap_or_default()
    };
    let number = Some(text(Role::PhoneNumber)).filter(|it| !it.is_empty())?;
    Number::read(number, text(Role::CountryCode), text(Role::Extension), default_country).ok()
}

/// How deep the elements of a request are told. Those of the contract lie within.
const DEEPEST: usize = 8;

/// The element at which the reader stands, by its shape.
fn nested(reader: &mut Reader<'_>, shape: &Shape, depth: usize) -> Result<Value, Box<Malformed>> {
    let known = shape.inner().fields();
    let mut text = String::new();
    let mut children: Vec<(&str, Value)> = Vec::new();
    if !reader.is_empty() && depth < DEEPEST {
        reader.read()?;
        while reader.node() != Node::End {
            if reader.node() == Node::Element {
                let name = reader.local_name();
                let field = known.iter().find(|it| it.name == name).map(|it| it.shape);
                let child = field.unwrap_or(if known.is_empty() { shape } else { String::SHAPE });
                children.push((name, nested(reader, child, depth + 1)?));
            } else {
                text.push_str(&reader.value());
                reader.read()?;
            }
        }
    }
    reader.skip()?;
    if children.is_empty() {
        return Ok(match shape.inner() {
            Shape::Simple(Primitive::Boolean) => text.trim().parse().map_or_else(|_| text.into(), Value::Bool),
            Shape::Simple(Primitive::Int | Primitive::UnsignedInt | Primitive::Long) => {
                text.trim().parse().map_or_else(|_| text.into(), |it: i64| it.into())
            }
            Shape::Record { .. } if text.trim().is_empty() => Value::Object(Map::new()),
            _ => text.into(),
        });
    }
    if known.is_empty() {
        return Ok(children.into_iter().map(|it| it.1).collect());
    }
    let mut fields = Map::new();
    for (name, value) in children {
        fields.entry(name).or_insert(value);
    }
    Ok(fields.into())
}

/// A moment, as RFC 3339 has it.
#[derive(Clone, Copy, Debug)]
pub(super) struct At(pub(super) crate::engine::Timestamp);

/// A telephone number in full.
#[derive(Clone, Copy, Debug)]
pub(super) struct Phone<'a>(pub(super) &'a Number);

impl Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Display for Phone<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Serialize for At {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

/// The JSON of a view. `docs/architecture.md` says why serde_json does not write it.
struct Json<'o> {
    out: &'o mut String,
    escaping: Escaping,
}

impl Json<'_> {
    fn raw(&mut self, json: &str) {
        self.out.push_str(json);
    }

    fn display(&mut self, it: impl Display) {
        write!(self.out, "{it}").expect("a String does not fail");
    }
}

/// A value as filters see it, and as JSON has it.
trait Fact {
    fn fact(&self) -> Option<Cow<'_, str>>;

    fn put(&self, json: &mut Json<'_>);
}

impl Fact for &str {
    fn fact(&self) -> Option<Cow<'_, str>> {
        Some(Cow::Borrowed(self))
    }

    fn put(&self, json: &mut Json<'_>) {
        text::push_json(json.out, self, json.escaping);
    }
}

impl<T: Fact> Fact for Option<T> {
    fn fact(&self) -> Option<Cow<'_, str>> {
        self.as_ref().and_then(T::fact)
    }

    fn put(&self, json: &mut Json<'_>) {
        match self {
            Some(it) => it.put(json),
            None => json.raw("null"),
        }
    }
}

impl Fact for f64 {
    fn fact(&self) -> Option<Cow<'_, str>> {
        Some(self.to_string().into())
    }

    fn put(&self, json: &mut Json<'_>) {
        json.display(format_args!("{self:?}"));
    }
}

/// Values that filters see as they are written, with what stands around them in JSON.
macro_rules! written {
    ($($ty:ty: $quote:literal),*) => {$(
        impl Fact for $ty {
            fn fact(&self) -> Option<Cow<'_, str>> {
                Some(self.to_string().into())
            }

            fn put(&self, json: &mut Json<'_>) {
                json.raw($quote);
                json.display(self);
                json.raw($quote);
            }
        }
    )*};
}

written!(u64: "", i32: "", u16: "", bool: "", At: "\"", Phone<'_>: "\"");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn views_are_json() {
        let notice =
            |text| Notice { seq: 7, at: At(crate::engine::Timestamp::default()), kind: "notice", topic: "t", text };
        for text in
            ["", "plain", "\"\\\u{8}\u{c}\n\r\t\0\u{1f}\u{7f}", "<a & b>", "Zoë 😀 \u{2028}", "é", "a\"", "\u{ffff}"]
        {
            let expected = serde_json::json!({"seq": 7, "at": "1970-01-01T00:00:00Z", "kind": "notice", "topic": "t", "text": text});
            let view = View::Notice(notice(text));
            assert_eq!(view.value(), expected);
            assert!(!view.json().contains(['<', '>', '&']));
            let mut ascii = String::new();
            view.write(&mut ascii, Escaping::Ascii);
            assert!(ascii.is_ascii());
            assert_eq!(serde_json::from_str::<Value>(&ascii).unwrap(), expected);
        }
        for (number, json) in [(0.054, "0.054"), (5.0, "5.0"), (1_234_567.125, "1234567.125"), (1e9, "1000000000.0")] {
            let mut out = String::new();
            Some(number).put(&mut Json { out: &mut out, escaping: Escaping::Ascii });
            assert_eq!(out, json);
        }
    }
}
