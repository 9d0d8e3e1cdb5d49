//! Spaces side by side, and their clocks.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};
use std::time::Duration;

use locmfa::contract::{Mode, NAMESPACE};
use locmfa::engine::{ChallengeStage, Event, EventKind, Notice, OnReload, Outcome, Pace, Setup, Timestamp, What};
use locmfa::scenario;
use locmfa::switchboard::{Ended, Interest, Key, Limits, NoSpace, Space, Switchboard, Unsettled, Watcher};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::admin::ANNA;
use crate::api::Api;
use crate::process::read;
use crate::{Answered, Served, asked, asking, site};

fn setup(text: &str) -> Setup {
    scenario::load("test", text).unwrap_or_else(|mistakes| panic!("{mistakes:?}")).setup
}

/// Asks a user as a call does.
async fn ask(space: &Space, username: &str) -> Outcome {
    let settled = asked(space, asking(username, Mode::Unspecified, "")).await;
    settled.unwrap_or_else(|it| panic!("{it:?}")).ending.known().expect("a row of the table")
}

async fn soap(site: &Served, folder: &str, operation: &str, body: &str) -> Answered {
    let body = format!(
        "<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\"><s:Body><{operation} xmlns=\"{NAMESPACE}\">{body}</{operation}></s:Body></s:Envelope>"
    );
    let request = site.at("POST", &format!("{folder}/PfWsSdk.asmx"));
    request.header("content-type", "text/xml").body(body).send().await
}

const RING: &str = "users: [{username: anna, phone: '+1 425 555 0100'}]\nrules: [{outcome: no-answer, after: 60s}]";

#[tokio::test(start_paused = true)]
async fn the_first_segment_of_the_address_names_a_space() {
    let site = site("users: [anna]");
    let delete = "<username>anna</username>";
    assert!(soap(&site, "/~A/x", "DeleteUser", delete).await.body.contains("<DeleteUserResult>true"));
    for (folder, there) in
        [("/~a/MultiFactorAuthWebServiceSdk", false), ("/~b", true), ("/MultiFactorAuthWebServiceSdk", true)]
    {
        let answer = soap(&site, folder, "UserExists", "<username>anna</username>").await;
        assert!(answer.body.contains(&format!("<UserExistsResult>{there}")), "{folder}: {}", answer.body);
    }
    let names: Vec<_> = site.0.spaces.list().iter().map(|it| it.name().to_owned()).collect();
    assert_eq!(names, ["default", "a", "b"]);
    // What belongs to a space shows in no other.
    let calls = |name: &str| site.0.spaces.find(name).unwrap().update(|it, _| it.journal.count(EventKind::Call));
    assert_eq!((calls("a"), calls("b"), calls("default")), (2, 1, 1));
}

#[tokio::test(start_paused = true)]
async fn reading_a_page_makes_no_space_and_a_bad_name_none() {
    let site = site("users: [anna]");
    assert_eq!(site.at("GET", "/~new/PfWsSdk.asmx?WSDL").send().await.status, 200);
    let answer = soap(&site, "/~a%20b", "UserExists", "").await;
    assert_eq!(answer.status, 404);
    assert!(answer.body.contains("letters, digits, dots"), "{}", answer.body);
    assert_eq!(soap(&site, &format!("/~{}", "x".repeat(65)), "UserExists", "").await.status, 404);
    assert_eq!(site.0.spaces.list().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn there_is_a_bound_on_spaces_and_an_end_to_idle_ones() {
    let limits = Limits { spaces: 3, idle: Duration::from_mins(10), ..Limits::default() };
    let spaces = Switchboard::new(setup(RING), limits);
    tokio::spawn(spaces.clone().drop_idle());
    let a = spaces.open("a").unwrap();
    spaces.open("b").unwrap();
    assert_eq!(spaces.open("c").unwrap_err(), NoSpace::Full(3));
    assert_eq!(spaces.create("a", Setup::default()).unwrap_err(), NoSpace::Taken("a".into()));
    assert_eq!(spaces.drop_space("default").unwrap_err(), NoSpace::Default);

    // A space in which a caller waits is in use; another is not.
    a.set_pace(Pace::Frozen);
    let call = tokio::spawn({
        let a = a.clone();
        async move { ask(&a, "anna").await }
    });
    tokio::time::sleep(Duration::from_mins(12)).await;
    assert!(spaces.find("b").is_err());
    assert!(spaces.find("A").is_ok());
    a.advance(Duration::from_mins(1));
    assert_eq!(call.await.unwrap(), Outcome::CallTimedOut);
}

#[tokio::test(start_paused = true)]
async fn calls_that_wait_in_a_dropped_space_end() {
    let spaces = Switchboard::new(setup(RING), Limits::default());
    let space = spaces.open("a").unwrap();
    let call = tokio::spawn(async move {
        matches!(asked(&space, asking("anna", Mode::Unspecified, "")).await, Err(Unsettled::Ended(Ended::Dropped)))
    });
    tokio::task::yield_now().await;
    spaces.drop_space("a").unwrap();
    assert!(call.await.unwrap());
    assert_eq!(spaces.drop_space("a").unwrap_err(), NoSpace::Unknown("a".into()));
}

#[tokio::test(start_paused = true)]
async fn a_fork_and_its_origin_change_apart_and_a_reset_starts_again() {
    let spaces = Switchboard::new(setup("users: [{username: anna, phone: '+1 425 555 0100'}]"), Limits::default());
    let a = spaces.open("a").unwrap();
    let bypass = |it: &Space| it.update(|engine, now| engine.bypass_once(now, "anna", "", 0)).unwrap();
    let bypassed = |it: &Space| it.update(|engine, _| engine.directory().user("anna").unwrap().bypass.is_some());
    bypass(&a);
    let b = spaces.fork("a", "b").unwrap();
    assert!(bypassed(&b));
    assert_eq!(ask(&b, "anna").await, Outcome::Bypassed);
    assert_eq!((bypassed(&a), bypassed(&b), bypassed(spaces.default_space())), (true, false, false));
    let before = a.update(|engine, at| engine.journal.note(at, What::Notice(notice())));
    spaces.reset("a").unwrap();
    assert!(!bypassed(&a));
    // After a reset, sequence numbers continue.
    let after = a.update(|engine, at| engine.journal.note(at, What::Notice(notice())));
    assert_eq!(after, before + 1);
}

/// The request identifiers of calls in spaces of one scenario: two spaces with a scenario of their own, before and after it
/// is replaced, the default space, a new space, and a fork of it.
async fn ids_of_a_run(own: &Setup, loaded: Setup) -> Vec<String> {
    let spaces = Switchboard::new(loaded, Limits::default());
    let drawn = async |space: Space| asked(&space, asking("anna", Mode::Unspecified, "")).await.unwrap().request_id;
    let mut ids = Vec::new();
    for name in ["a", "b"] {
        ids.push(drawn(spaces.create(name, own.clone()).unwrap()).await);
        ids.push(drawn(spaces.replace(name, own.clone()).unwrap()).await);
    }
    ids.push(drawn(spaces.replace("default", own.clone()).unwrap()).await);
    ids.push(drawn(spaces.open("c").unwrap()).await);
    ids.push(drawn(spaces.fork("c", "d").unwrap()).await);
    ids
}

#[tokio::test(start_paused = true)]
async fn spaces_draw_apart_and_a_run_repeats_with_its_seed() {
    let (unseeded, seeded) = (setup("users: [anna]"), setup("seed: 7\nusers: [anna]"));
    let run = |seed| Setup { seed, ..Setup::default() };
    let ids = ids_of_a_run(&unseeded, run(Some(7))).await;
    let different: BTreeSet<_> = ids.iter().collect();
    assert_eq!(different.len(), 5, "a, b, default, c and d: {ids:?}");
    assert!(ids[0] == ids[1] && ids[2] == ids[3], "a space that starts again draws the same again: {ids:?}");
    assert_eq!(ids_of_a_run(&unseeded, run(Some(7))).await, ids);
    // The seed of a scenario stands before that of the run.
    assert_eq!(ids_of_a_run(&seeded, run(None)).await, ids);
    let drawn = [ids_of_a_run(&unseeded, run(None)).await, ids_of_a_run(&unseeded, run(None)).await];
    assert_ne!(drawn[0], drawn[1], "without a seed, each run draws its own");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_reloads_at_once_follow_each_other() {
    let scenario = |name: &str| setup(&format!("users: [anna, {name}]"));
    let names = |it: &Space| it.update(|engine, _| engine.directory().iter().map(|it| it.username.clone()).collect());
    for _ in 0..50 {
        let spaces = Switchboard::new(setup("users: [anna]"), Limits::default());
        let start = Barrier::new(2);
        let reload = |name| {
            start.wait();
            spaces.reload(scenario(name), OnReload::Keep);
        };
        std::thread::scope(|scope| ["ben", "carla"].map(|name| scope.spawn(move || reload(name))).map(drop));
        // A space that lived through both has what new spaces have.
        let (kept, new): (Vec<String>, Vec<String>) =
            (names(spaces.default_space()), names(&spaces.open("new").unwrap()));
        assert_eq!(kept, new);
    }
}

fn notice() -> Notice {
    Notice { topic: "test", text: "x".into() }
}

#[tokio::test(start_paused = true)]
async fn a_minute_of_ringing_is_over_at_once_with_the_clock_that_jumps() {
    let spaces = Switchboard::new(setup(&format!("clock: auto\n{RING}")), Limits::default());
    let space = spaces.default_space();
    let (started, shown) = (Instant::now(), space.now());
    assert_eq!(ask(space, "anna").await, Outcome::CallTimedOut);
    assert_eq!(started.elapsed(), Duration::ZERO);
    assert_eq!(space.now().since(shown), Duration::from_mins(1));
    space.sleep(Duration::from_hours(1)).await.unwrap();
    assert_eq!(started.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_frozen_clock_goes_on_when_it_is_told_to() {
    let text = format!("clock: {{start: 2026-01-01T00:00:00Z, pace: frozen}}\n{RING}");
    let spaces = Switchboard::new(setup(&text), Limits::default());
    let space = spaces.default_space().clone();
    assert_eq!(space.now().to_string(), "2026-01-01T00:00:00Z");
    let call = tokio::spawn({
        let space = space.clone();
        async move { ask(&space, "anna").await }
    });
    tokio::time::sleep(Duration::from_hours(24)).await;
    assert!(!call.is_finished());
    assert_eq!(space.now().to_string(), "2026-01-01T00:00:00Z");
    space.advance(Duration::from_secs(59));
    tokio::task::yield_now().await;
    assert!(!call.is_finished());
    // Far past it, the call still ends when it was due.
    space.advance(Duration::from_hours(1));
    assert_eq!(call.await.unwrap(), Outcome::CallTimedOut);
    let settled = space.update(|engine, _| {
        let is_end =
            |it: &&Arc<Event>| matches!(&it.what, What::Turn(it) if matches!(it.stage, ChallengeStage::Settled { .. }));
        engine.journal.of(EventKind::Turn).find(is_end).map(|it| it.at)
    });
    assert_eq!(settled, Timestamp::of_text("2026-01-01T00:01:00Z"));
}

#[tokio::test(start_paused = true)]
async fn a_clock_can_run_faster() {
    let spaces = Switchboard::new(setup(&format!("clock: {{rate: 60}}\n{RING}")), Limits::default());
    let started = Instant::now();
    assert_eq!(ask(spaces.default_space(), "anna").await, Outcome::CallTimedOut);
    let took = started.elapsed();
    assert!((Duration::from_secs(1)..Duration::from_millis(1010)).contains(&took), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn a_watcher_misses_no_event() {
    let spaces = Switchboard::new(setup("users: [anna]"), Limits::default());
    let space = spaces.default_space().clone();
    let happen = |count| {
        for _ in 0..count {
            space.update(|engine, at| engine.journal.note(at, What::Notice(notice())));
        }
    };
    let interest = |kinds: &[EventKind]| Interest { kinds: kinds.into(), key: None, matches: Box::new(|_| true) };
    let (notices, calls) = (space.watch(interest(&[EventKind::Notice])), space.watch(interest(&[EventKind::Call])));
    let after = |seq| space.update(|engine, _| engine.journal.after(seq, &[EventKind::Notice]).len());
    happen(3);
    notices.woken().await;
    assert_eq!(after(0), 3);
    happen(1);
    notices.woken().await;
    assert_eq!(after(3), 1);
    let started = Instant::now();
    assert!(tokio::time::timeout(Duration::from_secs(30), notices.woken()).await.is_err());
    assert!(tokio::time::timeout(Duration::ZERO, calls.woken()).await.is_err());
    assert_eq!(started.elapsed(), Duration::from_secs(30));
}

#[tokio::test(start_paused = true)]
async fn a_watcher_is_found_by_its_value_and_knows_which_events_it_may_skip() {
    let spaces = Switchboard::new(setup("users: [anna]"), Limits::default());
    let space = spaces.default_space().clone();
    let happen = |topic, count| {
        for _ in 0..count {
            let notice = Notice { topic, text: "".into() };
            space.update(|engine, at| engine.journal.note(at, What::Notice(notice)));
        }
    };
    let (read, compared) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let watch = |topic: &str| {
        let (read, compared) = (read.clone(), compared.clone());
        let of = move |event: &Event| {
            read.fetch_add(1, Ordering::Relaxed);
            match &event.what {
                What::Notice(it) => Some(it.topic.to_owned()),
                _ => None,
            }
        };
        let key = Some(Key { name: "topic".into(), value: topic.into(), of: Arc::new(of) });
        let matches = move |_: &Event| compared.fetch_add(1, Ordering::Relaxed) < usize::MAX;
        space.watch(Interest { kinds: vec![EventKind::Notice], key, matches: Box::new(matches) })
    };
    let watchers = ["a", "b", "c"].map(watch);
    // Events are compared while a watcher waits.
    let pause = || tokio::time::timeout(Duration::from_millis(50), watchers[0].woken());
    for passed in [9_000, 18_000] {
        happen("other", 9_000);
        assert!(pause().await.is_err());
        assert!(watchers.iter().all(|it| it.passed() == passed));
    }
    happen("b", 1);
    watchers[1].woken().await;
    assert!(pause().await.is_err());
    assert_eq!(watchers.each_ref().map(Watcher::passed), [18_001, 18_000, 18_001]);
    assert_eq!((read.load(Ordering::Relaxed), compared.load(Ordering::Relaxed)), (18_001, 1));
    // What is evicted before it was compared may have matched.
    happen("other", 10_001);
    for watcher in &watchers {
        watcher.woken().await;
        assert_eq!(watcher.passed(), 18_001);
    }
}

#[test]
fn a_label_makes_a_space_with_a_name_of_its_own_and_whole_urls() {
    let api = Api::start("users: [{username: anna, phone: '+1 425 555 0100'}]", &[]);
    let label = format!("Büro [MIM]: reset by text, {}", "x".repeat(229));
    let make = |more: &Value| {
        let mut body = json!({"label": label});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let (status, space) = api.send("POST", "/spaces", &body);
        assert_eq!(status, 201, "{space}");
        space
    };
    let first = make(&json!({}));
    let name = first["name"].as_str().unwrap();
    assert_eq!((name.len(), name.starts_with("b-ro-mim-reset-by-text-xx")), (64, true), "{name}");
    // The URLs lead into the space.
    let admin = first["admin"].as_str().unwrap().strip_prefix("http://localhost:").unwrap();
    assert_eq!(admin, format!("{}/~{name}", api.address.rsplit(':').next().unwrap()));
    let service = first["service"].as_str().unwrap().strip_suffix("/MultiFactorAuthWebServiceSdk/PfWsSdk.asmx");
    assert!(service.unwrap().ends_with(&format!("/~{name}")), "{first}");
    read(api.server.send_in(&format!("/~{name}"), "PfAuthUser_4", ANNA));
    assert_eq!(api.get(&format!("/spaces/{name}"))["calls"], 1);

    // The same label again, in each way to begin.
    api.send("PATCH", &format!("/~{name}/users/anna"), &json!({"first_name": "Anna"}));
    let fork = make(&json!({"from": name}));
    let own = make(&json!({"scenario": "users: [{username: zoe, phone: '+49 30 901820'}]"}));
    for (space, number) in [(&fork, 2), (&own, 3)] {
        assert_eq!(space["name"], format!("{}-{number}", &name[..62]));
    }
    assert_eq!(api.get(&format!("{}/users/anna", fork["path"].as_str().unwrap()))["first_name"], "Anna");
    assert_eq!(api.get(&format!("{}/users", own["path"].as_str().unwrap()))["items"][0]["username"], "zoe");

    let named = |label: &str| api.send("POST", "/spaces", &json!({"label": label})).1["name"].clone();
    assert_eq!(["default", "", "試験"].map(named), ["default-2", "space", "space-2"]);
    let (status, problem) = api.send("POST", "/spaces", &json!({"label": format!("{label}x")}));
    assert_eq!((status, &problem["field"]), (400, &json!("label")));
    // The space that needs no name has its URLs, too.
    let default = api.get("/spaces/default");
    assert_eq!(default["admin"], format!("http://localhost:{}", api.address.rsplit(':').next().unwrap()));
    assert!(default["service"].as_str().unwrap().contains("/MultiFactorAuthWebServiceSdk/"), "{default}");
}
