//! The JSON Schema of scenario files, with which editors complete, explain and check: the grammar as it describes
//! itself, and what the reference says of each key. That of incidents is made in the same way.

use serde_json::{Map, Value, json};

use super::fields::Reader;
use super::grammar::{Grammar, Keys};
use super::{file, reference};
use crate::operations;

/// The mappings of the grammar; the first is the whole file.
pub(super) fn grammar() -> Vec<Keys> {
    let grammar = Grammar::new();
    file::scenario("").values(&grammar);
    grammar.finish()
}

/// The schema of scenario files, draft 2020-12.
#[must_use]
pub fn schema() -> Value {
    let about = "The users that the server knows, and what happens when a user is asked for a second factor.";
    of(&grammar(), "Scenario of locmfa", about)
}

/// The schema of a file with these mappings, of which the first is the whole file.
pub(super) fn of(mappings: &[Keys], title: &str, about: &str) -> Value {
    let (root, rest) = mappings.split_first().expect("the file is a mapping");
    let mut definitions: Map<String, Value> = rest.iter().map(|it| (it.name.into(), mapping(it))).collect();
    definitions.extend(scalars());
    let mut schema = mapping(root);
    schema["$defs"] = definitions.into();
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema".into();
    schema["title"] = title.into();
    schema["description"] = about.into();
    schema
}

/// The schema of scenario files, as the file that editors read.
#[must_use]
pub fn schema_text() -> String {
    text_of(&schema())
}

/// A schema as the file that editors read.
pub(super) fn text_of(schema: &Value) -> String {
    serde_json::to_string_pretty(schema).expect("it is JSON") + "\n"
}

fn mapping(of: &Keys) -> Value {
    let property = |key: &super::grammar::Key| -> (String, Value) {
        let mut value = key.values.schema.clone();
        value["description"] = reference::about(of.name, key).unwrap_or_default().into();
        (key.key.into(), value)
    };
    let needed: Vec<_> = of.keys.iter().filter(|it| it.is_needed).map(|it| it.key).collect();
    // A mapping without keys may be left empty.
    let kind = if needed.is_empty() { json!(["object", "null"]) } else { "object".into() };
    json!({
        "type": kind,
        "properties": of.keys.iter().map(property).collect::<Map<_, _>>(),
        "additionalProperties": false,
        "required": needed,
    })
}

/// The definitions that values refer to. They do not let YAML's types hide a mistake: 0123 and true are texts too, where
/// a text is asked for.
fn scalars() -> [(String, Value); 5] {
    let operations: Vec<_> = operations::all().map(|it| it.signature.name).collect();
    let variable = json!({ "$ref": "#/$defs/variable" });
    let time = r"^ *([0-9.]+|([0-9]+ *[a-z]+ *)+) *$";
    [
        ("operation".into(), json!({ "anyOf": [{ "enum": operations }, { "$ref": "#/$defs/text" }] })),
        ("text".into(), json!({ "type": ["string", "number", "boolean"] })),
        (
            "variable".into(),
            json!({ "type": "string", "pattern": r"\$\{", "description": "A variable of the environment." }),
        ),
        ("truth".into(), json!({ "anyOf": [{ "enum": [true, false, "true", "false"] }, variable] })),
        (
            "time".into(),
            json!({ "anyOf": [
                { "type": "number", "minimum": 0 },
                { "type": "string", "pattern": time, "examples": ["4s", "500ms", "1m 30s"] },
                variable,
            ] }),
        ),
    ]
}
