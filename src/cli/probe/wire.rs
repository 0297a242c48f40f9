//! A connection to the store, byte by byte: uploads have to be cut where no library would cut them.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, StreamOwned};
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

/// How TLS is spoken with the store, and who it has to be.
pub(super) struct Tls {
    /// Whom the probe trusts, and what it shows of itself.
    pub(super) config: Arc<ClientConfig>,
    /// The endpoint's host.
    pub(super) name: ServerName<'static>,
}

/// What the bytes go through. TLS gets no farewell: what is cut has to look cut in both layers.
enum Socket {
    Plain(TcpStream),
    Tls(Box<StreamOwned<ClientConnection, TcpStream>>),
}

/// One connection. Whatever it does is over within `patience`, each time, or soon after `stop` is set.
pub(super) struct Wire<'a> {
    socket: Socket,
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
        tls: Option<&Tls>,
        patience: Duration,
        stop: Option<&'a AtomicBool>,
    ) -> io::Result<Self> {
        let mut last = io::Error::new(ErrorKind::NotFound, "the name has no address");
        for address in addresses {
            match TcpStream::connect_timeout(address, patience) {
                Ok(socket) => {
                    socket.set_nodelay(true)?;
                    socket.set_write_timeout(Some(TICK.min(patience)))?;
                    let socket = Socket::new(socket, tls)?;
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
        while let Err(error) = self.socket.flush() {
            if !is_wait(&error) || self.is_over(deadline) {
                break;
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
        let _ = self.socket.tcp().shutdown(Shutdown::Write);
    }

    /// Makes the end of this connection a reset.
    ///
    /// # Errors
    /// The socket does not take the option.
    pub(super) fn reset(self) -> io::Result<()> {
        SockRef::from(self.socket.tcp()).set_linger(Some(Duration::ZERO))
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
            if self.socket.tcp().set_read_timeout(Some(slice)).is_err() {
                return Err(End::Reset);
            }
            match self.socket.read(&mut piece) {
                Ok(0) => return Err(End::Closed),
                Ok(length) => {
                    self.buffer.extend_from_slice(&piece[..length]);
                    return Ok(());
                }
                Err(error) if is_wait(&error) => {}
                // TLS without its farewell.
                Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Err(End::Closed),
                Err(_) => return Err(End::Reset),
            }
        }
        Err(End::Silent)
    }

    fn is_over(&self, deadline: Instant) -> bool {
        Instant::now() >= deadline || self.stop.is_some_and(|stop| stop.load(Ordering::Relaxed))
    }
}

impl Socket {
    fn new(socket: TcpStream, tls: Option<&Tls>) -> io::Result<Socket> {
        let Some(Tls { config, name }) = tls else { return Ok(Socket::Plain(socket)) };
        let session =
            ClientConnection::new(config.clone(), name.clone()).map_err(io::Error::other)?;
        Ok(Socket::Tls(Box::new(StreamOwned::new(session, socket))))
    }

    fn tcp(&self) -> &TcpStream {
        match self {
            Socket::Plain(socket) => socket,
            Socket::Tls(stream) => &stream.sock,
        }
    }
}

impl Read for Socket {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self {
            Socket::Plain(socket) => socket.read(into),
            Socket::Tls(stream) => stream.read(into),
        }
    }
}

impl Write for Socket {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Socket::Plain(socket) => socket.write(bytes),
            Socket::Tls(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Socket::Plain(socket) => socket.flush(),
            Socket::Tls(stream) => stream.flush(),
        }
    }
}

/// Whether nothing has failed, but for the time that a system call was given.
fn is_wait(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted)
}
