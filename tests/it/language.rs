//! The language of pages, messages and comments: plain technical English, which names the actor.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// Words that name no actor, or that readers must look up.
const BANNED: [&str; 10] = ["nobody", "somebody", "whoever", "whom", "shall", "hardly", "anew", "he", "his", "him"];

/// Files that hold one as data, and not as prose.
const DATA: [(&str, &str); 2] = [
    ("src/sign_in/tests.rs", "the account nobody in recorded sign-ins"),
    ("tests/it/language.rs", "the words themselves"),
];

#[test]
fn prose_names_the_actor() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    for name in
        ["src", "docs", "scenarios", "certs", "clients", "fuzz/fuzz_targets", "tests/it/language.rs", "tests/kits"]
    {
        collect(&root.join(name), &mut files);
    }
    for name in ["README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "fuzz/README.md"] {
        files.push(root.join(name));
    }
    let mut found = BTreeSet::new();
    for file in files {
        let Ok(text) = fs::read_to_string(&file) else { continue };
        let name = file.strip_prefix(root).unwrap().to_str().unwrap().replace('\\', "/");
        if DATA.iter().any(|it| it.0 == name) {
            continue;
        }
        for (at, line) in text.lines().enumerate() {
            let words = line.split(|it: char| !it.is_alphanumeric() && it != '_').map(str::to_lowercase);
            found.extend(words.filter(|it| BANNED.contains(&it.as_str())).map(|it| format!("{name}:{}: {it}", at + 1)));
        }
    }
    assert!(found.is_empty(), "name the actor instead:\n{}", found.into_iter().collect::<Vec<_>>().join("\n"));
}

fn collect(path: &Path, files: &mut Vec<std::path::PathBuf>) {
    match fs::read_dir(path) {
        Ok(entries) => entries.for_each(|it| collect(&it.unwrap().path(), files)),
        Err(_) => files.push(path.into()),
    }
}
