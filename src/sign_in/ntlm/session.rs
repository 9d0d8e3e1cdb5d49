//! What both sides share after a sign-in, and the MIC that either makes with it (MS-NLMP 3.4.4).

use std::fmt;

use hmac::Mac;
use md5::{Digest, Md5};

use super::{flag, hmac, rc4};

/// What both sides share after a sign-in.
pub(in crate::sign_in) struct Session {
    pub(super) key: [u8; 16],
    /// The flags that the challenge granted.
    pub(super) flags: u32,
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").finish_non_exhaustive()
    }
}

/// Who signs.
#[derive(Clone, Copy, Debug)]
pub(in crate::sign_in) enum Side {
    Client,
    Server,
}

impl Session {
    /// The signature of the first text that a side signs (3.4.4.2). `None` where the session has no extended
    /// security: its older signature is not implemented.
    pub(in crate::sign_in) fn sign(&self, side: Side, text: &[u8]) -> Option<[u8; 16]> {
        if self.flags & flag::EXTENDED_SECURITY == 0 {
            return None;
        }
        let (signing, sealing): (&[u8], &[u8]) = match side {
            Side::Client => (
                b"session key to client-to-server signing key magic constant\0",
                b"session key to client-to-server sealing key magic constant\0",
            ),
            Side::Server => (
                b"session key to server-to-client signing key magic constant\0",
                b"session key to server-to-client sealing key magic constant\0",
            ),
        };
        let key = Md5::new().chain_update(self.key).chain_update(signing).finalize();
        let sequence = [0; 4];
        let digest = hmac(&key, &[&sequence, text]).finalize().into_bytes();
        let mut checksum: [u8; 8] = *digest.first_chunk().expect("MD5 has 16 bytes");
        if self.flags & flag::KEY_EXCHANGE != 0 {
            let strength = match self.flags {
                it if it & flag::KEY_128 != 0 => 16,
                it if it & flag::KEY_56 != 0 => 7,
                _ => 5,
            };
            let key = Md5::new().chain_update(&self.key[..strength]).chain_update(sealing).finalize();
            checksum = rc4(&key, checksum);
        }
        let mut signature = [0; 16];
        signature[0] = 1;
        signature[4..12].copy_from_slice(&checksum);
        Some(signature)
    }
}
