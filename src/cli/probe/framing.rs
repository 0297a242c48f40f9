//! How an upload's body is framed, and where it can be cut.

/// How a body is framed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Framing {
    /// The payload alone, with Content-Length.
    Identity,
    /// The payload alone, in HTTP chunks.
    HttpChunked,
    /// aws-chunked with signed chunks, with Content-Length.
    SignedChunks,
    /// The same with a signed trailer.
    SignedTrailer,
    /// aws-chunked, unsigned, with a trailer, with Content-Length.
    UnsignedTrailer,
    /// The same in HTTP chunks: what SDKs send over HTTPS.
    UnsignedTrailerInHttp,
}

impl Framing {
    /// Each of them.
    pub(super) const ALL: [Framing; 6] = [
        Framing::Identity,
        Framing::HttpChunked,
        Framing::SignedChunks,
        Framing::SignedTrailer,
        Framing::UnsignedTrailer,
        Framing::UnsignedTrailerInHttp,
    ];

    /// Its word.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Framing::Identity => "identity",
            Framing::HttpChunked => "http-chunked",
            Framing::SignedChunks => "signed-chunks",
            Framing::SignedTrailer => "signed-trailer",
            Framing::UnsignedTrailer => "unsigned-trailer",
            Framing::UnsignedTrailerInHttp => "unsigned-trailer-in-http",
        }
    }

    /// Its `x-amz-content-sha256`. Without aws-chunked the payload is not signed: stores that
    /// compare a digest refuse what is short by it, whatever they would do otherwise.
    pub(super) const fn token(self) -> &'static str {
        match self {
            Framing::Identity | Framing::HttpChunked => crate::s3::sigv4::UNSIGNED_PAYLOAD,
            Framing::SignedChunks => "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
            Framing::SignedTrailer => "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
            Framing::UnsignedTrailer | Framing::UnsignedTrailerInHttp => {
                "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
            }
        }
    }

    /// Whether the payload is in aws-chunks.
    pub(super) const fn is_aws_chunked(self) -> bool {
        match self {
            Framing::Identity | Framing::HttpChunked => false,
            Framing::SignedChunks
            | Framing::SignedTrailer
            | Framing::UnsignedTrailer
            | Framing::UnsignedTrailerInHttp => true,
        }
    }

    /// Whether a trailer follows the aws-chunks.
    pub(super) const fn has_trailer(self) -> bool {
        match self {
            Framing::Identity | Framing::HttpChunked | Framing::SignedChunks => false,
            Framing::SignedTrailer | Framing::UnsignedTrailer | Framing::UnsignedTrailerInHttp => {
                true
            }
        }
    }

    /// Whether HTTP's own chunks are around all of it.
    pub(super) const fn is_http_chunked(self) -> bool {
        match self {
            Framing::HttpChunked | Framing::UnsignedTrailerInHttp => true,
            Framing::Identity
            | Framing::SignedChunks
            | Framing::SignedTrailer
            | Framing::UnsignedTrailer => false,
        }
    }

    /// Where it can be cut, from the end.
    pub(super) fn cuts(self) -> impl Iterator<Item = Cut> {
        Cut::ALL.into_iter().filter(move |cut| match cut {
            Cut::HttpLastByte | Cut::HttpLastCrlf | Cut::HttpLastChunk => self.is_http_chunked(),
            Cut::LastByte | Cut::LastCrlf | Cut::LastChunk | Cut::DataEnd => self.is_aws_chunked(),
            Cut::Trailer => self.has_trailer(),
            Cut::PayloadByte | Cut::InChunk | Cut::AfterChunk => true,
        })
    }

    /// What can be left out of a body that HTTP then says is complete.
    pub(super) fn gaps(self) -> impl Iterator<Item = Gap> {
        Gap::ALL.into_iter().filter(move |gap| match gap {
            Gap::LastChunk | Gap::Rest | Gap::Chunk => self.is_aws_chunked(),
            Gap::Trailer => self.has_trailer(),
        })
    }
}

/// What is missing from an aborted upload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Cut {
    /// The last byte of HTTP's chunks.
    HttpLastByte,
    /// The last line end of HTTP's chunks.
    HttpLastCrlf,
    /// The last of HTTP's chunks, which is empty.
    HttpLastChunk,
    /// The last byte of the aws-chunked body.
    LastByte,
    /// Its last line end.
    LastCrlf,
    /// The trailer, and all behind it.
    Trailer,
    /// The last aws-chunk, which is empty, and all behind it.
    LastChunk,
    /// All behind the last byte of payload.
    DataEnd,
    /// The last byte of payload, and all behind it.
    PayloadByte,
    /// The second half of the third of four chunks, and all behind it. So the gate cuts.
    InChunk,
    /// All behind the first of four chunks.
    AfterChunk,
}

impl Cut {
    /// Each of them.
    pub(super) const ALL: [Cut; 11] = [
        Cut::HttpLastByte,
        Cut::HttpLastCrlf,
        Cut::HttpLastChunk,
        Cut::LastByte,
        Cut::LastCrlf,
        Cut::Trailer,
        Cut::LastChunk,
        Cut::DataEnd,
        Cut::PayloadByte,
        Cut::InChunk,
        Cut::AfterChunk,
    ];

    /// Its word.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Cut::HttpLastByte => "http-last-byte",
            Cut::HttpLastCrlf => "http-last-crlf",
            Cut::HttpLastChunk => "http-last-chunk",
            Cut::LastByte => "last-byte",
            Cut::LastCrlf => "last-crlf",
            Cut::Trailer => "trailer",
            Cut::LastChunk => "last-chunk",
            Cut::DataEnd => "data-end",
            Cut::PayloadByte => "payload-byte",
            Cut::InChunk => "in-chunk",
            Cut::AfterChunk => "after-chunk",
        }
    }

    /// What is missing, in a table for people.
    pub(super) const fn text(self) -> &'static str {
        match self {
            Cut::HttpLastByte => "last byte of HTTP's chunks",
            Cut::HttpLastCrlf => "last line end of HTTP's chunks",
            Cut::HttpLastChunk => "HTTP's last chunk",
            Cut::LastByte => "last byte",
            Cut::LastCrlf => "last line end",
            Cut::Trailer => "trailer",
            Cut::LastChunk => "last chunk (the empty one)",
            Cut::DataEnd => "all behind the payload",
            Cut::PayloadByte => "last byte of payload",
            Cut::InChunk => "cut inside the third chunk of four",
            Cut::AfterChunk => "all behind the first chunk",
        }
    }

    /// Whether so much payload is missing that the gate could have cut there: at least what
    /// `limits.hold_back` is by default.
    pub(super) const fn lacks_tail(self) -> bool {
        match self {
            Cut::InChunk | Cut::AfterChunk => true,
            Cut::HttpLastByte
            | Cut::HttpLastCrlf
            | Cut::HttpLastChunk
            | Cut::LastByte
            | Cut::LastCrlf
            | Cut::Trailer
            | Cut::LastChunk
            | Cut::DataEnd
            | Cut::PayloadByte => false,
        }
    }

    /// Whether payload is missing, and not only framing.
    pub(super) const fn lacks_payload(self) -> bool {
        match self {
            Cut::PayloadByte | Cut::InChunk | Cut::AfterChunk => true,
            Cut::HttpLastByte
            | Cut::HttpLastCrlf
            | Cut::HttpLastChunk
            | Cut::LastByte
            | Cut::LastCrlf
            | Cut::Trailer
            | Cut::LastChunk
            | Cut::DataEnd => false,
        }
    }
}

/// How the connection of an aborted upload ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Ending {
    /// It is closed.
    Fin,
    /// It is reset.
    Rst,
    /// Its sending direction is closed, and the answer awaited.
    HalfClose,
}

impl Ending {
    /// Each of them.
    pub(super) const ALL: [Ending; 3] = [Ending::Fin, Ending::Rst, Ending::HalfClose];

    /// Its word.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Ending::Fin => "fin",
            Ending::Rst => "rst",
            Ending::HalfClose => "half-close",
        }
    }
}

/// What is left out of an aws-chunked body that HTTP says is complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Gap {
    /// The trailer.
    Trailer,
    /// The last chunk, which is empty, and the trailer.
    LastChunk,
    /// All behind the second chunk of four.
    Rest,
    /// The third chunk of four.
    Chunk,
}

impl Gap {
    /// Each of them.
    pub(super) const ALL: [Gap; 4] = [Gap::Trailer, Gap::LastChunk, Gap::Rest, Gap::Chunk];

    /// Its word.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Gap::Trailer => "no-trailer",
            Gap::LastChunk => "no-last-chunk",
            Gap::Rest => "only-two-chunks",
            Gap::Chunk => "no-third-chunk",
        }
    }
}
