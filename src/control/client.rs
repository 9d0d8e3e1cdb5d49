//! Requests to the admin API over HTTP.

use std::fmt;
use std::ops::ControlFlow;
use std::str::FromStr;

use anyhow::{Context, anyhow};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::{self, HeaderValue};
use hyper::{Method, Request, Response, StatusCode, Uri};
use serde_json::Value;
use tokio::net::TcpStream;

use super::Api;
use crate::client::http;
use crate::scenario::Mistake;

/// The address of the admin API.
#[derive(Clone, Debug)]
pub struct Url {
    authority: String,
    text: String,
}

/// The server refused the request. The text is what is wrong and what to do.
#[derive(Debug, thiserror::Error)]
#[error("{detail} {remedy}")]
pub struct Refused {
    pub detail: String,
    pub remedy: String,
    /// The whole problem document.
    pub problem: Value,
}

impl FromStr for Url {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong =
            |what| format!("{text:?} {what}; write it like http://127.0.0.1:9998, or copy it from the ready file");
        let uri: Uri = text.trim().trim_end_matches('/').parse().map_err(|_| wrong("is not a URL"))?;
        if uri.scheme_str() != Some("http") {
            return Err(wrong("does not begin with http://"));
        }
        let host = uri.host().filter(|it| !it.is_empty()).ok_or_else(|| wrong("has no host"))?;
        let authority = format!("{host}:{}", uri.port_u16().unwrap_or(80));
        Ok(Self { authority, text: text.trim().into() })
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Api {
    /// Sends a request and reads the answer.
    pub(super) async fn ask(
        &self,
        method: Method,
        path: &str,
        body: Option<(&'static str, String)>,
    ) -> anyhow::Result<String> {
        let answer = self.open(method, path, body).await?;
        let status = answer.status();
        let bytes = answer.into_body().collect().await.context(BROKEN)?.to_bytes();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        match status {
            _ if status.is_success() => Ok(text),
            // It stops, and has ended what waited.
            StatusCode::SERVICE_UNAVAILABLE => Err(self.is_gone()),
            _ => Err(refused(&text).into()),
        }
    }

    /// Sends JSON and reads JSON; an answer without a body is `null`.
    pub(super) async fn json(&self, method: Method, path: &str, body: Option<Value>) -> anyhow::Result<Value> {
        let body = body.map(|it| ("application/json", it.to_string()));
        let text = self.ask(method, path, body).await?;
        match text.is_empty() {
            true => Ok(Value::Null),
            false => serde_json::from_str(&text).with_context(|| self.is_no_api()),
        }
    }

    /// Reads a stream of events, each as it comes, until `see` has seen enough. A stream that ends before that is an
    /// error: the server has gone.
    pub(super) async fn follow(
        &self,
        path: &str,
        mut see: impl FnMut(&str, Value) -> anyhow::Result<ControlFlow<()>>,
    ) -> anyhow::Result<()> {
        let answer = self.open(Method::GET, path, None).await?;
        let is_good = answer.status().is_success();
        let mut body = answer.into_body();
        if !is_good {
            let text = body.collect().await.context(BROKEN)?.to_bytes();
            return Err(refused(&String::from_utf8_lossy(&text)).into());
        }
        let mut buffer = String::new();
        while let Some(frame) = body.frame().await {
            // The connection ends in the middle of the stream when the server stops.
            let Ok(frame) = frame else { break };
            buffer += &String::from_utf8_lossy(&frame.into_data().unwrap_or_default());
            while let Some(end) = buffer.find("\n\n") {
                let event: String = buffer.drain(..end + 2).collect();
                let field = |name: &str| event.lines().find_map(|it| it.strip_prefix(name)?.strip_prefix(": "));
                if let (Some(kind), Some(data)) = (field("event"), field("data"))
                    && see(kind, serde_json::from_str(data).with_context(|| self.is_no_api())?)?.is_break()
                {
                    return Ok(());
                }
            }
        }
        Err(self.is_gone())
    }

    /// Whether a program accepts connections at the address.
    pub async fn accepts(&self) -> bool {
        TcpStream::connect(&self.url.authority).await.is_ok()
    }

    async fn open(
        &self,
        method: Method,
        path: &str,
        body: Option<(&'static str, String)>,
    ) -> anyhow::Result<Response<Incoming>> {
        let space = self.space_path();
        let mut request = Request::builder().method(method).uri(format!("{space}{path}"));
        request = request.header(header::HOST, &self.url.authority);
        if let Some(token) = &self.token {
            let value = HeaderValue::try_from(format!("Bearer {}", token.reveal()));
            let mut value = value.map_err(|_| {
                anyhow!(
                    "the token cannot be sent: it has characters that HTTP does not allow; check --admin-token-file"
                )
            })?;
            value.set_sensitive(true);
            request = request.header(header::AUTHORIZATION, value);
        }
        if let Some((kind, _)) = body {
            request = request.header(header::CONTENT_TYPE, kind);
        }
        let body = Full::new(Bytes::from(body.map(|it| it.1).unwrap_or_default()));
        let request = request.body(body).map_err(|_| anyhow!("{path:?} cannot be asked for"))?;
        let stream = TcpStream::connect(&self.url.authority).await.map_err(|error| {
            anyhow!(
                "no server answers at {} ({error}). Start it with locmfa serve, or give the address of its admin API with --admin or LOCMFA_ADMIN; the log and the ready file have it",
                self.url.text
            )
        })?;
        let mut sender = http::begin(stream).await.with_context(|| self.is_no_api())?;
        sender.send_request(request).await.map_err(|error| match error.is_parse() {
            true => anyhow::Error::new(error).context(self.is_no_api()),
            false => self.is_gone(),
        })
    }

    /// The server ended before it answered, or before the stream ended.
    fn is_gone(&self) -> anyhow::Error {
        anyhow!(
            "the server at {} has gone: it was stopped, or it broke off. Start it again with locmfa serve",
            self.url.text
        )
    }

    /// The address of the API in the space that is asked.
    #[must_use]
    pub fn address(&self) -> String {
        format!("{}{}", self.url.text.trim_end_matches('/'), self.space_path())
    }

    /// What stands before each path: nothing in the default space.
    fn space_path(&self) -> String {
        match self.space.as_str() {
            "" => String::new(),
            name => format!("/~{}", segment(name)),
        }
    }

    fn is_no_api(&self) -> String {
        format!(
            "the program that answers at {} is not the admin API of locmfa; give the address of the admin API with --admin",
            self.url.text
        )
    }
}

fn refused(text: &str) -> Refused {
    Refused::of(serde_json::from_str(text).unwrap_or_default())
}

impl Refused {
    /// The same refusal of a text that was read from this file.
    #[must_use]
    pub fn from_source(mut self, source: &str) -> Self {
        for it in self.problem["mistakes"].as_array_mut().into_iter().flatten() {
            it["source"] = source.into();
        }
        self
    }

    /// The mistakes of what was sent, each with its place.
    #[must_use]
    pub fn mistakes(&self) -> Vec<Mistake> {
        let list = self.problem.get("mistakes").and_then(Value::as_array).into_iter().flatten();
        list.filter_map(|it| Mistake::of_json(it, it["source"].as_str().unwrap_or_default())).collect()
    }

    /// As a problem document says.
    pub(super) fn of(problem: Value) -> Self {
        let text = |key: &str| problem.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        let detail = match text("detail") {
            detail if detail.is_empty() => "The server refused the request.".into(),
            detail => detail,
        };
        Self { detail, remedy: by_command(&text("remedy")), problem }
    }
}

/// A remedy of the admin API in the words of the command line.
#[must_use]
pub fn by_command(remedy: &str) -> String {
    const COMMANDS: &[(&str, &str)] = &[
        ("`GET /calls/{seq}`", "`locmfa call NUMBER`"),
        ("GET /calls/{seq}", "`locmfa call NUMBER`"),
        ("GET /calls?state=open", "`locmfa calls state=open`"),
        ("GET /calls", "`locmfa calls`"),
        ("GET /challenges lists", "`locmfa phone list` lists"),
        ("GET /challenges tells", "`locmfa phone list` tells"),
        ("GET /rules", "`locmfa rule list`"),
        ("GET /users", "`locmfa users list`"),
        ("POST /users", "`locmfa users add`"),
        ("PATCH /users/NAME", "`locmfa users change NAME`"),
        ("POST /spaces/default/reset", "`locmfa space reset default`"),
        ("give the name as label to POST /spaces", "give the name with --label"),
        ("GET /openapi.json", "docs/openapi.json"),
        ("DELETE /incidents (locmfa incident stop)", "`locmfa incident stop`"),
        ("DELETE /tls-fault (locmfa tls-fault stop)", "`locmfa tls-fault stop`"),
    ];
    let text = COMMANDS.iter().fold(remedy.to_owned(), |text, (request, command)| text.replace(request, command));
    match text.split_once("PUT /spaces/") {
        Some((before, rest)) => {
            let word = rest.split(char::is_whitespace).next().unwrap_or_default();
            let name = word.trim_end_matches('.');
            format!("{before}`locmfa space new {name}`{}", &rest[name.len()..])
        }
        None => text,
    }
}

const BROKEN: &str = "the answer of the admin API ended too early; look whether the server still runs";

/// A name as a segment of a path.
pub(super) fn segment(name: &str) -> String {
    percent_encoding::utf8_percent_encode(name, percent_encoding::NON_ALPHANUMERIC).to_string()
}

#[cfg(test)]
mod tests {
    use super::by_command;

    #[test]
    fn remedies_of_the_command_line_name_its_commands() {
        for (remedy, expected) in [
            ("GET /calls lists them.", "`locmfa calls` lists them."),
            ("Make it with PUT /spaces/build-4.2.", "Make it with `locmfa space new build-4.2`."),
            ("PATCH /users/NAME changes that one.", "`locmfa users change NAME` changes that one."),
            ("PUT /spaces/NAME makes one.", "`locmfa space new NAME` makes one."),
            ("End it with DELETE /incidents (locmfa incident stop).", "End it with `locmfa incident stop`."),
        ] {
            assert_eq!(by_command(remedy), expected);
        }
    }
}
