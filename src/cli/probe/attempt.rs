//! Each case, done to the store. What it left there is looked at later.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use http::header::{EXPECT, HeaderName, IF_NONE_MATCH};

use super::case::Case;
use super::framing::{Cut, Ending, Framing};
use super::outcome::{Connection, Outcome, Timing};
use super::store::{Reply, Store, told, upload_query};
use super::target::Target;
use super::upload::{Message, Upload};
use super::wire::{End, Wire};

/// Bytes of an object: four chunks.
pub(super) const PAYLOAD: usize = 4 * super::body::CHUNK;

/// Bytes of the upload that the store may answer before it has all of it: more than the buffers of
/// both kernels, so that it can be seen whether the store takes it.
const LARGE: usize = 8 << 20;

/// Bytes sent between two looks for an early answer.
const STRIDE: usize = 64 * 1024;

/// How long a cut upload has to leave this machine before its connection ends: a reset takes back
/// what has not. Long for any store that is near enough to be one's own.
const DELIVERY: Duration = Duration::from_millis(100);

/// How long one look for an early answer may take.
const GLIMPSE: Duration = Duration::from_millis(1);

/// By how much a declared length is wrong: a chunk, so that no chunk is cut by it.
const DECLARED_OFF: usize = super::body::CHUNK;

/// A name that no store has.
const OTHER_HOST: &str = "other.invalid";

/// What comes behind the end of a body.
const MORE: &[u8] = b"these bytes are behind the end";

/// What a case may have left in the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Left {
    /// Nothing that is of interest.
    Nothing,
    /// An object.
    Object,
    /// An object, or the one that had been there before.
    Over,
    /// A part of this multipart upload.
    Part(String),
}

/// All that is needed to try cases.
pub(super) struct Attempts<'a> {
    /// The store.
    pub(super) target: &'a Target,
    /// What every key begins with.
    pub(super) prefix: String,
    /// The object.
    pub(super) payload: Vec<u8>,
    /// What it is written over.
    pub(super) old: Vec<u8>,
    /// Whether the operator wants an end.
    pub(super) stop: &'a AtomicBool,
    /// Multipart uploads that were begun: key and id.
    pub(super) uploads: Mutex<Vec<(String, String)>>,
}

impl<'a> Attempts<'a> {
    /// Attempts under keys that begin with `prefix`.
    pub(super) fn new(target: &'a Target, prefix: String, stop: &'a AtomicBool) -> Self {
        let (payload, old) = (made(PAYLOAD, 1), made(1000, 2));
        Attempts { target, prefix, payload, old, stop, uploads: Mutex::default() }
    }

    /// The key that a case works on.
    pub(super) fn key(&self, case: Case) -> String {
        // No slashes: stores that keep files would make folders.
        format!("{}{}", self.prefix, case.to_string().replace('/', "-"))
    }

    /// Whether the operator wants an end.
    pub(super) fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// Tries a case. The object of [`Case::Complete`] with [`Framing::Identity`] must be there before
    /// others are tried: it is what they read.
    ///
    /// # Errors
    /// The store can't be reached, or not prepared for the case.
    pub(super) fn attempt(&self, case: Case) -> io::Result<(Outcome, Left)> {
        let key = self.key(case);
        let upload = |framing| Upload::new(framing, &key, &self.payload);
        match case {
            Case::Complete(framing) => self.whole(&upload(framing)),
            Case::Abort(framing, cut, ending) => self.aborted(&upload(framing), cut, ending),
            Case::Gapped(framing, gap) => self
                .sent(upload(framing).compose(self.target, &self.target.signer())?.without(gap)?),
            Case::Trailing(framing) => self.sent(
                upload(framing).compose(self.target, &self.target.signer())?.with_more(MORE)?,
            ),
            Case::DeclaredSmaller(framing) => {
                self.whole(&Upload { declared: PAYLOAD - DECLARED_OFF, ..upload(framing) })
            }
            Case::DeclaredLarger(framing) => {
                self.whole(&Upload { declared: PAYLOAD + DECLARED_OFF, ..upload(framing) })
            }
            Case::Overwrite(framing) => {
                self.put_old(&key)?;
                let (outcome, _) = self.aborted(&upload(framing), Cut::InChunk, Ending::Rst)?;
                Ok((outcome, Left::Over))
            }
            Case::Conditional => {
                self.put_old(&key)?;
                let headers = [(IF_NONE_MATCH, "*")];
                let new = Upload { headers: &headers, ..upload(Framing::Identity) };
                Ok((self.whole(&new)?.0, Left::Over))
            }
            Case::Part(framing) => self.part(upload(framing)),
            Case::OtherHost => self.other_host(),
            Case::ExpectTaken => self.expect(&upload(Framing::Identity), true),
            Case::ExpectRefused => self.expect(&upload(Framing::Identity), false),
            Case::EarlyAnswer => self.early_answer(&key),
            Case::IdleConnection => self.idle_connection(),
            Case::IdleBody => self.idle_body(&upload(Framing::Identity)),
        }
    }

    fn connect(&self) -> io::Result<Wire<'a>> {
        self.target.connect(Some(self.stop))
    }

    fn connect_briefly(&self) -> io::Result<Wire<'a>> {
        self.target.connect_briefly(self.stop)
    }

    fn witness(&self) -> String {
        self.key(Case::Complete(Framing::Identity))
    }

    fn whole(&self, upload: &Upload<'_>) -> io::Result<(Outcome, Left)> {
        self.sent(upload.compose(self.target, &self.target.signer())?.whole()?)
    }

    fn sent(&self, message: Message) -> io::Result<(Outcome, Left)> {
        let mut wire = self.connect()?;
        wire.send(&message.bytes());
        Ok((Outcome::of(&wire.final_answer(false).0), Left::Object))
    }

    fn aborted(
        &self,
        upload: &Upload<'_>,
        cut: Cut,
        ending: Ending,
    ) -> io::Result<(Outcome, Left)> {
        let message = upload.compose(self.target, &self.target.signer())?.cut(cut)?;
        let mut wire = self.connect_briefly()?;
        wire.send(&message.bytes());
        if ending == Ending::HalfClose {
            wire.half_close();
            return Ok((Outcome::of(&wire.final_answer(false).0), Left::Object));
        }
        let status_before_end = wire.glimpse(DELIVERY);
        if ending == Ending::Rst {
            wire.reset()?;
        }
        let timing = Timing { status_before_end, ..Timing::default() };
        Ok((Outcome { timing, ..Outcome::default() }, Left::Object))
    }

    /// Puts something where a case will write over it.
    fn put_old(&self, key: &str) -> io::Result<()> {
        let upload = Upload::new(Framing::Identity, key, &self.old);
        let message = upload.compose(self.target, &self.target.signer())?.whole()?;
        let mut wire = self.connect()?;
        wire.send(&message.bytes());
        match wire.final_answer(false).0 {
            Ok(answer) if answer.is_success() => Ok(()),
            reply => Err(io::Error::other(format!("a plain upload: {}", told(&reply)))),
        }
    }

    fn part(&self, upload: Upload<'_>) -> io::Result<(Outcome, Left)> {
        let reply = Store(self.target).begin_parts(upload.key)?;
        let id = reply.as_ref().ok().filter(|answer| answer.is_success());
        let Some(id) = id.and_then(|answer| answer.text("UploadId")) else {
            return Ok((Outcome::of(&reply), Left::Nothing));
        };
        let begun = (upload.key.to_owned(), id.clone());
        self.uploads.lock().unwrap_or_else(PoisonError::into_inner).push(begun);
        let part = Some(format!("partNumber=1&{}", upload_query(&id)));
        let (outcome, _) = self.aborted(&Upload { part, ..upload }, Cut::InChunk, Ending::Rst)?;
        Ok((outcome, Left::Part(id)))
    }

    fn other_host(&self) -> io::Result<(Outcome, Left)> {
        let mut wire = self.connect()?;
        wire.send(&Store(self.target).reading(&self.witness(), Some(OTHER_HOST))?);
        Ok((Outcome::of(&wire.final_answer(false).0), Left::Nothing))
    }

    /// An upload that waits for 100 Continue, with a good signature or a wrong one.
    fn expect(&self, upload: &Upload<'_>, good: bool) -> io::Result<(Outcome, Left)> {
        let signer = if good { self.target.signer() } else { self.target.wrong_signer() };
        let headers: [(HeaderName, &str); 1] = [(EXPECT, "100-continue")];
        let upload = Upload { headers: &headers, part: None, ..*upload };
        let Message { head, body } = upload.compose(self.target, &signer)?.whole()?;
        let mut wire = self.connect_briefly()?;
        wire.send(&head);
        let first = wire.answer(false);
        let continued = first.as_ref().is_ok_and(|answer| answer.status == 100);
        let reply = match first {
            Ok(answer) if !answer.is_interim() => Ok(answer),
            // As clients do that have waited long enough.
            Ok(_) | Err(End::Silent) => {
                wire.send(&body);
                wire.final_answer(false).0
            }
            ended => ended,
        };
        let mut outcome = Outcome { continued: Some(continued), ..Outcome::of(&reply) };
        if !good {
            self.next(&mut wire, &reply, &mut outcome)?;
        }
        Ok((outcome, Left::Object))
    }

    fn early_answer(&self, key: &str) -> io::Result<(Outcome, Left)> {
        let payload = made(LARGE, 3);
        let upload = Upload::new(Framing::Identity, key, &payload);
        let Message { head, body } =
            upload.compose(self.target, &self.target.wrong_signer())?.whole()?;
        let mut wire = self.connect_briefly()?;
        wire.send(&head);
        let (mut sent, mut at_answer) = (0, None);
        for piece in body.chunks(STRIDE) {
            let went = wire.send(piece);
            sent += went;
            if at_answer.is_none() && wire.glimpse(GLIMPSE).is_some() {
                at_answer = Some(sent);
            }
            if went < piece.len() {
                break;
            }
        }
        let reply = wire.final_answer(false).0;
        let sent_bytes = u64::try_from(at_answer.unwrap_or(sent)).ok();
        let timing = Timing { sent_bytes, ..Timing::default() };
        let mut outcome = Outcome { timing, ..Outcome::of(&reply) };
        if sent == body.len() {
            self.next(&mut wire, &reply, &mut outcome)?;
        } else if let Ok(answer) = reply {
            // What was cut off can't carry another request.
            outcome.announced_close = Some(answer.announces_close());
            outcome.connection = Some(wire.ended(self.target.timeout).into());
        }
        Ok((outcome, Left::Object))
    }

    /// Reads something on a connection whose last request was refused.
    fn next(&self, wire: &mut Wire<'_>, reply: &Reply, outcome: &mut Outcome) -> io::Result<()> {
        let Ok(answer) = reply else { return Ok(()) };
        outcome.announced_close = Some(answer.announces_close());
        wire.send(&Store(self.target).reading(&self.witness(), None)?);
        match wire.final_answer(false).0 {
            Ok(answer) => {
                outcome.connection = Some(Connection::Open);
                outcome.next_status = Some(answer.status);
            }
            Err(end) => outcome.connection = Some(end.into()),
        }
        Ok(())
    }

    fn idle_connection(&self) -> io::Result<(Outcome, Left)> {
        let mut wire = self.connect()?;
        wire.send(&Store(self.target).reading(&self.witness(), None)?);
        let outcome = Outcome::of(&wire.final_answer(false).0);
        let timing = self.outwait(&mut wire);
        Ok((Outcome { timing, ..outcome }, Left::Nothing))
    }

    fn idle_body(&self, upload: &Upload<'_>) -> io::Result<(Outcome, Left)> {
        let message = upload.compose(self.target, &self.target.signer())?.cut(Cut::InChunk)?;
        let mut wire = self.connect_briefly()?;
        wire.send(&message.bytes());
        let mut timing = self.outwait(&mut wire);
        timing.status_before_end = wire.glimpse(GLIMPSE);
        Ok((Outcome { timing, ..Outcome::default() }, Left::Object))
    }

    /// Waits for the store to end a connection.
    fn outwait(&self, wire: &mut Wire<'_>) -> Timing {
        let since = Instant::now();
        let end = wire.ended(self.target.timeout);
        // To the tenth of a second: nobody's timeouts are finer.
        let seconds = Some((since.elapsed().as_secs_f64() * 10.0).round() / 10.0);
        match end {
            End::Closed | End::Reset => Timing { closed_after_s: seconds, ..Timing::default() },
            End::Silent => Timing { open_after_s: seconds, ..Timing::default() },
        }
    }
}

/// Bytes that no store can make shorter, the same in each run.
fn made(bytes: usize, seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    std::iter::repeat_with(|| {
        // xorshift64* (Vigna 2016): no two windows of it are alike.
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        (state.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 56) as u8
    })
    .take(bytes)
    .collect()
}
