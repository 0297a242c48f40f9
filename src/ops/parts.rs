//! The state of multipart uploads: where it lies, whether it is fit, and keeping it tidy.

use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Weak};
use std::time::{Duration, SystemTime};

use super::stores::account;
use crate::config::Config;
use crate::proxy::parts::Parts;
use crate::state::{OpenError, Place, State, StateOptions, Unfit};

/// Memory for parts on their way to and from the spool, in bytes.
const SPOOL_MEMORY_MAX: u64 = 256 << 20;

/// How often the janitor visits some uploads, once it has been round.
const VISIT: Duration = Duration::from_secs(60);

/// How often it does before: a round has some hundred visits, and tells how full the spool is.
const FIRST_VISITS: Duration = Duration::from_millis(50);

/// Why the state can't be used.
#[derive(Debug, thiserror::Error)]
pub enum PartsFault {
    /// The secret can't be read.
    #[error("{0}: {1}")]
    Secret(PathBuf, io::Error),
    /// It can't be opened.
    #[error("{0}")]
    Open(#[from] OpenError),
    /// It can't do what it must.
    #[error("the bucket for the parts of multipart uploads is not fit for it: {0}")]
    Unfit(#[source] Unfit),
}

/// Opens the state that the configuration names, and tries what it can do.
///
/// # Errors
/// See [`PartsFault`]. A bucket that can't be reached is no error: until it can, what needs it
/// follows `faults`.
pub async fn open(config: &Config) -> Result<Arc<Parts>, PartsFault> {
    let options = options(config)?;
    let state = Arc::new(State::open(&options)?);
    match state.check_backend().await {
        Ok(can) => tracing::debug!(%can, "state of multipart uploads"),
        Err(Unfit::Failed { doing, error }) => {
            tracing::error!(doing, %error, "the state of multipart uploads can't be used");
        }
        Err(unfit) => return Err(PartsFault::Unfit(unfit)),
    }
    let (grace, patience) = (config.state.multipart_grace, config.state.timeout);
    let parts = Parts::new(state, grace, patience);
    if let Err(error) = parts.started().await {
        tracing::error!(%error, "the first start can't be noted");
    }
    Ok(Arc::new(parts))
}

fn options(config: &Config) -> Result<StateOptions, PartsFault> {
    let state = &config.state;
    let place = match &state.shared {
        None => Place::Directory(state.parts_directory.clone()),
        Some(shared) => Place::Bucket {
            account: account(&shared.endpoint, &shared.region, &shared.credentials)
                .map_err(|(path, error)| PartsFault::Secret(path, error))?,
            bucket: shared.bucket.clone(),
            prefix: String::new(),
        },
    };
    Ok(StateOptions {
        place,
        fsync: state.sync,
        timeout: state.timeout,
        spool_max: state.spool_max,
        spool_memory_max: SPOOL_MEMORY_MAX,
        ttl: state.ttl,
    })
}

/// Removes what is too old, for as long as the gate lives.
pub(super) async fn tidy(parts: Weak<Parts>) {
    let mut pause = FIRST_VISITS;
    loop {
        tokio::time::sleep(pause).await;
        let Some(parts) = parts.upgrade() else { return };
        match parts.state().sweep(SystemTime::now()).await {
            Ok(swept) if swept.round_ended => pause = VISIT,
            Ok(_) => {}
            Err(error) => {
                tracing::warn!(%error, "the state of multipart uploads can't be tidied");
                pause = VISIT;
            }
        }
    }
}
