//! A step of an examination: what was examined, what was found, what to do about it.

use std::fmt;

use serde::Serialize;

/// One step and its result.
#[derive(Clone, Debug, Serialize)]
pub struct Step {
    pub step: &'static str,
    pub verdict: Verdict,
    /// What was found: a sentence.
    pub what: String,
    /// What to do about it; empty if no action is needed.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub remedy: String,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    Ok,
    /// Information without a judgement.
    Note,
    /// It works here, and may fail on other machines.
    Warning,
    Failed,
}

impl Step {
    /// Whether it did not fail.
    #[must_use]
    pub fn is_right(&self) -> bool {
        self.verdict != Verdict::Failed
    }
}

/// The step as people read it: one line, and one more if it has a remedy.
impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { step, verdict, what, remedy } = self;
        let verdict = match verdict {
            Verdict::Ok => "ok",
            Verdict::Note => "note",
            Verdict::Warning => "WARNING",
            Verdict::Failed => "FAILED",
        };
        write!(f, "{verdict:8} {step:21} {what}")?;
        if remedy.is_empty() { Ok(()) } else { write!(f, "\n{:30} {remedy}", "") }
    }
}

/// Whether nothing failed.
#[must_use]
pub fn all_right(steps: &[Step]) -> bool {
    steps.iter().all(Step::is_right)
}
