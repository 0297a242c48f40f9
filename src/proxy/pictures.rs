//! The pictures of an upload: decoded and hashed in other processes, where a list asks for that.
//!
//! Only after the digests: where they have decided already, nothing is decoded.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use tokio::sync::{mpsc, oneshot};

use super::case::Case;
use super::gate::Decode;
use super::looking::joined;
use super::upload::Upload;
use crate::decode::{Pool, Terms};
use crate::image::{ImageFault, Wanted};
use crate::inspect::{Evidence, Gap, Origin, Picture, Pictured, Within, pictures_within};
use crate::net::budget::Budget;
use crate::policy::{Outcome, Unjudged};
use crate::s3::Operation;

/// What the pictures of an upload are seen in.
pub(super) struct Shown {
    /// The body, or as much of it as is kept, in pieces.
    pub body: Vec<Bytes>,
    /// Whether that is all of it.
    pub whole: bool,
    /// The body in one piece, and how to look for pictures in it, if there may be any.
    pub inner: Option<(Bytes, Within)>,
    /// Pictures that stand beside it.
    pub beside: Vec<Bytes>,
}

impl Case {
    /// What pictures are hashed for in this upload's bucket.
    pub(super) fn perceives(&self) -> Option<&Arc<Wanted>> {
        let rules = &self.view.rulebook;
        rules.looks.as_ref().filter(|_| rules.compares_pictures(self.rule()))
    }

    /// What the pictures of this very body are hashed for. Parts are judged as the object that they
    /// become.
    pub(super) fn looks(&self) -> Option<&Arc<Wanted>> {
        let is_part =
            matches!(self.s3.operation, Operation::UploadPart | Operation::UploadPartCopy);
        self.perceives().filter(|_| !is_part)
    }
}

impl Upload {
    /// Whether the digests alone convict a body or acquit it: then its pictures are of no interest.
    fn is_decided(&self, evidence: &Evidence) -> bool {
        let verdict = self.case.verdict_on(evidence, None);
        match verdict.outcome {
            Outcome::Deny => true,
            Outcome::Allow => verdict.matched.is_some(),
            Outcome::WouldDeny | Outcome::Unjudged { .. } => false,
        }
    }

    /// Looks at the pictures of a body, and adds what is seen to its evidence: hashes, and what is
    /// listed near them. Once more in colour, as lists are made, if that could decide.
    ///
    /// # Errors
    /// No process was free to decode them, or there is no memory to lay them out.
    pub(super) async fn look_at_pictures(
        &self,
        evidence: &mut Evidence,
        shown: &Shown,
    ) -> Result<(), Unjudged> {
        let Some(wanted) = self.case.looks().cloned() else { return Ok(()) };
        if self.is_decided(evidence) {
            return Ok(());
        }
        self.look_at_shown(evidence, shown, &wanted).await?;
        if self.compare(evidence).await && !wanted.colour {
            let wanted = Wanted { colour: true, ..Wanted::clone(&wanted) };
            self.look_again(evidence, shown, &wanted).await?;
        }
        Ok(())
    }

    /// Looks at the same pictures as they are in colour. If that fails, what was seen before stands,
    /// beside the reason why it may be wrong by a few bits.
    pub(super) async fn look_again(
        &self,
        evidence: &mut Evidence,
        shown: &Shown,
        wanted: &Wanted,
    ) -> Result<(), Unjudged> {
        let in_luma = std::mem::take(&mut evidence.pictures);
        let unseen = evidence.unseen.take();
        let looked = self.look_at_shown(evidence, shown, wanted).await;
        if looked.is_err() || evidence.unseen != unseen {
            evidence.pictures = in_luma;
            evidence.unseen = evidence.unseen.or(unseen);
        } else {
            self.compare(evidence).await;
        }
        looked
    }

    /// Looks for what is listed near the pictures, and says whether one lies so near a threshold that
    /// colour could decide. A long list takes milliseconds, more where it is not in memory: not here.
    async fn compare(&self, evidence: &mut Evidence) -> bool {
        if evidence.pictures.is_empty() {
            return false;
        }
        let (view, rule) = (self.case.view.clone(), self.case.rule().clone());
        let mut pictures = std::mem::take(&mut evidence.pictures);
        let comparing = tokio::task::spawn_blocking(move || {
            let rules = &view.rulebook;
            pictures.iter_mut().for_each(|picture| rules.compare(&rule, picture));
            let in_doubt = pictures.iter().any(|picture| rules.is_in_doubt(&rule, picture));
            (pictures, in_doubt)
        });
        let (pictures, in_doubt) = joined(comparing).await;
        evidence.pictures = pictures;
        in_doubt
    }

    async fn look_at_shown(
        &self,
        evidence: &mut Evidence,
        shown: &Shown,
        wanted: &Wanted,
    ) -> Result<(), Unjudged> {
        let gate = &self.case.gate;
        let decode = self.case.view.settings.decode;
        let is_picture = evidence.format.is_some();
        if is_picture && shown.body.is_empty() {
            // Too large to be held, it has passed or is not here any more.
            evidence.gap.get_or_insert(Gap::TooLarge);
        }
        let mut gallery = Gallery::new(&gate.pool, decode, wanted, evidence);
        if is_picture
            && !shown.body.is_empty()
            && gallery.look(None, &shown.body, shown.whole).await?.is_break()
        {
            return Ok(());
        }
        for picture in &shown.beside {
            let picture = std::slice::from_ref(picture);
            if gallery.look(Some(Origin::FormPart), picture, true).await?.is_break() {
                return Ok(());
            }
        }
        let Some((payload, how)) = &shown.inner else { return Ok(()) };
        let most = self.case.view.settings.capture_max;
        gallery.look_within(payload.clone(), how.clone(), most, gate.budget.clone()).await
    }
}

/// Takes pictures in, one after another, and notes what is seen.
struct Gallery<'a> {
    pool: &'a Pool,
    terms: Terms,
    wanted: &'a Wanted,
    evidence: &'a mut Evidence,
    /// Pictures that may still be decoded.
    left: usize,
    deadline: Instant,
}

impl<'a> Gallery<'a> {
    fn new(pool: &'a Pool, decode: Decode, wanted: &'a Wanted, evidence: &'a mut Evidence) -> Self {
        let Decode { terms, pictures_max: left, time } = decode;
        Gallery { pool, terms, wanted, evidence, left, deadline: Instant::now() + time }
    }

    /// Looks at one picture, and says whether there may be more.
    async fn look(
        &mut self,
        within: Option<Origin>,
        picture: &[Bytes],
        whole: bool,
    ) -> Result<ControlFlow<()>, Unjudged> {
        let Some(left) = self.left.checked_sub(1) else {
            self.evidence.gap.get_or_insert(Gap::TooLarge);
            return Ok(ControlFlow::Break(()));
        };
        self.left = left;
        let time = self.deadline.saturating_duration_since(Instant::now());
        if time.is_zero() {
            self.miss(ImageFault::Time);
            return Ok(ControlFlow::Break(()));
        }
        let terms = Terms { time: self.terms.time.min(time), ..self.terms };
        let found = self.pool.look(picture, &terms, self.wanted).await;
        match found.map_err(|_| Unjudged::Budget)? {
            Ok(looks) => {
                if let Some(fault) = looks.fault {
                    self.miss_of(fault, whole);
                }
                self.evidence.pictures.push(Pictured::new(within, looks));
            }
            Err(fault) if is_by_chance(within, fault) => {}
            Err(fault) => self.miss_of(fault, whole),
        }
        Ok(ControlFlow::Continue(()))
    }

    /// Looks at the pictures in a body, which is searched on a thread for work that takes its time.
    /// If nobody waits for them any more, that thread has enough.
    async fn look_within(
        &mut self,
        payload: Bytes,
        how: Within,
        most: u64,
        budget: Arc<Budget>,
    ) -> Result<(), Unjudged> {
        let (give, mut take) = mpsc::channel::<(Picture, oneshot::Sender<()>)>(1);
        let searching = tokio::task::spawn_blocking(move || {
            // One picture at a time is unpacked, and waits to be looked at: they share the room.
            let mut reserved = None;
            let mut room = || {
                reserved = reserved.take().or_else(|| budget.reserve(most));
                reserved.is_some()
            };
            let most = usize::try_from(most).unwrap_or(usize::MAX);
            pictures_within(&payload, &how, most, &mut room, &mut |picture| {
                let (seen, is_seen) = oneshot::channel();
                let given = give.blocking_send((picture, seen)).is_ok();
                match given && is_seen.blocking_recv().is_ok() {
                    true => ControlFlow::Continue(()),
                    false => ControlFlow::Break(()),
                }
            })
        });
        while let Some((Picture { origin, bytes, whole }, seen)) = take.recv().await {
            let bytes = std::slice::from_ref(&bytes);
            if self.look(Some(origin), bytes, whole).await?.is_break() {
                break;
            }
            let _ = seen.send(()); // it waits for this
        }
        drop(take);
        if joined(searching).await { Ok(()) } else { Err(Unjudged::Budget) }
    }

    /// Notes why a picture, or some of it, was not seen: if its end is missing here only, there is
    /// more of it than may be held.
    fn miss_of(&mut self, fault: ImageFault, whole: bool) {
        if fault == ImageFault::Truncated && !whole {
            self.evidence.gap.get_or_insert(Gap::TooLarge);
        } else {
            self.miss(fault);
        }
    }

    /// Of several faults the gate's own counts, else the first.
    fn miss(&mut self, fault: ImageFault) {
        let unseen = &mut self.evidence.unseen;
        if unseen.is_none() || fault == ImageFault::Decoder {
            *unseen = Some(fault);
        }
    }
}

/// Whether bytes in the midst of others look like the beginning of a picture by chance: nothing can be
/// seen in them.
fn is_by_chance(within: Option<Origin>, fault: ImageFault) -> bool {
    let in_midst = match within {
        Some(Origin::Embedded | Origin::Document) => true,
        None => false,
        Some(
            Origin::FormPart | Origin::Decoded | Origin::Member | Origin::Trimmed | Origin::Source,
        ) => false,
    };
    in_midst && matches!(fault, ImageFault::Format | ImageFault::Truncated)
}
