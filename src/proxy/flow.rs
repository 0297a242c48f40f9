//! A body on its way from the client through the hold-back to the store.

use std::future::poll_fn;
use std::task::{Context, Poll};

use http::{HeaderMap, Response};
use hyper::body::Incoming;

use super::exchange::Exchange;
use super::faults;
use super::intake::{Intake, IntakeFault, Progress, Taken};
use crate::inspect::{BodyError, HoldBack};
use crate::net::body::{Feed, Rest};
use crate::policy::CommitToken;

/// A request whose head is on its way to the store.
pub struct Running {
    /// The exchange that carries it.
    pub exchange: Box<Exchange>,
    /// Where its body goes in; none where it has no body.
    pub feed: Option<Feed>,
}

impl Running {
    /// Hands on all of `body`, and ends it. The token is spent.
    pub fn commit(
        self,
        body: Rest,
        trailers: Option<HeaderMap>,
        token: CommitToken,
    ) -> Box<Exchange> {
        if let Some(mut feed) = self.feed {
            feed.push_rest(body);
            faults::point("fed");
            feed.commit(token, trailers);
        }
        faults::point("committed");
        self.exchange
    }
}

/// One body under way.
pub struct Flow {
    intake: Intake,
    running: Option<Running>,
    /// Whether the body goes out as it comes, but for its end.
    streams: bool,
    /// Whether kept payload is taken as it comes.
    taps: bool,
    ended: bool,
}

/// Kept payload of a body that streams, in bytes, from which on it should be taken.
const KEPT_MAX: u64 = 256 * 1024;

/// How far to go.
#[derive(Clone, Copy, Debug)]
pub enum Until {
    /// Until the first bytes of the payload tell what it is.
    Sniffed,
    /// Until so many wire bytes are held.
    Held(u64),
}

/// Why the flow stopped.
#[derive(Debug)]
pub enum Event {
    /// It went as far as was asked.
    Reached,
    /// So much payload is kept that it should be taken.
    Kept,
    /// The body has ended, as far as HTTP tells.
    Ended,
    /// The store has given its final answer already.
    Answered(Box<Response<Incoming>>),
    /// The store's connection broke, or stood still, after some of the body had gone out.
    StoreGone,
    /// The client's side failed.
    Client(IntakeFault),
}

impl Flow {
    /// A flow at its start. `running` is there where the store has been asked for the body already.
    pub fn new(intake: Intake, running: Option<Running>) -> Self {
        Flow { intake, running, streams: false, taps: false, ended: false }
    }

    /// The client's side.
    pub fn intake(&self) -> &Intake {
        &self.intake
    }

    /// The client's side, to be changed.
    pub fn intake_mut(&mut self) -> &mut Intake {
        &mut self.intake
    }

    /// From here on kept payload is taken as it comes: see [`Event::Kept`].
    pub fn tap(&mut self) {
        self.taps = true;
    }

    /// Whether the head has gone to the store.
    pub fn is_running(&self) -> bool {
        self.running.is_some()
    }

    /// From here on, what the limit lets go goes out on `running`.
    pub fn run(&mut self, running: Running) {
        self.running = Some(running);
    }

    /// From here on only the last `limit` bytes of payload are held.
    pub fn set_limit(&mut self, limit: u64) {
        self.streams = true;
        self.intake.let_go();
        self.intake.hold.set_limit(limit);
        self.release();
    }

    /// What the body came to, once it has ended, and where it was on its way to.
    ///
    /// # Errors
    /// As for [`Intake::finish`].
    pub fn finish(&mut self) -> Result<(Taken, Option<Running>), BodyError> {
        Ok((self.intake.finish()?, self.running.take()))
    }

    /// Both sides, to be ended separately.
    pub fn into_parts(self) -> (Intake, Option<Running>) {
        (self.intake, self.running)
    }

    /// Moves the body on.
    pub async fn pump(&mut self, until: Until) -> Event {
        poll_fn(|cx| self.poll_pump(until, cx)).await
    }

    fn poll_pump(&mut self, until: Until, cx: &mut Context<'_>) -> Poll<Event> {
        loop {
            faults::point("pump");
            if let Some(event) = self.drive_store(cx) {
                return Poll::Ready(event);
            }
            if self.ended {
                return Poll::Ready(Event::Ended);
            }
            if self.is_reached(until) {
                return Poll::Ready(Event::Reached);
            }
            if self.taps && self.intake.inspector().kept_bytes() >= KEPT_MAX {
                return Poll::Ready(Event::Kept);
            }
            // The store is slower than the client: its connection wakes us when it has room.
            if !self.has_room() {
                return self.intake.poll_silence(cx).map(|()| Event::StoreGone);
            }
            match std::task::ready!(self.intake.poll_fill(cx)) {
                Ok(Progress::More) => self.release(),
                Ok(Progress::Ended) => self.ended = true,
                Err(fault) => return Poll::Ready(Event::Client(fault)),
            }
        }
    }

    fn drive_store(&mut self, cx: &mut Context<'_>) -> Option<Event> {
        let running = self.running.as_mut()?;
        match running.exchange.poll(cx) {
            Poll::Pending => None,
            Poll::Ready(Ok(response)) => Some(Event::Answered(Box::new(response))),
            // While everything is held, the head can be sent again on a fresh connection: stores
            // close one that idles while a held body comes in slowly.
            Poll::Ready(Err(_)) if !self.streams => {
                self.running = None;
                None
            }
            Poll::Ready(Err(_)) => Some(Event::StoreGone),
        }
    }

    fn is_reached(&self, until: Until) -> bool {
        match until {
            Until::Sniffed => self.intake.inspector().sniffable(),
            Until::Held(bytes) => self.intake.hold.held() >= bytes,
        }
    }

    fn has_room(&self) -> bool {
        self.running.as_ref().and_then(|r| r.feed.as_ref()).is_none_or(Feed::is_drained)
    }

    fn release(&mut self) {
        let Some(feed) = self.running.as_mut().and_then(|running| running.feed.as_mut()) else {
            return;
        };
        let hold: &mut HoldBack = &mut self.intake.hold;
        while let Some(wire) = hold.pop() {
            faults::point("release");
            feed.push(wire);
        }
    }
}
