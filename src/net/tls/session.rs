//! One TLS connection with a client, as bytes that come and bytes that go: no socket.
//!
//! rustls' buffered interface reads into a buffer of its own, 4 KiB at a time, which it grows and
//! shrinks with each record. Its unbuffered one, used here, opens records where they lie.

use std::sync::Arc;

use bytes::{Buf as _, BufMut, BytesMut};
use rustls::server::{ServerConnectionData, UnbufferedServerConnection};
use rustls::unbuffered::{
    ConnectionState, EncodeError, EncodeTlsData, EncryptError, UnbufferedStatus, WriteTraffic,
};
use rustls::{Error, InvalidMessage, ServerConfig};

/// Most bytes of payload in a record (RFC 8446, section 5.1).
pub(super) const RECORD_BYTES: usize = 1 << 14;
/// Bytes that may wait for what follows them: a record, or the pieces of a message of a handshake.
/// rustls bounds such a message, not in how many records it may come; in its buffered interface this
/// is the bound.
const WAITING_MAX: usize = u16::MAX as usize;
/// Room for what a record has around its payload: more than the 261 bytes that any may have.
const AROUND_BYTES: usize = 512;

/// What has come and is not read, what is said and not sent, and what rustls knows.
pub(super) struct Session {
    connection: UnbufferedServerConnection,
    /// Records that came, the last of them maybe in part.
    incoming: BytesMut,
    /// Payload for which there was no room.
    opened: BytesMut,
    /// Records to be sent.
    outgoing: BytesMut,
    /// Whether the client has said that nothing more comes.
    ended: bool,
    /// What was wrong: nothing is right after it.
    failed: Option<Error>,
}

/// What payload is sent with.
type Traffic<'a> = WriteTraffic<'a, ServerConnectionData>;

/// How far a session has got with what has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// There may be more to do.
    More,
    /// The handshake waits for the client.
    Handshake,
    /// All is taken but maybe part of a record, and payload can be sent.
    Open,
}

impl Session {
    /// One that waits for a client's first record.
    ///
    /// # Errors
    /// The configuration is none that rustls can serve with.
    pub(super) fn new(config: Arc<ServerConfig>) -> Result<Self, Error> {
        let connection = UnbufferedServerConnection::new(config)?;
        let [incoming, opened, outgoing] = [(); 3].map(|()| BytesMut::new());
        Ok(Session { connection, incoming, opened, outgoing, ended: false, failed: None })
    }

    /// Where what comes is to be put, behind what is there.
    pub(super) fn incoming(&mut self) -> &mut BytesMut {
        &mut self.incoming
    }

    /// What is to be sent; its sender takes it off the front.
    pub(super) fn outgoing(&mut self) -> &mut BytesMut {
        &mut self.outgoing
    }

    /// Whether the client has said that nothing more comes, and all before it is read.
    pub(super) fn is_ended(&self) -> bool {
        self.ended && self.opened.is_empty()
    }

    /// Gives back the memory of buffers that hold nothing.
    pub(super) fn give_back(&mut self) {
        for buffer in [&mut self.incoming, &mut self.opened, &mut self.outgoing] {
            if buffer.is_empty() {
                *buffer = BytesMut::new();
            }
        }
    }

    /// Takes all that has come, whether or not anybody reads it.
    ///
    /// # Errors
    /// What has come is not TLS, or not what rustls can agree to. Then `outgoing` says so to the client.
    pub(super) fn take(&mut self) -> Result<Turn, Error> {
        loop {
            let turn = self.step(&mut [0; 0].as_mut_slice())?;
            if turn != Turn::More {
                return Ok(turn);
            }
        }
    }

    /// Reads payload, as long as some has come and there is room.
    ///
    /// # Errors
    /// As [`Session::take`].
    pub(super) fn read(&mut self, room: &mut impl BufMut) -> Result<(), Error> {
        let waited = self.opened.len().min(room.remaining_mut());
        room.put_slice(&self.opened[..waited]);
        self.opened.advance(waited);
        while self.opened.is_empty() && room.has_remaining_mut() {
            if self.step(room)? != Turn::More {
                break;
            }
        }
        Ok(())
    }

    /// Puts payload into records.
    ///
    /// # Errors
    /// As [`Session::take`]; or the handshake is not at its end, or the keys are used up.
    pub(super) fn write(&mut self, payload: &[u8]) -> Result<(), Error> {
        let around = payload.len().div_ceil(RECORD_BYTES) * AROUND_BYTES;
        self.say(payload.len() + around, |traffic, out| traffic.encrypt(payload, out))
    }

    /// Says that nothing more is sent.
    ///
    /// # Errors
    /// As [`Session::write`].
    pub(super) fn close(&mut self) -> Result<(), Error> {
        self.say(AROUND_BYTES, |traffic, out| traffic.queue_close_notify(out))
    }

    fn say(
        &mut self,
        room: usize,
        put: impl FnOnce(&mut Traffic<'_>, &mut [u8]) -> Result<usize, EncryptError>,
    ) -> Result<(), Error> {
        self.take()?;
        let UnbufferedStatus { discard, state } =
            self.connection.process_tls_records(&mut self.incoming);
        let said = match state? {
            ConnectionState::WriteTraffic(mut traffic) => {
                append(&mut self.outgoing, room, |out| put(&mut traffic, out)).map_err(general)
            }
            _ => Err(Error::HandshakeNotComplete),
        };
        self.incoming.advance(discard);
        said
    }

    /// Has rustls take the next of what has come. Payload goes to `room`; what finds none waits, which
    /// is never more than has come.
    fn step(&mut self, room: &mut impl BufMut) -> Result<Turn, Error> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        let turn = self.process(room);
        if let Err(error) = &turn {
            self.failed = Some(error.clone());
            self.alert();
        }
        turn
    }

    fn process(&mut self, room: &mut impl BufMut) -> Result<Turn, Error> {
        let UnbufferedStatus { mut discard, state } =
            self.connection.process_tls_records(&mut self.incoming);
        let turn = match state? {
            ConnectionState::ReadTraffic(mut traffic) => {
                while let Some(record) = traffic.next_record() {
                    let record = record?;
                    let given = record.payload.len().min(room.remaining_mut());
                    room.put_slice(&record.payload[..given]);
                    self.opened.extend_from_slice(&record.payload[given..]);
                    discard += record.discard;
                }
                Turn::More
            }
            ConnectionState::EncodeTlsData(mut data) => {
                encode(&mut self.outgoing, &mut data)?;
                Turn::More
            }
            // Whatever is sent later is sent behind it.
            ConnectionState::TransmitTlsData(data) => {
                data.done();
                Turn::More
            }
            ConnectionState::BlockedHandshake => Turn::Handshake,
            ConnectionState::WriteTraffic(_) => Turn::Open,
            ConnectionState::PeerClosed | ConnectionState::Closed => {
                self.ended = true;
                Turn::Open
            }
            // Of early data none is offered; and rustls may come to know more.
            _ => return Err(Error::General("a state that is not expected".into())),
        };
        self.incoming.advance(discard);
        if turn != Turn::More && !self.ended && self.incoming.len() > WAITING_MAX {
            return Err(InvalidMessage::HandshakePayloadTooLarge.into());
        }
        Ok(turn)
    }

    /// Puts what tells the client of an error behind what is to be sent.
    fn alert(&mut self) {
        while self.connection.wants_write() {
            match self.connection.process_tls_records(&mut self.incoming).state {
                Ok(ConnectionState::EncodeTlsData(mut data)) => {
                    // It fails where nothing is left to encode.
                    let _ = encode(&mut self.outgoing, &mut data);
                }
                Ok(ConnectionState::TransmitTlsData(data)) => data.done(),
                _ => return,
            }
        }
    }
}

fn encode<D>(outgoing: &mut BytesMut, data: &mut EncodeTlsData<'_, D>) -> Result<(), Error> {
    match data.encode(&mut []) {
        Err(EncodeError::InsufficientSize(wanted)) => {
            append(outgoing, wanted.required_size, |out| data.encode(out)).map_err(general)
        }
        other => other.map(drop).map_err(general),
    }
}

/// Appends what `put` writes into so much room.
fn append<E>(
    outgoing: &mut BytesMut,
    room: usize,
    put: impl FnOnce(&mut [u8]) -> Result<usize, E>,
) -> Result<(), E> {
    let before = outgoing.len();
    outgoing.resize(before + room, 0);
    let written = put(&mut outgoing[before..]);
    outgoing.truncate(before + written.as_ref().map_or(0, |written| *written));
    written.map(drop)
}

fn general(error: impl std::fmt::Display) -> Error {
    Error::General(error.to_string())
}

#[cfg(test)]
mod tests;
