//! `locmfa init`: a scenario to begin with, from a few answers.

use std::io::{self, BufRead, IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::Args;
use clap::error::ErrorKind;

use super::Arguments;
use super::print::{Output, complain};
use crate::file::{self, Access};
use crate::scenario::{self, edit::scalar};

#[derive(Args, Debug)]
pub(super) struct Init {
    /// The scenario to write
    #[arg(default_value = "my.yaml")]
    file: PathBuf,
    /// The domain of the accounts, as Windows shows it: CONTOSO
    #[arg(long, value_name = "DOMAIN")]
    domain: Option<String>,
    /// The account that the MIM Service runs as, without its domain: mimservice. A group managed service account ends in $
    #[arg(long, value_name = "NAME")]
    service_account: Option<String>,
    /// The user that MIM names in all its calls, as Username in MfaSettings.xml: mimservice@contoso.com
    #[arg(long, value_name = "NAME")]
    username: Option<String>,
    /// The country code of numbers that are written without one: 1
    #[arg(long, value_name = "CODE")]
    country_code: Option<String>,
    /// Overwrite the file
    #[arg(long)]
    force: bool,
}

impl Init {
    pub(super) fn run(self, out: &mut Output<'_>) -> anyhow::Result<ExitCode> {
        let shown = self.file.display();
        if self.file.exists() && !self.force {
            complain(format_args!(
                "locmfa: {shown} is there already; nothing was written. Name another file, or overwrite it with --force."
            ));
            return Ok(ExitCode::FAILURE);
        }
        let questions = [
            ("--domain", "Domain of the accounts, such as CONTOSO", &self.domain),
            (
                "--service-account",
                "Account of the MIM Service, such as mimservice (managed accounts end in $)",
                &self.service_account,
            ),
            ("--username", "Username in MfaSettings.xml, such as mimservice@contoso.com", &self.username),
            ("--country-code", "Country code of your numbers, such as 1", &self.country_code),
        ];
        let missing: Vec<&str> = questions.iter().filter(|it| it.2.is_none()).map(|it| it.0).collect();
        if !missing.is_empty() && !io::stdin().is_terminal() {
            let message = format!("there is no terminal to ask at; give {} on the command line", missing.join(", "));
            let error =
                <Arguments as clap::CommandFactory>::command().error(ErrorKind::MissingRequiredArgument, message);
            complain(error.to_string().trim_end());
            return Ok(ExitCode::from(2));
        }
        let mut answers = Vec::new();
        for (_, question, given) in questions {
            answers.push(match given {
                Some(answer) => answer.trim().to_owned(),
                None => ask(question)?,
            });
        }
        let [domain, account, username, country] = <[String; 4]>::try_from(answers).expect("there are four questions");
        let text = written(&domain, &account, &username, country.trim_start_matches('+'));
        if let Err(mistakes) = scenario::load(&shown.to_string(), &text) {
            complain(format_args!("locmfa: an answer cannot be used; nothing was written."));
            mistakes.iter().for_each(|it| complain(format_args!("{it}")));
            return Ok(ExitCode::FAILURE);
        }
        file::write(&self.file, text.as_bytes(), Access::Usual)
            .with_context(|| format!("cannot write {shown}; check the folder and its permissions"))?;
        out.line(format_args!(
            "{shown} is written. `locmfa check {shown}` looks at it, and `locmfa serve {shown}` serves it."
        ))?;
        Ok(ExitCode::SUCCESS)
    }
}

/// Asks at the terminal.
fn ask(question: &str) -> anyhow::Result<String> {
    write!(io::stderr(), "{question}: ").context("cannot ask")?;
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line).context("cannot read the answer")?;
    Ok(line.trim().into())
}

/// The scenario. The password of a managed account or of a machine is not known, so any of its tickets signs in.
fn written(domain: &str, account: &str, username: &str, country: &str) -> String {
    let name = scalar(&format!("{domain}\\{}", account.rsplit('\\').next().unwrap_or_default()));
    let (server, password) = match account.ends_with('$') {
        true => (
            format!("  sign_in: [negotiate, ntlm]            # a managed account: no person knows its password\n  kerberos: {{as: {name}}}  # any Kerberos ticket signs in as this account"),
            String::new(),
        ),
        false => (
            "  sign_in: [negotiate, ntlm]            # as IIS offers it; the account's real password is not needed here".into(),
            ", password: Passw0rd-for-tests".into(),
        ),
    };
    format!(
        "server:\n{server}\ncompany:\n  country_code: {}                     # of numbers that are written without one\naccounts:                               # who may call: the account of the MIM Service, with the password of your test domain\n  - {{name: {name}{password}, groups: [PhoneFactor Admins]}}\nusers:                                  # the user that MIM names in all its calls; the numbers come with the calls\n  - {{username: {}}}\nrules:                                  # the first that matches decides; without one, the person presses #\n  - {{when: {{phone: \"+1 425 555 0111\"}}, outcome: busy}}\n",
        scalar(country),
        scalar(username)
    )
}
