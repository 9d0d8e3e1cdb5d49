//! Printing to standard output.

use std::io::{self, Write};
use std::process::ExitCode;

use anyhow::Context;

pub(super) fn print(text: &str) -> anyhow::Result<ExitCode> {
    match io::stdout().write_all(text.as_bytes()) {
        // The reader, such as `head`, has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(ExitCode::SUCCESS),
        Err(error) => Err(error).context("cannot write to standard output"),
        Ok(()) => Ok(ExitCode::SUCCESS),
    }
}
