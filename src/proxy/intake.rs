//! Reading a client's body into the inspector and the hold-back.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use http::HeaderMap;
use http_body::Body;
use hyper::body::Incoming;

use super::faults;
use super::idle::IdleTimer;
use super::seal::Seal;
use crate::framing::Form;
use crate::inspect::{BodyError, Evidence, HoldBack, Inspector};
use crate::net::downstream::Pace;

/// One client's body, as far as it has come.
pub struct Intake {
    body: Incoming,
    seal: Option<Seal>,
    /// The fields before a form's file, which its policy covers.
    covered: Option<usize>,
    inspector: Inspector,
    /// What has come and may not go out yet.
    pub hold: HoldBack,
    /// Trailers of the HTTP framing, if there were any.
    pub trailers: Option<HeaderMap>,
    /// Where the gate only watches, malformed framing is no reason to stop: the rest passes unseen.
    tolerant: bool,
    malformed: Option<BodyError>,
    idle: IdleTimer,
    asked_for: bool,
}

/// What is left of a body that nobody will look at any more.
pub struct Leftover {
    body: Incoming,
    /// Whether it has been polled: only then has hyper asked a waiting client for it.
    asked_for: bool,
}

/// What became of a body on its way in.
#[derive(Debug)]
pub enum IntakeFault {
    /// The client went away, or its HTTP framing broke.
    Client,
    /// Nothing came for longer than the idle timeout, or for long too little.
    Idle,
    /// The framing inside is malformed, or does not agree with what was declared.
    Framing(BodyError),
}

/// Where a body stands after a read.
#[derive(Debug, PartialEq, Eq)]
pub enum Progress {
    /// More came.
    More,
    /// It has ended, properly as far as HTTP tells.
    Ended,
}

impl Intake {
    /// Starts reading `body`, which nobody has polled yet: the first poll sends 100 Continue where
    /// the client waits for it.
    ///
    /// What `seal` has not verified goes no further.
    pub(super) fn new(
        body: Incoming,
        inspector: Inspector,
        seal: Option<Seal>,
        tolerant: bool,
        pace: Pace,
    ) -> Self {
        Intake {
            body,
            seal,
            covered: None,
            inspector,
            hold: HoldBack::new(HoldBack::EVERYTHING),
            trailers: None,
            tolerant,
            malformed: None,
            idle: IdleTimer::new(pace),
            asked_for: false,
        }
    }

    /// By how many bytes the body has grown since its signature was replaced.
    pub(super) fn grown(&self) -> i64 {
        self.seal.as_ref().map_or(0, Seal::grown)
    }

    /// Reads what has come into the hold-back.
    pub fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<Result<Progress, IntakeFault>> {
        self.asked_for = true;
        let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(cx) else {
            ready!(self.idle.poll_client(cx));
            return Poll::Ready(Err(IntakeFault::Idle));
        };
        let came = frame.as_ref().and_then(|frame| frame.as_ref().ok()?.data_ref());
        self.idle.touch(came.map_or(0, |data| data.len() as u64));
        faults::point("read");
        Poll::Ready(match frame {
            None => Ok(Progress::Ended),
            Some(Err(_)) => Err(IntakeFault::Client),
            Some(Ok(frame)) => self.take(frame),
        })
    }

    /// Ready when nothing has come, or could be taken, for the idle timeout.
    pub fn poll_silence(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.idle.poll(cx)
    }

    /// What is known of the body so far.
    pub fn inspector(&self) -> &Inspector {
        &self.inspector
    }

    /// The payload since the last call, where it is kept.
    pub fn take_kept(&mut self) -> Vec<bytes::Bytes> {
        self.inspector.take_kept()
    }

    /// Keeps no more than the payload's first so many bytes.
    pub fn keep_first(&mut self, most: u64) {
        self.inspector.keep_first(most);
    }

    /// Keeps nothing of the pieces that go on.
    pub fn let_go(&mut self) {
        self.inspector.let_go();
    }

    /// Keeps the payload no longer.
    pub fn forget_kept(&mut self) {
        self.inspector.forget_kept();
    }

    /// What the body came to, once it has ended. With it comes whether the framing was malformed,
    /// which can only be so where that is tolerated.
    ///
    /// # Errors
    /// The framing had not ended, or held less than declared, and that is not tolerated.
    pub fn finish(&mut self) -> Result<Taken, BodyError> {
        faults::point("finish");
        if let Some(seal) = &mut self.seal {
            let mut verified = Vec::new();
            seal.finish(&mut |piece| verified.push(piece))?;
            verified.into_iter().try_for_each(|piece| self.inspect(piece))?;
        }
        let Intake { inspector, hold, .. } = self;
        let (kept, form) = (inspector.take_kept(), inspector.form().cloned());
        if let (Some(seal), Some(form), Some(covered)) = (&self.seal, &form, self.covered) {
            seal.check_form(form, covered, inspector.payload())?;
        }
        let seen = match (self.malformed.take(), inspector.finish()) {
            (None, Ok(evidence)) => Seen::Whole(evidence),
            (Some(_), _) | (None, Err(_)) if self.tolerant => Seen::Malformed,
            (Some(error), _) | (None, Err(error)) => return Err(error),
        };
        let hold = std::mem::replace(hold, HoldBack::new(HoldBack::EVERYTHING));
        let trailers = self.trailers.take();
        Ok(Taken { seen, hold, trailers, kept, form })
    }

    /// Gives the rest of the body up.
    pub fn into_leftover(self) -> Leftover {
        Leftover { body: self.body, asked_for: self.asked_for }
    }

    fn take(&mut self, frame: http_body::Frame<bytes::Bytes>) -> Result<Progress, IntakeFault> {
        let taken = match (frame.into_data(), &mut self.seal) {
            (Ok(wire), None) => self.inspect(wire),
            (Ok(wire), Some(seal)) => {
                let mut verified = Vec::new();
                let pushed = seal.push(wire, &mut |piece| verified.push(piece));
                let inspected = verified.into_iter().try_for_each(|piece| self.inspect(piece));
                inspected.and(pushed)
            }
            (Err(frame), _) => {
                self.trailers = frame.into_trailers().ok();
                Ok(())
            }
        };
        taken.map(|()| Progress::More).map_err(IntakeFault::Framing)
    }

    /// Shows a piece of the body to the inspector, and holds it back.
    fn inspect(&mut self, wire: bytes::Bytes) -> Result<(), BodyError> {
        if self.malformed.is_some() {
            let len = wire.len() as u64;
            self.hold.push(wire, len, true);
            return Ok(());
        }
        match self.inspector.feed(wire, &mut self.hold) {
            Err(error) if self.tolerant => self.malformed = Some(error),
            fed => fed?,
        }
        if self.seal.is_some() && self.covered.is_none() {
            let form = self.inspector.form().filter(|form| form.file().is_some());
            self.covered = form.map(|form| form.fields().len());
        }
        Ok(())
    }
}

impl Leftover {
    /// A body that nobody has polled.
    pub fn untouched(body: Incoming) -> Self {
        Leftover { body, asked_for: false }
    }

    /// Reads on, so that a client in the middle of sending gets to read its answer: up to `bytes`
    /// and `time`, then the connection is closed.
    ///
    /// A body that its client was never asked for (`expects`) is let go unread: what came on the
    /// connection might be the next request.
    pub fn drain(self, expects: bool, bytes: u64, time: Duration) {
        let Leftover { mut body, asked_for } = self;
        if body.is_end_stream() || (expects && !asked_for) {
            return;
        }
        let reading = async move {
            let mut left = bytes;
            while let Some(Ok(frame)) = poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
                let len = frame.data_ref().map_or(0, |data| data.len() as u64);
                match left.checked_sub(len) {
                    Some(rest) => left = rest,
                    None => break,
                }
            }
        };
        tokio::spawn(tokio::time::timeout(time, reading));
    }
}

/// A body that has come in.
pub struct Taken {
    /// What it came to.
    pub seen: Seen,
    /// What has not gone out yet.
    pub hold: HoldBack,
    /// Trailers of the HTTP framing.
    pub trailers: Option<HeaderMap>,
    /// The payload that was kept and not taken yet.
    pub kept: Vec<bytes::Bytes>,
    /// What a form says besides its file.
    pub form: Option<Form>,
}

/// What an inspected body came to.
#[derive(Debug)]
pub enum Seen {
    /// It was understood to its end.
    Whole(Evidence),
    /// Its framing was malformed; only ever so where that is tolerated.
    Malformed,
}
