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

impl Load {
    /// Sends everything, on so many connections at once, and checks each answer.
    pub fn run(self, target: &Target) {
        let left = AtomicUsize::new(self.requests);
        let body: Vec<u8> = (0..self.body).map(|i| ((i * 31) >> 3) as u8).collect();
        std::thread::scope(|scope| {
            for _ in 0..self.connections {
                scope.spawn(|| {
                    let mut connection = connect(target);
                    let take = |n: usize| n.checked_sub(1);
                    while left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_ok() {
                        put(&mut connection, target.address, &body);
                    }
                });
            }
        });
    }
}

/// Connections that have sent one small request each and are kept open.
pub fn idle(target: &Target, count: usize) -> Vec<Connection> {
    let open = || {
        let mut connection = connect(target);
        put(&mut connection, target.address, &[7; 1024]);
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

fn put(connection: &mut Connection, host: SocketAddr, body: &[u8]) {
    let head = format!(
        "PUT /bucket/key HTTP/1.1\r\nHost: {host}\r\nContent-Length: {}\r\n\
         x-amz-content-sha256: UNSIGNED-PAYLOAD\r\nx-amz-date: 20260101T000000Z\r\n\
         Authorization: AWS4-HMAC-SHA256 Credential=A/20260101/us-east-1/s3/aws4_request, \
         SignedHeaders=host;x-amz-content-sha256;x-amz-date, Signature={:064}\r\n\r\n",
        body.len(),
        0
    );
    let stream = connection.get_mut();
    if body.len() <= 4096 {
        let whole = [head.as_bytes(), body].concat();
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
