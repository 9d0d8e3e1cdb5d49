//! Reading the body of a SOAP request: large ones off the threads that serve connections.

use std::borrow::Cow;
use std::fmt::{self, Write};

use axum::http::{HeaderMap, Method, Uri, header};
use tracing::{Level, enabled};

use super::body::{NotTaken, Whole};
use crate::engine::Raw;
use crate::operations::{self, Operation};
use crate::soap::{self, Head, Rejected};
use crate::text::in_one_line;

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
            true => Raw::of(String::from_utf8(body).expect("it is a text as it stands")),
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
pub(super) fn head_lines(method: &Method, uri: &Uri, headers: &HeaderMap) -> String {
    let path = uri.path();
    let mut lines = String::with_capacity(512);
    let told = (|| -> fmt::Result {
        write!(lines, "{} {path}", method)?;
        if let Some(query) = uri.query() {
            write!(lines, "?({} characters)", query.chars().count())?;
        }
        for (name, value) in headers {
            write!(lines, "\n{name}: ")?;
            let text = String::from_utf8_lossy(value.as_bytes());
            match [header::AUTHORIZATION, header::PROXY_AUTHORIZATION, header::COOKIE].contains(name) {
                true => {
                    let (scheme, secret) = text.split_once(' ').unwrap_or(("", &text));
                    write!(lines, "{} ({} characters)", in_one_line(scheme), secret.chars().count())?;
                }
                false if std::str::from_utf8(value.as_bytes()).is_ok() => lines.write_str(&in_one_line(&text))?,
                false => write!(lines, "{}", value.as_bytes().escape_ascii())?,
            }
            if lines.len() > HEAD {
                lines.truncate(lines.floor_char_boundary(HEAD));
                return lines.write_str("…");
            }
        }
        Ok(())
    })();
    told.expect("a String does not fail");
    lines
}

/// How many bytes of a request's headers the journal keeps.
const HEAD: usize = 8 << 10;
