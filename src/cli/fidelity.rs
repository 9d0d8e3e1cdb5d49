//! `locmfa fidelity`: the ledger of what is imitated.

use std::process::ExitCode;

use super::print::print;

pub(super) fn run() -> anyhow::Result<ExitCode> {
    print(include_str!("../../docs/fidelity.md"))
}
