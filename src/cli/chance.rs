//! `locmfa chance`: what a rule will draw, without a server.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use serde_json::{Value, json};

use super::files::{OutArgs, is_standard_input, one_named_by, standard_input};
use super::print::{Output, complain};
use super::table::{Column, table};
use crate::engine::{Bounds, Engine, NoPreview, Preview, Timestamp};
use crate::scenario;
use crate::server::reload::Source;
use crate::switchboard::draw_seed;
use crate::text::counted;

#[derive(Args, Debug)]
pub(super) struct Chance {
    /// The scenario file; `-` is standard input
    scenario: PathBuf,
    /// The name of the rule
    #[arg(long, value_name = "NAME")]
    rule: String,
    /// How many turns
    #[arg(long, value_name = "COUNT", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    turns: u32,
    /// The number that comes with the calls [default: +1 425 555 0100, unless --user names the user]
    #[arg(long, value_name = "NUMBER", default_value = "", hide_default_value = true)]
    number: String,
    /// The user that the calls name
    #[arg(long, value_name = "NAME", default_value = "", hide_default_value = true)]
    user: String,
    /// The seed, in place of the scenario's [default: one that is drawn]
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u64).range(..=i64::MAX as u64))]
    seed: Option<u64>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    out: OutArgs,
}

const COLUMNS: &[Column] = &[("TURN", "turn"), ("DREW", "drew"), ("TAKEN", "taken"), ("DELAY", "delay")];

impl Chance {
    pub(super) fn run(self, out: &mut Output<'_>) -> anyhow::Result<ExitCode> {
        let source = match is_standard_input(&self.scenario) {
            true => Source::Input(standard_input()?.into()),
            false => Source::File(one_named_by(&self.scenario)?),
        };
        let mut setup = match source.load() {
            Ok(scenario) => scenario.setup,
            Err(mistakes) => {
                mistakes.iter().for_each(|it| complain(format_args!("{it}\n")));
                complain(format_args!("locmfa: {source} has {}.", mistakes.summary()));
                return Ok(ExitCode::from(1));
            }
        };
        setup.seed = self.seed.or(setup.seed);
        let engine = Engine::new(setup, Timestamp::default(), draw_seed(), Bounds::default());
        let number = match (&*self.user, &*self.number) {
            ("", "") => "+1 425 555 0100",
            (_, number) => number,
        };
        let preview = match engine.preview(&self.rule, &self.user, number, self.turns) {
            Ok(preview) => preview,
            Err(why) => {
                complain(format_args!("locmfa: {}", refusal(&engine, &self.rule, why)));
                return Ok(ExitCode::from(2));
            }
        };
        let rows: Vec<Value> = (1..).zip(&preview.turns).map(|(turn, it)| row(turn, it)).collect();
        let (seed, Preview { rule, per, key, .. }) = (engine.seed(), &preview);
        if self.json {
            out.json(&json!({"seed": seed, "rule": &**rule, "per": per.word(), "of": key, "turns": rows}))?;
            return Ok(ExitCode::SUCCESS);
        }
        let of = if key.is_empty() { String::new() } else { format!(", {} {key}", per.word()) };
        let text = table(COLUMNS, &rows);
        out.print(&format!("seed {seed}, rule {rule:?}{of}\n\n{text}"))?;
        if rows.iter().any(|it| it.get("drew").is_some()) {
            let taken = rows.iter().filter(|it| it["taken"] == true).count();
            out.line(format_args!("\n{taken} of {} taken", counted(rows.len(), "turn")))?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn row(turn: usize, it: &crate::engine::PreviewedTurn) -> Value {
    let mut row = json!({"turn": turn});
    if let Some(draw) = &it.draw {
        row["drew"] = draw.drew.into();
        row["taken"] = draw.is_taken().into();
    }
    if let Some(delay) = it.delay {
        row["delay"] = humantime::format_duration(delay.in_space + delay.in_world).to_string().into();
    }
    row
}

/// What is wrong with the command line, and what to do.
fn refusal(engine: &Engine, rule: &str, why: NoPreview) -> String {
    match why {
        NoPreview::UnknownRule => {
            let names: Vec<_> = engine.all_rules().map(|it| it.rule.name.to_string()).collect();
            let meant = scenario::closest(rule, names.iter().map(String::as_str));
            let meant = meant.map(|it| format!("Did you mean {it}? ")).unwrap_or_default();
            format!(
                "there is no rule {rule:?}. {meant}The scenario has: {}",
                crate::text::listed(names.iter().map(String::as_str))
            )
        }
        NoPreview::DrawsNothing => {
            format!("the rule {rule:?} draws nothing: it has neither chance nor a delay that is drawn")
        }
        NoPreview::NeedsNumber => {
            format!(
                "the rule {rule:?} draws for each number; give the one that is called with --number, or its user with --user"
            )
        }
        NoPreview::NeedsUser => {
            format!(
                "the rule {rule:?} draws for each user; give the one who is asked with --user, or their number with --number"
            )
        }
        NoPreview::NotANumber(why) => format!("--number cannot be read ({why}); write it as +1 425 555 0100"),
    }
}
