//! Acts of an operator that weaken the gate for a while: to observe only, to disable an entry.
//!
//! They take effect at once, are kept in the state directory and end by themselves.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use arc_swap::ArcSwap;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

/// Version of the file.
const VERSION: u32 = 1;

/// Acts in force at the same time: more is an accident.
const ACTS_MAX: usize = 1000;

/// Bytes of a reason.
const REASON_BYTES_MAX: usize = 500;

/// Longest time that an act may last, so that each does end.
const LASTS_MAX: Duration = Duration::from_secs(366 * 86_400);

/// What is only observed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// Everything.
    All,
    /// Hits of one list.
    List(String),
    /// Uploads to one bucket.
    Bucket(String),
}

/// Hits are recorded and not refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Observe {
    /// Where.
    pub scope: Scope,
    /// Why, in the operator's words.
    pub reason: String,
    /// When it was ordered.
    pub since: Timestamp,
    /// From when it holds no longer.
    pub until: Timestamp,
}

/// An entry refuses nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Disabled {
    /// Name of the list.
    pub list: String,
    /// Id of the entry.
    pub entry: String,
    /// Why, in the operator's words.
    pub reason: String,
    /// When it was ordered.
    pub since: Timestamp,
    /// From when it holds no longer.
    pub until: Timestamp,
}

/// All acts. Those that have ended stay until the next act is added.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bypasses {
    /// What is only observed.
    pub observes: Vec<Observe>,
    /// Entries that refuse nothing.
    pub disabled: Vec<Disabled>,
}

impl Bypasses {
    /// Whether hits of `list` in `bucket` are only recorded at `now`.
    pub fn observes(&self, list: &str, bucket: &str, now: SystemTime) -> bool {
        let applies = |scope: &Scope| match scope {
            Scope::All => true,
            Scope::List(name) => name == list,
            Scope::Bucket(name) => name == bucket,
        };
        self.observes.iter().any(|act| applies(&act.scope) && in_force(act.until, now))
    }

    /// Whether the entry refuses nothing at `now`.
    pub fn is_disabled(&self, list: &str, entry: &str, now: SystemTime) -> bool {
        let mut those = self.disabled.iter().filter(|act| act.list == list && act.entry == entry);
        those.any(|act| in_force(act.until, now))
    }

    /// The acts in force at `now`.
    #[must_use]
    pub fn active(&self, now: SystemTime) -> Bypasses {
        let mut active = self.clone();
        active.observes.retain(|act| in_force(act.until, now));
        active.disabled.retain(|act| in_force(act.until, now));
        active
    }

    /// How many acts these are: of [`Bypasses::active`], the figure for the metric.
    pub fn len(&self) -> usize {
        self.observes.len() + self.disabled.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

fn in_force(until: Timestamp, now: SystemTime) -> bool {
    Timestamp::try_from(now).is_ok_and(|now| now < until)
}

/// Why an act was not taken.
#[derive(Debug, thiserror::Error)]
pub enum BypassError {
    /// The operator gave no reason, or a long one.
    #[error("a reason of 1 to {REASON_BYTES_MAX} bytes is needed")]
    Reason,
    /// It would have ended before it began, or would last for more than a year.
    #[error("an act must end in the future, within 366 days")]
    End,
    /// [`ACTS_MAX`] acts are in force.
    #[error("{ACTS_MAX} acts are in force already")]
    TooMany,
    /// It could not be kept, so it was not taken.
    #[error("cannot keep it: {0}")]
    Io(#[from] io::Error),
}

/// The acts, and the file that keeps them.
#[derive(Debug)]
pub struct BypassStore {
    path: PathBuf,
    current: ArcSwap<Bypasses>,
    /// Acts are added one after another.
    adding: Mutex<()>,
}

impl BypassStore {
    /// Reads the acts that an earlier process kept at `path`; no file means none.
    ///
    /// # Errors
    /// The file cannot be read, is broken, or is of a later version.
    pub fn open(path: impl Into<PathBuf>) -> io::Result<BypassStore> {
        let path = path.into();
        let kept = match fs::read(&path) {
            Ok(text) => parse(&text)?,
            Err(e) if e.kind() == io::ErrorKind::NotFound => Bypasses::default(),
            Err(e) => return Err(e),
        };
        Ok(BypassStore { path, current: ArcSwap::from_pointee(kept), adding: Mutex::new(()) })
    }

    /// The acts as they are now; ended ones may be among them.
    pub fn current(&self) -> Arc<Bypasses> {
        self.current.load_full()
    }

    /// Observes only, from `now` and for so long. Kept and in force when it returns.
    ///
    /// # Errors
    /// See [`BypassError`]; the acts are then as they were.
    pub fn observe(
        &self,
        scope: Scope,
        lasts: Duration,
        reason: &str,
        now: SystemTime,
    ) -> Result<Observe, BypassError> {
        let until = now.checked_add(lasts).ok_or(BypassError::End)?;
        let (since, until) = checked(reason, now, until)?;
        let act = Observe { scope, reason: reason.to_owned(), since, until };
        self.add(now, |acts| acts.observes.push(act.clone()))?;
        Ok(act)
    }

    /// Disables an entry, from `now` to `until`. Kept and in force when it returns.
    ///
    /// # Errors
    /// See [`BypassError`]; the acts are then as they were.
    pub fn disable(
        &self,
        list: &str,
        entry: &str,
        until: SystemTime,
        reason: &str,
        now: SystemTime,
    ) -> Result<Disabled, BypassError> {
        let (since, until) = checked(reason, now, until)?;
        let (list, entry, reason) = (list.to_owned(), entry.to_owned(), reason.to_owned());
        let act = Disabled { list, entry, reason, since, until };
        self.add(now, |acts| acts.disabled.push(act.clone()))?;
        Ok(act)
    }

    fn add(&self, now: SystemTime, act: impl FnOnce(&mut Bypasses)) -> Result<(), BypassError> {
        // The lock guards no data that a panic could have left half changed.
        let _alone = self.adding.lock().unwrap_or_else(PoisonError::into_inner);
        let mut acts = self.current.load().active(now);
        if acts.len() >= ACTS_MAX {
            return Err(BypassError::TooMany);
        }
        act(&mut acts);
        save(&self.path, &acts)?;
        self.current.store(Arc::new(acts));
        Ok(())
    }
}

/// Start and end of an act, if it has a reason and an end.
fn checked(
    reason: &str,
    now: SystemTime,
    until: SystemTime,
) -> Result<(Timestamp, Timestamp), BypassError> {
    if reason.trim().is_empty() || reason.len() > REASON_BYTES_MAX {
        return Err(BypassError::Reason);
    }
    let lasts = until.duration_since(now).map_err(|_| BypassError::End)?;
    if lasts.is_zero() || lasts > LASTS_MAX {
        return Err(BypassError::End);
    }
    let moment = |time| Timestamp::try_from(time).map_err(|_| BypassError::End);
    Ok((moment(now)?, moment(until)?))
}

#[derive(Serialize)]
struct Written<'a> {
    version: u32,
    #[serde(flatten)]
    acts: &'a Bypasses,
}

#[derive(Deserialize)]
struct Version {
    version: u32,
}

fn parse(text: &[u8]) -> io::Result<Bypasses> {
    let Version { version } = serde_json::from_slice(text)?;
    if version != VERSION {
        let text = format!("version {version} of the operator's acts is not known here");
        return Err(io::Error::new(io::ErrorKind::InvalidData, text));
    }
    Ok(serde_json::from_slice(text)?)
}

/// Replaces the file so that a crash leaves the old one or the new one, and neither is lost with
/// the power.
fn save(path: &Path, acts: &Bypasses) -> io::Result<()> {
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(".new");
    let options = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).clone();
    let mut file = options.open(&temporary)?;
    file.write_all(&serde_json::to_vec_pretty(&Written { version: VERSION, acts })?)?;
    file.sync_all()?;
    fs::rename(&temporary, path)?;
    match path.parent() {
        Some(directory) if directory != Path::new("") => File::open(directory)?.sync_all(),
        Some(_) | None => File::open(".")?.sync_all(),
    }
}

/// The text is no date.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a date is written 2027-01-31 or 2027-01-31T12:00:00Z")]
pub struct DateError;

/// Reads the DATE of `--expires`: an RFC 3339 date, which means its first moment in UTC, or a date
/// and time with its offset.
///
/// # Errors
/// The text is neither.
pub fn parse_date(text: &str) -> Result<SystemTime, DateError> {
    const DATE_LEN: usize = "2027-01-31".len();
    let timestamp = if text.len() == DATE_LEN {
        let date: Date = text.parse().map_err(|_| DateError)?;
        date.to_zoned(TimeZone::UTC).map_err(|_| DateError)?.timestamp()
    } else {
        text.parse().map_err(|_| DateError)?
    };
    Ok(timestamp.into())
}

#[cfg(test)]
mod tests;
