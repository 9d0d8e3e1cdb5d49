//! The command line: a file for each subcommand. Arguments, printing, exit codes and signals are met only here.

mod certs;
mod check;
mod control;
mod fidelity;
mod files;
pub mod mim;
mod print;
mod schema;
mod serve;
mod service;
mod table;
mod users;
mod wsdl;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::doctor;
use certs::Certs;
use check::Check;
use serve::Serve;
use service::Service;
use users::Users;
use wsdl::Wsdl;

///
/// Without a subcommand it serves: `locmfa scenarios/sspr-phone-gate.yaml` is `locmfa serve …`, and `locmfa` alone
/// serves the built-in scenario.
#[derive(Debug, Parser)]
#[command(version, args_conflicts_with_subcommands = true, after_help = EXIT_CODES)]
pub struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    serve: Serve,
}

const EXIT_CODES: &str = "Exit codes: 0 done; 1 a scenario or a settings file has mistakes, a verification failed, the server said no, or nothing was changed; 2 the command line is wrong; 3 it cannot start or go on (a port, a certificate, a file), or no server answers.";

#[derive(Debug, Subcommand)]
enum Command {
    /// Answer calls from a scenario file (the default)
    Serve(Box<Serve>),
    /// Find the mistakes in scenario files
    Check(Check),
    /// Print the JSON Schema of scenario files, for editors
    Schema,
    /// Print the service description (WSDL)
    Wsdl(Wsdl),
    /// Print what is imitated, how it is known, and which test holds it
    Fidelity,
    /// Bring users into a scenario; list and change those of a server that runs
    #[command(subcommand)]
    Users(Users),
    #[command(flatten)]
    Control(control::Command),
    /// Show or renew the certificates
    #[command(subcommand)]
    Certs(Certs),
    /// Check and change the settings file of Microsoft Identity Manager
    #[command(subcommand)]
    Mim(mim::Command),
    /// Look whether this machine is fit to serve, or to call; it changes nothing
    Doctor(doctor::Doctor),
    /// Serve as a service of Windows
    #[command(subcommand)]
    Service(Service),
}

/// Runs the program and tells its exit code.
pub async fn run(arguments: Arguments) -> ExitCode {
    let result = match arguments.command.unwrap_or_else(|| Command::Serve(arguments.serve.into())) {
        Command::Serve(serve) => {
            serve::log_to_stderr(serve.log, serve.verbose);
            serve::serve(*serve, serve::told_to_stop).await
        }
        Command::Check(check) => check::check(&check),
        Command::Schema => schema::run(),
        Command::Wsdl(wsdl) => wsdl::run(&wsdl),
        Command::Fidelity => fidelity::run(),
        Command::Users(Users::Import(args)) => users::import(&args),
        Command::Users(Users::Control(command)) => control::users(command, &mut io::stdout(), &mut io::stderr()).await,
        Command::Control(command) => control::run(command, &mut io::stdout(), &mut io::stderr()).await,
        Command::Certs(command) => certs::run(&command),
        Command::Mim(command) => mim::run(&command, &mut io::stdout(), &mut mim::ask).await,
        Command::Doctor(args) => doctor::run(&args, &mut io::stdout()).await,
        Command::Service(Service::Act(action)) => service::act(&action),
        Command::Service(Service::Run { folder, serve }) => service::run(&folder, *serve),
    };
    match result {
        Ok(code) => code,
        Err(error) => {
            // Nobody is left to tell if standard error is gone.
            let _ = writeln!(io::stderr(), "locmfa: {error:#}");
            ExitCode::from(3)
        }
    }
}
