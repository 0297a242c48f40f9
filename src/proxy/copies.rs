//! Copies: the store takes the bytes from itself, so that the gate has to read them back to judge
//! them.

use http::Response;
use http_body_util::{BodyExt, Limited};

use super::answer::{self, Answer};
use super::assembly::Halt;
use super::committed::Sequel;
use super::exchange::RelayBody;
use super::faults;
use super::parts::part::Sent;
use super::record::Termination;
use super::upload::Upload;
use crate::inspect::{Evidence, HoldBack, Inspector, Origin, Pictured, Sighting};
use crate::own_access::{AccessError, Download, ObjectName};
use crate::policy::{Copies, Unjudged};
use crate::s3::{BodyPlan, CopySource, Operation};

/// Longest answer to UploadPartCopy that is read for the part's ETag, in bytes.
const COPY_ANSWER_MAX: usize = 64 * 1024;

impl Upload {
    /// Whether the bytes that the store would copy are to be read back.
    pub(super) fn reads_back(&self) -> bool {
        let is_copy =
            matches!(self.case.s3.operation, Operation::CopyObject | Operation::UploadPartCopy);
        is_copy && self.case.rule().surface.copies == Copies::ReadBack && self.judges()
    }

    /// Adds to the evidence what the store would copy.
    ///
    /// # Errors
    /// A shortage of ours. What can't be read makes the copy one that can't be judged.
    pub(super) async fn read_back(&mut self, evidence: &mut Evidence) -> Result<(), Halt> {
        let Some(source) = self.case.s3.copy_source.clone() else { return Ok(()) };
        match self.read_source(&source).await {
            Ok(Ok(seen)) => {
                self.case.unjudged = None;
                evidence.within.push(Sighting {
                    origin: Origin::Source,
                    digests: seen.digests,
                    bytes: seen.payload,
                });
                evidence.within.extend(seen.within);
                evidence.gap = evidence.gap.or(seen.gap);
                evidence.format = evidence.format.or(seen.format);
                evidence.unseen = evidence.unseen.or(seen.unseen);
                let of_source = |picture: Pictured| Pictured {
                    within: picture.within.or(Some(Origin::Source)),
                    ..picture
                };
                evidence.pictures.extend(seen.pictures.into_iter().map(of_source));
                Ok(())
            }
            Ok(Err(fault)) if self.case.may_retry() => Err(Halt::Fault(fault)),
            Ok(Err(_)) => Ok(()),
            // The store will say so too.
            Err(AccessError::NotFound) => Ok(()),
            Err(error) => {
                tracing::warn!(%error, "the source of a copy can't be read back");
                match self.case.enforces {
                    true => Err(Halt::Refused(Unjudged::Copy)),
                    false => Ok(()),
                }
            }
        }
    }

    async fn read_source(
        &mut self,
        source: &CopySource,
    ) -> Result<Result<Evidence, Unjudged>, AccessError> {
        let Some(own) = self.case.store.own.clone() else {
            return Ok(Err(Unjudged::Spool));
        };
        if source.plus {
            // To some stores it is a blank: which object they would copy can't be told.
            return Err(AccessError::Unnameable);
        }
        let object = ObjectName {
            bucket: &source.bucket,
            key: source.key.as_bytes(),
            version: source.version.as_deref(),
        };
        let range = source.range.map(|range| range.first..range.last.saturating_add(1));
        let download = own.read_range(object, range, None).await?;
        self.take_source(download).await
    }

    /// Looks at the source as it comes, and spools it where it becomes a part.
    async fn take_source(
        &mut self,
        mut download: Download,
    ) -> Result<Result<Evidence, Unjudged>, AccessError> {
        let length = download.size;
        if let Some(part) = &mut self.part
            && let Err(fault) = part.spool(length)
        {
            return Ok(Err(fault));
        }
        let image_max = self.case.view.settings.capture_max;
        let room = (length <= image_max).then(|| self.case.gate.budget.reserve(length));
        let Some(room) = room.map_or(Some(None), |room| room.map(Some)) else {
            return Ok(Err(Unjudged::Budget));
        };
        let plan = BodyPlan::Identity { length: Some(length) };
        let mut inspector = Inspector::new(&plan, &self.scope());
        if room.is_some() {
            inspector.keep();
        }
        while let Some(bytes) = download.next().await? {
            if let Err(fault) = self.write_spool(vec![bytes.clone()]).await {
                return Ok(Err(fault));
            }
            // Nothing is held back here: these bytes go nowhere.
            let fed = inspector.feed(bytes, &mut HoldBack::new(0));
            debug_assert!(fed.is_ok(), "a body without framing can't be malformed");
        }
        let kept = inspector.take_kept();
        let Ok(mut evidence) = inspector.finish() else { return Ok(Err(Unjudged::Spool)) };
        if let Err(fault) = self.look_inside(&mut evidence, kept).await {
            return Ok(Err(fault));
        }
        drop(room);
        Ok(Ok(evidence))
    }

    /// Passes on the answer to an UploadPartCopy, once the part is recorded under the ETag that
    /// stands in it.
    pub(super) async fn relay_part_copy(
        self: Box<Self>,
        response: Response<RelayBody>,
        sent: Box<Sent>,
    ) -> Answer {
        faults::point("relay copy");
        let (head, body) = response.into_parts();
        let body = match Limited::new(body, COPY_ANSWER_MAX).collect().await {
            Ok(body) => body.to_bytes(),
            Err(_) => return self.unreachable(None, Termination::Unknown),
        };
        if head.status.is_success()
            && let Some(etag) = etag_in(&body)
            && let Err(fault) = sent.record(&etag).await
            && self.case.may_retry()
        {
            return self.slow_down(fault, None);
        }
        self.journal.finish(Termination::Complete);
        answer::whole(head, body)
    }

    /// Notes that an UploadPartCopy is to be recorded once the store has answered.
    pub(super) fn copy_is_seen(&mut self, evidence: &Evidence) {
        let source = evidence.within.iter().find(|sighting| sighting.origin == Origin::Source);
        let of_source = Evidence {
            digests: source.map(|source| source.digests).unwrap_or_default(),
            payload: source.map_or(0, |source| source.bytes),
            format: evidence.format,
            ..Evidence::default()
        };
        self.part_is_seen(of_source);
        if let Sequel::Part(sent) = std::mem::replace(&mut self.sequel, Sequel::Nothing) {
            self.sequel = Sequel::PartCopy(sent);
        }
    }
}

/// The ETag in a CopyPartResult.
fn etag_in(xml: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(xml).ok()?;
    let (_, rest) = text.split_once("<ETag>")?;
    let (etag, _) = rest.split_once("</ETag>")?;
    Some(etag.trim().replace("&quot;", "\"").replace("&#34;", "\""))
}
