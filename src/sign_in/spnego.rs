//! SPNEGO, in which a client says what it can do and both agree on one mechanism (RFC 4178, MS-SPNG).

use super::der::{Der, put, tag};
use super::flaw::Flaw;

/// The longest list of mechanisms, in bytes. It is kept until the sign-in ends. Windows sends about 50.
const MAX_LIST: usize = 512;

const SPNEGO: &[u8] = &[0x2b, 6, 1, 5, 5, 2];

/// What a mechanism is called on the wire, and in a message.
const MECHANISMS: [(&[u8], Mechanism); 5] = [
    (&[0x2b, 6, 1, 4, 1, 0x82, 0x37, 2, 2, 0x0a], Mechanism::Ntlm),
    (&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x12, 1, 2, 2], Mechanism::Kerberos),
    // Windows 2000 cut a number short, and every Windows since names Kerberos so first.
    (&[0x2a, 0x86, 0x48, 0x82, 0xf7, 0x12, 1, 2, 2], Mechanism::Kerberos),
    (&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x12, 1, 2, 2, 3], Mechanism::Other("Kerberos user to user")),
    (&[0x2b, 6, 1, 4, 1, 0x82, 0x37, 2, 2, 0x1e], Mechanism::Other("NegoEx")),
];

/// A way to sign in, within Negotiate.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Mechanism {
    Ntlm,
    Kerberos,
    Other(&'static str),
}

impl Mechanism {
    fn of(oid: &[u8]) -> Self {
        MECHANISMS.iter().find(|(it, _)| *it == oid).map_or(Self::Other("an unknown mechanism"), |(_, it)| *it)
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Ntlm => "NTLM",
            Self::Kerberos => "Kerberos",
            Self::Other(name) => name,
        }
    }
}

/// What comes under Negotiate and is no bare NTLM message.
#[derive(Debug)]
pub(super) enum Token<'a> {
    /// The first: what the client can do, and a token for the mechanism that it prefers.
    Init { list: List, token: Option<&'a [u8]> },
    /// A later one: a token for the chosen mechanism, and the integrity code of the list.
    Response { token: Option<&'a [u8]>, integrity_code: Option<&'a [u8]> },
    /// Kerberos without SPNEGO around it.
    Kerberos,
}

impl<'a> Token<'a> {
    pub(super) fn read(token: &'a [u8]) -> Result<Self, Flaw> {
        let mut value = Der::new(token);
        if let Some(mut framed) = value.take_if(tag::application(0), "the token")? {
            value.end("the token")?;
            let oid = framed.take(tag::OID, "the name of the mechanism")?;
            if Mechanism::of(oid.bytes()) == Mechanism::Kerberos {
                return Ok(Self::Kerberos);
            }
            if oid.bytes() != SPNEGO {
                return Err(oid.flaw("the name of the mechanism", "is neither SPNEGO nor Kerberos"));
            }
            value = framed;
        }
        if let Some(init) = value.take_if(tag::context(0), "the first message")? {
            value.end("the first message")?;
            return Self::read_init(init);
        }
        if let Some(response) = value.take_if(tag::context(1), "the later message")? {
            value.end("the later message")?;
            return Self::read_response(response);
        }
        Err(value.flaw("the token", "is neither NTLM nor SPNEGO nor Kerberos"))
    }

    fn read_init(mut init: Der<'a>) -> Result<Self, Flaw> {
        let mut parts = init.take(tag::SEQUENCE, "the first message")?;
        let list = List::read(parts.take(tag::context(0), "the list of mechanisms")?)?;
        parts.take_if(tag::context(1), "the flags")?;
        // What may follow, hints or an integrity code, means nothing from a client at this point.
        Ok(Self::Init { list, token: octets(&mut parts, 2, "the mechanism's token")? })
    }

    fn read_response(mut response: Der<'a>) -> Result<Self, Flaw> {
        let mut parts = response.take(tag::SEQUENCE, "the later message")?;
        parts.take_if(tag::context(0), "the state")?;
        parts.take_if(tag::context(1), "the chosen mechanism")?;
        let token = octets(&mut parts, 2, "the mechanism's token")?;
        let integrity_code = octets(&mut parts, 3, "the integrity code")?;
        Ok(Self::Response { token, integrity_code })
    }
}

/// Bytes under a context tag, where they are present.
fn octets<'a>(parts: &mut Der<'a>, number: u8, part: &'static str) -> Result<Option<&'a [u8]>, Flaw> {
    let Some(mut value) = parts.take_if(tag::context(number), part)? else { return Ok(None) };
    value.take(tag::OCTETS, part).map(|it| Some(it.bytes()))
}

/// The mechanisms that a client can do, the preferred one first.
#[derive(Debug)]
pub(super) struct List {
    mechanisms: Vec<Mechanism>,
    /// The list as it came, which is what its integrity code is over.
    pub(super) bytes: Vec<u8>,
}

impl List {
    fn read(mut value: Der<'_>) -> Result<Self, Flaw> {
        let part = "the list of mechanisms";
        let whole = value;
        if whole.bytes().len() > MAX_LIST {
            return Err(whole.flaw(part, "is longer than 512 bytes"));
        }
        let mut oids = value.take(tag::SEQUENCE, part)?;
        value.end(part)?;
        let mut mechanisms = Vec::new();
        while !oids.is_empty() {
            mechanisms.push(Mechanism::of(oids.take(tag::OID, "the name of a mechanism")?.bytes()));
        }
        Ok(Self { mechanisms, bytes: whole.bytes().into() })
    }

    pub(super) fn preferred(&self) -> Option<Mechanism> {
        self.mechanisms.first().copied()
    }

    pub(super) fn has(&self, mechanism: Mechanism) -> bool {
        self.mechanisms.contains(&mechanism)
    }

    /// The mechanisms in words.
    pub(super) fn names(&self) -> String {
        let mut names: Vec<_> = self.mechanisms.iter().map(|it| it.name()).collect();
        names.dedup();
        if names.is_empty() { "no mechanism".into() } else { names.join(", ") }
    }
}

/// Where the negotiation stands, by its number on the wire.
#[derive(Clone, Copy, Debug)]
pub(super) enum Progress {
    Completed = 0,
    Incomplete = 1,
    /// NTLM is chosen over what the client prefers, so that both must prove that they saw the same list.
    IncompleteWithIntegrityCode = 3,
}

/// The list of a client that can do NTLM alone: what its integrity code is over.
pub(super) fn ntlm_alone() -> Vec<u8> {
    put(tag::SEQUENCE, &put(tag::OID, MECHANISMS[0].0))
}

/// The first message of a client, with the first of NTLM in it.
pub(super) fn init(list: &[u8], token: &[u8]) -> Vec<u8> {
    let mut parts = put(tag::context(0), list);
    parts.extend(put(tag::context(2), &put(tag::OCTETS, token)));
    let mut framed = put(tag::OID, SPNEGO);
    framed.extend(put(tag::context(0), &put(tag::SEQUENCE, &parts)));
    put(tag::application(0), &framed)
}

/// An answer of either side. It names NTLM where this is the answer that chooses it.
pub(super) fn response(
    progress: Progress,
    chooses_ntlm: bool,
    token: Option<&[u8]>,
    integrity_code: Option<&[u8; 16]>,
) -> Vec<u8> {
    let octets = |number, bytes: &[u8]| put(tag::context(number), &put(tag::OCTETS, bytes));
    let mut parts = put(tag::context(0), &put(tag::ENUMERATED, &[progress as u8]));
    if chooses_ntlm {
        parts.extend(put(tag::context(1), &put(tag::OID, MECHANISMS[0].0)));
    }
    parts.extend(token.map(|it| octets(2, it)).unwrap_or_default());
    parts.extend(integrity_code.map(|it| octets(3, it)).unwrap_or_default());
    put(tag::context(1), &put(tag::SEQUENCE, &parts))
}
