//! One pass over the headers that collects those which are read here.

use http::HeaderMap;

use super::refusal::Refusal;

/// The values of the headers that classification reads, as raw bytes.
///
/// A value need not be UTF-8: what is compared is compared as bytes.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Headers<'a> {
    values: [Option<&'a [u8]>; Name::COUNT],
    /// A header that makes MinIO or RustFS unpack the body as an archive has come.
    pub(super) auto_extract: bool,
    /// A header has come that names a copy's source in a dialect other than those of AWS and Google.
    pub(super) other_copy_source: bool,
    /// The first thing that stores could read differently: reads pass with it, writes don't.
    fault: Option<Refusal>,
}

/// The headers that are read. Each may come only once: RGW takes the last of two, Go's library the
/// first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Name {
    Host,
    ContentLength,
    TransferEncoding,
    ContentEncoding,
    ContentType,
    ContentRange,
    Range,
    Authorization,
    Expect,
    ContentSha256,
    DecodedLength,
    CopySource,
    CopySourceRange,
    GoogCopySource,
    WriteOffset,
}

impl Name {
    const COUNT: usize = Name::WriteOffset as usize + 1;

    /// The header called `name`, which is in lower case.
    fn of(name: &str) -> Option<Name> {
        Some(match name {
            "host" => Name::Host,
            "content-length" => Name::ContentLength,
            "transfer-encoding" => Name::TransferEncoding,
            "content-encoding" => Name::ContentEncoding,
            "content-type" => Name::ContentType,
            "content-range" => Name::ContentRange,
            "range" => Name::Range,
            "authorization" => Name::Authorization,
            "expect" => Name::Expect,
            "x-amz-content-sha256" => Name::ContentSha256,
            "x-amz-decoded-content-length" => Name::DecodedLength,
            "x-amz-copy-source" => Name::CopySource,
            "x-amz-copy-source-range" => Name::CopySourceRange,
            "x-goog-copy-source" => Name::GoogCopySource,
            "x-amz-write-offset-bytes" => Name::WriteOffset,
            _ => return None,
        })
    }

    /// Whether HTTP itself depends on it, and not only the store.
    fn is_http(self) -> bool {
        match self {
            Name::Host
            | Name::ContentLength
            | Name::TransferEncoding
            | Name::Authorization
            | Name::Expect => true,
            Name::ContentEncoding
            | Name::ContentType
            | Name::ContentRange
            | Name::Range
            | Name::ContentSha256
            | Name::DecodedLength
            | Name::CopySource
            | Name::CopySourceRange
            | Name::GoogCopySource
            | Name::WriteOffset => false,
        }
    }

    fn duplicate(self) -> Refusal {
        if self.is_http() { Refusal::DuplicateHeader } else { Refusal::DuplicateS3Header }
    }

    fn twin(self) -> Refusal {
        if self.is_http() { Refusal::UnderscoreTwin } else { Refusal::UnderscoreS3Twin }
    }
}

impl<'a> Headers<'a> {
    /// Collects the headers that are read.
    ///
    /// # Errors
    /// One that HTTP depends on came twice, or a name is a `_` twin of it; a Connection header
    /// nominates an end-to-end header.
    pub(super) fn read(map: &'a HeaderMap) -> Result<Self, Refusal> {
        let mut headers = Headers::default();
        for (name, value) in map {
            headers.take(name.as_str(), value.as_bytes())?;
        }
        Ok(headers)
    }

    /// The value of a header, if it came.
    pub(super) fn get(&self, name: Name) -> Option<&'a [u8]> {
        self.values[name as usize]
    }

    /// Whether a header came.
    pub(super) fn has(&self, name: Name) -> bool {
        self.get(name).is_some()
    }

    /// # Errors
    /// What stores could read differently.
    pub(super) fn check_write(&self) -> Result<(), Refusal> {
        self.fault.map_or(Ok(()), Err)
    }

    fn take(&mut self, name: &str, value: &'a [u8]) -> Result<(), Refusal> {
        if let Some(known) = Name::of(name) {
            return self.keep(known, value);
        }
        if name == "connection" {
            return check_connection(value);
        }
        self.auto_extract |= name.ends_with("snowball-auto-extract");
        self.other_copy_source |= name.starts_with("x-") && name.ends_with("-copy-source");
        // Servers that turn headers into environment variables take one for the other.
        match name.contains('_').then(|| Name::of(&name.replace('_', "-"))) {
            Some(Some(twin)) => self.fault(twin.twin()),
            Some(None) | None => Ok(()),
        }
    }

    fn keep(&mut self, name: Name, value: &'a [u8]) -> Result<(), Refusal> {
        let slot = &mut self.values[name as usize];
        if slot.is_some() {
            return self.fault(name.duplicate());
        }
        *slot = Some(value);
        Ok(())
    }

    fn fault(&mut self, fault: Refusal) -> Result<(), Refusal> {
        self.fault.get_or_insert(fault);
        if fault.breaks_http() { Err(fault) } else { Ok(()) }
    }
}

/// A client must not choose what the next hop drops: of the headers that Connection may name, all
/// are dropped anyway.
fn check_connection(value: &[u8]) -> Result<(), Refusal> {
    const HARMLESS: [&str; 7] =
        ["keep-alive", "close", "upgrade", "te", "proxy-connection", "http2-settings", ""];
    let harmless = |token: &[u8]| HARMLESS.iter().any(|h| token.eq_ignore_ascii_case(h.as_bytes()));
    match value.split(|&b| b == b',').map(<[u8]>::trim_ascii).all(harmless) {
        true => Ok(()),
        false => Err(Refusal::Connection),
    }
}
