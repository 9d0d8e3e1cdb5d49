//! `locmfa doctor`: an examination of this machine.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::admin::ServerArgs;
use super::files::{OutArgs, one_named_by};
use super::print::Output;
use crate::doctor::{self, Subject};
use crate::mim::step::all_right;

#[derive(Args, Debug)]
#[command(after_help = "Exit codes: 0 nothing failed; 1 something failed; 2 the command line is wrong.")]
pub(super) struct Doctor {
    /// The scenario to serve [default: the built-in scenario]
    scenario: Option<PathBuf>,
    /// The folder of the authority and the server's certificate
    #[arg(long, value_name = "FOLDER", default_value = "certs")]
    certs: PathBuf,
    /// A name that clients use for this machine
    #[arg(long, value_name = "NAME")]
    host: Vec<String>,
    /// The address that the server will listen on
    #[arg(long, value_name = "ADDRESS:PORT", default_values = ["127.0.0.1:9999", "[::1]:9999"])]
    listen: Vec<SocketAddr>,
    #[command(flatten)]
    server: ServerArgs,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    out: OutArgs,
}

impl Doctor {
    pub(super) async fn run(self, out: &mut Output<'_>) -> anyhow::Result<ExitCode> {
        let Self { scenario, certs, host: hosts, listen, server, json, .. } = self;
        let scenario = scenario.as_deref().map(one_named_by).transpose()?;
        let admin = server.url()?;
        let steps = doctor::examine(&Subject { scenario, certs, hosts, listen, admin }).await?;
        match json {
            true => out.json(&steps)?,
            false => steps.iter().try_for_each(|it| out.line(it))?,
        }
        Ok(ExitCode::from(u8::from(!all_right(&steps))))
    }
}
