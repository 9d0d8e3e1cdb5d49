//! The identifier of a challenge. It stands beside the folders, because the journal names it too.

/// Ascends with each challenge of an engine.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct ChallengeId(pub u64);
