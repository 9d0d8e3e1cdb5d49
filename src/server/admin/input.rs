//! Reading what a request says: bodies and parameters, so that a slip is told by its place and with its remedy.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};

use super::Admin;
use super::problem::{Kind, Problem};
use crate::scenario::closest;
use crate::switchboard::Lane;
use crate::text::{in_one_line, length_of_time, listed};

/// The largest body, in bytes: a scenario with many users.
const BODY: usize = 32 << 20;

/// The longest wait, which is also how long one may last that is asked to last longer.
pub(super) const WAIT: Duration = Duration::from_secs(600);

/// A body of JSON or YAML, read into its type; where there is none, as `{}`.
#[derive(Debug)]
pub(super) struct Body<T>(pub(super) T);

/// A body in the grammar of scenarios: JSON is YAML, too.
#[derive(Debug)]
pub(super) struct Written(pub(super) String);

/// The types in which a body may be written: JSON, and YAML by its spellings.
const DATA: [&str; 5] =
    ["application/json", "application/merge-patch+json", "application/yaml", "application/x-yaml", "text/yaml"];

/// Whether a content type is JSON or YAML.
pub(super) fn is_data(kind: &str) -> bool {
    DATA.contains(&kind)
}

/// The answer to a body of another type.
pub(super) fn wrong_type(kind: &str) -> Problem {
    let detail = match kind {
        "" => "The body has no content type.".into(),
        kind => format!("The body has the content type {}.", in_one_line(kind)),
    };
    let remedy = match kind {
        "application/x-www-form-urlencoded" => {
            "Send the header Content-Type: application/json or application/yaml. curl -d and PowerShell send that of a form if they are told no other: add -H \"Content-Type: application/json\" (curl), or -ContentType application/json (PowerShell)."
        }
        _ => "Send the header Content-Type: application/json or application/yaml.",
    };
    Problem::new(Kind::WrongContentType, detail, remedy)
}

impl<T: DeserializeOwned + Send + 'static> FromRequest<Arc<Admin>> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, admin: &Arc<Admin>) -> Result<Self, Problem> {
        let is_yaml = content_type(request.headers()).contains("yaml");
        let text = text_of(request).await?;
        let read = move |text: &str| {
            let text = if text.trim().is_empty() { "{}" } else { text };
            if is_yaml { of_yaml(text) } else { of_json(text) }.map(Self)
        };
        match text.len() > SHORT {
            true => admin.work.run(Lane::of_text(text.len()), move || read(&text)).await,
            false => read(&text),
        }
    }
}

impl FromRequest<Arc<Admin>> for Written {
    type Rejection = Problem;

    async fn from_request(request: Request, admin: &Arc<Admin>) -> Result<Self, Problem> {
        let text = text_of(request).await?;
        if text.trim().is_empty() {
            return Err(Problem::new(Kind::BadBody, "The body is empty.", "Send what belongs there."));
        }
        match text.len() > SHORT {
            true => Ok(Self(admin.work.run(Lane::of_text(text.len()), move || unescaped(text)).await)),
            false => Ok(Self(unescaped(text))),
        }
    }
}

/// The longest body, in bytes, that is read where it arrives.
const SHORT: usize = 64 << 10;

/// A text in which JSON's escapes are no hindrance to a reader of YAML, which knows no pairs of surrogates.
fn unescaped(text: String) -> String {
    let has_escapes = text.contains("\\ud") || text.contains("\\uD");
    let read = has_escapes.then(|| serde_json::from_str::<serde_json::Value>(&text).ok()).flatten();
    read.map_or(text, |it| it.to_string())
}

/// The text of a body. What may change something must not have a type that the form of another site can send.
async fn text_of(request: Request) -> Result<String, Problem> {
    let (parts, body) = request.into_parts();
    let bytes = match Limited::new(body, BODY).collect().await {
        Ok(body) => body.to_bytes(),
        Err(error) if error.is::<LengthLimitError>() => {
            let detail = format!("A body may have {} MB.", BODY >> 20);
            return Err(Problem::new(Kind::TooLarge, detail, "Send less at a time."));
        }
        Err(_) => return Err(Problem::new(Kind::BadRequest, "The body broke off.", "Send it again.")),
    };
    let kind = content_type(&parts.headers);
    if !is_data(&kind) && !bytes.is_empty() {
        return Err(wrong_type(&kind));
    }
    String::from_utf8(bytes.into()).map_err(|_| {
        let remedy = "Send it as UTF-8: in PowerShell with -ContentType 'application/json; charset=utf-8'.";
        Problem::new(Kind::BadBody, "The body is no text in UTF-8.", remedy)
    })
}

/// The type of a body in lower case, without its parameters.
pub(super) fn content_type(headers: &HeaderMap) -> String {
    let value = headers.get(header::CONTENT_TYPE).and_then(|it| it.to_str().ok()).unwrap_or_default();
    value.split(';').next().unwrap_or_default().trim().to_lowercase()
}

/// Reads JSON, or tells the field that does not fit.
fn of_json<T: DeserializeOwned>(text: &str) -> Result<T, Problem> {
    let json: serde_json::Value = serde_json::from_str(text).map_err(|error| {
        let told = error.to_string();
        let (what, place) = told.rsplit_once(" at line ").unwrap_or((&told, "1"));
        let detail = format!("The body is no JSON: {what}, in line {}.", place.replace(" column ", ", column "));
        Problem::new(Kind::BadBody, detail, "Check quotes, commas and brackets, and send one value and nothing else.")
    })?;
    of_value(json)
}

/// Reads YAML, or tells what does not fit.
fn of_yaml<T: DeserializeOwned>(text: &str) -> Result<T, Problem> {
    of_value(crate::scenario::export::value("body", text).map_err(|it| Problem::of_mistakes(&it))?)
}

fn of_value<T: DeserializeOwned>(value: serde_json::Value) -> Result<T, Problem> {
    // A body that is `null` says nothing, as an empty one.
    let value = if value.is_null() { serde_json::json!({}) } else { value };
    serde_path_to_error::deserialize(value).map_err(|error| {
        let field = error.path().to_string();
        let what = error.into_inner().to_string();
        let detail = if field == "." { format!("{what}.") } else { format!("{field}: {what}.") };
        Problem::new(Kind::BadBody, detail, remedy_of(&what)).with("field", field)
    })
}

/// A text, which JSON or YAML may have as a number; `null` is none.
pub(super) fn text<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    match serde_json::Value::deserialize(from)? {
        serde_json::Value::Null => Ok(None),
        serde_json::Value::String(text) => Ok(Some(text)),
        serde_json::Value::Number(number) => Ok(Some(number.to_string())),
        _ => Err(serde::de::Error::custom("a text is needed here")),
    }
}

/// As [`text`], where a text is needed.
pub(super) fn needed_text<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    text(from)?.ok_or_else(|| serde::de::Error::custom("a text is needed here"))
}

/// A value that may be left out, and is left out where it is `null`.
pub(super) fn or_default<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(from: D) -> Result<T, D::Error> {
    Option::deserialize(from).map(Option::unwrap_or_default)
}

/// What was probably meant, from serde's own words: unknown field `usr`, expected one of `user`, `phone`.
fn remedy_of(what: &str) -> String {
    let mut names = what.split('`').skip(1).step_by(2);
    let is_unknown = what.starts_with("unknown ");
    let meant = names.next().filter(|_| is_unknown).and_then(|word| closest(word, names));
    match meant {
        Some(meant) => format!("Did you mean {meant}?"),
        None => "GET /openapi.json tells what fits here.".into(),
    }
}

/// The parameters of a request, taken one by one. A parameter that is not taken is a mistake.
#[derive(Clone, Debug, Default)]
pub(super) struct Asked {
    pairs: Vec<(String, String)>,
    known: Vec<&'static str>,
}

impl<S: Send + Sync> FromRequestParts<S> for Asked {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let query = parts.uri.query().unwrap_or_default();
        let pairs = form_urlencoded::parse(query.as_bytes()).map(|(key, value)| (key.into(), value.into()));
        Ok(Self { pairs: pairs.collect(), known: Vec::new() })
    }
}

impl Asked {
    /// The value of a parameter. One that is there twice is a mistake.
    pub(super) fn take(&mut self, name: &'static str) -> Result<Option<String>, Problem> {
        self.known.push(name);
        let Some(at) = self.pairs.iter().position(|it| it.0 == name) else { return Ok(None) };
        let value = self.pairs.remove(at).1;
        match self.pairs.iter().any(|it| it.0 == name) {
            true => Err(bad(name, "it is there twice", "Give it once.")),
            false => Ok(Some(value)),
        }
    }

    /// A length of time, such as `30s`; a number alone is seconds.
    pub(super) fn duration(&mut self, name: &'static str) -> Result<Option<Duration>, Problem> {
        let Some(text) = self.take(name)? else { return Ok(None) };
        duration(&text).map(Some).map_err(|why| bad(name, &why, "Write 30s, 500ms or 1m 30s."))
    }

    /// How long to wait, within bounds.
    pub(super) fn wait(&mut self) -> Result<Duration, Problem> {
        Ok(self.duration("wait")?.unwrap_or_default().min(WAIT))
    }

    pub(super) fn number<T: std::str::FromStr>(&mut self, name: &'static str) -> Result<Option<T>, Problem> {
        let Some(text) = self.take(name)? else { return Ok(None) };
        let read = text.trim().parse().map(Some);
        read.map_err(|_| {
            bad(name, &format!("{text:?} is no whole number in its range"), "Write digits and nothing else.")
        })
    }

    pub(super) fn truth(&mut self, name: &'static str) -> Result<Option<bool>, Problem> {
        match self.take(name)?.map(|it| it.to_ascii_lowercase()).as_deref() {
            None => Ok(None),
            Some("true" | "") => Ok(Some(true)),
            Some("false") => Ok(Some(false)),
            Some(other) => Err(bad(name, &format!("{other:?} is no truth"), "Write true or false.")),
        }
    }

    /// The parameters that are not taken.
    pub(super) fn rest(&mut self) -> Vec<(String, String)> {
        std::mem::take(&mut self.pairs)
    }

    /// Refuses parameters that are not taken.
    pub(super) fn finish(self) -> Result<(), Problem> {
        let Some((name, _)) = self.pairs.first() else { return Ok(()) };
        Err(unknown(name, self.known.iter().copied()))
    }

    /// Refuses a parameter that is none of these and of those that were taken.
    pub(super) fn unknown<'a>(&'a self, name: &str, more: impl Iterator<Item = &'a str> + Clone) -> Problem {
        unknown(name, self.known.iter().copied().chain(more))
    }
}

fn unknown<'a>(name: &str, known: impl Iterator<Item = &'a str> + Clone) -> Problem {
    let all = listed(known.clone());
    let remedy = match closest(name, known) {
        Some(meant) => format!("Did you mean {meant}?"),
        None if all.is_empty() => "Leave it out: there are no parameters here.".into(),
        None => format!("There are: {all}."),
    };
    let detail = format!("There is no parameter {name:?} here.");
    Problem::new(Kind::BadParameter, detail, remedy).with("field", name)
}

/// A parameter that does not fit.
pub(super) fn bad(name: &str, why: &str, remedy: &str) -> Problem {
    Problem::new(Kind::BadParameter, format!("{name}: {why}."), remedy).with("field", name)
}

/// Reads a length of time; a number alone is seconds.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    length_of_time(text).ok_or_else(|| format!("{text:?} is no length of time"))
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde_json::json;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "it is read into, and no more")]
    struct Outer {
        within: Option<u32>,
        inner: Option<Inner>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "it is read into, and no more")]
    struct Inner {
        digits: String,
        others: Option<u32>,
    }

    #[test]
    fn a_field_that_does_not_fit_is_named_with_what_was_meant() {
        let told = |text| serde_json::to_value(of_json::<Outer>(text).unwrap_err()).unwrap();
        let it = told(r#"{"inner": {"digts": "1"}}"#);
        assert_eq!((&it["field"], &it["remedy"]), (&json!("inner.digts"), &json!("Did you mean digits?")));
        let it = told(r#"{"inner": {"digits": 1}}"#);
        assert_eq!(it["detail"], "inner.digits: invalid type: integer `1`, expected a string.");
        let it = told("{\"within\": 1,\n}");
        assert_eq!(it["detail"], "The body is no JSON: trailing comma, in line 2, column 1.");
        assert_eq!(told("{} {}")["detail"], "The body is no JSON: trailing characters, in line 1, column 4.");
    }

    #[test]
    fn parameters_are_taken_once_each() {
        let asked = |pairs: &[(&str, &str)]| Asked {
            pairs: pairs.iter().map(|it| (it.0.into(), it.1.into())).collect(),
            known: Vec::new(),
        };
        let mut it = asked(&[("wait", "30"), ("limt", "3")]);
        assert_eq!(it.wait().unwrap(), Duration::from_secs(30));
        assert_eq!(it.number::<u32>("limit").unwrap(), None);
        let problem = serde_json::to_value(it.finish().unwrap_err()).unwrap();
        assert_eq!(problem["remedy"], "Did you mean limit?");
        assert!(asked(&[("wait", "1"), ("wait", "2")]).wait().is_err());
        assert!(asked(&[("wait", "-1s")]).wait().is_err());
        assert_eq!(asked(&[("wait", "9h")]).wait().unwrap(), WAIT);
    }
}
