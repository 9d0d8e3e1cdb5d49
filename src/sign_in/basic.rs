//! Basic: a name and a password, bare (RFC 7617).

use subtle::ConstantTimeEq;

use super::flaw::Flaw;
use crate::contract::Secret;

/// The longest user name, in bytes.
const MAX_NAME: usize = 512;

/// What the client sent.
pub(super) struct Credentials {
    /// `DOMAIN\user`, `user@domain` or `user`.
    pub(super) user: String,
    password: Secret,
}

impl Credentials {
    /// Reads the token of the header, once it is out of its Base64. Windows clients send Latin-1 or their code page,
    /// others UTF-8, and none says which: what is UTF-8 is read so.
    pub(super) fn read(token: Vec<u8>) -> Result<Self, Flaw> {
        let text = String::from_utf8(token)
            .unwrap_or_else(|error| error.as_bytes().iter().map(|byte| char::from(*byte)).collect());
        let flaw = |part, fault| Flaw { part, fault, at: 0 };
        let (user, password) =
            text.split_once(':').ok_or_else(|| flaw("the text", "has no colon between name and password"))?;
        if user.len() > MAX_NAME || user.contains(char::is_control) {
            return Err(flaw("the user name", "is longer than 512 bytes or has control characters"));
        }
        Ok(Self { user: user.into(), password: password.into() })
    }

    /// Whether the password is that one, in a time that says only whether their lengths differ.
    pub(super) fn has(&self, password: &Secret) -> bool {
        self.password.reveal().as_bytes().ct_eq(password.reveal().as_bytes()).into()
    }
}
