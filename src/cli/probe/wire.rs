//! A connection to the store, byte by byte: uploads have to be cut where no library would cut them.

use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use socket2::SockRef;

use super::answer::{Answer, Delimited};

/// Most bytes of one answer. Only what the probe itself has stored comes back in a body.
const MAX_ANSWER: usize = 64 << 20;

/// Bytes read at a time.
const PIECE: usize = 64 * 1024;

/// How often a wait asks whether the operator wants it to end.
const TICK: Duration = Duration::from_millis(200);

/// How a connection stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// The store ended it in order.
    Closed,
    /// The store reset it.
    Reset,
    /// It is open, and nothing came in time.
    Silent,
}

/// One connection. Whatever it does is over within `patience`, each time, or soon after `stop` is set.
pub(super) struct Wire<'a> {
    socket: TcpStream,
    buffer: Vec<u8>,
    patience: Duration,
    stop: Option<&'a AtomicBool>,
}

impl<'a> Wire<'a> {
    /// Connects to the first of `addresses` that answers.
    ///
    /// # Errors
    /// None does.
    pub(super) fn connect(
        addresses: &[SocketAddr],
        patience: Duration,
        stop: Option<&'a AtomicBool>,
    ) -> io::Result<Self> {
        let mut last = io::Error::new(ErrorKind::NotFound, "the name has no address");
        for address in addresses {
            match TcpStream::connect_timeout(address, patience) {
                Ok(socket) => {
                    socket.set_nodelay(true)?;
                    socket.set_write_timeout(Some(TICK.min(patience)))?;
                    return Ok(Wire { socket, buffer: Vec::new(), patience, stop });
                }
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    /// Sends `bytes` and tells how many of them went; fewer where the store has ended the
    /// connection or takes no more.
    pub(super) fn send(&mut self, bytes: &[u8]) -> usize {
        let deadline = Instant::now() + self.patience;
        let mut sent = 0;
        while sent < bytes.len() {
            match self.socket.write(&bytes[sent..]) {
                Ok(0) => break,
                Ok(some) => sent += some,
                Err(error) if is_wait(&error) && !self.is_over(deadline) => {}
                Err(_) => break,
            }
        }
        sent
    }

    /// The next answer, interim ones like `100 Continue` included. To a HEAD none has a body.
    ///
    /// # Errors
    /// How the connection stands where none came.
    pub(super) fn answer(&mut self, to_head: bool) -> Result<Answer, End> {
        let deadline = Instant::now() + self.patience;
        loop {
            let (mut answer, length) = match Answer::parse(&self.buffer, to_head) {
                Some(parsed) => parsed,
                None if self.buffer.len() > MAX_ANSWER => return Err(End::Reset),
                None => {
                    self.fill(deadline)?;
                    continue;
                }
            };
            self.buffer.drain(..length);
            answer.body = self.body(answer.delimited, deadline)?;
            return Ok(answer);
        }
    }

    /// The next answer that is not an interim one, and whether a `100 Continue` came first.
    pub(super) fn final_answer(&mut self, to_head: bool) -> (Result<Answer, End>, bool) {
        let mut continued = false;
        loop {
            match self.answer(to_head) {
                Ok(answer) if answer.is_interim() => continued |= answer.status == 100,
                reply => return (reply, continued),
            }
        }
    }

    /// Waits until the store ends the connection, for at most a while.
    pub(super) fn ended(&mut self, patience: Duration) -> End {
        let deadline = Instant::now() + patience;
        loop {
            if let Err(end) = self.fill(deadline) {
                return end;
            }
        }
    }

    /// What has come within a while, if it is an answer: its status. It is left where it is.
    pub(super) fn glimpse(&mut self, patience: Duration) -> Option<u16> {
        let deadline = Instant::now() + patience;
        loop {
            if let Some((answer, _)) = Answer::parse(&self.buffer, true) {
                return Some(answer.status);
            }
            self.fill(deadline).ok()?;
        }
    }

    /// Ends the sending direction in order; the other one stays open.
    pub(super) fn half_close(&self) {
        // The store may have gone before.
        let _ = self.socket.shutdown(Shutdown::Write);
    }

    /// Makes the end of this connection a reset.
    ///
    /// # Errors
    /// The socket does not take the option.
    pub(super) fn reset(self) -> io::Result<()> {
        SockRef::from(&self.socket).set_linger(Some(Duration::ZERO))
    }

    fn body(&mut self, delimited: Delimited, deadline: Instant) -> Result<Vec<u8>, End> {
        loop {
            if let Some((body, length)) = delimited.body(&self.buffer) {
                self.buffer.drain(..length);
                return Ok(body);
            }
            if self.buffer.len() > MAX_ANSWER {
                return Err(End::Reset);
            }
            match self.fill(deadline) {
                Ok(()) => {}
                Err(End::Closed) if delimited == Delimited::ByEnd => {
                    return Ok(std::mem::take(&mut self.buffer));
                }
                Err(end) => return Err(end),
            }
        }
    }

    /// Reads once.
    fn fill(&mut self, deadline: Instant) -> Result<(), End> {
        let mut piece = [0; PIECE];
        while !self.is_over(deadline) {
            let left = deadline.saturating_duration_since(Instant::now());
            // A zero timeout would mean none.
            let slice = left.clamp(Duration::from_millis(1), TICK);
            if self.socket.set_read_timeout(Some(slice)).is_err() {
                return Err(End::Reset);
            }
            match self.socket.read(&mut piece) {
                Ok(0) => return Err(End::Closed),
                Ok(length) => {
                    self.buffer.extend_from_slice(&piece[..length]);
                    return Ok(());
                }
                Err(error) if is_wait(&error) => {}
                Err(_) => return Err(End::Reset),
            }
        }
        Err(End::Silent)
    }

    fn is_over(&self, deadline: Instant) -> bool {
        Instant::now() >= deadline || self.stop.is_some_and(|stop| stop.load(Ordering::Relaxed))
    }
}

/// Whether nothing has failed, but for the time that a system call was given.
fn is_wait(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted)
}
