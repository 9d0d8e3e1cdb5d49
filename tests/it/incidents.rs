//! Incidents: each does what its file expects, ends by itself, and leaves nothing behind.

use std::io::Write;
use std::net::TcpStream;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use http_body_util::BodyExt;
use locmfa::incidents::{Incidents, Kept};
use locmfa::scenario::{self, Code, Grade};
use locmfa::server::admin::{self, Admin, Gate, check_expectations};
use locmfa::server::reload::{Reloader, Source};
use locmfa::switchboard::Space;
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::api::Api;
use crate::process::{Server, read, run};
use crate::{Served, site};

/// A server in process, with its admin API.
struct Play {
    site: Served,
    admin: Router,
}

const SCENARIO: &str = "
server: {sign_in: [basic], trust: any-password}
accounts: any
company: {passcode: {code: '123456'}}
states:
  - {name: tired, when: {outcome: busy, times: 2, within: 1h}}
users:
  - {username: mimservice@contoso.com, phone: '+1 425 555 0100'}
  - {username: anna, phone: '+1 425 555 0150'}
  - {username: ben, phone: '+1 425 555 0151'}
rules:
  - {name: tired people are unreachable, when: {state: tired}, outcome: unreachable, after: 1s}
  - {name: Anna answers twice, when: {user: anna}, first: {after: 3s, times: 2}, then: {outcome: no-answer, after: 3s}}
  - {name: Ben is counted, when: {user: ben}, count: asked, after: 1s}
  - {name: Ben is asked too often, when: {count: {asked: 100}}, outcome: account-locked}
";

fn play(text: &str) -> Play {
    let site = site(text);
    let scenario = scenario::load("test", text).unwrap();
    let spaces = site.0.spaces.clone();
    let reloader = Arc::new(Reloader::new(spaces.clone(), Source::BuiltIn, scenario.server, Vec::new()));
    let admin = Admin::new(spaces, reloader, Arc::default(), Gate::default());
    let admin = admin::router(Arc::new(admin.with_incidents(Incidents::default(), true)));
    Play { site, admin }
}

impl Play {
    async fn ask(&self, method: &str, path: &str, body: Option<&Value>) -> (u16, Value) {
        let request = Request::builder().method(method).uri(path).header("host", "localhost");
        let request = match body {
            Some(body) => request.header("content-type", "application/json").body(Body::from(body.to_string())),
            None => request.body(Body::empty()),
        };
        let response = self.admin.clone().oneshot(request.unwrap()).await.unwrap();
        let status = response.status().as_u16();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (status, serde_json::from_slice(&body).unwrap_or_else(|_| String::from_utf8_lossy(&body).into_owned().into()))
    }

    async fn get(&self, path: &str) -> Value {
        let (status, told) = self.ask("GET", path, None).await;
        assert_eq!(status, 200, "{path}: {told}");
        told
    }

    /// The status and the body of a call by an account.
    async fn call(&self, operation: &str, fields: &str) -> (u16, String) {
        let body = format!(
            "<s:Envelope xmlns:s='http://schemas.xmlsoap.org/soap/envelope/'><s:Body><{operation} xmlns='http://www.phonefactor.com/PfWsSdk'>{fields}</{operation}></s:Body></s:Envelope>"
        );
        let request = self.site.request("POST", "").header("content-type", "text/xml; charset=utf-8");
        let request = request.header("authorization", "Basic bWltc2VydmljZTphbnk=");
        let action = format!("\"http://www.phonefactor.com/PfWsSdk/{operation}\"");
        let answer = request.header("soapaction", &action).body(body).send().await;
        (answer.status, answer.body)
    }

    /// Calls a number as MIM does.
    async fn gate(&self, mode: &str, number: &str) -> (u16, String) {
        let fields = format!(
            "<username>mimservice@contoso.com</username><requireUserMatch>true</requireUserMatch><mode>{mode}</mode><countryCode>1</countryCode><phoneNumber>{number}</phoneNumber>"
        );
        self.call("PfAuthUser_5", &fields).await
    }

    /// What MIM does in a morning: calls, a text, and an administrator who enables a user.
    async fn morning(&self) {
        for number in ["4255550100", "4255550150", "4255550151"] {
            self.gate("voiceCall", number).await;
        }
        self.gate("smsText", "4255550100").await;
        self.call("ValidatePasscode", "<username>mimservice@contoso.com</username><passcode>123456</passcode>").await;
        self.call("Enable", "<username>anna</username>").await;
    }

    fn space(&self) -> &Space {
        self.site.0.spaces.default_space()
    }

    /// What a space is, but for its journal: users, rules with their turns, states, counters, settings.
    async fn state(&self) -> Value {
        let company = self.space().update(|engine, _| format!("{:?}", engine.company()));
        let remains = self.space().update(|engine, now| engine.remains(now));
        let mut users = self.get("/users").await;
        for user in users["items"].as_array_mut().unwrap() {
            // It goes by the clock alone.
            user.as_object_mut().unwrap().remove("seconds_since_pin_change");
        }
        json!({"rules": self.get("/rules").await, "users": users, "company": company, "remains": remains})
    }
}

#[tokio::test(start_paused = true)]
async fn each_incident_does_what_it_expects_ends_by_itself_and_leaves_nothing_behind() {
    // Those of TLS and of the wire need sockets: see below.
    let is_of_engine = |it: &&Arc<Kept>| it.file.tls.is_none() && &*it.name != "cut";
    for kept in Incidents::default().iter().filter(is_of_engine) {
        let name = &*kept.name;
        let play = play(SCENARIO);
        let before = play.state().await;
        let (status, begun) = play.ask("POST", &format!("/incidents/{name}"), None).await;
        assert_eq!((status, begun["name"].as_str()), (201, Some(name)), "{begun}");
        play.morning().await;
        let (status, verified) = play.ask("POST", "/verify", Some(&kept.file.expect)).await;
        assert_eq!(status, 200, "{name}: {}", verified["detail"]);
        let running = play.get("/incidents").await["running"].clone();
        assert!(running["hits"].as_u64().unwrap() > 0, "{name} changed nothing: {running}");

        tokio::time::sleep(Duration::from_mins(15)).await;
        let told = play.get("/incidents").await;
        assert_eq!(told["running"], Value::Null, "{name}");
        let changes = play.get(&format!("/changes?incident={name}")).await;
        let changes: Vec<_> = changes["items"].as_array().unwrap().iter().map(|it| it["by"].clone()).collect();
        assert_eq!(changes, ["admin API", "its time is over"], "{name}");
        // What the incident left to the scenario counts as ever: one turn of Anna's, one count of Ben's.
        let after = play.state().await;
        assert_eq!(after["company"], before["company"], "{name}");
        let mine = |it: &Value| {
            it["rules"]["items"].as_array().unwrap().iter().map(|it| it["written"].clone()).collect::<Vec<_>>()
        };
        assert_eq!(mine(&after), mine(&before), "{name}");
        let (status, answer) = play.gate("voiceCall", "4255550199").await;
        assert!(status == 200 && answer.contains("<Code>2</Code>"), "{name}: {status} {answer}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_an_incident_decides_counts_for_no_rule_and_no_state() {
    let play = play(SCENARIO);
    let before = play.state().await;
    play.ask("POST", "/incidents/carrier-busy?lasts=1h", None).await;
    for _ in 0..3 {
        for number in ["4255550100", "4255550150", "4255550151"] {
            assert!(play.gate("voiceCall", number).await.1.contains("<Code>101</Code>"));
        }
    }
    assert_eq!(play.ask("DELETE", "/incidents", None).await.1, json!({"ended": "carrier-busy", "hits": 9}));
    assert_eq!(play.state().await, before, "busy twice makes people tired, and Ben is counted");
    let newest = play.get("/calls?limit=1").await["items"][0].clone();
    assert_eq!(newest["incident"], "carrier-busy");
    assert_eq!(newest["rule"], "carrier-busy: the line is busy");
    assert_eq!(play.get("/calls?incident=carrier-busy").await["items"].as_array().unwrap().len(), 9);
    let metrics = play.get("/metrics").await.as_str().unwrap().to_owned();
    assert!(metrics.contains("locmfa_incident_hits_total{incident=\"carrier-busy\"} 9\n"), "{metrics}");
    assert!(!metrics.contains("locmfa_incident_running{"), "{metrics}");
}

#[tokio::test(start_paused = true)]
async fn what_an_incident_leaves_as_usual_is_the_scenarios_to_decide() {
    let play = play(SCENARIO);
    play.ask("POST", "/incidents/service-restarted", None).await;
    let first = [play.gate("voiceCall", "4255550150").await.0, play.gate("voiceCall", "4255550150").await.0];
    assert_eq!(first, [503, 503]);
    // Anna's two answers are still to come.
    for outcome in ["<Code>2</Code>", "<Code>2</Code>", "<Code>11</Code>"] {
        let (status, answer) = play.gate("voiceCall", "4255550150").await;
        assert!(status == 200 && answer.contains(outcome), "{outcome}: {answer}");
    }
    let call = play.get("/calls?limit=1").await["items"][0].clone();
    assert_eq!((&call["rule"], &call["incident"]), (&json!("Anna answers twice"), &Value::Null));
    play.ask("DELETE", "/incidents", None).await;

    play.ask("POST", "/incidents/hangs", None).await;
    let started = tokio::time::Instant::now();
    assert!(play.gate("voiceCall", "4255550150").await.1.contains("<Code>11</Code>"));
    assert_eq!(started.elapsed(), Duration::from_secs(113), "110 s of the incident, 3 s of the rule");
    let call = play.get("/calls?limit=1").await["items"][0].clone();
    assert_eq!((&call["rule"], &call["incident"]), (&json!("Anna answers twice"), &json!("hangs")));
}

#[tokio::test(start_paused = true)]
async fn one_incident_runs_at_a_time_and_what_does_not_fit_is_told_with_its_remedy() {
    let play = play(SCENARIO);
    let (status, told) = play.ask("POST", "/incidents/servce-restarted", None).await;
    assert_eq!(
        (status, told["remedy"].as_str()),
        (404, Some("Did you mean service-restarted? GET /incidents lists them."))
    );
    for lasts in ["0s", "25h", "soon"] {
        let (status, told) = play.ask("POST", &format!("/incidents/hangs?lasts={lasts}"), None).await;
        assert_eq!((status, &told["field"]), (400, &json!("lasts")), "{lasts}");
    }
    assert_eq!(play.ask("DELETE", "/incidents", None).await, (200, json!({"ended": null, "hits": 0})));
    assert_eq!(play.ask("POST", "/incidents/hangs", None).await.0, 201);
    let (status, told) = play.ask("POST", "/incidents/master-away", None).await;
    assert_eq!((status, &told["running"]), (409, &json!("hangs")), "{told}");
    assert!(told["detail"].as_str().unwrap().starts_with("The incident hangs runs until "), "{told}");
    // Another space has its own.
    assert_eq!(play.ask("POST", "/~other/incidents/master-away", None).await.0, 201);
    assert_eq!(play.get("/~other/incidents").await["running"]["name"], "master-away");
    assert_eq!(play.get("/incidents").await["running"]["name"], "hangs");
}

#[tokio::test(start_paused = true)]
async fn a_reset_ends_an_incident_and_a_reload_does_not() {
    let play = play(SCENARIO);
    play.ask("POST", "/incidents/master-away", None).await;
    let spaces = &play.site.0.spaces;
    let fork = spaces.fork("default", "copy").unwrap();
    assert!(!fork.update(|engine, _| engine.company().master_away || engine.incident().is_some()));
    let changed = scenario::load("test", &SCENARIO.replace("company: {", "company: {pin_attempts: 7, ")).unwrap();
    spaces.reload(changed.setup, changed.on_reload);
    let company = play.space().update(|engine, _| engine.company().clone());
    assert!(company.master_away && company.pin_attempts == 7, "the incident stays over the changed scenario");
    tokio::time::sleep(Duration::from_mins(15)).await;
    let company = play.space().update(|engine, _| engine.company().clone());
    assert!(!company.master_away && company.pin_attempts == 7);

    play.ask("POST", "/incidents/account-disabled", None).await;
    assert_eq!(play.gate("voiceCall", "4255550100").await.0, 401);
    play.ask("POST", "/spaces/default/reset", None).await;
    assert_eq!(play.get("/incidents").await["running"], Value::Null);
    assert_eq!(play.gate("voiceCall", "4255550100").await.0, 200);
}

#[tokio::test(start_paused = true)]
async fn an_incident_goes_by_the_clock_of_its_space() {
    let play = play(SCENARIO);
    play.ask("PUT", "/clock", Some(&json!({"pace": "frozen"}))).await;
    play.ask("POST", "/incidents/password-expired?lasts=10m", None).await;
    tokio::time::sleep(Duration::from_hours(1)).await;
    assert_eq!(play.gate("voiceCall", "4255550100").await.0, 401);
    let (_, clock) = play.ask("POST", "/clock/advance", Some(&json!({"to": "next"}))).await;
    assert!(clock["now"].is_string(), "{clock}");
    assert_eq!(play.get("/incidents").await["running"], Value::Null, "its end is the next thing that is due");
}

#[tokio::test(start_paused = true)]
async fn an_incident_that_refuses_accounts_needs_callers_who_sign_in() {
    let scenario = "users: [anna]";
    let spaces = site(scenario).0.spaces.clone();
    let reloader = Arc::new(Reloader::new(spaces.clone(), Source::BuiltIn, scenario::Server::default(), Vec::new()));
    let admin = Admin::new(spaces, reloader, Arc::default(), Gate::default());
    let admin = admin::router(Arc::new(admin.with_incidents(Incidents::default(), false)));
    let play = Play { site: site(scenario), admin };
    let (status, told) = play.ask("POST", "/incidents/password-expired", None).await;
    assert!(status == 409 && told["remedy"].as_str().unwrap().contains("sign_in: [ntlm, basic]"), "{told}");
}

const FILE: &str = "
about: x
hits: PfAuthUser*
rules: [{outcome: busy}]
expect: [{where: {operation: PfAuthUser*}}]
symptoms:
  sspr: {shows: x, grade: unknown, source: y}
  pam: {shows: x, grade: inferred, source: y}
  event_log: {shows: x, grade: documented, source: y}
remedy: z
";

#[test]
fn mistakes_in_the_file_of_an_incident_have_a_place_and_a_remedy() {
    let read =
        |text: &str| scenario::incident("test", "test.yaml", text, &locmfa::engine::Company::default(), &|_| None);
    let whole = read(FILE).unwrap();
    assert_eq!(
        whole.symptoms.iter().map(|it| it.grade).collect::<Vec<_>>(),
        [Grade::Unknown, Grade::Inferred, Grade::Documented]
    );
    assert_eq!(&*whole.incident.rules[0].name, "test: rule 1");
    for (from, to, code, line, says) in [
        ("PfAuthUser*\nrules", "PfAuthUsr_5\nrules", Code::UnknownOperation, 3, "fits no operation"),
        ("about", "abuot", Code::UnknownKey, 2, "has no key"),
        ("[{outcome: busy}]", "[{outcome: bussy}]", Code::UnknownWord, 4, "cannot be"),
        ("[{outcome: busy}]", "[{count: calls}]", Code::NeverApplies, 4, "outlasts the incident"),
        ("[{outcome: busy}]", "[{change: {blocked: true}}]", Code::NeverApplies, 4, "outlasts the incident"),
        ("rules: [{outcome: busy}]", "tls: expird", Code::UnknownWord, 4, "cannot be"),
        ("remedy: z", "remedy: z\ntls: expired", Code::NeverApplies, 4, "changes the whole server"),
        ("[{outcome: busy}]", "[{when: {state: locked}, outcome: busy}]", Code::UnknownWord, 4, "there is no state"),
        ("rules: [{outcome: busy}]\n", "", Code::MissingKey, 2, "changes nothing"),
        ("rules: [{outcome: busy}]", "sign_in: gone", Code::UnknownWord, 4, "cannot be"),
        ("rules: [{outcome: busy}]", "company: {mastr: away}", Code::UnknownKey, 4, "has no key"),
        ("grade: unknown", "grade: certain", Code::UnknownWord, 7, "cannot be"),
        ("source: y}\n  pam", "}\n  pam", Code::MissingKey, 7, "needs the key source"),
        ("expect: [{where: {operation: PfAuthUser*}}]", "expect: calls", Code::WrongType, 5, "file of expectations"),
    ] {
        assert!(FILE.contains(from), "{from}");
        let mistakes = read(&FILE.replace(from, to)).unwrap_err();
        let found = mistakes.iter().find(|it| it.code == code && it.message.contains(says));
        let found = found.unwrap_or_else(|| panic!("{to}: {mistakes:?}"));
        assert_eq!(found.place.as_ref().map(|it| it.line), Some(line), "{found}");
    }
}

#[test]
fn check_tells_the_mistakes_of_an_incident_as_it_does_those_of_a_scenario() {
    let folder = tempfile::tempdir().unwrap();
    let check = |words: &[&str], text: &str| {
        std::fs::write(folder.path().join("noon.yaml"), text).unwrap();
        run(folder.path(), &[&["check"], words].concat())
    };
    assert_eq!(check(&["noon.yaml"], FILE), (0, "noon.yaml: no mistakes\n".into()));
    let (code, told) = check(&["noon.yaml"], &FILE.replace("hits: PfAuthUser*\n", ""));
    assert!(code == 1 && told.contains("an incident needs the key hits"), "{told}");
    let (code, told) = check(&["noon.yaml"], &FILE.replace("operation: PfAuthUser*", "oprtion: x"));
    assert!(code == 1 && told.contains("expect[0].where.oprtion") && told.ends_with("noon.yaml: 1 error\n"), "{told}");
    let (code, told) = check(&["noon.yaml", "--json"], &FILE.replace("grade: unknown", "grade: certain"));
    let told: Value = serde_json::from_str(&told).unwrap();
    assert_eq!((code, &told[0]["line"]), (1, &json!(7)), "{told}");
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("incidents/*.yaml");
    let (code, told) = check(&[own.to_str().unwrap(), "--strict"], FILE);
    assert!(code == 0 && told.lines().count() == Incidents::default().iter().len(), "{told}");
}

#[test]
fn the_incident_of_the_page_is_one() {
    let page = include_str!("../../docs/incidents.md");
    let text = page.split("```yaml\n").nth(1).unwrap().split("```").next().unwrap();
    let kept = Kept::read("noon", "noon.yaml".into(), text.into()).unwrap();
    check_expectations(&kept.file.expect).unwrap();
}

#[test]
fn every_expectation_can_fail_and_every_source_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for kept in Incidents::default().iter() {
        check_expectations(&kept.file.expect).unwrap_or_else(|why| panic!("{}: {why}", kept.name));
        for symptom in &kept.file.symptoms {
            let Some((page, heading)) = symptom.source.split_once('#') else { continue };
            let text = std::fs::read_to_string(root.join(page)).unwrap_or_else(|it| panic!("{page}: {it}"));
            let anchors = text.lines().filter_map(|it| it.strip_prefix('#')).map(|it| {
                let words = it.trim_start_matches('#').trim().to_lowercase().replace(' ', "-");
                words.chars().filter(|it| it.is_alphanumeric() || *it == '-').collect::<String>()
            });
            assert!(anchors.into_iter().any(|it| it == heading), "{}: {} has no heading {heading}", kept.name, page);
        }
    }
    assert!(check_expectations(&json!({"expect": [{"where": {"usrname": "anna"}}]})).unwrap_err().contains("username"));
}

#[test]
fn incidents_are_listed_shown_begun_and_ended_from_the_command_line() {
    let folder = tempfile::tempdir().unwrap();
    let own = folder.path().join("own");
    std::fs::create_dir(&own).unwrap();
    std::fs::write(own.join("hangs.yaml"), FILE.replace("about: x", "about: Ours.")).unwrap();
    std::fs::write(folder.path().join("s.yaml"), "users: [{username: anna, phone: '+1 425 555 0100'}]").unwrap();
    let server = Server::start(folder.path(), &["s.yaml", "--incidents", "own"]);
    let admin = server.ready["admin"].as_str().unwrap().to_owned();
    let ask = |words: &[&str]| run(folder.path(), &[&["incident"], words, &["--admin", &admin]].concat());
    let (code, list) = ask(&["list"]);
    assert!(code == 0 && list.contains("service-restarted") && list.ends_with("No incident runs.\n"), "{list}");
    assert!(list.lines().any(|it| it.starts_with("hangs ") && it.ends_with("Ours.")), "{list}");
    let (code, shown) = ask(&["show", "service-restarted"]);
    assert!(code == 0 && shown.contains("inferred") && shown.contains("status: 503"), "{shown}");
    let (code, begun) = ask(&["start", "service-restarted", "--lasts", "5m"]);
    assert!(code == 0 && begun.starts_with("The incident service-restarted runs until "), "{begun}");
    assert!(server.caller.call("UserExists", "<username>anna</username>").starts_with("HTTP/1.1 503"));
    let (_, list) = ask(&["list", "--json"]);
    let list: Value = serde_json::from_str(&list).unwrap();
    assert_eq!(list["running"]["hits"], 1, "{list}");
    assert!(list["running"]["left_seconds"].as_f64().unwrap() <= 300.0);
    let (code, again) = ask(&["start", "hangs"]);
    assert!(code == 1 && again.contains("service-restarted runs until"), "{again}");
    assert_eq!(
        ask(&["stop"]).1,
        "The incident service-restarted is ended. Calls, sign-ins and connections that it changed: 1.\n"
    );
    assert_eq!(ask(&["stop"]), (0, "No incident runs.\n".into()));

    std::fs::write(own.join("wrong.yaml"), FILE.replace("operation: PfAuthUser*", "oprtion: x")).unwrap();
    let (code, why) = run(folder.path(), &["s.yaml", "--listen", "127.0.0.1:0", "--http", "--incidents", "own"]);
    assert!(code == 1 && why.contains("the incident wrong: expect: expect[0].where.oprtion"), "{why}");
    std::fs::write(own.join("wrong.yaml"), FILE.replace("hits: PfAuthUser*", "hits: PfAuthUsr")).unwrap();
    let (code, why) = run(folder.path(), &["s.yaml", "--listen", "127.0.0.1:0", "--http", "--incidents", "own"]);
    assert!(code == 1 && why.contains("wrong.yaml:3:7") && why.contains("Did you mean PfAuthUser"), "{why}");
}

#[test]
fn the_page_tells_each_incident() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/incidents.md");
    let page = std::fs::read_to_string(&file).unwrap();
    let (before, rest) = page.split_once("<!-- incidents -->\n").unwrap();
    let (_, after) = rest.split_once("<!-- end of incidents -->").unwrap();
    let mut table = "| incident | password reset | PAM | MIM's log |\n|---|---|---|---|\n".to_owned();
    for kept in Incidents::default().iter() {
        let cell = |at: usize| {
            let it = &kept.file.symptoms[at];
            let grade = if it.grade == Grade::Documented { "doc" } else { it.grade.word() };
            format!("{} ({grade})", it.shows)
        };
        table += &format!("| `{}`: {} | {} | {} | {} |\n", kept.name, kept.file.about, cell(0), cell(1), cell(2));
    }
    crate::is_file(&file, &format!("{before}<!-- incidents -->\n{table}<!-- end of incidents -->{after}"));
}

#[tokio::test(start_paused = true)]
async fn a_text_arrives_as_late_and_as_often_as_an_incident_says_and_its_code_counts_from_the_start() {
    let play = play(SCENARIO);
    play.ask("POST", "/incidents/texts-delayed", None).await;
    assert!(play.gate("smsText", "4255550100").await.1.contains("<Code>20</Code>"));
    tokio::time::sleep(Duration::from_secs(44)).await;
    assert_eq!(play.get("/messages").await["items"], json!([]));
    tokio::time::sleep(Duration::from_secs(1)).await;
    let messages = play.get("/messages").await["items"].clone();
    assert_eq!(messages.as_array().unwrap().len(), 1, "{messages}");
    let validated = "<username>mimservice@contoso.com</username><passcode>123456</passcode>";
    assert!(play.call("ValidatePasscode", validated).await.1.contains("<ValidatePasscodeResult>true<"));
    play.ask("DELETE", "/incidents", None).await;

    play.ask("POST", "/incidents/text-twice", None).await;
    play.gate("smsText", "4255550100").await;
    let messages = play.get("/messages").await["items"].clone();
    let [_, first, second] = messages.as_array().unwrap().as_slice() else { panic!("{messages}") };
    assert_eq!((&first["code"], &first["challenge"]), (&second["code"], &second["challenge"]));
    assert!(play.call("ValidatePasscode", validated).await.1.contains("<ValidatePasscodeResult>true<"));
    assert!(play.call("ValidatePasscode", validated).await.1.contains("<ValidatePasscodeResult>false<"));
}

#[test]
fn a_connection_is_cut_once_for_each_person() {
    let api = Api::start("users: [{username: anna, phone: '+1 425 555 0100'}]\ncompany: {ring: 0s}", &[]);
    assert_eq!(api.send("POST", "/incidents/cut", &Value::Null).0, 201);
    let asks = |number: &str| {
        let fields = format!("<username>anna</username><mode>voiceCall</mode><phoneNumber>{number}</phoneNumber>");
        api.server.call("PfAuthUser_5", &fields)
    };
    assert_eq!(asks("14255550100"), "");
    assert_eq!(asks("14255550150"), "");
    assert!(asks("14255550100").contains("<Code>2</Code>"));
    let kept = Incidents::default().find("cut").unwrap().clone();
    assert_eq!(api.send("POST", "/verify", &kept.file.expect).0, 200);
    assert_eq!(api.send("DELETE", "/incidents", &Value::Null).1, json!({"ended": "cut", "hits": 2}));
}

/// What the admin API of a program tells.
fn told(admin: &str, path: &str) -> Value {
    let host = admin.trim_start_matches("http://");
    let mut stream = TcpStream::connect(host).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").unwrap();
    serde_json::from_str(read(stream).split_once("\r\n\r\n").unwrap().1).unwrap()
}

#[test]
fn incidents_of_tls_meet_every_client_of_the_server_and_end() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("s.yaml"), "clock: auto\nusers: [{username: anna, phone: '+1 425 555 0100'}]")
        .unwrap();
    let server = Server::start_tls(folder.path(), &["s.yaml", "--admin", "127.0.0.1:0"], Stdio::null());
    let (admin, service) = (server.ready["admin"].as_str().unwrap(), server.ready["service"].as_str().unwrap());
    let ask = |words: &[&str]| run(folder.path(), &[words, &["--admin", admin]].concat());
    let trust = folder.path().join("certs/authority.pem");
    let call = || {
        let call = ["mim", "call", "--url", service, "--authority", trust.to_str().unwrap(), "--username", "anna"];
        run(folder.path(), &[&call[..], &["--number", "1 4255550100"]].concat())
    };
    let mut after = Value::Null;
    for kept in Incidents::default().iter().filter(|it| it.file.tls.is_some()) {
        let name = &*kept.name;
        let (code, begun) = ask(&["incident", "start", name, "--lasts", "5m"]);
        assert!(code == 0, "{begun}");
        let (code, text) = call();
        assert!(code != 0, "{name}: {text}");
        let (_, list) = ask(&["incident", "list", "--json", "--space", "default"]);
        let running = serde_json::from_str::<Value>(&list).unwrap()["running"].clone();
        assert!(running["scope"] == "server" && running["hits"].as_u64() > Some(0), "{name}: {running}");
        let (code, again) = ask(&["incident", "start", "hangs"]);
        assert!(code == 1 && again.contains(&format!("The incident {name} runs until")), "{again}");
        let mut expect = kept.file.expect.clone();
        expect["after"] = after.clone();
        std::fs::write(folder.path().join("expect.json"), expect.to_string()).unwrap();
        let (code, verified) = ask(&["verify", "expect.json"]);
        assert!(code == 0, "{name}: {verified}");
        assert!(ask(&["incident", "stop"]).1.starts_with(&format!("The incident {name} is ended.")));
        let (code, text) = call();
        assert!(code == 0, "{name}: {text}");
        let changes = told(admin, &format!("/changes?incident={name}"));
        assert_eq!(changes["items"].as_array().unwrap().len(), 2, "{changes}");
        after = told(admin, "/calls")["next"].clone();
    }
    let (code, why) = ask(&["tls-fault", "start", "reset"]);
    assert!(code == 0, "{why}");
    let (code, why) = ask(&["incident", "start", "certificate-expired"]);
    assert!(code == 1 && why.contains("The TLS fault reset is on."), "{why}");

    let plain = Api::start("users: [anna]", &[]);
    let (status, no) = plain.send("POST", "/incidents/tls-1.0-only", &Value::Null);
    assert!(status == 409 && no["remedy"].as_str().unwrap().contains("without --http"), "{no}");
}
