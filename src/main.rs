//! The `locmfa` program: see `locmfa --help`.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    locmfa::cli::run(std::env::args_os()).await
}
