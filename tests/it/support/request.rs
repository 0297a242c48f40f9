//! Requests as clients write them, byte by byte.
//!
//! Signatures are made up: the recording store checks none, and the gate passes them on.

/// How an upload's payload lies in its body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// As it is, with Content-Length.
    Plain,
    /// As it is, in HTTP chunks.
    PlainChunks,
    /// As it is, with the signature in the query.
    Presigned,
    /// Signed aws-chunks, with Content-Length.
    Signed,
    /// Signed aws-chunks in HTTP chunks.
    SignedChunks,
    /// Unsigned aws-chunks with a trailer, with Content-Length.
    UnsignedTrailer,
    /// Unsigned aws-chunks with a trailer in HTTP chunks.
    UnsignedTrailerChunks,
    /// Signed aws-chunks with a signed trailer, with Content-Length.
    SignedTrailer,
    /// Signed aws-chunks with a signed trailer in HTTP chunks.
    SignedTrailerChunks,
}

impl Framing {
    /// Every framing.
    pub const ALL: [Framing; 9] = [
        Framing::Plain,
        Framing::PlainChunks,
        Framing::Presigned,
        Framing::Signed,
        Framing::SignedChunks,
        Framing::UnsignedTrailer,
        Framing::UnsignedTrailerChunks,
        Framing::SignedTrailer,
        Framing::SignedTrailerChunks,
    ];

    /// The word for it in `x-amz-content-sha256`.
    pub fn token(self) -> &'static str {
        match self {
            Framing::Plain | Framing::PlainChunks | Framing::Presigned => "UNSIGNED-PAYLOAD",
            Framing::Signed | Framing::SignedChunks => "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
            Framing::UnsignedTrailer | Framing::UnsignedTrailerChunks => {
                "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
            }
            Framing::SignedTrailer | Framing::SignedTrailerChunks => {
                "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"
            }
        }
    }

    /// Whether the payload is in aws-chunks.
    pub fn is_aws_chunked(self) -> bool {
        self.token().starts_with("STREAMING")
    }

    /// Whether the body has HTTP's own chunks.
    pub fn is_http_chunked(self) -> bool {
        match self {
            Framing::PlainChunks
            | Framing::SignedChunks
            | Framing::UnsignedTrailerChunks
            | Framing::SignedTrailerChunks => true,
            Framing::Plain
            | Framing::Presigned
            | Framing::Signed
            | Framing::UnsignedTrailer
            | Framing::SignedTrailer => false,
        }
    }

    /// The payload in its aws-chunks, if this framing has them.
    pub fn body(self, payload: &[u8]) -> Vec<u8> {
        let signed = self.token().contains("HMAC");
        let trailer = self.token().ends_with("TRAILER");
        match self.is_aws_chunked() {
            true => aws_chunked(payload, signed, trailer),
            false => payload.to_vec(),
        }
    }
}

/// A request, as its client writes it.
#[derive(Clone, Debug)]
pub struct Request {
    /// The method.
    pub method: String,
    /// The target.
    pub target: String,
    /// The fields in order.
    pub fields: Vec<(String, String)>,
    /// The body, HTTP's own chunks left out.
    pub body: Vec<u8>,
    http_chunked: bool,
}

impl Request {
    /// A request without a body.
    pub fn new(method: &str, target: &str) -> Self {
        let fields = [("Host", "s3.example.org"), ("Authorization", AUTHORIZATION)];
        Request {
            method: method.to_owned(),
            target: target.to_owned(),
            fields: fields.map(|(n, v)| (n.to_owned(), v.to_owned())).to_vec(),
            body: Vec::new(),
            http_chunked: false,
        }
    }

    /// A GET.
    pub fn get(target: &str) -> Self {
        Self::new("GET", target)
    }

    /// A PUT of these bytes as they are.
    pub fn put(target: &str, payload: &[u8]) -> Self {
        Self::framed(target, Framing::Plain, payload)
    }

    /// A POST of these bytes as they are.
    pub fn post(target: &str, body: &[u8]) -> Self {
        Self::put(target, body).by("POST")
    }

    /// A CompleteMultipartUpload of these parts: numbers and ETags.
    pub fn complete(target: &str, parts: &[(u32, &str)]) -> Self {
        let part = |(number, etag): &(u32, &str)| {
            format!("<Part><PartNumber>{number}</PartNumber><ETag>\"{etag}\"</ETag></Part>")
        };
        let parts: String = parts.iter().map(part).collect();
        let xml = format!("<CompleteMultipartUpload>{parts}</CompleteMultipartUpload>");
        Self::post(target, xml.as_bytes())
    }

    /// A PUT of these bytes in this framing.
    pub fn framed(target: &str, framing: Framing, payload: &[u8]) -> Self {
        let mut request = Self::new("PUT", target);
        if framing == Framing::Presigned {
            request = request.without("Authorization");
            request.target = format!("{target}?{PRESIGNED}");
        } else {
            request = request.with("x-amz-content-sha256", framing.token());
        }
        if framing.is_aws_chunked() {
            let length = payload.len().to_string();
            request = request
                .with("Content-Encoding", "aws-chunked")
                .with("x-amz-decoded-content-length", &length);
        }
        if framing.token().ends_with("TRAILER") {
            request = request.with("x-amz-trailer", "x-amz-checksum-crc32");
        }
        request.http_chunked = framing.is_http_chunked();
        request.carrying(framing.body(payload))
    }

    /// The same with another body, whose length is declared unless it comes in HTTP chunks.
    pub fn carrying(self, body: Vec<u8>) -> Self {
        let length = body.len().to_string();
        let request = self.without("Content-Length").without("Transfer-Encoding");
        let mut request = match request.http_chunked {
            true => request.with("Transfer-Encoding", "chunked"),
            false => request.with("Content-Length", &length),
        };
        request.body = body;
        request
    }

    /// The same with other bytes for a body, whatever the head says.
    pub fn with_body(self, body: Vec<u8>) -> Self {
        Request { body, ..self }
    }

    /// The same for another target.
    pub fn to(self, target: &str) -> Self {
        Request { target: target.to_owned(), ..self }
    }

    /// The same with another method.
    pub fn by(self, method: &str) -> Self {
        Request { method: method.to_owned(), ..self }
    }

    /// The same with one more field.
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.fields.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The same without a field.
    pub fn without(mut self, name: &str) -> Self {
        self.fields.retain(|(field, _)| !field.eq_ignore_ascii_case(name));
        self
    }

    /// The same with another value for a field.
    pub fn replacing(self, name: &str, value: &str) -> Self {
        self.without(name).with(name, value)
    }

    /// The same by a client that waits for 100 Continue.
    pub fn expecting(self) -> Self {
        self.with("Expect", "100-continue")
    }

    /// Its head on the wire.
    pub fn head(&self) -> Vec<u8> {
        let mut text = format!("{} {} HTTP/1.1\r\n", self.method, self.target);
        for (name, value) in &self.fields {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        text.push_str("\r\n");
        text.into_bytes()
    }

    /// Its body on the wire.
    pub fn body_on_wire(&self) -> Vec<u8> {
        match self.http_chunked {
            true => http_chunked(&self.body),
            false => self.body.clone(),
        }
    }

    /// All of it on the wire.
    pub fn on_wire(&self) -> Vec<u8> {
        [self.head(), self.body_on_wire()].concat()
    }
}

/// An obviously made-up signature.
pub const AUTHORIZATION: &str = "AWS4-HMAC-SHA256 \
    Credential=TESTKEY/20260101/us-east-1/s3/aws4_request, \
    SignedHeaders=host;x-amz-content-sha256, \
    Signature=00000000000000000000000000000000000000000000000000000000000000aa";

const PRESIGNED: &str = "X-Amz-Algorithm=AWS4-HMAC-SHA256\
    &X-Amz-Credential=TESTKEY%2F20260101%2Fus-east-1%2Fs3%2Faws4_request\
    &X-Amz-Date=20260101T000000Z&X-Amz-Expires=600&X-Amz-SignedHeaders=host\
    &X-Amz-Signature=00000000000000000000000000000000000000000000000000000000000000aa";

/// Payload bytes in an aws-chunk.
pub const AWS_CHUNK: usize = 64 * 1024;

/// The payload in aws-chunks.
pub fn aws_chunked(payload: &[u8], signed: bool, trailer: bool) -> Vec<u8> {
    let extension = if signed { format!(";chunk-signature={}", hex64('c')) } else { String::new() };
    let mut body = Vec::with_capacity(payload.len() + payload.len() / 256 + 512);
    for chunk in payload.chunks(AWS_CHUNK) {
        body.extend_from_slice(format!("{:x}{extension}\r\n", chunk.len()).as_bytes());
        body.extend_from_slice(chunk);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(format!("0{extension}\r\n").as_bytes());
    if trailer {
        body.extend_from_slice(b"x-amz-checksum-crc32:AAAAAA==\r\n");
        if signed {
            body.extend_from_slice(
                format!("x-amz-trailer-signature:{}\r\n", hex64('d')).as_bytes(),
            );
        }
    }
    body.extend_from_slice(b"\r\n");
    body
}

/// A body in HTTP chunks, which are cut elsewhere than aws-chunks are.
pub fn http_chunked(body: &[u8]) -> Vec<u8> {
    let mut wire = Vec::with_capacity(body.len() + body.len() / 64 + 16);
    for chunk in body.chunks(10_000) {
        wire.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
        wire.extend_from_slice(chunk);
        wire.extend_from_slice(b"\r\n");
    }
    wire.extend_from_slice(b"0\r\n\r\n");
    wire
}

fn hex64(digit: char) -> String {
    digit.to_string().repeat(64)
}
