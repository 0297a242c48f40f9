//! One pass over the headers that collects those which are read here.

use http::HeaderMap;
use memchr::memchr;

use super::marker::{self, Markers};
use super::refusal::Refusal;

/// The values of the headers that classification reads, as raw bytes.
///
/// A value need not be UTF-8: what is compared is compared as bytes.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Headers<'a> {
    values: [Option<&'a [u8]>; Name::COUNT],
    pub(super) markers: Markers,
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
    GoogResumable,
    CopyFrom,
    ObjectManifest,
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
            "x-goog-resumable" => Name::GoogResumable,
            "x-copy-from" => Name::CopyFrom,
            "x-object-manifest" => Name::ObjectManifest,
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
            | Name::GoogResumable
            | Name::CopyFrom
            | Name::ObjectManifest
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
        let mut before = None;
        for (name, value) in map {
            headers.take(name.as_str(), value.as_bytes())?;
            // The values of one name come one after another.
            if before.replace(name) == Some(name) && is_amz(name.as_str()) {
                headers.fault(Refusal::DuplicateS3Header)?;
            }
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
        if let Some(marker) = marker::of(name) {
            self.markers.note(marker);
        }
        match memchr(b'_', name.as_bytes()) {
            Some(_) => self.check_twin(&name.replace('_', "-")),
            None => Ok(()),
        }
    }

    /// Servers that turn headers into environment variables take `_` for `-`.
    fn check_twin(&mut self, name: &str) -> Result<(), Refusal> {
        match Name::of(name) {
            Some(twin) => self.fault(twin.twin()),
            None if is_amz(name) => self.fault(Refusal::UnderscoreS3Twin),
            None => Ok(()),
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

/// Whether a header tells an S3 store what to do: user metadata don't, and may come twice.
fn is_amz(name: &str) -> bool {
    name.starts_with("x-amz-") && !name.starts_with("x-amz-meta-")
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
