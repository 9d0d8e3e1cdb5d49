//! Microsoft Identity Manager's side: its `MfaSettings.xml`, checked, changed and changed back.
//!
//! `settings` reads and edits the file, `check` says what is wrong in it, `backup` keeps what it was before,
//! `cli` is the commands. `docs/mim.md` says what is known about MIM, and how.

mod backup;
pub mod check;
pub mod cli;
pub mod settings;

pub use cli::{Ask, Command, ask, run};
