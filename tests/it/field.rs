//! Inputs from the field, as people bring them, through the built program. `src/import/tests.rs` reads the exports.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::Stdio;

use locmfa::contract::Mode;
use locmfa::engine::{Engine, Outcome, Timestamp};

use crate::process::{locmfa, run};

fn field(name: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/field").join(name).display().to_string()
}

#[test]
fn an_import_that_reads_no_user_is_exit_1_and_writes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    for (name, text, what) in [
        ("page.csv", "<html><body>Sign in</body></html>", "web page"),
        ("empty.csv", "", "empty"),
        ("numbers.csv", "Username,Phone\nanna,call me\n", "no user could be read"),
        ("header.csv", "Username,Phone\n", "no user could be read"),
        ("provider.txt", "6f;;1;\n", "no user could be read"),
    ] {
        fs::write(folder.path().join(name), text).unwrap();
        let (code, told) = run(folder.path(), &["users", "import", name, "--into", "my.yaml"]);
        assert!(code == 1 && told.contains(what), "{name}: {code} {told}");
        assert!(!folder.path().join("my.yaml").exists(), "{name}");
    }
    let (code, told) = run(folder.path(), &["users", "import", &field("export.csv"), "--into", "my.yaml"]);
    assert!(code == 0 && told.contains("3 users read, 0 rows left out"), "{told}");
    let (code, told) = run(folder.path(), &["check", "my.yaml"]);
    assert!(code == 0 && told.contains("no mistakes"), "{told}");
}

#[test]
fn a_dash_is_standard_input() {
    let folder = tempfile::tempdir().unwrap();
    let piped = |arguments: &[&str], text: &str| {
        let mut command = locmfa(folder.path(), arguments);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        let told = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        (output.status.code().unwrap(), told)
    };
    let (code, told) = piped(&["users", "import", "-"], "Username,Phone\nanna,+1 425 555 0100\n");
    assert!(code == 0 && told.contains("{username: anna, phone: \"+1 4255550100\"}"), "{told}");
    assert!(told.contains("1 user read, 0 rows left out"), "{told}");
    let (code, told) = piped(&["check", "-"], "users: [anna]\n");
    assert!(code == 0 && told.contains("standard input: no mistakes"), "{told}");
    let (code, told) = piped(&["check", "-"], "usrs: [anna]\n");
    assert!(code == 1 && told.contains("--> standard input:1:1"), "{told}");
    let (code, told) = piped(&["serve", "-"], "users: [anna, anna]\n");
    assert!(code == 1 && told.contains("standard input has 1 error"), "{told}");
    for arguments in [&["serve", "-", "--watch"][..], &["-", "--watch"]] {
        let (code, told) = piped(arguments, "users: [anna]\n");
        assert!(code == 2 && told.contains("standard input is read once"), "{code} {told}");
    }
}

#[test]
fn users_that_one_name_finds_are_a_warning() {
    let folder = tempfile::tempdir().unwrap();
    let (code, told) = run(folder.path(), &["check", &field("two-domains.yaml")]);
    assert!(code == 0 && told.contains("warning S027 ambiguous-name"), "{told}");
    assert!(told.contains("anna@fabrikam.com, the first"), "{told}");
    for (users, warns) in [
        ("[anna@fabrikam.com, ben@contoso.com]", false),
        ("[anna, anna@contoso.com]", false),
        ("[anna@contoso.com, Anna@corp.contoso.com]", true),
    ] {
        fs::write(folder.path().join("my.yaml"), format!("users: {users}\n")).unwrap();
        let (_, told) = run(folder.path(), &["check", "my.yaml"]);
        assert_eq!(told.contains("S027"), warns, "{told}");
    }
}

#[test]
fn a_number_of_a_call_that_cannot_be_read_is_named_by_its_character() {
    let text = "users: [mim]\nrules:\n  - {name: anna, when: {phone: '+1 425 555 0100'}, outcome: busy}\n";
    for (phone, why) in [
        ("+1 425 555 \u{41e}1OO", "(U+041E)"),
        ("07700900123", "country code 1 begins with 0"),
        ("+1 425 555 0100; +1 425 555 0101", "more than one number"),
        ("**600", "'*'"),
    ] {
        let scenario = locmfa::scenario::load("test", text).unwrap();
        let now = Timestamp::from_unix(std::time::Duration::ZERO);
        let mut engine = Engine::new(scenario.setup, now, 1, locmfa::engine::Bounds::default());
        let ask = crate::asking("mim", Mode::VoiceCall, phone);
        let values = [
            locmfa::contract::FieldValue::new("username", locmfa::contract::Value::Text("mim")),
            locmfa::contract::FieldValue::new("phoneNumber", locmfa::contract::Value::Text(phone)),
        ];
        let call = locmfa::engine::Call { operation: ask.operation, asks: true, space: "default", values: &values };
        let explained = engine.explain(now, &call)[0].why_not.clone().unwrap();
        assert!(explained.contains(why) && !explained.contains("there is no number"), "{explained}");
        let locmfa::engine::Authentication::Settled(settlement) = engine.authenticate(now, ask).unwrap() else {
            panic!("{phone} rings")
        };
        assert_eq!(settlement.ending.known(), Some(Outcome::InvalidNumberFormat), "{phone}");
        assert!(settlement.warning.as_ref().is_some_and(|it| it.contains(why)), "{:?}", settlement.warning);
    }
}
