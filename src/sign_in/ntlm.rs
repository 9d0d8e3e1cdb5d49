//! NTLM: the three messages, and, for an acceptor, whether the third proves a password (MS-NLMP). What an initiator
//! makes of them is in [`initiator`].
//!
//! Everything is read and bounded before anything is computed. Section numbers are those of MS-NLMP.

pub(super) mod initiator;
mod session;

use std::time::Duration;

use des::Des;
use des::cipher::BlockCipherEncrypt;
use hmac::{Hmac, KeyInit, Mac};
use md4::Md4;
use md5::{Digest, Md5};
use rc4::{Rc4, StreamCipher};
use subtle::ConstantTimeEq;

pub(super) use self::session::{Session, Side};
use super::Names;
use super::flaw::Flaw;
use crate::contract::Secret;

const SIGNATURE: &[u8; 8] = b"NTLMSSP\0";

/// The longest first message, in bytes. It is kept until the third comes. Real ones have 32 to about 80.
const MAX_NEGOTIATE: usize = 1024;

/// The longest name that a message may carry, in bytes. Windows allows 256 characters.
const MAX_NAME: usize = 512;

/// Where the integrity code of the third message stands, and where its payload may begin (2.2.1.3).
const INTEGRITY_CODE: std::ops::Range<usize> = 72..88;

/// The flags that the two sides agree on (2.2.2.5).
mod flag {
    pub(super) const UNICODE: u32 = 0x1;
    pub(super) const OEM: u32 = 0x2;
    pub(super) const REQUEST_TARGET: u32 = 0x4;
    pub(super) const SIGN: u32 = 0x10;
    pub(super) const SEAL: u32 = 0x20;
    pub(super) const NTLM: u32 = 0x200;
    pub(super) const DOMAIN_SUPPLIED: u32 = 0x1000;
    pub(super) const WORKSTATION_SUPPLIED: u32 = 0x2000;
    pub(super) const ALWAYS_SIGN: u32 = 0x8000;
    pub(super) const TARGET_IS_DOMAIN: u32 = 0x1_0000;
    pub(super) const EXTENDED_SECURITY: u32 = 0x8_0000;
    pub(super) const TARGET_INFO: u32 = 0x80_0000;
    pub(super) const VERSION: u32 = 0x200_0000;
    pub(super) const KEY_128: u32 = 0x2000_0000;
    pub(super) const KEY_EXCHANGE: u32 = 0x4000_0000;
    pub(super) const KEY_56: u32 = 0x8000_0000;

    /// What the server grants when the client asks for it.
    pub(super) const GRANTED: u32 = SIGN | SEAL | ALWAYS_SIGN | EXTENDED_SECURITY | KEY_128 | KEY_EXCHANGE | KEY_56;
}

/// The facts that travel in the target information of a challenge, and come back in the answer (2.2.2.1).
mod av {
    pub(super) const END: u16 = 0;
    pub(super) const COMPUTER: u16 = 1;
    pub(super) const DOMAIN: u16 = 2;
    pub(super) const DNS_COMPUTER: u16 = 3;
    pub(super) const DNS_DOMAIN: u16 = 4;
    pub(super) const DNS_FOREST: u16 = 5;
    pub(super) const FLAGS: u16 = 6;
    pub(super) const TIME: u16 = 7;
    pub(super) const TARGET_NAME: u16 = 9;
    pub(super) const CHANNEL_BINDING: u16 = 10;

    /// In the value of `FLAGS`: the message has an integrity code.
    pub(super) const HAS_INTEGRITY_CODE: u8 = 2;
}

/// One of the three messages, told by its type.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Kind {
    Negotiate,
    Challenge,
    Authenticate,
}

impl Kind {
    pub(super) const fn words(self) -> &'static str {
        match self {
            Self::Negotiate => "The first NTLM message",
            Self::Challenge => "A server's NTLM message",
            Self::Authenticate => "The last NTLM message",
        }
    }
}

/// Whether a token is an NTLM message rather than something that may hold one.
pub(super) fn is_message(token: &[u8]) -> bool {
    token.starts_with(SIGNATURE)
}

/// Which message a token is.
pub(super) fn kind(token: &[u8]) -> Result<Kind, Flaw> {
    if !is_message(token) {
        return Err(Flaw { part: "the signature", fault: "is not that of NTLM", at: 0 });
    }
    match u32_at(token, 8, "the message type")? {
        1 => Ok(Kind::Negotiate),
        2 => Ok(Kind::Challenge),
        3 => Ok(Kind::Authenticate),
        _ => Err(Flaw { part: "the message type", fault: "is none of 1 to 3", at: 8 }),
    }
}

/// The second message, and what is needed to judge the third.
#[derive(Debug)]
pub(super) struct Challenge {
    /// The first message, over which the integrity code goes too.
    negotiate: Vec<u8>,
    message: Vec<u8>,
    nonce: [u8; 8],
    /// The flags that the message grants. They hold for the third message, whatever that repeats: wget asks for OEM,
    /// is granted OEM, and sends OEM under a fixed flag for Unicode.
    flags: u32,
    /// The time that the message carries, as a `FILETIME`.
    time: u64,
}

impl Challenge {
    /// Answers the first message of a client.
    pub(super) fn answer(negotiate: &[u8], names: &Names, nonce: [u8; 8], now: Duration) -> Result<Self, Flaw> {
        if negotiate.len() > MAX_NEGOTIATE {
            return Err(Flaw { part: "the message", fault: "is longer than 1024 bytes", at: MAX_NEGOTIATE });
        }
        let asked = u32_at(negotiate, 12, "the flag word")?;
        if asked & flag::DOMAIN_SUPPLIED != 0 {
            field(negotiate, 16, "the domain")?;
        }
        if asked & flag::WORKSTATION_SUPPLIED != 0 {
            field(negotiate, 24, "the workstation")?;
        }
        let (charset, target) = if asked & flag::UNICODE != 0 {
            (flag::UNICODE, utf16(cut(&names.domain)))
        } else if asked & flag::OEM != 0 {
            (flag::OEM, oem(cut(&names.domain)))
        } else {
            return Err(Flaw { part: "the flag word", fault: "says neither Unicode nor OEM", at: 12 });
        };
        let flags = charset
            | asked & flag::GRANTED
            | flag::REQUEST_TARGET
            | flag::NTLM
            | flag::TARGET_IS_DOMAIN
            | flag::TARGET_INFO
            | flag::VERSION;

        let mut info = Vec::new();
        for (id, name) in [
            (av::DOMAIN, &names.domain),
            (av::COMPUTER, &names.computer),
            (av::DNS_DOMAIN, &names.dns_domain),
            (av::DNS_COMPUTER, &names.dns_computer),
            (av::DNS_FOREST, &names.dns_domain),
        ] {
            if !name.is_empty() {
                put_pair(&mut info, id, &utf16(cut(name)));
            }
        }
        let time = filetime(now);
        put_pair(&mut info, av::TIME, &time.to_le_bytes());
        put_pair(&mut info, av::END, &[]);

        let payload = 56;
        let mut message = Vec::with_capacity(payload + target.len() + info.len());
        message.extend_from_slice(SIGNATURE);
        message.extend_from_slice(&2u32.to_le_bytes());
        put_field(&mut message, &target, payload);
        message.extend_from_slice(&flags.to_le_bytes());
        message.extend_from_slice(&nonce);
        message.extend_from_slice(&[0; 8]);
        put_field(&mut message, &info, payload + target.len());
        message.extend_from_slice(&[10, 0, 0x63, 0x45, 0, 0, 0, 15]); // Windows Server 2019: 10.0.17763, NTLM revision 15
        message.extend_from_slice(&target);
        message.extend_from_slice(&info);
        Ok(Self { negotiate: negotiate.into(), message, nonce, flags, time })
    }

    /// The flags that hold for the third message.
    pub(super) const fn flags(&self) -> u32 {
        self.flags
    }

    /// Whether the third message answers another challenge than this one: clients send back the time of theirs.
    pub(super) fn is_not_meant_by(&self, answer: &Authenticate<'_>) -> bool {
        matches!(answer.response, Response::V2 { returned_time: Some(time), .. } if time != self.time)
    }

    /// The second message.
    pub(super) fn message(&self) -> &[u8] {
        &self.message
    }

    /// Whether the third message proves a password, and no message was changed on the way.
    pub(super) fn verify(&self, answer: &Authenticate<'_>, password: &Secret) -> Result<Session, Mismatch> {
        let nt_hash = Md4::digest(utf16(password.reveal()));
        let key = match &answer.response {
            Response::Anonymous => return Err(Mismatch::Password),
            Response::V1 { proof, client_nonce: None } => {
                check(des_long(&nt_hash, &self.nonce).ct_eq(*proof))?;
                Md4::digest(nt_hash).into()
            }
            Response::V1 { proof, client_nonce: Some(client_nonce) } => {
                let mixed = Md5::new().chain_update(self.nonce).chain_update(client_nonce).finalize();
                let mixed = *mixed.first_chunk().expect("MD5 has 16 bytes");
                check(des_long(&nt_hash, &mixed).ct_eq(*proof))?;
                hmac(&Md4::digest(nt_hash), &[&self.nonce, *client_nonce]).finalize().into_bytes().into()
            }
            Response::V2 { proof, blob, .. } => {
                let user: String = answer.user.chars().map(upper_case).collect();
                let key = hmac(&nt_hash, &[&utf16(&user), &utf16(&answer.domain)]).finalize().into_bytes();
                hmac(&key, &[&self.nonce, blob]).verify_slice(*proof).map_err(|_| Mismatch::Password)?;
                hmac(&key, &[*proof]).finalize().into_bytes().into()
            }
        };
        let session = Session { key: answer.exported_key(key), flags: self.flags };
        if let Response::V2 { has_integrity_code: true, .. } = answer.response {
            let message = answer.message;
            let (before, after) = (&message[..INTEGRITY_CODE.start], &message[INTEGRITY_CODE.end..]);
            hmac(&session.key, &[&self.negotiate, &self.message, before, &[0; 16], after])
                .verify_slice(&message[INTEGRITY_CODE])
                .map_err(|_| Mismatch::IntegrityCode)?;
        }
        Ok(session)
    }
}

/// How a third message fails.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Mismatch {
    Password,
    IntegrityCode,
}

fn check(equal: subtle::Choice) -> Result<(), Mismatch> {
    if equal.into() { Ok(()) } else { Err(Mismatch::Password) }
}

/// The third message.
pub(super) struct Authenticate<'a> {
    message: &'a [u8],
    pub(super) domain: String,
    pub(super) user: String,
    pub(super) response: Response<'a>,
    /// The key of the session, encrypted; `None` where the proof's own key is used.
    encrypted_key: Option<&'a [u8; 16]>,
}

/// The proof in a third message, by its kind.
pub(super) enum Response<'a> {
    /// There is none: the client is anonymous (3.2.5.1.2).
    Anonymous,
    /// Version 1. With a nonce of the client's it has session security, also called NTLM2.
    V1 { proof: &'a [u8; 24], client_nonce: Option<&'a [u8; 8]> },
    /// Version 2.
    V2 {
        proof: &'a [u8; 16],
        /// What the proof is over, beside our nonce.
        blob: &'a [u8],
        /// The client's time, since 1970. Most clients send back the time of our challenge.
        time: Duration,
        /// The time of the challenge, as the client sends it back.
        returned_time: Option<u64>,
        has_integrity_code: bool,
        /// The hash of the channel that the client sees. Clients that know of binding and see no channel send
        /// zeros, which count as none.
        channel_binding: Option<&'a [u8; 16]>,
    },
}

impl<'a> Authenticate<'a> {
    /// Reads it under the flags that the challenge granted.
    pub(super) fn read(message: &'a [u8], flags: u32) -> Result<Self, Flaw> {
        u32_at(message, 60, "the flag word")?;
        let name = |at, part| {
            let bytes = field(message, at, part)?;
            let flaw = |fault| Flaw { part, fault, at };
            if bytes.len() > MAX_NAME {
                return Err(flaw("is longer than 512 bytes"));
            }
            let text = if flags & flag::UNICODE != 0 {
                from_utf16(bytes).ok_or_else(|| flaw("is not UTF-16"))?
            } else {
                // The client's code page is not known. Clients that speak OEM today widen each byte.
                bytes.iter().map(|byte| char::from(*byte)).collect()
            };
            if text.chars().any(char::is_control) { Err(flaw("has control characters")) } else { Ok(text) }
        };
        let domain = name(28, "the domain")?;
        let user = name(36, "the user name")?;
        field(message, 44, "the workstation")?;
        let lm = field(message, 12, "the LM answer")?;
        let nt = field(message, 20, "the NT answer")?;
        let key = field(message, 52, "the session key")?;

        let encrypted_key = match key {
            // Not only a few clients set the flag and send no key, since nothing will be signed.
            [] => None,
            _ if flags & flag::KEY_EXCHANGE == 0 => None,
            _ => {
                Some(key.try_into().map_err(|_| Flaw { part: "the session key", fault: "has not 16 bytes", at: 52 })?)
            }
        };
        let response = match nt {
            [] if user.is_empty() => Response::Anonymous,
            [] => return Err(Flaw { part: "the NT answer", fault: "is missing", at: 20 }),
            _ => match <&[u8; 24]>::try_from(nt) {
                Ok(proof) => {
                    let client_nonce = match lm.split_first_chunk() {
                        Some((nonce, [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]))
                            if flags & flag::EXTENDED_SECURITY != 0 =>
                        {
                            Some(nonce)
                        }
                        _ => None,
                    };
                    Response::V1 { proof, client_nonce }
                }
                Err(_) => Self::read_v2(message, nt)?,
            },
        };
        Ok(Self { message, domain, user, response, encrypted_key })
    }

    /// Reads a version 2 answer (2.2.2.7): the proof, then 28 bytes with the time among them, then facts.
    fn read_v2(message: &[u8], nt: &'a [u8]) -> Result<Response<'a>, Flaw> {
        let flaw = |fault| Flaw { part: "the NT answer", fault, at: 20 };
        let (proof, blob) = nt.split_first_chunk().ok_or_else(|| flaw("is too short"))?;
        let (head, mut facts) = blob.split_at_checked(28).ok_or_else(|| flaw("is too short"))?;
        if head[..2] != [1, 1] {
            return Err(flaw("is of no known version"));
        }
        let time = u64::from_le_bytes(*head[8..].first_chunk().expect("28 bytes hold a time"));

        let mut has_integrity_code = false;
        let mut channel_binding = None;
        let mut returned_time = None;
        while let Some((pair, rest)) = facts.split_first_chunk::<4>() {
            let id = u16::from_le_bytes([pair[0], pair[1]]);
            let length = usize::from(u16::from_le_bytes([pair[2], pair[3]]));
            let (value, rest) = rest.split_at_checked(length).ok_or_else(|| flaw("has a fact longer than itself"))?;
            match id {
                av::END => break,
                av::FLAGS => has_integrity_code = value.first().is_some_and(|it| it & av::HAS_INTEGRITY_CODE != 0),
                av::TIME => returned_time = value.try_into().ok().map(u64::from_le_bytes),
                av::CHANNEL_BINDING => {
                    let hash: &[u8; 16] =
                        value.try_into().map_err(|_| flaw("has a channel binding of not 16 bytes"))?;
                    channel_binding = Some(hash).filter(|it| **it != [0; 16]);
                }
                _ => {}
            }
            facts = rest;
        }
        if has_integrity_code && message.len() < INTEGRITY_CODE.end {
            return Err(Flaw {
                part: "the integrity code",
                fault: "lies outside the message",
                at: INTEGRITY_CODE.start,
            });
        }
        let time = from_filetime(time);
        Ok(Response::V2 { proof, blob, time, returned_time, has_integrity_code, channel_binding })
    }

    /// The key that signs: the one that the client chose, or the proof's.
    fn exported_key(&self, key_exchange_key: [u8; 16]) -> [u8; 16] {
        self.encrypted_key.map_or(key_exchange_key, |it| rc4(&key_exchange_key, *it))
    }
}

/// The hash that stands for a TLS connection: of a `gss_channel_bindings_struct` (RFC 2744, 3.11) without
/// addresses that holds `tls-server-end-point` (RFC 5929) and the hash of the server's certificate.
pub(super) fn channel_binding(certificate_hash: &[u8]) -> [u8; 16] {
    let prefix = b"tls-server-end-point:";
    let length = u32::try_from(prefix.len() + certificate_hash.len()).unwrap_or(u32::MAX);
    Md5::new()
        .chain_update([0; 16])
        .chain_update(length.to_le_bytes())
        .chain_update(prefix)
        .chain_update(certificate_hash)
        .finalize()
        .into()
}

fn u32_at(message: &[u8], at: usize, part: &'static str) -> Result<u32, Flaw> {
    let bytes = message.get(at..).and_then(<[u8]>::first_chunk);
    bytes.map(|it| u32::from_le_bytes(*it)).ok_or(Flaw { part, fault: "lies outside the message", at })
}

/// A part of the payload, by the length and the offset that stand at `at`.
fn field<'a>(message: &'a [u8], at: usize, part: &'static str) -> Result<&'a [u8], Flaw> {
    let length = u32_at(message, at, part)? as usize & 0xffff;
    let offset = u32_at(message, at + 4, part)? as usize;
    if length == 0 {
        return Ok(&[]);
    }
    offset.checked_add(length).and_then(|end| message.get(offset..end)).ok_or(Flaw {
        part,
        fault: "lies outside the message",
        at,
    })
}

fn put_field(message: &mut Vec<u8>, value: &[u8], offset: usize) {
    let length = u16::try_from(value.len()).expect("parts are cut or bounded").to_le_bytes();
    message.extend_from_slice(&length);
    message.extend_from_slice(&length);
    message.extend_from_slice(&u32::try_from(offset).expect("parts are cut or bounded").to_le_bytes());
}

fn put_pair(info: &mut Vec<u8>, id: u16, value: &[u8]) {
    info.extend_from_slice(&id.to_le_bytes());
    info.extend_from_slice(&u16::try_from(value.len()).expect("parts are cut or bounded").to_le_bytes());
    info.extend_from_slice(value);
}

/// A name of ours, no longer than a name in the DNS can be.
fn cut(name: &str) -> &str {
    &name[..name.floor_char_boundary(255)]
}

fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

fn from_utf16(bytes: &[u8]) -> Option<String> {
    let (pairs, []) = bytes.as_chunks() else { return None };
    String::from_utf16(&pairs.iter().map(|pair| u16::from_le_bytes(*pair)).collect::<Vec<_>>()).ok()
}

/// ASCII, in upper case as a NetBIOS name has it.
fn oem(text: &str) -> Vec<u8> {
    text.chars().map(|c| u8::try_from(c).ok().filter(u8::is_ascii).map_or(b'?', |it| it.to_ascii_uppercase())).collect()
}

/// Upper case as Windows has it: one character for one.
fn upper_case(c: char) -> char {
    let mut upper = c.to_uppercase();
    match (upper.next(), upper.next()) {
        (Some(upper), None) => upper,
        _ => c,
    }
}

/// Seconds from 1601, where a `FILETIME` begins, to 1970.
const FILETIME_EPOCH: Duration = Duration::from_secs(11_644_473_600);

/// A time since 1970 as 100 ns since 1601.
fn filetime(since_1970: Duration) -> u64 {
    u64::try_from((since_1970.saturating_add(FILETIME_EPOCH)).as_nanos() / 100).unwrap_or(u64::MAX)
}

/// 100 ns since 1601 as a time since 1970; zero for what is earlier.
fn from_filetime(time: u64) -> Duration {
    (Duration::from_micros(time / 10) + Duration::from_nanos(time % 10 * 100)).saturating_sub(FILETIME_EPOCH)
}

fn hmac(key: &[u8], parts: &[&[u8]]) -> Hmac<Md5> {
    let mut mac = Hmac::<Md5>::new_from_slice(key).expect("HMAC takes keys of any length");
    for part in parts {
        mac.update(part);
    }
    mac
}

fn rc4<const N: usize>(key: &[u8], mut bytes: [u8; N]) -> [u8; N] {
    Rc4::new_from_slice(key).expect("RC4 takes keys of 1 to 256 bytes").apply_keystream(&mut bytes);
    bytes
}

/// Encrypts 8 bytes three times with DES, by the thirds of a hash filled up with zeros (6: `DESL`).
fn des_long(hash: &[u8], block: &[u8; 8]) -> [u8; 24] {
    let mut keys = [0; 21];
    keys[..16].copy_from_slice(&hash[..16]);
    let mut out = [0; 24];
    for (key, out) in keys.as_chunks::<7>().0.iter().zip(out.as_chunks_mut::<8>().0) {
        // 56 bits, seven to a byte, above the parity bit, which is ignored.
        let bits = key.iter().fold(0, |bits, byte| bits << 8 | u64::from(*byte));
        let key: [u8; 8] = std::array::from_fn(|at| (bits >> (49 - 7 * at) << 1) as u8);
        *out = *block;
        Des::new(&key.into()).encrypt_block(out.into());
    }
    out
}

/// The examples of MS-NLMP 4.2.
#[cfg(test)]
mod tests {
    use super::*;

    const NONCE: [u8; 8] = [0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef];
    const CLIENT_NONCE: [u8; 8] = [0xaa; 8];

    fn session_key(response: Response<'_>, encrypted_key: Option<&[u8; 16]>) -> Result<String, Mismatch> {
        let challenge = Challenge { negotiate: vec![], message: vec![], nonce: NONCE, flags: 0, time: 0 };
        let [domain, user] = ["Domain", "User"].map(str::to_owned);
        let answer = Authenticate { message: &[], domain, user, response, encrypted_key };
        challenge.verify(&answer, &"Password".into()).map(|it| data_encoding::HEXLOWER.encode(&it.key))
    }

    fn hex<const N: usize>(text: &str) -> [u8; N] {
        data_encoding::HEXLOWER.decode(text.as_bytes()).unwrap().try_into().unwrap()
    }

    #[test]
    fn version_1_is_that_of_the_examples() {
        let proof = &hex("67c43011f30298a2ad35ece64f16331c44bdbed927841f94");
        let key = session_key(Response::V1 { proof, client_nonce: None }, None);
        assert_eq!(key.as_deref(), Ok("d87262b0cde4b1cb7499becccdf10784"));

        let proof = &hex("7537f803ae367128ca458204bde7caf81e97ed2683267232");
        let key = session_key(Response::V1 { proof, client_nonce: Some(&CLIENT_NONCE) }, None);
        assert_eq!(key.as_deref(), Ok("eb93429a8bd952f8b89c55b87f475edc"));
        assert_eq!(session_key(Response::V1 { proof, client_nonce: None }, None), Err(Mismatch::Password));
    }

    #[test]
    fn version_2_is_that_of_the_examples() {
        let mut blob = vec![1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        blob.extend(CLIENT_NONCE);
        blob.extend([0; 4]);
        put_pair(&mut blob, av::DOMAIN, &utf16("Domain"));
        put_pair(&mut blob, av::COMPUTER, &utf16("Server"));
        blob.extend([0; 8]);
        let sign_in = |proof, encrypted_key| {
            let (blob, time) = (&blob, Duration::ZERO);
            session_key(
                Response::V2 {
                    proof,
                    blob,
                    time,
                    returned_time: None,
                    has_integrity_code: false,
                    channel_binding: None,
                },
                encrypted_key,
            )
        };
        let proof = &hex("68cd0ab851e51c96aabc927bebef6a1c");
        assert_eq!(sign_in(proof, None).as_deref(), Ok("8de40ccadbc14a82f15cb0ad0de95ca3"));
        let encrypted_key = &hex("c5dad2544fc9799094ce1ce90bc9d03e");
        assert_eq!(sign_in(proof, Some(encrypted_key)).as_deref(), Ok("55555555555555555555555555555555"));
        assert_eq!(sign_in(&[0; 16], None), Err(Mismatch::Password));
    }

    #[test]
    fn times_survive_their_way_through_windows() {
        for time in [Duration::ZERO, Duration::from_nanos(1_795_521_600_123_456_700)] {
            assert_eq!(from_filetime(filetime(time)), time);
        }
        assert_eq!(from_filetime(0), Duration::ZERO);
        assert_eq!(filetime(Duration::MAX), u64::MAX);
    }
}
