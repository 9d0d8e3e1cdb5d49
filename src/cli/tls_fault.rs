//! `locmfa tls-fault`: faults of TLS, switched on for a time.

use std::process::ExitCode;

use clap::Subcommand;
use serde_json::json;

use super::admin::Target;
use super::print::Output;
use crate::tls::TlsFault;

#[derive(Debug, Subcommand)]
pub(super) enum Fault {
    /// Print the faults that there are
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Show which fault is on, and when it ends
    Show {
        #[command(flatten)]
        target: Target,
    },
    /// Switch a fault on; it ends by itself
    Start {
        /// One of `locmfa tls-fault list`
        #[arg(value_parser = clap::builder::PossibleValuesParser::new(TlsFault::ALL.iter().map(|it| it.word())))]
        fault: String,
        /// When it ends by itself: from 1s to 24h
        #[arg(long, value_name = "TIME", default_value = "15m")]
        lasts: String,
        #[command(flatten)]
        target: Target,
    },
    /// Switch the fault off
    Stop {
        #[command(flatten)]
        target: Target,
    },
}

impl Fault {
    pub(super) async fn run(self, out: &mut Output<'_>) -> anyhow::Result<ExitCode> {
        match self {
            Self::List { json: true } => {
                let faults = TlsFault::ALL.iter().map(|it| json!({"fault": it.word(), "about": it.about()}));
                out.json(&faults.collect::<Vec<_>>())?;
            }
            Self::List { json: false } => {
                for it in TlsFault::ALL {
                    out.line(format_args!("{:17}  {}", it.word(), it.about()))?;
                }
            }
            Self::Show { target } => {
                let now = target.api()?.tls_fault().await?;
                match now["fault"].as_str() {
                    None if !target.json => out.line("No fault of TLS is on.")?,
                    _ => target.print_sheet(out, &now)?,
                }
            }
            Self::Start { fault, lasts, target } => {
                target.print_sheet(out, &target.api()?.start_tls_fault(&fault, &lasts).await?)?;
            }
            Self::Stop { target } => {
                target.api()?.stop_tls_fault().await?;
                target.print_done(out, "No fault of TLS is on.")?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}
