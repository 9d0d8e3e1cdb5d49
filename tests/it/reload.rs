//! A scenario that changes while it is served.

use std::sync::Arc;
use std::time::Duration;

use locmfa::contract::Mode;
use locmfa::engine::{Differences, EventKind, OnReload, Outcome, Setup, What};
use locmfa::scenario;
use locmfa::server::reload::{Reloader, Source};
use locmfa::switchboard::{Limits, Space, Switchboard};

use crate::{asked, asking};

fn setup(text: &str) -> Setup {
    scenario::load("my.yaml", text).unwrap_or_else(|it| panic!("{it:?}")).setup
}

fn board(text: &str) -> Switchboard {
    Switchboard::new(setup(text), Limits::default())
}

fn names(space: &Space) -> Vec<String> {
    space.update(|engine, _| engine.directory().iter().map(|it| it.username.clone()).collect())
}

fn first_name(space: &Space, username: &str) -> String {
    space.update(|engine, _| engine.directory().user(username).unwrap().settings.first_name.clone().unwrap_or_default())
}

/// Lets a call change a user.
fn rename(space: &Space, username: &str, name: &str) {
    space
        .update(|engine, _| engine.directory_mut().user_mut(username).unwrap().settings.first_name = Some(name.into()));
}

async fn call(space: &Space, username: &str) -> i32 {
    asked(space, asking(username, Mode::Unspecified, "")).await.unwrap().ending.code()
}

const BEFORE: &str = r#"
users:
  - {username: anna, first_name: Anna, phone: "+1 425 555 0100"}
  - {username: ben, first_name: Ben, phone: "+1 425 555 0101"}
  - {username: carla, phone: "+1 425 555 0102"}
rules:
  - {name: anna, when: {user: anna}, outcome: busy}
  - {name: carla, when: {user: carla}, outcome: deny}
"#;

const AFTER: &str = r#"
company: {ring: 1s}
users:
  - {username: anna, first_name: Anna, phone: "+1 425 555 0100"}
  - {username: ben, first_name: Benjamin, phone: "+1 425 555 0103"}
  - {username: dario, phone: "+1 425 555 0104"}
rules:
  - {name: anna, when: {user: anna}, outcome: voicemail}
  - {name: dario, when: {user: dario}, outcome: deny}
"#;

#[tokio::test(start_paused = true)]
async fn what_did_not_change_stays_as_calls_left_it() {
    let board = board(BEFORE);
    let space = board.default_space().clone();
    rename(&space, "anna", "Änne");
    rename(&space, "ben", "Benny");
    let other = board.open("other").unwrap();
    let own = board.create("own", setup("users: [zoe]")).unwrap();

    let differences = board.reload(setup(AFTER), OnReload::Keep);
    let expected = "1 user added (dario), 1 removed (carla), 1 changed (ben); 1 rule added (dario), 1 removed (carla), 1 changed (anna); changed: company";
    assert_eq!(differences.to_string(), expected);
    for space in [&space, &other, &board.open("new").unwrap()] {
        assert_eq!(names(space), ["anna", "ben", "dario"]);
        assert_eq!(first_name(space, "ben"), "Benjamin");
        assert_eq!(call(space, "anna").await, Outcome::Voicemail.code());
        assert_eq!(call(space, "dario").await, Outcome::HungUp.code());
        assert_eq!(call(space, "ben").await, Outcome::NoPinEntered.code());
    }
    assert_eq!([&space, &other].map(|it| first_name(it, "anna")), ["Änne", "Anna"]);
    assert_eq!(names(&own), ["zoe"]);
    let told = space.update(|engine, _| match &engine.journal.of(EventKind::Notice).next().unwrap().what {
        What::Notice(it) => (it.topic, it.text.to_string()),
        _ => unreachable!(),
    });
    assert_eq!(told, ("reload", expected.into()));

    assert_eq!(board.reload(setup(AFTER), OnReload::Keep), Differences::default());
    assert_eq!(Differences::default().to_string(), "nothing changed");
    assert_eq!(first_name(&space, "anna"), "Änne");
}

#[tokio::test(start_paused = true)]
async fn open_challenges_go_on_and_the_number_of_a_user_follows() {
    let board = board(BEFORE);
    let space = board.default_space().clone();
    let open = tokio::spawn({
        let space = space.clone();
        async move { call(&space, "carla").await }
    });
    tokio::task::yield_now().await;
    assert_eq!(space.waiting(), 1);
    board.reload(setup(AFTER), OnReload::Keep);
    assert_eq!(open.await.unwrap(), Outcome::HungUp.code());
    let owner = |digits: &str| {
        let number = locmfa::engine::Number::read(digits, "", "", "1").unwrap();
        space.update(|engine, _| engine.directory().owner(&number).map(|it| it.username.clone()))
    };
    assert_eq!((owner("4255550101"), owner("4255550103").as_deref()), (None, Some("ben")));
}

#[tokio::test(start_paused = true)]
async fn a_scenario_that_wants_it_begins_anew() {
    let board = board(BEFORE);
    let space = board.default_space().clone();
    rename(&space, "anna", "Änne");
    let own = board.create("own", setup("users: [zoe]")).unwrap();
    board.reload(setup(AFTER), OnReload::Reset);
    assert_eq!((names(&space), first_name(&space, "anna")), (names(&board.open("new").unwrap()), "Anna".into()));
    assert_eq!(names(&own), ["zoe"]);
}

#[tokio::test(start_paused = true)]
async fn many_users_change_at_once() {
    let board = board("users: [{username: \"u{n}\", count: 3000}, anna]");
    let space = board.default_space().clone();
    rename(&space, "anna", "Änne");
    let after = "users: [{username: \"u{n}\", count: 3000, from: 1501, last_name: Hill}, anna]";
    let differences = board.reload(setup(after), OnReload::Keep);
    let count = |it: &[String]| it.len();
    let users = &differences.users;
    assert_eq!([&users.added, &users.removed, &users.changed].map(|it| count(it)), [1500, 1500, 1500]);
    assert!(differences.to_string().contains("1500 users added (u3001, u3002, u3003, …)"), "{differences}");
    assert_eq!(names(&space).len(), 3001);
    assert_eq!(first_name(&space, "anna"), "Änne");
}

#[tokio::test]
async fn a_file_with_mistakes_leaves_everything_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("my.yaml");
    std::fs::write(&file, "use: people.yaml\naccounts: any\nserver: {trust: any-password, sign_in: basic}").unwrap();
    std::fs::write(folder.path().join("people.yaml"), "users: [anna]").unwrap();
    let loaded = scenario::load_file(&file).unwrap();
    let board = Switchboard::new(loaded.setup, Limits::default());
    let reloader = Arc::new(Reloader::new(board.clone(), Source::File(file.clone()), loaded.server, loaded.files));

    std::fs::write(folder.path().join("people.yaml"), "users: [anna, Anna]\nrules: [{outcome: bussy}]").unwrap();
    let mistakes = reloader.reload().await.unwrap_err();
    assert_eq!(mistakes.len(), 2);
    assert_eq!(names(board.default_space()), ["anna"]);

    std::fs::write(folder.path().join("people.yaml"), "users: [anna, ben]").unwrap();
    std::fs::write(&file, "use: people.yaml\nserver: {paths: /a}\nseed: 7").unwrap();
    let reloaded = reloader.reload().await.unwrap();
    assert_eq!(names(board.default_space()), ["anna", "ben"]);
    let json = serde_json::to_value(&reloaded).unwrap();
    let expected = serde_json::json!({
        "scenario": file.display().to_string(),
        "users": {"added": ["ben"], "removed": [], "changed": []},
        "rules": {"added": [], "removed": [], "changed": []},
        "settings": ["seed"],
        "restart": ["server.sign_in", "server.paths"],
        "warnings": [],
        "more_warnings": 0,
    });
    assert_eq!(json, expected);
    let told = "1 user added (ben); changed: seed; from the next start on: server.sign_in, server.paths";
    assert_eq!(reloaded.to_string(), told);
}

#[tokio::test(start_paused = true)]
async fn a_pin_is_as_old_as_it_was() {
    let text = "users: [{username: anna, seconds_since_pin_change: 10days}]";
    let board = board(&format!("clock: frozen\n{text}"));
    let space = board.default_space().clone();
    space.advance(Duration::from_hours(24));
    board.reload(setup(&format!("clock: frozen\nseed: 1\n{text}")), OnReload::Keep);
    let age = |space: &Space| {
        space.update(|engine, now| now.since(engine.directory().user("anna").unwrap().pin_changed).as_secs())
    };
    assert_eq!(age(&space), 11 * 86_400);
    board.reload(setup(&format!("clock: frozen\n{}", text.replace("anna,", "anna, last_name: Hill,"))), OnReload::Keep);
    assert_eq!(age(&space), 10 * 86_400, "what the file says anew counts from then");
}

#[tokio::test(start_paused = true)]
async fn sequences_and_states_go_on_where_they_were() {
    let text = |first: &str, own: &str| {
        format!(
            "company: {{ring: 0}}\nusers: [{{username: anna, phone: \"+1 425 555 0150\"}}]\nstates: [{first}{{name: locked, when: {{outcome: busy}}}}]\nrules:\n  - {{name: own, when: {{user: zoe}}, outcome: {own}}}\n  - {{name: out, when: {{state: locked}}, outcome: account-locked}}\n  - {{name: turns, first: deny, then: [voicemail, busy]}}\n"
        )
    };
    let board = board(&text("", "deny"));
    let space = board.default_space().clone();
    assert_eq!(call(&space, "anna").await, Outcome::HungUp.code());
    board.reload(setup(&text("", "busy")), OnReload::Keep);
    assert_eq!(call(&space, "anna").await, Outcome::Voicemail.code());
    assert_eq!(call(&space, "anna").await, Outcome::Busy.code());
    assert_eq!(call(&space, "anna").await, Outcome::AccountLocked.code());
    let other = "{name: other, when: {outcome: deny}}, ";
    let rule = "busy}\n  - {name: other, when: {state: other}, outcome: deny";
    let differences = board.reload(setup(&text(other, rule)), OnReload::Keep);
    assert_eq!(differences.settings, ["states"]);
    assert_eq!(call(&space, "anna").await, Outcome::AccountLocked.code(), "the state has another place now");
}

#[tokio::test(start_paused = true)]
async fn rules_that_calls_added_stay_and_those_they_took_out_stay_out() {
    let text = |ring: &str| {
        format!(
            "company: {{ring: {ring}}}\nusers: [{{username: anna, phone: \"+1 425 555 0150\"}}]\nrules: [{{name: one, outcome: deny}}, {{name: two, outcome: voicemail}}]"
        )
    };
    let board = board(&text("0s"));
    let space = board.default_space().clone();
    let added = setup("rules: [{name: added, outcome: busy}]").rules.remove(0);
    space.update(|engine, now| {
        engine.add_rule(now, added, None, None);
        assert!(engine.remove_rule(now, "one"));
    });
    board.reload(setup(&text("1s")), OnReload::Keep);
    let rules = |space: &Space| -> Vec<String> {
        space.update(|engine, now| engine.rules(now).map(|it| it.rule.name.to_string()).collect())
    };
    assert_eq!(rules(&space), ["added", "two"]);
    assert_eq!(call(&space, "anna").await, Outcome::Busy.code());
    assert!(space.update(|engine, _| engine.rules_changed()));
    board.reload(
        setup("users: [anna]\nstates: [{name: a, when: {outcome: busy}}]\nrules: [{when: {state: a}, outcome: deny}]"),
        OnReload::Keep,
    );
    assert_eq!(rules(&space), ["rule 1"], "an added rule may speak of states that are others now");
}
