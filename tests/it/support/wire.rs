//! One end of a connection, blocking, with a deadline on everything.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

use super::PATIENCE;
use super::http::Head;

/// What a connection's bytes go through: TCP, or TLS on it.
pub trait Socket: Read + Write + Send {
    /// The connection underneath.
    fn tcp(&self) -> &TcpStream;
}

impl Socket for TcpStream {
    fn tcp(&self) -> &TcpStream {
        self
    }
}

/// How the other side ended a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// In order.
    Fin,
    /// By a reset.
    Rst,
}

/// What a read brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fill {
    /// More bytes.
    More,
    /// Nothing within the time that was given.
    Nothing,
    /// The end.
    Ended(Ending),
}

/// One end of a connection. What has come and nobody has taken is in `buffer`.
pub struct Wire {
    socket: Box<dyn Socket>,
    /// What has come and was not taken yet.
    pub buffer: Vec<u8>,
}

impl Wire {
    /// This end of `socket`.
    pub fn new(socket: impl Socket + 'static) -> Self {
        let tcp = socket.tcp();
        tcp.set_nodelay(true).expect("a socket takes options");
        tcp.set_write_timeout(Some(PATIENCE)).expect("a socket takes options");
        Wire { socket: Box::new(socket), buffer: Vec::new() }
    }

    /// Reads once into the buffer.
    pub fn fill(&mut self, patience: Duration) -> Fill {
        // A zero timeout would mean none.
        let patience = patience.max(Duration::from_millis(1));
        self.socket.tcp().set_read_timeout(Some(patience)).expect("a socket takes options");
        let mut piece = [0; 64 * 1024];
        loop {
            return match self.socket.read(&mut piece) {
                Ok(0) => Fill::Ended(Ending::Fin),
                Ok(length) => {
                    self.buffer.extend_from_slice(&piece[..length]);
                    Fill::More
                }
                Err(error) => match error.kind() {
                    ErrorKind::WouldBlock | ErrorKind::TimedOut => Fill::Nothing,
                    ErrorKind::Interrupted => continue,
                    // TLS without a close_notify.
                    ErrorKind::UnexpectedEof => Fill::Ended(Ending::Fin),
                    _ => Fill::Ended(Ending::Rst),
                },
            };
        }
    }

    /// Takes the next head off the connection.
    ///
    /// # Errors
    /// How the connection ended instead, or none if nothing came in time.
    pub fn head(&mut self, deadline: Instant) -> Result<Head, Option<Ending>> {
        loop {
            if let Some(head) = Head::parse(&self.buffer) {
                self.buffer.drain(..head.raw.len());
                return Ok(head);
            }
            match self.fill(deadline.saturating_duration_since(Instant::now())) {
                Fill::More => {}
                Fill::Nothing if Instant::now() < deadline => {}
                Fill::Nothing => return Err(None),
                Fill::Ended(ending) => return Err(Some(ending)),
            }
        }
    }

    /// Sends all of `bytes`.
    ///
    /// # Errors
    /// The other side has gone, or takes nothing for too long.
    pub fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.socket.write_all(bytes)?;
        self.socket.flush()
    }

    /// Ends the sending direction in order; the other one stays open.
    pub fn half_close(&self) {
        // The other side may have gone before.
        let _ = self.socket.tcp().shutdown(Shutdown::Write);
    }

    /// Makes the end of this connection a reset.
    pub fn reset(self) {
        let socket = socket2::SockRef::from(self.socket.tcp());
        socket.set_linger(Some(Duration::ZERO)).expect("a socket takes options");
    }
}
