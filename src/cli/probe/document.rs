//! `--json`: one document a run, which later runs are compared with.

use serde::{Deserialize, Serialize};

use super::judge::Advice;
use super::outcome::Outcome;
use super::run::Found;
use super::target::Target;
use crate::config::Guard;

/// The version of the document. One is added when names or meanings change; fields may come.
const VERSION: u32 = 1;

/// What a run found out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Document {
    version: u32,
    /// The store.
    pub(super) endpoint: String,
    /// What it calls itself.
    pub(super) server: Option<String>,
    /// How long was waited for what may never come.
    pub(super) timeout_s: f64,
    /// What to configure.
    pub(super) guard: String,
    /// What that follows from.
    pub(super) reasons: Vec<String>,
    /// What else there is to know.
    pub(super) notes: Vec<String>,
    /// What was tried, in order.
    pub(super) cases: Vec<Tried>,
}

/// A case by its name, and what came of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Tried {
    /// The case's name.
    pub(super) case: String,
    /// What came of it.
    #[serde(flatten)]
    pub(super) outcome: Outcome,
}

impl Document {
    /// The document of a run.
    pub(super) fn new(target: &Target, found: &Found, advice: &Advice) -> Self {
        let tried = |finding: &super::run::Finding| Tried {
            case: finding.case.to_string(),
            outcome: finding.outcome.clone(),
        };
        Document {
            version: VERSION,
            endpoint: target.endpoint.to_string(),
            server: found.server.clone(),
            timeout_s: target.timeout.as_secs_f64(),
            guard: word(advice.guard).to_owned(),
            reasons: advice.reasons.clone(),
            notes: advice.notes.clone(),
            cases: found.findings.iter().map(tried).collect(),
        }
    }

    /// Reads a document that an earlier run wrote.
    ///
    /// # Errors
    /// It is none, or of a version that is not known.
    pub(super) fn read(text: &str) -> Result<Self, String> {
        let document: Document =
            serde_json::from_str(text).map_err(|error| format!("no output of probe: {error}"))?;
        match document.version {
            VERSION => Ok(document),
            other => Err(format!("version {other} of the output; this program reads {VERSION}")),
        }
    }

    /// Where the store behaves otherwise than in an earlier run, a line each.
    ///
    /// Cases that only one of the runs has are left out, as a newer program may try more; so is
    /// [`super::outcome::Timing`].
    pub(super) fn differences(&self, earlier: &Document) -> Vec<String> {
        self.cases
            .iter()
            .filter_map(|now| {
                let before = earlier.cases.iter().find(|before| before.case == now.case)?;
                let facts = before.outcome.facts().into_iter().zip(now.outcome.facts());
                let changed = facts.filter(|(before, now)| before != now);
                let changes: Vec<String> = changed
                    .map(|((name, before), (_, now))| format!("{name} {before} -> {now}"))
                    .collect();
                let case = &now.case;
                (!changes.is_empty()).then(|| format!("{case}: {}", changes.join(", ")))
            })
            .collect()
    }
}

/// The guard's word in the configuration.
pub(super) fn word(guard: Guard) -> &'static str {
    match guard {
        Guard::Auto => "auto",
        Guard::Whole => "whole",
    }
}
