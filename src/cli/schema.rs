//! `locmfa schema`: the JSON Schema of scenario files.

use std::process::ExitCode;

use super::print::print;
use crate::scenario;

pub(super) fn run() -> anyhow::Result<ExitCode> {
    print(&scenario::schema_text())
}
