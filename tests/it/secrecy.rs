//! Secrets stay out of logs, lists and mistakes, and pages of other sites stay out of the admin API.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;

use serde_json::json;

use crate::admin::SCENARIO;
use crate::api::Api;
use crate::process::{Server, locmfa, read};

#[test]
fn pages_of_other_sites_and_other_names_are_refused() {
    let api = Api::start(SCENARIO, &[]);
    let status = |headers: &str| api.ask("GET", "/users", headers, "").status;
    assert_eq!(status("Host: evil.example\r\n"), 403);
    assert_eq!(status("Origin: https://evil.example\r\n"), 403);
    assert_eq!(status("Origin: null\r\n"), 403);
    assert_eq!(status(&format!("Origin: http://{}\r\n", api.address)), 200);
    assert_eq!(status("Host: localhost\r\n"), 200);
    assert_eq!(status("Sec-Fetch-Site: cross-site\r\n"), 403);
    assert_eq!(status("Sec-Fetch-Site: same-origin\r\n"), 200);
}

#[test]
fn a_body_without_the_type_of_data_is_refused_wherever_it_is_sent() {
    let api = Api::start(SCENARIO, &[]);
    let form = "Content-Type: application/x-www-form-urlencoded\r\n";
    for (method, path) in
        [("POST", "/users"), ("POST", "/spaces/default/reset"), ("DELETE", "/users/anna"), ("GET", "/users")]
    {
        let told = api.ask(method, path, form, "{}");
        assert_eq!(told.status, 415, "{method} {path}: {}", told.body);
        assert!(told.json()["remedy"].as_str().unwrap().contains("curl -d"), "{}", told.body);
        assert_eq!(api.ask(method, path, "", "{}").status, 415, "{method} {path}");
    }
    // PowerShell 5.1 names this type where it sends no body.
    assert_eq!(api.ask("POST", "/spaces/default/reset", form, "").status, 200);
    let yaml = "Content-Type: application/yaml\r\n";
    assert_eq!(api.ask("POST", "/users", yaml, "username: carla").status, 201);
}

#[test]
fn every_answer_has_the_headers_that_keep_browsers_from_guessing_and_keeping() {
    let api = Api::start(SCENARIO, &[]);
    for (method, path) in [
        ("GET", "/users"),
        ("GET", "/nothing"),
        ("GET", "/~/x"),
        ("GET", "/livez"),
        ("GET", "/scenario"),
        ("PUT", "/users"),
    ] {
        let head = api.ask(method, path, "", "").head;
        for header in ["x-content-type-options: nosniff", "referrer-policy: no-referrer", "cache-control: no-store"] {
            assert!(head.contains(header), "{method} {path}: {head}");
        }
    }
    let head = api.ask("GET", "/users", "Host: evil.example\r\n", "").head;
    assert!(head.contains("nosniff") && head.contains("no-store"), "{head}");
}

#[test]
fn the_list_of_rules_tells_no_secret() {
    let scenario = "users: [anna]
rules:
  - {name: code, when: {user: anna}, code: '471102'}
  - {name: digits, digits: '471103#', change: {pin: '471104', password: Kennwort-471105, mode: smsText}}
  - {name: person, person: [{waits: 3s}, {enters: '471106'}, {presses: '471107#'}]}
  - {name: replies, first: {person: [{replies: '471108'}]}, then: {person: [{approves: '471109'}]}}
  - {name: words, person: [{enters: pin}]}
  - {name: canned, when: {operation: GenerateActivationCode}, answer: {activationCode: '471110'}}
";
    let api = Api::start(scenario, &[]);
    let (status, added) = api.send("POST", "/rules", &json!({"name": "added", "code": "471111"}));
    assert_eq!(status, 201, "{added}");
    let rules = api.get("/rules").to_string();
    assert!(!added.to_string().contains("4711") && !rules.contains("4711"), "{rules}");
    for shown in ["enters: pin", "{waits: ", "mode: smsText", "user: anna", "GenerateActivationCode"] {
        assert!(rules.contains(shown), "{shown}: {rules}");
    }
}

#[cfg(unix)]
#[test]
fn the_verbose_log_masks_what_the_server_does_not_understand() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("s.yaml"), SCENARIO).unwrap();
    let server = Server::start(folder.path(), &["s.yaml", "--verbose"]);
    let path = "/MultiFactorAuthWebServiceSdk/PfWsSdk.asmx";
    let xml = "<s:Envelope xmlns:s='http://schemas.xmlsoap.org/soap/envelope/'><s:Header><Security><Username>hunter2</Username><Password>hunter2</Password></Security></s:Header><s:Body><PIN>hunter2</PIN></s:Body></s:Envelope>";
    let bodies = [
        ("application/json", r#"{"password": "hunter2"}"#),
        ("application/x-www-form-urlencoded", "pass=hunter2"),
        ("text/xml", xml),
        ("text/plain", "hunter2"),
    ];
    for (kind, body) in bodies {
        let head = format!(
            "POST {path}?pin=hunter2 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        let mut stream = TcpStream::connect(server.address()).unwrap();
        stream.write_all((head + body).as_bytes()).unwrap();
        read(stream);
    }
    server.call("UserExists", "<username>a\u{9b}31m\u{202e}</username>");
    let (_, lines) = server.stop();
    let log = lines.iter().map(|it| it.to_string() + "\n").collect::<String>();
    assert_eq!(log.matches("not understood").count(), bodies.len(), "{log}");
    for shown in ["password", "pass=(7 characters)", "<PIN>(7 characters)</PIN>", "<Username>(7 characters)</Username>"]
    {
        assert!(log.contains(shown), "{shown}: {log}");
    }
    assert!(!log.contains("hunter2"), "{log}");
}

#[test]
fn accounts_with_any_password_are_warned_of_where_other_machines_reach_the_server() {
    let folder = tempfile::tempdir().unwrap();
    let scenario =
        "server: {sign_in: basic, trust: any-password}\naccounts: [{name: portal, groups: [PhoneFactor Admins]}]";
    fs::write(folder.path().join("s.yaml"), scenario).unwrap();
    let arguments = |listen: &'static str| ["s.yaml", "--http", "--no-admin", "--allow-remote", "--listen", listen];
    for (listen, warns) in [("0.0.0.0:0", true), ("127.0.0.1:0", false)] {
        let mut child = locmfa(folder.path(), &arguments(listen)).spawn().unwrap();
        let log = BufReader::new(child.stderr.take().unwrap());
        let until_ready: Vec<_> = log.lines().map(Result::unwrap).take_while(|it| !it.contains("ready")).collect();
        child.kill().unwrap();
        child.wait().unwrap();
        let is_warned = until_ready.iter().any(|it| it.contains("WARN") && it.contains("any password"));
        assert_eq!(is_warned, warns, "{listen}: {until_ready:?}");
    }
}

#[test]
fn the_raw_view_of_a_call_has_its_headers_and_escapes_bytes_that_are_no_text() {
    let api = Api::start(SCENARIO, &[]);
    let mut stream = TcpStream::connect(api.server.address()).unwrap();
    let head = "POST /PfWsSdk.asmx?pin=4711 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAuthorization: Bearer hunter2\r\nCookie: hunter2\r\nX-Test: a\r\nContent-Type: text/xml\r\nContent-Length: 7\r\n\r\n";
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(b"<a>\xff\x80</").unwrap();
    read(stream);
    let seq = api.get("/calls")["items"][0]["seq"].clone();
    let whole = api.get(&format!("/calls/{seq}?raw=true"));
    let headers = whole["headers"].as_str().unwrap();
    assert!(headers.starts_with("POST /PfWsSdk.asmx?(8 characters)\n"), "{headers}");
    assert!(headers.contains("x-test: a") && headers.contains("authorization: Bearer (7 characters)"), "{headers}");
    assert!(!headers.contains("hunter2") && !headers.contains("4711"), "{headers}");
    assert_eq!(whole["request"], r"<a>\xff\x80</");
    let story = whole["explained"].to_string();
    assert!(story.contains("No rule was asked"), "{story}");
    assert_eq!(api.get(&format!("/calls/{seq}"))["headers"], json!(null));
}

#[test]
fn a_call_that_no_rule_matches_is_explained_so() {
    let api = Api::start("users: [anna]\nrules: [{when: {user: ben}, outcome: busy}]", &[]);
    api.server.call("UserExists", "<username>anna</username>");
    api.server.call("PfAuthUser_4", "<username>anna</username>");
    let last = api.get("/calls?limit=1")["items"][0]["seq"].clone();
    let story = api.get(&format!("/calls/{last}"))["explained"].to_string();
    assert!(story.contains("No rule matches.") && !story.contains("There are no rules"), "{story}");
}

#[test]
fn what_a_browser_asks_for_by_itself_is_no_failure() {
    let api = Api::start(SCENARIO, &[]);
    for path in ["/favicon.ico", "/robots.txt", "/.well-known/security.txt", "/other"] {
        let mut stream = TcpStream::connect(api.server.address()).unwrap();
        let head = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        stream.write_all(head.as_bytes()).unwrap();
        assert!(read(stream).starts_with("HTTP/1.1 404"), "{path}");
    }
    let failures = api.get("/failures").to_string();
    assert!(failures.contains("/other") && !failures.contains("favicon") && !failures.contains("robots"), "{failures}");
}
