//! What is said on one client's connection, and the rest in between.

use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use http::{Request, Response};
use http_body::Body;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::sync::watch;

use super::bell::Belled;
use super::downstream::{Activity, Busy, Client, Watched};
use super::listener::{Listener, Stage};
use super::upstream::HEADERS_MAX;

/// Bytes of a body that are read at once. Each read is a write later: with 128 KiB a body of 16 MiB
/// costs a third more CPU, with 192 KiB still a tenth (`cargo bench --bench relay`). A body that
/// stands still keeps up to three reads: what is held of it, what waits for the store, and the next
/// one's room.
pub const READ_BYTES: usize = 256 * 1024;

/// Reads that a connection may take in one turn of its task: a few MiB of a body, some milliseconds
/// in which the others of its worker wait.
const STRIDE: usize = 16;

/// A connection that has been idle for so long gives up its buffers, which after a large upload can
/// be [`READ_BYTES`] and more. Below this, a client that sends one request after another would
/// have them made anew each time.
const REST_AFTER: Duration = Duration::from_millis(if cfg!(test) { 20 } else { 1000 });

/// How long a connection at rest may take to say goodbye.
const FAREWELL: Duration = Duration::from_secs(1);

/// Why a conversation is looked after.
enum Event {
    /// It is time to look at its phase.
    Timer,
    /// The listener has come to the stage that was waited for; false if it is gone.
    Stage(bool),
}

impl Listener {
    /// Serves one connection to its end.
    pub(super) async fn converse<S, A, F, B>(
        &self,
        stream: S,
        peer: SocketAddr,
        mut stage: watch::Receiver<Stage>,
        answer: A,
    ) where
        S: AsyncRead + AsyncWrite + Unpin,
        A: Fn(Client, Request<Incoming>, Busy) -> F,
        F: Future<Output = Response<B>> + Unpin,
        B: Body<Data = bytes::Bytes, Error = hyper::Error> + Send + 'static,
    {
        let activity = Activity::new();
        let mut stream = Watched::new(stream, activity.clone());
        loop {
            // In a box, which a connection at rest does not have.
            let talking = Box::pin(self.talk(stream, peer, &activity, &mut stage, &answer));
            let Some(quiet) = talking.await else { return };
            stream = quiet;
            if !self.rest(&mut stream, &activity, &mut stage).await {
                return;
            }
        }
    }

    /// Answers requests until the connection ends, or has been idle for [`REST_AFTER`]: then it is
    /// given back.
    async fn talk<S, A, F, B>(
        &self,
        stream: Watched<S>,
        peer: SocketAddr,
        activity: &Arc<Activity>,
        stage: &mut watch::Receiver<Stage>,
        answer: &A,
    ) -> Option<Watched<S>>
    where
        S: AsyncRead + AsyncWrite + Unpin,
        A: Fn(Client, Request<Incoming>, Busy) -> F,
        F: Future<Output = Response<B>> + Unpin,
        B: Body<Data = bytes::Bytes, Error = hyper::Error> + Send + 'static,
    {
        let service = service_fn(|request: Request<Incoming>| {
            let terms = self.entrance.terms();
            let address = terms.proxies.client_of(peer, request.headers());
            let client = Client { address, pace: terms.pace };
            answer(client, request, activity.busy()).map(Ok::<_, Infallible>)
        });
        let connection = self.http().serve_connection(TokioIo::new(stream), service);
        let mut connection = Belled::new(connection, STRIDE);
        // Phases change under the timer: it looks at least this often.
        let period = self.timeouts.header.min(self.timeouts.idle).min(REST_AFTER);
        let mut timer = pin!(tokio::time::sleep(period));
        let mut next = Stage::Draining;
        loop {
            let event = tokio::select! {
                biased;
                // What went wrong on a client's connection, its requests' records tell.
                _ = &mut connection => return None,
                () = timer.as_mut() => Event::Timer,
                told = stage.wait_for(|&stage| stage >= next) => Event::Stage(told.is_ok()),
            };
            match event {
                Event::Timer => {
                    let now = Instant::now();
                    let due = activity.deadline(&self.timeouts).unwrap_or(now + period);
                    if due <= now {
                        return None;
                    }
                    timer.as_mut().reset(due.min(now + period).into());
                    if activity.is_quiet_for(REST_AFTER) {
                        // Between two messages, and there alone, this ends hyper's part at once; in
                        // the midst of one it ends with that message, as when draining.
                        connection.stir().graceful_shutdown();
                        let ended = |cx: &mut Context<'_>| {
                            Poll::Ready(connection.stir().poll_without_shutdown(cx))
                        };
                        match poll_fn(ended).await {
                            Poll::Ready(Ok(())) => {
                                let parts = connection.into_inner().into_parts();
                                let mut stream = parts.io.into_inner();
                                stream.unread(parts.read_buf);
                                return Some(stream);
                            }
                            Poll::Ready(Err(_)) => return None,
                            Poll::Pending => {}
                        }
                    }
                }
                Event::Stage(true) if next == Stage::Draining => {
                    next = Stage::Ending;
                    connection.stir().graceful_shutdown();
                }
                Event::Stage(_) => return None,
            }
        }
    }

    /// Waits, without buffers, for a client to go on. False if the connection is over.
    async fn rest<S>(
        &self,
        stream: &mut Watched<S>,
        activity: &Activity,
        stage: &mut watch::Receiver<Stage>,
    ) -> bool
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let Some(deadline) = activity.deadline(&self.timeouts) else { return true };
        let goes_on = tokio::select! {
            comes = stream.look() => comes,
            () = tokio::time::sleep_until(deadline.into()) => false,
            _ = stage.wait_for(|&stage| stage >= Stage::Draining) => false,
        };
        if !goes_on {
            let _ = tokio::time::timeout(FAREWELL, stream.shutdown()).await;
        }
        goes_on
    }

    fn http(&self) -> http1::Builder {
        let mut http = http1::Builder::new();
        http.half_close(true)
            .preserve_header_case(true)
            .auto_date_header(false)
            .header_read_timeout(None)
            .max_buf_size(READ_BYTES.max(self.max_header_size))
            .max_header_size(self.max_header_size)
            .max_headers(HEADERS_MAX);
        http
    }
}

#[cfg(test)]
mod tests;
