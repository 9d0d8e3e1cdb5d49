//! The `locmfa` program: see `locmfa --help`.

use std::process::ExitCode;

use clap::Parser;

#[tokio::main]
async fn main() -> ExitCode {
    locmfa::cli::run(locmfa::cli::Arguments::parse()).await
}
