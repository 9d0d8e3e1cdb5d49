//! One HTTP request to the service: a SOAP call, the HTTP POST protocol, the description, the help pages.

use std::collections::HashMap;
use std::fmt::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::{Bytes, HttpBody};
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{self, HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::Response;
use percent_encoding::percent_decode_str;
use tokio::time::Instant;
use tracing::{debug, error, info, warn};

use super::FOLDER;
use super::answer::{self, Page};
use super::body::{self, NotTaken, Room, Whole};
use super::caller::{Admission, Peer};
use super::connection::Connection;
use super::read::{Read, head_lines, read};
use crate::contract::{FieldValue, Role, Signature};
use crate::description;
use crate::engine::{AnsweredCall, Broken, Raw, Refusal, What};
use crate::operations::{self, Note, Operation, Reply, Substitute, Unanswered};
use crate::sign_in::Scheme;
use crate::soap::{self, Fault, Head, Rejected, Version, url_decoded};
use crate::switchboard::{NoSpace, Space, Switchboard};
use crate::trouble::Trouble;

/// The spaces of the service, who may call it, and its paths.
#[derive(Debug)]
pub struct Site {
    pub spaces: Switchboard,
    pub admission: Admission,
    /// The paths that serve; none: every folder before `/PfWsSdk.asmx`.
    pub paths: Vec<String>,
    bodies: BodyLimits,
    /// What the bodies in flight leave of [`BodyLimits::together`].
    room: Arc<Room>,
    pages: Mutex<HashMap<String, Bytes>>,
}

/// How many bytes the bodies of requests may have.
#[derive(Clone, Copy, Debug)]
pub struct BodyLimits {
    /// The body of one request. 4 MiB in ASP.NET.
    pub each: usize,
    /// All bodies that the server holds at one time, before and while it reads them.
    pub together: usize,
}

impl Default for BodyLimits {
    fn default() -> Self {
        Self { each: 4 << 20, together: 256 << 20 }
    }
}

impl Site {
    #[must_use]
    pub fn new(spaces: Switchboard, admission: Admission, paths: Vec<String>, bodies: BodyLimits) -> Self {
        Self { spaces, admission, paths, bodies, room: Room::new(bodies.together), pages: Mutex::default() }
    }

    /// What is logged of a request for a path that does not serve.
    fn wrong_path(&self, uri: &Uri) -> Trouble {
        let asked = shortened(uri.path().to_owned());
        let serves = match &*self.paths {
            [] => format!("{FOLDER}/PfWsSdk.asmx"),
            paths => paths.join(" or "),
        };
        Trouble::WrongPath { asked, serves }
    }

    /// The answer where the bodies of other requests leave no room for one.
    fn no_room(&self) -> Response {
        let limit = self.bodies.together;
        warn!(target: "locmfa::call", limit, "request refused: the bodies of other requests leave no room");
        answer::no_room(limit)
    }

    /// A text that depends on the address alone, made once for each of the first addresses that ask.
    fn page(&self, key: String, make: impl FnOnce() -> String) -> Bytes {
        let mut pages = self.pages.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(page) = pages.get(&key) {
            return page.clone();
        }
        let page = Bytes::from(make());
        if pages.len() < PAGES {
            pages.insert(key, page.clone());
        }
        page
    }
}

/// How many pages are kept. A client can make up addresses by its Host header, and the pages past this limit are not kept.
const PAGES: usize = 256;

/// The service's own file.
const FILE: &str = "/pfwssdk.asmx";

/// The whole HTTP surface.
pub fn router(site: Arc<Site>) -> Router {
    Router::new().fallback(serve).with_state(site)
}

async fn serve(State(site): State<Arc<Site>>, request: Request) -> Response {
    let (parts, mut incoming) = request.into_parts();
    let connection = parts.extensions.get::<Arc<Connection>>().cloned();
    let report = |trouble: Trouble| {
        if let Some(connection) = &connection {
            let agent = parts.headers.get(header::USER_AGENT).map(text).unwrap_or_default();
            connection.report_request(&trouble, agent);
        }
    };
    // A request that came over no connection needs no host.
    if let Some(found) = connection.as_ref().and_then(|_| wrong_hosts(&parts)) {
        report(Trouble::WrongHost { found });
        let text = format!("The request has {found}. HTTP/1.1 requires exactly one.");
        return answer::unread(answer::invalid_host(&text), incoming);
    }
    let is_post = parts.method == Method::POST;
    let has_length =
        parts.headers.contains_key(header::CONTENT_LENGTH) || parts.headers.contains_key(header::TRANSFER_ENCODING);
    if is_post && !has_length {
        return answer::length_required();
    }
    let limit = site.bodies.each;
    let length = incoming.size_hint().lower();
    if length > limit as u64 {
        report(Trouble::BodyTooLarge { size: length.to_string(), limit });
        return answer::unread(answer::too_large(limit), incoming);
    }
    let Some(place) = Place::of(&parts.uri, &site.paths) else {
        if !is_browsers_own(&parts) {
            report(site.wrong_path(&parts.uri));
        }
        return answer::unread(answer::not_found(&parts.uri), incoming);
    };
    let admitted = match site.admission.admit(&parts.headers, connection.as_deref()) {
        Ok(admitted) => admitted,
        Err(refusal) => return answer::unread(*refusal, incoming),
    };
    // The first look at the body makes hyper send the 100 that a client may wait for.
    let body = match body::read(&mut incoming, limit, &site.room).await {
        Ok(body) => body,
        Err(NotTaken::TooLarge) => {
            report(Trouble::BodyTooLarge { size: format!("more than {limit}"), limit });
            return answer::unread(admitted.complete(answer::too_large(limit)), incoming);
        }
        Err(NotTaken::NoRoom) => return answer::unread(admitted.complete(site.no_room()), incoming),
        Err(NotTaken::Broken) => return answer::bad_request(),
    };
    let visit = Visit {
        site: &site,
        space: place.space,
        caller: &admitted.caller,
        scheme: admitted.scheme,
        is_local: connection.as_deref().is_none_or(Connection::is_local),
        connection: connection.as_deref(),
        method: &parts.method,
        uri: &parts.uri,
        headers: &parts.headers,
    };
    admitted.complete(match (&parts.method, place.path_info) {
        (&Method::POST, "") => visit.soap(body).await,
        (&Method::GET, "") => visit.describe(),
        (&Method::POST, path_info) if visit.is_local && path_info.len() > 1 && !visit.is_json() => {
            visit.form(&percent_decode_str(&path_info[1..]).decode_utf8_lossy()).await
        }
        (_, "") => answer::method_not_allowed(),
        (_, path_info) => answer::unrecognized(path_info),
    })
}

/// What is wrong with the Host headers of a request, as HTTP.sys sees it.
fn wrong_hosts(parts: &Parts) -> Option<&'static str> {
    let mut hosts = parts.headers.get_all(header::HOST).iter();
    match (hosts.next(), hosts.next()) {
        (None, _) if parts.version == http::Version::HTTP_11 => Some("no Host header"),
        (_, Some(_)) => Some("more than one Host header"),
        _ => None,
    }
}

/// Whether a browser asks for this by itself. The 404 for it says nothing about a client's settings.
fn is_browsers_own(parts: &Parts) -> bool {
    let path = parts.uri.path();
    let is_own =
        ["/favicon.", "/apple-touch-icon", "/robots.txt", "/.well-known/"].iter().any(|it| path.starts_with(it));
    is_own && matches!(parts.method, Method::GET | Method::HEAD)
}

/// Where in the service a path leads.
struct Place<'a> {
    /// The name behind `~` in the first segment; none: the space that needs no name.
    space: Option<&'a str>,
    /// What follows the service's file: empty, or `/Operation`.
    path_info: &'a str,
}

impl<'a> Place<'a> {
    fn of(uri: &'a Uri, paths: &[String]) -> Option<Self> {
        let (space, path) = match uri.path().strip_prefix("/~").and_then(|it| it.split_at_checked(it.find('/')?)) {
            Some((space, path)) => (Some(space), path),
            None => (None, uri.path()),
        };
        let bytes = path.as_bytes().windows(FILE.len());
        let end = { bytes }.position(|it| it.eq_ignore_ascii_case(FILE.as_bytes()))? + FILE.len();
        let (file, path_info) = path.split_at(end);
        let serves = paths.is_empty() || paths.iter().any(|it| it.eq_ignore_ascii_case(file));
        (serves && (path_info.is_empty() || path_info.starts_with('/'))).then_some(Self { space, path_info })
    }
}

/// A request that was let in.
struct Visit<'a> {
    site: &'a Site,
    space: Option<&'a str>,
    caller: &'a Arc<str>,
    scheme: Scheme,
    is_local: bool,
    connection: Option<&'a Connection>,
    method: &'a Method,
    uri: &'a Uri,
    headers: &'a HeaderMap,
}

impl Visit<'_> {
    /// The space that the path names, made if it is not there.
    fn space(&self) -> Result<Space, NoSpace> {
        match self.space {
            None => Ok(self.site.spaces.default_space().clone()),
            Some(name) => self.site.spaces.open(name),
        }
    }

    /// One SOAP call, straight through.
    async fn soap(&self, body: Whole) -> Response {
        let space = match self.space() {
            Ok(space) => space,
            Err(no) => return answer::no_space(&no),
        };
        let head = Head {
            soap_action: self.headers.get("soapaction").map(text),
            content_type: self.headers.get(header::CONTENT_TYPE).map(text).unwrap_or_default(),
        };
        let mut record = Record::open(self, &space, Raw::default());
        let Ok(Read { raw, opened, logged }) = read(&head, body).await else {
            record.close(StatusCode::SERVICE_UNAVAILABLE, "the bodies of other requests leave no room".into());
            return self.site.no_room();
        };
        record.request = raw;
        let call = match opened {
            Ok(call) => call,
            Err(rejected) => {
                if let Some(body) = logged {
                    log_whole(self, &body);
                }
                return match rejected {
                    Rejected::Malformed(version, malformed, operation) => {
                        record.operation = operation.signature.name;
                        let reason = shortened(malformed.to_string());
                        let outcome = match self.headers.get(header::CONTENT_ENCODING) {
                            None => format!("not XML: {reason}"),
                            Some(it) => {
                                let encoding = shortened(text(it).to_owned());
                                format!("not XML: {reason} (Content-Encoding {encoding:?} is not decoded)")
                            }
                        };
                        record.close(StatusCode::BAD_REQUEST, outcome);
                        answer::rejected(StatusCode::BAD_REQUEST, version)
                    }
                    Rejected::UnsupportedMediaType(version) => {
                        record
                            .close(StatusCode::UNSUPPORTED_MEDIA_TYPE, format!("content type {:?}", head.content_type));
                        answer::rejected(StatusCode::UNSUPPORTED_MEDIA_TYPE, version)
                    }
                    Rejected::Fault(version, fault, operation) => {
                        record.operation = operation.map_or("", |it| it.signature.name);
                        record.fault(version, &fault)
                    }
                };
            }
        };
        record.reads(call.operation, &call.request.values());
        let context = call.operation.called_in(&space);
        let answered = operations::answered(call.request, context).await;
        match (answered, call.not_understood) {
            (Err(unanswered), _) => record.unanswered(call.version, unanswered),
            (Ok(_), Some(header)) => record.fault(call.version, &Fault::NotUnderstood { header }),
            (Ok(reply), None) => {
                let sealed = soap::seal(call.version, &operations::response(&call.operation.signature, &reply));
                let content_type = call.version.content_type();
                let body = record.reply(reply, sealed);
                answer::page(StatusCode::OK, Page::Fresh(content_type), body)
            }
        }
    }

    /// Whether ASP.NET takes the request for one of its script services, which the service is not.
    fn is_json(&self) -> bool {
        let content_type = self.headers.get(header::CONTENT_TYPE).map(text).unwrap_or_default();
        content_type.split(';').next().is_some_and(|it| it.eq_ignore_ascii_case("application/json"))
    }

    /// The HTTP POST protocol, for the operations that take nothing and answer a text.
    async fn form(&self, name: &str) -> Response {
        let space = match self.space() {
            Ok(space) => space,
            Err(no) => return answer::no_space(&no),
        };
        // A form may hold a password, and what it holds says nothing more.
        let mut record = Record::open(self, &space, Raw::default());
        let Some(operation) = operations::find(name).filter(|it| it.signature.is_plain()) else {
            record.close(StatusCode::INTERNAL_SERVER_ERROR, format!("{name:?} is not offered by HTTP POST"));
            let mut plain = operations::all().map(|it| &it.signature).filter(|it| it.is_plain());
            return answer::encoded_error(&match plain.find(|it| it.name.eq_ignore_ascii_case(name)) {
                Some(Signature { name: right, .. }) => format!(
                    "Invalid method name '{name}',  method names are case sensitive.   The method name '{right}' with the same name but different casing was found.\r\nParameter name: methodName"
                ),
                None => format!("{name} Web Service method name is not valid."),
            });
        };
        let request = operation.without_parameters();
        record.reads(operation, &request.values());
        let context = operation.called_in(&space);
        match operations::answered(request, context).await {
            Ok(reply) => {
                let document = answer::string(&reply);
                let body = record.reply(reply, document);
                answer::page(StatusCode::OK, Page::Fresh(Version::Soap11.content_type()), body)
            }
            Err(unanswered) => record.unanswered(Version::Soap11, unanswered),
        }
    }

    /// What GET shows: the service description, the discovery document, the help pages.
    fn describe(&self) -> Response {
        let address = self.address();
        let query = self.uri.query().filter(|it| !it.is_empty());
        let parts = || query.into_iter().flat_map(|it| it.split('&'));
        let find = |name: &str| {
            let named = parts().filter_map(|it| it.split_once('='));
            named
                .map(|(key, value)| (url_decoded(key), value))
                .find(|it| it.0.eq_ignore_ascii_case(name))
                .map(|it| it.1)
        };
        if find("schema").is_some() {
            return answer::plain_error("Schema not found.");
        }
        if find("wsdl").is_some() {
            return answer::plain_error("XML Web service description was not found.");
        }
        // ASP.NET joins all parts without a name by commas.
        let bare: Vec<_> = parts().filter(|it| !it.contains('=')).map(url_decoded).collect();
        let bare = bare.join(",").to_ascii_lowercase();
        let operation = find("op").and_then(|it| operations::find(&url_decoded(it)));
        let html = Page::Fresh("text/html; charset=utf-8");
        let xml = Page::Fresh(Version::Soap11.content_type());
        let (kind, page) = match (bare.as_str(), operation) {
            ("wsdl", _) => (xml, self.site.page(format!("wsdl {address}"), || description::wsdl(&address))),
            ("disco", _) => (xml, self.site.page(format!("disco {address}"), || description::disco(&address))),
            (_, Some(operation)) => (html, description::operation_page(&address, operation, self.is_local).into()),
            (_, None) => (html, self.site.page(format!("help {address}"), || description::help_page(&address))),
        };
        answer::page(StatusCode::OK, kind, page)
    }

    /// The URL that the client asked for, without its query.
    fn address(&self) -> String {
        let secure = self.connection.is_none_or(|it| it.tls.is_some());
        let scheme = if secure { "https" } else { "http" };
        let host = self.headers.get(header::HOST).map(text).or_else(|| self.uri.authority().map(|it| it.as_str()));
        format!("{scheme}://{}{}", host.unwrap_or("localhost"), self.uri.path())
    }
}

/// One call while it is answered. It is logged and journalled when it is answered, or when the client hangs up.
struct Record<'a> {
    visit: &'a Visit<'a>,
    space: &'a Space,
    started: Instant,
    operation: &'static str,
    username: Box<str>,
    /// The number that came with the call, as it was written.
    number: Option<Box<str>>,
    request: Raw,
    answer: Raw,
    note: Note,
    error: Option<i32>,
    closed: bool,
}

impl<'a> Record<'a> {
    fn open(visit: &'a Visit<'a>, space: &'a Space, request: Raw) -> Self {
        Self {
            visit,
            space,
            started: Instant::now(),
            operation: "",
            username: "".into(),
            number: None,
            request,
            answer: Raw::default(),
            note: Note::default(),
            error: None,
            closed: false,
        }
    }

    fn reads(&mut self, operation: &Operation, values: &[FieldValue<'_>]) {
        self.operation = operation.signature.name;
        let text = |role| FieldValue::text_of(values, role).filter(|it| !it.is_empty());
        self.username = text(Role::Username).unwrap_or_default().into();
        self.number = text(Role::PhoneNumber).map(|number| match text(Role::CountryCode) {
            Some(country) => format!("{country} {number}").into(),
            None => number.into(),
        });
        self.note.warning = self.space.ambiguity(&self.username).map(Into::into);
    }

    /// Ends the call with a reply, of which `sealed` is the document. What goes to the client.
    fn reply(&mut self, reply: Reply, sealed: String) -> Bytes {
        let body = self.keep_answer(spoilt(sealed, reply.broken));
        let about_the_name = self.note.warning.take();
        self.note = reply.note;
        self.note.warning = self.note.warning.take().or(about_the_name);
        self.error = reply.refusal.as_ref().map(Refusal::code);
        let mut outcome = String::with_capacity(32);
        outcome.push_str(if reply.succeeded { "true" } else { "false" });
        let told = (|| {
            if let Some(code) = self.note.call_result {
                write!(outcome, " {code}")?;
            }
            if let Some(code) = self.error {
                write!(outcome, " error {code}")?;
            }
            if let Some(rule) = &self.note.rule {
                write!(outcome, " by {rule:?}")?;
            }
            fmt::Result::Ok(())
        })();
        told.expect("a String does not fail");
        if let Some(warning) = &self.note.warning {
            warn!(target: "locmfa::call", operation = self.operation, user = &*self.username, "{warning}");
        }
        self.close(StatusCode::OK, outcome);
        body
    }

    /// Keeps a document for the journal. What goes to the client.
    fn keep_answer(&mut self, document: String) -> Bytes {
        if document.len() > Raw::KEPT {
            self.answer = Raw::new(&document);
            return document.into();
        }
        self.answer = Raw::of(document);
        self.answer.bytes().clone()
    }

    fn unanswered(&mut self, version: Version, unanswered: Unanswered) -> Response {
        let by = unanswered.rule.as_ref().map(|it| format!(" by {it:?}")).unwrap_or_default();
        self.note.rule = unanswered.rule;
        match unanswered.substitute {
            Substitute::Fault(fault) => self.fault(version, &fault),
            Substitute::Status(status) => {
                let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
                self.close(status, format!("{}{by}", status.as_u16()));
                answer::empty(status)
            }
            Substitute::Nothing => {
                self.end(0, format!("cut off{by}"));
                answer::cut()
            }
        }
    }

    fn fault(&mut self, version: Version, fault: &Fault) -> Response {
        if matches!(fault, Fault::Internal { .. }) {
            error!(target: "locmfa::call", operation = self.operation, "the operation failed");
        }
        let body = self.keep_answer(soap::seal_fault(version, fault));
        self.close(StatusCode::INTERNAL_SERVER_ERROR, format!("fault {}", shortened(fault.text())));
        answer::page(StatusCode::INTERNAL_SERVER_ERROR, Page::Failed(version.content_type()), body)
    }

    fn close(&mut self, status: StatusCode, outcome: String) {
        self.end(status.as_u16(), outcome);
    }

    fn end(&mut self, status: u16, outcome: String) {
        if std::mem::replace(&mut self.closed, true) {
            return;
        }
        let took = self.started.elapsed();
        let visit = self.visit;
        info!(
            target: "locmfa::call",
            space = self.space.name(),
            caller = &**visit.caller,
            operation = self.operation,
            user = &*self.username,
            number = self.number.as_deref(),
            status,
            outcome = outcome.as_str(),
            ms = milliseconds(took),
        );
        let agent = visit.headers.get(header::USER_AGENT).map(text).unwrap_or_default();
        let entry = AnsweredCall {
            took,
            caller: visit.caller.clone(),
            scheme: visit.scheme.word(),
            origin: visit.connection.map(|it| it.origin().clone()).unwrap_or_default(),
            agent: agent.into(),
            operation: self.operation,
            username: std::mem::take(&mut self.username),
            number: self.number.take(),
            status,
            outcome: outcome.into(),
            call_result: self.note.call_result,
            error: self.error,
            rule: self.note.rule.take(),
            warning: self.note.warning.take(),
            headers: head_lines(visit.method, visit.uri, visit.headers).into(),
            request: std::mem::take(&mut self.request),
            answer: std::mem::take(&mut self.answer),
        };
        self.space.update(|engine, at| engine.journal.note(at, What::Call(entry)));
    }
}

impl Drop for Record<'_> {
    fn drop(&mut self) {
        self.end(0, "the client hung up".into());
    }
}

/// An answer as it leaves: whole, or as the scenario spoils it.
fn spoilt(mut answer: String, broken: Option<Broken>) -> String {
    match broken {
        None => (),
        Some(Broken::Truncated) => answer.truncate(answer.floor_char_boundary(answer.len() / 2)),
        Some(Broken::Garbage) => answer = "<<< this is no XML >>>".into(),
    }
    answer
}

/// A text for the log and the journal. A hostile body can make the reader's words as long as itself.
fn shortened(mut text: String) -> String {
    const LONGEST: usize = 1024;
    if text.len() > LONGEST {
        text.truncate(text.floor_char_boundary(LONGEST));
        text.push('…');
    }
    text
}

/// Milliseconds, to the microsecond.
fn milliseconds(time: Duration) -> f64 {
    time.as_micros() as f64 / 1000.0
}

/// Logs a request that the service cannot read: its fields, and the lengths of their values.
fn log_whole(visit: &Visit<'_>, body: &str) {
    let query = visit.uri.query().map(|it| format!("?({} characters)", it.chars().count())).unwrap_or_default();
    debug!(
        target: "locmfa::call",
        peer = %Peer(visit.connection),
        uri = format!("{}{query}", visit.uri.path()),
        soap_action = visit.headers.get("soapaction").map(text).unwrap_or_default(),
        content_type = visit.headers.get(header::CONTENT_TYPE).map(text).unwrap_or_default(),
        user_agent = visit.headers.get(header::USER_AGENT).map(text).unwrap_or_default(),
        body,
        "not understood",
    );
}

/// A header's value as far as it is ASCII; every header that decides something is.
fn text(value: &HeaderValue) -> &str {
    value.to_str().unwrap_or_default()
}
