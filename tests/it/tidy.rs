//! The house in order: modules use one another in one direction, and files hold no more than they should.

mod imports;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use locmfa::contract::{Field, Shape};
use locmfa::operations;

#[test]
fn modules_use_only_those_above_them() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let lib = fs::read_to_string(src.join("lib.rs")).unwrap();
    let order: Vec<&str> = lib.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';')).collect();
    let place = |name: &str| order.iter().position(|it| *it == name);

    let mut backward = Vec::new();
    for path in rust_files(&src) {
        let relative = path.strip_prefix(&src).unwrap();
        let top = relative.components().next().unwrap().as_os_str().to_str().unwrap();
        let Some(user) = place(top.trim_end_matches(".rs")) else { continue };
        for used in uses(&fs::read_to_string(&path).unwrap()) {
            if place(&used).is_some_and(|used| user < used) {
                backward.push(format!("{} uses crate::{used}", relative.display()));
            }
        }
    }
    assert!(order.len() > 8, "{order:?}");
    assert!(backward.is_empty(), "these look up the stack:\n{}", backward.join("\n"));
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|it| it.unwrap().path());
    entries.flat_map(|it| if it.is_dir() { rust_files(&it) } else { vec![it] }).collect()
}

/// The modules that follow `crate::` in a source file.
fn uses(source: &str) -> Vec<String> {
    let after = source.split("crate::").skip(1);
    after.map(|it| it.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()).collect()
}

/// Files that write JSON Schema, which has types of the same names.
const JSON_SCHEMA: [&str; 3] = ["scenario/grammar.rs", "scenario/schema.rs", "server/admin/users.rs"];

#[test]
fn names_of_primitives_stand_in_one_file() {
    let mut strays = Vec::new();
    for (file, code) in sources() {
        for name in ["boolean", "int", "unsignedInt", "long", "double", "string", "dateTime"] {
            let is_declared = file == "contract/primitive.rs" || JSON_SCHEMA.contains(&file.as_str());
            if !is_declared && code.contains(&format!("\"{name}\"")) {
                strays.push(format!("{file} has \"{name}\""));
            }
        }
    }
    assert!(strays.is_empty(), "match on contract::Primitive:\n{}", strays.join("\n"));
}

/// Each source file below `src`, by its path there, without unit tests.
fn sources() -> impl Iterator<Item = (String, String)> {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let files = rust_files(&src);
    let read = move |path: PathBuf| {
        let text = fs::read_to_string(&path).unwrap();
        let code = text.split("\n#[cfg(test)]\nmod tests {").next().unwrap();
        (name_below(&src, &path), code.to_owned())
    };
    let is_code = |it: &(String, String)| !it.0.ends_with("/tests.rs") && !it.0.contains("/tests/");
    files.into_iter().map(read).filter(is_code)
}

/// Files outside the declarations that name a parameter, and why.
const NAME_PARAMETERS: [(&str, &str); 2] = [
    ("engine/directory/devices.rs", "a refusal names the text that is too long"),
    ("engine/directory/secrets.rs", "a refusal names the text that is too long"),
];

#[test]
fn wire_names_of_parameters_stand_in_declarations() {
    let requests = || operations::all().map(|it| it.signature.request);
    // A name that Rust writes in the same way is also a key of scenario files.
    let of_wire = |it: &&Field| it.name != it.key;
    let names: BTreeSet<&str> = requests().flat_map(Shape::fields).filter(of_wire).map(|it| it.name).collect();

    let mut found = BTreeSet::new();
    for (file, code) in sources().filter(|it| !it.0.starts_with("contract/") && !it.0.starts_with("operations/")) {
        for name in names.iter().filter(|it| code.contains(&format!("\"{it}\""))) {
            found.insert((file.clone(), *name));
        }
    }
    let allowed: BTreeSet<&str> = NAME_PARAMETERS.map(|it| it.0).into();
    let files: BTreeSet<&str> = found.iter().map(|it| it.0.as_str()).collect();
    assert!(names.contains("phoneNumber") && names.contains("initiatingIpAddress"), "{names:?}");
    assert_eq!(files, allowed, "give the field a role (contract::Role), or the file a reason: {found:?}");
}

#[test]
fn modules_of_a_folder_use_one_another_in_one_direction() {
    let circles = imports::Modules::read(sources()).circles();
    assert!(circles.is_empty(), "move what both sides need into a file below them: {circles:?}");
}

/// Files above [`LONG`] lines, and why they are one thing. One that got shorter must leave the list.
const LONG_FILES: [(&str, &str); 3] = [
    ("src/contract/types.rs", "a table: the records and enumerations of the contract in schema order"),
    ("src/sign_in/tests.rs", "tests of one conversation, with its clients"),
    ("tests/it/mim.rs", "tests of one file, MfaSettings.xml, with its findings"),
];

/// Lines.
const LONG: usize = 600;

#[test]
fn long_files_have_a_reason() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folders = ["src", "tests", "benches", "examples"].map(|it| root.join(it));
    let files = folders.iter().filter(|it| it.is_dir()).flat_map(|it| rust_files(it));
    let long = files.filter(|it| it.extension().is_some_and(|it| it == "rs") && lines(it) > LONG);
    let long: BTreeSet<String> = long.map(|it| name_below(root, &it)).collect();
    let listed: BTreeSet<String> = LONG_FILES.map(|it| it.0.to_owned()).into();
    assert_eq!(long, listed, "split it by idea, or give it a reason");
}

fn lines(path: &Path) -> usize {
    fs::read_to_string(path).unwrap().lines().count()
}

/// A file's path below a folder, with `/` on every system.
fn name_below(folder: &Path, path: &Path) -> String {
    path.strip_prefix(folder).unwrap().to_str().unwrap().replace('\\', "/")
}

/// Arguments, standard input and output, and exit codes are the command line's alone.
#[test]
fn the_command_line_is_in_one_folder() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let words = ["clap", "println", "print", "eprintln", "eprint", "stdin", "stdout", "stderr", "ExitCode", "exit"];
    let mut found = Vec::new();
    for path in rust_files(&src) {
        let relative = path.strip_prefix(&src).unwrap();
        if relative.starts_with("cli") || relative == Path::new("main.rs") {
            continue;
        }
        for (at, line) in fs::read_to_string(&path).unwrap().lines().enumerate() {
            let code = line.split("//").next().unwrap_or_default();
            let has = |word: &str| match word {
                "print" | "println" | "eprint" | "eprintln" => code.contains(&format!("{word}!(")),
                "exit" => code.contains("process::exit"),
                word => code.split(|it: char| !it.is_alphanumeric() && it != '_').any(|it| it == word),
            };
            // The output of a program that this one starts, and the log's own writer.
            let is_other = code.contains("output.std") || (relative == Path::new("log.rs") && has("stderr"));
            found.extend(
                words
                    .iter()
                    .filter(|it| !is_other && has(it))
                    .map(|it| format!("{}:{}: {it}", relative.display(), at + 1)),
            );
        }
    }
    assert!(found.is_empty(), "these belong below src/cli:\n{}", found.join("\n"));
}

#[test]
fn every_test_that_the_page_on_reliability_names_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let files = ["src", "tests/it"].iter().flat_map(|it| rust_files(&root.join(it)));
    let code: String = files.chain([root.join("tests/faults/run")]).map(|it| fs::read_to_string(it).unwrap()).collect();
    let page = fs::read_to_string(root.join("docs/reliability.md")).unwrap();
    let mut missing = Vec::new();
    let mut count = 0;
    for row in page.lines().filter(|it| it.starts_with("| ") && !it.starts_with("| promise |")) {
        let tests = row.trim_end_matches('|').rsplit('|').next().unwrap();
        let named = tests.split('`').skip(1).step_by(2);
        let names: Vec<_> = named.filter_map(|it| it.rsplit("::").next()).collect();
        if names.is_empty() && tests.trim() != "the same" {
            missing.push(format!("a test in {row}"));
        }
        let is_missing = |it: &&&str| !code.contains(&format!("fn {it}(")) && !code.contains(&format!("def {it}("));
        missing.extend(names.iter().filter(is_missing).map(|it| (*it).to_owned()));
        count += names.len();
    }
    assert!(count > 40, "{count}");
    assert!(missing.is_empty(), "docs/reliability.md names what is not there:\n{}", missing.join("\n"));
}
