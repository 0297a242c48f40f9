//! What an upload that is a part of a larger one needs besides: its bytes kept, its place among the
//! others, and the verdict on the object that they become.

use bytes::Bytes;

use super::committed::Sequel;
use super::faults;
use super::intake::Seen;
use super::parts::complete::{Assembled, Complete, Look, Object};
use super::parts::create::Create;
use super::parts::part::Part;
use super::signing::Signing;
use super::upload::Upload;
use crate::digest::{Algorithm, AlgorithmSet};
use crate::inspect::{Codings, Evidence};
use crate::policy::{Outcome, Unjudged, Verdict};
use crate::s3::{self, CompleteError, Operation};
use crate::unpack::Coding;

/// Why a request goes no further although its body has come in.
pub(super) enum Halt {
    /// A shortage of ours.
    Fault(Unjudged),
    /// It can't be judged, and must not pass for that.
    Refused(Unjudged),
    /// It is no list of parts.
    Malformed(CompleteError),
    /// It lists a part that another one has replaced, or may have.
    Replaced,
}

/// The content coding that bytes show by themselves, if they do.
fn coding_of(head: &[u8]) -> Option<Codings> {
    const GZIP: &[u8] = &[0x1f, 0x8b];
    const ZSTD: &[u8] = &[0x28, 0xb5, 0x2f, 0xfd];
    let coding = if head.starts_with(GZIP) {
        Coding::Gzip
    } else if head.starts_with(ZSTD) {
        Coding::Zstd
    } else {
        return None;
    };
    Some(Codings::Known(vec![coding]))
}

impl Upload {
    /// The digests that are computed of this body.
    pub(super) fn wanted(&self) -> AlgorithmSet {
        let wanted = self.case.view.rulebook.wanted(self.case.rule());
        let signed = self.case.signing.as_ref().and_then(Signing::signed_digest).is_some();
        let wanted = if signed { wanted.with(Algorithm::Sha256) } else { wanted };
        match &self.part {
            // Only SHA-256 tells colliding parts apart.
            Some(_) if !wanted.is_empty() => wanted.with(Algorithm::Sha256),
            Some(_) | None => wanted,
        }
    }

    /// Whether there is anything that bytes are judged by.
    pub(super) fn judges(&self) -> bool {
        !self.case.view.rulebook.wanted(self.case.rule()).is_empty()
            || self.case.perceives().is_some()
    }

    // ---- parts -------------------------------------------------------------------------------

    /// Takes its place among the parts of its upload, if it is one.
    pub(super) async fn begin_part(&mut self) -> Result<(), Unjudged> {
        if matches!(self.case.s3.operation, Operation::UploadPart | Operation::UploadPartCopy) {
            let part = Part::begin(&self.case.gate.parts, &self.case.s3).await?;
            self.part = part.map(Box::new);
        }
        Ok(())
    }

    /// Whether its bytes are being kept while they pass.
    pub(super) fn spools(&self) -> bool {
        self.part.as_ref().is_some_and(|part| part.is_spooled())
    }

    /// From here on its bytes are kept, if there is anything to judge them by, and if it is known
    /// how many they are.
    pub(super) fn begin_spool(&mut self) -> Result<(), Unjudged> {
        let length = self.case.s3.body.payload_length();
        let judges = self.judges() && self.case.s3.operation == Operation::UploadPart;
        match (&mut self.part, length) {
            (Some(part), Some(length)) if judges => part.spool(length),
            (Some(_) | None, Some(_) | None) => Ok(()),
        }
    }

    /// Keeps the next bytes.
    pub(super) async fn write_spool(&mut self, kept: Vec<Bytes>) -> Result<(), Unjudged> {
        match &mut self.part {
            Some(part) => part.write(kept).await,
            None => Ok(()),
        }
    }

    /// Keeps all bytes of a body that is held whole.
    pub(super) async fn spool_whole(&mut self, kept: Vec<Bytes>) -> Result<(), Unjudged> {
        let judges = self.judges();
        if let Some(part) = &mut self.part
            && judges
        {
            part.spool(kept.iter().map(|piece| piece.len() as u64).sum())?;
            part.write(kept).await?;
        }
        Ok(())
    }

    /// What the part is, is known: it is recorded once the store has taken it.
    pub(super) fn part_is_seen(&mut self, evidence: Evidence) {
        let wanted = self.case.view.rulebook.wanted(self.case.rule());
        if let Some(part) = self.part.take() {
            let sent = part.sent(evidence, self.case.view.settings.capture_max, wanted);
            self.sequel = Sequel::Part(Box::new(sent));
        }
    }

    /// What its start says about an upload is noted once the store has named it.
    pub(super) fn create_is_seen(&mut self) {
        if let Some(create) = Create::of(&self.case.gate.parts, &self.case.s3) {
            self.sequel = Sequel::Create(Box::new(create));
        }
    }

    // ---- the object --------------------------------------------------------------------------

    /// The verdict on the object that a Complete would make of the parts it lists.
    pub(super) async fn judge_object(
        &mut self,
        seen: Seen,
        kept: Vec<Bytes>,
    ) -> Result<Verdict, Halt> {
        // Where no list needs anything, there is nothing to put together.
        if !self.judges() {
            return Ok(self.judge(seen));
        }
        let listed = match s3::completed_parts(&kept.concat()) {
            Ok(listed) => listed,
            Err(error) if self.case.enforces => return Err(Halt::Malformed(error)),
            Err(_) => return Ok(self.judge(Seen::Malformed)),
        };
        let verdict = match Complete::begin(&self.case.gate.parts, &self.case.s3).await {
            Ok(mut complete) => {
                let assembled = self.assemble(&mut complete, &listed).await;
                if matches!(assembled, Assembled::Superseded) && self.case.enforces {
                    return Err(Halt::Replaced);
                }
                let verdict = self.judge_assembled(assembled).await;
                if verdict.outcome == Outcome::Deny {
                    complete.refused(&self.case.s3, self.case.store.own.as_ref()).await;
                }
                self.sequel = Sequel::Complete(Box::new(complete));
                verdict
            }
            Err(fault) => self.judge_assembled(Assembled::Unjudged(fault)).await,
        };
        if let Seen::Whole(list) = &seen {
            self.journal.meters.body_bytes.inc_by(list.payload);
        }
        faults::point("judged");
        match verdict.outcome {
            Outcome::Unjudged { reason, refused: true } if reason.is_fault() => {
                Err(Halt::Fault(reason))
            }
            Outcome::Allow | Outcome::Deny | Outcome::WouldDeny | Outcome::Unjudged { .. } => {
                self.journal.judged(&verdict);
                Ok(verdict)
            }
        }
    }

    async fn assemble(&self, complete: &mut Complete, listed: &[(u32, s3::ETag)]) -> Assembled {
        let settings = &self.case.view.settings;
        let scope = self.scope();
        let look =
            Look { scope: &scope, image_max: settings.capture_max, budget: &self.case.gate.budget };
        complete.assemble(listed, &look).await
    }

    async fn judge_assembled(&mut self, assembled: Assembled) -> Verdict {
        match assembled {
            Assembled::Poisoned if self.case.enforces => Verdict::poisoned(),
            Assembled::Poisoned | Assembled::Done => {
                self.case.verdict_on(&Evidence::default(), None)
            }
            Assembled::Seen(object) => {
                let Object { mut evidence, payload, reservation, codings } = *object;
                // Where no gate saw the upload's start, the bytes themselves tell of some codings.
                let shown = || payload.first().and_then(|head| coding_of(head));
                self.form_codings = codings.or_else(shown);
                let shortage = self.look_inside(&mut evidence, payload).await.err();
                drop(reservation);
                self.journal.seen_object(&evidence);
                self.case.verdict_on(&evidence, self.case.unjudged.or(shortage))
            }
            // A listed picture can be put together from pieces that are none.
            Assembled::Copies if self.case.enforces => Verdict::refused(Unjudged::Copy),
            Assembled::Copies => self.case.verdict_on(&Evidence::default(), Some(Unjudged::Copy)),
            // Enforced, it has been refused before it came here.
            Assembled::Superseded => {
                self.case.verdict_on(&Evidence::default(), Some(Unjudged::MultipartOrder))
            }
            // Nobody knows which of the two the store would take.
            Assembled::Conflict if self.case.enforces => Verdict::refused(Unjudged::MultipartOrder),
            Assembled::Conflict => {
                self.case.verdict_on(&Evidence::default(), Some(Unjudged::MultipartOrder))
            }
            Assembled::Unjudged(reason) => self.case.verdict_on(&Evidence::default(), Some(reason)),
            Assembled::FromBefore => {
                let reason = Unjudged::PartUnseen;
                let passes = Outcome::Unjudged { reason, refused: false };
                Verdict { outcome: passes, ..Verdict::unjudged(reason, self.case.rule(), false) }
            }
        }
    }
}
