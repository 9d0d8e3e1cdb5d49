//! One HTTP request to the service: a SOAP call, the HTTP POST protocol, the description, the help pages.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use axum::body::{Bytes, HttpBody};
use axum::extract::Request;
use axum::http::request::Parts;
use axum::http::{self, HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::Response;
use percent_encoding::percent_decode_str;
use tokio::time::Instant;
use tracing::{debug, warn};

use super::FOLDER;
use super::answer::{self, Page};
use super::body::{self, NotTaken, Room, Whole};
use super::caller::{Admission, Peer};
use super::connection::{App, Connection};
use super::read::{Read, head_lines, read};
use super::record::{Record, shortened};
use crate::contract::{FieldValue, Role, Signature};
use crate::description;
use crate::engine::{CallRequest, Hangup, Raw, Reading};
use crate::operations::{self, Operation};
use crate::sign_in::Scheme;
use crate::soap::{self, Fault, Head, Rejected, Version, url_decoded};
use crate::switchboard::{Lane, NoSpace, Space, Switchboard};
use crate::text::counted;
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

static SOAP_ACTION: HeaderName = HeaderName::from_static("soapaction");

/// The service's own file.
const FILE: &str = "/pfwssdk.asmx";

/// The whole HTTP surface.
pub fn app(site: Arc<Site>) -> App {
    App::new(move |request, connection| serve(site.clone(), request, connection))
}

async fn serve(site: Arc<Site>, request: Request, connection: Option<Arc<Connection>>) -> Response {
    let (parts, mut incoming) = request.into_parts();
    let report = |trouble: Trouble| {
        if let Some(connection) = &connection {
            let agent = parts.headers.get(header::USER_AGENT).map(text);
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
    let space = match place.space {
        None => Some(site.spaces.default_space().clone()),
        Some(name) => site.spaces.find(name).ok(),
    };
    let admitted = match site.admission.admit(&parts.headers, connection.as_deref(), space.as_ref()) {
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
        let is_file = |at: &usize| {
            let file = path.as_bytes().get(*at..*at + FILE.len());
            file.is_some_and(|it| it.eq_ignore_ascii_case(FILE.as_bytes()))
        };
        let end = memchr::memchr_iter(b'/', path.as_bytes()).find(is_file)? + FILE.len();
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
    async fn space(&self) -> Result<Space, NoSpace> {
        let spaces = &self.site.spaces;
        let Some(name) = self.space else { return Ok(spaces.default_space().clone()) };
        if let Ok(space) = spaces.find(name) {
            return Ok(space);
        }
        // It copies tables of users.
        let (spaces, name) = (spaces.clone(), name.to_owned());
        spaces.work().clone().run(Lane::Answer, move || spaces.open(&name)).await
    }

    /// One SOAP call, straight through.
    async fn soap(&self, body: Whole) -> Response {
        let space = match self.space().await {
            Ok(space) => space.in_this_epoch(),
            Err(no) => return answer::no_space(&no),
        };
        let started = Instant::now();
        let head = Head {
            soap_action: self.headers.get(&SOAP_ACTION).map(text),
            content_type: self.headers.get(header::CONTENT_TYPE).map(text).unwrap_or_default(),
        };
        let Ok(Read { raw, opened, logged }) = read(&head, body).await else {
            let mut record = Record::open(&space, started, self.request(None, &[], Raw::default()));
            record.close(StatusCode::SERVICE_UNAVAILABLE, "the bodies of other requests leave no room".into());
            return self.site.no_room();
        };
        let call = match opened {
            Ok(call) => call,
            Err(rejected) => {
                if let Some(body) = logged {
                    log_whole(self, &body);
                }
                let operation = match &rejected {
                    Rejected::Malformed(_, _, operation) => Some(*operation),
                    Rejected::Fault(_, _, operation) => *operation,
                    Rejected::UnsupportedMediaType(_) => None,
                };
                let mut record = Record::open(&space, started, self.request(operation, &[], raw));
                return match rejected {
                    Rejected::Malformed(version, malformed, _) => {
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
                    Rejected::Fault(version, fault, _) => record.fault(version, &fault),
                };
            }
        };
        let values = call.request.values();
        let request = self.request(Some(call.operation), &values, raw);
        let trace = OnceLock::new();
        let mut record = Record::open(&space, started, request).traced(&trace);
        let text_of = |role| FieldValue::text_of(&values, role).filter(|it| !it.is_empty());
        record.address = text_of(Role::IpAddress).map(Into::into);
        record.initiating_type = text_of(Role::InitiatingType).map(Into::into);
        drop(values);
        let context = call.operation.called_in(&space).traced(&trace);
        let Some(answered) = self.while_connected(operations::answered(call.request, context)).await else {
            return answer::cut(Hangup::Close);
        };
        match (answered, call.not_understood) {
            (Err(unanswered), _) => {
                record.unanswered(call.version, unanswered, || self.site.admission.refused(self.connection))
            }
            (Ok(_), Some(header)) => record.fault(call.version, &Fault::NotUnderstood { header }),
            (Ok(mut reply), None) => {
                let (version, operation, size) = (call.version, call.operation, reply.xml.len());
                let seal = move || {
                    let sealed = soap::seal(version, &operations::response(&operation.signature, &reply));
                    // To free a long text takes time, too.
                    reply.xml = String::new();
                    (reply, sealed)
                };
                let (reply, sealed) = space.work().run_sized(Lane::Answer, size, seal).await;
                record.reply(reply, sealed, version.content_type())
            }
        }
    }

    /// What the journal records of the request.
    fn request(&self, operation: Option<&Operation>, values: &[FieldValue<'_>], body: Raw) -> CallRequest {
        let text_of = |role| FieldValue::text_of(values, role).filter(|it| !it.is_empty());
        CallRequest {
            caller: self.caller.clone(),
            scheme: self.scheme.word(),
            origin: self.connection.map(|it| it.origin().clone()).unwrap_or_default(),
            agent: self.headers.get(header::USER_AGENT).map(text).unwrap_or_default().into(),
            operation: operation.map_or("", |it| it.signature.name),
            username: text_of(Role::Username).unwrap_or_default().into(),
            number: text_of(Role::PhoneNumber).map(|number| match text_of(Role::CountryCode) {
                Some(country) => format!("{country} {number}").into(),
                None => number.into(),
            }),
            headers: head_lines(self.method, self.uri, self.headers),
            body,
            reading: Reading::default(),
        }
    }

    /// What comes of the future; `None` where the client hangs up and the future has to wait.
    async fn while_connected<T>(&self, future: impl Future<Output = T>) -> Option<T> {
        let hung_up = async {
            match self.connection {
                Some(connection) => connection.hung_up().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            it = future => Some(it),
            () = hung_up => None,
        }
    }

    /// Whether ASP.NET takes the request for one of its script services, which the service is not.
    fn is_json(&self) -> bool {
        let content_type = self.headers.get(header::CONTENT_TYPE).map(text).unwrap_or_default();
        content_type.split(';').next().is_some_and(|it| it.eq_ignore_ascii_case("application/json"))
    }

    /// The HTTP POST protocol, for the operations that take nothing and answer a text.
    async fn form(&self, name: &str) -> Response {
        let space = match self.space().await {
            Ok(space) => space.in_this_epoch(),
            Err(no) => return answer::no_space(&no),
        };
        let started = Instant::now();
        // A form may hold a password, and what it holds says nothing more.
        let body = Raw::default();
        let Some(operation) = operations::find(name).filter(|it| it.signature.is_plain()) else {
            let mut record = Record::open(&space, started, self.request(None, &[], body));
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
        let trace = OnceLock::new();
        let record = Record::open(&space, started, self.request(Some(operation), &request.values(), body));
        let mut record = record.traced(&trace);
        let context = operation.called_in(&space).traced(&trace);
        let Some(answered) = self.while_connected(operations::answered(request, context)).await else {
            return answer::cut(Hangup::Close);
        };
        match answered {
            Ok(reply) => {
                let document = answer::string(&reply);
                record.reply(reply, document, Version::Soap11.content_type())
            }
            Err(unanswered) => {
                record.unanswered(Version::Soap11, unanswered, || self.site.admission.refused(self.connection))
            }
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

/// Logs a request that the service cannot read: its fields, and the lengths of their values.
fn log_whole(visit: &Visit<'_>, body: &str) {
    let query =
        visit.uri.query().map(|it| format!("?({})", counted(it.chars().count(), "character"))).unwrap_or_default();
    debug!(
        target: "locmfa::call",
        peer = %Peer(visit.connection),
        uri = format!("{}{query}", visit.uri.path()),
        soap_action = visit.headers.get(&SOAP_ACTION).map(text),
        content_type = visit.headers.get(header::CONTENT_TYPE).map(text),
        client = visit.headers.get(header::USER_AGENT).map(text),
        body,
        "not understood",
    );
}

/// A header's value as far as it is ASCII; every header that decides something is.
fn text(value: &HeaderValue) -> &str {
    value.to_str().unwrap_or_default()
}
