//! Randomness. A space draws one sequence from its seed and name: codes, request identifiers. What must not depend on
//! the order of calls is drawn by name.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use sha2::{Digest, Sha256};

#[derive(Clone, Debug)]
pub(super) struct Random(ChaCha8Rng);

impl Random {
    /// The sequence of the space that needs no name.
    pub(super) fn seeded(seed: u64) -> Self {
        Self(ChaCha8Rng::seed_from_u64(seed))
    }

    /// The sequence of any other space.
    pub(super) fn of_space(seed: u64, space: &str) -> Self {
        let [a, b, c, d] = drawn_by_name(seed, &["space", space], 0).map(u64::to_le_bytes);
        Self(ChaCha8Rng::from_seed([a, b, c, d].concat().try_into().expect("four times eight bytes")))
    }

    pub(super) fn draw(&mut self) -> u64 {
        self.0.next_u64()
    }
}

/// Four numbers that depend on the seed, some names and the how many-th time it is, and on nothing else: the SHA-256 of
/// them. Another algorithm would break what a seed repeats from version to version.
pub(super) fn drawn_by_name(seed: u64, names: &[&str], turn: u64) -> [u64; 4] {
    let mut hash = Sha256::new();
    hash.update(seed.to_le_bytes());
    for name in names {
        hash.update((name.len() as u64).to_le_bytes());
        hash.update(name);
    }
    hash.update(turn.to_le_bytes());
    let hash = hash.finalize();
    let (words, _) = hash.as_chunks::<8>();
    std::array::from_fn(|at| u64::from_le_bytes(words[at]))
}
