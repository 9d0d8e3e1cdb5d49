//! The `locmfa` program: see `locmfa --help`.

use std::process::ExitCode;

/// Each call leaves entries in the journal and evicts those of an old one. The systems' own allocators look at the memory
/// around an entry that they free, which is cold by then.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() -> ExitCode {
    locmfa::cli::run(std::env::args_os()).await
}
