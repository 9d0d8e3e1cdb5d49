//! `locmfa wsdl`: the service description.

use std::process::ExitCode;

use clap::Args;

use super::print::print;
use crate::description;

#[derive(Args, Debug)]
pub(super) struct Wsdl {
    /// The address that the description names
    #[arg(
        long,
        value_name = "URL",
        default_value = "https://localhost:9999/MultiFactorAuthWebServiceSdk/PfWsSdk.asmx"
    )]
    address: String,
}

pub(super) fn run(args: &Wsdl) -> anyhow::Result<ExitCode> {
    print(&description::wsdl(&args.address))
}
