//! The naive twin of [`AwsChunked`](super::AwsChunked): it has the whole body in hand and cuts it
//! with plain slice operations. Tests and fuzz targets compare the two.

use super::trailer::{MAX_TRAILER_BYTES, MAX_TRAILERS};
use super::{ChunkedPlan, MAX_SIZE_DIGITS};

/// A body that was whole and well formed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Decoded {
    /// The payload of all chunks.
    pub payload: Vec<u8>,
    /// The length of each chunk in bytes, the last one (0) left out.
    pub chunks: Vec<usize>,
    /// The trailers in order.
    pub trailers: Vec<(String, String)>,
}

/// Decodes a whole body; `None` if the strict decoder must refuse it, for whatever reason.
pub fn naive_aws_chunked(plan: ChunkedPlan, body: &[u8]) -> Option<Decoded> {
    let mut decoded = Decoded::default();
    let mut rest = body;
    loop {
        let (line, after) = cut_line(rest)?;
        let size = usize::try_from(chunk_size(plan, line)?).ok()?;
        if size == 0 {
            rest = after;
            break;
        }
        decoded.payload.extend_from_slice(after.get(..size)?);
        decoded.chunks.push(size);
        rest = after[size..].strip_prefix(b"\r\n")?;
    }
    match plan.trailer {
        true => decoded.trailers = trailers(rest)?,
        false if rest.is_empty() || rest == b"\r\n" => {}
        false => return None,
    }
    let declared = plan.decoded_length.unwrap_or(decoded.payload.len() as u64);
    (declared == decoded.payload.len() as u64).then_some(decoded)
}

/// What stands before the first CRLF, and what stands behind it.
fn cut_line(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = bytes.windows(2).position(|pair| pair == b"\r\n")?;
    Some((&bytes[..at], &bytes[at + 2..]))
}

fn chunk_size(plan: ChunkedPlan, line: &[u8]) -> Option<u64> {
    let line = std::str::from_utf8(line).ok()?;
    let (size, signature) = match line.split_once(';') {
        Some((size, extension)) => (size, Some(extension.strip_prefix("chunk-signature=")?)),
        None => (line, None),
    };
    let signed = signature.is_some_and(is_signature);
    if signed != signature.is_some() || plan.signed && !signed {
        return None;
    }
    if size.is_empty() || size.len() > usize::from(MAX_SIZE_DIGITS) || !is_hex(size) {
        return None;
    }
    u64::from_str_radix(size, 16).ok()
}

fn trailers(section: &[u8]) -> Option<Vec<(String, String)>> {
    let mut fields: Vec<(String, String)> = Vec::new();
    let mut rest = section;
    loop {
        let (line, after) = cut_line(rest)?;
        rest = after;
        if line.is_empty() {
            break;
        }
        if fields.last().is_some_and(|(name, _)| is_signature_name(name)) {
            return None;
        }
        fields.push(field(line)?);
    }
    let fits = section.len() <= MAX_TRAILER_BYTES && fields.len() <= MAX_TRAILERS;
    (rest.is_empty() && fits).then_some(fields)
}

fn field(line: &[u8]) -> Option<(String, String)> {
    let line = std::str::from_utf8(line.strip_suffix(b"\n").unwrap_or(line)).ok()?;
    let (name, value) = line.split_once(':')?;
    let token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    let text = |c: char| c == '\t' || c == ' ' || c.is_ascii_graphic();
    if name.is_empty() || !name.chars().all(token) || !value.chars().all(text) {
        return None;
    }
    let value = value.trim_matches([' ', '\t']);
    if is_signature_name(name) && !is_signature(value) {
        return None;
    }
    Some((name.to_owned(), value.to_owned()))
}

fn is_signature_name(name: &str) -> bool {
    name.eq_ignore_ascii_case("x-amz-trailer-signature")
}

fn is_signature(text: &str) -> bool {
    text.len() == 64 && is_hex(text)
}

fn is_hex(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_hexdigit())
}
