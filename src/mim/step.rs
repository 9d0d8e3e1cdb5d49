//! A step of an examination: what was looked at, what was found, what to do about it.

use std::io::Write;

use serde::Serialize;

/// One step, as it went.
#[derive(Clone, Debug, Serialize)]
pub struct Step {
    pub step: &'static str,
    pub verdict: Verdict,
    /// What was found: a sentence.
    pub what: String,
    /// What to do about it, where there is something to do.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub remedy: String,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    Ok,
    /// Nothing was judged: something to know.
    Note,
    /// It works here, and may not for others.
    Warning,
    Failed,
}

impl Step {
    /// Whether it did not fail.
    #[must_use]
    pub fn is_right(&self) -> bool {
        self.verdict != Verdict::Failed
    }

    /// Writes it as people read it.
    ///
    /// # Errors
    /// As of `out`.
    pub fn tell(&self, out: &mut dyn Write) -> std::io::Result<()> {
        let Self { step, verdict, what, remedy } = self;
        let verdict = match verdict {
            Verdict::Ok => "ok",
            Verdict::Note => "note",
            Verdict::Warning => "WARNING",
            Verdict::Failed => "FAILED",
        };
        writeln!(out, "{verdict:8} {step:21} {what}")?;
        if remedy.is_empty() { Ok(()) } else { writeln!(out, "{:30} {remedy}", "") }
    }
}

/// Whether nothing failed.
#[must_use]
pub fn all_right(steps: &[Step]) -> bool {
    steps.iter().all(Step::is_right)
}
