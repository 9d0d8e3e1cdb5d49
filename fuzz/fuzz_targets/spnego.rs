#![no_main]

mod sign_in;

use libfuzzer_sys::fuzz_target;
use locmfa::sign_in::{Step, Trust};

/// A list with NTLM alone and no token, which the server answers by choosing it.
const NTLM_ALONE: &[u8] = b"\xa0\x12\x30\x10\xa0\x0e\x30\x0c\x06\x0a\x2b\x06\x01\x04\x01\x82\x37\x02\x02\x0a";

/// Kerberos and NTLM, which the server answers by choosing NTLM.
const NTLM_SECOND: &[u8] = b"\xa0\x1d\x30\x1b\xa0\x19\x30\x17\x06\x09\x2a\x86\x48\x86\xf7\x12\x01\x02\x02\
    \x06\x0a\x2b\x06\x01\x04\x01\x82\x37\x02\x02\x0a";

fuzz_target!(|token: &[u8]| {
    let strict = sign_in::policy(Trust::Passwords);
    let wrapped = [b"\xa1\x2e\x30\x2c\xa2\x2a\x04\x28", sign_in::NEGOTIATE].concat();
    for tokens in [
        &[token][..],
        &[NTLM_ALONE, token],
        &[NTLM_SECOND, token],
        &[NTLM_ALONE, &wrapped, token],
        &[NTLM_SECOND, &wrapped, token],
    ] {
        let step = sign_in::send(&strict, "Negotiate", tokens);
        assert!(matches!(step, Step::Challenge { .. }), "{step:?}");
    }
    let mut tickets = sign_in::policy(Trust::Passwords);
    tickets.kerberos_as = Some(tickets.accounts[0].clone());
    sign_in::send(&tickets, "Negotiate", &[token]);
});
