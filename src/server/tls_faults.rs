//! Faults of TLS, for the whole service: switched on and off while the server runs, and never for ever.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use time::OffsetDateTime;
use tokio::time::{Instant, sleep_until};
use tracing::info;

use crate::engine::{Changed, What};
use crate::switchboard::Space;
use crate::tls::{Faulty, Renewable, TlsError, TlsFault};

/// The faults of TLS of a server, of which one at most is on. New connections meet it; open ones end after their call.
/// The admin API has no TLS, and therefore none of its faults.
#[derive(Clone, Debug)]
pub struct TlsFaults {
    tls: Option<Arc<Renewable>>,
    /// The space whose journal has the switching: a connection meets a fault before it names a space.
    space: Space,
}

/// Why a fault cannot be switched on.
#[derive(Debug, thiserror::Error)]
pub enum NoTlsFault {
    #[error("the server speaks plain HTTP, and a fault of TLS needs TLS")]
    PlainHttp,
    #[error("a fault of TLS lasts from 1 second to 24 hours")]
    BadTime,
    /// The error names its remedy.
    #[error("the certificate of the fault cannot be made: {0}")]
    Certificate(TlsError),
}

impl NoTlsFault {
    /// What to do about it.
    #[must_use]
    pub const fn remedy(&self) -> &'static str {
        match self {
            Self::PlainHttp => "Start the server without --http. Faults of rules, such as drop: reset, need no TLS.",
            Self::BadTime => "Give a time in these bounds, such as 15m.",
            Self::Certificate(_) => "Give the folder of --certs the key of its authority back.",
        }
    }
}

impl TlsFaults {
    /// How long a fault lasts where nothing is said.
    pub const USUAL_TIME: Duration = Duration::from_secs(15 * 60);
    pub const LONGEST_TIME: Duration = Duration::from_secs(24 * 60 * 60);
    const SHORTEST_TIME: Duration = Duration::from_secs(1);

    /// `tls` is `None` for plain HTTP, which takes no fault. `space` is the one whose journal has the switching.
    #[must_use]
    pub const fn new(tls: Option<Arc<Renewable>>, space: Space) -> Self {
        Self { tls, space }
    }

    /// Switches a fault on, in place of the one that is on. It ends by itself. `by` says who did it, for the log and the
    /// journal.
    ///
    /// # Errors
    /// The server has no TLS, the time is out of bounds, or the certificate of the fault cannot be made. Nothing is
    /// changed.
    pub async fn start(&self, fault: TlsFault, lasts: Duration, by: &str) -> Result<Arc<Faulty>, NoTlsFault> {
        self.begin(fault, lasts, by, None, Arc::default()).await
    }

    /// [`Self::start`], as an incident does. `hits` counts the connections that fail by it.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub async fn start_incident(
        &self,
        fault: TlsFault,
        lasts: Duration,
        incident: &Arc<str>,
        hits: Arc<AtomicU64>,
    ) -> Result<Arc<Faulty>, NoTlsFault> {
        self.begin(fault, lasts, &format!("incident {incident}"), Some(incident.clone()), hits).await
    }

    async fn begin(
        &self,
        fault: TlsFault,
        lasts: Duration,
        by: &str,
        incident: Option<Arc<str>>,
        hits: Arc<AtomicU64>,
    ) -> Result<Arc<Faulty>, NoTlsFault> {
        let tls = self.tls.clone().ok_or(NoTlsFault::PlainHttp)?;
        if !(Self::SHORTEST_TIME..=Self::LONGEST_TIME).contains(&lasts) {
            return Err(NoTlsFault::BadTime);
        }
        let making = tls.clone();
        // It reads files and signs.
        let served = tokio::task::spawn_blocking(move || making.served_by(fault)).await;
        let served = served.expect("signing does not panic").map_err(NoTlsFault::Certificate)?;
        let (since, deadline) = (OffsetDateTime::now_utc(), Instant::now() + lasts);
        let until = since + lasts;
        let faulty = Arc::new(Faulty {
            fault,
            by: by.into(),
            incident,
            since,
            until,
            deadline,
            hits_before: hits.load(Ordering::Relaxed),
            hits,
            served,
        });
        let mut changes = tls.watch_fault();
        let before = tls.set_fault(Some(faulty.clone()));
        if let Some(before) = before {
            self.note(&before, by, "off: another one is on");
        }
        let until = humantime::format_rfc3339_seconds(until.into());
        self.note(&faulty, by, &format!("on until {until}: {}", fault.about()));
        let (this, of) = (self.clone(), faulty.clone());
        tokio::spawn(async move {
            let is_other = |it: &Option<Arc<Faulty>>| !it.as_ref().is_some_and(|it| Arc::ptr_eq(it, &of));
            tokio::select! {
                () = sleep_until(of.deadline) => {
                    if tls.end_fault(&of) {
                        this.note(&of, "its time", "off: its time is over");
                    }
                }
                _ = changes.wait_for(is_other) => (),
            }
        });
        Ok(faulty)
    }

    /// Ends the fault that is on. `None`: there is none.
    pub fn stop(&self, by: &str) -> Option<Arc<Faulty>> {
        let ended = self.tls.as_ref()?.set_fault(None)?;
        self.note(&ended, by, "off");
        Some(ended)
    }

    /// The fault that is on.
    #[must_use]
    pub fn now(&self) -> Option<Arc<Faulty>> {
        self.tls.as_ref()?.fault()
    }

    /// How many connections met each fault since the start; nothing for plain HTTP.
    pub fn hits(&self) -> impl Iterator<Item = (TlsFault, u64)> {
        self.tls.iter().flat_map(|it| it.hits())
    }

    /// Logs a switching, and keeps it in the journal as a change.
    fn note(&self, faulty: &Faulty, by: &str, what: &str) {
        let fault = faulty.fault.word();
        info!(fault, by, "TLS fault {what}");
        let detail = format!("TLS fault {fault} {what}").into();
        let changed =
            Changed { operation: "", username: "".into(), by: by.into(), detail, incident: faulty.incident.clone() };
        self.space.update(|engine, now| engine.journal.note(now, What::Changed(changed)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{Bounds, EventKind, Setup};
    use crate::tls::{Certificates, Keys};

    fn faults() -> TlsFaults {
        let certificates = Arc::new(Certificates::in_memory(&[], Keys::Ecdsa).unwrap());
        let tls = Arc::new(Renewable::new(certificates, None).unwrap());
        TlsFaults::new(Some(tls), Space::new("default", Setup::default(), Bounds::default()))
    }

    fn changes(faults: &TlsFaults) -> Vec<String> {
        let detail = |it: &What| match it {
            What::Changed(it) => format!("{} by {}", it.detail.split(':').next().unwrap_or_default(), it.by),
            _ => String::new(),
        };
        faults.space.update(|engine, _| engine.journal.of(EventKind::Changed).map(|it| detail(&it.what)).collect())
    }

    const MINUTE: Duration = Duration::from_secs(60);

    #[tokio::test(start_paused = true)]
    async fn a_fault_ends_by_itself_and_the_journal_has_both() {
        let faults = faults();
        let on = faults.start(TlsFault::Expired, MINUTE, "test").await.unwrap();
        assert!(faults.now().is_some_and(|it| Arc::ptr_eq(&it, &on)));
        tokio::time::sleep(MINUTE).await;
        assert!(faults.now().is_none());
        tokio::task::yield_now().await;
        let [begun, ended] = &changes(&faults)[..] else { panic!("{:?}", changes(&faults)) };
        assert!(begun.starts_with("TLS fault expired on until") && ended == "TLS fault expired off by its time");
        assert!(faults.stop("test").is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn the_time_of_a_replaced_fault_does_not_end_its_successor() {
        let faults = faults();
        faults.start(TlsFault::Reset, MINUTE, "test").await.unwrap();
        faults.start(TlsFault::Refused, 3 * MINUTE, "test").await.unwrap();
        tokio::time::sleep(2 * MINUTE).await;
        assert_eq!(faults.now().unwrap().fault, TlsFault::Refused);
        assert_eq!(faults.stop("test").unwrap().fault, TlsFault::Refused);
        assert!(faults.now().is_none());
        let of = |word: &str| changes(&faults).iter().filter(|it| it.contains(word)).count();
        assert_eq!((of("reset off"), of("refused off by test")), (1, 1), "{:?}", changes(&faults));
    }

    #[tokio::test(start_paused = true)]
    async fn a_fault_needs_tls_and_a_bounded_time() {
        let plain = TlsFaults { tls: None, ..faults() };
        let no = plain.start(TlsFault::Reset, MINUTE, "test").await.unwrap_err();
        assert!(no.to_string().contains("plain HTTP") && no.remedy().contains("without --http"));
        for lasts in [Duration::ZERO, TlsFaults::LONGEST_TIME + Duration::from_secs(1)] {
            assert!(matches!(faults().start(TlsFault::Reset, lasts, "test").await, Err(NoTlsFault::BadTime)));
        }
    }
}
