//! A server for the targets to talk to.

use std::sync::Arc;
use std::time::Duration;

use base64::{Engine, prelude::BASE64_STANDARD};
use locmfa::sign_in::{Account, ChannelBinding, Conversation, Names, Policy, Presented, Scheme, Step, Trust};

/// A policy that offers everything which takes a token.
pub fn policy(trust: Trust) -> Policy {
    let password = Some("Winter-2026!".into());
    let account = Arc::new(Account { name: "CONTOSO\\mimservice".into(), password, ..Account::default() });
    Policy {
        schemes: vec![Scheme::Negotiate, Scheme::Ntlm],
        accounts: vec![account],
        trust,
        ntlm_v1: true,
        channel_binding: ChannelBinding::Lenient,
        kerberos_as: None,
        names: Names {
            domain: "CONTOSO".into(),
            computer: "MFA01".into(),
            dns_domain: "contoso.com".into(),
            dns_computer: "mfa01.contoso.com".into(),
        },
    }
}

/// Sends tokens on one connection; what the last was answered. The nonce is not that of the fixtures, so that no
/// token of theirs is right.
pub fn send(policy: &Policy, scheme: &str, tokens: &[&[u8]]) -> Step {
    let mut conversation = Conversation::default();
    let mut send = |token| {
        let header = format!("{scheme} {}", BASE64_STANDARD.encode(token));
        conversation.step(
            policy,
            &Presented {
                via: false,
                authorization: Some(header.as_bytes()),
                certificate: None,
                server_certificate_hash: Some(&[7; 32]),
                now: Duration::from_secs(1_795_521_600),
                nonce: [9; 8],
            },
        )
    };
    let (last, before) = tokens.split_last().expect("there are tokens");
    for token in before {
        let step = send(token);
        assert!(matches!(step, Step::Challenge { trouble: None, .. }), "{step:?}");
    }
    send(last)
}

/// The first message of a client that asks for everything.
pub const NEGOTIATE: &[u8] = b"NTLMSSP\0\x01\0\0\0\x37\x82\x08\xe2\
    \0\0\0\0\x28\0\0\0\0\0\0\0\x28\0\0\0\0\x0c\x04\x01\0\0\0\x0f";
