//! `docs/fidelity.md`, the ledger of what is imitated: nothing is missing, and what it names is there.

use std::fs;
use std::path::Path;

use locmfa::engine::Refusal;
use locmfa::operations;

const LEDGER: &str = include_str!("../../docs/fidelity.md");

/// What stands in code marks.
fn marked() -> impl Iterator<Item = &'static str> {
    LEDGER.lines().flat_map(|line| line.split('`').skip(1).step_by(2))
}

fn section(title: &str) -> &'static str {
    let (_, rest) = LEDGER.split_once(&format!("\n## {title}\n")).unwrap();
    rest.split("\n## ").next().unwrap()
}

#[test]
fn the_ledger_has_every_operation() {
    let named: Vec<_> =
        section("Operations").lines().filter_map(|it| it.strip_prefix("| `")?.split(" |").next()).collect();
    let named: Vec<_> = named.iter().flat_map(|it| it.split('`')).filter(|it| !it.is_empty() && *it != ", ").collect();
    let all: Vec<_> = operations::all().map(|it| it.signature.name).collect();
    assert_eq!(named, all);
}

#[test]
fn the_ledger_has_every_refusal_and_what_it_names_gives_it() {
    let rows = section("Refusals").lines().filter(|it| it.starts_with("| ")).skip(1);
    let rows: Vec<Vec<&str>> = rows.map(|it| it.trim_matches(['|', ' ']).split(" | ").collect()).collect();
    let named: Vec<_> = rows.iter().map(|it| (it[0].to_owned(), it[1])).collect();
    let all: Vec<_> = Refusal::TABLE.iter().map(|(code, name, _)| (code.to_string(), *name)).collect();
    assert_eq!(named, all);
    for row in rows {
        let held_by = row[3].trim_matches('`');
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/transcripts/{held_by}.txt"));
        if !held_by.contains("::") {
            let code = format!("Code: {}", row[0]);
            assert!(fs::read_to_string(file).unwrap().lines().any(|it| it.trim() == code), "{held_by} has no {code}");
        }
    }
}

#[test]
fn something_holds_every_row() {
    for table in LEDGER.split("\n\n").filter(|it| it.lines().next().is_some_and(|it| it.ends_with("| held by |"))) {
        for row in table.lines().skip(2) {
            assert!(row.ends_with("` |"), "nothing holds this: {row}");
        }
    }
}

#[test]
fn every_transcript_and_test_of_the_ledger_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let transcripts = root.join("tests/transcripts");
    let mut sources = String::new();
    for folder in [
        "tests/it",
        "tests/it/reading",
        "src",
        "src/sign_in",
        "src/server",
        "src/server/accept",
        "src/server/accept/tests",
        "src/tls",
    ] {
        let files = fs::read_dir(root.join(folder)).unwrap().map(|it| it.unwrap().path());
        for file in files.filter(|it| it.extension().is_some_and(|it| it == "rs")) {
            sources += &fs::read_to_string(file).unwrap();
        }
    }
    let mut count = 0;
    for name in marked() {
        if let Some((_, test)) = name.split_once("::") {
            count += 1;
            assert!(sources.contains(&format!("fn {test}(")), "there is no test {name}");
        } else if let Some((subject, behaviour)) = name.split_once('/')
            && !subject.is_empty()
            && transcripts.join(subject).is_dir()
        {
            count += 1;
            let file = transcripts.join(format!("{subject}/{behaviour}.txt"));
            assert!(file.is_file(), "there is no transcript {name}");
        }
    }
    assert!(count > 100, "{count}");
}

#[test]
fn every_transcript_is_in_the_ledger() {
    let transcripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/transcripts");
    let mut missing = Vec::new();
    for subject in fs::read_dir(transcripts).unwrap().map(|it| it.unwrap().path()) {
        for file in fs::read_dir(&subject).unwrap().map(|it| it.unwrap().path()) {
            let [subject, behaviour] = [subject.file_name(), file.file_stem()].map(|it| it.unwrap().to_str().unwrap());
            let name = format!("{subject}/{behaviour}");
            if !marked().any(|it| it == name) {
                missing.push(name);
            }
        }
    }
    assert!(missing.is_empty(), "docs/fidelity.md lacks {missing:#?}");
}
