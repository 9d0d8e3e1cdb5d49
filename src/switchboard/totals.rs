//! What is counted over all spaces of a server.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// What is counted in all spaces of a server, in all epochs.
#[derive(Debug, Default)]
pub(super) struct Totals {
    /// Calls that have ended.
    pub(super) calls: AtomicU64,
    /// Calls and sign-ins that each incident has changed.
    incident_hits: Mutex<BTreeMap<Arc<str>, Arc<AtomicU64>>>,
}

impl Totals {
    pub(super) fn incident_hits(&self) -> BTreeMap<Arc<str>, u64> {
        let hits = self.incident_hits.lock().unwrap_or_else(PoisonError::into_inner);
        hits.iter().map(|(name, hits)| (name.clone(), hits.load(Ordering::Relaxed))).collect()
    }

    pub(super) fn hits_of(&self, incident: &Arc<str>) -> Arc<AtomicU64> {
        let mut hits = self.incident_hits.lock().unwrap_or_else(PoisonError::into_inner);
        hits.entry(incident.clone()).or_default().clone()
    }

    pub(super) fn count_hit(&self, incident: &Arc<str>) {
        self.hits_of(incident).fetch_add(1, Ordering::Relaxed);
    }
}
