//! Strict XML, read and written as .NET's `XmlTextReader` and `XmlTextWriter` do.
//!
//! The reader goes through a text once, from front to back. It borrows from the text, keeps no tree and never recurses.

mod characters;
mod encoding;
mod position;
mod reader;
mod scope;
mod span;
mod writer;

pub use encoding::{Encoding, Input};
pub use position::Position;
pub use reader::{Malformed, Node, Reader};
pub use writer::Writer;
