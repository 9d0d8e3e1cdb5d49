//! Tells the program its commit and its features, for `locmfa --version --verbose`.

#![expect(clippy::disallowed_methods, reason = "Cargo tells a build script everything by the environment")]

use std::env;
use std::fs;
use std::process::Command;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-env-changed=LOCMFA_COMMIT");
    println!("cargo:rustc-env=LOCMFA_COMMIT={}", commit());
    let mut features: Vec<String> = env::vars()
        .filter_map(|(name, _)| Some(name.strip_prefix("CARGO_FEATURE_")?.to_lowercase().replace('_', "-")))
        .filter(|it| it != "default")
        .collect();
    features.sort();
    println!(
        "cargo:rustc-env=LOCMFA_FEATURES={}",
        if features.is_empty() { "none".into() } else { features.join(" ") }
    );
}

/// The commit: that of the environment, which a release sets; of the published package; of the git checkout.
fn commit() -> String {
    if let Some(commit) = env::var("LOCMFA_COMMIT").ok().filter(|it| !it.is_empty()) {
        return commit;
    }
    // Cargo writes it into the package that it publishes.
    let package = fs::read_to_string(".cargo_vcs_info.json").unwrap_or_default();
    if let Some(commit) = package.split("\"sha1\": \"").nth(1).and_then(|it| it.split('"').next()) {
        return commit.into();
    }
    // A build for tests is not made again for each commit.
    if env::var("PROFILE").is_ok_and(|it| it == "debug") {
        return "unknown (a debug build)".into();
    }
    for file in ["HEAD", "logs/HEAD"] {
        if let Some(path) = git(&["rev-parse", "--git-path", file]) {
            println!("cargo:rerun-if-changed={path}");
        }
    }
    git(&["rev-parse", "HEAD"]).unwrap_or_else(|| "unknown".into())
}

/// What git prints. `None`: there is no git, or no checkout.
fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").args(arguments).output().ok().filter(|it| it.status.success())?;
    Some(String::from_utf8(output.stdout).ok()?.trim().into())
}
