//! NTLM as an initiator has it: the first message, and the third that proves a password (MS-NLMP 3.1.5). Version 2
//! alone, in Unicode, with extended session security, as Windows speaks it.

use std::time::Duration;

use hmac::Mac;
use md4::{Digest, Md4};

use super::{
    Flaw, INTEGRITY_CODE, Kind, SIGNATURE, Secret, Session, av, cut, field, filetime, flag, hmac, kind, put_field,
    put_pair, rc4, u32_at, upper_case, utf16,
};

/// What the first message asks for.
const ASKED: u32 = flag::UNICODE
    | flag::OEM
    | flag::REQUEST_TARGET
    | flag::SIGN
    | flag::NTLM
    | flag::ALWAYS_SIGN
    | flag::EXTENDED_SECURITY
    | flag::VERSION
    | flag::KEY_128
    | flag::KEY_EXCHANGE
    | flag::KEY_56;

const VERSION: [u8; 8] = [10, 0, 0x63, 0x45, 0, 0, 0, 15]; // Windows Server 2019: 10.0.17763, NTLM revision 15

/// The longest second message that is read, in bytes. Real ones have some hundred.
const MAX_CHALLENGE: usize = 4096;

/// What the third message is made from.
pub(in crate::sign_in) struct Claim<'a> {
    pub(in crate::sign_in) domain: &'a str,
    pub(in crate::sign_in) user: &'a str,
    pub(in crate::sign_in) password: &'a Secret,
    /// The service that is meant, `HTTP/mfa01.contoso.com`.
    pub(in crate::sign_in) service: &'a str,
    /// The hash of the TLS connection; see [`channel_binding`](super::channel_binding).
    pub(in crate::sign_in) channel_binding: Option<[u8; 16]>,
    /// The time since 1970. It counts where the server does not tell its own.
    pub(in crate::sign_in) now: Duration,
    pub(in crate::sign_in) nonce: [u8; 8],
    /// The session's key, if the server lets the client choose one.
    pub(in crate::sign_in) key: [u8; 16],
}

/// The first message.
pub(in crate::sign_in) fn negotiate() -> Vec<u8> {
    let mut message = Vec::with_capacity(40);
    message.extend_from_slice(SIGNATURE);
    message.extend_from_slice(&1u32.to_le_bytes());
    message.extend_from_slice(&ASKED.to_le_bytes());
    message.extend_from_slice(&[0; 16]); // neither domain nor workstation
    message.extend_from_slice(&VERSION);
    message
}

/// The third message, and what both sides share after it.
pub(in crate::sign_in) fn authenticate(
    negotiate: &[u8],
    challenge: &[u8],
    claim: &Claim<'_>,
) -> Result<(Vec<u8>, Session), Flaw> {
    let flaw = |part, fault, at| Flaw { part, fault, at };
    if kind(challenge)? != Kind::Challenge {
        return Err(flaw("the message type", "is not that of a server's message", 8));
    }
    if challenge.len() > MAX_CHALLENGE {
        return Err(flaw("the message", "is longer than 4096 bytes", MAX_CHALLENGE));
    }
    let flags = ASKED & u32_at(challenge, 20, "the flag word")? & !flag::OEM;
    if flags & flag::UNICODE == 0 {
        return Err(flaw("the flag word", "does not grant Unicode", 20));
    }
    let server_nonce = challenge.get(24..32).ok_or_else(|| flaw("the nonce", "lies outside the message", 24))?;
    let theirs = field(challenge, 40, "the target information")?;
    let Told { info, time } = Told::read(theirs, claim)?;

    let mut blob = vec![1, 1, 0, 0, 0, 0, 0, 0];
    blob.extend_from_slice(&time.unwrap_or_else(|| filetime(claim.now)).to_le_bytes());
    blob.extend_from_slice(&claim.nonce);
    blob.extend_from_slice(&[0; 4]);
    blob.extend_from_slice(&info);
    blob.extend_from_slice(&[0; 4]);

    let (domain, user) = (cut(claim.domain), cut(claim.user));
    let nt_hash = Md4::digest(utf16(claim.password.reveal()));
    let upper: String = user.chars().map(upper_case).collect();
    let key = hmac(&nt_hash, &[&utf16(&upper), &utf16(domain)]).finalize().into_bytes();
    let proof: [u8; 16] = hmac(&key, &[server_nonce, &blob]).finalize().into_bytes().into();
    let base: [u8; 16] = hmac(&key, &[&proof]).finalize().into_bytes().into();
    let (key, encrypted) = match flags & flag::KEY_EXCHANGE {
        0 => (base, Vec::new()),
        _ => (claim.key, rc4(&base, claim.key).to_vec()),
    };
    let answer = [&proof[..], &blob].concat();

    let mut message = Vec::with_capacity(512);
    message.extend_from_slice(SIGNATURE);
    message.extend_from_slice(&3u32.to_le_bytes());
    let mut payload = Vec::new();
    // The LM answer is zeros where there is a version 2 answer (3.1.5.1.2); the workstation is not told.
    for part in [&[0; 24][..], &answer, &utf16(domain), &utf16(user), &[], &encrypted] {
        put_field(&mut message, part, INTEGRITY_CODE.end + payload.len());
        payload.extend_from_slice(part);
    }
    message.extend_from_slice(&flags.to_le_bytes());
    message.extend_from_slice(&VERSION);
    message.extend_from_slice(&[0; 16]);
    message.extend_from_slice(&payload);
    if time.is_some() {
        let code = hmac(&key, &[negotiate, challenge, &message]).finalize().into_bytes();
        message[INTEGRITY_CODE].copy_from_slice(&code);
    }
    Ok((message, Session { key, flags }))
}

/// The server's facts, as the answer returns them.
struct Told {
    info: Vec<u8>,
    /// The server's time. Where it tells one, the answer has an integrity code (3.1.5.1.2).
    time: Option<u64>,
}

impl Told {
    fn read(mut theirs: &[u8], claim: &Claim<'_>) -> Result<Self, Flaw> {
        let flaw = |fault| Flaw { part: "the target information", fault, at: 40 };
        let (mut info, mut time) = (Vec::new(), None);
        while let Some((pair, rest)) = theirs.split_first_chunk::<4>() {
            let id = u16::from_le_bytes([pair[0], pair[1]]);
            let length = usize::from(u16::from_le_bytes([pair[2], pair[3]]));
            let (value, rest) = rest.split_at_checked(length).ok_or_else(|| flaw("has a fact longer than itself"))?;
            match id {
                av::END => break,
                av::FLAGS | av::TARGET_NAME | av::CHANNEL_BINDING => {}
                _ => put_pair(&mut info, id, value),
            }
            if id == av::TIME {
                let value = value.try_into().map_err(|_| flaw("has a time of not 8 bytes"))?;
                time = Some(u64::from_le_bytes(value));
            }
            theirs = rest;
        }
        if time.is_some() {
            put_pair(&mut info, av::FLAGS, &u32::from(av::HAS_INTEGRITY_CODE).to_le_bytes());
        }
        put_pair(&mut info, av::TARGET_NAME, &utf16(cut(claim.service)));
        put_pair(&mut info, av::CHANNEL_BINDING, &claim.channel_binding.unwrap_or_default());
        put_pair(&mut info, av::END, &[]);
        Ok(Self { info, time })
    }
}
