//! Users: listed, added, changed, removed. Their JSON has the keys of a scenario, from the one declaration.

use std::borrow::Cow;
use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;
use serde_json::{Map, Value, json};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::Schema;
use utoipa::{PartialSchema, ToSchema};

use super::input::{Asked, Written, bad, duration};
use super::listed::listed;
use super::problem::Problem;
use super::{At, Changing, Json, Shared};
use crate::contract::{Mode, Primitive, Shape, Tag, TagMatchType, UserAdministrator, UserSettings, Wire};
use crate::engine::{self, Changed, Engine, Pattern, PhonePattern, Query, Timestamp, What};
use crate::scenario::{self, Mistakes};
use crate::switchboard::{Lane, Space};
use crate::text;

/// A user, by the keys of a scenario. What is read has no secrets, and says in `secrets` which are set.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub(super) struct User(Map<String, Value>);

/// Some users.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Users {
    /// In the order of their names.
    items: Vec<User>,
    /// What to give as `after` for those that follow; missing where these are the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
    /// How many users there are in all.
    total: usize,
}

/// What was added: a user, or those of a list.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub(super) enum Added {
    One(User),
    Many(Users),
}

/// What is to be added: a user, or a list of them.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "it describes the body, which the scenario's reader reads")]
pub(super) enum NewUsers {
    One(NewUser),
    Many(Vec<NewUser>),
}

/// A user to add.
#[derive(Debug, Serialize)]
pub(super) struct NewUser;

/// What to change of a user.
#[derive(Debug)]
pub(super) struct UserPatch;

/// How many items a list has where the request does not say.
const PAGE: usize = 100;
/// The longest pattern that is looked for, in bytes.
const LONGEST: usize = 1024;
/// How many items a list has at most, whatever the request says.
const MOST: usize = 1000;

/// Lists users. Texts take `*` as a wildcard.
#[utoipa::path(get, path = "/users", tag = "users", params(
    ("username" = Option<String>, Query, description = "The stored name; `*` stands for anything."),
    ("phone" = Option<String>, Query, description = "Digits and `*`, with the country code or without, however they are grouped."),
    ("first_name" = Option<String>, Query),
    ("last_name" = Option<String>, Query),
    ("email_address" = Option<String>, Query),
    ("user_group" = Option<String>, Query),
    ("mode" = Option<String>, Query, description = "`voiceCall`, `smsText`, `phoneApp` or `oathToken`."),
    ("tag" = Option<String>, Query, description = "The name or identifier of a tag."),
    ("enabled" = Option<bool>, Query),
    ("limit" = Option<usize>, Query, minimum = 0, description = "How many items at most; 100. A list has no more than 1,000: `next` leads to the others."),
    ("after" = Option<String>, Query, description = "`next` of the list before."),
), responses((status = 200, body = Users)))]
pub(super) async fn list(State(admin): Shared, At(space): At, mut asked: Asked) -> Result<Response, Problem> {
    let mut pattern = |name| match asked.take(name)? {
        Some(text) if text.len() > LONGEST => {
            Err(bad(name, &format!("it is longer than {LONGEST} bytes"), "Give a part of it, with * for the rest."))
        }
        text => Ok(text.map(|it| Pattern::new(&it))),
    };
    let query = Query {
        username: pattern("username")?,
        first_name: pattern("first_name")?,
        last_name: pattern("last_name")?,
        email: pattern("email_address")?,
        user_group: pattern("user_group")?,
        phone: match asked.take("phone")?.map(|it| PhonePattern::new(&it)) {
            Some(Err(why)) => return Err(bad("phone", &why.to_string(), "Write digits, and * for anything.")),
            read => read.and_then(Result::ok),
        },
        mode: match asked.take("mode")? {
            Some(text) => Some(text.parse::<Mode>().map_err(|()| {
                bad("mode", &format!("{text:?} is no mode"), "Write voiceCall, smsText, phoneApp or oathToken.")
            })?),
            None => None,
        },
        enabled: asked.truth("enabled")?,
        ..Query::default()
    };
    let tag = asked.take("tag")?;
    let limit = asked.number("limit")?.unwrap_or(PAGE).min(MOST);
    let after = asked.take("after")?.map(|it| it.to_lowercase());
    asked.finish()?;
    let (company, now, total) = space.update(|engine, now| (engine.company().clone(), now, engine.directory().len()));
    let tags = tag.map(|tag| {
        let is = |it: &&Tag| it.name.as_ref() == Some(&tag) || it.tag_id.as_ref() == Some(&tag);
        let id = company.tags.iter().find(is).and_then(|it| it.tag_id.clone());
        (TagMatchType::AnyTags, vec![id.unwrap_or(tag)])
    });
    let mut users = space.search(Lane::Look, Query { tags, ..query }, after, limit + 1).await;
    let is_whole = users.len() <= limit;
    users.truncate(limit);
    let next = users.last().filter(|_| !is_whole).map(|it| it.username.clone());
    let frame = Users { items: Vec::new(), next, total };
    let write = move |it: &Arc<engine::User>| text::json(&User(scenario::export::told(it, &company, now)));
    Ok(listed(admin, &frame, users, write).await)
}

/// Tells of a user. `DOMAIN\name`, `name` and `name@domain` are the same one.
#[utoipa::path(get, path = "/users/{username}", tag = "users", params(("username" = String, Path)), responses(
    (status = 200, body = User)
))]
pub(super) async fn get(At(space): At, Path(username): Path<String>, asked: Asked) -> Result<Json<User>, Problem> {
    asked.finish()?;
    space.update(|engine, now| Ok(Json::ok(told(engine, &username, now)?)))
}

/// Adds a user, or all users of a list, who have the company's defaults in what is `null`, empty or not said. If one of a
/// list cannot be added, none is.
#[utoipa::path(post, path = "/users", tag = "users", request_body = NewUsers, responses(
    (status = 201, body = Added)
))]
pub(super) async fn add(
    State(admin): Shared,
    Changing(space): Changing,
    asked: Asked,
    Written(text): Written,
) -> Result<Json<Added>, Problem> {
    asked.finish()?;
    let lane = Lane::of_text(text.len());
    let add = move || {
        let company = space.update(|engine, _| engine.company().clone());
        let (users, is_list) = scenario::new_users(BODY, &text, &company).map_err(|it| Problem::of_mistakes(&it))?;
        let names: Vec<String> = users.iter().map(|it| it.username.clone()).collect();
        space.update(|engine, now| {
            put_all(engine, now, users)?;
            names.iter().for_each(|it| note(engine, now, it, "added"));
            let mut items: Vec<User> = names.iter().map(|it| told(engine, it, now)).collect::<Result<_, _>>()?;
            let added = match is_list {
                true => Added::Many(Users { items, next: None, total: engine.directory().len() }),
                false => Added::One(items.remove(0)),
            };
            Ok(Json(StatusCode::CREATED, added))
        })
    };
    admin.work.run(lane, add).await
}

/// Adds all users, or none.
fn put_all(engine: &mut Engine, now: Timestamp, users: Vec<engine::User>) -> Result<(), Problem> {
    let mut names: Vec<String> = Vec::with_capacity(users.len());
    for user in users {
        let name = user.username.clone();
        if let Err(refusal) = engine.put_user(now, None, user) {
            names.iter().for_each(|it| drop(engine.delete_user(it)));
            return Err(refusal.into());
        }
        names.push(name);
    }
    Ok(())
}

/// Changes a user in what is said; `null` is the company's default. A merge patch (RFC 7396).
#[utoipa::path(patch, path = "/users/{username}", tag = "users", params(("username" = String, Path)), request_body = UserPatch, responses(
    (status = 200, body = User)
))]
pub(super) async fn change(
    State(admin): Shared,
    Changing(space): Changing,
    Path(username): Path<String>,
    asked: Asked,
    super::input::Body(patch): super::input::Body<Map<String, Value>>,
) -> Result<Json<User>, Problem> {
    asked.finish()?;
    admin.work.run(Lane::Read, move || changed(&space, &username, &patch)).await
}

/// Reads a patched user without the lock of the space. If the user changed meanwhile, the patch is put over the changed
/// user.
fn changed(space: &Space, username: &str, patch: &Map<String, Value>) -> Result<Json<User>, Problem> {
    loop {
        let (old, company) = space.update(|engine, _| {
            Ok::<_, Problem>((engine.directory().user(username)?.clone(), engine.company().clone()))
        })?;
        let mut merged = scenario::export::user(&old, &company);
        merge(&mut merged, patch);
        // A line for each key, so that a mistake shows the key that it is in.
        let text = serde_json::to_string_pretty(&merged).expect("a map is JSON");
        let mut user = scenario::user(BODY, &text, &company).map_err(of_merged)?;
        // Phones are known by their identifiers, and one that is not patched keeps what it has.
        user.username = user.username.trim().into();
        let put = space.update(|engine, now| {
            if *engine.directory().user(username)? != old {
                return Ok(None);
            }
            let name = user.username.clone();
            if user.block.is_none() && patch.contains_key("blocked") {
                // The number may be blocked where the user is not, and then nothing of the user is lifted.
                let _ = engine.unblock(&old.username);
            }
            engine.put_user(now, Some(&old.username), user)?;
            note(engine, now, &name, "changed");
            told(engine, &name, now).map(Some)
        });
        if let Some(user) = put? {
            return Ok(Json::ok(user));
        }
    }
}

/// Removes a user.
#[utoipa::path(delete, path = "/users/{username}", tag = "users", params(("username" = String, Path)), responses(
    (status = 204, description = "The user is gone.")
))]
pub(super) async fn remove(
    Changing(space): Changing,
    Path(username): Path<String>,
    asked: Asked,
) -> Result<StatusCode, Problem> {
    asked.finish()?;
    space.update(|engine, now| {
        let name = engine.directory().user(&username)?.username.clone();
        engine.delete_user(&name)?;
        note(engine, now, &name, "removed");
        Ok(StatusCode::NO_CONTENT)
    })
}

/// How long a one-time bypass is to hold.
#[derive(Debug, Default, serde::Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewBypass {
    /// A length of time, such as `5m`; the company's `bypass` where this says nothing.
    #[schema(example = "5m")]
    lasts: Option<String>,
    reason: Option<String>,
}

/// Lets a user pass once without being asked, within a time.
#[utoipa::path(post, path = "/users/{username}/bypass", tag = "users", params(("username" = String, Path)), request_body = NewBypass, responses(
    (status = 200, body = User)
))]
pub(super) async fn bypass(
    At(space): At,
    Path(username): Path<String>,
    asked: Asked,
    super::input::Body(it): super::input::Body<NewBypass>,
) -> Result<Json<User>, Problem> {
    asked.finish()?;
    let lasts = it.lasts.as_deref().map(duration).transpose();
    let lasts = lasts.map_err(|why| bad("lasts", &why, "Write 30s, 5m or 1h 30m."))?.unwrap_or_default();
    let seconds = u32::try_from(lasts.as_secs()).unwrap_or(u32::MAX);
    space.update(|engine, now| {
        let name = engine.directory().user(&username)?.username.clone();
        engine.bypass_once(now, &name, it.reason.as_deref().unwrap_or_default(), seconds)?;
        note(engine, now, &name, "one-time bypass");
        Ok(Json::ok(told(engine, &name, now)?))
    })
}

/// How mistakes name a body.
const BODY: &str = "body";

fn told(engine: &Engine, username: &str, now: Timestamp) -> Result<User, Problem> {
    Ok(User(scenario::export::told(engine.directory().user(username)?, engine.company(), now)))
}

/// Keeps that the API changed a user.
fn note(engine: &mut Engine, now: Timestamp, username: &str, detail: &str) {
    let (by, detail) = (super::BY.into(), detail.into());
    let changed = Changed { operation: "", username: username.into(), by, detail, incident: None };
    engine.journal.note(now, What::Changed(changed));
}

/// Puts a patch over a user.
fn merge(user: &mut Map<String, Value>, patch: &Map<String, Value>) {
    // A number in full brings its own country code and extension.
    for (number, rest) in
        [("phone", ["country_code", "extension"]), ("backup_phone", ["backup_country_code", "backup_extension"])]
    {
        if patch.contains_key(number) {
            rest.iter().for_each(|it| drop(user.remove(*it)));
        }
    }
    apply(user, patch);
}

/// Applies a merge patch (RFC 7396).
fn apply(map: &mut Map<String, Value>, patch: &Map<String, Value>) {
    for (key, value) in patch {
        match value {
            Value::Null => drop(map.remove(key)),
            Value::Object(patch) => {
                let inner = map.entry(key).or_insert_with(|| Map::new().into());
                if !inner.is_object() {
                    *inner = Map::new().into();
                }
                apply(inner.as_object_mut().expect("it is an object"), patch);
            }
            value => drop(map.insert(key.clone(), value.clone())),
        }
    }
}

/// Mistakes in a user after a patch: their places are not places of the patch.
fn of_merged(mut mistakes: Mistakes) -> Problem {
    mistakes.iter_mut().for_each(|it| it.place = None);
    Problem::of_mistakes(&mistakes)
}

impl ToSchema for User {
    fn name() -> Cow<'static, str> {
        "User".into()
    }
}

impl ToSchema for NewUser {
    fn name() -> Cow<'static, str> {
        "NewUser".into()
    }
}

impl PartialSchema for NewUser {
    fn schema() -> RefOr<Schema> {
        let about =
            "A user to add, by the keys of a scenario. What is not said, `null` or empty has the company's default.";
        written(about, &["username"])
    }
}

impl ToSchema for UserPatch {
    fn name() -> Cow<'static, str> {
        "UserPatch".into()
    }
}

impl PartialSchema for UserPatch {
    fn schema() -> RefOr<Schema> {
        let about =
            "A merge patch (RFC 7396) of a user: what is not said stays, and `null` sets the company's default.";
        written(about, &[])
    }
}

/// The schema of a user as it is written: without what is only read, and `null` wherever that means a default.
fn written(about: &str, required: &[&str]) -> RefOr<Schema> {
    let mut schema = serde_json::to_value(User::schema()).expect("a schema is JSON");
    schema["description"] = about.into();
    schema["required"] = required.into();
    let properties = schema["properties"].as_object_mut().expect("a user has properties");
    properties.retain(|_, it| it["readOnly"] != true);
    nullable(properties, &["username"]);
    RefOr::T(serde_json::from_value(schema).expect("it is a schema"))
}

/// Lets properties be `null`, and those within them, but for those without a default.
fn nullable(properties: &mut Map<String, Value>, needed: &[&str]) {
    for (name, it) in properties {
        for place in ["/properties", "/items/properties"] {
            it.pointer_mut(place).and_then(Value::as_object_mut).into_iter().for_each(|inner| nullable(inner, &[]));
        }
        if needed.contains(&name.as_str()) {
            continue;
        }
        let types = match it["type"].take() {
            Value::Array(types) => types,
            one => vec![one],
        };
        it["type"] = types.into_iter().chain(["null".into()]).collect();
        if let Some(words) = it.get_mut("enum").and_then(Value::as_array_mut) {
            words.push(Value::Null);
        }
    }
}

impl PartialSchema for User {
    fn schema() -> RefOr<Schema> {
        let moment = json!({"type": "string", "format": "date-time"});
        let texts = json!({"type": "array", "items": {"type": "string"}});
        let secret = json!({"type": "string", "writeOnly": true});
        let mut properties = Map::new();
        let mut add = |key: &str, about: &str, mut schema: Value| {
            if !about.is_empty() {
                schema["description"] = about.into();
            }
            properties.insert(key.into(), schema);
        };
        add("username", "As stored; compared without regard to letter case.", json!({"type": "string"}));
        add("password", "For `PrimaryAuthUser`.", secret.clone());
        for field in UserSettings::SHAPE.fields() {
            let mut schema = of_field(field);
            if scenario::export::DERIVED.contains(&field.key) {
                schema["readOnly"] = true.into();
            }
            add(field.key, field.about.trim(), schema);
        }
        let rights: Map<_, _> =
            UserAdministrator::SHAPE.fields().iter().map(|it| (it.key.into(), of_field(it))).collect();
        let device = json!({
            "device_id": {"type": "string"}, "name": {"type": "string"}, "version": {"type": "string"},
            "token": secret, "oath_key": secret,
        });
        let question = json!({"question": {"type": "string"}, "answer": secret});
        let list = |properties: Value| json!({"type": "array", "items": {"type": "object", "properties": properties}});
        add("tags", "The names of the user's tags.", texts.clone());
        add("devices", "The phones with the mobile app.", list(device));
        add("questions", "The security questions.", list(question));
        add(
            "administrator",
            "What the user may do in the user portal.",
            json!({"type": "object", "properties": rights}),
        );
        add("blocked", "Why the user is blocked; `false`: is not.", json!({"type": ["string", "boolean"]}));
        let mut read = |key: &str, about: &str, mut schema: Value| {
            schema["readOnly"] = true.into();
            add(key, about, schema);
        };
        read("blocked_since", "", moment.clone());
        let bypass = json!({"until": moment, "reason": {"type": "string"}});
        read("bypass", "The one-time bypass, while it holds.", json!({"type": "object", "properties": bypass}));
        read("secrets", "Which secrets are set.", texts);
        let schema = json!({
            "type": "object",
            "description": "A user, by the keys of a scenario. Secrets are written and never read.",
            "required": ["username"],
            "properties": properties,
        });
        RefOr::T(serde_json::from_value(schema).expect("it is a schema"))
    }
}

fn of_field(field: &crate::contract::Field) -> Value {
    let mut schema = match field.shape.inner() {
        Shape::Simple(Primitive::Boolean) => json!({"type": "boolean"}),
        Shape::Simple(Primitive::Int) => json!({"type": "integer", "minimum": 0}),
        Shape::Simple(Primitive::Double) => json!({"type": "number", "minimum": 0}),
        Shape::Choice { values, .. } => json!({"type": "string", "enum": values}),
        _ => json!({"type": "string"}),
    };
    if field.secret {
        schema["writeOnly"] = true.into();
    }
    schema
}
