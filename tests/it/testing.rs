//! The server for tests in Rust, as the tests of another crate use it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::Duration;

use locmfa::client::Client;
use locmfa::client::flow::{Gate, Outcome, Plan, Round, place};
use locmfa::testing::{Act, Pace, Scheme, Server, Space};
use locmfa::tls::Trust;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use serde_json::Value;

const NUMBER: &str = "+1 425 555 0100";
const SOON: Duration = Duration::from_secs(30);

/// The program under test: it calls as Identity Manager does. `code` is what the person types.
async fn authenticate(server: &Server, url: &str, gate: Gate, code: impl FnOnce() -> String) -> Round {
    let authority = CertificateDer::from_pem_slice(server.authority_pem().as_bytes()).unwrap();
    let trust = Trust::new(vec![], vec![authority]);
    let client = Client { target: url.parse().unwrap(), trust, credentials: None };
    let plan = Plan {
        gate,
        number: NUMBER.into(),
        username: "mimservice".into(),
        country_code: String::new(),
        codes: Vec::new(),
        wait: SOON,
    };
    place(&client, &plan, async { Ok(code().into()) }).await
}

// The story that the clients in all languages tell: begin
#[tokio::test]
async fn a_text_gate_and_a_phone_gate_pass() {
    let server = Server::builder().scenario("users: [mimservice]\ncompany: {ring: 0s}").start();
    let space = server.space("gates");

    let code = || space.wait_for_message(&[("to", NUMBER)], SOON).code.expect("the text has a code");
    let text = authenticate(&server, space.url(), Gate::Text, code).await;
    assert_eq!(text.outcome, Outcome::Passed);
    space.verify("- {where: {operation: ValidatePasscode, outcome: 'true*'}, exactly: 1}", Duration::ZERO);

    space.add_rule("{first: {outcome: busy, times: 1}, then: {person: decides}}");
    let busy = authenticate(&server, space.url(), Gate::Phone, String::new).await;
    assert_eq!(busy.outcome, Outcome::Denied);
    let call = authenticate(&server, space.url(), Gate::Phone, String::new);
    let person = async {
        let ringing = space.wait_for_challenge_async(&[("phone", NUMBER)], SOON).await;
        space.act(&ringing, &[Act::Answer, Act::Press("#".into())]);
    };
    assert_eq!(tokio::join!(call, person).0.outcome, Outcome::Passed);
    space.verify_async("- {where: {operation: 'PfAuthUser*', call_result: 2}, exactly: 1}", SOON).await;
}
// The story: end

/// What a call that panics says.
fn panic_of<T>(doing: impl FnOnce() -> T) -> String {
    let panic = catch_unwind(AssertUnwindSafe(|| drop(doing()))).expect_err("it panics");
    *panic.downcast::<String>().expect("a text")
}

#[test]
fn a_failure_says_what_came_nearest_and_ends_with_the_log() {
    let server = Server::builder().scenario("users: [{username: anna, phone: '4255550100'}]").plain_http().start();
    let caller = crate::process::Caller::of(server.url());
    caller.call("UserExists", "<username>anna</username>");
    let failure =
        panic_of(|| server.verify("- {where: {operation: UserExists, username: ben}, exactly: 1}", Duration::ZERO));
    assert!(failure.contains("username: expected ben, was anna"), "{failure}");
    assert!(
        failure.contains("\nThe newest lines of the server's log:\n") && failure.contains("UserExists"),
        "{failure}"
    );
    assert_eq!(server.calls(&[("operation", "UserExists")]).len(), 1);

    let failure = panic_of(|| server.wait_for_message(&[("to", NUMBER)], Duration::from_millis(1)));
    assert!(failure.contains("none with to=+1 425 555 0100 came within 1ms. There is none."), "{failure}");
    let failure = panic_of(|| server.wait_for_message(&[("too", NUMBER)], Duration::ZERO));
    assert!(failure.contains("Did you mean to?"), "{failure}");
    let failure = panic_of(|| server.add_rule("{when: {usr: anna}, outcome: bussy}"));
    assert!(failure.contains("usr") && failure.contains("bussy"), "every mistake: {failure}");
    let failure = panic_of(|| Server::builder().scenario("usrs: [anna]").start());
    assert!(failure.starts_with("the server cannot start: ") && failure.contains("users"), "{failure}");
}

#[tokio::test]
async fn a_wait_that_is_a_future_names_the_line_that_asked() {
    let server = Server::start();
    let line = line!() + 1;
    let wait = server.wait_for_challenge_async(&[], Duration::from_millis(1));
    let failure = tokio::spawn(wait).await.unwrap_err().into_panic();
    let failure = failure.downcast::<String>().unwrap();
    assert!(failure.starts_with(&format!("tests/it/testing.rs:{line}:")), "{failure}");
}

#[test]
fn two_tests_that_use_one_space_are_told_so_and_a_dropped_space_is_free() {
    let server = Server::builder().scenario("users: [anna]").plain_http().start();
    let space = server.space("one");
    let failure = panic_of(|| server.space("ONE"));
    assert!(failure.starts_with("There is a space ONE already: two tests use one space."), "{failure}");
    drop(space);
    let space: Space = server.space("one");
    drop(server);
    let failure = panic_of(|| space.calls(&[]));
    assert!(failure.starts_with("The calls cannot be listed: the server has ended."), "{failure}");
}

#[test]
fn messages_come_once_for_the_same_conditions() {
    let scenario = "users: [{username: ben, phone: '+1 425 555 0101', mode: smsText}]\nrules: [{after: 0s}]";
    let server = Server::builder().scenario(scenario).seed(7).clock(Pace::Auto).plain_http().start();
    assert_eq!(server.seed(), 7);
    let caller = crate::process::Caller::of(server.url());
    let sent = || caller.call("PfAuthUser_4", "<username>ben</username>");
    for _ in 0..2 {
        sent();
    }
    let of_ben: &[_] = &[("username", "ben")];
    let (first, second) = (server.wait_for_message(of_ben, SOON), server.wait_for_message(of_ben, SOON));
    assert!(first.seq < second.seq && first.code != second.code);
    assert_eq!(server.wait_for_message(&[], SOON).seq, first.seq);
    assert!(!format!("{first:?}").contains(&first.code.unwrap()), "codes are secrets");
}

#[test]
fn a_test_that_panics_with_a_server_panics_once() {
    let test = std::thread::spawn(|| {
        let server = Server::builder().sign_in([Scheme::Basic]).start();
        let space = server.space("panics");
        assert!(space.url().starts_with("https://localhost:"), "this and the next panic end one test");
        panic!("the test fails");
    });
    assert_eq!(*test.join().unwrap_err().downcast::<&str>().unwrap(), "the test fails");
}

#[test]
fn every_path_and_field_stands_in_the_description_of_the_admin_api() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |file: &str| std::fs::read_to_string(root.join(file)).unwrap();
    let description: Value = serde_json::from_str(&read("docs/openapi.json")).unwrap();
    let paths: Vec<&String> = description["paths"].as_object().unwrap().keys().collect();
    let control = read("src/control/mod.rs");
    let literals = control.split('"').skip(1).step_by(2).filter(|it| it.starts_with('/'));
    let mut count = 0;
    for literal in literals {
        let path = literal.split('?').next().unwrap();
        let is_same = |known: &&String| {
            let (known, path): (Vec<_>, Vec<_>) = (known.split('/').collect(), path.split('/').collect());
            let is_part =
                |(known, part): (&&str, &&str)| known == part || known.starts_with('{') && part.starts_with('{');
            known.len() == path.len() && known.iter().zip(&path).all(is_part)
        };
        assert!(paths.iter().any(is_same), "{literal} is no path of docs/openapi.json");
        count += 1;
    }
    assert!(count > 15, "{count} paths");

    let source = read("src/testing/space.rs");
    for name in ["Message", "Challenge"] {
        let (_, after) = source.split_once(&format!("pub struct {name} {{\n")).unwrap();
        let fields = after.split_once("\n}").unwrap().0.lines();
        let fields = fields.filter_map(|it| it.trim().strip_prefix("pub ")?.split(':').next());
        for field in fields {
            assert!(!description["components"]["schemas"][name]["properties"][field].is_null(), "{name}.{field}");
        }
    }
}
