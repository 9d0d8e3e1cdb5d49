//! The admin API over real sockets, as scripts and tests use it.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::path::Path;
use std::thread;

use locmfa::server::admin;
use serde_json::{Value, json};

use crate::api::Api;
use crate::process::{read, run};

pub(crate) const ANNA: &str = "<username>anna</username>";

/// Anna has a phone, and Ben gets text messages with a code.
pub(crate) const SCENARIO: &str = "users:
  - {username: anna, phone: '+1 425 555 0100', pin: '2580'}
  - {username: ben, phone: '+1 425 555 0101', mode: smsText}
rules:
  - {when: {user: anna}, outcome: busy, after: 0s}
  - {when: {user: ben}, after: 0s, code: '864209'}
";

/// The cursor of a list.
fn cursor(list: &Value) -> String {
    list["next"].as_str().unwrap().into()
}

fn ben(code: &str) -> String {
    format!("<username>ben</username><passcode>{code}</passcode>")
}

#[test]
fn who_is_no_longer_blocked_is_asked_again_and_a_rule_that_asked_nobody_decided_nothing() {
    let scenario =
        "users: [{username: anna, phone: '+1 425 555 0100'}]\nrules: [{name: fraud, outcome: fraud, after: 0s}]";
    let api = Api::start(scenario, &[]);
    let call = || {
        read(api.server.send("PfAuthUser_4", "<username>anna</username><requireUserMatch>true</requireUserMatch>"));
        let last = api.get("/calls?limit=1")["items"][0].clone();
        (last["call_result"].as_i64(), last["rule"].clone())
    };
    assert_eq!(call(), (Some(112), json!("fraud")));
    assert_eq!(call(), (Some(14), Value::Null));
    // Both the user and the number were blocked.
    assert_eq!(api.send("PATCH", "/users/anna", &json!({"blocked": false})).0, 200);
    assert_eq!(call(), (Some(112), json!("fraud")));
}

#[test]
fn users_are_listed_added_changed_and_removed() {
    let api = Api::start(SCENARIO, &[]);
    let list = api.get("/users?username=a*&limit=10");
    assert_eq!((&list["total"], &list["items"][0]["phone"]), (&json!(2), &json!("4255550100")));
    assert_eq!((&list["items"][0]["secrets"], list["items"][0].get("pin")), (&json!(["pin"]), None));
    let first = api.get("/users?limit=1");
    assert_eq!(api.get(&format!("/users?after={}", first["next"].as_str().unwrap()))["items"][0]["username"], "ben");

    let zoe = json!({"username": r"CONTOSO\zoe", "phone": "+49 30 901820", "pin": "0815", "enabled": false});
    let (status, added) = api.send("POST", "/users", &zoe);
    assert_eq!((status, &added["country_code"], &added["enabled"]), (201, &json!("49"), &json!(false)));
    assert!(api.server.call("UserExists", r"<username>zoe</username>").contains(">false<"), "a name has its domain");
    assert!(api.server.call("UserExists", r"<username>CONTOSO\zoe</username>").contains(">true<"));
    let list = json!([{"username": "yan", "phone": null, "mode": ""}, "xia"]);
    let (status, added) = api.send("POST", "/~list/users", &list);
    assert_eq!((status, &added["items"][1]["username"]), (201, &json!("xia")), "{added}");
    assert_eq!(added["items"][0]["mode"], api.get("/~list/users/xia")["mode"]);
    let rights = json!({"username": "ute", "administrator": {"add_user": true, "tag_match_type": null}});
    let (status, added) = api.send("POST", "/~list/users", &rights);
    assert_eq!((status, &added["administrator"]["add_user"]), (201, &json!(true)), "{added}");
    let patch = json!({"administrator": {"one_time_bypass": true, "add_user": null}});
    let (status, changed) = api.send("PATCH", "/~list/users/ute", &patch);
    let rights = &changed["administrator"];
    assert_eq!(
        (status, &rights["add_user"], &rights["one_time_bypass"]),
        (200, &json!(false), &json!(true)),
        "{changed}"
    );
    assert_eq!(api.send("POST", "/~list/users", &json!(["vera", "XIA"])).0, 409);
    assert_eq!(api.ask("GET", "/~list/users/vera", "", "").status, 404);
    assert_eq!(api.send("POST", "/~list/users", &json!(["vera", "vera"])).0, 422);
    let (status, again) = api.send("POST", "/users", &zoe);
    assert_eq!((status, &again["type"]), (409, &json!("urn:locmfa:problem:refused")));
    assert_eq!(again["remedy"], "PATCH /users/NAME changes that one.");

    let patch =
        json!({"phone": "+1 425 555 0107 x9", "enabled": null, "blocked": "Lost the phone.", "username": "zoe"});
    let (status, changed) = api.send("PATCH", r"/users/contoso%5CZOE", &patch);
    assert_eq!(status, 200, "{changed}");
    let seen = ["username", "phone", "extension", "enabled", "blocked", "secrets"].map(|it| &changed[it]);
    let expected =
        [&json!("zoe"), &json!("4255550107"), &json!("9"), &json!(true), &json!("Lost the phone."), &json!(["pin"])];
    assert_eq!(seen, expected);
    assert!(api.server.call("ValidatePin", "<username>zoe</username><pin>0815</pin>").contains(">true<"));
    assert_eq!(api.ask("DELETE", "/users/zoe", "", "").status, 204);
    assert_eq!(api.ask("GET", "/users/zoe", "", "").status, 404);
    let changes = api.get("/changes?by=admin*");
    let details: Vec<_> =
        changes["items"].as_array().unwrap().iter().map(|it| it["detail"].as_str().unwrap()).collect();
    assert_eq!(details, ["added", "changed", "removed"]);
}

#[test]
fn what_is_wrong_is_told_with_a_remedy() {
    let api = Api::start(SCENARIO, &[]);
    let json = "Content-Type: application/json\r\n";
    let cases = [
        ("GET", "/usrs", "", "", 404, "Did you mean /users?"),
        ("DELETE", "/clock", "", "", 405, "It takes GET, HEAD, PUT."),
        ("GET", "/~nobody/users", "", "", 404, "PUT /spaces/nobody"),
        ("PUT", "/spaces/a%20b", "", "", 400, "underscores, such as a-b."),
        ("PUT", "/spaces/Tests:%20%5B1%5D%3B%20x", "", "", 400, "underscores, such as tests-1-x."),
        ("POST", "/spaces", json, "{}", 400, "openapi.json"),
        ("POST", "/spaces", json, r#"{"label": "a", "from": "default", "scenario": ""}"#, 400, "Leave one"),
        ("POST", "/spaces", json, r#"{"label": "a", "from": "b"}"#, 404, "PUT /spaces/b."),
        ("GET", "/users?usrname=x", "", "", 400, "Did you mean username?"),
        ("GET", "/calls?wait=soon", "", "", 400, "Write 30s"),
        ("GET", "/calls?after=7", "", "", 410, "Ask without after."),
        ("GET", "/calls?feilds.pin=1", "", "", 400, "There are: "),
        ("GET", "/calls/7", "", "", 404, "GET /calls lists"),
        ("GET", "/events?kinds=call,cal", "", "", 400, "There are: call, challenge"),
        ("POST", "/users", json, r#"{"usernme": "x"}"#, 422, "Did you mean username?"),
        ("POST", "/users", json, r#"{"username": "x", "phone": "none"}"#, 422, "Any usual spelling will do"),
        ("POST", "/users", json, "", 400, "Send what belongs there."),
        ("PATCH", "/users/ben", json, r#"{"mode": "smsTxt"}"#, 422, "Did you mean smsText?"),
        ("PATCH", "/users/ben", json, "[1]", 400, "openapi.json"),
        ("PUT", "/clock", json, r#"{"pace": "frozzen"}"#, 400, "Did you mean frozen?"),
        ("PUT", "/clock", json, r#"{"pace": 1}"#, 400, "openapi.json"),
        ("POST", "/clock/advance", json, r#"{"by": "soon"}"#, 400, "Write 30s"),
        ("POST", "/clock/advance", json, r#"{"to": "2001-01-01T00:00:00Z"}"#, 400, "Time only goes on."),
        ("POST", "/verify", json, r#"{"expect": [{"where": {"usrname": "x"}}]}"#, 400, "Did you mean username?"),
        ("POST", "/verify", json, r#"{"expect": [{"atleast": 1}]}"#, 400, "Did you mean at_least?"),
        ("PUT", "/scenario", "Content-Type: application/yaml\r\n", "usrs: [anna]", 422, "Did you mean users?"),
        (
            "PUT",
            "/clock",
            "Content-Type: text/plain\r\n",
            "{}",
            415,
            "Send the header Content-Type: application/json or",
        ),
    ];
    for (method, path, headers, body, status, remedy) in cases {
        let told = api.ask(method, path, headers, body);
        assert_eq!(told.status, status, "{method} {path} {body}: {}", told.body);
        assert!(told.head.contains("content-type: application/problem+json"), "{}", told.head);
        let problem = told.json();
        assert_eq!(problem["status"], status);
        assert!(problem["remedy"].as_str().unwrap().contains(remedy), "{method} {path} {body}: {problem}");
        assert!(!problem["detail"].as_str().unwrap().is_empty());
    }
    let large = format!("{{\"username\": \"{}\"}}", "x".repeat(33 << 20));
    assert_eq!(api.send("POST", "/users", &json!({"username": "y".repeat(300)})).0, 409);
    let mut stream = TcpStream::connect(&api.address).unwrap();
    let host = &api.address;
    write!(
        stream,
        "POST /users HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{json}Content-Length: {}\r\n\r\n",
        large.len()
    )
    .unwrap();
    // The answer may come before all is sent.
    let _ = stream.write_all(large.as_bytes());
    let mut answer = String::new();
    let _ = BufReader::new(stream).read_line(&mut answer);
    assert!(answer.is_empty() || answer.contains("413"), "{answer}");
}

#[test]
fn a_server_that_others_reach_wants_a_token() {
    let api = Api::start(SCENARIO, &["--allow-remote", "--admin-token-file", "token"]);
    let told = api.ask("GET", "/users", "", "");
    assert!(told.status == 401 && told.head.contains("www-authenticate: bearer"), "{}", told.head);
    assert_eq!(api.ask("GET", "/livez", "", "").status, 200);
    let shown = "Host: mfa.contoso.com\r\nAuthorization: Bearer t0ken\r\n";
    assert_eq!(api.ask("GET", "/users", shown, "").status, 200);

    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("empty"), "\n").unwrap();
    let listen = ["--http", "--listen", "127.0.0.1:0"];
    for (arguments, expected) in [
        (["--admin", "0.0.0.0:0"].as_slice(), "--allow-remote"),
        (["--admin-token-file", "empty"].as_slice(), "holds no token"),
        (["--admin-token-file", "missing"].as_slice(), "missing"),
    ] {
        let (code, text) = run(folder.path(), &[&listen, arguments].concat());
        assert!(code == 3 && text.contains(expected), "{arguments:?}: {text}");
    }
}

#[test]
fn it_tells_how_it_is() {
    let api = Api::start("server: {sign_in: basic}\naccounts: [{name: mim, password: x}]", &[]);
    assert_eq!(api.get("/livez")["status"], "ok");
    assert_eq!(api.get("/readyz")["status"], "ok");
    api.server.call("UserExists", ANNA);
    let mut stream = TcpStream::connect(api.server.address()).unwrap();
    let basic = "Authorization: Basic bWltOndyb25n";
    write!(stream, "GET /PfWsSdk.asmx HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{basic}\r\n\r\n").unwrap();
    read(stream);
    let failures = api.get("/failures");
    assert_eq!(failures["counts"]["wrong-password"], 1);
    assert_eq!(failures["items"][0]["kind"], "wrong-password");
    let metrics = api.ask("GET", "/metrics", "", "");
    assert!(metrics.head.contains("content-type: text/plain; version=0.0.4"), "{}", metrics.head);
    assert!(metrics.body.contains("\nlocmfa_failures_total{kind=\"wrong-password\"} 1\n"), "{}", metrics.body);
    assert!(metrics.body.contains("\nlocmfa_events_total{space=\"default\",kind=\"call\"} 0\n"), "{}", metrics.body);
}

#[test]
fn spaces_stand_side_by_side() {
    let api = Api::start(SCENARIO, &[]);
    for name in ["one", "two"] {
        assert_eq!(api.send("PUT", &format!("/spaces/{name}"), &json!({})).0, 201);
        assert_eq!(api.send("PUT", &format!("/spaces/{name}"), &json!({})).0, 200);
    }
    api.send("PATCH", "/~one/users/anna", &json!({"first_name": "Anna"}));
    assert_eq!(api.get("/~two/users/anna")["first_name"], "");
    read(api.server.send_in("/~one", "PfAuthUser_4", ANNA));
    assert_eq!(api.get("/~ONE/calls")["items"][0]["call_result"], 101);
    assert_eq!(api.get("/~two/calls")["items"], json!([]));

    let (status, fork) = api.send("PUT", "/spaces/three", &json!({"from": "one"}));
    assert_eq!((status, &fork["path"]), (201, &json!("/~three")));
    assert_eq!(api.get("/~three/users/anna")["first_name"], "Anna");
    let scenario = api.ask("GET", "/~one/snapshot", "", "").body;
    let read = locmfa::scenario::load("snapshot", &scenario).unwrap();
    let anna = &read.setup.users[0].settings;
    assert_eq!((anna.first_name.as_deref(), anna.pin.as_ref().map(|it| it.reveal())), (Some("Anna"), Some("2580")));
    assert_eq!(api.send("PUT", "/spaces/four", &json!({"scenario": scenario})).0, 201);
    assert_eq!(api.get("/~four/users/anna")["first_name"], "Anna");

    assert_eq!(api.send("POST", "/spaces/one/reset", &json!({})).0, 200);
    assert_eq!(api.get("/~one/users/anna")["first_name"], "");
    assert_eq!(api.ask("DELETE", "/spaces/one", "", "").status, 204);
    assert_eq!(api.ask("GET", "/~one/users", "", "").status, 404);
    assert_eq!(api.ask("DELETE", "/spaces/default", "", "").status, 409);
    let names: Vec<_> = api.get("/spaces")["items"].as_array().unwrap().iter().map(|it| it["name"].clone()).collect();
    assert_eq!(names, ["default", "four", "three", "two"]);
}

#[test]
fn a_scenario_is_swapped_if_it_has_no_mistakes() {
    let api = Api::start(SCENARIO, &[]);
    let yaml = "Content-Type: application/yaml\r\n";
    assert_eq!(api.ask("GET", "/scenario", "", "").body, SCENARIO);
    let check = api.ask("POST", "/scenario/check", yaml, "users: [carla, carla]");
    assert_eq!((check.status, &check.json()["serves"]), (200, &json!(false)));
    assert_eq!(api.ask("PUT", "/scenario", yaml, "users: [carla, carla]").status, 422);
    assert_eq!(api.get("/users")["total"], 2);
    let swapped = api.ask("PUT", "/scenario", yaml, "users: [carla]").json();
    assert_eq!((&swapped["serves"], &swapped["users"]), (&json!(true), &json!(1)));
    assert_eq!(api.get("/users")["items"][0]["username"], "carla");
    api.send("PUT", "/spaces/new", &json!({}));
    assert_eq!(api.get("/~new/users")["total"], 1);
}

#[test]
fn a_scenario_is_read_again_and_added_rules_stay() {
    let api = Api::start(SCENARIO, &[]);
    let file = api.folder.path().join("s.yaml");
    api.send("POST", "/rules", &json!({"name": "mine", "when": {"user": "ben"}, "outcome": "text-not-sent"}));
    let more =
        format!("{SCENARIO}  - {{when: {{user: carla}}, outcome: busy}}\n").replace("users:", "users:\n  - carla");
    fs::write(&file, more).unwrap();
    let (status, told) = api.send("POST", "/scenario/reload", &json!({}));
    assert_eq!((status, &told["users"]["added"]), (200, &json!(["carla"])), "{told}");
    let names =
        |rules: &Value| rules["items"].as_array().unwrap().iter().map(|it| it["name"].clone()).collect::<Vec<_>>();
    assert_eq!(names(&api.get("/rules")), ["mine", "rule 1", "rule 2", "rule 3"]);
    fs::write(&file, "usrs: [anna]").unwrap();
    assert_eq!(api.send("POST", "/scenario/reload", &json!({})).0, 422);
    let notices = api.get("/notices?topic=mistake");
    assert!(
        notices["items"][0]["text"]
            .as_str()
            .unwrap()
            .contains("s.yaml:1:1: a scenario has no key \"usrs\". Did you mean users?"),
        "{notices}"
    );
    assert_eq!(api.get("/users")["total"], 3);
}

#[test]
fn the_clock_is_held_in_the_hand() {
    let api =
        Api::start("clock: frozen\nusers: [{username: anna, phone: '4255550100'}]\nrules: [{outcome: no-answer}]", &[]);
    let call = api.server.send("PfAuthUser_4", ANNA);
    let asked = api.get("/challenges/turns?wait=30s&stage=asked");
    assert_eq!(asked["items"][0]["phone"], "+1 4255550100");
    let before = api.get("/clock");
    assert_eq!(before["pace"], "frozen");
    let (status, after) = api.send("POST", "/clock/advance", &json!({"by": "1h"}));
    assert_eq!(status, 200);
    assert!(after["now"].as_str() > before["now"].as_str());
    assert!(read(call).contains("<Code>11</Code>"));
    let (_, set) = api.send("PUT", "/clock", &json!({"rate": 60}));
    assert_eq!((&set["pace"], &set["rate"]), (&json!("real"), &json!(60.0)));
    assert_eq!(api.send("PUT", "/clock", &json!({"pace": "auto", "rate": 2})).0, 400);
}

#[test]
fn a_wait_gets_the_next_message_and_none_is_lost_between_two() {
    let api = Api::start(SCENARIO, &[]);
    let next = cursor(&api.get("/messages?after=now"));
    thread::scope(|scope| {
        let waits = scope.spawn(|| api.get(&format!("/messages?after={next}&to=1%20425%20555%200101&wait=60s")));
        api.server.call("PfAuthUser_4", "<username>ben</username>");
        let first = waits.join().unwrap();
        let message = &first["items"][0];
        assert_eq!((&message["code"], &message["to"]), (&json!("864209"), &json!("+1 4255550101")));
        assert!(message["text"].as_str().unwrap().contains("864209"));
        assert!(api.server.call("ValidatePasscode", &ben("864209")).contains(">true<"));
        // Two come while nobody waits.
        for _ in 0..2 {
            api.server.call("PfAuthUser_4", "<username>ben</username>");
            api.server.call("ValidatePasscode", &ben("864209"));
        }
        let one = api.get(&format!("/messages?after={}&limit=1&wait=60s", cursor(&first)));
        let two = api.get(&format!("/messages?after={}&limit=1&wait=60s", cursor(&one)));
        assert!(one["items"][0]["seq"].as_u64() < two["items"][0]["seq"].as_u64());
        let none = api.get(&format!("/messages?after={}&wait=1ms", cursor(&two)));
        assert_eq!(none["items"], json!([]));
        // The newest of a person.
        assert_eq!(api.get("/messages?username=ben&limit=1")["items"][0]["seq"], two["items"][0]["seq"]);
    });
}

#[test]
fn a_cursor_whose_successors_are_forgotten_is_refused() {
    let api = Api::start(SCENARIO, &["--journal-entries", "3"]);
    let start = cursor(&api.get("/calls?after=now"));
    for _ in 0..5 {
        api.server.call("UserExists", ANNA);
    }
    let list = api.get("/calls");
    assert_eq!((list["items"].as_array().unwrap().len(), &list["forgotten"]), (3, &json!(2)));
    let told = api.ask("GET", &format!("/calls?after={start}"), "", "");
    assert_eq!((told.status, &told.json()["newest"]), (410, &list["next"]));
    api.send("POST", "/spaces/default/reset", &json!({}));
    assert_eq!(api.ask("GET", &format!("/calls?after={start}"), "", "").status, 410);
    assert_eq!(api.get(&format!("/calls?after={}", cursor(&list)))["items"], json!([]));
}

#[test]
fn a_call_is_told_in_full_without_its_secrets() {
    let api = Api::start(SCENARIO, &[]);
    api.server.call("ValidatePin", "<username>anna</username><pin>2581</pin>");
    api.server.call(
        "PfAuthUser_4",
        "<username>anna</username><requireUserMatch>true</requireUserMatch><phoneNumber>4255550199</phoneNumber>",
    );
    let calls = api.get("/calls?fields.requireUserMatch=true&phone=(425)%20555-0199");
    assert_eq!(calls["items"].as_array().unwrap().len(), 1, "{calls}");
    let pin = api.get("/calls?operation=validatep*");
    let whole = api.get(&format!("/calls/{}?raw=true", pin["items"][0]["seq"]));
    assert_eq!(whole["fields"], json!({"username": "anna", "pin": "(secret)"}));
    assert!(whole["request"].as_str().unwrap().contains("<pin>(secret)</pin>"), "{whole}");
    assert!(!whole.to_string().contains("2581"), "{whole}");
}

#[test]
fn of_a_long_request_the_start_is_kept_and_the_rest_is_counted() {
    let api = Api::start(SCENARIO, &[]);
    api.server.call("UserExists", &format!("{ANNA}<!--{}-->", "é".repeat(100_000)));
    let whole = api.get("/calls/1?raw=true");
    assert_eq!(whole["call"]["status"], 200, "{whole}");
    let (kept, cut) = whole["request"].as_str().unwrap().rsplit_once("… (").unwrap();
    let cut: usize = cut.split_once(" more bytes").unwrap().0.parse().unwrap();
    assert!(kept.len().abs_diff(64 << 10) < 2 && cut.abs_diff(134_900) < 1000, "{} + {cut}", kept.len());
    assert!(whole["explained"].to_string().contains("keeps too little of the request"), "{whole}");
}

#[test]
fn a_verification_that_fails_tells_what_came_nearest() {
    let api = Api::start(SCENARIO, &[]);
    api.server.call("PfAuthUser_4", "<username>anna</username><phoneNumber>14255550199</phoneNumber>");
    api.server.call("PfAuthUser_4", "<username>ben</username>");
    api.server.call("ValidatePasscode", &ben("864209"));
    let busy = json!({"name": "anna is busy", "where": {"operation": "PfAuthUser*", "phone": "+1 (425) 555-0199", "call_result": 101}, "exactly": 1});
    let code = json!({"kind": "message", "where": {"to": "425 555 0101", "code": "864209"}});
    let passed =
        json!({"expect": [busy, code, {"where": {"operation": "ValidatePasscode"}, "within": "1m"}], "in_order": true});
    let (status, told) = api.send("POST", "/verify", &passed);
    assert_eq!((status, &told["counts"]), (200, &json!([1, 1, 1])), "{told}");

    let wrong = json!({"expect": [
        {"name": "anna passes", "where": {"username": "anna", "call_result": 2}},
        {"where": {"operation": "PfAuth*"}, "at_most": 1},
    ]});
    let (status, told) = api.send("POST", "/verify", &wrong);
    assert_eq!(status, 409);
    assert_eq!(
        told["failures"][0]["nearest"][0]["differences"],
        json!([{"field": "call_result", "expected": "2", "actual": "101"}])
    );
    assert_eq!(told["failures"][1]["found"], 2);
    let story = told["detail"].as_str().unwrap();
    assert!(
        story.starts_with("Expected anna passes: at least 1 call with username anna, call_result 2; 0 fitted."),
        "{story}"
    );
    assert!(story.contains("call_result: expected 2, was 101"), "{story}");

    let backward = json!({"expect": [{"where": {"operation": "ValidatePasscode"}}, busy], "in_order": true});
    let (status, told) = api.send("POST", "/verify", &backward);
    assert!(status == 409 && told["detail"].as_str().unwrap().contains("came before"), "{told}");

    thread::scope(|scope| {
        let verified = scope.spawn(|| {
            api.send("POST", "/verify", &json!({"expect": [{"where": {"operation": "TestSecurity"}}], "wait": "60s"}))
        });
        api.server.call("TestSecurity", "");
        assert_eq!(verified.join().unwrap().0, 200);
    });
}

#[test]
fn a_rule_is_added_before_the_others_for_so_many_calls() {
    let api = Api::start("clock: frozen", &[]);
    let _ = api.send("POST", "/users", &json!({"username": "anna", "phone": "4255550100"}));
    let call = || api.server.call("PfAuthUser_4", ANNA);
    let (status, first) =
        api.send("POST", "/rules?times=1", &json!({"when": {"user": "anna"}, "outcome": "busy", "after": "0s"}));
    assert_eq!((status, &first["name"], &first["left"]), (201, &json!("added rule 1"), &json!(1)), "{first}");
    let named = json!({"name": "No pound", "when": {"user": "anna"}, "outcome": "pound-not-pressed", "after": "0s"});
    assert_eq!(api.send("POST", "/rules?lasts=10m", &named).0, 201);
    assert_eq!(api.send("POST", "/rules", &named).0, 409);
    assert!(call().contains("<Code>3</Code>"));
    api.send("POST", "/clock/advance", &json!({"by": "10m"}));
    assert!(call().contains("<Code>101</Code>"));
    assert_eq!(api.get("/rules")["items"], json!([]));

    assert_eq!(
        api.send("POST", "/rules", &json!({"name": "Stays", "status": 503, "when": {"operation": "UserExists"}})).0,
        201
    );
    assert!(api.server.call("UserExists", ANNA).starts_with("HTTP/1.1 503 "));
    assert_eq!(api.get("/rules")["items"][0]["calls"], 1);
    let snapshot = api.ask("GET", "/snapshot", "", "").body;
    assert!(locmfa::scenario::load("s", &snapshot).unwrap().setup.rules[0].name.contains("Stays"), "{snapshot}");
    let told = api.ask("DELETE", "/rules/Stay", "", "");
    assert_eq!((told.status, told.json()["remedy"].as_str().unwrap().contains("Did you mean Stays?")), (404, true));
    assert_eq!(api.ask("DELETE", "/rules/stays", "", "").status, 204);
    assert!(api.server.call("UserExists", ANNA).contains(">true<"));
    let unset = json!({"when": {"user": "anna", "phone": null}, "name": null, "outcome": "busy", "after": null});
    assert_eq!(api.send("POST", "/rules", &unset).0, 201);
    let (status, wrong) = api.send("POST", "/rules", &json!({"when": {"usr": "anna"}, "outcome": "bussy"}));
    assert_eq!((status, wrong["mistakes"].as_array().unwrap().len()), (422, 2), "{wrong}");
}

#[test]
fn somebody_acts_as_the_person_who_is_asked() {
    let api = Api::start(
        "users: [{username: anna, phone: '4255550100', pin: '2580', pin_mode: pin}]\nrules: [{person: decides}]",
        &[],
    );
    let call = api.server.send("PfAuthUser_4", ANNA);
    let open = api.get("/challenges?phone=(425)%20555-0100&wait=60s");
    let one = &open["items"][0];
    assert_eq!(
        (&one["state"], &one["channel"], &one["username"]),
        (&json!("deciding"), &json!("voice"), &json!("anna"))
    );
    let act = format!("/challenges/{}/act", one["id"]);
    let (status, no) = api.send("POST", &act, &json!({"act": "reports-fraud"}));
    assert!(status == 409 && no["detail"] == "The challenge is a phone call: the person cannot report fraud in it.");
    let (status, wrong) = api.send("POST", &act, &json!({"act": "anwsers"}));
    assert!(status == 400 && wrong["remedy"] == "Did you mean answers?", "{wrong}");
    assert_eq!(api.send("POST", "/challenges/99/act", &json!({"act": "answers"})).0, 404);
    assert_eq!(api.send("POST", &act, &json!({"act": "answers"})).1["open"], true);
    assert_eq!(api.send("POST", &act, &json!({"act": {"presses": "1#"}})).1["open"], true);
    thread::scope(|scope| {
        let ended = scope.spawn(|| api.get(&format!("/challenges/{}?wait=60s", one["id"])));
        let (_, done) = api.send("POST", &act, &json!({"act": [{"enters": "pin"}]}));
        assert_eq!((&done["open"], &done["call_result"]), (&json!(false), &json!(1)), "{done}");
        let ended = ended.join().unwrap();
        assert_eq!(ended["turns"].as_array().unwrap().last().unwrap()["call_result"], 1);
        assert_eq!(ended["settled"], true);
    });
    assert!(read(call).contains("<Code>1</Code>"));
    // No other phone has rung since.
    assert_eq!(api.get(&format!("/challenges?after={}&wait=1ms", cursor(&open)))["items"], json!([]));
}

#[test]
fn a_call_is_explained() {
    let api = Api::start(SCENARIO, &[]);
    api.server.call("PfAuthUser_4", "<username>ben</username>");
    let calls = api.get("/calls");
    let whole = api.get(&format!("/calls/{}", calls["items"][0]["seq"]));
    let story: Vec<_> = whole["explained"].as_array().unwrap().iter().map(|it| it.as_str().unwrap()).collect();
    assert!(story[0].starts_with("anonymous called PfAuthUser_4 from 127.0.0.1:"), "{story:#?}");
    assert!(story[1].starts_with("\"rule 1\" does not match: "), "{story:#?}");
    assert_eq!(story[2], "\"rule 2\" matched and decided.");
    assert!(story.iter().any(|it| it.contains("a message with a code went out to +1 4255550101")), "{story:#?}");
    assert_eq!(*story.last().unwrap(), "It was answered true, call result 20 (Text Message Sent).");
}

#[test]
fn a_stream_is_taken_up_where_it_broke_off() {
    let api = Api::start(SCENARIO, &["--journal-entries", "3"]);
    let events = |headers: &str, path: &str| {
        let mut lines = BufReader::new(api.open("GET", path, headers, "")).lines().map(Result::unwrap);
        lines.by_ref().find(String::is_empty);
        // Without the lengths of the chunks.
        lines.filter(|it| it.contains(": "))
    };
    let mut live = events("", "/events?kinds=call.closed&operation=UserExists");
    // A list answers after the stream began.
    api.get("/calls");
    api.server.call("TestSecurity", "");
    api.server.call("UserExists", ANNA);
    let id = live.next().unwrap();
    assert_eq!(live.next().unwrap(), "event: call.closed");
    assert!(live.next().unwrap().starts_with("data: {\"seq\":"));
    api.server.call("UserExists", ANNA);
    let seq = id.strip_prefix("id: ").unwrap();
    let mut resumed = events(&format!("Last-Event-ID: {seq}\r\n"), "/events?kinds=call.closed");
    assert_ne!(resumed.next().unwrap(), id);
    for _ in 0..4 {
        api.server.call("UserExists", ANNA);
    }
    let mut late = events(&format!("Last-Event-ID: {seq}\r\n"), "/events?kinds=call.closed");
    let lost = late.next().unwrap();
    assert!(lost.starts_with("id: ") && !lost.contains(seq), "{lost}");
    assert_eq!(late.next().unwrap(), "event: lost");
    assert!(late.next().unwrap().contains("stale-cursor"));
    // It goes on, and is known by its new id.
    assert!(late.next().unwrap().starts_with("id: "));
    assert_eq!(late.next().unwrap(), "event: call.closed");
    let lost = lost.replace("id:", "Last-Event-ID:");
    assert_eq!(events(&format!("{lost}\r\n"), "/events?kinds=call.closed").nth(1).unwrap(), "event: call.closed");
}

#[test]
#[expect(clippy::disallowed_methods, reason = "whoever runs the test says whether the file is written")]
fn the_description_in_the_docs_is_fresh() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/openapi.json");
    let fresh = admin::openapi();
    if std::env::var_os("UPDATE").is_some() {
        fs::write(&file, &fresh).unwrap();
    }
    let is_fresh = fs::read_to_string(&file).is_ok_and(|it| it == fresh);
    assert!(is_fresh, "docs/openapi.json is stale: UPDATE=1 cargo test writes it anew");
}
