//! A raw store that records what came and how it ended, and makes an object of nothing but a whole
//! message.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::{JoinHandle, JoinSet};

/// One connection, from its first byte to its end.
#[derive(Debug)]
pub struct Wire {
    pub messages: Vec<Message>,
    pub end: End,
}

/// One request, as far as it came.
#[derive(Default)]
pub struct Message {
    pub head: String,
    /// Without HTTP's framing.
    pub body: Vec<u8>,
    /// Whether HTTP says that all of it has come.
    pub complete: bool,
}

impl std::fmt::Debug for Message {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Message { head, body, complete } = self;
        write!(f, "{head:?} with {} bytes, complete: {complete}", body.len())
    }
}

/// How a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    Fin,
    Rst,
    /// The store closed it.
    Store,
}

/// What the store does with a message: with a whole one, where nothing else is said.
#[derive(Clone, Debug)]
pub enum Reply {
    /// Answers.
    Ok,
    /// Answers once there is a permit.
    Held(Arc<Semaphore>),
    /// Closes the connection once there is a permit.
    Closes(Arc<Semaphore>),
    /// Refuses the head: once some of the body has come, unless it has been asked first.
    Early,
}

/// What it answers.
pub const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nETag: \"made-up\"\r\n\
    x-amz-request-id: STORE1\r\n\r\n";

/// What it answers to a head that it refuses.
pub const REFUSAL: &[u8] =
    b"HTTP/1.1 403 Forbidden\r\nContent-Length: 7\r\nConnection: close\r\n\r\nrefused";

/// A store under way.
pub struct Store {
    pub address: SocketAddr,
    /// How many whole messages have come.
    pub complete: watch::Receiver<usize>,
    farewell: Arc<OnceLock<SocketAddr>>,
    accepting: JoinHandle<Vec<Wire>>,
}

impl Store {
    pub async fn start(reply: Reply) -> Store {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (count, complete) = watch::channel(0);
        let farewell = Arc::new(OnceLock::new());
        let accepting = tokio::spawn(accept(listener, farewell.clone(), reply, count));
        Store { address, complete, farewell, accepting }
    }

    /// What has come, once all connections that were made have ended.
    pub async fn stop(self) -> Vec<Wire> {
        // Connections are accepted in the order in which they were made: behind this one comes
        // nothing.
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        self.farewell.set(socket.local_addr().unwrap()).unwrap();
        let _last = socket.connect(self.address).await.unwrap();
        self.accepting.await.unwrap()
    }
}

async fn accept(
    listener: TcpListener,
    farewell: Arc<OnceLock<SocketAddr>>,
    reply: Reply,
    count: watch::Sender<usize>,
) -> Vec<Wire> {
    let mut serving = JoinSet::new();
    for number in 0.. {
        let (stream, peer) = listener.accept().await.unwrap();
        if farewell.get() == Some(&peer) {
            break;
        }
        let (reply, count) = (reply.clone(), count.clone());
        serving.spawn(async move { (number, serve(stream, reply, count).await) });
    }
    let mut wires: Vec<(usize, Wire)> = serving.join_all().await;
    wires.sort_by_key(|(number, _)| *number);
    wires.into_iter().map(|(_, wire)| wire).collect()
}

async fn serve(stream: TcpStream, reply: Reply, count: watch::Sender<usize>) -> Wire {
    let mut reader = Reader { stream, buffer: Vec::new(), taken: 0 };
    let mut messages = Vec::new();
    let end = loop {
        let Err(end) = exchange(&mut reader, &mut messages, &reply, &count).await else { continue };
        break end;
    };
    Wire { messages, end }
}

async fn exchange(
    reader: &mut Reader,
    messages: &mut Vec<Message>,
    reply: &Reply,
    count: &watch::Sender<usize>,
) -> Result<(), End> {
    let head = reader.head().await?;
    let lower = head.to_ascii_lowercase();
    messages.push(Message { head, ..Message::default() });
    let message = messages.last_mut().expect("it has just been pushed");
    let expects = lower.contains("\r\nexpect: 100-continue\r\n");
    if let Reply::Early = reply {
        if !expects {
            reader.some().await?;
        }
        reader.write(REFUSAL).await?;
    } else if expects {
        reader.write(b"HTTP/1.1 100 Continue\r\n\r\n").await?;
    }
    match lower.contains("\r\ntransfer-encoding: chunked\r\n") {
        true => reader.chunks(&mut message.body).await?,
        false => reader.counted(declared(&lower), &mut message.body).await?,
    }
    message.complete = true;
    count.send_modify(|count| *count += 1);
    match reply {
        Reply::Ok => {}
        Reply::Early => return Err(End::Store),
        Reply::Held(latch) => latch.acquire().await.expect("it is never closed").forget(),
        Reply::Closes(latch) => {
            latch.acquire().await.expect("it is never closed").forget();
            return Err(End::Store);
        }
    }
    reader.write(ANSWER).await
}

fn declared(head: &str) -> usize {
    let value = head.split("\r\ncontent-length: ").nth(1).and_then(|rest| rest.lines().next());
    value.map_or(0, |digits| digits.parse().expect("the gate sends a number"))
}

struct Reader {
    stream: TcpStream,
    buffer: Vec<u8>,
    /// Bytes of `buffer` that have been taken.
    taken: usize,
}

impl Reader {
    async fn head(&mut self) -> Result<String, End> {
        let mut head = String::new();
        loop {
            let line = self.line().await?;
            head += &line;
            head += "\r\n";
            if line.is_empty() {
                return Ok(head);
            }
        }
    }

    async fn chunks(&mut self, body: &mut Vec<u8>) -> Result<(), End> {
        loop {
            let size = self.line().await?;
            let size = usize::from_str_radix(&size, 16).expect("the gate sends a chunk's size");
            if size == 0 {
                break;
            }
            self.counted(size, body).await?;
            assert_eq!(self.line().await?, "", "behind a chunk's data");
        }
        // Trailers, and the empty line.
        while !self.line().await?.is_empty() {}
        Ok(())
    }

    /// Takes so many bytes, as they come.
    async fn counted(&mut self, size: usize, body: &mut Vec<u8>) -> Result<(), End> {
        let mut left = size;
        while left > 0 {
            self.some().await?;
            let some = left.min(self.buffer.len() - self.taken);
            body.extend_from_slice(&self.buffer[self.taken..self.taken + some]);
            self.taken += some;
            left -= some;
        }
        Ok(())
    }

    async fn line(&mut self) -> Result<String, End> {
        loop {
            let rest = &self.buffer[self.taken..];
            if let Some(at) = rest.windows(2).position(|pair| pair == b"\r\n") {
                let line = String::from_utf8_lossy(&rest[..at]).into_owned();
                self.taken += at + 2;
                return Ok(line);
            }
            self.fill().await?;
        }
    }

    /// Waits until there is something to be taken.
    async fn some(&mut self) -> Result<(), End> {
        match self.buffer.len() == self.taken {
            true => self.fill().await,
            false => Ok(()),
        }
    }

    async fn fill(&mut self) -> Result<(), End> {
        self.buffer.drain(..std::mem::take(&mut self.taken));
        match self.stream.read_buf(&mut self.buffer).await {
            Ok(0) => Err(End::Fin),
            Ok(_) => Ok(()),
            Err(error) => Err(end(error.kind())),
        }
    }

    async fn write(&mut self, bytes: &[u8]) -> Result<(), End> {
        self.stream.write_all(bytes).await.map_err(|error| end(error.kind()))
    }
}

fn end(kind: ErrorKind) -> End {
    match kind {
        ErrorKind::ConnectionReset => End::Rst,
        // Linux says so where a FIN had come before.
        ErrorKind::BrokenPipe => End::Fin,
        other => panic!("a connection ended by {other}"),
    }
}
