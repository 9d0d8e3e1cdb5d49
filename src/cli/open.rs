//! `locmfa open`: the page of a running server, in the browser of this machine.

use std::process::{Command, ExitCode, Stdio};

use anyhow::bail;
use clap::Args;

use super::admin::Target;
use super::print::Output;

#[derive(Args, Debug)]
pub(super) struct Open {
    #[command(flatten)]
    target: Target,
}

impl Open {
    pub(super) async fn run(self, out: &mut Output<'_>) -> anyhow::Result<ExitCode> {
        let api = self.target.api()?;
        // A server that does not answer is reported here, and not by the browser.
        api.health().await?;
        let page = page_of(&api.address());
        out.line(&page)?;
        let (program, arguments) = BROWSER;
        let started =
            Command::new(program).args(arguments).arg(&page).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        if let Err(error) = started {
            bail!("{program} cannot start a browser ({error}). Open {page} in one yourself.");
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// The program that opens an address in the browser that the person chose, and its first arguments.
const BROWSER: (&str, &[&str]) = if cfg!(windows) {
    ("rundll32", &["url.dll,FileProtocolHandler"])
} else if cfg!(target_os = "macos") {
    ("open", &[])
} else {
    ("xdg-open", &[])
};

/// The address of the page at an admin API.
pub(super) fn page_of(api: &str) -> String {
    format!("{}/", api.trim_end_matches('/'))
}
