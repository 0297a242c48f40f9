//! Lists and rules, without a gate around them.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use crate::cli::{Fault, Streams};
use crate::config::Config;
use crate::digest::AlgorithmSet;
use crate::image::{Convention, Wanted};
use crate::inspect::{Evidence, Pictured};
use crate::ops::lists::{ListStore, Loaded, Standing, open_checked};
use crate::ops::node::read_config;
use crate::policy::{
    self, BucketRule, Exceptions, ListRule, Mode, NearRule, OnFault, OnUnjudged, Polarity,
    Rulebook, Surface, Verdict,
};

/// What judges one bucket.
pub(super) struct Court {
    rulebook: Rulebook,
    rule: BucketRule,
    bucket: String,
}

/// Operators' temporary acts are the running gate's own.
struct NoExceptions;

impl Exceptions for NoExceptions {
    fn observes(&self, _: &str, _: &str) -> bool {
        false
    }

    fn is_disabled(&self, _: &str, _: &str) -> bool {
        false
    }
}

impl Court {
    /// Judges as the gate with this configuration would if it had just loaded its lists. Lists that
    /// can't be loaded are reported, and judged by as the gate does.
    pub(super) fn of_config(
        path: &Path,
        bucket: Option<&str>,
        streams: &mut Streams<'_>,
    ) -> Result<Court, Fault> {
        let config = read_config(path).map_err(|error| Fault::usage(error.to_string()))?;
        let loaded = compile(&config)?;
        for Standing { name, error, .. } in &loaded.standings {
            if let Some(error) = error {
                let said = streams.error(format_args!("list {name}: {error}"));
                said.map_err(|error| Fault::io(Path::new("standard error"), &error))?;
            }
        }
        let rule = config.rule_for(bucket).rule.clone();
        let bucket = bucket.unwrap_or_default().to_owned();
        Ok(Court { rulebook: loaded.rulebook(&config.lists, SystemTime::now()), rule, bucket })
    }

    /// Judges by a snapshot alone: it blocks, and is enforced, digests and pictures alike.
    pub(super) fn of_snapshot(path: &Path) -> Result<Court, Fault> {
        let snapshot = open_checked(path)?;
        let of_snapshot: Vec<u16> = (0..).take(snapshot.lists().len()).collect();
        let lists = snapshot.lists().iter().map(|list| ListRule {
            name: Arc::from(list.name.as_str()),
            polarity: Polarity::Block,
            mode: Mode::Enforce,
            loaded: true,
            stale: false,
            near: (!list.near.is_empty()).then(|| NearRule {
                mode: Mode::Enforce,
                convention: list.convention().unwrap_or(Convention::Full),
                ..NearRule::default()
            }),
        });
        let rule = BucketRule {
            mode: Mode::Enforce,
            lists: of_snapshot.clone(),
            unjudged: OnUnjudged::Forward,
            by_reason: [].into(),
            faults: OnFault::Retry,
            surface: Surface::default(),
        };
        let lists = lists.collect();
        let rulebook = Rulebook::new(Some(Arc::new(snapshot)), of_snapshot, lists);
        Ok(Court { rulebook, rule, bucket: String::new() })
    }

    /// The digests that judging takes.
    pub(super) fn wanted(&self) -> AlgorithmSet {
        self.rulebook.wanted(&self.rule)
    }

    /// What pictures have to be hashed for to be judged; `None` if they need not be looked at.
    pub(super) fn wanted_of_pictures(&self) -> Option<Wanted> {
        let looks = self.rulebook.looks.as_ref();
        let looks = looks.filter(|_| self.rulebook.compares_pictures(&self.rule))?;
        // In colour at once: the gate does so where it could make a difference.
        Some(Wanted { colour: true, ..Wanted::clone(looks) })
    }

    /// Looks for listed pictures that are like this one.
    pub(super) fn compare(&self, picture: &mut Pictured) {
        self.rulebook.compare(&self.rule, picture);
    }

    /// The verdict on a body.
    pub(super) fn judge(&self, evidence: &Evidence) -> Verdict {
        let (rules, rule) = (&self.rulebook, &self.rule);
        let fault = rules.list_fault(rule);
        let enforces = rules.enforces(rule, &self.bucket, &NoExceptions);
        match fault {
            // The gate answers 503 then, before it looks at the body.
            Some(fault) if enforces && rule.faults == OnFault::Retry => {
                Verdict::unjudged(fault, rule, enforces)
            }
            Some(_) | None => {
                policy::judge(rules, rule, &self.bucket, evidence, fault, &NoExceptions)
            }
        }
    }

    /// What stands for the lists that judge.
    pub(super) fn snapshot_id(&self) -> Option<String> {
        self.rulebook.version.as_deref().map(str::to_owned)
    }
}

/// Compiles the lists with the gate's own code, in a directory of their own: the gate's state
/// directory belongs to the gate.
fn compile(config: &Config) -> Result<Loaded, Fault> {
    let scratch = Scratch::new().map_err(|error| Fault::io(&std::env::temp_dir(), &error))?;
    let store = ListStore::new(&scratch.0).map_err(|error| Fault::io(&scratch.0, &error))?;
    // The set stays mapped when its file is gone.
    Ok(store.load(&config.lists, &[])?)
}

/// A directory that only its owner can look into, removed when dropped.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> io::Result<Scratch> {
        let random = getrandom::u64().map_err(|error| io::Error::other(error.to_string()))?;
        let name = format!("s3bouncer-match-{}-{random:016x}", std::process::id());
        let path = std::env::temp_dir().join(name);
        // Fails if somebody has made it first.
        DirBuilder::new().mode(0o700).create(&path)?;
        Ok(Scratch(path))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // Nobody is left to be told; the system clears the directory.
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn the_scratch_directory_is_private_and_goes_away() {
        let scratch = Scratch::new().unwrap();
        let path = scratch.0.clone();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o700);
        fs::write(path.join("x"), "x").unwrap();
        drop(scratch);
        assert!(!path.exists());
    }
}
