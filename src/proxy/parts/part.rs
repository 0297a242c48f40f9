//! One part on its way: its bytes go to the spool while they go to the store, and its record is
//! there before its client hears that the store has it.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use tokio::task::JoinHandle;

use super::running::Rule;
use super::{Parts, upload_of};
use crate::digest::AlgorithmSet;
use crate::inspect::Evidence;
use crate::policy::Unjudged;
use crate::s3;
use crate::state::{
    Flight, PART_NUMBER_MAX, PartLease, PartRecord, PartTag, SpoolRef, SpoolRefused, SpoolWriter,
    UploadKey,
};

/// A part under way.
pub struct Part {
    parts: Arc<Parts>,
    upload: UploadKey,
    number: u16,
    /// Keeps the upload from being completed meanwhile.
    lease: PartLease,
    /// When it began: [`State::stamp`](crate::state::State::stamp).
    began: u64,
    spool: Option<SpoolWriter>,
    /// Whether the upload was refused already.
    poisoned: bool,
}

/// A part whose bytes are with the store, which has not answered yet.
pub struct Sent {
    part: Part,
    evidence: Evidence,
    rule: Rule,
}

impl Part {
    /// The part that a request brings. `None` where it has a number that no part can have, which
    /// the store will say.
    ///
    /// # Errors
    /// The upload is being completed, or the state doesn't answer.
    pub async fn begin(
        parts: &Arc<Parts>,
        request: &s3::Request,
    ) -> Result<Option<Part>, Unjudged> {
        let number = request.part_number.and_then(|number| u16::try_from(number).ok());
        let number = number.filter(|number| (1..=PART_NUMBER_MAX).contains(number));
        let (Some(number), Some(upload)) = (number, upload_of(request)) else { return Ok(None) };
        let lease = parts.leases.try_begin_part(upload).ok_or(Unjudged::Budget)?;
        let poisoned = parts.state.is_poisoned(&upload).await.map_err(|error| {
            tracing::warn!(%error, "the state can't tell whether an upload was refused");
            Unjudged::Spool
        })?;
        let (parts, began) = (parts.clone(), parts.state.stamp());
        Ok(Some(Part { parts, upload, number, lease, began, spool: None, poisoned }))
    }

    /// Whether the upload was refused already: then nothing more of it may pass.
    pub fn is_poisoned(&self) -> bool {
        self.poisoned
    }

    /// Whether its bytes are being kept.
    pub fn is_spooled(&self) -> bool {
        self.spool.is_some()
    }

    /// From here on its bytes, so many, are kept.
    ///
    /// # Errors
    /// There is no room for them.
    pub fn spool(&mut self, bytes: u64) -> Result<(), Unjudged> {
        match self.parts.state.begin_spool(&self.upload, bytes) {
            Ok(spool) => self.spool = Some(spool),
            Err(SpoolRefused::Full) => return Err(Unjudged::Spool),
            Err(SpoolRefused::Busy) => return Err(Unjudged::Budget),
            // Larger than any part may be; the store will say so.
            Err(SpoolRefused::TooLong) => {}
        }
        Ok(())
    }

    /// Keeps the next bytes.
    ///
    /// # Errors
    /// They can't be written; nothing of the part is kept then.
    pub async fn write(&mut self, pieces: Vec<Bytes>) -> Result<(), Unjudged> {
        let Some(spool) = &mut self.spool else { return Ok(()) };
        for piece in pieces {
            if let Err(error) = spool.write(piece).await {
                tracing::warn!(%error, "a part can't be spooled");
                self.spool = None;
                return Err(Unjudged::Spool);
            }
        }
        Ok(())
    }

    /// Its own bytes are refused: nothing of its upload may become an object any more. The client
    /// must not hear of it before this is done.
    pub fn refused(&self) -> JoinHandle<()> {
        let (parts, upload) = (self.parts.clone(), self.upload);
        // In a task of its own, which a client that goes away can't stop.
        tokio::spawn(async move {
            if let Err(error) = parts.state.poison(&upload).await {
                tracing::error!(%error, "an upload with a refused part can't be marked");
            }
        })
    }

    fn as_record(&self, tag: PartTag, spool: Option<SpoolRef>, evidence: &Evidence) -> PartRecord {
        let state = &self.parts.state;
        let flight =
            Flight { process: state.process(), began: self.began, answered: state.stamp() };
        let Evidence { digests, payload: size, format, .. } = *evidence;
        PartRecord { number: self.number, tag, size, digests, format, spool, flight }
    }

    async fn note_unanswered(&self, evidence: &Evidence) {
        let record = self.as_record(PartTag::none(), None, evidence);
        if let Err(error) = self.parts.state.put_record(&self.upload, &record).await {
            tracing::warn!(%error, "that a part was not answered can't be recorded");
        }
    }

    /// All of it is on its way to the store.
    pub fn sent(self, evidence: Evidence, image_max: u64, wanted: AlgorithmSet) -> Sent {
        Sent { part: self, evidence, rule: Rule { image_max, wanted } }
    }
}

impl Sent {
    /// Records the part if the store has taken it: with this status, and this ETag among the headers.
    ///
    /// # Errors
    /// The record can't be kept: the client must not hear that its part is there.
    pub async fn answered(self, status: StatusCode, headers: &HeaderMap) -> Result<(), Unjudged> {
        let etag = headers.get(http::header::ETAG).and_then(|etag| etag.to_str().ok());
        match etag {
            Some(etag) if status.is_success() => return self.record(etag).await,
            // Refused. A spool that was not finished undoes itself.
            Some(_) | None if status.is_client_error() => {}
            // What a store makes of a part that it has trouble with, nobody knows.
            Some(_) | None => self.unanswered().await,
        }
        Ok(())
    }

    /// Notes that the store had the part and never answered: it may have replaced the one before it.
    pub async fn unanswered(self) {
        self.part.note_unanswered(&self.evidence).await;
    }

    /// Records the part under an ETag of the store's.
    ///
    /// # Errors
    /// As for [`Sent::answered`].
    pub async fn record(mut self, etag: &str) -> Result<(), Unjudged> {
        let kept = async {
            let spool = match self.part.spool.take() {
                Some(spool) => Some(spool.finish().await?),
                None => None,
            };
            let record = self.part.as_record(PartTag::of(etag), spool, &self.evidence);
            self.part.parts.state.put_record(&self.part.upload, &record).await
        };
        if let Err(error) = kept.await {
            tracing::warn!(%error, "a part can't be recorded");
            // The store has it all the same.
            self.part.note_unanswered(&self.evidence).await;
            return Err(Unjudged::Spool);
        }
        let Sent { part: Part { parts, upload, lease, .. }, evidence, rule } = self;
        drop(lease);
        parts.runs.part_came(&parts, upload, evidence.payload, rule);
        Ok(())
    }
}
