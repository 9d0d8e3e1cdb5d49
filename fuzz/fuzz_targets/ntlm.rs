#![no_main]

mod sign_in;

use libfuzzer_sys::fuzz_target;
use locmfa::sign_in::{Step, Trust};

fuzz_target!(|token: &[u8]| {
    let strict = sign_in::policy(Trust::Passwords);
    for tokens in [&[token][..], &[sign_in::NEGOTIATE, token]] {
        let step = sign_in::send(&strict, "NTLM", tokens);
        assert!(matches!(step, Step::Challenge { .. }), "{step:?}");
    }
    sign_in::send(&sign_in::policy(Trust::Anybody), "NTLM", &[sign_in::NEGOTIATE, token]);
});
