use std::io::{Read as _, Write as _};

use rustls::ClientConnection;

use super::*;
use crate::net::tls::testing::{NAME, VERSIONS, configs, told};

/// A session and the client it talks to, whose bytes come in pieces of a given size.
struct Pair {
    session: Session,
    client: ClientConnection,
    piece: usize,
    /// What the session has read.
    read: Vec<u8>,
}

impl Pair {
    fn new(version: &'static rustls::SupportedProtocolVersion, piece: usize) -> Self {
        let (server, client) = configs(version);
        let mut client = ClientConnection::new(client, NAME.try_into().unwrap()).unwrap();
        client.set_buffer_limit(None);
        let session = Session::new(server).unwrap();
        let mut pair = Pair { session, client, piece, read: Vec::new() };
        while pair.client.is_handshaking() {
            pair.bring();
            pair.session.take().unwrap();
            pair.fetch();
        }
        pair.bring();
        assert_eq!(pair.session.take(), Ok(Turn::Open));
        pair
    }

    /// What the client has to send comes, and is read where there is something to read.
    fn bring(&mut self) {
        for piece in sent(&mut self.client).chunks(self.piece) {
            self.session.incoming().extend_from_slice(piece);
            self.session.read(&mut self.read).unwrap();
        }
    }

    /// What the session has to send goes to the client. What it gets.
    fn fetch(&mut self) -> Vec<u8> {
        let mut got = Vec::new();
        let outgoing = self.session.outgoing().split();
        let mut rest = &outgoing[..];
        while !rest.is_empty() {
            self.client.read_tls(&mut rest).unwrap();
            self.client.process_new_packets().unwrap();
            // It ends in "would block", as the connection goes on.
            let _ = self.client.reader().read_to_end(&mut got);
        }
        got
    }
}

fn sent(client: &mut ClientConnection) -> Vec<u8> {
    let mut sent = Vec::new();
    while client.wants_write() {
        client.write_tls(&mut sent).unwrap();
    }
    sent
}

#[test]
fn payload_is_the_same_however_records_are_cut() {
    let payload = told(3 * RECORD_BYTES + 5);
    for version in VERSIONS {
        for piece in [1, 4, 5, 4096, RECORD_BYTES, usize::MAX] {
            let mut pair = Pair::new(version, piece);
            pair.client.writer().write_all(&payload).unwrap();
            pair.bring();
            assert!(pair.read == payload, "{version:?} {piece}");
            pair.session.write(&payload).unwrap();
            assert!(pair.fetch() == payload, "{version:?} {piece}");
        }
    }
}

#[test]
fn what_finds_no_room_waits_in_its_order() {
    let payload = told(2 * RECORD_BYTES + 100);
    for room in [1, 1000, RECORD_BYTES, RECORD_BYTES + 1] {
        let mut pair = Pair::new(VERSIONS[1], usize::MAX);
        pair.client.writer().write_all(&payload).unwrap();
        pair.session.incoming().extend_from_slice(&sent(&mut pair.client));
        let mut read = Vec::new();
        while read.len() < payload.len() {
            let mut piece = vec![0; room];
            let mut left = &mut piece[..];
            pair.session.read(&mut left).unwrap();
            let got = room - left.len();
            assert!(got > 0 && pair.session.opened.len() <= RECORD_BYTES, "{room}");
            read.extend_from_slice(&piece[..got]);
        }
        assert!(read == payload, "{room}");
    }
}

#[test]
fn what_comes_while_something_is_said_is_read_later() {
    let payload = told(RECORD_BYTES + 1);
    let mut pair = Pair::new(VERSIONS[1], usize::MAX);
    pair.client.writer().write_all(&payload).unwrap();
    let records = sent(&mut pair.client);
    let (whole, part) = records.split_at(records.len() - 7);
    pair.session.incoming().extend_from_slice(whole);
    pair.session.write(b"early answer").unwrap();
    assert_eq!(pair.fetch(), b"early answer");
    pair.session.incoming().extend_from_slice(part);
    pair.session.read(&mut pair.read).unwrap();
    assert!(pair.read == payload);
}

#[test]
fn keys_are_renewed_by_either_side() {
    let payload = told(1000);
    let mut pair = Pair::new(VERSIONS[1], 11);
    for _ in 0..3 {
        // It asks for new keys of the session's too, which come before what the session says next
        // (RFC 8446, section 4.6.3).
        pair.client.refresh_traffic_keys().unwrap();
        pair.client.writer().write_all(&payload).unwrap();
        pair.read.clear();
        pair.bring();
        assert!(pair.read == payload);
        pair.session.write(&payload).unwrap();
        assert!(pair.fetch() == payload);
    }
}

#[test]
fn an_end_that_is_said_is_an_end_once_all_is_read() {
    for version in VERSIONS {
        let mut pair = Pair::new(version, usize::MAX);
        pair.client.writer().write_all(b"the last of it").unwrap();
        pair.client.send_close_notify();
        pair.session.incoming().extend_from_slice(&sent(&mut pair.client));
        let (mut first, mut rest) = ([0; 3], Vec::new());
        pair.session.read(&mut &mut first[..]).unwrap();
        assert!(!pair.session.is_ended());
        pair.session.read(&mut rest).unwrap();
        assert_eq!((&first[..], &rest[..]), (&b"the"[..], &b" last of it"[..]));
        pair.session.read(&mut rest).unwrap();
        assert!(pair.session.is_ended());
        // A client that says nothing more can still be answered.
        pair.session.write(b"answer").unwrap();
        pair.session.close().unwrap();
        let outgoing = pair.session.outgoing().split();
        pair.client.read_tls(&mut &outgoing[..]).unwrap();
        assert!(pair.client.process_new_packets().unwrap().peer_has_closed());
    }
}

#[test]
fn rubbish_is_an_error_for_good_and_is_told() {
    let (server, _) = configs(VERSIONS[1]);
    let mut session = Session::new(server).unwrap();
    session.incoming().extend_from_slice(b"GET / HTTP/1.1\r\nHost: gate.example\r\n\r\n");
    let error = session.take().unwrap_err();
    assert_eq!(session.outgoing[0], 21, "an alert: RFC 8446, section 5.1");
    assert_eq!(session.read(&mut Vec::new()), Err(error.clone()));
    assert_eq!(session.write(b"x"), Err(error));

    let mut pair = Pair::new(VERSIONS[1], usize::MAX);
    pair.client.writer().write_all(b"payload").unwrap();
    let mut records = sent(&mut pair.client);
    *records.last_mut().unwrap() ^= 1;
    pair.session.incoming().extend_from_slice(&records);
    assert_eq!(pair.session.read(&mut pair.read), Err(Error::DecryptError));
    assert_eq!(pair.session.read(&mut pair.read), Err(Error::DecryptError));
    assert!(pair.read.is_empty());
    let outgoing = pair.session.outgoing().split();
    pair.client.read_tls(&mut &outgoing[..]).unwrap();
    let told = pair.client.process_new_packets().unwrap_err();
    assert_eq!(told, Error::AlertReceived(rustls::AlertDescription::BadRecordMac));
}

#[test]
fn memory_is_given_back_where_nothing_waits() {
    let mut pair = Pair::new(VERSIONS[1], usize::MAX);
    pair.client.writer().write_all(&told(100_000)).unwrap();
    pair.bring();
    pair.session.write(b"answer").unwrap();
    pair.session.give_back();
    assert!(!pair.session.outgoing.is_empty(), "what waits stays");
    pair.fetch();
    pair.session.give_back();
    let Session { incoming, opened, outgoing, .. } = &mut pair.session;
    assert_eq!([incoming, opened, outgoing].map(|buffer| buffer.capacity()), [0; 3]);
    // One that was read to the end of its memory seems to have none, and has it.
    pair.session.opened = told(100)[..].into();
    pair.session.read(&mut pair.read).unwrap();
    assert!(pair.session.opened.clone().capacity() == 0);
    pair.session.give_back();
    assert!(!pair.session.opened.try_reclaim(1));
}

#[test]
fn a_message_in_ever_so_many_records_does_not_pile_up() {
    let (server, _) = configs(VERSIONS[1]);
    let mut session = Session::new(server).unwrap();
    // A ClientHello of almost 64 KiB, a byte in each record (RFC 8446, section 5.1).
    let message = [&[1, 0, 0xff, 0][..], &[0; 0xff00]].concat();
    let error = message.iter().find_map(|byte| {
        session.incoming().extend_from_slice(&[22, 3, 1, 0, 1, *byte]);
        assert!(session.incoming.len() <= WAITING_MAX + 6);
        session.take().err()
    });
    assert_eq!(error, Some(InvalidMessage::HandshakePayloadTooLarge.into()));
}
