//! Time-based one-time passwords, RFC 6238: HMAC-SHA-1, six digits.

use data_encoding::BASE32_NOPAD;
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;

use super::Timestamp;

/// The key of a token, as its Base32 text says; `None` where it is no Base32. Blanks, hyphens, padding and letter
/// case do not matter.
#[must_use]
pub fn key(base32: &str) -> Option<Vec<u8>> {
    let text: String = base32.chars().filter(|it| !matches!(it, ' ' | '-' | '=')).collect();
    BASE32_NOPAD.decode(text.to_ascii_uppercase().as_bytes()).ok().filter(|it| !it.is_empty())
}

/// The number of whole intervals since 1970. An interval is in seconds; less than one counts as 30.
#[must_use]
pub fn step(at: Timestamp, interval: i32) -> u64 {
    let interval = u64::try_from(interval).ok().filter(|it| *it > 0).unwrap_or(30);
    at.unix().as_secs() / interval
}

/// The code of a step.
#[must_use]
pub fn code(key: &[u8], step: u64) -> String {
    let mut mac = Hmac::<Sha1>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(&step.to_be_bytes());
    let digest = mac.finalize().into_bytes();
    let offset = usize::from(digest[19] & 15);
    let word: [u8; 4] = digest[offset..offset + 4].try_into().expect("four bytes");
    format!("{:06}", (u32::from_be_bytes(word) & 0x7fff_ffff) % 1_000_000)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// RFC 6238, appendix B, of whose eight digits these are the last six.
    #[test]
    fn the_codes_are_those_of_the_rfc() {
        for (seconds, expected) in [(59, "287082"), (1_111_111_109, "081804"), (20_000_000_000, "353130")] {
            let step = step(Timestamp::from_unix(Duration::from_secs(seconds)), 30);
            assert_eq!(code(b"12345678901234567890", step), expected);
        }
    }

    #[test]
    fn a_key_is_read_however_it_is_grouped() {
        assert_eq!(key("gezd gnbv-gy3tqojqgezdgnbvgy3tqojq").as_deref(), Some(&b"12345678901234567890"[..]));
        assert_eq!(key("not base32!"), None);
        assert_eq!(key(""), None);
    }
}
