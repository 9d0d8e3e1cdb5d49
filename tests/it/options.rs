//! The options of the program beside the command line: variables of the environment; and what it says of itself.

use std::fs;
use std::path::Path;

use crate::process::{locmfa, run};

fn run_with(folder: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> (i32, String) {
    let output = locmfa(folder, arguments).envs(variables.iter().copied()).output().unwrap();
    (output.status.code().unwrap(), String::from_utf8([output.stdout, output.stderr].concat()).unwrap())
}

#[test]
fn every_option_of_the_server_can_stand_in_the_environment() {
    let folder = tempfile::tempdir().unwrap();
    let (_, help) = run(folder.path(), &["serve", "--help"]);
    let help = help.split_whitespace().collect::<Vec<_>>().join(" ");
    let options = help.split_whitespace().filter_map(|it| it.strip_prefix("--"));
    let names: Vec<_> = options.filter(|it| it.chars().all(|it| it.is_ascii_lowercase() || it == '-')).collect();
    assert!(names.len() > 30, "{help}");
    for name in names.iter().filter(|it| **it != "help") {
        let variable = match *name {
            "admin" => "LOCMFA_ADMIN_LISTEN".to_owned(),
            name => format!("LOCMFA_{}", name.to_uppercase().replace('-', "_")),
        };
        assert!(help.contains(&format!("[env: {variable}=")), "{variable} is not in the help");
    }

    fs::write(folder.path().join("s.yaml"), "users: [anna]").unwrap();
    // Standard input is empty, so the server ends at once.
    let variables = [
        ("LOCMFA_SCENARIO", "s.yaml"),
        ("LOCMFA_HTTP", "true"),
        ("LOCMFA_LISTEN", "127.0.0.1:0,[::1]:0"),
        ("LOCMFA_LOG", "json"),
        ("LOCMFA_EXIT_WITH_STDIN", "true"),
    ];
    for arguments in [&[][..], &["serve"]] {
        let (code, text) = run_with(folder.path(), arguments, &variables);
        assert!(code == 0 && text.contains("\"service\":\"http://localhost:"), "{text}");
        assert!(text.contains("\"scenario\":\"s.yaml\"") && text.contains("standard input ended"), "{text}");
    }
}

#[test]
fn a_wrong_value_of_the_environment_names_its_variable() {
    let folder = tempfile::tempdir().unwrap();
    for (name, value, option) in
        [("LOCMFA_LISTEN", "junk", "--listen"), ("LOCMFA_HTTP", "junk", "--http"), ("LOCMFA_LOG", "junk", "--log")]
    {
        let (code, text) = run_with(folder.path(), &["serve"], &[(name, value)]);
        let said = format!("the environment variable {name} says so");
        assert!(code == 2 && text.contains(&format!("invalid value 'junk' for '{option}")), "{text}");
        assert!(text.contains(&said), "{text}");
        let option = format!("{option}=worse");
        let (code, text) = run_with(folder.path(), &["serve", &option], &[(name, value)]);
        assert!(code == 2 && !text.contains(&said), "{text}");
    }
}

#[test]
fn a_switch_of_the_environment_is_on_by_1_and_off_by_0_and_empty_is_as_none() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("s.yaml"), "users: [anna]").unwrap();
    for (switch, scheme) in [("1", "http"), ("yes", "http"), ("0", "https"), ("false", "https"), ("", "https")] {
        let variables = [
            ("LOCMFA_HTTP", switch),
            ("LOCMFA_SEED", ""),
            ("LOCMFA_LISTEN", "127.0.0.1:0"),
            ("LOCMFA_CERTS", "memory"),
            ("LOCMFA_EXIT_WITH_STDIN", "on"),
        ];
        let (code, text) = run_with(folder.path(), &["s.yaml"], &variables);
        assert!(code == 0 && text.contains(&format!("service=\"{scheme}://localhost:")), "{switch:?}: {text}");
    }
}

#[test]
fn variables_of_the_server_do_not_disturb_other_commands() {
    let folder = tempfile::tempdir().unwrap();
    let variables = [
        ("LOCMFA_HTTP", "true"),
        ("LOCMFA_WATCH", "true"),
        ("LOCMFA_CERT", "c.pem"),
        ("LOCMFA_LISTEN", "127.0.0.1:0"),
        ("LOCMFA_ADMIN", "http://127.0.0.1:9"),
        ("LOCMFA_ADMIN_LISTEN", "127.0.0.1:0"),
    ];
    let (code, text) = run_with(folder.path(), &["status"], &variables);
    assert!(code == 3 && text.contains("no server answers at http://127.0.0.1:9"), "{code} {text}");
}

#[test]
fn the_program_says_what_it_was_built_from() {
    let folder = tempfile::tempdir().unwrap();
    let version = format!("locmfa {}\n", env!("CARGO_PKG_VERSION"));
    assert_eq!(run(folder.path(), &["--version"]), (0, version.clone()));
    for arguments in [["--version", "--verbose"], ["-v", "-V"]] {
        let (code, text) = run(folder.path(), &arguments);
        assert!(code == 0 && text.starts_with(&version), "{text}");
        assert!(text.contains("\ncommit ") && text.contains("\nfeatures cli\n"), "{text}");
    }
}

#[test]
fn each_shell_gets_a_script_that_completes_options() {
    let folder = tempfile::tempdir().unwrap();
    for shell in ["powershell", "bash", "zsh", "fish"] {
        let (code, script) = run(folder.path(), &["completions", shell]);
        assert!(code == 0 && script.contains("exit-with-stdin") && script.contains("completions"), "{shell}");
    }
    assert_eq!(run(folder.path(), &["completions", "cmd"]).0, 2);
}
