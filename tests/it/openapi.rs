//! The description of the admin API, held against what a server does: every operation is asked in every way that its
//! description allows.

use std::path::Path;

use serde_json::{Map, Value, json};

use crate::api::{Api, Told};

const SCENARIO: &str = "clock: frozen
users:
  - {username: anna, phone: '4255550100', pin: '2580'}
  - {username: mimservice@contoso.com}
rules: [{person: decides}]
";

const JSON: &str = "application/json";

fn description() -> Value {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/openapi.json");
    serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap()
}

/// The operations: method, path, and what is said of each.
fn operations(description: &Value) -> impl Iterator<Item = (String, &str, &Value)> {
    let paths = description["paths"].as_object().unwrap().iter();
    paths.flat_map(|(path, methods)| {
        let methods = methods.as_object().unwrap().iter().filter(|it| it.0 != "parameters");
        methods.map(|(method, operation)| (method.to_uppercase(), path.as_str(), operation))
    })
}

/// What a schema means where it refers to another.
fn resolved<'a>(description: &'a Value, schema: &'a Value) -> &'a Value {
    match schema["$ref"].as_str() {
        Some(name) => &description["components"]["schemas"][name.rsplit('/').next().unwrap()],
        None => schema,
    }
}

/// Why a value does not fit a schema, with its place.
fn misfit(description: &Value, schema: &Value, it: &Value, at: &str) -> Option<String> {
    let schema = resolved(description, schema);
    let alternatives = |key: &str| schema[key].as_array().filter(|all| !all.is_empty());
    if let Some(all) = alternatives("oneOf").or_else(|| alternatives("anyOf")) {
        let misfits: Vec<_> = all.iter().map(|one| misfit(description, one, it, at)).collect();
        return misfits.iter().all(Option::is_some).then(|| format!("{misfits:?}"));
    }
    if let Some(all) = alternatives("allOf") {
        let parts = all.iter().map(|it| resolved(description, it));
        let (mut properties, mut required) = (Map::new(), Vec::new());
        for part in parts {
            properties.extend(part["properties"].as_object().cloned().into_iter().flatten());
            required.extend(part["required"].as_array().cloned().into_iter().flatten());
        }
        let whole = json!({"type": "object", "properties": properties, "required": required});
        return misfit(description, &whole, it, at);
    }
    let kind = match it {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    let is = |word: &Value| *word == kind || (*word == "number" && kind == "integer");
    let fits = match &schema["type"] {
        Value::Null => true,
        Value::Array(words) => words.iter().any(is),
        word => is(word),
    };
    if !fits || schema["enum"].as_array().is_some_and(|all| !all.contains(it)) {
        return Some(format!("{at}: {it} is not {schema}"));
    }
    match it {
        Value::Array(items) => {
            items.iter().find_map(|it| misfit(description, &schema["items"], it, &format!("{at}[]")))
        }
        Value::Object(map) => {
            let missing = schema["required"]
                .as_array()
                .into_iter()
                .flatten()
                .find(|key| !map.contains_key(key.as_str().unwrap()));
            let of = |(key, it): (&String, &Value)| match (&schema["properties"][key], &schema["additionalProperties"])
            {
                (Value::Null, Value::Null) if schema["properties"].is_object() => {
                    Some(format!("{at}.{key} is not described"))
                }
                (Value::Null, other) => misfit(description, other, it, &format!("{at}.{key}")),
                (described, _) => misfit(description, described, it, &format!("{at}.{key}")),
            };
            missing.map(|key| format!("{at} lacks {key}")).or_else(|| map.iter().find_map(of))
        }
        _ => None,
    }
}

/// Asks, each time in a space of its own.
struct Asking {
    api: Api,
    /// What needs TLS is asked here.
    tls: Api,
    spaces: std::cell::Cell<usize>,
}

impl Asking {
    /// The way to a new space.
    fn space(&self) -> String {
        self.spaces.set(self.spaces.get() + 1);
        let name = format!("s{}", self.spaces.get());
        self.api.send("PUT", &format!("/spaces/{name}"), &json!({}));
        name
    }

    /// What an operation needs to be there, and the path that asks it.
    fn path(&self, path: &str) -> String {
        let space = self.space();
        let prefix = format!("/~{space}");
        let call = || {
            self.api.server.send_in(&prefix, "PfAuthUser_4", "<username>anna</username>");
            self.api.get(&format!("{prefix}/challenges?wait=60s"))["items"][0]["id"].to_string()
        };
        match path {
            "/spaces/{name}" | "/spaces/{name}/reset" => path.replace("{name}", &space),
            "/calls/{seq}" => {
                call();
                prefix.clone() + "/calls/" + &self.api.get(&format!("{prefix}/calls"))["items"][0]["seq"].to_string()
            }
            "/challenges/{id}" | "/challenges/{id}/act" => prefix.clone() + &path.replace("{id}", &call()),
            "/devices/{id}" => {
                let (_, device) = self.api.send("POST", &format!("{prefix}/devices"), &Value::Null);
                prefix.clone() + &path.replace("{id}", &device["id"].to_string())
            }
            "/plays/{id}/code" => {
                let (_, play) = self.api.send("POST", &format!("{prefix}/plays"), &json!({"gate": "text"}));
                while self.api.get(&format!("{prefix}/plays"))["items"][0]["state"] != "code" {}
                prefix.clone() + &path.replace("{id}", &play["id"].to_string())
            }
            "/rules/{name}" => {
                self.api.send("POST", &format!("{prefix}/rules"), &json!({"name": "mine", "outcome": "busy"}));
                prefix.clone() + &path.replace("{name}", "mine")
            }
            "/incidents/{name}" => prefix + "/incidents/service-restarted",
            _ if path.starts_with("/users/") => prefix.clone() + &path.replace("{username}", "anna"),
            "/clock" | "/clock/advance" | "/users" | "/rules" | "/verify" | "/plays" | "/devices" | "/calls"
            | "/messages" | "/challenges" | "/challenges/turns" | "/changes" | "/notices" | "/snapshot" | "/report"
            | "/scenario/recorded" | "/incidents" => prefix + path,
            _ => path.into(),
        }
    }

    fn ask(&self, method: &str, path: &str, kind: &str, body: &str) -> Told {
        let header = if kind.is_empty() { String::new() } else { format!("Content-Type: {kind}\r\n") };
        let api = if path.starts_with("/authority") || path == "/tls-fault" { &self.tls } else { &self.api };
        api.ask(method, &self.path(path), &header, body)
    }
}

/// A body that each operation with one takes.
fn body(method: &str, path: &str) -> Value {
    match (method, path) {
        ("POST", "/spaces") => json!({"label": "A test [1]: it"}),
        ("PUT", "/spaces/{name}") => json!({}),
        ("PUT" | "POST", "/scenario" | "/scenario/check") => json!("users: [anna]"),
        ("PUT", "/clock") => json!({"pace": "real", "rate": 2}),
        ("POST", "/clock/advance") => json!({"by": "10m"}),
        ("POST", "/challenges/{id}/act") => json!({"act": "hangs-up"}),
        ("POST", "/plays") => json!({"gate": "phone", "number": "+1 4255550100"}),
        ("POST", "/plays/{id}/code") => json!({"code": "1"}),
        ("POST", "/users/{username}/bypass") => json!({"lasts": "5m"}),
        ("POST", "/rules") => json!({"outcome": "busy"}),
        ("POST", "/verify") => json!({"expect": [{"where": {"username": "zoe"}, "exactly": 0}]}),
        ("POST", "/users") => json!({"username": "zoe"}),
        ("PUT", "/tls-fault") => json!({"fault": "expired", "lasts": "10m"}),
        ("PATCH", "/users/{username}") => json!({"first_name": "Anna"}),
        other => panic!("no body is known for {other:?}"),
    }
}

/// The members that may not be left out together.
const ONE_OF: &[&str] = &["pace", "rate", "by", "to"];

#[test]
fn every_operation_does_what_its_description_says() {
    let description = description();
    let api = Api::start(SCENARIO, &["--spaces", "1000"]);
    let asking = Asking { api, tls: Api::start_tls(SCENARIO), spaces: std::cell::Cell::new(0) };
    let fits = |operation: &Value, told: &Told, what: &str| {
        let responses = &operation["responses"];
        let described = responses.get(told.status.to_string()).unwrap_or_else(|| &responses["default"]);
        let is_good = told.status < 400;
        assert!(is_good == responses.get(told.status.to_string()).is_some(), "{what}: {} {}", told.status, told.body);
        let kind = told.head.lines().find_map(|it| it.strip_prefix("content-type: ")).unwrap_or_default();
        let kind = kind.split(';').next().unwrap();
        let contents = described["content"].as_object();
        let Some(content) = contents.and_then(|it| it.get(kind)) else {
            assert!(contents.is_none() && told.body.is_empty(), "{what}: {kind} {}", told.body);
            return;
        };
        if kind.ends_with("json") {
            let wrong = misfit(&description, &content["schema"], &told.json(), "");
            assert_eq!(wrong, None, "{what}: {}", told.body);
        }
    };
    let mut ids = std::collections::HashSet::new();
    for (method, path, operation) in operations(&description) {
        let id = operation["operationId"].as_str().unwrap();
        assert!(ids.insert(id) && id.chars().all(char::is_alphanumeric) && id.starts_with(char::is_lowercase), "{id}");
        // A stream does not end, and a server stops once.
        if matches!(path, "/events" | "/stop") {
            continue;
        }
        let what = format!("{method} {path}");
        let Some(content) = operation["requestBody"]["content"].as_object() else {
            fits(operation, &asking.ask(&method, path, "", ""), &what);
            continue;
        };
        let body = body(&method, path);
        let text = |body: &Value| body.as_str().map_or_else(|| body.to_string(), Into::into);
        for kind in content.keys() {
            let told = asking.ask(&method, path, kind, &text(&body));
            assert!(told.status < 300, "{what} as {kind}: {} {}", told.status, told.body);
            fits(operation, &told, &format!("{what} as {kind}"));
        }
        let wrong = asking.ask(&method, path, "text/plain", &text(&body));
        assert_eq!(wrong.status, 415, "{what}");
        fits(operation, &wrong, &what);
        let is_required = operation["requestBody"]["required"] == true;
        let empty = asking.ask(&method, path, JSON, "");
        // A patch that says nothing changes nothing.
        assert_eq!(is_required && method != "PATCH", empty.status >= 400, "{what} without a body: {}", empty.body);
        fits(operation, &empty, &what);
        let Some(schema) = content.get(JSON).map(|it| resolved(&description, &it["schema"])) else { continue };
        let schema = resolved(&description, schema["oneOf"].get(0).unwrap_or(schema));
        let required: Vec<&str> =
            schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        for (key, property) in schema["properties"].as_object().into_iter().flatten() {
            let with = |value: Option<Value>| {
                let mut body = body.clone();
                let map = body.as_object_mut().unwrap();
                match value {
                    Some(value) => drop(map.insert(key.clone(), value)),
                    None => drop(map.remove(key)),
                }
                body.to_string()
            };
            let is_needed = required.contains(&key.as_str());
            let is_one_of = ONE_OF.contains(&key.as_str()) && body.as_object().unwrap().len() == 1;
            if is_needed || body.get(key).is_some() && !is_one_of {
                let told = asking.ask(&method, path, JSON, &with(None));
                assert_eq!(is_needed, told.status >= 400, "{what} without {key}: {}", told.body);
            }
            let is_nullable = property["type"].as_array().is_some_and(|it| it.contains(&"null".into()))
                || property["oneOf"].as_array().is_some_and(|it| it.iter().any(|it| it["type"] == "null"));
            if !is_one_of && (is_nullable || is_needed) {
                let told = asking.ask(&method, path, JSON, &with(Some(Value::Null)));
                assert_eq!(is_nullable, told.status < 300, "{what} with {key}: null: {} {}", told.status, told.body);
            }
        }
    }
    let stop = &description["paths"]["/stop"]["post"];
    fits(stop, &asking.ask("POST", "/stop", "", ""), "POST /stop");
}

#[test]
fn the_sentence_of_a_problem_is_marked_as_its_message() {
    let detail = &description()["components"]["schemas"]["Problem"]["properties"]["detail"];
    assert_eq!(detail["x-ms-primary-error-message"], true);
}
