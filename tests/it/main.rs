//! Everything that is no transcript, in one binary.

mod admin;
mod api;
mod call;
mod cases;
mod certificates;
mod chance;
mod compose;
mod control;
mod description;
mod ending;
mod evidence;
mod faults;
mod fidelity;
mod field;
mod free;
mod incidents;
mod language;
mod mim;
mod openapi;
mod options;
mod outcomes;
mod page;
mod process;
mod reading;
mod reload;
mod rules;
mod scenario;
mod secrecy;
mod service;
mod sign_in;
mod spaces;
mod store;
mod streams;
mod testing;
mod tidy;
mod troubles;
mod walkthroughs;
mod wire;
mod xml;

use std::sync::Arc;

use axum::body::Body;
use axum::http::{Request, request};
use http_body_util::BodyExt;

use locmfa::contract::{AuthenticationType, FieldValue, Mode, Value};
use locmfa::engine::{Ask, Call, Decision, Engine, Settlement, Timestamp, Verdict};
use locmfa::server::{Admission, BodyLimits, Site, app};
use locmfa::switchboard::{Limits, Space, Switchboard, Unsettled};

/// Compares a checked-in file with what it is to be; `UPDATE=1` writes it.
#[expect(clippy::disallowed_methods, reason = "a test's switch")]
pub(crate) fn is_file(file: &std::path::Path, expected: &str) {
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(file, expected).unwrap();
    }
    let written = std::fs::read_to_string(file).unwrap_or_default();
    let mut lines = (1..).zip(written.lines().zip(expected.lines()));
    if let Some((line, (written, expected))) = lines.find(|(_, it)| it.0 != it.1) {
        let file = file.display();
        panic!("{file}:{line} differs; UPDATE=1 rewrites it\n written: {written}\nexpected: {expected}");
    }
    assert_eq!(written.len(), expected.len(), "{} has another end; UPDATE=1 rewrites it", file.display());
}

/// A server in process, of a scenario given as text.
pub(crate) struct Served(pub(crate) Arc<Site>);

pub(crate) fn site(setup: &str) -> Served {
    let scenario = locmfa::scenario::load("test", setup).unwrap_or_else(|mistakes| panic!("{mistakes:?}"));
    let spaces = Switchboard::new(scenario.setup, Limits::default());
    let server = scenario.server;
    let admission = Admission::new(server.sign_in, &server.group, server.outsider, "localhost");
    Served(Arc::new(Site::new(spaces, admission, server.paths, BodyLimits::default())))
}

/// What `PfAuthUser_5` asks. An empty number is as if none were sent.
pub(crate) fn asking<'a>(username: &'a str, mode: Mode, phone_number: &'a str) -> Ask<'a> {
    Ask {
        operation: "PfAuthUser_5",
        space: "default",
        verdict: None,
        username,
        initiating_type: AuthenticationType::Unspecified,
        ip_address: "",
        application: "",
        require_user_match: true,
        mode,
        country_code: "",
        phone_number,
        extension: "",
        plays_event: false,
    }
}

/// What the rules make of a challenge, as of the call that asks for it.
pub(crate) fn received(engine: &mut Engine, now: Timestamp, ask: &Ask<'_>) -> Option<Verdict> {
    decided(engine, now, ask).verdict.map(|it| *it)
}

/// The same, with what was drawn.
pub(crate) fn decided(engine: &mut Engine, now: Timestamp, ask: &Ask<'_>) -> Decision {
    let values = [
        FieldValue::new("username", Value::Text(ask.username)),
        FieldValue::new("initiatingAuthenticationType", Value::Text(ask.initiating_type.word())),
        FieldValue::new("mode", Value::Text(ask.mode.word())),
        FieldValue::new("phoneNumber", Value::Text(ask.phone_number)),
    ];
    engine.receive(now, &Call { operation: ask.operation, asks: true, space: ask.space, values: &values })
}

/// Asks a person, as the call does.
pub(crate) async fn asked(space: &Space, ask: Ask<'_>) -> Result<Settlement, Unsettled> {
    let verdict = space.update(|engine, now| received(engine, now, &ask));
    space.authenticate(Ask { verdict: verdict.as_ref(), ..ask }).await
}

impl Served {
    pub(crate) fn request(&self, method: &str, suffix: &str) -> Asking {
        self.at(method, &format!("/MultiFactorAuthWebServiceSdk/PfWsSdk.asmx{suffix}"))
    }

    pub(crate) fn at(&self, method: &str, uri: &str) -> Asking {
        Asking { site: self.0.clone(), request: Request::builder().method(method).uri(uri), body: Vec::new() }
    }
}

impl Served {
    /// Calls one of ten million numbers, as MIM does: for its service account.
    pub(crate) fn challenge(&self, number: u32) -> impl Future<Output = Answered> + use<> {
        let body = format!(
            concat!(
                "<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\"><s:Body>",
                "<PfAuthUser_5 xmlns=\"http://www.phonefactor.com/PfWsSdk\"><username>mimservice</username>",
                "<mode>voiceCall</mode><phoneNumber>1425{:07}</phoneNumber></PfAuthUser_5></s:Body></s:Envelope>"
            ),
            number
        );
        let request = self.request("POST", "").header("content-type", "text/xml; charset=utf-8");
        request.header("soapaction", "http://www.phonefactor.com/PfWsSdk/PfAuthUser_5").body(body).send()
    }
}

/// A request to be sent.
pub(crate) struct Asking {
    site: Arc<Site>,
    request: request::Builder,
    body: Vec<u8>,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answered {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Asking {
    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.request = self.request.header(name, value);
        self
    }

    pub(crate) fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    pub(crate) async fn send(self) -> Answered {
        let request = self.request.header("content-length", self.body.len()).body(Body::from(self.body)).unwrap();
        answered(self.site, request).await
    }

    /// Sends the body in pieces of these sizes, in turn.
    pub(crate) async fn send_in_chunks(self, sizes: &[usize]) -> Answered {
        let mut rest = self.body.as_slice();
        let mut pieces = Vec::new();
        for size in sizes.iter().cycle() {
            let (piece, after) = rest.split_at((*size).min(rest.len()));
            if piece.is_empty() {
                break;
            }
            pieces.push(Ok::<_, std::io::Error>(piece.to_vec()));
            rest = after;
        }
        let body = Body::from_stream(futures_util::stream::iter(pieces));
        let request = self.request.header("transfer-encoding", "chunked").body(body).unwrap();
        answered(self.site, request).await
    }
}

async fn answered(site: Arc<Site>, request: Request<Body>) -> Answered {
    {
        let response = app(site).answer(request).await;
        let (parts, body) = response.into_parts();
        let text = |value: &axum::http::HeaderValue| value.to_str().unwrap().to_owned();
        Answered {
            status: parts.status.as_u16(),
            headers: parts.headers.iter().map(|(name, value)| (name.as_str().into(), text(value))).collect(),
            body: String::from_utf8(body.collect().await.unwrap().to_bytes().into()).unwrap(),
        }
    }
}

impl Answered {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
    }
}
