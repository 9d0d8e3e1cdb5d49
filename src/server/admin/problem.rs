//! Why the API says no: a problem document (RFC 9457) that also tells what to do.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::engine::Refusal;
use crate::scenario::Mistakes;
use crate::switchboard::NoSpace;
use crate::text;

/// Declares the problems: `Name => status, "name", "what they have in common"`.
macro_rules! problems {
    ($($name:ident => $status:literal, $word:literal, $title:literal;)*) => {
        /// The kind of a problem. Its name is the end of `type`.
        #[derive(Clone, Copy, Debug, Eq, PartialEq)]
        pub(super) enum Kind { $($name,)* }

        impl Kind {
            #[cfg(test)]
            pub(super) const ALL: &[Self] = &[$(Self::$name,)*];

            pub(super) const fn status(self) -> u16 {
                match self { $(Self::$name => $status,)* }
            }

            pub(super) const fn word(self) -> &'static str {
                match self { $(Self::$name => $word,)* }
            }

            pub(super) const fn title(self) -> &'static str {
                match self { $(Self::$name => $title,)* }
            }
        }
    };
}

problems! {
    BadRequest => 400, "bad-request", "The request cannot be read";
    BadParameter => 400, "bad-parameter", "A parameter does not fit";
    BadBody => 400, "bad-body", "The body does not fit";
    NoToken => 401, "no-token", "The token is missing or wrong";
    ForeignHost => 403, "foreign-host", "The Host header names another machine";
    ForeignOrigin => 403, "foreign-origin", "The request comes from a page of another site";
    NoAuthority => 404, "no-authority", "There is no authority";
    UnknownPath => 404, "unknown-path", "There is nothing here";
    UnknownSpace => 404, "unknown-space", "There is no such space";
    UnknownUser => 404, "unknown-user", "There is no such user";
    UnknownRule => 404, "unknown-rule", "There is no such rule";
    UnknownIncident => 404, "unknown-incident", "There is no such incident";
    UnknownCall => 404, "unknown-call", "There is no such call";
    UnknownChallenge => 404, "unknown-challenge", "There is no such challenge";
    WrongMethod => 405, "wrong-method", "This cannot be done here";
    Refused => 409, "refused", "This cannot be done now";
    VerifyFailed => 409, "verify-failed", "What happened is not what was expected";
    VerifyUnknown => 409, "verify-unknown", "Too little is known to say whether it happened as expected";
    StaleCursor => 410, "stale-cursor", "What follows the cursor is no longer known";
    TooLarge => 413, "too-large", "The body is too large";
    WrongContentType => 415, "wrong-content-type", "The body is of another type";
    Mistakes => 422, "mistakes", "The body has mistakes";
    Failed => 500, "failed", "The API failed";
    NotReady => 503, "not-ready", "The server is not ready";
    Full => 507, "full", "There is no room for more";
}

/// Why the API says no: small, since every answer may be one.
#[derive(Clone, Debug, Serialize)]
#[serde(transparent)]
pub(super) struct Problem(Box<Document>);

/// Why the API says no.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct Document {
    /// `urn:locmfa:problem:` and the name of its kind.
    #[serde(rename = "type")]
    kind: String,
    /// What problems of this kind have in common.
    title: &'static str,
    /// The status of HTTP.
    #[schema(minimum = 400, maximum = 599)]
    status: u16,
    /// What is wrong, and where.
    #[schema(extensions(("x-ms-primary-error-message" = json!(true))))]
    detail: String,
    /// What to do about it.
    remedy: String,
    /// What else belongs to the kind, such as `mistakes`, `field` or `failures`.
    #[serde(flatten)]
    more: Map<String, Value>,
    #[serde(skip)]
    headers: HeaderMap,
}

/// The content type of problems.
pub(super) const PROBLEM: &str = "application/problem+json";
/// [`PROBLEM`] as the header has it.
pub(super) const PROBLEM_TEXT: &str = "application/problem+json; charset=utf-8";

impl Problem {
    pub(super) fn new(kind: Kind, detail: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self(Box::new(Document {
            kind: format!("urn:locmfa:problem:{}", kind.word()),
            title: kind.title(),
            status: kind.status(),
            detail: detail.into(),
            remedy: remedy.into(),
            more: Map::new(),
            headers: HeaderMap::new(),
        }))
    }

    pub(super) fn is(&self, kind: Kind) -> bool {
        self.0.kind.ends_with(&format!(":{}", kind.word()))
    }

    /// With a further member.
    pub(super) fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.0.more.insert(key.into(), value.into());
        self
    }

    pub(super) fn header(mut self, name: header::HeaderName, value: HeaderValue) -> Self {
        self.0.headers.insert(name, value);
        self
    }

    /// The mistakes of a text in the grammar of scenarios.
    pub(super) fn of_mistakes(mistakes: &Mistakes) -> Self {
        let first = mistakes.first().map(|it| it.message.as_str()).unwrap_or_default();
        let detail = match mistakes.len() + mistakes.more() {
            0 | 1 => sentence(first),
            more => sentence(&format!("{first}; and {} more", more - 1)),
        };
        let remedy = mistakes.iter().flat_map(|it| &it.help).next().cloned();
        let remedy = remedy.unwrap_or_else(|| "Mend what mistakes tells of. Nothing was changed.".into());
        let list = serde_json::to_value(mistakes).expect("mistakes are JSON");
        Self::new(Kind::Mistakes, detail, remedy).with("mistakes", list).with("more", mistakes.more())
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let detail = refusal.to_string();
        match refusal {
            Refusal::UserNotFound { .. } | Refusal::NoUsername {} => {
                Self::new(Kind::UnknownUser, detail, "GET /users lists them; POST /users adds one.")
            }
            Refusal::UsernameTaken { .. } => {
                Self::new(Kind::Refused, detail, "PATCH /users/NAME changes that one.").with("code", refusal.code())
            }
            other => Self::new(Kind::Refused, detail, "Ask for something that the service can do.")
                .with("code", other.code()),
        }
    }
}

impl From<NoSpace> for Problem {
    fn from(no: NoSpace) -> Self {
        let kind = match no {
            NoSpace::Unknown(_) => Kind::UnknownSpace,
            NoSpace::BadName(_) => Kind::BadParameter,
            NoSpace::Full(_) => Kind::Full,
            NoSpace::Taken(_) | NoSpace::Default => Kind::Refused,
        };
        Self::new(kind, sentence(&no.what()), sentence(&no.remedy()))
    }
}

/// A part of a message as a sentence of its own.
pub(super) fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|it| it.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}{}", letters.as_str(), if text.ends_with('.') { "" } else { "." })
}

impl IntoResponse for Problem {
    fn into_response(mut self) -> Response {
        let body = text::json(&self).expect("a problem is JSON");
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = StatusCode::from_u16(self.0.status).expect("a status of the table");
        std::mem::swap(response.headers_mut(), &mut self.0.headers);
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(PROBLEM_TEXT));
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_has_a_name_and_a_title_of_its_own() {
        for (at, it) in Kind::ALL.iter().enumerate() {
            assert!((400..600).contains(&it.status()));
            let earlier = &Kind::ALL[..at];
            assert!(earlier.iter().all(|other| other.word() != it.word() && other.title() != it.title()));
        }
    }
}
