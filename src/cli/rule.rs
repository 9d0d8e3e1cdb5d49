//! `locmfa rule`: the rules of a space.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::bail;
use clap::Subcommand;
use serde_json::{Map, Value};

use super::admin::{Target, of_source, pair};
use super::files;
use super::print::{Output, complain};
use super::table::Column;

#[derive(Debug, Subcommand)]
pub(super) enum Rule {
    /// List the rules in their order
    List {
        #[command(flatten)]
        target: Target,
    },
    /// Add a rule before all others
    Add {
        /// The rule by the keys of a scenario, such as when.phone=4255550101 outcome=busy; or as it stands in a
        /// scenario, '{when: {user: anna}, outcome: busy}'
        #[arg(value_name = "KEY=VALUE", required_unless_present = "file")]
        rule: Vec<String>,
        /// The file with the rule, in YAML or JSON; - is standard input
        #[arg(long, value_name = "FILE", conflicts_with = "rule")]
        file: Option<PathBuf>,
        /// The number of calls that the rule decides
        #[arg(long, value_name = "COUNT")]
        times: Option<u64>,
        /// How long the rule lasts, such as 10m
        #[arg(long, value_name = "TIME")]
        lasts: Option<String>,
        #[command(flatten)]
        target: Target,
    },
    /// Remove a rule
    Remove {
        name: String,
        #[command(flatten)]
        target: Target,
    },
}

const COLUMNS: &[Column] = &[
    ("NAME", "name"),
    ("CALLS", "calls"),
    ("DRAWS", "draws"),
    ("LEFT", "left"),
    ("UNTIL", "until"),
    ("RULE", "written"),
];

impl Rule {
    pub(super) async fn run(self, out: &mut Output<'_>) -> anyhow::Result<ExitCode> {
        match self {
            Self::List { target } => target.print_page(out, COLUMNS, &target.api()?.rules().await?)?,
            Self::Add { rule, file, times, lasts, target } => {
                let source = file.as_ref().map_or_else(|| "the rule".into(), |it| it.display().to_string());
                let text = match (file, rule.as_slice()) {
                    (Some(file), _) => files::text_of(&file)?,
                    (None, [one]) if one == "-" => files::standard_input()?,
                    (None, words) => match written(words) {
                        Ok(text) => text,
                        Err(why) => {
                            complain(format_args!("locmfa: {why}"));
                            return Ok(ExitCode::from(2));
                        }
                    },
                };
                let added = target.api()?.add_rule(text, times, lasts).await;
                target.print_sheet(out, &added.map_err(|it| of_source(it, &source))?)?;
            }
            Self::Remove { name, target } => {
                target.api()?.remove_rule(&name).await?;
                target.print_done(out, &format!("The rule {name} is removed."))?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// The rule of a command line: pairs of keys and values, or one argument in YAML.
fn written(words: &[String]) -> anyhow::Result<String> {
    let is_key = |key: &str| !key.is_empty() && key.chars().all(|it| it.is_ascii_alphanumeric() || "._-".contains(it));
    let is_pair = |word: &String| word.split_once('=').is_some_and(|it| is_key(it.0.trim()));
    match words {
        _ if words.iter().all(is_pair) => {
            let mut rule = Map::new();
            for word in words {
                let (key, text) = pair(word).map_err(anyhow::Error::msg)?;
                enter(&mut rule, &key, value(&key, text)?)?;
            }
            Ok(Value::Object(rule).to_string())
        }
        [one] if !has_lost_quotes(one) => Ok(one.clone()),
        _ if words[0].trim_start().starts_with(['{', '[']) => bail!(
            "the shell took the double quotes out of the rule, as Windows PowerShell 5.1 does. Write pairs, which need none: locmfa rule add when.phone=4255550101 outcome=busy; or write the rule into a file and name it with --file"
        ),
        _ => {
            let odd = words.iter().find(|it| !is_pair(it)).map_or("", String::as_str);
            bail!("{odd:?} is no KEY=VALUE; write the rule like when.phone=4255550101 outcome=busy")
        }
    }
}

/// Whether JSON stands here whose quotes are gone: in YAML, a blank follows the colon of a key that has none.
fn has_lost_quotes(text: &str) -> bool {
    let after_key = text.split_once(':').map(|it| it.1);
    text.trim_start().starts_with('{')
        && after_key.is_some_and(|it| !it.starts_with(char::is_whitespace))
        && !text.contains(['"', '\''])
}

/// What stands behind the `=`: a text, or a list or mapping in YAML.
fn value(key: &str, text: String) -> anyhow::Result<Value> {
    if !text.starts_with(['[', '{']) {
        return Ok(text.into());
    }
    files::value_of(key, &text)
}

/// Enters a value under a key; in a key with dots, each part but the last names a mapping.
fn enter(rule: &mut Map<String, Value>, key: &str, value: Value) -> anyhow::Result<()> {
    let (mut map, mut rest) = (rule, key);
    while let Some((outer, inner)) = rest.split_once('.') {
        match map.entry(outer).or_insert_with(|| Map::new().into()) {
            Value::Object(it) => map = it,
            _ => bail!("{outer} has a value, and {key} wants keys in it; leave one of them out"),
        }
        rest = inner;
    }
    match map.insert(rest.into(), value) {
        None => Ok(()),
        Some(_) => bail!("{key} is there twice; give it once, with a list such as {key}=[a, b] for several values"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(words: &[&str]) -> Result<String, String> {
        let words: Vec<String> = words.iter().map(ToString::to_string).collect();
        written(&words).map_err(|it| it.to_string())
    }

    #[test]
    fn a_rule_is_written_in_pairs_that_need_no_quotes() {
        let pairs = ["when.phone=+1 425 555 0101", "when.user=[anna, ben]", "outcome=busy", "after=20s"];
        let expected = r#"{"when":{"phone":"+1 425 555 0101","user":["anna","ben"]},"outcome":"busy","after":"20s"}"#;
        assert_eq!(
            serde_json::from_str::<Value>(&of(&pairs).unwrap()).unwrap(),
            serde_json::from_str::<Value>(expected).unwrap()
        );
        assert!(of(&["outcome=busy", "outcome=fraud"]).unwrap_err().contains("outcome is there twice"));
        assert!(of(&["when=x", "when.user=anna"]).unwrap_err().contains("when has a value"));
        assert!(of(&["outcome=busy", "fraud"]).unwrap_err().contains("\"fraud\" is no KEY=VALUE"));
    }

    #[test]
    fn yaml_is_taken_as_it_stands_and_lost_quotes_are_named() {
        for yaml in
            ["{when: {user: anna}, outcome: busy}", r#"{"when":{"text":"a=b"},"outcome":"busy"}"#, "outcome: busy"]
        {
            assert_eq!(of(&[yaml]).unwrap(), yaml);
        }
        for lost in [
            &["{when:{phone:4255550101},outcome:busy}"][..],
            &["{when: {phone: +1", "425", "555", "0101}, outcome: busy}"],
        ] {
            assert!(of(lost).unwrap_err().contains("Windows PowerShell 5.1"), "{lost:?}");
        }
    }
}
