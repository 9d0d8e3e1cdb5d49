//! What a store of 100,000 users costs: loading it, finding users in it, and calls that do not mind it.

use std::time::Duration;

use divan::{Bencher, black_box};
use locmfa::engine::{Bounds, Engine, Pattern, PhonePattern, Query, Setup, Timestamp};
use locmfa::scenario;

fn main() {
    divan::main();
}

const USERS: usize = 100_000;

/// A scenario of so many users, a line each, in no order of names.
fn written(users: usize) -> String {
    let first = ["Anna", "Ben", "Carla", "Dario", "Erin", "Finn", "Gül", "Hugo", "Ines", "Jan"];
    let last = ["Hill", "Cole", "Rossi", "Weiss", "Moss", "Berg", "Demir", "Lang", "Silva", "Novak", "Olsen"];
    let mut text = "users:\n".to_owned();
    for at in 0..users {
        // Odd and prime to the number of users: every place is met once.
        let n = at * 61_803 % users;
        let (first, last) = (first[n % first.len()], last[n % last.len()]);
        let phone = 2_000_000_000_u64 + 7_919 * n as u64;
        text += &format!(
            "  - {{username: {}.{}{n}@contoso.com, first_name: {first}, last_name: {last}, email_address: u{n}@contoso.com, phone: \"+1 {phone}\"}}\n",
            first.to_lowercase(),
            last.to_lowercase(),
        );
    }
    text
}

fn engine(users: usize) -> Engine {
    let scenario = scenario::load("bench", &written(users)).expect("it has no mistakes");
    Engine::new(scenario.setup, now(), 1, Bounds::default())
}

fn now() -> Timestamp {
    Timestamp::from_unix(Duration::from_secs(1_767_225_600))
}

/// A page of rows, as a portal asks for it.
fn find(bencher: Bencher<'_, '_>, query: &Query) {
    let mut engine = engine(USERS);
    let mut find = || {
        let mut search = engine.directory().search(black_box(query).clone());
        search.compare();
        let found = engine.directory_mut().found(&search, None, 100);
        search.matching(found, 100).len()
    };
    assert!(find() > 0);
    bencher.bench_local(|| black_box(find()));
}

#[divan::bench(sample_count = 5, sample_size = 1)]
fn load_a_scenario(bencher: Bencher<'_, '_>) {
    let text = written(USERS);
    bencher.bench_local(|| scenario::load("bench", black_box(&text)).expect("it has no mistakes").setup.users.len());
}

/// A scenario of 10,000 rules: a third by number, a third by user, a third by both and more.
fn ruled() -> String {
    let mut text = written(USERS) + "rules:\n";
    for at in 0..10_000_u64 {
        let phone = 2_000_000_000 + 7_919 * at;
        text += &match at % 3 {
            0 => format!("  - {{when: {{phone: \"+1 {phone}\"}}, outcome: busy}}\n"),
            1 => format!("  - {{when: {{user: nobody{at}@contoso.com}}, outcome: deny, after: 4s}}\n"),
            _ => format!(
                "  - {{name: r{at}, when: {{phone: \"+1 {phone}\", initiating_type: pfsdk}}, first: busy, then: approve}}\n"
            ),
        };
    }
    text
}

#[divan::bench(sample_count = 5, sample_size = 1)]
fn load_a_scenario_with_rules(bencher: Bencher<'_, '_>) {
    let text = ruled();
    bencher.bench_local(|| scenario::load("bench", black_box(&text)).expect("it has no errors").setup.rules.len());
}

#[divan::bench(sample_count = 5, sample_size = 1)]
fn reload_a_scenario_with_rules(bencher: Bencher<'_, '_>) {
    let setup = |text: &str| scenario::load("bench", text).expect("it has no errors").setup;
    let (before, after) = (setup(&ruled()), setup(&ruled().replace("first_name: Ben", "first_name: Benno")));
    let engine = |setup: &Setup| Engine::new(setup.clone(), now(), 1, Bounds::default());
    let (before, after) = (engine(&before), engine(&after));
    bencher.with_inputs(|| before.fork()).bench_local_values(|mut engine| {
        let differences = before.differences(&after);
        engine.reload(&after, &differences, now());
        engine
    });
}

#[divan::bench(sample_count = 5, sample_size = 1)]
fn import_an_export(bencher: Bencher<'_, '_>) {
    let mut text = "Username,First Name,Last Name,Email Address,Primary Country Code,Primary Phone,Mode\n".to_owned();
    for n in 0..USERS {
        let phone = 2_000_000_000_u64 + 7_919 * n as u64;
        text += &format!("user{n},Anna,Hill,u{n}@contoso.com,1,{phone},Text Message\n");
    }
    bencher.bench_local(|| locmfa::import::read(black_box(&text), true, "1").expect("it has a header").len());
}

#[divan::bench(sample_count = 5, sample_size = 1)]
fn start_an_engine(bencher: Bencher<'_, '_>) {
    let setup = scenario::load("bench", &written(USERS)).expect("it has no mistakes").setup;
    bencher.with_inputs(|| setup.clone()).bench_local_values(|setup| Engine::new(setup, now(), 1, Bounds::default()));
}

#[divan::bench]
fn find_by_prefix(bencher: Bencher<'_, '_>) {
    find(bencher, &Query { username: Some(Pattern::new("anna.hill1*")), ..Query::default() });
}

#[divan::bench]
fn find_by_wildcard(bencher: Bencher<'_, '_>) {
    find(bencher, &Query { username: Some(Pattern::new("*novak*77@*")), ..Query::default() });
}

#[divan::bench]
fn find_by_last_name(bencher: Bencher<'_, '_>) {
    find(bencher, &Query { last_name: Some(Pattern::new("*ss*")), ..Query::default() });
}

#[divan::bench]
fn find_by_phone(bencher: Bencher<'_, '_>) {
    find(bencher, &Query { phone: Some(PhonePattern::new("*7919").expect("digits")), ..Query::default() });
}

#[divan::bench]
fn find_by_everything(bencher: Bencher<'_, '_>) {
    let phone = Some(PhonePattern::new("2*").expect("digits"));
    let query = Query {
        username: Some(Pattern::new("anna*")),
        last_name: Some(Pattern::new("*l*")),
        phone,
        ..Query::default()
    };
    find(bencher, &query);
}

#[divan::bench]
fn find_the_enabled_by_prefix(bencher: Bencher<'_, '_>) {
    let query = Query { username: Some(Pattern::new("anna.hill*")), enabled: Some(true), ..Query::default() };
    find(bencher, &query);
}

#[divan::bench(args = [100, 10_000, USERS])]
fn user_exists(bencher: Bencher<'_, '_>, users: usize) {
    let engine = engine(users);
    let names: Vec<String> = engine.directory().iter().map(|it| it.username.clone()).collect();
    let mut at = 0;
    bencher.bench_local(|| {
        at = (at + 7_919) % names.len();
        engine.directory().user(black_box(&names[at])).is_ok()
    });
}
