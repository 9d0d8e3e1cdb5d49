//! `locmfa mim check`: what is wrong in a settings file and, from this machine, in the connection.

use std::net::IpAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::super::check::Format;
use super::super::files::OutArgs;
use super::super::print::Output;
use super::access::Access;
use crate::mim::check::{self, Checked, Finding};
use crate::mim::{Service, connect};
use crate::scenario::{self, Severity};

#[derive(Args, Debug)]
pub struct Check {
    /// The settings file
    #[cfg_attr(
        windows,
        arg(default_value = r"C:\Program Files\Microsoft Forefront Identity Manager\2010\Service\MfaSettings.xml")
    )]
    file: PathBuf,
    /// The format of the output
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Short for --format json
    #[arg(long, conflicts_with = "format")]
    json: bool,
    /// Examine the connection too, as `locmfa mim connect` does; the default if the URL names this machine. It needs a
    /// server that runs and, where that asks for a sign-in, --account with its password
    #[arg(long, overrides_with = "no_connect")]
    connect: bool,
    /// Examine the file alone
    #[arg(long, overrides_with = "connect")]
    no_connect: bool,
    #[command(flatten)]
    access: Access,
    #[command(flatten)]
    out: OutArgs,
}

impl Check {
    pub(super) async fn run(self, out: &mut Output<'_>) -> anyhow::Result<ExitCode> {
        let Checked { findings, service, .. } = check::file(&self.file)?;
        let format = if self.json { Format::Json } else { self.format };
        match format {
            Format::Json => out.json(&findings)?,
            Format::Text => {
                findings.iter().try_for_each(|it| out.line(format_args!("{it}\n")))?;
                out.line(format_args!("{}: {}", self.file.display(), summary(&findings)))?;
            }
        }
        let is_wrong = findings.iter().any(|it| it.severity == Severity::Error);
        let is_local = service.as_ref().and_then(|it| it.host()).is_some_and(is_this_machine);
        let goes_on = service.is_some() && !self.no_connect && (self.connect || is_local);
        if !goes_on || format == Format::Json {
            return Ok(ExitCode::from(u8::from(is_wrong)));
        }
        let service = Service::of_file(&self.file)?;
        if let Some(obstacle) = service.obstacle.as_ref().filter(|_| !self.access.force) {
            out.line(format_args!("\n{obstacle}. The connection was not examined; --force examines it all the same."))?;
            return Ok(ExitCode::FAILURE);
        }
        let account = match (&self.access.account, cfg!(windows)) {
            (Some(account), _) => format!("the account {account}"),
            (None, true) => "the account that runs this program".into(),
            (None, false) => "no account; --account NAME signs in".into(),
        };
        out.line(format_args!(
            "\nNow the connection to {}, with {account}. It needs a server that runs; --no-connect leaves it out.",
            service.target
        ))?;
        let client = self.access.client(service.target.clone())?;
        let (mut printed, mut all_right) = (Ok(()), true);
        connect::check(&client, &service, None, &mut |step| {
            all_right &= step.is_right();
            if printed.is_ok() {
                printed = out.line(&step);
            }
        })
        .await;
        printed?;
        Ok(ExitCode::from(u8::from(is_wrong || !all_right)))
    }
}

fn is_this_machine(host: &str) -> bool {
    let address = host.trim_matches(['[', ']']).parse::<IpAddr>();
    host.eq_ignore_ascii_case("localhost") || address.is_ok_and(|it| it.is_loopback())
}

/// Such as `2 errors, 1 note`.
fn summary(findings: &[Finding]) -> String {
    match scenario::summary(findings.iter().map(|it| it.severity)) {
        none if none.is_empty() => "nothing is wrong".into(),
        counts => counts,
    }
}
