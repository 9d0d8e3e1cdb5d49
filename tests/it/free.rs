//! What is asked of the admin API stops no call, and files that are no scenario replace none.

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request};
use http_body_util::BodyExt;
use locmfa::engine::{Notice, What};
use locmfa::scenario::{self, Code, Server as Listener, Severity};
use locmfa::server::admin::{self, Admin, Gate};
use locmfa::server::reload::{Reloader, Source};
use locmfa::switchboard::{Limits, Space, Switchboard};
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::api::Api;

const YAML: &str = "Content-Type: application/yaml\r\n";

/// Each of these took more than ten seconds, or gave an answer of more than 100 MB, where each mistake looked at the
/// whole line that it is in.
#[test]
fn a_text_of_mistakes_alone_has_the_first_listed_and_the_others_counted() {
    let keys = format!("users: [{{username: anna{}}}]", ", phon: 1".repeat(20_000));
    let anchors: Vec<_> = (0..20_000).map(|at| format!("&a{at} {{username: anna}}")).collect();
    let words: Vec<_> = (0..20_000).map(|at| format!("{{outcome: bussy{at}}}")).collect();
    for (text, all) in [
        (keys, 20_000),
        (format!("users: [{}]", anchors.join(", ")), 19_999),
        (format!("rules: [{}]", words.join(", ")), 20_000),
    ] {
        let mistakes = scenario::load("test.yaml", &text).unwrap_err();
        assert_eq!((mistakes.len(), mistakes.len() + mistakes.more()), (200, all), "{}", mistakes[0]);
        assert_eq!(mistakes.summary(), format!("{all} errors"));
        assert!(mistakes.is_sorted_by_key(|it| it.place.as_ref().map(|it| it.column)));
        let shown: usize = mistakes.iter().map(|it| it.to_string().len()).sum();
        assert!(shown < 1 << 20, "{shown} bytes");
    }
}

#[test]
fn errors_are_listed_before_warnings_and_all_are_counted() {
    let warnings: String = (0..300).map(|at| format!("  - \"user{at} ${{NAME}}\"\n")).collect();
    let text = format!("users:\n{warnings}  - {{}}\n");
    let mistakes = scenario::load("test.yaml", &text).unwrap_err();
    assert_eq!(mistakes.len(), 200);
    assert_eq!((mistakes[199].code, mistakes[199].place.as_ref().unwrap().line), (Code::MissingKey, 302));
    assert_eq!(mistakes.summary(), "1 error, 300 warnings");
    assert_eq!(mistakes.from_severity(Severity::Error).more(), 0);
}

#[test]
fn a_mistake_in_a_user_leaves_the_names_to_the_rules() {
    let text = "users: [{username: anna@contoso.com, phon: 1}, {username: ben@contoso.com}]\n\
        rules: [{when: {user: anna}, outcome: busy}, {when: {user: ben}, outcome: busy}]";
    let mistakes = scenario::load("test.yaml", text).unwrap_err();
    let codes: Vec<_> = mistakes.iter().map(|it| it.code).collect();
    assert_eq!(codes, [Code::UnknownKey, Code::NeverApplies, Code::NeverApplies]);
}

/// The search for secrets ends behind the last mistake that is listed.
#[test]
fn a_secret_that_the_last_mistake_shows_and_does_not_end_there_stays_hidden() {
    let users = "  - {usr: x}\n".repeat(99);
    let rest = "approve, ".repeat(1000);
    for value in [format!("{{outcome: hunter2, x: [{rest}]}}"), format!("[hunter2, {rest}]")] {
        let text = format!("users:\n{users}  - {{pon: 1, username: anna, pin: {value}}}\n{users}");
        let mistakes = scenario::load("test.yaml", &text).unwrap_err();
        let last = mistakes.last().unwrap();
        assert_eq!((mistakes.len(), last.code), (200, Code::WrongType), "{last}");
        let shown: String = mistakes.iter().map(ToString::to_string).collect();
        assert!(shown.contains("pin: ***") && !shown.contains("hunter2"), "{last}");
    }
}

#[test]
fn a_body_of_comments_alone_leaves_the_scenario_and_is_refused() {
    let api = Api::start("users: [anna]", &[]);
    for body in ["# users: [ben]", "---\n", "~"] {
        let told = api.ask("PUT", "/scenario", YAML, body);
        assert_eq!((told.status, &told.json()["mistakes"][0]["code"]), (422, &json!("S026")), "{body}");
        let (status, told) = api.send("PUT", "/spaces/new", &json!({"scenario": body}));
        assert_eq!((status, &told["mistakes"][0]["code"]), (422, &json!("S026")), "{body}");
    }
    fs::write(api.folder.path().join("s.yaml"), "# users: [ben]").unwrap();
    assert_eq!(api.send("POST", "/scenario/reload", &json!({})).0, 422);
    assert_eq!(api.get("/users")["items"][0]["username"], "anna");
    assert_eq!(api.ask("PUT", "/scenario", YAML, "users: []").status, 200);
    assert_eq!(api.get("/users")["total"], 0);
}

#[test]
fn an_answer_about_a_scenario_of_mistakes_lists_the_first_and_counts_the_others() {
    let api = Api::start("users: [anna]", &[]);
    let body = format!("users: [{}]", vec!["{usr: x}"; 10_000].join(", "));
    let told = api.ask("POST", "/scenario/check", YAML, &body);
    assert!(told.body.len() < 1 << 20, "{} bytes", told.body.len());
    let told = told.json();
    assert_eq!((told["mistakes"].as_array().unwrap().len(), &told["more"]), (200, &json!(19_800)));
    let told = api.ask("PUT", "/scenario", YAML, &body).json();
    assert_eq!((told["mistakes"].as_array().unwrap().len(), &told["more"]), (200, &json!(19_800)));
}

#[test]
fn rules_without_a_name_get_one_each_and_the_newest_decides() {
    let api = Api::start("users: [{username: anna, phone: '+1 425 555 0100'}]", &[]);
    let add = |rule: &Value| api.send("POST", "/rules", rule).1["name"].clone();
    assert_eq!(add(&json!({"outcome": "busy"})), "added rule 1");
    assert_eq!(add(&json!({"name": "added rule 2", "outcome": "busy"})), "added rule 2");
    assert_eq!(add(&json!({"outcome": "deny", "when": {"user": "anna"}})), "added rule 3");
    assert_eq!(api.ask("DELETE", "/rules/ADDED%20rule%201", "", "").status, 204);
    assert_eq!(add(&json!({"outcome": "busy"})), "added rule 4");
    assert_eq!(api.send("POST", "/rules", &json!({"name": "Added Rule 3", "outcome": "busy"})).0, 409);
    let names: Vec<_> = api.get("/rules")["items"].as_array().unwrap().iter().map(|it| it["name"].clone()).collect();
    assert_eq!(names, ["added rule 4", "added rule 3", "added rule 2"]);
}

#[test]
fn a_list_of_users_has_pages_and_its_patterns_a_limit() {
    let api = Api::start("users: [{username: 'user{n:04}', count: 1500}]", &[]);
    let page = api.get("/users?limit=100000");
    assert_eq!((page["items"].as_array().unwrap().len(), &page["next"]), (1000, &json!("user1000")));
    let rest = api.get("/users?limit=100000&after=user1000");
    assert_eq!((rest["items"].as_array().unwrap().len(), &rest["next"]), (500, &json!(null)));
    let long = format!("/users?username=*{}b*", "a".repeat(50_000));
    assert_eq!(api.ask("GET", &long, "", "").json()["field"], "username");
}

#[test]
fn a_list_of_challenges_is_complete_however_long_it_is() {
    let api = Api::start("users: [{username: 'user{n:03}', phone: '+1 425 555 0{n:03}', count: 50}]", &[]);
    let ask = |n: usize| {
        let fields = format!("<username>user{n:03}</username><mode>smsText</mode>");
        api.server.call("PfAuthUser_5", &fields);
    };
    let listed = |query: &str| {
        let list = api.get(&format!("/challenges?{query}"));
        let names = list["items"].as_array().unwrap().iter().map(|it| it["username"].as_str().unwrap().to_owned());
        (names.collect::<Vec<_>>(), list["next"].as_str().unwrap().to_owned())
    };
    (1..=40).for_each(ask);
    let (all, next) = listed("");
    assert_eq!(all, (1..=40).map(|n| format!("user{n:03}")).collect::<Vec<_>>());
    assert_eq!(listed("username=*3*").0.len(), 13);
    (41..=50).for_each(ask);
    assert_eq!(
        listed(&format!("after={next}&wait=10s")).0,
        (41..=50).map(|n| format!("user{n:03}")).collect::<Vec<_>>()
    );
    assert_eq!(listed(&format!("after={next}&username=user045&wait=10s")).0, ["user045"]);
    assert_eq!(listed(&format!("after={next}&username=user007")).0, [""; 0]);
}

/// The admin API of a scenario without sockets, and its default space.
fn app(scenario: &str) -> (Router, Space) {
    let loaded = scenario::load("test", scenario).unwrap();
    let spaces = Switchboard::new(loaded.setup, Limits::default());
    let space = spaces.default_space().clone();
    let reloader = Arc::new(Reloader::new(spaces.clone(), Source::BuiltIn, Listener::default(), Vec::new()));
    (admin::router(Arc::new(Admin::new(spaces, reloader, Arc::default(), Gate::default()))), space)
}

#[tokio::test]
async fn a_list_is_written_as_it_is_read() {
    let (app, _) = app("users: [{username: 'user{n:04}', count: 1000}]");
    let request = Request::get("/users?limit=1000").header("host", "localhost").body(Body::empty()).unwrap();
    let mut body = app.oneshot(request).await.unwrap().into_body();
    let mut text = Vec::new();
    while let Some(frame) = body.frame().await {
        let piece = frame.unwrap().into_data().unwrap();
        assert!(piece.len() < 80 << 10, "{}", piece.len());
        text.extend(piece);
    }
    assert!(text.len() > 200 << 10, "{}", text.len());
    let page: Value = serde_json::from_slice(&text).unwrap();
    assert_eq!((page["items"][999]["username"].as_str(), &page["total"]), (Some("user1000"), &json!(1000)));
}

#[tokio::test(start_paused = true)]
async fn waits_and_streams_outlast_events_of_others_that_are_evicted() {
    let (app, space) = app("users: [anna]");
    let happen = |topic, count| {
        for _ in 0..count {
            let notice = Notice { topic, text: "".into() };
            space.update(|engine, at| engine.journal.note(at, What::Notice(notice)));
        }
    };
    let ask = |method: Method, path: &str, body: &Value| {
        let request = Request::builder().method(method).uri(path).header("host", "localhost");
        let request = request.header("content-type", "application/json").body(Body::from(body.to_string()));
        tokio::spawn(app.clone().oneshot(request.unwrap()))
    };
    let wait = ask(Method::GET, "/notices?topic=wanted&wait=10m", &json!(null));
    let any = ask(Method::GET, "/notices?topic=wan*&wait=10m", &json!(null));
    let expect = json!({"expect": [{"kind": "notice", "where": {"topic": "wanted"}}], "wait": "10m"});
    let verified = ask(Method::POST, "/verify", &expect);
    let stream = ask(Method::GET, "/events?kinds=notice&topic=wanted", &json!(null));
    let mut stream = stream.await.unwrap().unwrap().into_body();
    assert_eq!(stream.frame().await.unwrap().unwrap().into_data().unwrap(), ":\n\n");
    let next = tokio::spawn(async move { stream.frame().await.unwrap().unwrap().into_data().unwrap() });
    for _ in 0..3 {
        happen("other", 6_000);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    happen("wanted", 1);
    for answer in [wait, any, verified] {
        let answer = answer.await.unwrap().unwrap();
        let status = answer.status();
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        let body: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(status, 200, "{body}");
        assert!(body["items"][0]["topic"] == "wanted" || body["counts"] == json!([1]), "{body}");
    }
    let piece = String::from_utf8(next.await.unwrap().into()).unwrap();
    assert!(piece.contains("event: notice\n") && piece.contains("wanted"), "{piece}");
}

#[test]
fn waits_find_calls_by_number_and_by_field() {
    let api =
        Api::start("users: [{username: anna, phone: '+1 425 555 0100'}]\nrules: [{outcome: approve, after: 0s}]", &[]);
    let waits = [
        "phone=%2B1%20425%20555%200111",
        "phone=%2B1%20425%20555%200111&operation=PfAuthUser*",
        "fields.phoneNumber=4255550111",
        "fields.phoneNumber=*0111",
        "fields.requireUserMatch=true&phone=4255550111",
    ];
    let waits = waits.map(|it| api.open("GET", &format!("/calls?wait=10m&{it}"), "", ""));
    let call = |number: &str| {
        let fields = format!(
            "<username>anna</username><requireUserMatch>true</requireUserMatch><countryCode>1</countryCode>\
             <phoneNumber>{number}</phoneNumber>"
        );
        api.server.call("PfAuthUser_5", &fields);
    };
    (0..3).for_each(|_| call("4255550112"));
    call("4255550111");
    for wait in waits {
        let answer = crate::process::read(wait);
        assert!(answer.starts_with("HTTP/1.1 200 ") && answer.matches("\"seq\"").count() == 1, "{answer}");
    }
}

#[test]
fn a_wait_in_a_space_ends_when_the_space_is_dropped() {
    let api = Api::start("users: [anna]", &[]);
    assert_eq!(api.send("PUT", "/spaces/one", &json!({})).0, 201);
    let waits = ["/~one/calls?wait=10m&phone=%2B14255550100", "/~one/messages?wait=10m"];
    let waits = waits.map(|it| api.open("GET", it, "", ""));
    // The server has begun to wait for the second when it answers what came later on another connection.
    assert_eq!(api.get("/~one/calls")["items"], json!([]));
    assert_eq!(api.ask("DELETE", "/spaces/one", "", "").status, 204);
    for wait in waits {
        let answer = crate::process::read(wait);
        assert!(answer.starts_with("HTTP/1.1 404 ") && answer.contains("unknown-space"), "{answer}");
    }
}

#[test]
fn the_first_change_makes_a_space_and_a_question_does_not() {
    let api = Api::start("users: [anna]", &[]);
    for path in ["/~new/users", "/~new/rules", "/~new/clock", "/~new/calls?wait=10m"] {
        assert_eq!(api.ask("GET", path, "", "").status, 404, "{path}");
    }
    assert_eq!(api.send("POST", "/~new/verify", &json!({"expect": [{"exactly": 0}]})).0, 404);
    assert_eq!(api.send("POST", "/~by-user/users", &json!({"username": "ben"})).0, 201);
    assert_eq!(api.send("POST", "/~by-rule/rules", &json!({"outcome": "busy"})).0, 201);
    assert_eq!(api.send("PUT", "/~by-clock/clock", &json!({"pace": "frozen"})).0, 200);
    assert_eq!(api.ask("PUT", "/~by-scenario/scenario", YAML, "users: [carla]").status, 200);
    assert_eq!(api.get("/~by-user/users")["total"], 2);
    assert_eq!(api.get("/~by-scenario/users")["items"][0]["username"], "carla");
    assert_eq!(api.send("POST", "/~no%20name/users", &json!({"username": "ben"})).0, 400);
}

#[test]
fn a_change_that_is_refused_makes_no_space() {
    let api = Api::start("users: [anna]", &[]);
    for (method, path, body) in [
        ("PUT", "/scenario", json!({"users": [{"usr": "ben"}]})),
        ("POST", "/users", json!({"username": "anna"})),
        ("PATCH", "/users/zoe", json!({"phone": "1"})),
        ("POST", "/rules", json!({"outcome": "bussy"})),
        ("DELETE", "/rules/none", json!({})),
        ("PUT", "/clock", json!({"pace": "fast"})),
        ("POST", "/clock/advance", json!({"to": "next"})),
    ] {
        let (status, told) = api.send(method, &format!("/~new{path}"), &body);
        assert!((400..500).contains(&status), "{method} {path}: {told}");
        assert_eq!(api.get("/spaces")["items"].as_array().unwrap().len(), 1, "{method} {path}");
    }
}

#[test]
fn a_clock_stays_among_the_moments_that_can_be_written() {
    let api = Api::start("users: [anna]\nclock: frozen", &[]);
    let (status, told) = api.send("POST", "/clock/advance", &json!({"by": "8000years"}));
    assert_eq!(status, 400, "{told}");
    assert!(told["detail"].as_str().unwrap().contains("9999-12-31T23:59:59Z"), "{told}");
    assert_eq!(api.send("POST", "/clock/advance", &json!({"to": "9999-12-31T23:59:59Z"})).0, 200);
    assert_eq!(api.send("POST", "/clock/advance", &json!({"by": "1s"})).0, 400);
    assert_eq!(api.get("/clock")["now"], "9999-12-31T23:59:59Z");
}

#[test]
fn a_length_of_time_that_is_too_long_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    for flag in ["--header-timeout", "--idle-timeout", "--body-timeout", "--write-timeout", "--grace", "--space-idle"] {
        let (code, _) = crate::process::run(folder.path(), &["serve", flag, "18446744073709551615"]);
        assert_eq!(code, 2, "{flag}");
    }
}

/// To read from a pipe without a writer would wait for one.
#[cfg(unix)]
#[tokio::test]
async fn a_scenario_that_is_a_pipe_a_device_or_too_long_is_refused() {
    use std::path::Path;
    use std::process::Command;

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("s.yaml");
    fs::write(&file, "users: [anna]").unwrap();
    let loaded = scenario::load_file(&file).unwrap();
    let board = Switchboard::new(loaded.setup, Limits::default());
    let source = Source::File(file.clone());
    let reloader = Arc::new(Reloader::new(board.clone(), source, loaded.server, loaded.files));
    type Put = dyn Fn(&Path);
    let replace: [(&Put, Code); 4] = [
        (&|it| assert!(Command::new("mkfifo").arg(it).status().unwrap().success()), Code::Unreadable),
        (&|it| std::os::unix::fs::symlink("/dev/zero", it).unwrap(), Code::Unreadable),
        (&|it| fs::File::create(it).unwrap().set_len(1 << 40).unwrap(), Code::TooLarge),
        (&|it| fs::create_dir(it).unwrap(), Code::Unreadable),
    ];
    for (replace, code) in replace {
        fs::remove_file(&file).unwrap();
        replace(&file);
        let mistakes = reloader.reload().await.unwrap_err();
        assert_eq!((mistakes.len(), mistakes[0].code), (1, code), "{}", mistakes[0]);
    }
    assert!(board.default_space().update(|engine, _| engine.directory().has("anna")));
}
