//! The command line over the admin API, as people and scripts use it.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Output;

use locmfa::testing;
use serde_json::{Value, json};

use crate::api::Api;
use crate::process::{Caller, Server, locmfa, read, run};

const SCENARIO: &str = "users:
  - {username: anna, phone: '+1 425 555 0100'}
  - {username: ben, phone: '+1 425 555 0101', mode: smsText}
rules:
  - {name: Anna is busy, when: {user: anna}, outcome: busy, after: 0s}
  - {when: {user: ben}, after: 0s, code: '864209'}
";

/// A server, what calls it, a folder to work in, and the URL of the admin API.
fn started() -> (testing::Server, Caller, tempfile::TempDir, String) {
    let server = testing::Server::builder().scenario(SCENARIO).plain_http().start();
    let (caller, url) = (Caller::of(server.url()), server.admin_url().to_owned());
    (server, caller, tempfile::tempdir().unwrap(), url)
}

/// Runs a command against a server.
fn asked(folder: &Path, url: &str, arguments: &[&str]) -> (i32, String) {
    run(folder, &[arguments, &["--admin", url]].concat())
}

#[test]
fn what_happened_is_told_as_tables_and_as_json() {
    let (_running, server, folder, url) = started();
    let ask = |arguments: &[&str]| asked(folder.path(), &url, arguments);
    server.call("PfAuthUser_4", "<username>anna</username>");
    server.call("PfAuthUser_4", "<username>ben</username>");

    let (code, status) = ask(&["status"]);
    assert!(code == 0 && status.contains("is ready") && status.contains("default"), "{status}");
    let (code, calls) = ask(&["calls", "username=anna"]);
    assert_eq!(code, 0, "{calls}");
    let lines: Vec<_> = calls.lines().collect();
    assert!(lines.len() == 2 && lines[0].starts_with("#") && lines[1].contains("Anna is busy"), "{calls}");
    let (_, json) = ask(&["calls", "username=anna", "--json"]);
    let json: Value = serde_json::from_str(&json).unwrap();
    let seq = json["items"][0]["seq"].to_string();
    let (_, call) = ask(&["call", &seq, "--raw", "--explain"]);
    assert!(call.contains("PfAuthUser_4") && call.contains("<username>anna</username>"), "{call}");
    let (code, messages) = ask(&["messages", "to=(425) 555-0101", "--limit", "1"]);
    assert!(code == 0 && messages.contains("864209"), "{messages}");
    let (code, text) = ask(&["phone", "approve"]);
    assert!(code == 1 && text.contains("Type 864209 where the person signs in to approve"), "{text}");
    for wait in [&["username=anna", "--wait", "1ms"][..], &["--next", "--wait", "00:00:00.001"]] {
        let (code, none) = ask(&[&["messages"], wait].concat());
        assert!(code == 1 && none.starts_with("locmfa: nothing came in"), "{none}");
    }
    assert_eq!(ask(&["message", "--limit", "1"]).0, 0);

    let (code, text) = ask(&["calls", "usrname=anna"]);
    assert!(code == 1 && text.contains("Did you mean username?"), "{text}");
}

#[test]
fn calls_are_followed_until_the_server_ends() {
    let (running, server, folder, url) = started();
    let mut follow =
        locmfa(folder.path(), &["calls", "--follow", "--admin", &url, "operation=UserExists"]).spawn().unwrap();
    let mut lines = BufReader::new(follow.stdout.take().unwrap()).lines();
    // It is not told when the stream has begun, so that calls come until it tells one.
    let head = lines.next().unwrap().unwrap();
    assert!(head.starts_with("#  ") && head.ends_with("WARNING"), "{head}");
    let told = std::thread::spawn(move || (lines.next().unwrap().unwrap(), lines));
    while !told.is_finished() {
        server.call("UserExists", "<username>anna</username>");
    }
    let (line, lines) = told.join().unwrap();
    assert!(line.contains("UserExists") && line.contains("anna"), "{line}");
    let wait = locmfa(folder.path(), &["messages", "--wait", "60s", "--admin", &url]).spawn().unwrap();
    let ask = |arguments: &[&str]| asked(folder.path(), &url, arguments);
    assert_eq!(ask(&["space", "new", "one"]).0, 0);
    let in_space = locmfa(folder.path(), &["calls", "--follow", "--space", "one", "--admin", &url]).spawn().unwrap();
    assert_eq!(ask(&["space", "drop", "one"]).0, 0);
    let Output { status, stderr, .. } = in_space.wait_with_output().unwrap();
    assert_eq!(status.code(), Some(1), "{}", String::from_utf8_lossy(&stderr));
    drop(running);
    lines.map(Result::unwrap).for_each(drop);
    assert_eq!(follow.wait().unwrap().code(), Some(3));
    let Output { status, stderr, .. } = wait.wait_with_output().unwrap();
    let text = String::from_utf8(stderr).unwrap();
    assert_eq!(status.code(), Some(3), "{text}");
    assert!(text.contains("has gone") || text.contains("no server answers"), "{text}");
}

#[test]
fn users_clocks_and_spaces_are_changed() {
    let (_running, server, folder, url) = started();
    let ask = |arguments: &[&str]| asked(folder.path(), &url, arguments);
    assert_eq!(ask(&["space", "new", "one"]).0, 0);
    let (code, text) =
        ask(&["users", "add", "username=zoe", "phone=+1 425 555 0107", "enabled=false", "--space", "one"]);
    assert!(code == 0 && text.contains("4255550107"), "{text}");
    assert!(server.call("UserExists", "<username>zoe</username>").contains(">false<"));
    assert!(ask(&["users", "change", "zoe", "enabled=", "--space", "one"]).1.contains("enabled"));
    let (_, list) = ask(&["users", "list", "username=z*", "--space", "one"]);
    assert!(list.lines().nth(1).unwrap().contains("zoe"), "{list}");
    let (_, snapshot) = ask(&["space", "snapshot", "one"]);
    assert!(snapshot.contains("{username: zoe, phone: \"4255550107\"}"), "{snapshot}");
    fs::write(folder.path().join("snapshot.yaml"), snapshot).unwrap();
    assert_eq!(ask(&["space", "new", "two", "--scenario", "snapshot.yaml"]).0, 0);
    assert_eq!(ask(&["users", "remove", "zoe", "--space", "two"]).0, 0);
    let (code, text) = ask(&["users", "show", "zoe", "--space", "two"]);
    assert!(code == 1 && text.starts_with("locmfa: There is no user \"zoe\""), "{text}");

    assert!(ask(&["clock", "freeze", "--space", "one"]).1.contains("frozen"));
    let before = ask(&["clock", "show", "--space", "one"]).1;
    assert_eq!(ask(&["clock", "show", "--space", "one"]).1, before);
    assert_ne!(ask(&["clock", "advance", "00:10:00", "--space", "one"]).1, before);
    let (code, text) = ask(&["clock", "set", "2099-01-01T00:00:00Z", "--space", "one"]);
    assert!(code == 0 && text.contains("2099-01-01 00:00:00.000 UTC"), "{text}");
    assert!(ask(&["clock", "real", "--space", "one"]).1.contains("goes on from a moved time, "));
    assert!(ask(&["clock", "real"]).1.contains("shows the time of this machine"));
    assert_eq!(ask(&["space", "drop", "one"]), (0, "The space one is removed.\n".into()));
    assert!(!ask(&["space", "list"]).1.contains("one"));
}

#[test]
fn values_may_be_written_as_each_client_writes_them() {
    let api = Api::start(SCENARIO, &[]);
    api.server.call("UserExists", "<username>anna</username>");
    let nulls = r#"{"expect": [{"where": null, "name": null, "exactly": 1, "within": "00:01:00"}], "in_order": null, "after": null, "wait": 0}"#;
    let yaml = "expect:\n  - where: {username: anna}\n    exactly: 1\nwait: 1\n";
    for (kind, body) in [("application/json", nulls), ("application/yaml", yaml)] {
        let told = api.ask("POST", "/verify", &format!("Content-Type: {kind}\r\n"), body);
        assert_eq!(told.status, 200, "{body}");
    }
    assert_eq!(api.send("PUT", "/clock", &json!({"pace": "frozen", "rate": null})).0, 200);
    for by in [json!(60), json!("00:01:00"), json!("1m")] {
        assert_eq!(api.send("POST", "/clock/advance", &json!({"by": by, "to": null})).0, 200, "{by}");
    }
    let (status, zoe) = api.send("POST", "/users", &json!({"username": "Zoë", "enabled": "False"}));
    assert_eq!((status, &zoe["enabled"]), (201, &json!(false)));
    assert_eq!(api.get("/users?enabled=FALSE")["items"].as_array().map(Vec::len), Some(1));
}

#[test]
fn an_export_is_added_to_the_running_server_whole_or_not_at_all() {
    let (_running, _server, folder, url) = started();
    let ask = |arguments: &[&str]| asked(folder.path(), &url, arguments);
    fs::write(folder.path().join("users.csv"), "username,phone\nzoe,+1 425 555 0107\nyan,+1 425 555 0108\n").unwrap();
    let import = ["users", "import", "users.csv", "--apply", "--space", "new"];
    let (code, text) = ask(&import);
    assert!(code == 0 && text.contains("2 users read"), "{text}");
    assert!(ask(&["users", "show", "yan", "--space", "new"]).1.contains("4255550108"));
    fs::write(folder.path().join("users.csv"), "username,phone\nxia,+1 425 555 0106\nyan,+1 425 555 0108\n").unwrap();
    let (code, text) = ask(&import);
    assert!(code == 1 && text.contains("yan"), "{text}");
    assert_eq!(ask(&["users", "show", "xia", "--space", "new"]).0, 1);
}

#[test]
fn a_rule_is_added_and_the_phone_is_answered() {
    let (_running, server, folder, url) = started();
    let ask = |arguments: &[&str]| asked(folder.path(), &url, arguments);
    let (code, text) = ask(&["phone", "answer"]);
    assert!(code == 1 && text.contains("No phone rings"), "{text}");
    let (code, text) =
        ask(&["rule", "add", "{name: Anna decides, when: {user: anna}, person: decides}", "--times", "1"]);
    assert!(code == 0 && text.contains("Anna decides"), "{text}");
    assert!(ask(&["rule", "list"]).1.contains("{name: Anna decides, when: {user: anna}, person: decides}"));
    fs::write(folder.path().join("rule.yaml"), "\u{feff}{name: Ben is Zoë, when: {user: ben}, outcome: fraud}")
        .unwrap();
    assert!(ask(&["rule", "add", "--file", "rule.yaml"]).1.contains("Zoë"));
    let (code, text) = ask(&["rule", "add", "name=Pairs", "when.phone=[+1 425 555 0199]", "outcome=busy", "after=2"]);
    assert!(code == 0 && text.contains("{name: Pairs, when: {phone: [\"+1 425 555 0199\"]}, outcome: busy"), "{text}");
    let (code, text) = ask(&["rule", "add", "{when:{phone:4255550199},outcome:busy}"]);
    assert!(code == 2 && text.contains("double quotes"), "{text}");
    let call = server.send("PfAuthUser_4", "<username>anna</username>");
    let (code, text) = ask(&["phone", "list", "--wait", "60s"]);
    assert!(code == 0 && text.contains("deciding"), "{text}");
    assert_eq!(ask(&["phone", "answer"]).0, 0);
    let (code, text) = ask(&["phone", "fraud"]);
    assert!(code == 1 && text.contains("The challenge is a phone call"), "{text}");
    assert!(ask(&["phone", "press", "#"]).1.contains("call_result"));
    assert!(read(call).contains("<Code>2</Code>"));
    assert_eq!(ask(&["rule", "remove", "anna is busy"]), (0, "The rule anna is busy is removed.\n".into()));
}

#[test]
fn expectations_of_a_file_are_verified() {
    let (_running, server, folder, url) = started();
    server.call("PfAuthUser_4", "<username>anna</username><phoneNumber>4255550100</phoneNumber>");
    let verify = |text: &str| {
        fs::write(folder.path().join("e.yaml"), text).unwrap();
        asked(folder.path(), &url, &["verify", "e.yaml"])
    };
    let right = "in_order: true\nexpect:\n  - name: 1\n    where: {operation: PfAuthUser*, phone: +1 425 555 0100, call_result: 101}\n    exactly: 1\n    within: 10\n";
    assert_eq!(verify(right), (0, "The expectation came true.\n".into()));
    let (code, text) = verify("- {where: {username: anna, call_result: 2}}");
    assert_eq!(code, 1);
    assert!(text.contains("call_result: expected 2, was 101"), "{text}");
    let (code, text) = verify("- {wher: {username: anna}}");
    assert!(code == 1 && text.contains("e.yaml: expect[0].wher") && text.contains("Did you mean where?"), "{text}");
    let (code, text) = verify("- {where: [}");
    assert!(code == 3 && text.contains("this is no YAML"), "{text}");
}

#[test]
fn a_verification_is_reported_for_test_pages() {
    let (_running, server, folder, url) = started();
    server.call("PfAuthUser_4", "<username>anna</username>");
    let expectations =
        "- {name: Anna was asked, where: {username: anna}}\n- {name: Ben was asked, where: {username: ben}}";
    fs::write(folder.path().join("e.yaml"), expectations).unwrap();
    let verify = |arguments: &[&str]| asked(folder.path(), &url, &[&["verify", "e.yaml"], arguments].concat());
    let (code, junit) = verify(&["--format", "junit", "--summary", "summary.md"]);
    let document = roxmltree::Document::parse(&junit).unwrap();
    let failed = document.descendants().find(|it| it.has_tag_name("failure")).unwrap();
    assert_eq!((code, failed.parent().unwrap().attribute("name")), (1, Some("Ben was asked")));
    assert!(failed.text().unwrap().contains("username: expected ben, was anna"), "{junit}");
    let (code, tap) = verify(&["--format", "tap", "--summary", "summary.md"]);
    assert!(code == 1 && tap.contains("\nok 1 - Anna was asked\nnot ok 2 - Ben was asked\n"), "{tap}");
    let summary = fs::read_to_string(folder.path().join("summary.md")).unwrap();
    assert_eq!(summary.matches("1 of 2 expectations came true").count(), 2, "it appends: {summary}");
    assert_eq!(verify(&["--format", "markdown", "--json"]).0, 2);
    let (code, json) = verify(&["--format", "json"]);
    assert_eq!((code, &json), (1, &verify(&["--json"]).1));
    assert_eq!(serde_json::from_str::<Value>(&json).unwrap()["failures"][0]["place"], 1);
    let (code, text) = verify(&["--summary", "."]);
    assert!(code == 3 && text.contains("cannot write the summary into ."), "{text}");
}

#[test]
fn what_is_printed_can_be_a_file_in_utf_8_and_a_list_csv() {
    let (_running, server, folder, url) = started();
    let ask = |arguments: &[&str]| asked(folder.path(), &url, arguments);
    let file = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
    server.call("PfAuthUser_4", "<username>anna</username>");
    assert_eq!(ask(&["users", "add", "username=zoë", "first_name=\"Zoë\""]).0, 0);
    for (arguments, expected) in [
        (&["space", "snapshot", "default"][..], "zoë"),
        (&["space", "snapshot", "default", "--json"], "zo\\u00eb"),
        (&["users", "show", "zoë"], "zoë"),
        (&["users", "list", "--csv"], "zoë,\"\"\"Zoë\"\"\""),
        (&["report"], "<!doctype html>"),
        (&["calls", "--csv"], ",PfAuthUser_4,anna,"),
    ] {
        let (code, printed) = ask(arguments);
        assert!(code == 0 && printed.contains(expected), "{arguments:?}: {printed}");
        let (code, rest) = ask(&[arguments, &["--out", "printed"]].concat());
        assert_eq!((code, rest.as_str()), (0, ""), "{arguments:?}");
        assert!(file("printed").contains(expected), "{arguments:?}");
    }
    assert!(file("printed").starts_with("seq,at,operation,username,number,state,outcome,rule,"), "{}", file("printed"));
    assert!(file("printed").contains("Z,PfAuthUser_4,"), "a moment stays as it is: {}", file("printed"));
    let (code, text) = ask(&["calls", "--csv", "--out", "no/such/folder"]);
    assert!(code == 3 && text.contains("give --out a file in a folder"), "{text}");
    for arguments in [["calls", "--follow", "--out", "x"].as_slice(), &["calls", "--csv", "--json"]] {
        assert_eq!(ask(arguments).0, 2, "{arguments:?}");
    }
    for document in ["wsdl", "schema", "fidelity"] {
        let printed = run(folder.path(), &[document]);
        assert_eq!(run(folder.path(), &[document, "--out", "document"]), (0, String::new()));
        assert_eq!((0, file("document")), printed);
    }
}

#[test]
fn moments_on_screen_have_milliseconds_and_their_zone() {
    let server =
        testing::Server::builder().scenario("clock: {start: 2026-11-24T08:00:00Z, pace: frozen}\nusers: [anna]");
    let server = server.plain_http().start();
    let (folder, url) = (tempfile::tempdir().unwrap(), server.admin_url().to_owned());
    let ask = |arguments: &[&str]| asked(folder.path(), &url, arguments).1;
    Caller::of(server.url()).call("UserExists", "<username>anna</username>");
    assert!(ask(&["clock", "show"]).contains("2026-11-24 08:00:00.000 UTC"), "{}", ask(&["clock", "show"]));
    assert!(ask(&["space", "list"]).contains("2026-11-24 08:00:00.000 UTC"), "{}", ask(&["space", "list"]));
    let calls = ask(&["calls"]);
    assert!(calls.contains("TIME (UTC)") && calls.contains("  08:00:00.000  UserExists"), "{calls}");
}

#[test]
fn a_mistake_in_a_rule_has_its_place() {
    let (_running, _, folder, url) = started();
    let ask = |arguments: &[&str]| asked(folder.path(), &url, arguments);
    let (code, text) = ask(&["rule", "add", "when.user=anna", "outcome=bussy"]);
    let place = " --> the rule:1:35\n  |\n1 | {\"when\":{\"user\":\"anna\"},\"outcome\":\"bussy\"}\n";
    assert!(code == 1 && text.contains(place) && text.contains("= Did you mean busy?"), "{text}");
    fs::write(folder.path().join("rule.yaml"), "when: {usr: anna}\noutcome: bussy\n").unwrap();
    let (code, text) = ask(&["rule", "add", "--file", "rule.yaml"]);
    assert!(code == 1 && text.contains("--> rule.yaml:1:8") && text.contains("--> rule.yaml:2:10"), "{text}");
    let (code, text) = ask(&["space", "new", "one", "--scenario", "rule.yaml"]);
    assert!(code == 1 && text.contains("--> rule.yaml:1:1"), "{text}");
}

#[test]
fn a_star_in_the_path_of_a_scenario_is_expanded() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("a [1]")).unwrap();
    for name in ["a [1]/one.yaml", "a [1]/two.yaml"] {
        fs::write(folder.path().join(name), "users: [anna]").unwrap();
    }
    let ask = |arguments: &[&str]| run(folder.path(), arguments);
    let (code, text) = ask(&["check", "a [1]/*.yaml"]);
    assert!(code == 0 && text.contains("one.yaml: no") && text.contains("two.yaml: no"), "{text}");
    let (code, text) = ask(&["check", "a [1]/x*.yaml"]);
    assert!(code == 3 && text.contains("no file fits a [1]/x*.yaml"), "{text}");
    let (code, text) = ask(&["serve", "a [1]/*.yaml"]);
    assert!(code == 3 && text.contains("fits 2 files, such as a [1]"), "{text}");
    assert_eq!(Server::start(folder.path(), &["a [1]/t*.yaml"]).ready["scenario"], "a [1]/two.yaml");
}

#[test]
fn files_of_the_command_line_may_have_every_encoding_of_windows() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let text = format!("\u{feff}{text}\r\n");
        let wide = text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
        fs::write(folder.path().join(name), wide).unwrap();
        fs::write(folder.path().join(format!("{name}-8")), text).unwrap();
    };
    write("s.yaml", "users: [anna]");
    write("token", "correct horse");
    write("e.yaml", "expect: [{where: {username: anna}, exactly: 0}]");
    write("wrong", "battery staple");
    let server = Server::start(folder.path(), &["s.yaml", "--admin-token-file", "token"]);
    let url = server.ready["admin"].as_str().unwrap();
    for suffix in ["", "-8"] {
        let named = |name: &str| format!("{name}{suffix}");
        let ask = |arguments: &[&str], token: &str| {
            asked(folder.path(), url, &[arguments, &["--admin-token-file", token]].concat())
        };
        let (code, text) = ask(&["verify", &named("e.yaml")], &named("token"));
        assert_eq!((code, text.as_str()), (0, "The expectation came true.\n"));
        let (code, text) = ask(&["space", "new", &named("one"), "--scenario", &named("s.yaml")], &named("token"));
        assert!(code == 0 && text.contains("one"), "{text}");
        let (code, text) = ask(&["status"], &named("wrong"));
        assert!(code == 1 && !text.contains("staple"), "{text}");
    }
}

#[test]
fn a_server_that_does_not_answer_is_one_sentence_with_a_remedy() {
    let folder = tempfile::tempdir().unwrap();
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (code, text) = asked(folder.path(), &format!("http://{free}"), &["status"]);
    assert!(code == 3 && text.contains("Start it with locmfa serve") && text.lines().count() == 1, "{text}");
    assert_eq!(asked(folder.path(), "https://localhost", &["status"]).0, 2);
    assert_eq!(run(folder.path(), &["verify"]).0, 2);
}
