//! Cursors: places among the events of a space, as clients hold them.

use std::fmt;

use serde::{Serialize, Serializer};

use super::input::bad;
use super::problem::{Kind, Problem};
use crate::switchboard::Space;

/// A place among the events of a space, for as long as the space exists. Clients give it back as it is. A reset keeps
/// it; another run of the server, or another space of that name, does not know it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Cursor {
    space: u64,
    place: u64,
}

/// Why a text names no place.
#[derive(Debug)]
enum Unread {
    /// It is of another run or space.
    Stale,
    NoCursor,
}

impl Cursor {
    pub(super) fn at(space: &Space, place: u64) -> Self {
        Self { space: space.id(), place }
    }

    /// The place that a parameter names: `next` of an earlier answer, `now`, or `0` for the start.
    ///
    /// # Errors
    /// 410 for a cursor of another run or space, 400 for what is no cursor.
    pub(super) fn place(space: &Space, text: &str) -> Result<u64, Problem> {
        let last = space.update(|engine, _| engine.journal.last());
        match text {
            "now" => return Ok(last),
            "0" => return Ok(0),
            _ => (),
        }
        match Self::read(text) {
            Ok(cursor) if cursor.space == space.id() && cursor.place <= last => Ok(cursor.place),
            Ok(_) | Err(Unread::Stale) => Err(stale(
                space,
                last,
                "The cursor is of an earlier run of the server, or of a space that was dropped.",
                "Ask without after.",
            )),
            Err(Unread::NoCursor) => {
                Err(bad("after", &format!("{text:?} is no cursor"), "Give `next` of an earlier answer, or now."))
            }
        }
    }

    fn read(text: &str) -> Result<Self, Unread> {
        if text.is_empty() || !text.bytes().all(|it| it.is_ascii_hexdigit() || it == b'-') {
            return Err(Unread::NoCursor);
        }
        let number = |text: &str| u64::from_str_radix(text, 16).map_err(|_| Unread::Stale);
        let (space, place) = text.split_once('-').ok_or(Unread::Stale)?;
        Ok(Self { space: number(space)?, place: number(place)? })
    }
}

/// The problem of a cursor after which something is not known.
pub(super) fn stale(space: &Space, last: u64, detail: &str, remedy: &str) -> Problem {
    Problem::new(Kind::StaleCursor, detail, remedy).with("newest", Cursor::at(space, last).to_string())
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}-{:x}", self.space, self.place)
    }
}

impl Serialize for Cursor {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}
