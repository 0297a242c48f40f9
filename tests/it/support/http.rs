//! HTTP/1.1 read byte by byte, without any library: what is judged here must not be tidied up
//! before it is seen.

/// A message's head, exactly as it came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Head {
    /// Every byte up to and with the empty line.
    pub raw: Vec<u8>,
    /// The first line.
    pub start: String,
    /// Name and value of each field in order; the space around the value is taken off.
    pub fields: Vec<(String, String)>,
}

impl Head {
    /// The head at the start of `bytes`, if all of it is there.
    pub fn parse(bytes: &[u8]) -> Option<Head> {
        let end = find(bytes, b"\r\n\r\n")? + 4;
        let raw = bytes[..end].to_vec();
        let text = latin1(&raw[..end - 4]);
        let mut lines = text.split("\r\n");
        let start = lines.next().unwrap_or_default().to_owned();
        let field = |line: &str| {
            let (name, value) = line.split_once(':').unwrap_or((line, ""));
            (name.to_owned(), value.trim_matches([' ', '\t']).to_owned())
        };
        let fields = lines.map(field).collect();
        Some(Head { raw, start, fields })
    }

    /// The first value of a field.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.all(name).into_iter().next()
    }

    /// Every value of a field, in order.
    pub fn all(&self, name: &str) -> Vec<&str> {
        let is_it = |field: &&(String, String)| field.0.eq_ignore_ascii_case(name);
        self.fields.iter().filter(is_it).map(|(_, value)| value.as_str()).collect()
    }

    /// A word of the first line.
    pub fn word(&self, index: usize) -> &str {
        self.start.split(' ').nth(index).unwrap_or_default()
    }

    /// How the body of a request with this head is delimited.
    pub fn request_framing(&self) -> Framing {
        match (self.get("transfer-encoding"), self.get("content-length")) {
            (Some(_), _) => Framing::Chunked,
            (None, Some(length)) => Framing::Length(length.parse().unwrap_or(0)),
            (None, None) => Framing::Length(0),
        }
    }

    /// The fields by lower-case name, each with its spelling and value in order; what only
    /// concerns one hop is left out. Between names HTTP knows no order.
    pub fn end_to_end(&self) -> std::collections::BTreeMap<String, Vec<(String, String)>> {
        let mut grouped: std::collections::BTreeMap<_, Vec<_>> = Default::default();
        for (name, value) in &self.fields {
            let key = name.to_ascii_lowercase();
            if !matches!(key.as_str(), "connection" | "keep-alive") {
                grouped.entry(key).or_default().push((name.clone(), value.clone()));
            }
        }
        grouped
    }
}

/// How a body's end is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// It has so many bytes.
    Length(u64),
    /// It comes in chunks.
    Chunked,
    /// It goes on until the connection ends.
    UntilClose,
}

/// Takes one body off a connection, however it is cut.
#[derive(Debug)]
pub struct Decoder {
    state: State,
    line: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Bytes(u64),
    UntilClose,
    ChunkSize,
    ChunkData(u64),
    ChunkEnd,
    Trailer,
    Done,
    /// No HTTP: whatever comes, it is never complete.
    Broken,
}

impl Decoder {
    /// A decoder at the start of a body.
    pub fn new(framing: Framing) -> Self {
        let state = match framing {
            Framing::Length(0) => State::Done,
            Framing::Length(length) => State::Bytes(length),
            Framing::Chunked => State::ChunkSize,
            Framing::UntilClose => State::UntilClose,
        };
        Decoder { state, line: Vec::new() }
    }

    /// Whether the body's end has been seen.
    pub fn is_done(&self) -> bool {
        self.state == State::Done
    }

    /// Takes what belongs to the body off the front of `bytes`, gives its payload to `sink` and
    /// returns how many bytes were taken.
    pub fn feed(&mut self, bytes: &[u8], mut sink: impl FnMut(&[u8])) -> usize {
        let mut at = 0;
        while at < bytes.len() && !self.is_done() {
            at += self.step(&bytes[at..], &mut sink);
        }
        at
    }

    fn step(&mut self, bytes: &[u8], sink: &mut impl FnMut(&[u8])) -> usize {
        match self.state {
            State::Bytes(left) => {
                let taken = take(left, bytes, sink);
                let left = left - taken as u64;
                self.state = if left == 0 { State::Done } else { State::Bytes(left) };
                taken
            }
            State::ChunkData(left) => {
                let taken = take(left, bytes, sink);
                let left = left - taken as u64;
                self.state = if left == 0 { State::ChunkEnd } else { State::ChunkData(left) };
                taken
            }
            State::UntilClose => take(u64::MAX, bytes, sink),
            State::ChunkSize | State::ChunkEnd | State::Trailer => {
                self.line.push(bytes[0]);
                if self.line.ends_with(b"\r\n") {
                    let line = std::mem::take(&mut self.line);
                    self.state = self.after_line(&line[..line.len() - 2]);
                }
                1
            }
            State::Done | State::Broken => bytes.len(),
        }
    }

    fn after_line(&self, line: &[u8]) -> State {
        match (self.state, line) {
            (State::ChunkEnd, b"") => State::ChunkSize,
            (State::Trailer, b"") => State::Done,
            (State::Trailer, _) => State::Trailer,
            (State::ChunkSize, line) => match u64::from_str_radix(&latin1(line), 16) {
                Ok(0) => State::Trailer,
                Ok(size) => State::ChunkData(size),
                Err(_) => State::Broken,
            },
            (_, _) => State::Broken,
        }
    }
}

fn take(left: u64, bytes: &[u8], sink: &mut impl FnMut(&[u8])) -> usize {
    let taken = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len());
    sink(&bytes[..taken]);
    taken
}

/// Each byte as the character of its number: nothing is lost, unlike with UTF-8.
pub fn latin1(bytes: &[u8]) -> String {
    bytes.iter().map(|&byte| char::from(byte)).collect()
}

/// Where `needle` first stands.
pub fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}
