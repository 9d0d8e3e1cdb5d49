//! Chance, drawn delays and windows: what a seed draws depends on the rule, the person and the turn alone.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::time::Duration;

use locmfa::contract::Mode;
use locmfa::engine::{Ask, Bounds, Decision, Draw, Engine, Timestamp};
use locmfa::scenario;
use locmfa::switchboard::{Ended, Limits, Switchboard};
use proptest::prelude::*;
use serde_json::Value;
use tokio::time::Instant;

use crate::api::Api;
use crate::process::{Caller, Server, run};
use crate::{asked, asking, decided, received, site};

fn at(seconds: u64) -> Timestamp {
    Timestamp::from_unix(Duration::from_secs(1_767_225_600 + seconds))
}

/// Two rules with chance: one for each number, one for each user.
const RULES: &str = "
  - {name: lost, when: {chance: 30%}, outcome: text-not-sent}
  - {name: cut, when: {chance: 50%}, per: user, drop: true}
";

fn engine(rules: &str, seed: u64) -> Engine {
    let users = "[{username: anna, phone: '+1 425 555 0100'}, mim]";
    let text = format!("seed: {seed}\nusers: {users}\nrules:{rules}");
    let scenario = scenario::load("test", &text).unwrap_or_else(|mistakes| panic!("{mistakes:?}"));
    Engine::new(scenario.setup, at(0), 0, Bounds::default())
}

/// MIM's service account asks for a number.
fn decision(engine: &mut Engine, number: &str) -> Decision {
    decided(engine, at(0), &asking("mim", Mode::Unspecified, number))
}

fn number(at: usize) -> String {
    format!("+1 425 555 {at:04}")
}

/// Whether the rule took each of so many calls for one number.
fn taken(rules: &str, seed: u64, turns: usize) -> Vec<bool> {
    let mut engine = engine(rules, seed);
    (0..turns).map(|_| decision(&mut engine, &number(100)).verdict.is_some()).collect()
}

/// What was drawn, by rule, number of the call and turn.
type Drawn = BTreeMap<(String, usize, u64), u8>;

fn note(drawn: &mut Drawn, number: usize, draws: &[Draw]) {
    for Draw { rule, drew, turn, .. } in draws {
        assert_eq!(drawn.insert((rule.to_string(), number, *turn), *drew), None, "a turn comes once");
    }
}

/// Calls by the place of their number, and the same calls in another order.
fn shuffled() -> impl Strategy<Value = (Vec<usize>, Vec<usize>)> {
    prop::collection::vec(0..5_usize, 1..60).prop_flat_map(|it| (Just(it.clone()), Just(it).prop_shuffle()))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn order_other_rules_other_spaces_and_reloads_change_no_draw(
        (calls, others) in shuffled(),
        reload_at in any::<prop::sample::Index>(),
        seed in 0..1000_u64,
    ) {
        let numbers = |at: usize| number(100 + at);
        let (mut plain, mut expected) = (engine(RULES, seed), Drawn::new());
        for to in &calls {
            note(&mut expected, *to, &decision(&mut plain, &numbers(*to)).draws);
        }

        // The same calls in another order, under more rules, beside another space, with a reload in between.
        let more = format!(
            "\n  - {{name: never, when: {{chance: 0%}}, status: 503}}\n  - {{when: {{phone: '{}'}}, status: 503}}{RULES}  - {{name: late, when: {{chance: 20%}}, drop: true}}",
            number(999)
        );
        let changed = format!("{more}\n  - {{name: later, status: 404}}");
        let (mut engine_of_more, mut drawn) = (engine(&more, seed), Drawn::new());
        let mut beside = engine_of_more.fork().in_space("beside");
        let (before, after) = (engine(&more, seed), engine(&changed, seed));
        let reload_at = reload_at.index(others.len());
        for (nth, to) in others.iter().enumerate() {
            if nth == reload_at {
                engine_of_more.reload(&after, &before.differences(&after), at(0));
            }
            decision(&mut beside, &numbers(*to));
            decision(&mut engine_of_more, &number(999));
            note(&mut drawn, *to, &decision(&mut engine_of_more, &numbers(*to)).draws);
        }
        drawn.retain(|it, _| matches!(it.0.as_str(), "lost" | "cut"));
        prop_assert_eq!(drawn, expected);
    }
}

#[test]
fn a_seed_draws_what_it_always_drew() {
    // Other values break what seeds repeat from version to version: CHANGELOG.md must say so.
    let mut lost = engine("\n  - {name: lost, when: {chance: 30%}, status: 503}", 7);
    let drew: Vec<u8> = (0..20).map(|_| decision(&mut lost, &number(100)).draws[0].drew).collect();
    assert_eq!(drew, [90, 5, 33, 7, 40, 88, 8, 24, 52, 63, 60, 26, 80, 72, 14, 3, 96, 34, 34, 85]);
    let mut slow = engine("\n  - {name: slow, delay: {median: 800ms, p99: 6s}}", 7);
    let held = |it: Decision| it.verdict.unwrap().delay.unwrap().in_space.as_millis();
    let delays: Vec<u128> = (0..8).map(|_| held(decision(&mut slow, &number(100)))).collect();
    assert_eq!(delays, [1543, 1546, 839, 556, 947, 2478, 185, 227]);
    let mut range = engine("\n  - {name: range, delay: 1s-5s}", 7);
    let delays: Vec<u128> = (0..8).map(|_| held(decision(&mut range, &number(100)))).collect();
    assert_eq!(delays, [1726, 1123, 3351, 2560, 1363, 3040, 2455, 3672]);
}

/// How far counts are from what is expected of them.
fn chi_square(counts: &[(usize, f64)]) -> f64 {
    counts.iter().map(|(count, expected)| (*count as f64 - expected).powi(2) / expected).sum()
}

#[test]
fn a_rule_takes_its_share_of_calls_and_turns_know_nothing_of_one_another() {
    const TURNS: usize = 10_000;
    // Values that chance exceeds in one of a thousand trials, for 1 and 99 degrees of freedom.
    const ONE: f64 = 10.83;
    const MANY: f64 = 148.2;
    for percent in [1, 10, 30, 50, 99] {
        let share = f64::from(percent) / 100.0;
        let rules = format!("\n  - {{name: lost, when: {{chance: {percent}%}}, status: 503}}");
        let taken = taken(&rules, 7, TURNS);
        let count = taken.iter().filter(|it| **it).count();
        let all = TURNS as f64;
        let far = chi_square(&[(count, all * share), (TURNS - count, all * (1.0 - share))]);
        assert!(far < ONE, "{percent} %: {count} of {TURNS} are taken, chi-square {far:.1}");
        // After a turn that is taken, the next one is taken as often as any.
        let after: Vec<bool> = taken.windows(2).filter(|it| it[0]).map(|it| it[1]).collect();
        let (again, all) = (after.iter().filter(|it| **it).count(), after.len() as f64);
        let far = chi_square(&[(again, all * share), (after.len() - again, all * (1.0 - share))]);
        assert!(far < ONE, "{percent} %: {again} of {all} are taken again, chi-square {far:.1}");
    }
    // Each of the hundred numbers comes as often: over the turns of one number, and over the first turns of many.
    let rules = "\n  - {name: lost, when: {chance: 30%}, status: 503}";
    let (mut one, mut many) = (engine(rules, 7), engine(rules, 7));
    let (mut of_turns, mut of_numbers) = ([(0, 100.0); 100], [(0, 100.0); 100]);
    for at in 0..TURNS {
        of_turns[usize::from(decision(&mut one, &number(100)).draws[0].drew)].0 += 1;
        of_numbers[usize::from(decision(&mut many, &number(at)).draws[0].drew)].0 += 1;
    }
    for counts in [of_turns, of_numbers] {
        let far = chi_square(&counts);
        assert!(far < MANY, "chi-square {far:.1} of {counts:?}");
    }
}

#[test]
fn no_percent_takes_no_call_and_a_hundred_take_all() {
    for seed in 0..20 {
        assert!(!taken("\n  - {name: never, when: {chance: 0%}, status: 503}", seed, 500).contains(&true));
        assert!(!taken("\n  - {name: always, when: {chance: 100%}, status: 503}", seed, 500).contains(&false));
    }
}

#[test]
fn a_seeded_chance_is_neither_constant_nor_unseeded() {
    let rules = "\n  - {name: lost, when: {chance: 30%}, status: 503}";
    let runs: BTreeSet<Vec<bool>> = (0..50).map(|seed| taken(rules, seed, 40)).collect();
    assert_eq!(runs.len(), 50, "another seed draws something else");
    for (seed, run) in (0..50).map(|seed| (seed, taken(rules, seed, 40))) {
        assert!(runs.contains(&run) && run.contains(&true) && run.contains(&false), "seed {seed}: {run:?}");
    }
}

#[test]
fn a_call_is_a_turn_where_all_other_conditions_hold() {
    let rules = "\n  - {name: lost, when: {phone: '+1 425 555 0100', chance: 30%}, status: 503}";
    let mut engine = engine(rules, 7);
    let preview = engine.preview("LOST", "", &number(100), 3).unwrap();
    let expected: Vec<_> = preview.turns.into_iter().map(|it| it.draw).collect();
    for draw in &expected {
        assert!(decision(&mut engine, &number(101)).draws.is_empty(), "it is for another number");
        assert_eq!(decision(&mut engine, &number(100)).draws, Vec::from_iter(draw.clone()));
    }
    let rule = engine.rules(at(0)).next().unwrap();
    let taken = expected.iter().flatten().filter(|it| it.is_taken()).count();
    assert_eq!((rule.draws, rule.calls), (Some(3), taken as u64));
    assert_eq!(engine.remains(at(0)), ["the rule \"lost\" has drawn 3 times"], "no scenario can say that");
}

#[test]
fn turns_are_those_of_each_number_unless_the_rule_says_otherwise() {
    let turns = |per: &str| {
        let mut engine = engine(&format!("\n  - {{name: lost, when: {{chance: 30%}}{per}, status: 503}}"), 7);
        [100, 101, 100].map(|it| decision(&mut engine, &number(it)).draws[0].turn)
    };
    assert_eq!(turns(""), [1, 1, 2]);
    assert_eq!(turns(", per: number"), [1, 1, 2]);
    assert_eq!(turns(", per: user"), [1, 1, 2]);
    assert_eq!(turns(", per: rule"), [1, 2, 3]);
}

/// Draws by name take nothing from the sequence of a space.
#[tokio::test(start_paused = true)]
async fn chance_and_delays_move_no_other_draw() {
    let ids = async |rules: &str| {
        let text = format!("seed: 7\nclock: auto\nusers: [anna]\nrules: [{rules}]");
        let space = Switchboard::new(scenario::load("test", &text).unwrap().setup, Limits::default());
        let mut ids = Vec::new();
        for _ in 0..20 {
            let asking = asking("anna", Mode::Unspecified, "");
            ids.push(asked(space.default_space(), asking).await.unwrap().request_id);
        }
        ids
    };
    let drawing = "{name: no, when: {chance: 0%}, status: 503}, {name: slow, delay: {median: 1s, p99: 9s}}";
    assert_eq!(ids("").await, ids(drawing).await);
}

#[test]
fn a_window_opens_and_closes_after_the_start_of_the_space() {
    let text = "users: [anna]\nrules: [{name: out, when: {window: [{from: 2m, for: 30s}, {from: 10m}]}, status: 503}]";
    let setup = scenario::load("test", text).unwrap().setup;
    let mut engine = Engine::new(setup, at(0), 1, Bounds::default()).begun_at(at(1000));
    let open =
        |seconds: u64| received(&mut engine, at(1000 + seconds), &asking("anna", Mode::Unspecified, "")).is_some();
    let opens = [0, 119, 120, 149, 150, 599, 600, 100_000].map(open);
    assert_eq!(opens, [false, false, true, true, false, false, true, true]);
}

#[tokio::test(start_paused = true)]
async fn a_reset_starts_the_windows_again() {
    let text = "users: [anna]\nrules: [{name: out, when: {window: {for: 30s}}, status: 503}]";
    let spaces = Switchboard::new(scenario::load("test", text).unwrap().setup, Limits::default());
    let is_out = || {
        let space = spaces.default_space();
        space.update(|engine, now| received(engine, now, &asking("anna", Mode::Unspecified, "")).is_some())
    };
    assert!(is_out());
    spaces.default_space().advance(Duration::from_secs(31));
    assert!(!is_out());
    let fork = spaces.fork("default", "fork").unwrap();
    let ask = Ask { space: "fork", ..asking("anna", Mode::Unspecified, "") };
    assert!(fork.update(|engine, now| received(engine, now, &ask)).is_none(), "a fork goes on");
    spaces.reset("default").unwrap();
    assert!(is_out());
}

const SERVED: &str = "seed: 7
clock: auto
users: [mim]
rules:
  - {name: lost texts, when: {operation: PfAuthUser*, chance: 50%}, error: {code: 9999, text: Lost.}}
  - {name: held back, when: {operation: GetPhone}, delay: 20ms-40ms}
  - {status: 503, when: {operation: UserExists}}
";

/// What a call for a number is, in short.
fn ask(caller: &Caller) -> bool {
    let number = "<username>mim</username><mode>voiceCall</mode><phoneNumber>4255550100</phoneNumber>";
    caller.call("PfAuthUser_5", number).contains("9999")
}

#[test]
fn draws_are_told_of_recorded_calls_and_counted_by_rule() {
    let api = Api::start(SERVED, &[]);
    let (caller, folder, url) = (&api.server, api.folder.path(), format!("http://{}", api.address));
    let admin = |words: &[&str]| run(folder, &[words, &["--admin", &url]].concat());
    let lost: Vec<bool> = (0..10).map(|_| ask(caller)).collect();
    let preview = ["chance", "s.yaml", "--rule", "Lost texts", "--number", "(425) 555-0100", "--turns", "10", "--json"];
    let (code, text) = run(folder, &preview);
    assert_eq!(code, 0, "{text}");
    let told: Value = serde_json::from_str(&text).unwrap();
    let turns = told["turns"].as_array().unwrap();
    assert_eq!(lost, turns.iter().map(|it| it["taken"] == true).collect::<Vec<_>>(), "{text}");
    assert_eq!((&told["seed"], &told["of"]), (&7.into(), &"14255550100".into()));
    // Without a number it is the one of the documentation.
    assert_eq!(run(folder, &["chance", "s.yaml", "--rule", "lost texts", "--turns", "10", "--json"]), (0, text));

    for (nth, is_lost) in lost.iter().enumerate() {
        let calls: Value = serde_json::from_str(&admin(&["calls", "operation=PfAuthUser_5", "--json"]).1).unwrap();
        let seq = calls["items"][nth]["seq"].to_string();
        let (_, call) = admin(&["call", &seq, "--explain"]);
        let (drew, turn) = (&turns[nth]["drew"], nth + 1);
        let expected = match is_lost {
            true => format!("\"lost texts\" matched and decided: chance 50 %: drew {drew}, taken (turn {turn}).\n"),
            false => format!("\"lost texts\" does not match: chance 50 %: drew {drew}, not taken (turn {turn}).\n"),
        };
        assert!(call.contains(&expected), "{expected}\n{call}");
    }
    caller.call("GetPhone", "<username>mim</username>");
    caller.call("UserExists", "<username>mim</username>");
    let (_, calls) = admin(&["calls", "operation=GetPhone", "--json"]);
    let calls: Value = serde_json::from_str(&calls).unwrap();
    let (_, call) = admin(&["call", &calls["items"][0]["seq"].to_string(), "--explain"]);
    assert!(call.contains("The answer was held back for ") && call.contains("ms by the space's clock."), "{call}");

    let count = lost.iter().filter(|it| **it).count();
    let (_, rules) = admin(&["rule", "list"]);
    let row: Vec<&str> = rules.lines().nth(1).unwrap().split_whitespace().collect();
    assert_eq!(row[..4], ["lost", "texts", &count.to_string(), "10"], "{rules}");
    let metrics = api.ask("GET", "/metrics", "", "").body;
    for line in [
        format!("locmfa_rule_calls_total{{space=\"default\",rule=\"lost texts\"}} {count}\n"),
        "locmfa_rule_calls_total{space=\"default\",rule=\"held back\"} 1\n".into(),
    ] {
        assert!(metrics.contains(&line), "{line}{metrics}");
    }
    assert!(!metrics.contains("rule 3"), "rules without names have no sample: {metrics}");
}

#[test]
fn a_run_repeats_with_the_seed_that_it_printed() {
    const GATE: &str = "clock: auto
users: [{username: mim, mode: smsText}]
rules: [{name: lost texts, when: {chance: 30%}, outcome: text-not-sent}]
";
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("s.yaml"), GATE).unwrap();
    let played = |arguments: &[&str]| {
        let server = Server::start(folder.path(), &[&["s.yaml", "--admin", "127.0.0.1:0"], arguments].concat());
        let ask = |at| {
            let ask =
                format!("<username>mim</username><mode>smsText</mode><phoneNumber>425555010{}</phoneNumber>", at % 3);
            let answer = server.caller.call("PfAuthUser_5", &ask);
            answer.split("<PfAuthUser_5Result>").nth(1).unwrap().to_owned()
        };
        let (_, status) = run(folder.path(), &["status", "--admin", server.ready["admin"].as_str().unwrap()]);
        let seed = server.ready["seed"].to_string();
        assert!(status.contains(&format!("\nIts seed is {seed}\n")), "{status}");
        ((0..30).map(ask).collect::<Vec<_>>(), seed)
    };
    let (first, seed) = played(&[]);
    assert_eq!(played(&["--seed", &seed]), (first.clone(), seed.clone()), "{seed}");
    assert_ne!(played(&["--seed", "1"]).0, first, "{seed}");
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_jumps_skips_delays_but_for_those_of_the_world() {
    for (delay, seconds) in [("5s", 0), ("{real: 5s}", 5)] {
        let rules = format!("[{{when: {{operation: PfAuthUser*}}, status: 503, delay: {delay}}}]");
        let served = site(&format!("clock: auto\nusers: [mimservice]\nrules: {rules}"));
        let start = Instant::now();
        assert_eq!(served.challenge(1).await.status, 503);
        assert_eq!(start.elapsed().as_secs(), seconds, "{delay}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_delay_of_the_world_ends_with_the_space() {
    let spaces = Switchboard::new(scenario::load("test", "users: []").unwrap().setup, Limits::default());
    let space = spaces.default_space().in_this_epoch();
    let sleeping = tokio::spawn(async move { space.sleep_in_world(Duration::from_hours(1)).await });
    tokio::task::yield_now().await;
    spaces.reset("default").unwrap();
    assert_eq!(sleeping.await.unwrap(), Err(Ended::Reset));
}

#[test]
fn a_rule_whose_window_never_opens_is_not_added() {
    let api = Api::start("clock: frozen\nusers: [mim]", &[]);
    assert_eq!(api.send("POST", "/clock/advance", &serde_json::json!({"by": "5m"})).0, 200);
    let add = |window: Value, query: &str| {
        let rule = serde_json::json!({"when": {"window": window}, "status": 503});
        api.send("POST", &format!("/rules{query}"), &rule)
    };
    let (status, refused) = add(serde_json::json!({"from": "2m", "for": "3m"}), "");
    assert!(status == 409 && refused["detail"].as_str().unwrap().starts_with("when.window: it is over"), "{refused}");
    assert_eq!(add(serde_json::json!({"from": "10m"}), "?lasts=5m").0, 409);
    assert_eq!(add(serde_json::json!({"from": "10m"}), "?lasts=6m").0, 201);
    assert_eq!(add(serde_json::json!([{"for": "1m"}, {"from": "2m", "for": "4m"}]), "").0, 201);
}

#[test]
fn the_rules_of_an_incident_draw_and_their_windows_count_from_its_start() {
    const FILE: &str = "about: A test.
hits: PfAuthUser*
rules:
  - {name: out, when: {window: {from: 1m, for: 1m}}, status: 503}
  - {name: lost, when: {chance: 50%}, delay: {real: 1s-2s}}
expect: []
symptoms:
  sspr: {grade: unknown, shows: Nothing., source: a test}
  pam: {grade: unknown, shows: Nothing., source: a test}
  event_log: {grade: unknown, shows: Nothing., source: a test}
remedy: None.
";
    let played = || {
        let mut engine = engine("\n  - {name: held, delay: 5s}", 7);
        let company = engine.company().clone();
        let read = scenario::incident("slow", "slow.yaml", FILE, &company, &|_| None).unwrap();
        engine.begin_incident(at(1000), read.incident, Duration::from_hours(1), "a test").unwrap();
        let ask = asking("mim", Mode::Unspecified, "+1 425 555 0100");
        let delays = [0, 1, 2, 3, 4, 5, 6, 7].map(|it| {
            let Decision { verdict, draws } = decided(&mut engine, at(1000 + it), &ask);
            let delay = verdict.unwrap().delay.unwrap();
            assert_eq!(
                (draws[0].turn, delay.in_space),
                (it + 1, Duration::from_secs(5)),
                "the scenario's delay comes, too"
            );
            assert_eq!(draws[0].is_taken(), !delay.in_world.is_zero(), "{:?}", draws[0]);
            delay.in_world
        });
        assert!(delays.iter().any(Duration::is_zero) && delays.iter().any(|it| !it.is_zero()), "{delays:?}");
        let open = [59, 60, 119, 120].map(|it| decided(&mut engine, at(1000 + it), &ask).draws.is_empty());
        assert_eq!(open, [false, true, true, false], "where the window is open, no rule draws");
        delays
    };
    assert_eq!(played(), played(), "an incident begins with the first turn");
}

#[test]
fn draws_go_on_under_the_new_name_of_a_user() {
    let mut engine = engine("\n  - {name: cut, when: {chance: 50%}, per: user, drop: true}", 7);
    let turn = |engine: &mut Engine, name| decided(engine, at(0), &asking(name, Mode::Unspecified, "")).draws[0].turn;
    assert_eq!([turn(&mut engine, "anna"), turn(&mut engine, "anna")], [1, 2]);
    engine.rename_user("anna", "zoe").unwrap();
    assert_eq!([turn(&mut engine, "zoe"), turn(&mut engine, "mim")], [3, 1]);
}
