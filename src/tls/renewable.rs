//! Certificates that are replaced while the server runs.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use time::{Duration, OffsetDateTime};
use tokio::sync::watch;
use tokio::time::Instant;

use super::acceptor::Acceptor;
use super::certificate::Summary;
use super::certificates::Certificates;
use super::error::TlsError;
use super::fault::TlsFault;

/// What new connections get: certificates, and the acceptor that offers them. Connections that are open keep what they
/// have.
#[derive(Debug)]
pub struct Renewable {
    /// Whether clients are asked for their certificates, and the files of the authorities that vouch for them.
    clients: Option<Vec<PathBuf>>,
    now: RwLock<Arc<Served>>,
    fault: watch::Sender<Option<Arc<Faulty>>>,
    /// How many connections met each fault, in the order of [`TlsFault::ALL`].
    hits: [AtomicU64; TlsFault::ALL.len()],
}

/// Certificates, and the acceptor that offers them.
#[derive(Debug)]
pub struct Served {
    pub certificates: Arc<Certificates>,
    pub acceptor: Acceptor,
    /// The authorities of client certificates that stand in files.
    authorities: Vec<Summary>,
}

/// A fault of TLS that is on.
#[derive(Clone, Debug)]
pub struct Faulty {
    pub fault: TlsFault,
    /// Who switched it on.
    pub by: Arc<str>,
    /// The incident that switched it on.
    pub incident: Option<Arc<str>>,
    /// When it began, in the world's time.
    pub since: OffsetDateTime,
    /// When it ends by itself, in the world's time.
    pub until: OffsetDateTime,
    /// The same moment for timers.
    pub deadline: Instant,
    /// Counts the connections that failed by it.
    pub hits: Arc<AtomicU64>,
    /// What the counter was when the fault began.
    pub hits_before: u64,
    /// What is shown in place of the server's own certificates. `None`: the fault shows none.
    pub served: Option<Arc<Served>>,
}

impl Faulty {
    /// How many connections have failed by it.
    #[must_use]
    pub fn hits(&self) -> u64 {
        self.hits.load(Ordering::Relaxed) - self.hits_before
    }
}

impl Renewable {
    /// `clients` are the files of the authorities whose client certificates are trusted; empty is the development
    /// authority. `None`: clients are not asked for certificates.
    ///
    /// # Errors
    /// A file cannot be read, or there is no authority that could vouch for clients.
    pub fn new(certificates: Arc<Certificates>, clients: Option<Vec<PathBuf>>) -> Result<Self, TlsError> {
        let served = Served::of(certificates, clients.as_deref())?;
        Ok(Self {
            clients,
            now: RwLock::new(Arc::new(served)),
            fault: watch::Sender::default(),
            hits: Default::default(),
        })
    }

    /// What a new connection gets.
    #[must_use]
    pub fn now(&self) -> Arc<Served> {
        self.now.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Replaces the certificates, and reads the authorities of clients again.
    ///
    /// # Errors
    /// An authority cannot be read. Nothing is replaced.
    pub fn replace(&self, certificates: Arc<Certificates>) -> Result<(), TlsError> {
        let served = Served::of(certificates, self.clients.as_deref())?;
        *self.now.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(served);
        Ok(())
    }

    /// The fault that new connections meet, if one is on.
    #[must_use]
    pub fn fault(&self) -> Option<Arc<Faulty>> {
        self.fault.borrow().clone().filter(|it| Instant::now() < it.deadline)
    }

    /// The fault as it changes.
    #[must_use]
    pub fn watch_fault(&self) -> watch::Receiver<Option<Arc<Faulty>>> {
        self.fault.subscribe()
    }

    /// Replaces the fault; `None` ends it. What was on before.
    pub fn set_fault(&self, fault: Option<Arc<Faulty>>) -> Option<Arc<Faulty>> {
        self.fault.send_replace(fault).filter(|it| Instant::now() < it.deadline)
    }

    /// Ends a fault if it is still the one that is on.
    pub fn end_fault(&self, fault: &Arc<Faulty>) -> bool {
        self.fault.send_if_modified(|now| {
            let is_on = now.as_ref().is_some_and(|it| Arc::ptr_eq(it, fault));
            if is_on {
                *now = None;
            }
            is_on
        })
    }

    /// Counts a connection that meets a fault.
    pub fn count_hit(&self, fault: TlsFault) {
        self.hits[fault as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// How many connections met each fault since the start.
    pub fn hits(&self) -> impl Iterator<Item = (TlsFault, u64)> {
        TlsFault::ALL.iter().map(|it| (*it, self.hits[*it as usize].load(Ordering::Relaxed)))
    }

    /// What a fault shows in place of the server's certificates: `None` where it shows none. It reads the key of the
    /// authority.
    ///
    /// # Errors
    /// The authority cannot sign.
    pub fn served_by(&self, fault: TlsFault) -> Result<Option<Arc<Served>>, TlsError> {
        let Some(flaw) = fault.flaw() else { return Ok(None) };
        let certificates = Arc::new(self.now().certificates.with_flaw(flaw)?);
        Served::of(certificates, self.clients.as_deref()).map(|it| Some(Arc::new(it)))
    }
}

impl Served {
    fn of(certificates: Arc<Certificates>, clients: Option<&[PathBuf]>) -> Result<Self, TlsError> {
        let Some(files) = clients else {
            let acceptor = Acceptor::new(&certificates);
            return Ok(Self { certificates, acceptor, authorities: Vec::new() });
        };
        let trusted = certificates.trusted_for_clients(files)?;
        let acceptor = Acceptor::asking_clients(&certificates, &trusted);
        let named = if files.is_empty() { &[][..] } else { &trusted };
        let authorities = named.iter().filter_map(|it| Summary::of(it, Vec::new()).ok()).collect();
        Ok(Self { certificates, acceptor, authorities })
    }

    /// A sentence for each certificate that is not valid now, or ends within [`Summary::SOON`].
    #[must_use]
    pub fn warnings(&self, now: OffsetDateTime) -> Vec<String> {
        let own = self.certificates.pairs().iter().map(|it| ("The server's certificate", it.summary()));
        let clients = self.authorities.iter().map(|it| ("The authority of client certificates", it));
        let warning = |(what, summary): (&str, &Summary)| Some(format!("{what} {}", summary.flaw_in_time(now)?));
        own.chain(clients).filter_map(warning).collect()
    }
}

impl Summary {
    /// The time before its end in which a certificate is warned of.
    pub const SOON: Duration = Duration::days(30);

    /// Why the certificate is warned of: it has expired, ends soon, or is not valid yet. The rest of a sentence that
    /// begins with the certificate.
    #[must_use]
    pub fn flaw_in_time(&self, now: OffsetDateTime) -> Option<String> {
        let Self { subject, not_before, not_after, .. } = self;
        let (what, remedy) = match () {
            () if now > *not_after => (format!("has expired on {}", not_after.date()), "replace it"),
            () if now < *not_before => (
                format!("is valid only from {} on", not_before.date()),
                "look at the clock of this machine, or replace it",
            ),
            () if now + Self::SOON > *not_after => {
                (format!("expires on {}", not_after.date()), "replace it before that day")
            }
            () => return None,
        };
        let files: Vec<_> = self.files.iter().map(|it| it.display().to_string()).collect();
        let files = if files.is_empty() { String::new() } else { format!(", {}", files.join(", ")) };
        Some(format!("({subject}{files}) {what}: {remedy}."))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tls::Keys;

    #[test]
    fn a_certificate_is_warned_of_before_its_time_near_its_end_and_after_it() {
        let certificates = Arc::new(Certificates::in_memory(&[], Keys::Ecdsa).unwrap());
        let served = Renewable::new(certificates, None).unwrap().now();
        let now = OffsetDateTime::now_utc();
        let at = |days| served.warnings(now + Duration::days(days)).concat();
        assert_eq!(at(0), "");
        for (days, text) in [(-2, "is valid only from"), (370, "expires on"), (400, "has expired on")] {
            assert!(at(days).contains(text) && at(days).contains("replace it"), "{}", at(days));
        }
    }
}
