//! `locmfa phone`: what a person does with a phone that rings, a text message or the app.

use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::admin::{ListArgs, Target};
use super::print::Output;
use super::table::Column;
use crate::control::{self, List};

#[derive(Debug, Subcommand)]
pub(super) enum Phone {
    /// List the open challenges, or wait for one
    List {
        #[command(flatten)]
        args: ListArgs,
        /// Print each step of challenges when it comes: the phone rings, is answered, and how it ends
        #[arg(long, conflicts_with_all = ["wait", "csv", "out"])]
        follow: bool,
    },
    /// Answer the call
    Answer(Act),
    /// Press keys: digits, * and #
    Press {
        keys: String,
        #[command(flatten)]
        act: Act,
    },
    /// Enter a PIN and #: digits, or pin, wrong-pin, fraud-code
    Enter {
        what: String,
        #[command(flatten)]
        act: Act,
    },
    /// Hang up
    HangUp(Act),
    /// Reply to the text message: a text, or code, wrong-code
    Reply {
        text: String,
        #[command(flatten)]
        act: Act,
    },
    /// Approve: answer and press #, with the PIN where it is asked; reply with the code; approve in the app
    Approve(Act),
    /// Deny: hang up, reply with a wrong code, deny in the app
    Deny(Act),
    /// Report fraud in the app: another person signs in
    Fraud(Act),
}

#[derive(Args, Debug)]
pub(super) struct Act {
    /// The challenge; needed only if several are open
    #[arg(long, value_name = "NUMBER")]
    id: Option<u64>,
    #[command(flatten)]
    target: Target,
}

const COLUMNS: &[Column] = &[
    ("ID", "id"),
    ("SINCE (UTC)", "since"),
    ("STATE", "state"),
    ("CHANNEL", "channel"),
    ("USER", "username"),
    ("OWNER", "owner"),
    ("PHONE", "phone"),
    ("CODE", "code"),
    ("DUE (UTC)", "due"),
    ("RULE", "rule"),
];

/// The columns of steps.
const STEPS: &[Column] = &[
    ("TIME (UTC)", "at"),
    ("ID", "challenge"),
    ("STEP", "stage"),
    ("CHANNEL", "channel"),
    ("PHONE", "phone"),
    ("USER", "username"),
    ("OWNER", "owner"),
    ("ENDING", "ending"),
    ("RULE", "rule"),
];

impl Phone {
    pub(super) async fn run(self, out: &mut Output<'_>) -> anyhow::Result<ExitCode> {
        let (what, Act { id, target }) = match self {
            Self::List { args, follow: true } => {
                args.follow("challenge", STEPS, out).await?;
                return Ok(ExitCode::SUCCESS);
            }
            Self::List { args, follow: false } => {
                let came = args.print(List::Challenges, COLUMNS, out).await?;
                return Ok(ExitCode::from(u8::from(!came)));
            }
            Self::Answer(act) => (control::Act::Answer, act),
            Self::Press { keys, act } => (control::Act::Press(keys), act),
            Self::Enter { what, act } => (control::Act::Enter(what), act),
            Self::HangUp(act) => (control::Act::HangUp, act),
            Self::Reply { text, act } => (control::Act::Reply(text), act),
            Self::Approve(act) => (control::Act::Approve, act),
            Self::Deny(act) => (control::Act::Deny, act),
            Self::Fraud(act) => (control::Act::Fraud, act),
        };
        let challenge = target.api()?.act(id, &what).await?;
        target.print_sheet(out, &challenge)?;
        Ok(ExitCode::SUCCESS)
    }
}
