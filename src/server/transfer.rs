//! The faults of an answer, as a rule has them: what changes of the answer itself, and what the connection does.

use axum::body::{Body, Bytes, HttpBody};
use axum::http::{HeaderValue, header};
use axum::response::Response;

use super::wire::{Cut, WireFault};
use crate::engine::{Broken, ErrorPage, Hangup, Transfer};

/// A document as it leaves: whole, or as the rule spoils it.
pub(super) fn spoilt(mut answer: String, transfer: &Transfer) -> String {
    match transfer.broken {
        Some(Broken::Truncated) => answer.truncate(answer.floor_char_boundary(answer.len() / 2)),
        Some(Broken::Garbage) => answer = "<<< this is no XML >>>".into(),
        Some(Broken::MidHeader | Broken::MidBody | Broken::BadChunks) | None => (),
    }
    answer
}

/// The answer with its faults.
pub(super) fn damaged(mut response: Response, transfer: &Transfer) -> Response {
    if let Some(content_type) = &transfer.content_type {
        let value = HeaderValue::try_from(&**content_type).expect("it was checked when the rule was read");
        response.headers_mut().insert(header::CONTENT_TYPE, value);
    }
    if let Some(least) = transfer.oversized {
        response = filled_up(response, u64::from(least));
    }
    let length = response.body().size_hint().exact().or_else(|| stated_length(&response)).unwrap_or_default();
    let cut = match transfer.broken {
        Some(Broken::MidHeader) => Some(Cut::MidHeader),
        Some(Broken::MidBody) => Some(Cut::MidBody(usize::try_from(length / 2).unwrap_or(usize::MAX))),
        Some(Broken::BadChunks) => {
            // Without a length, HTTP announces chunks.
            response.headers_mut().remove(header::CONTENT_LENGTH);
            response = response.map(|body| Body::from_stream(body.into_data_stream()));
            Some(Cut::After(b"these are\r\n<<< no chunks >>>\r\n"))
        }
        Some(Broken::Truncated | Broken::Garbage) | None => None,
    };
    let fault = WireFault { cut, drip: transfer.drip };
    if fault != WireFault::default() {
        response.extensions_mut().insert(fault);
    }
    response
}

fn stated_length(response: &Response) -> Option<u64> {
    response.headers().get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// The answer with blanks behind it, which XML allows, up to a length. The blanks are not in memory.
fn filled_up(response: Response, least: u64) -> Response {
    const BLANKS: Bytes = Bytes::from_static(&[b' '; 16 << 10]);
    let missing = least.saturating_sub(response.body().size_hint().lower());
    let (whole, rest) = (missing / BLANKS.len() as u64, (missing % BLANKS.len() as u64) as usize);
    let blanks = (0..whole).map(|_| BLANKS).chain((rest > 0).then(|| BLANKS.slice(..rest)));
    let length = response.body().size_hint().lower() + missing;
    let mut response = response.map(|body| {
        use futures_util::StreamExt;
        Body::from_stream(body.into_data_stream().chain(futures_util::stream::iter(blanks.map(Ok))))
    });
    response.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    response
}

/// What a rule does to the answer on purpose, for the log and the journal; empty where it does nothing.
pub(super) fn purpose(transfer: &Transfer) -> String {
    let Transfer { broken, content_type, oversized, drip } = transfer;
    let broken = broken.map(|it| match it {
        Broken::Truncated => "the document ends in the middle",
        Broken::Garbage => "the document is no XML",
        Broken::MidHeader => "the connection ends in the middle of the headers",
        Broken::MidBody => "the connection ends in the middle of the body",
        Broken::BadChunks => "the chunks are none, and the connection ends",
    });
    let faults = [
        broken.map(Into::into),
        content_type.as_ref().map(|it| format!("the content type is {it}")),
        oversized.map(|it| format!("the body has {it} bytes at least")),
        drip.map(|it| format!("{it} bytes leave each second")),
    ];
    on_purpose(&faults.into_iter().flatten().collect::<Vec<_>>().join("; "))
}

pub(super) fn of_page(page: ErrorPage) -> String {
    on_purpose(match page {
        ErrorPage::WithOk => "a page of HTML with status 200",
        ErrorPage::OfIis => "a page of HTML as of IIS",
    })
}

pub(super) fn of_hangup(hangup: Hangup) -> String {
    on_purpose(match hangup {
        Hangup::Close => "the connection closes without an answer",
        Hangup::Reset => "the connection is reset without an answer",
    })
}

pub(super) fn of_refusal() -> String {
    on_purpose("the sign-in is refused")
}

fn on_purpose(what: &str) -> String {
    if what.is_empty() { String::new() } else { format!(", on purpose: {what}") }
}
