//! What deciding a call costs with 10 rules and with 10,000 that select by user or number, and what loading them costs.

use std::fmt::Write;
use std::time::Duration;

use divan::{Bencher, black_box};
use locmfa::contract::{FieldValue, Value};
use locmfa::engine::{Bounds, Call, Engine, Timestamp};
use locmfa::scenario;

fn main() {
    divan::main();
}

const FEW_AND_MANY: [usize; 2] = [10, 10_000];

/// Half of the rules select by user, half by number, and one by neither.
fn written(rules: usize) -> String {
    let mut text =
        "users: [mimservice@contoso.com]\nrules:\n  - {when: {application: None*}, outcome: busy}\n".to_owned();
    for n in 0..rules / 2 {
        let number = 2_000_000_000_u64 + n as u64;
        writeln!(text, "  - {{when: {{user: user{n}}}, outcome: busy}}").expect("a String does not fail");
        writeln!(text, "  - {{when: {{phone: \"+1 {number}\"}}, first: busy, then: approve}}").expect("as above");
    }
    text
}

fn engine(rules: usize) -> Engine {
    let setup = scenario::load("bench", &written(rules)).expect("it has no mistakes").setup;
    Engine::new(setup, now(), 1, Bounds::default())
}

fn now() -> Timestamp {
    Timestamp::from_unix(Duration::from_secs(1_767_225_600))
}

fn receive(bencher: Bencher<'_, '_>, rules: usize, username: &str, number: &str) {
    let mut engine = engine(rules);
    let values =
        [FieldValue::new("username", Value::Text(username)), FieldValue::new("phoneNumber", Value::Text(number))];
    let call = Call { operation: "PfAuthUser_5", asks: true, space: "default", values: &values };
    bencher.bench_local(|| engine.receive(now(), black_box(&call)).verdict.is_some());
}

#[divan::bench(args = FEW_AND_MANY)]
fn by_user(bencher: Bencher<'_, '_>, rules: usize) {
    receive(bencher, rules, "user4", "");
}

#[divan::bench(args = FEW_AND_MANY)]
fn by_number(bencher: Bencher<'_, '_>, rules: usize) {
    receive(bencher, rules, "mimservice@contoso.com", "12000000004");
}

#[divan::bench(args = FEW_AND_MANY)]
fn no_rule_matches(bencher: Bencher<'_, '_>, rules: usize) {
    receive(bencher, rules, "mimservice@contoso.com", "13000000004");
}

#[divan::bench(args = FEW_AND_MANY, sample_count = 5, sample_size = 1)]
fn load_a_scenario(bencher: Bencher<'_, '_>, rules: usize) {
    let text = written(rules);
    bencher.bench_local(|| scenario::load("bench", black_box(&text)).expect("it has no mistakes").setup.rules.len());
}
