//! Digests that follow a large upload while its parts come in, so that its bytes need not be kept to
//! the end, nor read again then.
//!
//! An upload whose parts come to more than an image may have is followed: whenever the next part in
//! order is there, its bytes are read from the spool into a running digest, the digest's state is
//! kept, and the bytes go. Any gate that shares the state can go on with it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::Parts;
use crate::digest::{AlgorithmSet, Kernel, MultiHasher};
use crate::state::{PartRecord, Prefix, StateError, UploadKey};

/// Bytes of new parts after which digests are brought up to date: each time takes a listing.
const STEP_BYTES: u64 = 32 << 20;

/// Uploads that are followed at a time. Beyond it, uploads are read at their Complete, or not judged.
const RUNS_MAX: usize = 10_000;

/// How uploads are followed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rule {
    /// Up to this size an upload's bytes are kept for its Complete.
    pub image_max: u64,
    /// The digests that are needed.
    pub wanted: AlgorithmSet,
}

/// The uploads that have parts under this gate.
#[derive(Default)]
pub(super) struct Runs {
    table: Mutex<HashMap<UploadKey, Run>>,
}

/// How far one upload is.
#[derive(Default)]
struct Run {
    /// Bytes of parts that came through this gate.
    bytes: u64,
    /// Of these, bytes since the digests were brought up to date.
    fresh: u64,
    /// Whether a task is at it.
    busy: bool,
}

impl Runs {
    /// A part of so many bytes was recorded.
    pub(super) fn part_came(&self, parts: &Arc<Parts>, upload: UploadKey, bytes: u64, rule: Rule) {
        if self.is_due(upload, bytes, rule.image_max) {
            tokio::spawn(follow(parts.clone(), upload, rule.wanted));
        }
    }

    /// Nothing more will come of an upload.
    pub(super) fn forget(&self, upload: &UploadKey) {
        self.lock().remove(upload);
    }

    fn is_due(&self, upload: UploadKey, bytes: u64, image_max: u64) -> bool {
        let mut table = self.lock();
        if table.len() >= RUNS_MAX && !table.contains_key(&upload) {
            return false;
        }
        let run = table.entry(upload).or_default();
        run.bytes = run.bytes.saturating_add(bytes);
        run.fresh = run.fresh.saturating_add(bytes);
        let due = !run.busy && run.bytes > image_max && run.fresh >= STEP_BYTES;
        if due {
            (run.busy, run.fresh) = (true, 0);
        }
        due
    }

    fn ended(&self, upload: &UploadKey) {
        if let Some(run) = self.lock().get_mut(upload) {
            run.busy = false;
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<UploadKey, Run>> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn follow(parts: Arc<Parts>, upload: UploadKey, wanted: AlgorithmSet) {
    if let Err(error) = advance(&parts, &upload, wanted).await {
        // Nothing is lost: the bytes are still there, and the Complete reads them.
        tracing::warn!(%error, "the digests of an upload can't be brought up to date");
    }
    parts.runs.ended(&upload);
}

/// Brings the digests up to the last part that is there without a gap before it.
pub(super) async fn advance(
    parts: &Parts,
    upload: &UploadKey,
    wanted: AlgorithmSet,
) -> Result<(), StateError> {
    let view = parts.state.load(upload).await?;
    let next = next_parts(view.records());
    let chain = parts.state.best_chain(upload, &next).await?;
    let (mut hasher, start) = match &chain {
        Some(chain) => match MultiHasher::resume(&chain.midstate, Kernel::Auto) {
            Some(hasher) => (hasher, chain.prefix),
            None => return Ok(()),
        },
        None => (MultiHasher::new(wanted, Kernel::Auto), Prefix::EMPTY),
    };
    let mut reached = start;
    let mut read = Vec::new();
    for part in &next[usize::from(start.parts)..] {
        let Some(spool) = part.spool else { break };
        let Ok(mut reader) = parts.state.read_spools(upload, &[spool]) else { break };
        while let Some(bytes) = reader.next().await? {
            hasher.update(&bytes);
        }
        reached = reached.then(part);
        read.push(spool);
    }
    if reached != start {
        let replaced = (start != Prefix::EMPTY).then_some(&start);
        parts.state.put_chain(upload, &reached, &hasher.save(), replaced).await?;
        parts.state.drop_spools(upload, &read).await?;
    }
    Ok(())
}

/// The parts from the first on without a gap, as long as each came under one ETag: of two, nobody
/// knows which will count.
fn next_parts(records: &[PartRecord]) -> Vec<PartRecord> {
    let mut next = Vec::new();
    let taken: Vec<PartRecord> =
        records.iter().filter(|record| !record.is_unanswered()).copied().collect();
    for (number, same) in (1u16..).zip(taken.chunk_by(|a, b| a.number == b.number)) {
        let [first, others @ ..] = same else { break };
        if first.number != number || others.iter().any(|other| other.tag != first.tag) {
            break;
        }
        next.push(*first);
    }
    next
}
