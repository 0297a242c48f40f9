//! A client that writes what it is told and reads what really comes.

use std::io;
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use super::PATIENCE;
use super::http::{Decoder, Framing, Head, latin1};
use super::request::Request;
use super::wire::{Ending, Fill, Socket, Wire};

/// An answer, with what came before it.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Statuses of the interim answers before it.
    pub interim: Vec<u16>,
    /// Its head.
    pub head: Head,
    /// Its body without HTTP's framing.
    pub body: Vec<u8>,
    /// Whether the body came to its end.
    pub complete: bool,
}

impl Answer {
    /// Its status.
    pub fn status(&self) -> u16 {
        status(&self.head)
    }

    /// Its body as text.
    pub fn text(&self) -> String {
        latin1(&self.body)
    }

    /// What stands in an XML element of its body.
    pub fn element(&self, name: &str) -> Option<String> {
        let text = self.text();
        let (_, rest) = text.split_once(&format!("<{name}>"))?;
        rest.split_once(&format!("</{name}>")).map(|(value, _)| value.to_owned())
    }

    /// Fails unless it is an error in S3's form.
    #[track_caller]
    pub fn expect_error(&self, status: u16, code: &str) {
        assert_eq!(self.status(), status, "{}", self.text());
        assert_eq!(self.element("Code").as_deref(), Some(code), "{}", self.text());
        assert_eq!(self.head.get("content-type"), Some("application/xml"));
        assert!(self.complete, "the error came whole");
    }

    /// Whether it says that the connection ends.
    pub fn closes(&self) -> bool {
        self.head.all("connection").iter().any(|value| value.eq_ignore_ascii_case("close"))
    }
}

/// One connection of a client.
pub struct Client {
    wire: Wire,
}

impl Client {
    /// Connects.
    pub fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect_timeout(&address, PATIENCE).expect("somebody listens");
        Self::on(stream)
    }

    /// A client on a socket that is there.
    pub fn on(socket: impl Socket + 'static) -> Self {
        Client { wire: Wire::new(socket) }
    }

    /// Sends bytes.
    #[track_caller]
    pub fn send(&mut self, bytes: &[u8]) {
        self.try_send(bytes).expect("the other side reads");
    }

    /// Sends bytes, as far as the other side takes them.
    ///
    /// # Errors
    /// It has gone, or takes nothing for too long.
    pub fn try_send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.wire.send(bytes)
    }

    /// Sends a request and reads its answer. That all of the request is taken is not asked for.
    #[track_caller]
    pub fn exchange(&mut self, request: &Request) -> Answer {
        // Who answers early may stop reading: what counts is the answer.
        let _ = self.try_send(&request.on_wire());
        self.answer_to(&request.method)
    }

    /// Reads the answer to a request that is no HEAD.
    #[track_caller]
    pub fn answer(&mut self) -> Answer {
        self.answer_to("GET")
    }

    /// Reads the answer to a request with this method.
    #[track_caller]
    pub fn answer_to(&mut self, method: &str) -> Answer {
        let mut interim = Vec::new();
        let head = loop {
            let head = self.head();
            match status(&head) {
                100..=199 => interim.push(status(&head)),
                _ => break head,
            }
        };
        let mut answer = Answer { interim, head, body: Vec::new(), complete: false };
        self.read_body(&mut answer, method);
        answer
    }

    /// Reads the next head, interim ones too.
    #[track_caller]
    pub fn head(&mut self) -> Head {
        match self.wire.head(Instant::now() + PATIENCE) {
            Ok(head) => head,
            Err(Some(ending)) => panic!(
                "the connection ended ({ending:?}) with {:?} instead of an answer",
                latin1(&self.wire.buffer)
            ),
            Err(None) => panic!("no answer in time"),
        }
    }

    /// Reads the next answer if there is one, else how the connection ended.
    ///
    /// # Errors
    /// How the connection ended; none if nothing came in time.
    pub fn try_answer(&mut self) -> Result<Answer, Option<Ending>> {
        let head = self.wire.head(Instant::now() + PATIENCE)?;
        let mut answer = Answer { interim: vec![], head, body: Vec::new(), complete: false };
        self.read_body(&mut answer, "GET");
        Ok(answer)
    }

    /// Reads until so much of an answer's body, which has no framing to take off, is there.
    #[track_caller]
    pub fn read(&mut self, bytes: usize) -> Vec<u8> {
        let deadline = Instant::now() + PATIENCE;
        while self.wire.buffer.len() < bytes {
            let fill = self.wire.fill(deadline.saturating_duration_since(Instant::now()));
            assert_eq!(fill, Fill::More, "{bytes} bytes come");
        }
        self.wire.buffer.drain(..bytes).collect()
    }

    /// Fails if anything comes, or the connection ends, within `patience`.
    #[track_caller]
    pub fn expect_silence(&mut self, patience: Duration) {
        assert!(self.wire.buffer.is_empty(), "nothing has come");
        let fill = self.wire.fill(patience);
        assert_eq!(fill, Fill::Nothing, "{:?}", latin1(&self.wire.buffer));
    }

    /// Whether anything has come, looking for a moment.
    pub fn has_come(&mut self) -> bool {
        self.wire.fill(Duration::from_millis(1)) != Fill::Nothing
    }

    /// Waits for the end of the connection and returns what came before it.
    #[track_caller]
    pub fn rest(&mut self) -> (Vec<u8>, Ending) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.wire.fill(deadline.saturating_duration_since(Instant::now())) {
                Fill::More => {}
                Fill::Ended(ending) => return (std::mem::take(&mut self.wire.buffer), ending),
                Fill::Nothing => assert!(Instant::now() < deadline, "the connection ends"),
            }
        }
    }

    /// Waits for the end of the connection, before which nothing may come.
    #[track_caller]
    pub fn expect_end(&mut self) {
        let (rest, _) = self.rest();
        assert_eq!(latin1(&rest), "", "nothing comes before the end");
    }

    /// Ends the sending direction.
    pub fn half_close(&self) {
        self.wire.half_close();
    }

    /// Goes away by a reset.
    pub fn reset(self) {
        self.wire.reset();
    }

    fn read_body(&mut self, answer: &mut Answer, method: &str) {
        let deadline = Instant::now() + PATIENCE;
        let framing = answer_framing(&answer.head, method);
        let mut decoder = Decoder::new(framing);
        loop {
            let body = &mut answer.body;
            let taken = decoder.feed(&self.wire.buffer, |piece| body.extend_from_slice(piece));
            self.wire.buffer.drain(..taken);
            if decoder.is_done() {
                answer.complete = true;
                return;
            }
            match self.wire.fill(deadline.saturating_duration_since(Instant::now())) {
                Fill::More => {}
                Fill::Ended(ending) => {
                    answer.complete = framing == Framing::UntilClose && ending == Ending::Fin;
                    return;
                }
                Fill::Nothing => panic!("the answer's body stopped: {:?}", answer.head.start),
            }
        }
    }
}

fn status(head: &Head) -> u16 {
    head.word(1).parse().unwrap_or_else(|_| panic!("no status in {:?}", head.start))
}

fn answer_framing(head: &Head, method: &str) -> Framing {
    let bodiless = method == "HEAD" || matches!(status(head), 204 | 304);
    match (head.get("transfer-encoding"), head.get("content-length")) {
        _ if bodiless => Framing::Length(0),
        (Some(_), _) => Framing::Chunked,
        (None, Some(length)) => Framing::Length(length.parse().expect("a length")),
        (None, None) => Framing::UntilClose,
    }
}
