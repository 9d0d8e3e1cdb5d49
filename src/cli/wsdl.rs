//! `locmfa wsdl`: the service description.

use std::process::ExitCode;

use clap::Args;

use super::files::OutArgs;
use super::print::Output;
use crate::description;

#[derive(Args, Debug)]
pub(super) struct Wsdl {
    /// The address of the service in the description
    #[arg(
        long,
        value_name = "URL",
        default_value = "https://localhost:9999/MultiFactorAuthWebServiceSdk/PfWsSdk.asmx"
    )]
    address: String,
    #[command(flatten)]
    out: OutArgs,
}

impl Wsdl {
    pub(super) fn run(&self, out: &mut Output<'_>) -> anyhow::Result<ExitCode> {
        out.print(&description::wsdl(&self.address))?;
        Ok(ExitCode::SUCCESS)
    }
}
