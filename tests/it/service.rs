//! The service of Windows, as far as other systems see it, and the page that tells of it.

use std::process::Command;

use clap::Parser;
use locmfa::cli::Arguments;

/// Runs the program: its exit code and what it said.
fn run(arguments: &[&str]) -> (i32, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_locmfa")).args(arguments).output().unwrap();
    (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
}

#[cfg(not(windows))]
#[test]
fn elsewhere_it_says_what_to_use_instead() {
    for arguments in [&["install", "--rsa"][..], &["start"], &["stop"], &["uninstall"], &["status"]] {
        let (code, said) = run(&[&["service"], arguments].concat());
        assert_eq!(code, 3, "{said}");
        assert!(said.contains("systemd") && said.lines().count() == 1, "{said}");
    }
}

#[test]
fn a_wrong_option_is_told_before_anything_is_installed() {
    let (code, said) = run(&["service", "install", "my.yaml", "--listn", "0.0.0.0:9999"]);
    assert!(code == 2 && said.contains("--listen"), "{code} {said}");
    for (arguments, expected) in [
        (["one.yaml", "two.yaml", "--rsa"], "name one scenario, before the options"),
        (["my.yaml", "--ready-file", "r.json"], "ready.json in its folder"),
    ] {
        let (code, said) = run(&[&["service", "install"], &arguments[..]].concat());
        assert!(code == 3 && said.contains(expected), "{code} {said}");
    }
}

#[test]
fn the_page_on_windows_has_only_commands_that_there_are() {
    let page = include_str!("../../docs/windows.md");
    let commands: Vec<&str> = page.lines().filter(|it| it.starts_with("locmfa ")).collect();
    assert!(commands.len() > 12, "{commands:?}");
    for command in commands {
        let words = command.split(' ').map(|it| it.trim_matches('\''));
        // A number has a blank in it, and nothing else on that page does.
        let words: Vec<&str> = words.filter(|it| !it.starts_with("4255550")).collect();
        if let Err(error) = Arguments::try_parse_from(&words) {
            assert_eq!(error.kind(), clap::error::ErrorKind::DisplayVersion, "{command}: {error}");
        }
    }
}
