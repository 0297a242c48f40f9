//! From configured lists to the set that serves.
//!
//! ```text
//! source --compile--> lists/NAME.snapshot --+
//! source --compile--> lists/NAME.snapshot --+--merge--> set.snapshot --> mapped
//! ```
//!
//! All of it in the gate's state directory: what serves is our own file, which nobody overwrites in
//! place. A list is checked with the very code that will serve it before it takes the place of the
//! one before; if it fails, that one goes on serving.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use crate::config::{Format, List};
use crate::image::{Convention, PerceptualKind};
use crate::list::{
    CompileError, Compiler, CsvMap, HashKind, ImplausibleSize, ListInfo, NearInfo, NearKind,
    Snapshot, SnapshotError, SourceErrors, SourceFormat, check_size, merge, read_source,
    verify_checksums,
};
use crate::policy::{ListRule, Mode, NearRule, Rulebook};

/// Why a list could not be taken.
#[derive(Debug, thiserror::Error)]
pub enum ListError {
    /// A file can't be read or written.
    #[error("{0}: {1}")]
    File(PathBuf, io::Error),
    /// The source is wrong.
    #[error("{0}: {1}")]
    Source(PathBuf, SourceErrors),
    /// It could not be compiled.
    #[error(transparent)]
    Compile(#[from] CompileError),
    /// What was compiled, or came compiled, is no good.
    #[error("{0}: {1}")]
    Snapshot(PathBuf, SnapshotError),
    /// It has more short hashes than anybody should take without knowing it.
    #[error(
        "{0} has {2} hashes of {1}, each of 64 bits or fewer, which hit innocent pictures; to take \
         them all the same: short_hashes = \"on\""
    )]
    ShortHashes(String, HashKind, u64),
    /// It is too different from the one that serves.
    #[error("{0}; to take it all the same: s3bouncer ctl reload --accept {1}")]
    Size(ImplausibleSize, String),
}

/// One configured list, as it stands on this node.
#[derive(Clone, Debug)]
pub struct Standing {
    /// Its name.
    pub name: Arc<str>,
    /// Entries; 0 where it was never loaded.
    pub entries: u64,
    /// When its source was last changed; `None` where it was never loaded.
    pub made: Option<SystemTime>,
    /// Why the newest source does not serve.
    pub error: Option<String>,
}

/// What serves after a load.
#[derive(Default)]
pub struct Loaded {
    /// The set of all lists that could ever be loaded.
    pub snapshot: Option<Arc<Snapshot>>,
    /// For each list of the snapshot, its index among the configured.
    pub of_snapshot: Vec<u16>,
    /// Every configured list, in the configuration's order.
    pub standings: Vec<Standing>,
}

impl Loaded {
    /// What judges: the set, with what the configuration says of each list.
    pub fn rulebook(&self, lists: &[List], now: SystemTime) -> Rulebook {
        let rules = lists.iter().zip(&self.standings).enumerate();
        let rules = rules.map(|(index, (list, standing))| ListRule {
            name: standing.name.clone(),
            polarity: list.polarity,
            mode: list.mode,
            loaded: standing.made.is_some(),
            stale: standing.is_stale(list.max_age, now),
            near: self.info(index).and_then(|info| near_rule(list, info)),
        });
        Rulebook::new(self.snapshot.clone(), self.of_snapshot.clone(), rules.collect())
    }

    /// What the snapshot says of a configured list, if it is in it.
    fn info(&self, index: usize) -> Option<&ListInfo> {
        let place = self.of_snapshot.iter().position(|&of| usize::from(of) == index)?;
        self.snapshot.as_ref()?.lists().get(place)
    }
}

/// How a list's perceptual hashes are taken; `None` where it has none.
fn near_rule(list: &List, info: &ListInfo) -> Option<NearRule> {
    let beside_digests = if info.algorithms.is_empty() { list.mode } else { Mode::Shadow };
    let near = &list.near;
    (!info.near.is_empty()).then(|| NearRule {
        mode: near.mode.unwrap_or(beside_digests),
        distance: near.distance,
        wide: near.wide,
        quality: near.quality,
        convention: info.convention().unwrap_or(Convention::Full),
        variants: near.variants.list(),
        wide_denies: near.wide_denies,
        variants_deny: near.variants_deny,
    })
}

impl Standing {
    /// Time since its source was changed; `None` where it was never loaded.
    pub fn age(&self, now: SystemTime) -> Option<Duration> {
        self.made.map(|made| now.duration_since(made).unwrap_or_default())
    }

    /// Whether it is older than `max_age`.
    pub fn is_stale(&self, max_age: Option<Duration>, now: SystemTime) -> bool {
        matches!((self.age(now), max_age), (Some(age), Some(limit)) if age >= limit)
    }
}

/// The lists of one state directory.
#[derive(Debug)]
pub struct ListStore {
    directory: PathBuf,
}

impl ListStore {
    /// Keeps compiled lists in `state`, which must exist.
    ///
    /// # Errors
    /// The directory can't be made.
    pub fn new(state: &Path) -> io::Result<Self> {
        let directory = state.join("lists");
        fs::create_dir_all(&directory)?;
        Ok(ListStore { directory })
    }

    /// Compiles every list anew, keeps the last good version of those that fail, and merges them.
    /// `accepted` names lists whose size may be implausible. Takes as long as it takes: not for an
    /// async thread.
    ///
    /// # Errors
    /// The set itself can't be built; what served goes on serving.
    pub fn load(&self, lists: &[List], accepted: &[String]) -> Result<Loaded, ListError> {
        let mut loaded = Loaded::default();
        let mut parts = Vec::new();
        for (index, list) in lists.iter().enumerate() {
            let refreshed = self.refresh(list, accepted.contains(&list.name));
            let error = refreshed.err().map(|error| error.to_string());
            let serving = self.last_good(&list.name);
            let (entries, made) = match &serving {
                Some((snapshot, made)) => (snapshot.entries(), Some(*made)),
                None => (0, None),
            };
            let name = Arc::from(list.name.as_str());
            loaded.standings.push(Standing { name, entries, made, error });
            if let Some((snapshot, _)) = serving {
                loaded.of_snapshot.push(index as u16);
                parts.push((list.name.as_str(), snapshot));
            }
        }
        loaded.snapshot = self.set(&parts)?;
        Ok(loaded)
    }

    /// Compiles one list, checks it, and puts it in the last good one's place.
    fn refresh(&self, list: &List, accepted: bool) -> Result<(), ListError> {
        let at = |error| ListError::File(list.source.clone(), error);
        let source = File::open(&list.source).map_err(at)?;
        let changed = source.metadata().and_then(|m| m.modified()).map_err(at)?;
        let made = self.directory.join(format!("{}.new", list.name));
        match source_format(&list.format) {
            Some(format) => {
                let mut compiler = Compiler::default();
                add_source(&mut compiler, list, &format, source)?;
                write(&made, |out| compiler.write(out))?;
            }
            None => copy_snapshot(list, &made)?,
        }
        let snapshot = open_checked(&made)?;
        if let Some((serving, _)) = self.last_good(&list.name).filter(|_| !accepted) {
            let plausible = check_size(serving.entries(), snapshot.entries());
            plausible.map_err(|size| ListError::Size(size, list.name.clone()))?;
        }
        let kept = self.path(&list.name);
        let keep = || {
            // The file's time is the source's: its age survives a restart.
            File::options().write(true).open(&made)?.set_modified(changed)?;
            fs::rename(&made, &kept)
        };
        keep().map_err(|error| ListError::File(kept.clone(), error))
    }

    /// The version that was last found good, if it still is.
    fn last_good(&self, name: &str) -> Option<(Snapshot, SystemTime)> {
        let path = self.path(name);
        let made = fs::metadata(&path).and_then(|m| m.modified()).ok()?;
        Some((open_checked(&path).ok()?, made))
    }

    fn set(&self, parts: &[(&str, Snapshot)]) -> Result<Option<Arc<Snapshot>>, ListError> {
        if parts.is_empty() {
            return Ok(None);
        }
        let parts: Vec<(&str, &Snapshot)> = parts.iter().map(|(name, s)| (*name, s)).collect();
        let (made, kept) = (self.directory.join("set.new"), self.directory.join("set.snapshot"));
        write(&made, |out| merge(&parts, out))?;
        let snapshot = open_checked(&made)?;
        fs::rename(&made, &kept).map_err(|error| ListError::File(kept, error))?;
        Ok(Some(Arc::new(snapshot)))
    }

    fn path(&self, name: &str) -> PathBuf {
        // A list may be called "set": its file is not the set's.
        self.directory.join(format!("list-{name}.snapshot"))
    }
}

/// Compiles a list's source file.
///
/// # Errors
/// The source can't be read or is wrong, or it holds more short hashes than the list is meant to.
pub fn add_source(
    compiler: &mut Compiler,
    list: &List,
    format: &SourceFormat,
    source: File,
) -> Result<(), ListError> {
    let key = compiler.list(&list.name)?;
    compiler.convention(key, list.near.convention)?;
    let input = BufReader::with_capacity(256 * 1024, source);
    let mut counts: BTreeMap<PerceptualKind, u64> = BTreeMap::new();
    let read = read_source(format, input, &mut |entry| {
        if let HashKind::Perceptual(kind) = entry.hash.kind() {
            *counts.entry(kind).or_default() += 1;
        }
        compiler.add(key, &entry);
    });
    read.map_err(|errors| ListError::Source(list.source.clone(), errors))?;
    let near = counts.into_iter().map(|(kind, entries)| NearInfo {
        kind: NearKind::Perceptual(kind),
        entries,
        canary: false,
    });
    refuse_short_hashes(list, near)
}

/// Opens the snapshot that is a list's source.
///
/// # Errors
/// As [`open_checked`], or it holds more short hashes than the list is meant to.
pub fn open_source(list: &List, path: &Path) -> Result<Snapshot, ListError> {
    let snapshot = open_checked(path)?;
    let near = snapshot.lists().iter().flat_map(|list| list.near.iter().copied());
    refuse_short_hashes(list, near)?;
    Ok(snapshot)
}

/// Many short hashes hit innocent pictures: about one in 100,000 pairs (docs/accuracy.md).
///
/// # Errors
/// There are too many, and the configuration does not say that they are wanted.
fn refuse_short_hashes(
    list: &List,
    mut near: impl Iterator<Item = NearInfo>,
) -> Result<(), ListError> {
    match near.find(NearInfo::is_too_short) {
        Some(NearInfo { kind, entries, .. }) if !list.near.short_hashes => {
            Err(ListError::ShortHashes(list.name.clone(), kind.hash_kind(), entries))
        }
        Some(_) | None => Ok(()),
    }
}

/// Writes a file whole and durably, readable by its owner only: list data is evidence-grade.
///
/// # Errors
/// It can't be written.
pub fn write(
    path: &Path,
    fill: impl FnOnce(&mut BufWriter<File>) -> Result<(), CompileError>,
) -> Result<(), ListError> {
    use std::os::unix::fs::OpenOptionsExt;
    let at = |error| ListError::File(path.to_path_buf(), error);
    let mut options = File::options();
    let file = options.write(true).create(true).truncate(true).mode(0o600).open(path);
    let mut out = BufWriter::new(file.map_err(at)?);
    fill(&mut out)?;
    let file = out.into_inner().map_err(|error| at(error.into_error()))?;
    file.sync_all().map_err(at)
}

/// Opens a snapshot as it will be served, every byte of it checked.
///
/// # Errors
/// It can't be read, is damaged, or is something else.
pub fn open_checked(path: &Path) -> Result<Snapshot, ListError> {
    let at = |error| ListError::Snapshot(path.to_path_buf(), error);
    verify_checksums(path).map_err(at)?;
    Snapshot::open(path).map_err(at)
}

/// How a configured list's source is read; `None` where it is a snapshot already.
pub fn source_format(format: &Format) -> Option<SourceFormat> {
    Some(match format {
        Format::Snapshot => return None,
        Format::Plain(kind) => SourceFormat::Plain(*kind),
        Format::Tagged => SourceFormat::Tagged,
        Format::Csv { columns, delimiter } => SourceFormat::Csv(CsvMap {
            delimiter: *delimiter,
            columns: columns.hashes.iter().map(|(kind, name)| (*kind, name.clone())).collect(),
            label: columns.label.clone(),
            quality: columns.quality.clone(),
        }),
        Format::Hashdeep => SourceFormat::Hashdeep,
        Format::Md5sum(algorithm) => SourceFormat::Md5sum(*algorithm),
    })
}

/// A snapshot from elsewhere becomes our own copy, under the name that it has here.
fn copy_snapshot(list: &List, made: &Path) -> Result<(), ListError> {
    let (source, staged) = (&list.source, made.with_extension("copy"));
    fs::copy(source, &staged).map_err(|error| ListError::File(source.clone(), error))?;
    let opened = open_source(list, &staged)
        .and_then(|snapshot| write(made, |out| merge(&[(&list.name, &snapshot)], out)));
    let removed = fs::remove_file(&staged);
    opened?;
    removed.map_err(|error| ListError::File(staged, error))
}
