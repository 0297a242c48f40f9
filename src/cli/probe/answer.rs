//! Answers, read off the wire.

use http::header::{
    CONNECTION, CONTENT_LENGTH, HeaderMap, HeaderName, HeaderValue, TRANSFER_ENCODING,
};

/// Most headers of an answer.
const MAX_HEADERS: usize = 100;

/// Longest text between two XML tags that is read, in bytes.
const MAX_TEXT: usize = 1024;

/// An answer.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    /// The status.
    pub(super) status: u16,
    /// The headers.
    pub(super) headers: HeaderMap,
    /// How its body ends.
    pub(super) delimited: Delimited,
    /// The body without HTTP's framing.
    pub(super) body: Vec<u8>,
}

/// How a body ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Delimited {
    /// After so many bytes.
    Length(usize),
    /// With its last chunk.
    Chunks,
    /// With the connection.
    ByEnd,
}

impl Answer {
    /// The head at the start of `bytes` and its length, once all of it is there; its body is still
    /// empty. A head that is none reads as status 0 with the connection's end for its body.
    pub(super) fn parse(bytes: &[u8], to_head: bool) -> Option<(Answer, usize)> {
        let mut fields = [httparse::EMPTY_HEADER; MAX_HEADERS];
        let mut parsed = httparse::Response::new(&mut fields);
        let (status, length, headers) = match parsed.parse(bytes) {
            Ok(httparse::Status::Partial) => return None,
            Ok(httparse::Status::Complete(length)) => {
                let status = parsed.code.unwrap_or_default();
                (status, length, headers(parsed.headers))
            }
            Err(_) => (0, 0, HeaderMap::new()),
        };
        let bodiless = to_head || (100..200).contains(&status) || matches!(status, 204 | 304);
        let delimited = if bodiless { Delimited::Length(0) } else { Delimited::of(&headers) };
        Some((Answer { status, headers, delimited, body: Vec::new() }, length))
    }

    /// Whether another answer follows.
    pub(super) fn is_interim(&self) -> bool {
        (100..200).contains(&self.status)
    }

    /// Whether it did what was asked.
    pub(super) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// Whether it says that the connection ends with it.
    pub(super) fn announces_close(&self) -> bool {
        let value = self.headers.get(CONNECTION).map(HeaderValue::as_bytes).unwrap_or_default();
        value.split(|&b| b == b',').any(|token| token.trim_ascii().eq_ignore_ascii_case(b"close"))
    }

    /// What S3 calls the error that it tells of.
    pub(super) fn code(&self) -> Option<String> {
        self.text("Code").filter(|_| !self.is_success())
    }

    /// The text of the first XML element of this name that has no attributes and no children.
    pub(super) fn text(&self, element: &str) -> Option<String> {
        self.texts(element).next()
    }

    /// As [`Answer::text`], of each of them.
    pub(super) fn texts(&self, element: &str) -> impl Iterator<Item = String> {
        let (start, end) = (format!("<{element}>"), format!("</{element}>"));
        let body = String::from_utf8_lossy(&self.body).into_owned();
        let texts: Vec<String> = body
            .split(&start)
            .skip(1)
            .filter_map(|rest| rest.split_once(&end))
            .map(|(text, _)| text.to_owned())
            .filter(|text| text.len() <= MAX_TEXT && !text.contains('<'))
            .collect();
        texts.into_iter()
    }
}

fn headers(fields: &[httparse::Header<'_>]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for field in fields {
        let name = HeaderName::from_bytes(field.name.as_bytes());
        if let (Ok(name), Ok(value)) = (name, HeaderValue::from_bytes(field.value)) {
            headers.append(name, value);
        }
    }
    headers
}

impl Delimited {
    fn of(headers: &HeaderMap) -> Self {
        if headers.contains_key(TRANSFER_ENCODING) {
            return Delimited::Chunks;
        }
        let length = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok());
        match length.and_then(|length| length.parse().ok()) {
            Some(length) => Delimited::Length(length),
            None => Delimited::ByEnd,
        }
    }

    /// The body at the start of `bytes` and its length on the wire, once all of it is there.
    pub(super) fn body(self, bytes: &[u8]) -> Option<(Vec<u8>, usize)> {
        match self {
            Delimited::Length(length) => Some((bytes.get(..length)?.to_vec(), length)),
            Delimited::Chunks => unchunked(bytes),
            Delimited::ByEnd => None,
        }
    }
}

/// The data of HTTP chunks, without extensions and trailers, and their length on the wire.
fn unchunked(bytes: &[u8]) -> Option<(Vec<u8>, usize)> {
    let (mut body, mut at) = (Vec::new(), 0);
    loop {
        let Ok(httparse::Status::Complete((line, size))) = httparse::parse_chunk_size(&bytes[at..])
        else {
            return None;
        };
        at += line;
        if size == 0 {
            let mut fields = [httparse::EMPTY_HEADER; MAX_HEADERS];
            return match httparse::parse_headers(&bytes[at..], &mut fields) {
                Ok(httparse::Status::Complete((trailers, _))) => Some((body, at + trailers)),
                Ok(httparse::Status::Partial) | Err(_) => None,
            };
        }
        let end = at.checked_add(usize::try_from(size).ok()?)?;
        body.extend_from_slice(bytes.get(at..end)?);
        at = end.checked_add(2)?;
        bytes.get(..at)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads the first answer of `bytes`, and how much of them it took.
    fn read(bytes: &[u8]) -> Option<(Answer, usize)> {
        let (mut answer, head) = Answer::parse(bytes, false)?;
        let (body, length) = answer.delimited.body(&bytes[head..])?;
        answer.body = body;
        Some((answer, head + length))
    }

    #[test]
    fn answers_end_where_they_say() {
        for (bytes, status, body) in [
            (&b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab"[..], 200, &b"ab"[..]),
            (b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n", 404, b""),
            (b"HTTP/1.1 204 No Content\r\n\r\n", 204, b""),
            (b"HTTP/1.1 100 Continue\r\n\r\n", 100, b""),
            (
                b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n2;x\r\nbc\r\n0\r\nt: 1\r\n\r\n",
                200,
                b"abc",
            ),
        ] {
            let next = [bytes, b"HTTP/1.1"].concat();
            let (answer, length) = read(&next).unwrap();
            assert_eq!((answer.status, &answer.body[..], length), (status, body, bytes.len()));
            for end in 0..bytes.len() {
                assert!(read(&bytes[..end]).is_none(), "{end} of {status}");
            }
        }
    }

    #[test]
    fn what_has_no_length_ends_with_the_connection() {
        let (answer, _) = Answer::parse(b"HTTP/1.1 200 OK\r\n\r\nabc", false).unwrap();
        assert_eq!(answer.delimited, Delimited::ByEnd);
        let (answer, _) =
            Answer::parse(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n", true).unwrap();
        assert_eq!(answer.delimited, Delimited::Length(0));
        assert_eq!(Answer::parse(b"SSH-2.0-x\r\n", false).unwrap().0.status, 0);
    }

    #[test]
    fn broken_chunks_never_end() {
        let head = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
        for body in ["g\r\n", "ffffffffffffffff\r\na", "1\r\na"] {
            assert!(read(&[head, body.as_bytes()].concat()).is_none(), "{body}");
        }
    }

    #[test]
    fn closing_and_codes_are_read() {
        let body =
            "<Error><Code>AccessDenied</Code><Size>1</Size><Size>2</Size><A><B>x</B></A></Error>";
        let text = format!(
            "HTTP/1.1 403 No\r\nConnection: Keep-Alive, Close\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        let (answer, _) = read(text.as_bytes()).unwrap();
        assert!(answer.announces_close() && !answer.is_success());
        assert_eq!(answer.code().as_deref(), Some("AccessDenied"));
        assert_eq!(answer.texts("Size").collect::<Vec<_>>(), ["1", "2"]);
        assert_eq!((answer.text("A"), answer.text("Key")), (None, None));
    }
}
