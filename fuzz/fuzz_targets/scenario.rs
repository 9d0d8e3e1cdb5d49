#![no_main]

use libfuzzer_sys::fuzz_target;
use locmfa::scenario;

fuzz_target!(|text: &str| {
    if let Err(mistakes) = scenario::load("scenario.yaml", text) {
        assert!(!mistakes.is_empty());
        mistakes.into_iter().for_each(|it| drop(it.to_string()));
    }
});
