//! Reading the body of a SOAP request: large ones off the threads that serve connections.

use std::borrow::Cow;

use axum::http::{HeaderMap, HeaderName, Method, Uri, header};
use tracing::{Level, enabled};

use super::body::{NotTaken, Whole};
use crate::engine::Raw;
use crate::operations::{self, Operation};
use crate::soap::{self, Head, Rejected};
use crate::text::{counted, in_one_line};

/// A request as the service reads it.
pub(super) struct Read {
    pub(super) raw: Raw,
    pub(super) opened:
        Result<soap::Call<&'static Operation, Box<dyn operations::Request>>, Rejected<&'static Operation>>,
    /// The body for the log, its values masked, where it is no call and the log takes it.
    pub(super) logged: Option<String>,
}

impl Read {
    fn of(head: &Head<'_>, body: Vec<u8>) -> Self {
        let input = soap::decode(head, &body);
        let opened = soap::open(head, &input, operations::find, Operation::read);
        let is_logged = opened.is_err() && enabled!(target: "locmfa::call", Level::DEBUG);
        let logged = is_logged.then(|| operations::masked(head.content_type, input.text()));
        let raw = match input.is_whole(&body) {
            true => Raw::of_utf8(body),
            false => Raw::new(&legible(input.text(), &body)),
        };
        Self { raw, opened, logged }
    }
}

/// A body above this size is read off the threads that serve connections, in bytes.
const LARGE: usize = 64 << 10;

/// The memory that reading takes for each byte of a large body, at most.
const WHILE_READING: usize = 8;

/// Reads a request, and gives the memory of its body back.
pub(super) async fn read(head: &Head<'_>, body: Whole) -> Result<Read, NotTaken> {
    let Whole { bytes, mut share } = body;
    if bytes.len() <= LARGE {
        return Ok(Read::of(head, bytes));
    }
    share.grow(bytes.len() * WHILE_READING)?;
    let (soap_action, content_type) = (head.soap_action.map(str::to_owned), head.content_type.to_owned());
    let reading = tokio::task::spawn_blocking(move || {
        let head = Head { soap_action: soap_action.as_deref(), content_type: &content_type };
        let read = Read::of(&head, bytes);
        drop(share);
        read
    });
    Ok(reading.await.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic())))
}

/// The text of a body for the journal: bytes that the decoder replaced are escaped, as `\xff`.
fn legible<'a>(text: &'a str, body: &[u8]) -> Cow<'a, str> {
    let is_replaced = text.contains('\u{fffd}') || (text.len() == body.len() && text.is_ascii() && !body.is_ascii());
    if !is_replaced || std::str::from_utf8(body).is_ok() {
        return text.into();
    }
    let mut out = String::with_capacity(body.len());
    for chunk in body.utf8_chunks() {
        out.push_str(chunk.valid());
        out.extend(chunk.invalid().iter().flat_map(|it| it.escape_ascii()).map(char::from));
    }
    out.into()
}

/// The request line and the headers for the journal. Values that sign a caller in are told by scheme and length.
pub(super) fn head_lines(method: &Method, uri: &Uri, headers: &HeaderMap) -> Box<str> {
    const SECRET: [HeaderName; 3] = [header::AUTHORIZATION, header::PROXY_AUTHORIZATION, header::COOKIE];
    let length = |text: &str| format!("({})", counted(text.chars().count(), "character"));
    let plain = headers.iter().map(|(name, value)| "\n: ".len() + name.as_str().len() + value.len());
    let plain = method.as_str().len() + " ".len() + uri.path().len() + plain.sum::<usize>();
    let mut lines = String::with_capacity(plain.min(HEAD));
    lines.extend([method.as_str(), " ", uri.path()]);
    if let Some(query) = uri.query() {
        lines.extend(["?", &length(query)]);
    }
    for (name, value) in headers {
        lines.extend(["\n", name.as_str(), ": "]);
        match (value.to_str(), SECRET.contains(name)) {
            (Ok(plain), false) => lines.push_str(plain),
            (_, true) => {
                let text = String::from_utf8_lossy(value.as_bytes());
                let (scheme, secret) = text.split_once(' ').unwrap_or(("", &text));
                lines.extend([&*in_one_line(scheme), " ", &length(secret)]);
            }
            (Err(_), false) => match std::str::from_utf8(value.as_bytes()) {
                Ok(text) => lines.push_str(&in_one_line(text)),
                Err(_) => lines.extend(value.as_bytes().escape_ascii().map(char::from)),
            },
        }
        if lines.len() > HEAD {
            lines.truncate(lines.floor_char_boundary(HEAD));
            lines.push('…');
            break;
        }
    }
    lines.into()
}

/// How many bytes of a request's headers the journal keeps.
const HEAD: usize = 8 << 10;
