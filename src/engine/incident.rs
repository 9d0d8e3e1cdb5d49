//! Incidents: a part of a scenario that stands over the running one for a while, and leaves nothing behind.

use std::sync::Arc;
use std::time::Duration;

use super::journal::{Changed, What};
use super::rules::overlay::Overlay;
use super::{Company, Engine, Refusal, Rule, Timestamp};
use crate::contract::Record;

/// What an incident puts over a scenario.
#[derive(Clone, Debug, PartialEq)]
pub struct Incident {
    pub name: Arc<str>,
    /// They come before those of the scenario. A call that one of them leaves as usual goes on to the scenario's.
    pub rules: Vec<Rule>,
    pub settings: Settings,
    /// What becomes of callers who sign in. `None`: they are let in.
    pub sign_in: Option<SignInFault>,
}

/// The settings of the company that an incident changes. `None`: as in the scenario.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Settings {
    pub master_away: Option<bool>,
    pub direct_sdk: Option<bool>,
    /// The features, by their keys in scenario files, each with `true` or `false`.
    pub features: Vec<(&'static str, String)>,
}

/// Why the server lets no account in.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum SignInFault {
    /// Windows knows the account, and it is not in the group of those who may call.
    OutsideGroup,
    PasswordExpired,
    /// The account is disabled, or there is none any more.
    Disabled,
}

/// An incident that runs.
#[derive(Clone, Debug)]
pub(super) struct Running {
    name: Arc<str>,
    since: Timestamp,
    until: Timestamp,
    sign_in: Option<SignInFault>,
    settings: Settings,
    /// The company without the incident.
    base: Arc<Company>,
    /// How many sign-ins and calls it has refused by what is no rule.
    refused: u64,
}

/// An incident that runs, and how far it is.
#[derive(Clone, Debug, PartialEq)]
pub struct IncidentStatus {
    pub name: Arc<str>,
    pub since: Timestamp,
    pub until: Timestamp,
    pub sign_in: Option<SignInFault>,
    /// How many calls and sign-ins it has changed.
    pub hits: u64,
}

impl SignInFault {
    /// Why the account is refused, as the end of a sentence.
    #[must_use]
    pub const fn why(self) -> &'static str {
        match self {
            Self::OutsideGroup => "it is not in the group of those who may call",
            Self::PasswordExpired => "its password has expired",
            Self::Disabled => "it is disabled or removed",
        }
    }
}

impl Settings {
    /// A company with these settings in place of its own.
    fn over(&self, company: &Arc<Company>) -> Arc<Company> {
        if *self == Self::default() {
            return company.clone();
        }
        let mut changed = Company::clone(company);
        changed.master_away = self.master_away.unwrap_or(changed.master_away);
        changed.direct_sdk = self.direct_sdk.unwrap_or(changed.direct_sdk);
        for (key, value) in &self.features {
            changed.features.set(key, value).expect("it was set when the incident was read");
        }
        changed.into()
    }
}

impl Running {
    /// Goes on over another company. Returns what the company is with the incident.
    pub(super) fn over(&mut self, base: Arc<Company>) -> Arc<Company> {
        self.base = base;
        self.settings.over(&self.base)
    }

    pub(super) const fn until(&self) -> Timestamp {
        self.until
    }

    pub(super) const fn base(&self) -> &Arc<Company> {
        &self.base
    }
}

impl Engine {
    /// Puts an incident over the scenario, for so long. `by` is who began it.
    ///
    /// # Errors
    /// The name of the incident that runs already.
    pub fn begin_incident(
        &mut self,
        now: Timestamp,
        incident: Incident,
        lasts: Duration,
        by: &str,
    ) -> Result<(), Arc<str>> {
        if let Some(running) = &self.incident {
            return Err(running.name.clone());
        }
        let Incident { name, rules, settings, sign_in } = incident;
        let until = now + lasts;
        let base = self.company.clone();
        self.company = settings.over(&base);
        self.rules.put_over(Overlay::new(name.clone(), rules, now));
        self.note_incident(now, &name, by, &format!("began, and ends at {until}"));
        self.incident = Some(Running { name, since: now, until, sign_in, settings, base, refused: 0 });
        Ok(())
    }

    /// Ends the incident that runs; everything else is as if it had never been. Returns what it was. `by` is who ended
    /// it.
    pub fn end_incident(&mut self, now: Timestamp, by: &str) -> Option<IncidentStatus> {
        let ended = self.incident()?;
        let running = self.incident.take()?;
        self.company = running.base;
        self.rules.take_over();
        let hits = ended.hits;
        self.note_incident(now, &running.name, by, &format!("ended after {hits} hits"));
        Some(ended)
    }

    /// The incident that runs.
    #[must_use]
    pub fn incident(&self) -> Option<IncidentStatus> {
        let it = self.incident.as_ref()?;
        Some(IncidentStatus {
            name: it.name.clone(),
            since: it.since,
            until: it.until,
            sign_in: it.sign_in,
            hits: it.refused + self.rules.overlay_hits(),
        })
    }

    /// Whether the incident that runs refuses sign-ins.
    #[must_use]
    pub fn refuses_sign_in(&self) -> bool {
        self.incident.as_ref().is_some_and(|it| it.sign_in.is_some())
    }

    /// Counts a sign-in that the incident has refused.
    pub fn count_refused_sign_in(&mut self) {
        if let Some(it) = &mut self.incident {
            it.refused += 1;
        }
    }

    /// The incident whose settings refuse a call in this way. It is counted as a hit.
    pub fn incident_behind(&mut self, refusal: &Refusal) -> Option<Arc<str>> {
        let it = self.incident.as_mut()?;
        let is_its_own = match refusal {
            Refusal::MasterAway {} => it.settings.master_away == Some(true),
            Refusal::FeatureOff { .. } => !it.settings.features.is_empty(),
            _ => false,
        };
        it.refused += u64::from(is_its_own);
        is_its_own.then(|| it.name.clone())
    }

    /// Ends the incident where its time is over.
    pub(super) fn end_incident_in_time(&mut self, now: Timestamp) {
        if let Some(until) = self.incident.as_ref().map(Running::until).filter(|it| *it <= now) {
            self.end_incident(until, "its time is over");
        }
    }

    fn note_incident(&mut self, now: Timestamp, name: &Arc<str>, by: &str, what: &str) {
        let changed = Changed {
            operation: "",
            username: "".into(),
            by: by.into(),
            detail: format!("the incident {name} {what}").into(),
            incident: Some(name.clone()),
        };
        self.journal.note(now, What::Changed(changed));
    }
}
