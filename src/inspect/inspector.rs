//! One pass over a body: framing undone as a view, digests computed, pieces handed to the hold-back.

use bytes::Bytes;

use super::sight::{Scope, Sight, Sighted};
use super::{BodyError, Evidence, HoldBack, Kept, Origin, Sighting};
use crate::framing::{AwsChunked, Boundary, Form, FormData, FormEvent, Span};
use crate::image::Format;
use crate::s3::BodyPlan;

/// Pieces of framed bodies are cut no smaller than this, in bytes, where they can be.
const PIECE_MIN: usize = 4096;

/// Looks at one body as it passes.
#[derive(Debug)]
pub struct Inspector {
    view: View,
    sight: Sight,
    /// The payload for whoever wants it again; `None` if nobody does.
    kept: Option<Kept>,
}

#[derive(Debug)]
enum View {
    Identity,
    AwsChunked(AwsChunked),
    Form(Box<FormView>),
}

/// A browser form: its file is what the inspector's own sight is about.
#[derive(Debug)]
struct FormView {
    decoder: FormData,
    scope: Scope,
    place: FormPlace,
    others: Vec<Sighting>,
    file_ended: bool,
}

/// Where in the form its reader is.
#[derive(Debug)]
enum FormPlace {
    Framing,
    File,
    Other(Box<Sight>),
}

impl Inspector {
    /// An inspector for a body of the given plan.
    pub fn new(plan: &BodyPlan, scope: &Scope) -> Self {
        let view = match plan {
            BodyPlan::Identity { .. } => View::Identity,
            BodyPlan::AwsChunked { plan, .. } => View::AwsChunked(AwsChunked::new(*plan)),
        };
        Inspector { view, sight: Sight::new(scope), kept: None }
    }

    /// An inspector for a browser form, whose file is the payload. All its other parts are looked at
    /// too.
    pub fn of_form(boundary: &Boundary, scope: &Scope) -> Self {
        let view = FormView {
            decoder: FormData::new(boundary),
            scope: scope.clone(),
            place: FormPlace::Framing,
            others: Vec::new(),
            file_ended: false,
        };
        Inspector { view: View::Form(Box::new(view)), sight: Sight::new(scope), kept: None }
    }

    /// From here on the payload is kept, until it is [taken](Inspector::take_kept).
    pub fn keep(&mut self) {
        self.kept = Some(Kept::default());
    }

    /// Payload bytes that are kept now.
    pub fn kept_bytes(&self) -> u64 {
        self.kept.as_ref().map_or(0, Kept::bytes)
    }

    /// The payload since the last call.
    pub fn take_kept(&mut self) -> Vec<Bytes> {
        self.kept.as_mut().map(Kept::take).unwrap_or_default()
    }

    /// Keeps no more than the payload's first so many bytes.
    pub fn keep_first(&mut self, most: u64) {
        if let Some(kept) = &mut self.kept {
            kept.set_most(most);
        }
    }

    /// Keeps the payload no longer.
    pub fn forget_kept(&mut self) {
        self.kept = None;
    }

    /// Keeps nothing of the pieces that have been taken, but for what is [kept](Inspector::keep).
    pub fn let_go(&mut self) {
        self.sight.let_go();
    }

    /// Takes the next wire bytes, and hands them to `hold` with what they mean.
    ///
    /// # Errors
    /// The framing is malformed, or holds more payload than was declared.
    pub fn feed(&mut self, wire: Bytes, hold: &mut HoldBack) -> Result<(), BodyError> {
        let Inspector { view, sight, kept } = self;
        match view {
            View::Identity => {
                sight.see_piece(&wire);
                if let Some(kept) = kept {
                    kept.push(wire.clone());
                }
                let payload = wire.len() as u64;
                hold.push(wire, payload, true);
                Ok(())
            }
            View::AwsChunked(decoder) => {
                let mut pieces = Pieces::new(&wire);
                let decoded = decoder.push(&wire, &mut |span| {
                    if let Span::Payload { len, .. } = span {
                        let run = pieces.position..pieces.position + len;
                        sight.see(&wire[run.clone()]);
                        if let Some(kept) = kept {
                            kept.push(wire.slice(run));
                        }
                    }
                    pieces.take(span, hold);
                });
                // After an error too: where that is tolerated, the bytes still have to pass.
                pieces.finish(hold);
                Ok(decoded?)
            }
            View::Form(form) => {
                let before = sight.bytes();
                let decoded = form.feed(&wire, sight, kept);
                // Only the file's own bytes count as held: a store may make the object as soon as
                // it has seen the file's delimiter, whatever comes behind.
                let inside = matches!(form.place, FormPlace::File);
                hold.push(wire, sight.bytes() - before, inside);
                decoded
            }
        }
    }

    /// The image format that the payload's first bytes show. Settled once [`Inspector::sniffable`].
    pub fn format(&self) -> Option<Format> {
        self.sight.format()
    }

    /// Whether the payload is, or holds, a picture, as far as has been seen.
    pub fn shows_picture(&self) -> bool {
        self.format().is_some() || self.sight.has_picture_behind()
    }

    /// The payload's first bytes.
    pub fn head(&self) -> &[u8] {
        self.sight.head()
    }

    /// Whether enough of the payload has been seen to tell what it is.
    pub fn sniffable(&self) -> bool {
        let ended = match &self.view {
            View::Form(form) => form.file_ended,
            View::Identity | View::AwsChunked(_) => false,
        };
        ended || self.sight.is_sniffable()
    }

    /// Decoded payload seen so far, in bytes.
    pub fn payload(&self) -> u64 {
        self.sight.bytes()
    }

    /// What a form says besides its file; `None` of any other body.
    pub fn form(&self) -> Option<&Form> {
        match &self.view {
            View::Form(form) => Some(form.decoder.form()),
            View::Identity | View::AwsChunked(_) => None,
        }
    }

    /// The evidence, once the body has ended.
    ///
    /// # Errors
    /// The framing has not ended, or the payload is shorter than declared.
    pub fn finish(&mut self) -> Result<Evidence, BodyError> {
        let others = match std::mem::replace(&mut self.view, View::Identity) {
            View::Identity => Vec::new(),
            View::AwsChunked(decoder) => {
                decoder.finish()?;
                Vec::new()
            }
            View::Form(form) => {
                form.decoder.finish()?;
                form.decoder.form().object_key()?;
                form.others
            }
        };
        let Sighted { digests, bytes: payload, format, mut within, gap } = self.sight.finish();
        within.extend(others);
        Ok(Evidence { digests, payload, format, within, gap, ..Evidence::default() })
    }
}

impl FormView {
    fn feed(
        &mut self,
        wire: &Bytes,
        file: &mut Sight,
        kept: &mut Option<Kept>,
    ) -> Result<(), BodyError> {
        let FormView { decoder, scope, place, others, file_ended } = self;
        let decoded = decoder.push(wire, &mut |event| match event {
            FormEvent::Framing(_) => {}
            FormEvent::Begin(part) => {
                *place = match part.is_file() {
                    true => FormPlace::File,
                    false => FormPlace::Other(Box::new(Sight::new(scope))),
                };
            }
            FormEvent::Payload(bytes) => match place {
                FormPlace::File => {
                    file.see(bytes);
                    if let Some(kept) = kept {
                        kept.push(Bytes::copy_from_slice(bytes));
                    }
                }
                FormPlace::Other(sight) => sight.see(bytes),
                FormPlace::Framing => {}
            },
            FormEvent::End => match std::mem::replace(place, FormPlace::Framing) {
                FormPlace::File => *file_ended = true,
                FormPlace::Other(mut sight) => {
                    let Sighted { digests, bytes, within, .. } = sight.finish();
                    others.push(Sighting { origin: Origin::FormPart, digests, bytes });
                    others.extend(within);
                }
                FormPlace::Framing => {}
            },
        });
        Ok(decoded?)
    }
}

/// Cuts one read of a framed body into pieces that end before the last byte of a data chunk.
struct Pieces<'a> {
    wire: &'a Bytes,
    start: usize,
    position: usize,
    /// Payload bytes between `start` and `position`.
    payload: u64,
}

impl<'a> Pieces<'a> {
    fn new(wire: &'a Bytes) -> Self {
        Pieces { wire, start: 0, position: 0, payload: 0 }
    }

    fn take(&mut self, span: Span, hold: &mut HoldBack) {
        match span {
            Span::Framing(len) => self.position += len,
            Span::Payload { len, ends_chunk } => {
                let before_cut = len - usize::from(ends_chunk && len > 0);
                let cut = self.position + before_cut;
                if cut - self.start >= PIECE_MIN {
                    let payload = self.payload + before_cut as u64;
                    hold.push(self.wire.slice(self.start..cut), payload, true);
                    self.start = cut;
                    self.payload = (len - before_cut) as u64;
                } else {
                    self.payload += len as u64;
                }
                self.position += len;
            }
        }
    }

    /// The rest goes along, but is no place to cut: it may end a chunk, or the body.
    fn finish(self, hold: &mut HoldBack) {
        hold.push(self.wire.slice(self.start..), self.payload, false);
    }
}

#[cfg(test)]
mod tests;
