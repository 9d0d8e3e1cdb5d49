//! The house in order: modules use one another in one direction, and files hold no more than they should.

use std::fs;
use std::path::{Path, PathBuf};

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
const JSON_SCHEMA: [&str; 2] = ["scenario/schema.rs", "server/admin/users.rs"];

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

/// Each source file below `src`, by its path there, without its unit tests.
fn sources() -> Vec<(String, String)> {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let read = |path: PathBuf| {
        let name = path.strip_prefix(&src).unwrap().to_str().unwrap().replace('\\', "/");
        let text = fs::read_to_string(&path).unwrap();
        let code = text.split("\n#[cfg(test)]\nmod tests {").next().unwrap();
        (name, code.to_owned())
    };
    rust_files(&src).into_iter().map(read).collect()
}
