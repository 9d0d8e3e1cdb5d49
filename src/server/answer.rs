//! HTTP answers, with the headers of ASP.NET in IIS and in their order.

use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::SystemTime;

use axum::body::{Body, Bytes, HttpBody};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, header};
use axum::response::Response;

use super::FOLDER;
use crate::description;
use crate::engine::{ErrorPage, Hangup};
use crate::operations::Reply;
use crate::soap::Version;
use crate::switchboard::NoSpace;
use crate::text::counted;

/// How a page may be kept, and its content type.
#[derive(Clone, Copy, Debug)]
pub(super) enum Page {
    /// An answer: `private, max-age=0`.
    Fresh(&'static str),
    /// A failure: `private`.
    Failed(&'static str),
}

const SERVER: HeaderValue = HeaderValue::from_static("Microsoft-IIS/10.0");
const POWERED_BY: (HeaderName, HeaderValue) =
    (HeaderName::from_static("x-powered-by"), HeaderValue::from_static("ASP.NET"));
const ASPNET_VERSION: (HeaderName, HeaderValue) =
    (HeaderName::from_static("x-aspnet-version"), HeaderValue::from_static("4.0.30319"));
const PERSISTENT_AUTH: HeaderName = HeaderName::from_static("persistent-auth");
const XML: &str = "text/xml; charset=utf-8";
const HTML: &str = "text/html; charset=utf-8";
const PLAIN: &str = "text/plain; charset=utf-8";

/// An answer of ASP.NET.
pub(super) fn page(status: StatusCode, page: Page, body: Bytes) -> Response {
    let (cache, content_type) = match page {
        Page::Fresh(content_type) => ("private, max-age=0", content_type),
        Page::Failed(content_type) => ("private", content_type),
    };
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    let headers = response.headers_mut();
    *headers = HEADERS.clone();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    end(response, body)
}

/// The headers of ASP.NET's answers in their order. Some values are yet to come. A copy takes less time than to insert one
/// after the other.
static HEADERS: LazyLock<HeaderMap> = LazyLock::new(|| {
    const TO_COME: HeaderValue = HeaderValue::from_static("");
    let headers = [
        (header::CACHE_CONTROL, TO_COME),
        (header::CONTENT_TYPE, TO_COME),
        (header::SERVER, SERVER),
        ASPNET_VERSION,
        POWERED_BY,
        (header::DATE, TO_COME),
        (header::CONTENT_LENGTH, TO_COME),
    ];
    headers.into_iter().collect()
});

/// An answer of IIS itself, before ASP.NET was asked.
fn iis(status: StatusCode, extra: &[(HeaderName, HeaderValue)], title: &str, text: &str) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(HTML));
    headers.insert(header::SERVER, SERVER);
    for (name, value) in extra {
        headers.append(name, value.clone());
    }
    end(response, description::notice(title, text).into())
}

/// The headers that come last, and the body.
fn end(mut response: Response, body: Bytes) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::DATE, date());
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(body.len()));
    *response.body_mut() = Body::from(body);
    response
}

/// The Date header, written once a second.
fn date() -> HeaderValue {
    static WRITTEN: Mutex<Option<(u64, HeaderValue)>> = Mutex::new(None);
    #[expect(clippy::disallowed_methods, reason = "the Date header is the world's time, not a space's")]
    let now = SystemTime::now();
    let second = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
    let mut written = WRITTEN.lock().unwrap_or_else(PoisonError::into_inner);
    match &*written {
        Some((at, value)) if *at == second => value.clone(),
        _ => {
            let value = HeaderValue::try_from(httpdate::fmt_http_date(now)).expect("a date is ASCII");
            *written = Some((second, value.clone()));
            value
        }
    }
}

/// A status and nothing else, but for the seconds after which the client may try again.
pub(super) fn empty(status: StatusCode, retry_after: Option<u64>) -> Response {
    let mut response = page(status, Page::Failed(XML), Bytes::new());
    if let Some(seconds) = retry_after {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

/// A status and nothing else, in the version that the request was taken for.
pub(super) fn rejected(status: StatusCode, version: Version) -> Response {
    page(status, Page::Failed(version.content_type()), Bytes::new())
}

/// Marks an answer in place of which the connection ends.
#[derive(Clone, Copy, Debug)]
pub struct Cut(pub Hangup);

/// No answer: the connection ends.
pub(super) fn cut(hangup: Hangup) -> Response {
    let mut response = Response::new(Body::empty());
    response.extensions_mut().insert(Cut(hangup));
    response
}

/// A page of HTML in place of an answer.
pub(super) fn error_page(kind: ErrorPage) -> (StatusCode, Page, String) {
    match kind {
        ErrorPage::WithOk => {
            let text = "The service is not available at the moment. Try again later.";
            (StatusCode::OK, Page::Failed(HTML), description::notice("Service unavailable", text))
        }
        ErrorPage::OfIis => {
            let text =
                "The application failed while it ran the request. Only a browser on the server itself is told more.";
            (StatusCode::INTERNAL_SERVER_ERROR, Page::Failed(HTML), description::notice("Application error", text))
        }
    }
}

/// The body of a request whose answer did not need it. The connection discards it after the answer, so that both the
/// client reads the answer and a sign-in on the connection goes on.
#[derive(Clone)]
pub(super) struct Unread(Arc<Mutex<Option<Body>>>);

impl Unread {
    pub(super) fn take(&self) -> Option<Body> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// An answer that leaves before the request's body came.
pub(super) fn unread(mut response: Response, body: Body) -> Response {
    if !body.is_end_stream() {
        response.extensions_mut().insert(Unread(Arc::new(Mutex::new(Some(body)))));
    }
    response
}

/// 500 with a line of plain text.
pub(super) fn plain_error(text: &str) -> Response {
    page(StatusCode::INTERNAL_SERVER_ERROR, Page::Failed(PLAIN), format!("{text}\r\n").into())
}

/// The same with a text that ASP.NET encodes as for HTML.
pub(super) fn encoded_error(text: &str) -> Response {
    let mut encoded = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => encoded.push_str("&amp;"),
            '<' => encoded.push_str("&lt;"),
            '>' => encoded.push_str("&gt;"),
            '"' => encoded.push_str("&quot;"),
            '\'' => encoded.push_str("&#39;"),
            _ => encoded.push(c),
        }
    }
    plain_error(&encoded)
}

/// The document of a text by the HTTP POST protocol.
pub(super) fn string(reply: &Reply) -> String {
    let text = reply.xml.split_once('>').and_then(|(_, it)| it.rsplit_once("</")).map_or("", |(text, _)| text);
    format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\r\n<string xmlns=\"{}\">{text}</string>",
        crate::contract::NAMESPACE
    )
}

/// 500: a path behind the service's file that leads nowhere.
pub(super) fn unrecognized(path_info: &str) -> Response {
    let text = format!("Request format is unrecognized for URL unexpectedly ending in '{path_info}'.");
    let body = description::notice("Not a call", &text);
    page(StatusCode::INTERNAL_SERVER_ERROR, Page::Failed(HTML), body.into())
}

pub(super) fn method_not_allowed() -> Response {
    let allow = (header::ALLOW, HeaderValue::from_static("GET, POST"));
    iis(StatusCode::METHOD_NOT_ALLOWED, &[allow], "Method not allowed", "The service answers GET and POST.")
}

pub(super) fn length_required() -> Response {
    let text = "A POST must say its length: by Content-Length, or as chunked.";
    iis(StatusCode::LENGTH_REQUIRED, &[], "Length required", text)
}

pub(super) fn too_large(limit: usize) -> Response {
    let text = format!("A request may have {}. locmfa serve --body-limit sets another limit.", counted(limit, "byte"));
    iis(StatusCode::PAYLOAD_TOO_LARGE, &[], "Request too large", &text)
}

/// 503: the bodies of other requests leave no room for this one.
pub(super) fn no_room(limit: usize) -> Response {
    let text = format!(
        "The server holds bodies of {} at one time. locmfa serve --bodies-in-flight sets another limit.",
        counted(limit, "byte")
    );
    iis(StatusCode::SERVICE_UNAVAILABLE, &[], "Too much at one time", &text)
}

/// 400: the request names no host, or more than one.
pub(super) fn invalid_host(text: &str) -> Response {
    iis(StatusCode::BAD_REQUEST, &[], "Invalid host name", text)
}

/// 400: the request broke off, or its chunks are no chunks.
pub(super) fn bad_request() -> Response {
    iis(StatusCode::BAD_REQUEST, &[], "Bad request", "The body of the request could not be read to its end.")
}

/// 404 or 503: the path names a space that cannot be.
pub(super) fn no_space(no: &NoSpace) -> Response {
    let status = match no {
        NoSpace::Full(_) => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::NOT_FOUND,
    };
    iis(status, &[], "No such space", &format!("The address names a space by its first segment: {no}."))
}

pub(super) fn not_found(uri: &Uri) -> Response {
    let text = format!("There is nothing at {}. The service is at {FOLDER}/PfWsSdk.asmx.", uri.path());
    iis(StatusCode::NOT_FOUND, &[], "Not found", &text)
}

/// 401, with what the client may sign in with. IIS answers before ASP.NET is asked.
pub(super) fn unauthorized(offers: &[String], text: &str) -> Response {
    let value = |it: &String| HeaderValue::try_from(it.as_str()).expect("an offer is ASCII");
    let offers: Vec<_> = offers.iter().map(|it| (header::WWW_AUTHENTICATE, value(it))).collect();
    iis(StatusCode::UNAUTHORIZED, &offers, "Sign in", text)
}

pub(super) fn forbidden(text: &str) -> Response {
    iis(StatusCode::FORBIDDEN, &[], "Not allowed", text)
}

/// The answer that ends a sign-in: the last message of SPNEGO, and that the connection stays signed in. Both stand
/// before `X-Powered-By`, where IIS has them.
pub(super) fn signed_in(response: Response, www_authenticate: Option<&str>, persistent: bool) -> Response {
    let (mut parts, body) = response.into_parts();
    let mut headers = HeaderMap::with_capacity(parts.headers.len() + 2);
    for (name, value) in &parts.headers {
        if *name == POWERED_BY.0 || *name == header::DATE && !headers.contains_key(&POWERED_BY.0) {
            if let Some(token) = www_authenticate {
                headers.append(header::WWW_AUTHENTICATE, HeaderValue::try_from(token).expect("a token is ASCII"));
            }
            if persistent {
                headers.append(PERSISTENT_AUTH, HeaderValue::from_static("true"));
            }
        }
        headers.append(name, value.clone());
    }
    parts.headers = headers;
    Response::from_parts(parts, body)
}
