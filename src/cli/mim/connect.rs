//! `locmfa mim connect`: the options and the report.

use std::io::Write;
use std::process::ExitCode;

use anyhow::Context;
use clap::Args;

use super::access::Access;
use crate::mim::connect::check;
use crate::mim::step::all_right;

#[derive(Args, Debug)]
#[command(
    after_help = "Exit codes: 0 every step is right; 1 a step failed; 2 the command line is wrong; 3 it cannot begin."
)]
pub struct Connect {
    #[command(flatten)]
    access: Access,
    /// Call this number, which then rings. Without one, a number that no phone has
    #[arg(long, value_name = "NUMBER")]
    call: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Runs the command.
///
/// # Errors
/// A file cannot be read, or the report cannot be written.
pub(super) async fn run(args: &Connect, out: &mut (dyn Write + Send)) -> anyhow::Result<ExitCode> {
    let service = args.access.service()?;
    let client = args.access.client(service.target.clone())?;
    let mut steps = Vec::new();
    let mut written = Ok(());
    check(&client, &service, args.call.as_deref(), &mut |step| {
        if !args.json && written.is_ok() {
            written = step.tell(out);
        }
        steps.push(step);
    })
    .await;
    written.context("cannot write the steps")?;
    if args.json {
        let text = serde_json::to_string_pretty(&steps).context("the steps as JSON")? + "\n";
        out.write_all(text.as_bytes()).context("cannot write the steps")?;
    }
    Ok(ExitCode::from(u8::from(!all_right(&steps))))
}
