use tokio::io::{AsyncWriteExt as _, DuplexStream, duplex};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::*;
use crate::net::tls::testing::{NAME, VERSIONS, configs, told};

/// Two ends that have agreed, with so much room between them.
async fn agreed(
    version: &'static rustls::SupportedProtocolVersion,
    room: usize,
) -> (Stream<DuplexStream>, TlsStream<DuplexStream>) {
    let (server, client) = configs(version);
    let (here, there) = duplex(room);
    let connecting = TlsConnector::from(client).connect(NAME.try_into().unwrap(), there);
    tokio::try_join!(Stream::accept(here, server), connecting).unwrap()
}

#[tokio::test]
async fn both_directions_at_once_and_to_the_end() {
    let payload = told(5 * AHEAD_BYTES + 3);
    for version in VERSIONS {
        for room in [100, 20_000, 1 << 20] {
            let (gate, client) = agreed(version, room).await;
            let (from_client, to_client) = tokio::io::split(gate);
            let (from_gate, to_gate) = tokio::io::split(client);
            let (up, down, sent, answered) = tokio::join!(
                whole(from_client),
                whole(from_gate),
                all(to_gate, &payload),
                all(to_client, &payload)
            );
            sent.unwrap();
            answered.unwrap();
            assert!(up.unwrap() == payload && down.unwrap() == payload, "{version:?} {room}");
        }
    }
}

async fn whole(mut from: impl AsyncRead + Unpin) -> io::Result<Vec<u8>> {
    let mut got = Vec::new();
    from.read_to_end(&mut got).await?;
    Ok(got)
}

async fn all(mut to: impl AsyncWrite + Unpin, payload: &[u8]) -> io::Result<()> {
    to.write_all(payload).await?;
    to.shutdown().await
}

#[tokio::test]
async fn an_end_that_nobody_said_is_an_error() {
    let (mut gate, mut client) = agreed(VERSIONS[1], 1 << 16).await;
    client.write_all(b"half of").await.unwrap();
    client.flush().await.unwrap();
    let (connection, _) = client.into_inner();
    drop(connection);
    let mut got = Vec::new();
    let error = gate.read_to_end(&mut got).await.unwrap_err();
    assert_eq!((error.kind(), &got[..]), (io::ErrorKind::UnexpectedEof, &b"half of"[..]));
}

#[tokio::test]
async fn who_speaks_no_tls_is_told_so() {
    let (server, _) = configs(VERSIONS[1]);
    let (here, mut there) = duplex(1 << 16);
    there.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    let error = Stream::accept(here, server).await.err().unwrap();
    assert_eq!(error.kind(), io::ErrorKind::InvalidData);
    let mut told = Vec::new();
    there.read_to_end(&mut told).await.unwrap();
    assert_eq!((told[0], told.len()), (21, 7), "one alert");
}

#[tokio::test]
async fn a_head_and_a_short_body_go_in_one_record() {
    let (mut gate, mut client) = agreed(VERSIONS[1], 1 << 16).await;
    let pieces = [b"".as_slice(), b"head", b"body"].map(IoSlice::new);
    let written = poll_fn(|cx| Pin::new(&mut gate).poll_write_vectored(cx, &pieces)).await;
    assert_eq!(written.unwrap(), 8);
    let mut got = [0; 100];
    // A client reads a record at a time.
    let len = client.read(&mut got).await.unwrap();
    assert_eq!(&got[..len], b"headbody");
}
