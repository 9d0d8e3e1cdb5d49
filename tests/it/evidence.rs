//! Evidence: what the server says happened, and what it says when it does not know.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::TcpStream;
use std::thread;

use locmfa::contract::Mode;
use locmfa::engine::Outcome;
use locmfa::switchboard::{Limits, Switchboard};
use serde_json::{Value, json};

use crate::admin::ANNA;
use crate::api::Api;
use crate::process::{Server, read, run};
use crate::{asked, asking};

const SCENARIO: &str = "users:
  - {username: anna, phone: '+1 425 555 0100', pin: '2580'}
  - {username: ben, phone: '+1 425 555 0101', mode: smsText}
rules:
  - {when: {user: ben}, after: 0s, code: '864209'}
";

/// No phone call ends by itself.
const RINGS: &str = "clock: frozen
users: [{username: anna, phone: '+1 425 555 0100'}]
rules:
  - {when: {operation: UserExists}, delay: 1h}
  - {when: {mode: smsText}, outcome: text-not-sent, after: 0s}
  - {outcome: no-answer}
";

/// A stream of events, without the lengths of its chunks.
fn events(api: &Api, headers: &str, path: &str) -> impl Iterator<Item = String> + use<> {
    let mut lines = BufReader::new(api.open("GET", path, headers, "")).lines().map(Result::unwrap);
    lines.by_ref().find(String::is_empty);
    lines.filter(|it| it.contains(": "))
}

/// The next event of a stream: its name, and its data.
fn event(lines: &mut impl Iterator<Item = String>) -> (String, Value) {
    let mut field = |name: &str| lines.find_map(|it| Some(it.strip_prefix(name)?.to_owned())).unwrap();
    (field("event: "), serde_json::from_str(&field("data: ")).unwrap())
}

impl Api {
    /// Verifies expectations: the status, and the answer.
    fn verify(&self, expect: &Value) -> (u16, Value) {
        self.send("POST", "/verify", &json!({"expect": expect}))
    }
}

#[test]
fn evicted_calls_count_where_enough_is_known_of_them_and_make_the_verdict_unknown_elsewhere() {
    let api = Api::start(SCENARIO, &["--journal-entries", "3"]);
    api.server.call("UserExists", ANNA);
    let second = api.get("/calls")["next"].clone();
    for _ in 0..4 {
        api.server.call("UserExists", ANNA);
    }
    let by_result = json!({"operation": "userexists", "username": "ANNA", "outcome": "true*", "status": 200});
    let by_field = json!({"fields.username": "anna"});

    let (status, told) = api.verify(&json!([
        {"where": by_result, "exactly": 5},
        {"where": {"operation": "PfAuthUser*"}, "exactly": 0},
        {"where": {"username": "anna", "error": null}, "at_least": 4},
        {"where": by_field, "at_least": 3},
        {"kind": "message", "exactly": 0},
        {"exactly": 5},
    ]));
    assert_eq!(
        (status, &told["verdict"], &told["counts"]),
        (200, &json!("passed"), &json!([5, 0, 5, 3, 0, 5])),
        "{told}"
    );
    assert_eq!(told["forgotten"], 2);

    let (status, told) = api.verify(&json!([{"where": by_result, "at_most": 4}]));
    assert_eq!((status, &told["verdict"], &told["failures"][0]["found"]), (409, &json!("failed"), &json!(5)), "{told}");
    for unknown in [
        json!({"where": {"fields.username": "zoe"}, "exactly": 0}),
        json!({"where": by_field, "at_most": 3}),
        json!({"where": by_field, "at_least": 4}),
        json!({"where": by_result, "within": "1h"}),
    ] {
        let (status, told) = api.verify(&json!([unknown]));
        assert_eq!((status, &told["type"]), (409, &json!("urn:locmfa:problem:verify-unknown")), "{unknown}: {told}");
        assert_eq!(
            (&told["verdict"], &told["failures"][0]["verdict"]),
            (&json!("unknown"), &json!("unknown")),
            "{told}"
        );
        assert!(told["remedy"].as_str().unwrap().contains("--journal-entries"), "{told}");
    }
    // What failed for sure is a failure, whatever else is unknown.
    let (_, told) = api.verify(&json!([{"where": by_result, "within": "1h"}, {"where": by_result, "exactly": 0}]));
    assert_eq!(told["verdict"], "failed", "{told}");
    // Whether some came after the cursor is not known of those that are evicted.
    let (_, told) =
        api.send("POST", "/verify", &json!({"after": second, "expect": [{"where": by_result, "exactly": 4}]}));
    assert_eq!(told["verdict"], "unknown", "{told}");
    let (status, told) = api.send(
        "POST",
        "/verify",
        &json!({"after": second, "expect": [{"where": {"operation": "PfAuthUser*"}, "exactly": 0}]}),
    );
    assert_eq!(status, 200, "{told}");
}

#[test]
fn an_order_of_which_a_part_is_evicted_is_unknown() {
    let api = Api::start(SCENARIO, &["--journal-entries", "2"]);
    let calls = ["ValidatePin", "UserExists", "UserExists"];
    calls.iter().for_each(|it| drop(api.server.call(it, ANNA)));
    let verify = |expect: Value| {
        let (_, told) = api.send("POST", "/verify", &json!({"in_order": true, "expect": expect}));
        told["verdict"].clone()
    };
    let (pin, exists) = (json!({"where": {"operation": "ValidatePin"}}), json!({"where": {"operation": "UserExists"}}));
    assert_eq!(verify(json!([pin, exists])), "unknown");
    assert_eq!(verify(json!([exists, exists])), "passed");
    assert_eq!(verify(json!([exists, exists, exists])), "failed");
}

#[test]
fn what_a_reset_has_removed_is_unknown_to_who_asks_from_before_it() {
    let api = Api::start(SCENARIO, &[]);
    api.server.call("UserExists", ANNA);
    let before = api.get("/calls?after=now")["next"].clone();
    api.server.call("UserExists", ANNA);
    api.send("POST", "/spaces/default/reset", &json!({}));
    let none = json!([{"where": {"operation": "UserExists"}, "exactly": 0}]);
    assert_eq!(api.verify(&none).0, 200);
    let (status, told) = api.send("POST", "/verify", &json!({"after": before, "expect": none}));
    assert_eq!((status, &told["verdict"]), (409, &json!("unknown")), "{told}");
}

#[test]
fn fields_beyond_what_is_kept_of_a_request_are_unknown() {
    let api = Api::start(SCENARIO, &[]);
    api.server.call("UserExists", &format!("<!--{}-->{ANNA}", "x".repeat(100_000)));
    let (_, told) = api.verify(&json!([{"where": {"fields.username": "anna"}, "exactly": 0}]));
    assert_eq!(told["verdict"], "unknown", "{told}");
    assert!(told["remedy"].as_str().unwrap().contains("64 KiB"), "{told}");
    let (status, told) = api.verify(&json!([{"where": {"operation": "UserExists", "username": "anna"}, "exactly": 1}]));
    assert_eq!(status, 200, "{told}");
}

#[test]
fn an_expectation_that_cannot_fail_or_cannot_be_compared_never_passes() {
    let api = Api::start(SCENARIO, &[]);
    for (expect, remedy) in [
        (json!([]), "Write one expectation"),
        (json!([{"at_least": 0}]), "Give 1 or more"),
        (json!([{"where": {"fields.requireUserMtch": true}, "exactly": 0}]), "Did you mean fields.requireUserMatch?"),
        (
            json!([{"where": {"operation": "PfAuthUser*", "fields.passcode": 1}, "exactly": 0}]),
            "shows the fields of a call",
        ),
        (json!([{"where": {"fields.userSettings.Phne": 1}, "exactly": 0}]), "shows the fields of a call"),
        (json!([{"where": {"operation": "PfAutUser_5"}, "exactly": 0}]), "Did you mean PfAuthUser_5?"),
        (json!([{"where": {"operation": "ValidatePin", "fields.pin": "2580"}, "exactly": 0}]), "Use the outcome"),
        (json!([{"where": {"usrname": "x"}, "exactly": 0}]), "Did you mean username?"),
    ] {
        let (status, told) = api.verify(&expect);
        assert_eq!(status, 400, "{expect}: {told}");
        assert!(told["remedy"].as_str().unwrap().contains(remedy), "{expect}: {told}");
    }
    assert_eq!(api.ask("GET", "/calls?operation=PfAutUser_5", "", "").status, 400);
    assert_eq!(api.verify(&json!([{"where": {"fields.pin": "*"}, "exactly": 0}])).0, 200);
}

#[test]
fn verify_ends_with_1_where_it_does_not_know_and_where_the_file_says_nothing() {
    let api = Api::start(SCENARIO, &["--journal-entries", "1"]);
    (0..2).for_each(|_| drop(api.server.call("UserExists", ANNA)));
    let verify = |text: &str| {
        fs::write(api.folder.path().join("e.yaml"), text).unwrap();
        run(api.folder.path(), &["verify", "e.yaml", "--admin", &format!("http://{}", api.address)])
    };
    let (code, text) = verify("- {where: {fields.username: anna}, exactly: 1}");
    assert_eq!(code, 1, "{text}");
    assert!(text.starts_with("Unknown: expected exactly 1 call with fields.username anna; 1 fitted, and 1 "), "{text}");
    assert!(text.contains("--journal-entries"), "{text}");
    let (code, text) = verify("# nothing\n");
    assert!(code == 1 && text.contains("e.yaml is empty; it needs a list `expect`"), "{text}");
    let (code, text) = verify("expect: []");
    assert!(code == 1 && text.contains("nothing is verified"), "{text}");
}

#[test]
fn the_example_of_the_documentation_passes_on_the_flow_that_it_describes() {
    let docs = include_str!("../../docs/admin.md");
    let example = docs.split("```yaml\n").find(|it| it.starts_with("# expectations.yaml")).unwrap();
    let example = example.split("```").next().unwrap();
    let scenario =
        "users: [{username: anna, phone: '+1 425 555 0100', mode: smsText}]\nrules: [{code: '864209', after: 0s}]";
    let api = Api::start(scenario, &[]);
    fs::write(api.folder.path().join("expectations.yaml"), example).unwrap();
    let number = "<requireUserMatch>true</requireUserMatch><mode>smsText</mode><countryCode>1</countryCode><phoneNumber>4255550100</phoneNumber>";
    api.server.call("PfAuthUser_5", &format!("{ANNA}{number}"));
    api.server.call("ValidatePasscode", &format!("{ANNA}<passcode>864209</passcode>"));
    let url = format!("http://{}", api.address);
    let (code, text) = run(api.folder.path(), &["verify", "expectations.yaml", "--admin", &url]);
    assert_eq!(code, 0, "{text}");
}

#[test]
fn a_call_has_a_start_and_an_end_and_is_listed_once() {
    let api = Api::start(RINGS, &[]);
    let mut live = events(&api, "", "/events?kinds=call,challenge");
    let before = api.get("/calls?after=now")["next"].clone();
    let call = api.server.send("PfAuthUser_4", ANNA);
    let open = api.get("/calls?state=open&wait=60s");
    let one = &open["items"][0];
    assert_eq!((&one["operation"], &one["state"], open.get("next")), (&json!("PfAuthUser_4"), &json!("open"), None));
    for name in ["ended", "outcome", "call_result", "error", "status", "rule", "warning", "milliseconds"] {
        assert_eq!(one[name], Value::Null, "{name}");
    }
    assert_eq!(api.get("/calls")["items"], json!([]));
    assert_eq!(api.ask("GET", "/calls?state=open&after=now", "", "").status, 400);
    let whole = api.get(&format!("/calls/{}", one["seq"]));
    assert!(whole["explained"].to_string().contains("It is open"), "{whole}");
    assert_eq!(whole["fields"], json!({"username": "anna"}));

    let (opened, rings) = (event(&mut live), event(&mut live));
    assert_eq!((&*opened.0, &opened.1), ("call.opened", one));
    // A call comes before what it brings about.
    assert!(rings.0 == "challenge" && rings.1["seq"].as_u64() > one["seq"].as_u64(), "{rings:?}");
    api.send("POST", "/clock/advance", &json!({"by": "1h"}));
    assert!(read(call).contains("<Code>11</Code>"));
    let closed = api.get(&format!("/calls?after={}&wait=60s", before.as_str().unwrap()));
    assert_eq!((&closed["items"][0]["seq"], &closed["items"][0]["state"]), (&one["seq"], &json!("closed")));
    assert!(closed["items"][0]["ended"].as_str() > closed["items"][0]["at"].as_str());
    let ended = live.by_ref().skip_while(|it| it != "event: call.closed").nth(1).unwrap();
    assert_eq!(serde_json::from_str::<Value>(ended.strip_prefix("data: ").unwrap()).unwrap(), closed["items"][0]);
    assert_eq!(api.get("/calls?state=open")["items"], json!([]));
}

#[test]
fn an_open_call_makes_a_verdict_unknown_until_it_ends() {
    let api = Api::start(RINGS, &[]);
    let ringing = api.server.send("PfAuthUser_4", ANNA);
    let delayed = api.server.send("UserExists", ANNA);
    api.get("/calls?state=open&operation=PfAuthUser*&wait=60s");
    api.get("/calls?state=open&operation=UserExists&wait=60s");
    for unknown in [
        json!({"where": {"operation": "PfAuthUser*"}, "exactly": 0}),
        json!({"where": {"operation": "UserExists"}}),
        json!({"where": {"call_result": 101}, "exactly": 0}),
    ] {
        let (status, told) = api.verify(&json!([unknown]));
        assert_eq!((status, &told["verdict"]), (409, &json!("unknown")), "{unknown}: {told}");
        assert!(told["remedy"].as_str().unwrap().contains("state=open"), "{told}");
    }
    assert_eq!(api.verify(&json!([{"where": {"operation": "ValidatePin"}, "exactly": 0}])).0, 200);
    let (status, told) = api.verify(&json!([{"where": {"state": "open"}, "exactly": 0}]));
    assert_eq!(status, 400, "{told}");
    let none = json!({"expect": [{"where": {"call_result": 101}, "exactly": 0}], "wait": "60s"});
    thread::scope(|scope| {
        // The end of a call that does not fit makes it known.
        let verified = scope.spawn(|| api.send("POST", "/verify", &none));
        api.send("POST", "/clock/advance", &json!({"by": "1h"}));
        let (status, told) = verified.join().unwrap();
        assert_eq!(status, 200, "{told}");
    });
    assert!(read(ringing).contains("<Code>11</Code>"));
    assert!(read(delayed).contains(">true<"));
}

#[test]
fn a_call_ends_in_the_epoch_in_which_it_began_and_its_fault_says_why() {
    let api = Api::start(&format!("{RINGS}on_reload: reset\n"), &[]);
    let open = |space: &str, operation: &str| {
        let call = api.server.send_in(space, operation, ANNA);
        api.get(&format!("{space}/calls?state=open&operation={operation}&wait=60s"));
        call
    };
    let ended = |call: TcpStream, space: &str, why: &str| {
        let answer = read(call);
        assert!(answer.starts_with("HTTP/1.1 500 ") && answer.contains(why), "{answer}");
        if !space.is_empty() || why.contains("default") {
            let calls = api.get(&format!("{space}/calls"));
            assert_eq!((&calls["items"], &calls["forgotten"]), (&json!([]), &json!(0)), "{why}");
        }
    };
    for operation in ["PfAuthUser_4", "UserExists"] {
        let call = open("", operation);
        api.send("POST", "/spaces/default/reset", &json!({}));
        ended(call, "", "The space default was reset while the call waited");
    }
    let call = open("", "PfAuthUser_4");
    fs::write(api.folder.path().join("s.yaml"), format!("{RINGS}on_reload: reset\nseed: 1\n")).unwrap();
    assert_eq!(api.send("POST", "/scenario/reload", &json!({})).0, 200);
    ended(call, "", "The scenario was read again and the space default started over while");
    let call = open("", "PfAuthUser_4");
    assert_eq!(api.ask("PUT", "/scenario", "Content-Type: application/yaml\r\n", RINGS).status, 200);
    ended(call, "", "The space default was started over with another scenario while");
    assert_eq!(api.send("PUT", "/spaces/one", &json!({})).0, 201);
    let call = open("/~one", "PfAuthUser_4");
    assert_eq!(api.ask("DELETE", "/spaces/one", "", "").status, 204);
    assert_eq!(api.send("PUT", "/spaces/one", &json!({})).0, 201);
    ended(call, "/~one", "The space one was dropped while");

    let metrics = api.ask("GET", "/metrics", "", "").body;
    assert!(metrics.contains("\nlocmfa_calls_total 5\n"), "{metrics}");
}

#[cfg(unix)]
#[test]
fn the_count_at_the_end_has_the_calls_of_dropped_spaces_and_those_before_a_reset() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("s.yaml"), SCENARIO).unwrap();
    let server = Server::start(folder.path(), &["s.yaml"]);
    for space in ["", "/~one"] {
        read(server.send_in(space, "UserExists", ANNA));
    }
    let admin = server.ready["admin"].as_str().unwrap().to_owned();
    for command in ["drop one", "reset default"] {
        let words: Vec<_> = ["space"].into_iter().chain(command.split(' ')).chain(["--admin", &admin]).collect();
        assert_eq!(run(folder.path(), &words).0, 0);
    }
    let (_, lines) = server.stop();
    assert_eq!(lines.last().unwrap()["calls"], 2, "{lines:?}");
}

#[test]
fn a_client_that_sends_a_call_and_closes_at_once_leaves_an_entry() {
    let api = Api::start(SCENARIO, &[]);
    let large = format!("{ANNA}<!--{}-->", "x".repeat(100_000));
    for (operation, body, each) in [("UserExists", ANNA, 500), ("GetPhone", &large, 25)] {
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..each).for_each(|_| drop(api.server.send(operation, body))));
            }
        });
        let all = json!({"expect": [{"where": {"operation": operation, "username": "anna"}, "exactly": 4 * each}], "wait": "60s"});
        let (status, told) = api.send("POST", "/verify", &all);
        assert_eq!(status, 200, "{told}");
    }
    let calls = api.get("/calls?operation=GetPhone&limit=1");
    let whole = api.get(&format!("/calls/{}?raw=true", calls["items"][0]["seq"]));
    assert!(whole["request"].as_str().unwrap().contains(ANNA), "{whole}");
}

/// Closing a socket with bytes that are not read sends a reset. Other systems than Linux discard with it what the server
/// has not read yet.
#[cfg(target_os = "linux")]
#[test]
fn a_client_that_sends_a_call_and_resets_the_connection_leaves_an_entry() {
    use std::io::Write;

    let api = Api::start(SCENARIO, &[]);
    let head =
        "POST /MultiFactorAuthWebServiceSdk/PfWsSdk.asmx HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/xml\r\n";
    let request = |operation: &str| {
        let namespace = locmfa::contract::NAMESPACE;
        let body = format!(
            "<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\"><s:Body>\
             <{operation} xmlns=\"{namespace}\">{ANNA}</{operation}></s:Body></s:Envelope>"
        );
        format!("{head}SOAPAction: \"{namespace}/{operation}\"\r\nContent-Length: {}\r\n\r\n{body}", body.len())
    };
    for _ in 0..50 {
        let mut stream = TcpStream::connect(api.server.address()).unwrap();
        stream.write_all(request("UserExists").as_bytes()).unwrap();
        stream.peek(&mut [0]).unwrap();
        stream.write_all(request("GetPhone").as_bytes()).unwrap();
    }
    let all = |operation| json!({"where": {"operation": operation, "username": "anna"}, "exactly": 50});
    let expect = json!({"expect": [all("UserExists"), all("GetPhone")], "wait": "60s"});
    let (status, told) = api.send("POST", "/verify", &expect);
    assert_eq!(status, 200, "{told}");
}

#[tokio::test(start_paused = true)]
async fn a_text_message_that_ends_leaves_the_line_of_a_ringing_phone_busy() {
    let setup = locmfa::scenario::load("test", RINGS).unwrap().setup;
    let spaces = Switchboard::new(setup, Limits::default());
    let space = spaces.default_space().clone();
    let ringing = tokio::spawn({
        let space = space.clone();
        async move { asked(&space, asking("anna", Mode::VoiceCall, "")).await }
    });
    tokio::task::yield_now().await;
    let outcome = async |mode| asked(&space, asking("anna", mode, "")).await.unwrap().ending.known();
    assert_eq!(outcome(Mode::SmsText).await, Some(Outcome::TextNotSent));
    assert_eq!(outcome(Mode::VoiceCall).await, Some(Outcome::Busy));
    ringing.abort();
}

#[test]
fn a_cursor_of_another_run_or_of_a_dropped_space_is_refused_and_a_stream_goes_on() {
    let api = Api::start(SCENARIO, &[]);
    assert_eq!(api.send("PUT", "/spaces/one", &json!({})).0, 201);
    let next = |path: &str| api.get(path)["next"].as_str().unwrap().to_owned();
    let (own, dropped) = (next("/calls"), next("/~one/calls"));
    api.ask("DELETE", "/spaces/one", "", "");
    assert_eq!(api.send("PUT", "/spaces/one", &json!({})).0, 201);
    read(api.server.send_in("/~one", "UserExists", ANNA));
    for list in ["calls", "messages", "challenges", "challenges/turns"] {
        let status =
            |space: &str, after: &str| api.ask("GET", &format!("{space}/{list}?after={after}&wait=1ms"), "", "").status;
        // A number stands for a cursor of an earlier version.
        let statuses =
            [status("/~one", &dropped), status("/~one", &own), status("", "12"), status("", "soon"), status("", &own)];
        assert_eq!(statuses, [410, 410, 410, 400, 200], "{list}");
    }
    let verify = json!({"after": dropped, "expect": [{"where": {"operation": "UserExists"}, "exactly": 0}]});
    assert_eq!(api.send("POST", "/~one/verify", &verify).0, 410);
    for id in [&*dropped, &*own, "12", "soon"] {
        let mut stream = events(&api, &format!("Last-Event-ID: {id}\r\n"), "/~one/events?kinds=call.closed");
        let new = stream.next().unwrap();
        assert!(new.starts_with("id: ") && new != format!("id: {id}"), "{id}: {new}");
        assert_eq!(stream.next().unwrap(), "event: lost");
        assert_eq!(event(&mut stream).1["operation"], "UserExists");
    }
    // An empty id is none.
    let mut stream = events(&api, "Last-Event-ID: \r\n", "/~one/events?kinds=call.closed");
    api.get("/calls");
    read(api.server.send_in("/~one", "TestSecurity", ""));
    assert_eq!(event(&mut stream).1["operation"], "TestSecurity");
    let head = api.ask("HEAD", "/events", "", "").head;
    assert!(head.contains("x-accel-buffering: no"), "{head}");
}

#[test]
fn a_stream_says_that_the_space_was_reset_and_that_it_was_dropped() {
    let api = Api::start(SCENARIO, &[]);
    assert_eq!(api.send("PUT", "/spaces/one", &json!({})).0, 201);
    let mut stream = events(&api, "", "/~one/events");
    api.get("/calls");
    api.send("POST", "/spaces/one/reset", &json!({}));
    assert_eq!(event(&mut stream).0, "reset");
    read(api.server.send_in("/~one", "UserExists", ANNA));
    assert_eq!([event(&mut stream).0, event(&mut stream).0], ["call.opened", "call.closed"]);
    thread::scope(|scope| {
        let waits = scope.spawn(|| api.ask("GET", "/~one/messages?wait=60s", "", ""));
        // The list is asked for before the space goes: a wait for a space that is gone is refused as well.
        api.ask("DELETE", "/spaces/one", "", "");
        assert_eq!(waits.join().unwrap().status, 404);
    });
    let (name, told) = event(&mut stream);
    assert!(name == "ended" && told["detail"] == "The space one was dropped.", "{name}: {told}");
    assert_eq!(stream.next(), None);
}

#[test]
fn a_snapshot_refuses_by_name_what_no_scenario_can_say() {
    let api = Api::start(
        "users: [{username: anna, phone: '+1 425 555 0100'}]
states: [{name: locked, when: {outcome: busy, times: 1}}]
rules:
  - {when: {state: locked, count: {tries: 3}}, outcome: account-locked}
  - {name: in turn, when: {operation: UserExists}, first: {status: 503}, then: as-usual}
  - {name: tries, when: {operation: PfAuthUser*}, outcome: busy, after: 0s, count: tries}
",
        &[],
    );
    let snapshot = || api.ask("GET", "/snapshot", "", "");
    assert_eq!(snapshot().status, 200);
    api.send("POST", "/rules?times=2", &json!({"name": "twice", "when": {"user": "zoe"}, "outcome": "busy"}));
    api.server.call("UserExists", ANNA);
    api.server.call("PfAuthUser_4", ANNA);
    let told = snapshot();
    assert_eq!(told.status, 409);
    let detail = told.json()["detail"].as_str().unwrap().to_owned();
    for part in
        ["\"twice\" decides 2 more calls", "\"in turn\" has given 1", "anna in the state locked", "counter tries at 1"]
    {
        assert!(detail.contains(part), "{part}: {detail}");
    }
    assert_eq!(api.send("PUT", "/spaces/one", &json!({"from": "default"})).0, 201);
}

#[test]
fn a_space_forgets_the_oldest_people_who_are_no_users_and_says_what_is_uncertain_since() {
    let users = "users: [{username: anna, phone: '+1 425 555 0100'}]";
    let api = Api::start(&format!("{users}\nrules: [{{outcome: fraud-code-entered, after: 0s}}]"), &["--people", "2"]);
    let call = |fields: &str| {
        api.server.call("PfAuthUser_5", fields);
        api.get("/calls?limit=1")["items"][0]["call_result"].clone()
    };
    let number = |n: u32| format!("<username>mimservice</username><phoneNumber>425555020{n}</phoneNumber>");
    let (fraud, blocked) = (112, 14);
    assert_eq!(call(ANNA), fraud);
    for n in 1..=3 {
        assert_eq!(call(&number(n)), fraud);
    }
    // Anna is a user: nothing makes the server forget the block.
    for (fields, result) in [(ANNA.to_owned(), blocked), (number(2), blocked), (number(3), blocked), (number(1), fraud)]
    {
        assert_eq!(call(&fields), result, "{fields}");
    }
    assert_eq!(api.get("/notices?topic=eviction")["items"].as_array().unwrap().len(), 1);

    assert_eq!(api.verify(&json!([{"where": {"username": "anna"}, "exactly": 2}])).0, 200);
    let of_number = json!([{"where": {"phone": "+1 425 555 0203", "call_result": blocked}, "exactly": 1}]);
    let (status, told) = api.verify(&of_number);
    assert_eq!((status, &told["verdict"]), (409, &json!("unknown")), "{told}");
    assert!(told["remedy"].as_str().unwrap().contains("--people"), "{told}");
    api.send("PUT", "/spaces/fork", &json!({"from": "default"}));
    read(api.server.send_in("/~fork", "PfAuthUser_5", &number(3)));
    assert_eq!(api.send("POST", "/~fork/verify", &json!({"expect": of_number})).1["verdict"], "unknown");
    api.send("POST", "/spaces/default/reset", &json!({}));
    assert_eq!((call(&number(3)), call(&number(3))), (fraud.into(), blocked.into()));
    assert_eq!(api.verify(&of_number).0, 200);
}

#[test]
fn a_space_accepts_the_newest_codes_and_says_what_is_uncertain_since() {
    let users = "users: [{username: anna, phone: '+1 425 555 0100', mode: smsText}, {username: ben, phone: '+1 425 555 0101', mode: smsText}]";
    let rules =
        "rules: [{when: {user: anna}, after: 0s, code: '135790'}, {when: {user: ben}, after: 0s, code: '864209'}]";
    let api = Api::start(&format!("{users}\n{rules}"), &["--codes", "1"]);
    for user in ["anna", "ben"] {
        api.server.call("PfAuthUser_4", &format!("<username>{user}</username>"));
    }
    for (user, code, outcome) in [("anna", "135790", "false"), ("ben", "864209", "true")] {
        let fields = format!("<username>{user}</username><passcode>{code}</passcode>");
        api.server.call("ValidatePasscode", &fields);
        let told = api.get("/calls?limit=1")["items"][0]["outcome"].clone();
        assert!(told.as_str().unwrap().starts_with(outcome), "{user}: {told}");
    }
    let (status, told) = api.verify(&json!([{"where": {"operation": "ValidatePasscode", "outcome": "true*"}}]));
    assert_eq!((status, &told["verdict"]), (409, &json!("unknown")), "{told}");
    assert!(told["remedy"].as_str().unwrap().contains("--codes"), "{told}");
    assert_eq!(api.verify(&json!([{"where": {"operation": "UserExists"}, "exactly": 0}])).0, 200);
}
