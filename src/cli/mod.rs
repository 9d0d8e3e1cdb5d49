//! The command line: one file for each subcommand. Arguments, printing, exit codes, the terminal and signals are here
//! and in no other module; `tests/it/tidy.rs` checks it.

mod admin;
mod call;
mod calls;
mod certs;
mod chance;
mod check;
mod clock;
mod completions;
mod doctor;
mod fidelity;
mod files;
mod incident;
mod init;
mod messages;
pub mod mim;
mod open;
mod phone;
mod print;
mod ready;
mod report;
mod rule;
mod schema;
mod serve;
mod service;
mod space;
mod status;
mod stop;
mod table;
mod tls_fault;
mod users;
mod verify;
mod wait;
mod wsdl;

use std::ffi::OsString;
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::builder::BoolishValueParser;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{ArgAction, ArgMatches, CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::control::Refused;
use crate::file::{self, Access};
pub use print::Output;
use print::complain;
use ready::Several;

/// Imitates the Web Service SDK of Azure Multi-Factor Authentication Server, to test Microsoft Identity Manager.
///
/// Without a subcommand it serves: `locmfa scenarios/sspr-phone-gate.yaml` is short for `locmfa serve …`, and `locmfa`
/// alone serves the built-in scenario.
#[derive(Debug, Parser)]
#[command(version, args_conflicts_with_subcommands = true, subcommand_negates_reqs = true, after_help = EXIT_CODES)]
pub struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    serve: serve::Serve,
    /// The file of `--out`.
    #[arg(skip)]
    out: Option<PathBuf>,
}

const EXIT_CODES: &str = "Exit codes: 0 success; 1 a scenario or a settings file has mistakes, a verification failed, the server refused, or nothing was changed; 2 the command line is wrong, or does not say which of several servers; 3 the program cannot start or continue (a port, a certificate, a file), or no server answers.";

#[derive(Debug, Subcommand)]
enum Command {
    /// Answer calls from a scenario file (the default)
    Serve(Box<serve::Serve>),
    /// Find the mistakes in scenario files and in the files of incidents
    Check(check::Check),
    /// Show what a rule with chance or a drawn delay will draw, without a server
    Chance(chance::Chance),
    /// Write a scenario to begin with: ten lines from four answers
    Init(init::Init),
    /// Print the JSON Schema of scenario files, or of the files of incidents, for editors
    Schema(schema::Schema),
    /// Print the service description (WSDL)
    Wsdl(wsdl::Wsdl),
    /// Print what is imitated, how it is known, and which test checks it
    Fidelity(fidelity::Fidelity),
    /// Import users into a scenario; list and change the users of a running server
    #[command(subcommand, alias = "user")]
    Users(users::Users),
    /// Show the server's state: spaces, connections, failures
    Status(status::Status),
    /// Wait until a server answers calls
    Wait(wait::Wait),
    /// Stop a running server in good order, as Ctrl-C does
    Stop(stop::Stop),
    /// Open the page of a running server in the browser
    Open(open::Open),
    /// List the calls that the server received, or follow them
    Calls(calls::Calls),
    /// Show one call in full
    Call(call::Call),
    /// List the messages that the server sent, with their codes, or wait for one
    #[command(alias = "message")]
    Messages(messages::Messages),
    /// Write what happened into one HTML file, for a ticket or as an artifact of CI
    Report(report::Report),
    /// Do what a person does with a ringing phone, a text message or the app
    #[command(subcommand, alias = "phones")]
    Phone(phone::Phone),
    /// List, add and remove rules
    #[command(subcommand, alias = "rules")]
    Rule(rule::Rule),
    /// Show TLS faults, and switch them on and off
    #[command(subcommand)]
    TlsFault(tls_fault::Fault),
    /// List, show, begin and end incidents: a restart, an expired password, a busy carrier and others
    #[command(subcommand, alias = "incidents")]
    Incident(incident::Incident),
    /// Show and set the time of a space
    #[command(subcommand)]
    Clock(clock::Clock),
    /// List, make, reset, print and remove spaces
    #[command(subcommand, visible_alias = "spaces")]
    Space(space::Space),
    /// Compare what happened with a file of expectations
    Verify(verify::Verify),
    /// Show, renew, export and trust the certificates
    #[command(subcommand, alias = "cert")]
    Certs(certs::Certs),
    /// Check and change the settings file of Microsoft Identity Manager, and call as it does
    #[command(subcommand)]
    Mim(mim::Command),
    /// Examine whether this machine is ready to serve, or to call; change nothing
    Doctor(doctor::Doctor),
    /// Print the script that completes this command line in a shell
    Completions(completions::Completions),
    /// Serve as a Windows service
    #[command(subcommand)]
    Service(service::Service),
}

/// Runs the program with the words of its command line, the program's name first.
pub async fn run(words: impl IntoIterator<Item = OsString>) -> ExitCode {
    let words: Vec<_> = words.into_iter().collect();
    if wants_long_version(&words) {
        return match Output::new(&mut io::stdout()).line(long_version()) {
            Ok(()) => ExitCode::SUCCESS,
            Err(_) => ExitCode::from(3),
        };
    }
    let arguments = match Arguments::of(words) {
        Ok(arguments) => arguments,
        Err(wrong) => wrong.exit(),
    };
    let (mut stdout, mut written) = (io::stdout(), Vec::new());
    let is_terminal = stdout.is_terminal();
    let out = &mut match &arguments.out {
        None => Output::new(&mut stdout).on_terminal(is_terminal),
        Some(_) => Output::new(&mut written),
    };
    let result = match arguments.command.unwrap_or_else(|| Command::Serve(arguments.serve.into())) {
        Command::Serve(serve) => serve.run().await,
        Command::Check(args) => args.run(out),
        Command::Chance(args) => args.run(out),
        Command::Init(args) => args.run(out),
        Command::Schema(args) => args.run(out),
        Command::Wsdl(args) => args.run(out),
        Command::Fidelity(args) => args.run(out),
        Command::Users(command) => command.run(out).await,
        Command::Status(args) => args.run(out).await,
        Command::Wait(args) => args.run(out).await,
        Command::Stop(args) => args.run(out).await,
        Command::Open(args) => args.run(out).await,
        Command::Calls(args) => args.run(out).await,
        Command::Call(args) => args.run(out).await,
        Command::Messages(args) => args.run(out).await,
        Command::Report(args) => args.run(out).await,
        Command::Phone(command) => command.run(out).await,
        Command::Rule(command) => command.run(out).await,
        Command::TlsFault(command) => command.run(out).await,
        Command::Incident(command) => command.run(out).await,
        Command::Clock(command) => command.run(out).await,
        Command::Space(command) => command.run(out).await,
        Command::Verify(args) => args.run(out).await,
        Command::Certs(command) => command.run(out),
        Command::Mim(command) => command.run(out, &mut mim::ask).await,
        Command::Doctor(args) => args.run(out).await,
        Command::Completions(args) => args.run(out),
        Command::Service(command) => command.run(out),
    };
    let result = result.and_then(|code| {
        if let Some(file) = &arguments.out {
            let shown = file.display();
            file::write(file, &written, Access::Usual).with_context(|| {
                format!("cannot write {shown}; give --out a file in a folder that this account may write")
            })?;
        }
        Ok(code)
    });
    result.unwrap_or_else(|error| {
        complain(format_args!("locmfa: {error:#}"));
        if error.is::<Several>() {
            return ExitCode::from(2);
        }
        let Some(refused) = error.downcast_ref::<Refused>() else { return ExitCode::from(3) };
        refused.mistakes().iter().for_each(|it| complain(format_args!("\n{it}")));
        ExitCode::from(1)
    })
}

/// `--version --verbose`: clap answers `--version` before it reads the rest.
fn wants_long_version(words: &[OsString]) -> bool {
    let has = |long: &str, short: &str| words.iter().skip(1).any(|it| it == long || it == short);
    words.len() == 3 && has("--version", "-V") && has("--verbose", "-v")
}

/// The version, the commit and the features that it was built from.
fn long_version() -> String {
    format!(
        "locmfa {}\ncommit {}\nfeatures {}\nsystem {}-{}",
        env!("CARGO_PKG_VERSION"),
        env!("LOCMFA_COMMIT"),
        env!("LOCMFA_FEATURES"),
        std::env::consts::ARCH,
        std::env::consts::OS
    )
}

impl Arguments {
    /// What to serve with, if the command line is one to serve.
    fn serves(&self) -> Option<&serve::Serve> {
        match &self.command {
            None => Some(&self.serve),
            Some(Command::Serve(serve)) => Some(serve),
            Some(_) => None,
        }
    }

    /// The command line. Each option of `serve` is also taken from an environment variable: `LOCMFA_` and its name. An
    /// option that can be given more than once takes a list with commas. An empty variable is as none: Compose sets one for
    /// a value that is missing.
    fn with_variables() -> clap::Command {
        let with = |arg: clap::Arg| {
            // What serves under `--admin` is what the commands ask under LOCMFA_ADMIN.
            let name = match arg.get_id().as_str() {
                "admin" => "ADMIN_LISTEN".to_owned(),
                id => id.to_uppercase(),
            };
            let arg = match arg.get_action() {
                ArgAction::Append => arg.value_delimiter(','),
                ArgAction::SetTrue => arg.value_parser(BoolishValueParser::new()),
                _ => arg,
            };
            let name = format!("LOCMFA_{name}");
            #[expect(clippy::disallowed_methods, reason = "the command line reads the environment")]
            match std::env::var_os(&name) {
                Some(value) if value.is_empty() => arg,
                _ => arg.env(name),
            }
        };
        Self::command().mut_args(with).mut_subcommand("serve", |it| it.mut_args(with))
    }

    /// Names the environment variable that a wrong value comes from: clap names the option alone.
    fn with_source(mut wrong: clap::Error, words: &[OsString]) -> clap::Error {
        let Some(ContextValue::String(option)) = wrong.get(ContextKind::InvalidArg) else { return wrong };
        let option = option.split(' ').next().unwrap_or_default().to_owned();
        let is_given = words.iter().any(|it| it.to_string_lossy().starts_with(&option));
        let command = Self::with_variables();
        let mut arguments = command.get_arguments();
        let variable = arguments.find(|it| it.get_long().is_some_and(|it| option == format!("--{it}")));
        if let Some(variable) = variable.and_then(clap::Arg::get_env).filter(|_| !is_given) {
            let said = format!("the environment variable {} says so", variable.display());
            wrong.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![said.into()]));
        }
        wrong
    }

    /// Reads a command line, the program's name first.
    ///
    /// # Errors
    /// What is wrong with it, or the text of `--help` or `--version`. A first word that is neither a file nor a
    /// subcommand is a misspelt subcommand.
    pub fn of(words: impl IntoIterator<Item = OsString>) -> Result<Self, clap::Error> {
        let words: Vec<_> = words.into_iter().collect();
        let parsed = Self::with_variables().try_get_matches_from(&words);
        let parsed = parsed.map_err(|it| Self::with_source(it, &words)).and_then(|mut it| {
            let out = out_of(&it);
            Self::from_arg_matches_mut(&mut it).map(|it| Self { out, ..it })
        });
        let scenario = match &parsed {
            Ok(Self { command: None, serve, .. }) => serve.scenario.as_deref(),
            Ok(_) => None,
            Err(_) => words.get(1).map(Path::new),
        };
        match scenario.and_then(misspelt) {
            Some(message) => Err(Self::command().error(ErrorKind::InvalidSubcommand, message)),
            None => parsed.and_then(|it| match it.serves().and_then(serve::Serve::conflict) {
                Some(message) => Err(Self::command().error(ErrorKind::ArgumentConflict, message)),
                None => Ok(it),
            }),
        }
    }
}

/// The file of `--out`, which any command may have.
fn out_of(matches: &ArgMatches) -> Option<PathBuf> {
    match matches.subcommand() {
        Some((_, inner)) => out_of(inner),
        None => matches.try_get_one::<PathBuf>("out").ok().flatten().cloned(),
    }
}

/// What to say of a word that stands for a scenario or a subcommand and is neither. `None`: it may be a file.
fn misspelt(word: &Path) -> Option<String> {
    let text = word.to_str()?;
    let command = Arguments::command();
    let names: Vec<&str> = command.get_subcommands().map(clap::Command::get_name).collect();
    let is_name = !text.is_empty() && text.chars().all(|it| it.is_alphanumeric() || matches!(it, '-' | '_'));
    if !is_name || text.starts_with('-') || text == "help" || names.contains(&text) || word.exists() {
        return None;
    }
    let lower = text.to_lowercase();
    let near = names.iter().map(|it| (strsim::damerau_levenshtein(&lower, it), *it)).min();
    let remedy = match near {
        Some((distance, name)) if distance <= 1 + name.len() / 4 => format!("Did you mean `{name}`?"),
        _ => "`locmfa --help` lists the commands.".into(),
    };
    Some(format!("There is no file or command `{text}`. {remedy}"))
}
