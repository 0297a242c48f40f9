//! One running gate: what it was configured with, what serves, and how that changes.

mod clients;

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use tokio::sync::{Mutex as AsyncMutex, watch};

use super::audit::{self, Audit, AuditSettings, Retained};
use super::bypass::BypassStore;
use super::credentials::Watch;
use super::entrances;
use super::lists::{ListStore, Loaded, Standing};
use super::parts::{self, PartsFault};
use super::stores::{self, StoreFault};
use crate::config::{self, Config, ConfigErrors, DigestCode, Passes};
use crate::decode::{Launch, Pool, Terms};
use crate::digest::Kernel;
use crate::image;
use crate::net::budget::Budget;
use crate::net::entrance::Entrance;
use crate::policy::Exceptions;
use crate::proxy::gate::{Decode, Gate, Inspect, Settings, View};
use crate::proxy::meters::Meters;
use crate::proxy::record::NodeFacts;
use crate::proxy::stores::Stores;
use crate::unpack;

/// How often ages, budgets and idle connections are looked at.
const TICK: Duration = Duration::from_secs(1);

/// How often an operator who runs without any list is told so.
const NO_LIST_WARNING: Duration = Duration::from_secs(60);

/// Why a configuration can't be had or used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigFault {
    /// The file can't be read.
    #[error("{0}: {1}")]
    File(PathBuf, io::Error),
    /// It is wrong.
    #[error("{0}:\n{1}")]
    Wrong(PathBuf, ConfigErrors),
}

/// Why a gate can't start.
#[derive(Debug, thiserror::Error)]
pub enum StartFault {
    /// The state directory, or something in it, can't be used.
    #[error("{0}: {1}")]
    State(PathBuf, io::Error),
    /// The audit writer can't be started.
    #[error("audit: {0}")]
    Audit(io::Error),
    /// The processes that decode images can't be looked after.
    #[error("decode: {0}")]
    Decode(io::Error),
    /// A store can't be used as it is configured.
    #[error("{0}")]
    Store(#[from] StoreFault),
    /// The state of multipart uploads can't be used.
    #[error("{0}")]
    Parts(#[from] PartsFault),
}

/// A running gate. Shared by its listeners, its signals and its administrators.
pub struct Node {
    /// The data path.
    pub gate: Arc<Gate>,
    /// The listeners, in the order that the configuration had when they were opened.
    pub entrances: Vec<Arc<Entrance>>,
    /// Operators' temporary acts.
    pub bypasses: Arc<BypassStore>,
    /// The audit writer.
    pub audit: Audit,
    path: PathBuf,
    lists: Arc<ListStore>,
    /// How credentials files looked when they were read.
    watch: Arc<Watch>,
    current: Mutex<Current>,
    /// Reloads happen one after another.
    reloading: AsyncMutex<()>,
    draining: AtomicBool,
    drain: watch::Sender<bool>,
}

/// What is in force.
struct Current {
    config: Arc<Config>,
    standings: Vec<Standing>,
    last_reload_failed: bool,
    /// Credentials files that have changed, and are of no use now.
    useless_files: BTreeSet<PathBuf>,
}

/// What a reload came to.
#[derive(Debug, Default)]
pub struct Reloaded {
    /// What could not be taken, in words; what was there before goes on serving.
    pub errors: Vec<String>,
}

/// Reads a configuration file.
///
/// # Errors
/// It can't be read, or is wrong.
pub fn read_config(path: &Path) -> Result<Config, ConfigFault> {
    let text =
        fs::read_to_string(path).map_err(|error| ConfigFault::File(path.to_path_buf(), error))?;
    let base = path.parent().unwrap_or(Path::new(""));
    Config::parse(&text, base).map_err(|errors| ConfigFault::Wrong(path.to_path_buf(), errors))
}

impl Node {
    /// Starts everything but the listeners, which are told what changes. `path` is read again on
    /// reload.
    ///
    /// # Errors
    /// The state directory or the audit writer can't be used. Lists that can't be loaded are no
    /// error: the gate runs without them, and says so.
    pub async fn start(
        config: Config,
        path: PathBuf,
        entrances: Vec<Arc<Entrance>>,
    ) -> Result<Arc<Self>, StartFault> {
        let state = config.state.directory.clone();
        let at = |path: &Path| {
            let path = path.to_path_buf();
            move |error| StartFault::State(path.clone(), error)
        };
        fs::create_dir_all(&state).map_err(at(&state))?;
        let lists = Arc::new(ListStore::new(&state).map_err(at(&state))?);
        let kept = state.join("bypass.json");
        let bypasses = Arc::new(BypassStore::open(&kept).map_err(at(&kept))?);
        let meters = Arc::new(Meters::new());
        let settings = audit_settings(&config).map_err(at(&state))?;
        let audit = Audit::start(settings, config.audit.queue, node_facts(&config), &meters)
            .map_err(StartFault::Audit)?;
        let loaded = load(&lists, &config, vec![]).await.unwrap_or_else(|error| {
            tracing::error!(%error, "the list set can't be built");
            Loaded::default()
        });
        report(&loaded.standings, &meters);
        let watch = Arc::<Watch>::default();
        let stores = stores::open(&config, &meters, &watch, None)?;
        let view = view(&config, &loaded, stores, &bypasses);
        let budget = Budget::new(config.limits.capture_budget);
        let parts = parts::open(&config).await?;
        tokio::spawn(parts::tidy(Arc::downgrade(&parts)));
        let pool = pool(&config, &meters)?;
        let gate = Gate::new(view, budget, meters, audit.port(), parts, pool);
        let current = Current {
            config: Arc::new(config),
            standings: loaded.standings,
            last_reload_failed: false,
            useless_files: BTreeSet::new(),
        };
        let node = Arc::new(Node {
            gate,
            entrances,
            bypasses,
            audit,
            path,
            lists,
            watch,
            current: Mutex::new(current),
            reloading: AsyncMutex::new(()),
            draining: AtomicBool::new(false),
            drain: watch::Sender::new(false),
        });
        node.tick();
        node.entrances.iter().for_each(|entrance| entrances::tell_certificates(entrance));
        tokio::spawn(entrances::watch(Arc::downgrade(&node)));
        tokio::spawn(ticking(Arc::downgrade(&node)));
        Ok(node)
    }

    /// The configuration in force.
    pub fn config(&self) -> Arc<Config> {
        self.current().config.clone()
    }

    /// The configured lists as they stand.
    pub fn standings(&self) -> Vec<Standing> {
        self.current().standings.clone()
    }

    /// Reads configuration and lists again and opens the audit files by name. What can't be taken
    /// is reported; what was there before goes on serving. `accepted` names lists whose new version
    /// may differ much in size.
    pub async fn reload(&self, accepted: Vec<String>) -> Reloaded {
        let _alone = self.reloading.lock().await;
        let mut reloaded = Reloaded::default();
        let config = match read_config(&self.path) {
            Ok(config) => Arc::new(config),
            Err(error) => {
                reloaded.errors.push(error.to_string());
                self.config()
            }
        };
        match load(&self.lists, &config, accepted).await {
            Ok(loaded) => self.swap(config, loaded, &mut reloaded).await,
            Err(error) => reloaded.errors.push(error),
        }
        {
            let mut current = self.current();
            current.last_reload_failed = !reloaded.errors.is_empty();
            // They were read as well; if one is wrong, that is among the errors.
            current.useless_files.clear();
        }
        for error in &reloaded.errors {
            tracing::error!(%error, "reload");
        }
        self.show_success();
        self.tick();
        reloaded
    }

    async fn swap(&self, config: Arc<Config>, loaded: Loaded, reloaded: &mut Reloaded) {
        report(&loaded.standings, &self.gate.meters);
        let failed = loaded.standings.iter().filter_map(|list| {
            list.error.as_ref().map(|error| format!("list {}: {error}", list.name))
        });
        reloaded.errors.extend(failed);
        reloaded.errors.extend(entrances::reload(&self.entrances, &config));
        match audit_settings(&config) {
            Ok(settings) => self.audit.reconfigure(settings, node_facts(&config)).await,
            Err(error) => reloaded.errors.push(format!("audit: {error}")),
        }
        let serving = self.gate.view.load().stores.clone();
        let stores = match stores::open(&config, &self.gate.meters, &self.watch, Some(&serving)) {
            Ok(stores) => stores,
            Err(error) => {
                reloaded.errors.push(error.to_string());
                // What it has read already, nobody has taken.
                self.watch.forget();
                serving
            }
        };
        let view = view(&config, &loaded, stores, &self.bypasses);
        self.gate.view.store(Arc::new(view));
        self.gate.budget.set_limit(config.limits.capture_budget);
        let mut current = self.current();
        for key in current.config.needs_restart(&config) {
            tracing::warn!(%key, "changed, but takes effect at the next start only");
        }
        current.config = config;
        current.standings = loaded.standings;
    }

    /// Clients' connections that are open, at all listeners.
    pub fn open_connections(&self) -> i64 {
        self.entrances.iter().map(|each| each.connections.count()).sum()
    }

    /// Waits until no listener has a connection. Only where none accepts any more does that last.
    pub async fn connections_ended(&self) {
        for entrance in &self.entrances {
            entrance.connections.ended().await;
        }
    }

    /// Whether load balancers should send requests here.
    pub fn is_ready(&self) -> bool {
        !self.is_draining() && self.current().standings.iter().all(|list| list.made.is_some())
    }

    /// Whether the gate is on its way out.
    pub fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }

    /// Whether the last reload left something undone, or a credentials file has become useless since.
    pub fn last_reload_failed(&self) -> bool {
        let current = self.current();
        current.last_reload_failed || !current.useless_files.is_empty()
    }

    fn show_success(&self) {
        let successful = !self.last_reload_failed();
        self.gate.meters.config_last_reload_successful.set(successful.into());
    }

    /// Begins to drain; waiting for it is the runner's business.
    pub fn begin_drain(&self) {
        self.draining.store(true, Ordering::Relaxed);
        self.drain.send_replace(true);
    }

    /// Tells when draining begins.
    pub fn drain_signal(&self) -> watch::Receiver<bool> {
        self.drain.subscribe()
    }

    /// Brings figures and staleness up to date.
    fn tick(&self) {
        let now = SystemTime::now();
        let meters = &self.gate.meters;
        let (config, standings) = {
            let current = self.current();
            (current.config.clone(), current.standings.clone())
        };
        meters.set_lists(
            standings
                .iter()
                .filter_map(|list| list.age(now).map(|age| (&list.name, list.entries, age))),
        );
        meters.bypass_active.set(self.bypasses.current().active(now).len() as i64);
        entrances::measure(&self.entrances, meters);
        meters.capture_budget.set(self.gate.budget.limit() as i64);
        meters.capture_in_use.set(self.gate.budget.used() as i64);
        let (spooled, spool_max) = self.gate.parts.state().spool_usage();
        meters.spool_in_use.set(i64::try_from(spooled).unwrap_or(i64::MAX));
        meters.spool_max.set(i64::try_from(spool_max).unwrap_or(i64::MAX));
        let view = self.gate.view.load_full();
        meters.enforcing.set(view.enforces_anywhere().into());
        self.tend_stores(&view.stores);
        let stale =
            standings.iter().zip(&config.lists).map(|(s, list)| s.is_stale(list.max_age, now));
        let stale: Vec<bool> = stale.collect();
        if view.rulebook.lists.iter().map(|list| list.stale).ne(stale.iter().copied()) {
            self.gate.view.rcu(|view| view.with_stale(&stale));
        }
    }

    fn tend_stores(&self, stores: &Stores) {
        let addresses = stores.iter().map(|store| {
            store.upstream.tend();
            let standing = store.upstream.standing();
            let up = standing.iter().filter(|(_, is_up)| *is_up).count();
            (store.config.name.as_str(), up, standing.len() - up)
        });
        self.gate.meters.set_addresses(addresses);
    }

    /// Shows at once what an act has changed.
    pub fn refresh(&self) {
        self.tick();
    }

    /// Whether a list has an entry. Looks through all of them: not for the data path.
    pub async fn has_entry(&self, list: &str, entry: &str) -> bool {
        let rulebook = self.gate.view.load().rulebook.clone();
        let Some(snapshot) = rulebook.snapshot.clone() else { return false };
        let is_it = |&index: &u16| {
            rulebook.lists.get(usize::from(index)).is_some_and(|rule| &*rule.name == list)
        };
        let Some(index) = rulebook.of_snapshot.iter().position(is_it) else { return false };
        let entry = entry.to_owned();
        let looking = move || snapshot.has_entry(index as u16, &entry);
        tokio::task::spawn_blocking(looking).await.unwrap_or(false)
    }

    fn current(&self) -> std::sync::MutexGuard<'_, Current> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn ticking(node: std::sync::Weak<Node>) {
    let mut ticks = tokio::time::interval(TICK);
    let mut warned = tokio::time::Instant::now() - NO_LIST_WARNING;
    loop {
        ticks.tick().await;
        let Some(node) = node.upgrade() else { return };
        node.tick();
        node.renew_clients().await;
        if node.config().lists.is_empty() && warned.elapsed() >= NO_LIST_WARNING {
            tracing::warn!("no list is configured: every upload passes");
            warned = tokio::time::Instant::now();
        }
    }
}

async fn load(
    store: &Arc<ListStore>,
    config: &Config,
    accepted: Vec<String>,
) -> Result<Loaded, String> {
    let (store, lists) = (store.clone(), config.lists.clone());
    let loading = tokio::task::spawn_blocking(move || store.load(&lists, &accepted));
    match loading.await {
        Ok(loaded) => loaded.map_err(|error| error.to_string()),
        Err(panicked) => Err(panicked.to_string()),
    }
}

fn report(standings: &[Standing], meters: &Meters) {
    for list in standings {
        match &list.error {
            Some(error) => {
                meters.list_load_failures.inc();
                let serving = list.made.is_some();
                tracing::error!(list = %list.name, %error, serving, "the list can't be taken");
            }
            None => tracing::info!(list = %list.name, entries = list.entries, "list loaded"),
        }
    }
}

fn view(config: &Config, loaded: &Loaded, stores: Stores, bypasses: &Arc<BypassStore>) -> View {
    let rulebook = loaded.rulebook(&config.lists, SystemTime::now());
    let dialects = config.inspect.dialects.clone();
    let (buckets, acts) = (config.buckets.clone(), acts(bypasses));
    View::new(stores, rulebook, buckets, acts, settings(config), dialects)
}

fn settings(config: &Config) -> Settings {
    let (limits, contact) = (&config.limits, &config.refusal.contact);
    Settings {
        capture_max: limits.capture_max,
        small_body_max: limits.small_body_max,
        hold_back: limits.hold_back,
        drain_bytes: limits.drain_bytes,
        drain_time: limits.drain_time,
        kernel: match config.runtime.digests {
            DigestCode::Auto => Kernel::Auto,
            DigestCode::Portable => Kernel::Portable,
        },
        denial: match contact.as_str() {
            "" => "Access Denied".to_owned(),
            contact => format!("Access Denied. Contact: {contact}"),
        },
        inspect: inspect(&config.inspect),
        decode: decode(&config.decode),
    }
}

fn decode(decode: &config::Decode) -> Decode {
    let limits = image::Limits {
        pixels: decode.max_pixels,
        frames: decode.max_frames,
        scans: decode.max_scans,
        memory: decode.memory_limit,
    };
    let (time, wait, queue) = (decode.time_limit, decode.wait, decode.queue);
    Decode {
        terms: Terms { limits, time, wait, queue },
        pictures_max: decode.max_pictures,
        time: decode.upload_time_limit,
    }
}

/// The processes that decode images; none is started before there is one.
fn pool(config: &Config, meters: &Meters) -> Result<Pool, StartFault> {
    let workers = config.decode.workers.or_else(|| std::thread::available_parallelism().ok());
    let workers = workers.unwrap_or(NonZeroUsize::MIN);
    Pool::new(Launch::this_program(), workers, meters.decode.clone()).map_err(StartFault::Decode)
}

fn inspect(inspect: &config::Inspect) -> Inspect {
    let bytes = |bytes: u64| usize::try_from(bytes).unwrap_or(usize::MAX);
    let limits = unpack::Limits {
        output_bytes_max: inspect.decoded_max.max(inspect.unpacked_max),
        ratio_max: inspect.decoded_ratio,
        views_max: u32::try_from(inspect.members_max).unwrap_or(u32::MAX),
        search_bytes_max: bytes(inspect.magic_prefix),
        ..unpack::Limits::default()
    };
    Inspect {
        archives: inspect.archives.is_on(),
        documents: inspect.documents.is_on(),
        limits,
        archive_max: inspect.archive_max,
    }
}

fn audit_settings(config: &Config) -> io::Result<AuditSettings> {
    let audit = &config.audit;
    let retained = |path: &Path, retention| Retained {
        path: path.to_path_buf(),
        rotate_bytes: audit.rotate_size,
        rotate_after: audit.rotate_age,
        retention,
    };
    let key = match audit.passes {
        Passes::Keyed => Some(audit::load_or_create_key(&config.state.directory)?),
        Passes::Minimal | Passes::Full => None,
    };
    Ok(AuditSettings {
        path: retained(&audit.path, audit.retention),
        denials: retained(&audit.denials_path, audit.denials_retention),
        passes: audit.passes,
        key,
    })
}

fn node_facts(config: &Config) -> NodeFacts {
    let name = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    NodeFacts {
        node: name.trim().to_owned(),
        build: env!("CARGO_PKG_VERSION").to_owned(),
        config_hash: config.hash(),
    }
}

/// The operators' acts as the data path asks for them.
struct Acts(Arc<BypassStore>);

fn acts(bypasses: &Arc<BypassStore>) -> Arc<dyn Exceptions + Send + Sync> {
    Arc::new(Acts(bypasses.clone()))
}

impl Exceptions for Acts {
    fn observes(&self, list: &str, bucket: &str) -> bool {
        let acts = self.0.current();
        !acts.observes.is_empty() && acts.observes(list, bucket, SystemTime::now())
    }

    fn is_disabled(&self, list: &str, entry: &str) -> bool {
        self.0.current().is_disabled(list, entry, SystemTime::now())
    }
}
