//! `answer`: an answer in its own fields, which are those of the operations that the rule names.

use crate::contract::{Primitive, Shape};
use crate::engine::{Canned, CannedValue};
use crate::operations::Operation;

use super::fields::{Reader, mapping};
use super::grammar::Values;
use super::mistake::{Code, closest, quoted};
use super::texts::{read_template, template};
use super::values::{Whole, described};
use super::written::{Pair, Written};

/// The code and the text of an in-band error.
pub(super) fn error<'a>() -> impl Reader<'a, Value = (i32, String)> {
    mapping("error", "error", |fields| {
        let code = fields.need("code", Whole(i32::MIN..=i32::MAX));
        let mut text = String::new();
        fields.set("text", &mut text, template());
        Some((code?, text))
    })
}

/// An answer in its fields, which must be those of every operation that the rule names. `None`: it names none.
pub(super) fn canned<'a>(operations: Option<&[&'static Operation]>) -> impl Reader<'a, Value = Canned> {
    let read = move |written: Written<'a>| {
        let Some(operations) = operations else {
            let help = "Say which: when: {operation: GetPhone}".into();
            let message = "answer needs an operation, since each has its own fields".into();
            return written.wrong(Code::MissingKey, message, [help]);
        };
        let mut read = operations.iter().map(|it| canned_of(written, it));
        let first = read.next()?;
        read.all(|it| it.is_some());
        first
    };
    described(|_| Values::pairs("mapping from fields to values", None), read)
}

fn canned_of(written: Written<'_>, operation: &Operation) -> Option<Canned> {
    let signature = &operation.signature;
    let mut canned = Canned { result: "true".into(), out: Vec::new(), error: None };
    let mut whole = true;
    for pair in written.pairs() {
        let read = match pair.key {
            "result" if signature.is_plain() => read_template(pair.value).map(|it| canned.result = it),
            "result" => pair.value.truth().map(|it| canned.result = it.to_string()),
            "error" if !signature.is_plain() => error().read(pair.value).map(|it| canned.error = Some(it)),
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
        None => pair.wrong_key_with(Code::UnknownKey, || {
            let own = ["result", "error"].into_iter();
            let names: Vec<_> = fields.iter().map(|it| it.name).chain(own.filter(|_| of != record.name())).collect();
            let meant = closest(pair.key, names.iter().copied()).map(|it| format!("Did you mean {it}?"));
            let help = meant.unwrap_or_else(|| format!("Allowed: {}.", names.join(", ")));
            (format!("{of} answers no {}", quoted(pair.key)), [help])
        }),
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
        Shape::Simple(Primitive::String) => read_template(written),
    };
    text.map(CannedValue::Text)
}
