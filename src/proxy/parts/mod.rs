//! The parts of multipart uploads: recorded as the store takes them, judged together before they
//! become an object.
//!
//! [`create`] is the start, as far as it says what the Complete has to know; [`part`] is one
//! UploadPart, from its head to its record; [`complete`] is the Complete: which parts it names, what
//! they come to together, and what is done once the store has answered.
//! [`running`] keeps the digests of large uploads up to date while their parts come in.

pub(super) mod complete;
pub(super) mod create;
pub(super) mod part;
mod running;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::sync::OnceCell;

use crate::s3;
use crate::state::{Leases, State, StateError, UploadKey};
use running::Runs;

/// What all requests share about multipart uploads.
pub struct Parts {
    state: Arc<State>,
    leases: Arc<Leases>,
    /// So long after the first start, uploads whose parts nobody saw may have begun before there was
    /// a gate.
    grace: Duration,
    first_start: OnceCell<SystemTime>,
    /// How long a Complete waits for parts that are under way.
    patience: Duration,
    runs: Runs,
}

impl Parts {
    /// `grace` counts from the first start with this state.
    pub fn new(state: Arc<State>, grace: Duration, patience: Duration) -> Self {
        let (leases, runs, first_start) = (Leases::new(), Runs::default(), OnceCell::new());
        Parts { state, leases, grace, first_start, patience, runs }
    }

    /// Notes the time as the first start, unless there was one before.
    ///
    /// # Errors
    /// The state doesn't answer.
    pub async fn started(&self) -> Result<SystemTime, StateError> {
        let now = SystemTime::now();
        self.first_start.get_or_try_init(|| self.state.first_start(now)).await.copied()
    }

    /// The state behind it.
    pub fn state(&self) -> &Arc<State> {
        &self.state
    }

    /// Whether an upload may have begun before there was a gate.
    async fn is_in_grace(&self) -> Result<bool, StateError> {
        Ok(SystemTime::now() < self.started().await? + self.grace)
    }

    /// The client has given an upload up: what is kept of it goes, in a task of its own.
    pub(super) fn aborted(self: &Arc<Self>, request: &s3::Request) {
        let Some(upload) = upload_of(request) else { return };
        let parts = self.clone();
        tokio::spawn(async move {
            // What is left, the janitor removes.
            let _ = parts.state.forget(&upload).await;
        });
    }
}

/// The multipart upload that a request belongs to.
fn upload_of(request: &s3::Request) -> Option<UploadKey> {
    let (bucket, key) = (request.bucket.as_deref()?, request.key.as_deref()?);
    Some(UploadKey::of(bucket.as_bytes(), key.as_bytes(), request.upload_id.as_deref()?.as_bytes()))
}
