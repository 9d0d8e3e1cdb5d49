//! Reading the body of a SOAP request: large ones off the threads that serve connections.

use tracing::{Level, enabled};

use super::body::{NotTaken, Whole};
use crate::engine::Raw;
use crate::operations::{self, Operation};
use crate::soap::{self, Head, Rejected};

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
            false => Raw::new(input.text()),
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
