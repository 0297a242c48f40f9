//! The Complete of a multipart upload: the verdict falls on exactly the parts that it names, put
//! together in order, before the store hears of it.

use std::sync::Arc;

use bytes::Bytes;

use super::{Parts, create, upload_of};
use crate::digest::MultiHasher;
use crate::inspect::{Codings, Evidence, Gap, HoldBack, Inspector, Scope};
use crate::net::budget::{Budget, Reservation};
use crate::own_access::OwnAccess;
use crate::policy::Unjudged;
use crate::s3::{self, BodyPlan, Completion, ETag, MAX_ANSWER};
use crate::state::{
    CompleteLease, PartRecord, PartTag, Prefix, SpoolRef, SpoolRefused, StateError, Unresolved,
    UploadKey,
};

/// A Complete under way. While it lives no part of its upload is let in.
pub struct Complete {
    parts: Arc<Parts>,
    upload: UploadKey,
    _lease: CompleteLease,
    /// The parts that it names.
    listed: Vec<(u16, PartTag)>,
    /// Bytes of all of them.
    bytes: u64,
    answer: AnswerEyes,
}

/// What is known about the object that a Complete would make.
pub enum Assembled {
    /// It was refused before.
    Poisoned,
    /// The store has made this very list an object already: the request is a repetition.
    Done,
    /// What its bytes are, and the bytes themselves where they were few enough to keep.
    Seen(Box<Object>),
    /// Two different parts came under one number and ETag.
    Conflict,
    /// Other bytes than a listed part's came under its number, and perhaps later.
    Superseded,
    /// Some of its parts are copies that nobody read back.
    Copies,
    /// It can't be told.
    Unjudged(Unjudged),
    /// No gate saw some of its parts, which were sent before there was one.
    FromBefore,
}

/// An object put together from its parts.
pub struct Object {
    /// What it is.
    pub evidence: Evidence,
    /// Its bytes, if they were kept.
    pub payload: Vec<Bytes>,
    /// The memory that they take, and that reading them took.
    pub reservation: Option<Reservation>,
    /// How the upload's start said that it is coded.
    pub codings: Option<Codings>,
}

/// How an object is looked at.
#[derive(Clone)]
pub struct Look<'a> {
    /// What is looked for.
    pub scope: &'a Scope,
    /// Objects up to this size are kept, to be looked into; of larger pictures so much, where those are
    /// looked at.
    pub image_max: u64,
    /// Where the memory for that comes from.
    pub budget: &'a Arc<Budget>,
}

impl Complete {
    /// Takes the upload for a Complete, and waits for its parts under way.
    ///
    /// # Errors
    /// Another Complete, or parts that don't end.
    pub async fn begin(parts: &Arc<Parts>, request: &s3::Request) -> Result<Complete, Unjudged> {
        let upload = upload_of(request).ok_or(Unjudged::PartUnseen)?;
        let mut lease = parts.leases.begin_complete(upload).ok_or(Unjudged::Budget)?;
        tokio::time::timeout(parts.patience, lease.quiet()).await.map_err(|_| Unjudged::Budget)?;
        let (parts, listed, answer) = (parts.clone(), Vec::new(), AnswerEyes::default());
        Ok(Complete { parts, upload, _lease: lease, listed, bytes: 0, answer })
    }

    /// What the listed parts come to together.
    pub async fn assemble(&mut self, listed: &[(u32, ETag)], look: &Look<'_>) -> Assembled {
        match self.try_assemble(listed, look).await {
            Ok(assembled) => assembled,
            // Bytes that are gone for good: asking again would not bring them back.
            Err(StateError::Damaged(what)) => {
                tracing::warn!(what, "bytes of an upload's parts are gone");
                Assembled::Unjudged(Unjudged::MultipartOrder)
            }
            Err(error) => {
                tracing::warn!(%error, "the parts of an upload can't be had");
                Assembled::Unjudged(Unjudged::Spool)
            }
        }
    }

    async fn try_assemble(
        &mut self,
        listed: &[(u32, ETag)],
        look: &Look<'_>,
    ) -> Result<Assembled, StateError> {
        let view = self.parts.state.load(&self.upload).await?;
        if view.is_poisoned() {
            return Ok(Assembled::Poisoned);
        }
        let tagged = |(number, etag): &(u32, ETag)| {
            (u16::try_from(*number).unwrap_or(u16::MAX), PartTag::of(etag.as_str()))
        };
        self.listed = listed.iter().map(tagged).collect();
        if view.is_completed(&self.listed) {
            return Ok(Assembled::Done);
        }
        let records = match view.resolve(&self.listed) {
            Ok(records) => records,
            Err(Unresolved::Unseen { number }) => return self.unseen(number).await,
            Err(Unresolved::Conflict { number }) => {
                tracing::warn!(number, "two different parts came under one ETag");
                return Ok(Assembled::Conflict);
            }
            Err(Unresolved::Superseded { .. }) => return Ok(Assembled::Superseded),
        };
        if records.iter().any(is_unread_copy) {
            return Ok(match records.as_slice() {
                // All of one object: a copy like any other.
                [_] => Assembled::Unjudged(Unjudged::Copy),
                _ => Assembled::Copies,
            });
        }
        self.bytes = Prefix::of(&records).bytes;
        let Some(codings) = view.coded().map(create::codings) else {
            let plan = self.plan(&records, look).await?;
            return self.carry_out(plan, look).await;
        };
        let scope = Scope { codings: codings.clone(), ..look.scope.clone() };
        let look = Look { scope: &scope, ..look.clone() };
        // Only whoever sees the bytes can undo it.
        let plan = match kept(&records) {
            Some(spools) => Plan::Read(spools),
            None => self.plan(&records, &look).await?,
        };
        let sees_bytes = matches!(plan, Plan::Read(_));
        let mut assembled = self.carry_out(plan, &look).await?;
        if let Assembled::Seen(object) = &mut assembled {
            object.codings = Some(codings);
            if !sees_bytes {
                object.evidence.gap = Some(Gap::Encoding);
            }
        }
        Ok(assembled)
    }

    async fn unseen(&self, number: u16) -> Result<Assembled, StateError> {
        if self.parts.is_in_grace().await? {
            return Ok(Assembled::FromBefore);
        }
        tracing::warn!(
            number,
            "no gate that shares this state has seen a part of an upload: it may have reached \
             another node (set [state] to a shared bucket) or the store itself"
        );
        Ok(Assembled::Unjudged(Unjudged::PartUnseen))
    }

    /// How the object's digests are to be had, at the least cost.
    async fn plan(&self, records: &[PartRecord], look: &Look<'_>) -> Result<Plan, StateError> {
        // Of a picture that is too large to be kept, what it begins with is.
        let is_picture = records.first().is_some_and(|first| first.format.is_some());
        let is_looked_at = self.bytes <= look.image_max || (is_picture && look.scope.pictures);
        if is_looked_at && let Some(spools) = kept(records) {
            return Ok(Plan::Look(spools));
        }
        if let [only] = records
            && only.digests.algorithms().contains_all(look.scope.wanted)
        {
            return Ok(Plan::Known(*only));
        }
        if let Some(chain) = self.parts.state.best_chain(&self.upload, records).await?
            && let Some(hasher) = MultiHasher::resume(&chain.midstate, look.scope.kernel)
            && hasher.wanted().contains_all(look.scope.wanted)
            && let Some(spools) = kept(&records[usize::from(chain.prefix.parts)..])
        {
            let format = records.first().and_then(|first| first.format);
            return Ok(Plan::GoOn(Box::new(hasher), format, spools));
        }
        Ok(kept(records).map_or(Plan::Nothing, Plan::Read))
    }

    async fn carry_out(&self, plan: Plan, look: &Look<'_>) -> Result<Assembled, StateError> {
        let object = match plan {
            Plan::Nothing => return Ok(Assembled::Unjudged(Unjudged::MultipartOrder)),
            Plan::Known(part) => {
                let PartRecord { digests, size: payload, format, .. } = part;
                Object::bare(Evidence { digests, payload, format, ..Evidence::default() })
            }
            Plan::GoOn(mut hasher, format, spools) => {
                let read = self.read(&spools, |bytes| hasher.update(&bytes)).await;
                if let Err(shortage) = read? {
                    return Ok(Assembled::Unjudged(shortage));
                }
                let payload = hasher.len();
                let digests = hasher.finish();
                Object::bare(Evidence { digests, payload, format, ..Evidence::default() })
            }
            Plan::Look(spools) => return self.read_whole(&spools, look, true).await,
            Plan::Read(spools) => return self.read_whole(&spools, look, false).await,
        };
        Ok(Assembled::Seen(Box::new(object)))
    }

    /// Reads the whole object, and keeps it, or its beginning, if it is to be looked into.
    async fn read_whole(
        &self,
        spools: &[SpoolRef],
        look: &Look<'_>,
        keeps: bool,
    ) -> Result<Assembled, StateError> {
        let length = self.bytes;
        let plan = BodyPlan::Identity { length: Some(length) };
        let mut inspector = Inspector::new(&plan, look.scope);
        let most = length.min(look.image_max);
        let room = look.scope.decoder_bytes_max() + if keeps { most } else { 0 };
        let Some(reservation) = look.budget.reserve(room) else {
            return Ok(Assembled::Unjudged(Unjudged::Budget));
        };
        if keeps {
            inspector.keep();
            inspector.keep_first(most);
        }
        let read = self.read(spools, |bytes| {
            // Nothing is held back here: the store has these bytes.
            let fed = inspector.feed(bytes, &mut HoldBack::new(0));
            debug_assert!(fed.is_ok(), "a body without framing can't be malformed");
        });
        if let Err(shortage) = read.await? {
            return Ok(Assembled::Unjudged(shortage));
        }
        let payload = inspector.take_kept();
        let Ok(evidence) = inspector.finish() else {
            return Ok(Assembled::Unjudged(Unjudged::Spool));
        };
        let object = Object { evidence, payload, reservation: Some(reservation), codings: None };
        Ok(Assembled::Seen(Box::new(object)))
    }

    async fn read(
        &self,
        spools: &[SpoolRef],
        mut see: impl FnMut(Bytes),
    ) -> Result<Result<(), Unjudged>, StateError> {
        let mut reader = match self.parts.state.read_spools(&self.upload, spools) {
            Ok(reader) => reader,
            Err(SpoolRefused::Busy | SpoolRefused::Full | SpoolRefused::TooLong) => {
                return Ok(Err(Unjudged::Budget));
            }
        };
        while let Some(bytes) = reader.next().await? {
            see(bytes);
        }
        Ok(Ok(()))
    }

    /// The object is refused: nothing of the upload may become one any more, and the store is told,
    /// if the gate has access of its `own` there.
    pub async fn refused(&self, request: &s3::Request, own: Option<&OwnAccess>) {
        if let Err(error) = self.parts.state.poison(&self.upload).await {
            tracing::error!(%error, "a refused upload can't be marked: it will be judged again");
        }
        let (Some(own), Some(bucket), Some(key), Some(upload_id)) =
            (own.cloned(), &request.bucket, &request.key, &request.upload_id)
        else {
            return;
        };
        let (bucket, key, upload_id) = (bucket.clone(), key.clone(), upload_id.clone());
        tokio::spawn(async move {
            if let Err(error) = own.abort_multipart(&bucket, key.as_bytes(), &upload_id).await {
                tracing::warn!(%error, "a refused upload can't be aborted at the store");
            }
        });
    }

    /// Looks at the store's answer to the Complete as it passes: status 200 alone means nothing,
    /// since the error may come in the body.
    pub fn see_answer(&mut self, bytes: &[u8]) {
        self.answer.see(bytes);
    }

    /// The answer has ended: where the store has made the object, what was kept of it goes.
    pub fn answer_ended(self) {
        if !self.answer.says_done() {
            return;
        }
        // Without a runtime the process is ending, and the janitor will do it.
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        runtime.spawn(async move {
            let Complete { parts, upload, listed, .. } = self;
            parts.runs.forget(&upload);
            let _ = parts.state.completed(&upload, &listed).await;
        });
    }
}

/// Where the bytes of all these parts are kept, if they are.
fn kept(records: &[PartRecord]) -> Option<Vec<SpoolRef>> {
    records.iter().map(|record| record.spool).collect()
}

/// Whether nothing is known of a part but that it is there: a copy that was not read back.
fn is_unread_copy(part: &PartRecord) -> bool {
    part.size == 0 && part.digests.algorithms().is_empty()
}

/// How an object's digests are to be had.
enum Plan {
    /// By reading all parts, whose bytes are then looked into.
    Look(Vec<SpoolRef>),
    /// By reading all parts.
    Read(Vec<SpoolRef>),
    /// By going on with running digests over the parts that are left.
    GoOn(Box<MultiHasher>, Option<crate::image::Format>, Vec<SpoolRef>),
    /// They are the only part's.
    Known(PartRecord),
    /// In no way.
    Nothing,
}

impl Object {
    fn bare(evidence: Evidence) -> Self {
        Object { evidence, payload: Vec::new(), reservation: None, codings: None }
    }
}

/// The answer to a Complete, as far as it tells whether there is an object.
#[derive(Debug, Default)]
struct AnswerEyes {
    seen: Vec<u8>,
}

impl AnswerEyes {
    fn see(&mut self, bytes: &[u8]) {
        let bytes = if self.seen.is_empty() { bytes.trim_ascii_start() } else { bytes };
        let room = MAX_ANSWER - self.seen.len();
        self.seen.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    fn says_done(&self) -> bool {
        matches!(s3::completion(&self.seen), Some(Completion::Done { .. }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn says(pieces: &[&str]) -> bool {
        let mut eyes = AnswerEyes::default();
        pieces.iter().for_each(|piece| eyes.see(piece.as_bytes()));
        eyes.says_done()
    }

    #[test]
    fn only_the_result_means_that_there_is_an_object() {
        assert!(says(&["<?xml version=\"1.0\"?>\n<CompleteMultipartUploadResult xmlns=\"x\"/>"]));
        assert!(says(&["  ", "\n ", "<CompleteMultip", "artUploadResult/>"]));
        assert!(!says(&["  ", "<Error><Code>InternalError</Code></Error>"]));
        assert!(!says(&[]));
        let blanks = " ".repeat(3 * MAX_ANSWER);
        assert!(says(&[&blanks, "<CompleteMultipartUploadResult/>"]));
        assert!(!says(&["<CompleteMultipartUploadResult>"]), "cut short");
    }
}
