//! The boundary of a form, and the search for it.

use memchr::memmem::Finder;

use super::error::FormError;
use super::params::Params;

/// Most characters of a boundary (RFC 2046 §5.1.1).
pub const MAX_BOUNDARY: usize = 70;

/// Bytes of the longest delimiter: CRLF, two dashes, the boundary.
pub(super) const MAX_DELIMITER: usize = 4 + MAX_BOUNDARY;

/// The boundary that a Content-Type header names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Boundary(String);

impl Boundary {
    /// Reads the value of a Content-Type header.
    ///
    /// The boundary may be a token or quoted: 1 to 70 of RFC 2046's characters, the blank left out,
    /// which no client uses and parsers trim. Other parameters (`charset`) are passed over, as long
    /// as they are well-formed.
    ///
    /// # Errors
    /// [`FormError::ContentType`] or [`FormError::Boundary`].
    pub fn from_content_type(value: &[u8]) -> Result<Self, FormError> {
        let params = Params::parse(value).ok_or(FormError::ContentType)?;
        if !params.word.eq_ignore_ascii_case(b"multipart/form-data") {
            return Err(FormError::ContentType);
        }
        // `Boundary=` and `boundary*=` are the boundary to some servers and nothing to others.
        let alike = |name: &[u8]| {
            name.get(..8).is_some_and(|start| start.eq_ignore_ascii_case(b"boundary"))
        };
        if params.iter().filter(|(name, _)| alike(name)).count() != 1 {
            return Err(FormError::Boundary);
        }
        params.get("boundary").and_then(Boundary::new).ok_or(FormError::Boundary)
    }

    fn new(boundary: &[u8]) -> Option<Self> {
        let allowed = |b: &u8| b.is_ascii_alphanumeric() || b"'()+_,-./:=?".contains(b);
        let fits = matches!(boundary.len(), 1..=MAX_BOUNDARY) && boundary.iter().all(allowed);
        fits.then(|| Boundary(boundary.iter().copied().map(char::from).collect()))
    }

    /// The boundary without the dashes before it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// CRLF, two dashes and the boundary, and a search for them.
#[derive(Clone, Debug)]
pub(super) struct Delimiter {
    bytes: Vec<u8>,
    /// For the delimiter without its CRLF.
    finder: Finder<'static>,
}

impl Delimiter {
    pub(super) fn new(boundary: &Boundary) -> Self {
        let bytes = format!("\r\n--{}", boundary.as_str()).into_bytes();
        let finder = Finder::new(&bytes[2..]).into_owned();
        Delimiter { bytes, finder }
    }

    /// All of it.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// All but the CRLF.
    pub(super) fn dashed(&self) -> &[u8] {
        &self.bytes[2..]
    }

    /// Where its dashes first stand in `text`.
    pub(super) fn find(&self, text: &[u8]) -> Option<usize> {
        self.finder.find(text)
    }

    /// How many bytes at the end of `text` could be the start of a delimiter, with its CRLF or
    /// without it: never all of one.
    pub(super) fn started(&self, text: &[u8]) -> usize {
        let window = &text[text.len().saturating_sub(self.bytes.len() - 1)..];
        let ends = |at: &usize| {
            let end = &window[*at..];
            self.bytes.starts_with(end) || self.dashed().starts_with(end)
        };
        // Both begin with a byte that is rare in most payloads.
        let starts = (0..window.len()).filter(|&at| matches!(window[at], b'\r' | b'-'));
        let start = starts.into_iter().find(ends);
        start.map_or(0, |at| window.len() - at)
    }
}
