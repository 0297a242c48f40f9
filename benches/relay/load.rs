//! The store that swallows bodies, and the clients that send them. Blocking sockets and threads:
//! their CPU is nobody's concern.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};

use rustls::{ClientConnection, StreamOwned};

use crate::target::Target;

/// A store that reads each request and says 200.
pub struct Sink {
    pub address: SocketAddr,
}

/// How much is sent in one turn.
#[derive(Clone, Copy)]
pub struct Load {
    pub body: usize,
    pub requests: usize,
    pub connections: usize,
}

impl Sink {
    /// Serves until the process ends.
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a loopback port");
        let address = listener.local_addr().expect("its address");
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                std::thread::spawn(move || swallow(stream));
            }
        });
        Sink { address }
    }
}

fn swallow(stream: TcpStream) {
    let _ = stream.set_nodelay(true);
    let Ok(mut answers) = stream.try_clone() else { return };
    let mut requests = BufReader::with_capacity(256 << 10, stream);
    while let Some(length) = read_head(&mut requests) {
        if skip(&mut requests, length).is_none() {
            return;
        }
        let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nETag: \"x\"\r\n\r\n";
        if answers.write_all(answer).is_err() {
            return;
        }
    }
}

/// Reads a head; gives its Content-Length.
fn read_head(input: &mut impl BufRead) -> Option<usize> {
    let (mut length, mut line) = (0, String::new());
    loop {
        line.clear();
        if input.read_line(&mut line).ok()? == 0 {
            return None;
        }
        let line = line.trim_end();
        if line.is_empty() {
            return Some(length);
        }
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().ok()?;
        }
    }
}

fn skip(input: &mut impl BufRead, mut length: usize) -> Option<()> {
    while length > 0 {
        let there = input.fill_buf().ok()?.len().min(length);
        if there == 0 {
            return None;
        }
        input.consume(there);
        length -= there;
    }
    Some(())
}

/// A request as it goes out.
pub struct Message {
    head: String,
    body: Vec<u8>,
}

impl Message {
    /// An upload whose body is the payload as it is.
    pub fn put(host: SocketAddr, payload: Vec<u8>) -> Self {
        Message::signed("PUT", host, "UNSIGNED-PAYLOAD", "", payload)
    }

    /// An upload whose payload comes in chunks with a trailer, as SDKs send it over HTTPS.
    pub fn chunked(host: SocketAddr, payload: &[u8]) -> Self {
        const CHUNK: usize = 64 << 10;
        let mut body = Vec::with_capacity(payload.len() + payload.len() / 1024 + 64);
        for chunk in payload.chunks(CHUNK) {
            body.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
            body.extend_from_slice(chunk);
            body.extend_from_slice(b"\r\n");
        }
        body.extend_from_slice(b"0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n");
        let more = format!(
            "Content-Encoding: aws-chunked\r\nx-amz-decoded-content-length: {}\r\n\
             x-amz-trailer: x-amz-checksum-crc32\r\n",
            payload.len()
        );
        Message::signed("PUT", host, "STREAMING-UNSIGNED-PAYLOAD-TRAILER", &more, body)
    }

    /// A download.
    pub fn get(host: SocketAddr) -> Self {
        Message::signed("GET", host, "UNSIGNED-PAYLOAD", "", Vec::new())
    }

    fn signed(method: &str, host: SocketAddr, payload: &str, more: &str, body: Vec<u8>) -> Self {
        let head = format!(
            "{method} /bucket/key HTTP/1.1\r\nHost: {host}\r\nContent-Length: {}\r\n\
             x-amz-content-sha256: {payload}\r\nx-amz-date: 20260101T000000Z\r\n{more}\
             Authorization: AWS4-HMAC-SHA256 Credential=A/20260101/us-east-1/s3/aws4_request, \
             SignedHeaders=host;x-amz-content-sha256;x-amz-date, Signature={:064}\r\n\r\n",
            body.len(),
            0
        );
        Message { head, body }
    }
}

impl Load {
    /// Uploads everything.
    pub fn run(self, target: &Target) {
        self.send(target, &Message::put(target.address, self.payload()));
    }

    /// A payload of its size.
    pub fn payload(self) -> Vec<u8> {
        (0..self.body).map(|i| ((i * 31) >> 3) as u8).collect()
    }

    /// Sends as many of this message, on so many connections at once, and checks each answer.
    pub fn send(self, target: &Target, message: &Message) {
        let left = AtomicUsize::new(self.requests);
        std::thread::scope(|scope| {
            for _ in 0..self.connections {
                scope.spawn(|| {
                    let mut connection = connect(target);
                    let take = |n: usize| n.checked_sub(1);
                    while left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_ok() {
                        exchange(&mut connection, message);
                    }
                });
            }
        });
    }
}

/// Connections that have sent one small request each and are kept open.
pub fn idle(target: &Target, count: usize) -> Vec<Connection> {
    let message = Message::put(target.address, vec![7; 1024]);
    let open = || {
        let mut connection = connect(target);
        exchange(&mut connection, &message);
        connection
    };
    (0..count).map(|_| open()).collect()
}

/// A client's connection, in TLS or not.
pub type Connection = BufReader<Box<dyn Stream>>;

/// What a connection consists of.
pub trait Stream: Read + Write + Send {}

impl<S: Read + Write + Send> Stream for S {}

fn connect(target: &Target) -> Connection {
    let stream = TcpStream::connect(target.address).expect("the target accepts");
    stream.set_nodelay(true).expect("a socket");
    let Some(trusting) = &target.trusting else { return BufReader::new(Box::new(stream)) };
    let name = target.address.ip().into();
    let client = ClientConnection::new(trusting.clone(), name).expect("a name");
    BufReader::new(Box::new(StreamOwned::new(client, stream)))
}

fn exchange(connection: &mut Connection, Message { head, body }: &Message) {
    let stream = connection.get_mut();
    if body.len() <= 4096 {
        let whole = [head.as_bytes(), body.as_slice()].concat();
        stream.write_all(&whole).expect("the request goes out");
    } else {
        stream.write_all(head.as_bytes()).expect("the head goes out");
        stream.write_all(body).expect("the body goes out");
    }
    stream.flush().expect("all of it goes out");
    let mut status = [0; 12];
    connection.read_exact(&mut status).expect("an answer");
    assert_eq!(&status, b"HTTP/1.1 200", "{}", String::from_utf8_lossy(&status));
    let length = read_head(connection).expect("a whole head");
    skip(connection, length).expect("a whole body");
}
