//! Lists as answers. They are written a piece at a time, as the client reads: an answer that is not read takes little
//! memory.

use std::convert::Infallible;
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::response::Response;
use futures_util::stream;
use serde::Serialize;

use super::{Admin, JSON, typed};
use crate::switchboard::Lane;
use crate::text;

/// How long a piece is at least, in bytes, but for the last one.
const PIECE: usize = 64 << 10;

/// What is left of a list.
struct Rest<I, W> {
    /// What comes before the items, until it is written.
    start: Option<String>,
    items: I,
    write: W,
    is_first: bool,
    /// What follows the last item, until it is written.
    end: Option<String>,
}

/// An answer with a list. `frame` is the whole answer without its items, which are its first key; `write` gives an item
/// in JSON. The items are asked for as they are written.
pub(super) async fn listed<I, W>(
    admin: Arc<Admin>,
    frame: &impl Serialize,
    items: impl IntoIterator<Item = I, IntoIter: Send + 'static>,
    write: W,
) -> Response
where
    W: Fn(&I) -> serde_json::Result<String> + Send + 'static,
{
    let frame = text::json(frame).expect("what the API tells is JSON");
    let (start, end) = frame.split_once("[]").expect("the items are the first key");
    let (start, end) = (Some(format!("{start}[")), Some(format!("]{end}")));
    let rest = Rest { start, items: items.into_iter(), write, is_first: true, end };
    let (first, rest) = next(&admin, rest).await;
    if rest.end.is_none() {
        return typed(JSON, first);
    }
    let pieces = stream::unfold((Some(first), rest, admin), |(first, rest, admin)| async {
        let (piece, rest) = match first {
            Some(first) => (first, rest),
            None if rest.end.is_none() => return None,
            None => next(&admin, rest).await,
        };
        Some((Ok::<_, Infallible>(Bytes::from(piece)), (None, rest, admin)))
    });
    typed(JSON, Body::from_stream(pieces))
}

async fn next<I, W>(admin: &Admin, mut rest: Rest<I, W>) -> (String, Rest<I, W>)
where
    I: Iterator + Send + 'static,
    W: Fn(&I::Item) -> serde_json::Result<String> + Send + 'static,
{
    admin.work.run(Lane::Look, move || (rest.piece(), rest)).await
}

impl<I: Iterator, W: Fn(&I::Item) -> serde_json::Result<String>> Rest<I, W> {
    fn piece(&mut self) -> String {
        let mut piece = self.start.take().unwrap_or_default();
        while piece.len() < PIECE {
            let Some(item) = self.items.next() else {
                piece += &self.end.take().unwrap_or_default();
                break;
            };
            if !std::mem::take(&mut self.is_first) {
                piece.push(',');
            }
            piece += &(self.write)(&item).expect("what the API tells is JSON");
        }
        piece
    }
}
