//! A form's fields against its policy.

use std::borrow::Cow;

use super::error::PolicyError;
use super::policy::{Condition, Policy};
use super::{POLICY, SIGNATURE, V2_KEY, V2_SIGNATURE};

/// Fields that no policy has to name.
const UNCONDITIONAL: [&str; 4] = [POLICY, SIGNATURE, V2_KEY, V2_SIGNATURE];
const IGNORED: &str = "x-ignore-";

/// What a policy is about: a field, or the bucket.
pub(super) struct Subject<'a> {
    pub(super) name: &'a str,
    pub(super) value: Cow<'a, [u8]>,
}

impl Policy {
    /// Whether the subjects are what it says, all of them, and whether it says something about
    /// each.
    ///
    /// # Errors
    /// [`PolicyError::ConditionFailed`] or [`PolicyError::ExtraFields`].
    pub(super) fn check(&self, subjects: &[Subject<'_>]) -> Result<(), PolicyError> {
        if let Some(failed) = self.conditions.iter().find(|c| !c.holds(subjects)) {
            return Err(PolicyError::ConditionFailed(failed.to_string()));
        }
        let extra: Vec<&str> =
            subjects.iter().map(|s| s.name).filter(|name| !self.allows(name)).collect();
        if extra.is_empty() { Ok(()) } else { Err(PolicyError::ExtraFields(extra.join(", "))) }
    }

    fn allows(&self, name: &str) -> bool {
        let ignored = name.get(..IGNORED.len()).is_some_and(|s| s.eq_ignore_ascii_case(IGNORED));
        ignored
            || UNCONDITIONAL.iter().any(|known| name.eq_ignore_ascii_case(known))
            || self.conditions.iter().any(|condition| condition.is_about(name))
    }
}

impl Condition {
    fn is_about(&self, name: &str) -> bool {
        match self {
            Condition::Equals { field, .. } | Condition::StartsWith { field, .. } => {
                field.eq_ignore_ascii_case(name)
            }
            Condition::Length { .. } => false,
        }
    }

    /// A condition wants its subject to be there. Where it is there twice, both must satisfy it.
    fn holds(&self, subjects: &[Subject<'_>]) -> bool {
        let mut about = subjects.iter().filter(|s| self.is_about(s.name)).peekable();
        match self {
            Condition::Length { .. } => true,
            Condition::Equals { value, .. } => {
                about.peek().is_some() && about.all(|s| *s.value == *value.as_bytes())
            }
            Condition::StartsWith { prefix, .. } => {
                about.peek().is_some() && about.all(|s| s.starts_with(prefix.as_bytes()))
            }
        }
    }
}

impl Subject<'_> {
    /// A Content-Type with commas is a list: S3 wants each of its members to begin so.
    fn starts_with(&self, prefix: &[u8]) -> bool {
        match self.name.eq_ignore_ascii_case("content-type") {
            true => {
                let mut members = self.value.split(|&byte| byte == b',');
                members.all(|member| member.trim_ascii_start().starts_with(prefix))
            }
            false => self.value.starts_with(prefix),
        }
    }
}
