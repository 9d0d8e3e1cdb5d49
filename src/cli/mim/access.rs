//! The options of all commands that call the service: its address, and how to sign in.

use std::io::{self, BufRead, IsTerminal, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::Args;

use super::super::files;
use crate::client::{Client, Target};
use crate::contract::Secret;
use crate::mim::Service;
use crate::sign_in::Credentials;
use crate::tls::Trust;

#[derive(Args, Debug, Default)]
pub(super) struct Access {
    /// The service's URL, as in LOCMFASRV [default: a locmfa on this machine]
    #[arg(long, value_name = "URL")]
    pub(super) url: Option<Target>,
    /// The user of the service that MIM names in all its calls (default: mimservice@contoso.com)
    #[arg(long, value_name = "NAME")]
    pub(super) username: Option<String>,
    /// The MfaSettings.xml with the URL and the user, for options that are not given
    #[arg(long, value_name = "FILE")]
    pub(super) settings: Option<PathBuf>,
    /// Another authority to trust (PEM or DER)
    #[arg(long, value_name = "FILE")]
    pub(super) authority: Vec<PathBuf>,
    /// The account to sign in with, DOMAIN\user or user@domain. Its password comes from --password-file, from the
    /// environment variable LOCMFA_PASSWORD, or from the terminal
    #[arg(long, value_name = "NAME")]
    pub(super) account: Option<String>,
    /// The file with the account's password in its first line
    #[arg(long, value_name = "FILE", requires = "account")]
    pub(super) password_file: Option<PathBuf>,
    /// Call the server even if MIM would not with these settings: CustomPhoneProvider is set, or LOCMFA is not true
    #[arg(long)]
    pub(super) force: bool,
}

impl Access {
    /// The service: from the options, else from the settings file, else a locmfa on this machine.
    ///
    /// # Errors
    /// The settings file cannot be read.
    pub(super) fn service(&self) -> anyhow::Result<Service> {
        let settings = match &self.settings {
            Some(file) => Service::of_file(file)?,
            None => Service::default(),
        };
        Ok(Service {
            target: self.url.clone().unwrap_or(settings.target),
            username: self.username.clone().unwrap_or(settings.username),
            ..settings
        })
    }

    /// Why no call is made, unless `--force` is given: MIM would make none with these settings.
    pub(super) fn obstacle(&self, service: &Service) -> Option<String> {
        let obstacle = service.obstacle.as_ref().filter(|_| !self.force)?;
        let file = self.settings.as_deref().unwrap_or_else(|| Path::new("MfaSettings.xml")).display();
        Some(format!(
            "{file}: {obstacle}. No call was made. `locmfa mim check` says what to change; --force calls the server all the same."
        ))
    }

    /// The client for these options.
    ///
    /// # Errors
    /// A file cannot be read, or there is no password.
    pub(super) fn client(&self, target: Target) -> anyhow::Result<Client> {
        let credentials = match &self.account {
            None => None,
            Some(account) => {
                let password = password(account, self.password_file.as_deref())?;
                Some(Credentials { account: account.clone(), password })
            }
        };
        Ok(Client { target, trust: Trust::load(&self.authority)?, credentials })
    }
}

const PASSWORD: &str = "LOCMFA_PASSWORD";

fn password(account: &str, file: Option<&Path>) -> anyhow::Result<Secret> {
    if let Some(file) = file {
        return files::secret(file).with_context(|| format!("the password of {account}"));
    }
    #[expect(clippy::disallowed_methods, reason = "the command line reads the environment")]
    if let Ok(password) = std::env::var(PASSWORD) {
        return Ok(password.into());
    }
    if !io::stdin().is_terminal() {
        bail!(
            "there is no password for {account}; set {PASSWORD} in the environment, or name a file that holds it with --password-file"
        );
    }
    let password = rpassword::prompt_password(format!("Password of {account}: "));
    password.map(Secret::from).context("the password cannot be read from here; use --password-file")
}

/// Asks at the terminal for the code of a text message.
///
/// # Errors
/// Standard input is no terminal, or the terminal broke.
pub(super) fn ask_for_code() -> Result<Secret, String> {
    if !io::stdin().is_terminal() {
        return Err("a text message was sent, and there is no terminal to enter its code; give it with --code".into());
    }
    write!(io::stderr(), "Code of the text message: ").map_err(|error| format!("cannot ask for the code ({error})"))?;
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line).map_err(|error| format!("cannot read the code ({error})"))?;
    Ok(line.trim().into())
}
