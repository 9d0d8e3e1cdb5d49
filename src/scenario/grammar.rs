//! What the grammar of scenario files is, as a value: every mapping with its keys, and for each key the values that its
//! reader takes and its default. The readers of the sections fill it in; the JSON Schema and the tables of
//! `docs/scenarios.md` are made from it.

use std::cell::RefCell;
use std::ops::RangeInclusive;

use serde_json::{Value, json};

use super::report::Report;
use super::tree::{Kind, Node};

/// The mappings that were described so far, in the order in which they were met.
pub(super) struct Grammar {
    mappings: RefCell<Vec<Keys>>,
    /// An empty scenario, which the readers of the sections read while they describe themselves.
    pub report: Report,
    pub nothing: Node<'static>,
}

/// A mapping of the grammar.
#[derive(Clone, Debug)]
pub(super) struct Keys {
    /// Its name among the definitions of the schema.
    pub name: &'static str,
    pub keys: Vec<Key>,
}

/// A key of a mapping.
#[derive(Clone, Debug)]
pub(super) struct Key {
    pub key: &'static str,
    pub is_needed: bool,
    pub values: Values,
    /// What holds where the key is missing, as the reference writes it. `None`: the reference says it in prose.
    pub default: Option<String>,
}

/// The values that a reader takes.
#[derive(Clone, Debug)]
pub(super) struct Values {
    /// As the reference says it. `{name}` stands for a link to the table of that mapping.
    pub text: String,
    /// As the JSON Schema says it.
    pub schema: Value,
}

impl Grammar {
    pub(super) fn new() -> Self {
        let nothing = Node { span: 0..0, kind: Kind::Nothing };
        let report = Report::new(1);
        report.add("", None, String::new()).expect("there is room for one");
        Self { mappings: RefCell::default(), report, nothing }
    }

    /// Opens a mapping; `false` where it was described before, or is being described.
    pub(super) fn open(&self, name: &'static str) -> bool {
        let mut mappings = self.mappings.borrow_mut();
        let is_new = mappings.iter().all(|it| it.name != name);
        if is_new {
            mappings.push(Keys { name, keys: Vec::new() });
        }
        is_new
    }

    /// Adds a key to an open mapping. Of two declarations of one key the first counts.
    pub(super) fn add(&self, mapping: &str, key: Key) {
        let mut mappings = self.mappings.borrow_mut();
        let keys = mappings.iter_mut().find(|it| it.name == mapping).expect("it is open");
        if keys.keys.iter().all(|it| it.key != key.key) {
            keys.keys.push(key);
        }
    }

    pub(super) fn finish(self) -> Vec<Keys> {
        self.mappings.into_inner()
    }
}

impl Key {
    /// Whether no list and no mistake shows the value.
    pub(super) fn is_secret(&self) -> bool {
        self.values.text.contains("secret")
    }
}

impl Values {
    fn new(text: impl Into<String>, schema: Value) -> Self {
        Self { text: text.into(), schema }
    }

    /// The same values under another name in the reference.
    pub(super) fn called(self, text: impl Into<String>) -> Self {
        Self { text: text.into(), ..self }
    }

    /// A text; `what` says which.
    pub(super) fn text(what: &str) -> Self {
        Self::new(what, reference("text"))
    }

    pub(super) fn truth() -> Self {
        Self::new("`true`, `false`", reference("truth"))
    }

    pub(super) fn time(what: &str) -> Self {
        Self::new(what, reference("time"))
    }

    /// Whole percent with the sign.
    pub(super) fn percent() -> Self {
        let written = json!({ "type": "string", "pattern": "^(100|[1-9]?[0-9])%$" });
        Self::new("percentage, such as `30%`", any_of([written, reference("variable")]))
    }

    /// A whole number in a range.
    pub(super) fn whole(range: &RangeInclusive<i64>) -> Self {
        let (start, end) = (*range.start(), *range.end());
        let text = match (start, end) {
            (0 | 1, end) if end >= i32::MAX.into() => format!("{start} or more"),
            (_, end) if end >= i32::MAX.into() => "whole number".into(),
            _ => format!("{start} to {end}"),
        };
        let number = match end {
            i64::MAX => json!({ "type": "integer", "minimum": start }),
            end => json!({ "type": "integer", "minimum": start, "maximum": end }),
        };
        let quoted = json!({ "type": "string", "pattern": r"^-?[0-9]+$" });
        Self::new(text, any_of([number, quoted, reference("variable")]))
    }

    /// A number in a range.
    pub(super) fn real(range: &RangeInclusive<f64>) -> Self {
        let (start, end) = (*range.start(), *range.end());
        let number = json!({ "type": "number", "minimum": start, "maximum": end });
        let quoted = json!({ "type": "string", "pattern": r"^[0-9.eE+-]+$" });
        Self::new(format!("{start} to {end}"), any_of([number, quoted, reference("variable")]))
    }

    /// Words, each of which may look like a number.
    pub(super) fn words(words: &[&str]) -> Self {
        let numbers = words.iter().filter_map(|it| it.parse::<i64>().ok()).map(Value::from);
        let all: Vec<Value> = words.iter().map(|it| Value::from(*it)).chain(numbers).collect();
        let text = words.iter().map(|it| format!("`{it}`")).collect::<Vec<_>>().join(", ");
        Self::new(text, any_of([json!({ "enum": all }), reference("variable")]))
    }

    /// One of the mappings of the grammar.
    pub(super) fn mapping(name: &str) -> Self {
        Self::new(format!("{{{name}}}"), reference(name))
    }

    /// A mapping whose keys are names of the file's own, with values of one kind.
    pub(super) fn pairs(what: &str, of: Option<&Self>) -> Self {
        let mut schema = json!({ "type": "object" });
        if let Some(of) = of {
            schema["additionalProperties"] = of.schema.clone();
        }
        Self::new(what, schema)
    }

    /// Names of variables, or a mapping from names to what holds without them.
    pub(super) fn environment() -> Self {
        let text = Self::text("name");
        let nothing = Self::new("nothing", json!({ "type": "null" }));
        let variables = Self::pairs("mapping from names to texts", Some(&Self::either(&text, &nothing)));
        Self::either(&Self::one_or_more(&text), &variables)
    }

    /// A list, which may be left empty.
    pub(super) fn list(of: &Self) -> Self {
        Self::new(format!("list ({})", of.text), json!({ "type": ["array", "null"], "items": of.schema }))
    }

    /// One, or a list of one or more.
    pub(super) fn one_or_more(of: &Self) -> Self {
        let list = json!({ "type": "array", "items": of.schema, "minItems": 1 });
        Self::new(format!("one or a list ({})", of.text), any_of([of.schema.clone(), list]))
    }

    pub(super) fn either(first: &Self, second: &Self) -> Self {
        let text = format!("{} or {}", first.text, second.text);
        Self::new(text, any_of([first.schema.clone(), second.schema.clone()]))
    }

    /// A mapping with one key, which is one of these words.
    pub(super) fn one_pair(words: &[&str]) -> Self {
        let schema = json!({
            "type": "object", "propertyNames": { "enum": words }, "minProperties": 1, "maxProperties": 1,
        });
        Self::new("act: value", schema)
    }

    /// A name that editors complete from a list, or any other text.
    pub(super) fn suggested(what: &str, definition: &str) -> Self {
        Self::new(what, reference(definition))
    }
}

/// A definition of the schema.
fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/$defs/{name}") })
}

fn any_of<const N: usize>(of: [Value; N]) -> Value {
    json!({ "anyOf": Vec::from(of) })
}
