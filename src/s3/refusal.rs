//! Why a request's head is refused before anything else happens.

use http::StatusCode;

use super::error::ErrorCode;

macro_rules! refusals {
    ($($(#[doc = $doc:literal])+ $name:ident, $label:literal, $code:ident, $message:literal;)+) => {
        /// Why a head is refused; one variant per fault.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Refusal {
            $($(#[doc = $doc])+ $name,)+
        }

        impl Refusal {
            /// Every variant, in order.
            pub const ALL: &'static [Refusal] = &[$(Refusal::$name,)+];

            /// The word in metrics (`s3bouncer_protocol_rejects_total{reason}`) and logs.
            pub const fn label(self) -> &'static str {
                match self { $(Refusal::$name => $label,)+ }
            }

            /// The S3 code of the answer.
            pub const fn code(self) -> ErrorCode {
                match self { $(Refusal::$name => ErrorCode::$code,)+ }
            }

            /// The fixed text of the answer.
            pub const fn message(self) -> &'static str {
                match self { $(Refusal::$name => $message,)+ }
            }
        }
    };
}

refusals! {
    /// A method other than GET, HEAD, OPTIONS, PUT, POST and DELETE, in that spelling.
    Method, "method", MethodNotAllowed, "This method is not allowed.";
    /// CONNECT or TRACE, which no gate can pass on.
    Tunnel, "tunnel", MethodNotAllowed, "This method is not allowed.";
    /// A request target other than a path: absolute, authority or asterisk form.
    Target, "target_form", InvalidRequest, "The request target must be a path.";
    /// No Host header, or an empty one.
    HostMissing, "host_missing", InvalidRequest, "The Host header is missing.";
    /// Twice a header by which HTTP finds a request's end, host, signer or expectation.
    DuplicateHeader, "duplicate_header", InvalidRequest, "A header came twice.";
    /// A header that differs from such a one by `_` for `-`.
    UnderscoreTwin, "underscore_twin", InvalidRequest, "A header name is ambiguous.";
    /// Twice a header of a write by which a store finds out what to do with its body, or any other
    /// of S3's but user metadata.
    DuplicateS3Header, "duplicate_s3_header", InvalidRequest, "A header came twice.";
    /// A header of a write that differs from such a one by `_` for `-`.
    UnderscoreS3Twin, "underscore_s3_twin", InvalidRequest, "A header name is ambiguous.";
    /// A Transfer-Encoding other than `chunked`.
    TransferEncoding, "transfer_encoding", InvalidRequest, "The Transfer-Encoding is unknown.";
    /// A Content-Length that is no number.
    ContentLength, "content_length", InvalidRequest, "The Content-Length is malformed.";
    /// Content-Length and Transfer-Encoding together.
    LengthAndEncoding, "length_and_encoding", InvalidRequest,
        "Content-Length and Transfer-Encoding exclude each other.";
    /// A body with GET, HEAD, DELETE or OPTIONS.
    BodyOnRead, "body_on_read", InvalidRequest, "This method takes no body.";
    /// A Connection header that names a header to be dropped which isn't hop-by-hop.
    Connection, "connection_nominates", InvalidRequest,
        "The Connection header names an end-to-end header.";
    /// An Expect header other than `100-continue`; status 417, at which s3cmd goes on without it.
    Expectation, "expectation", InvalidRequest, "The expectation is unknown.";
    /// A malformed percent escape in a write's path or query.
    PercentEscape, "percent_escape", InvalidRequest, "A percent escape is malformed.";
    /// A write's path that stores could cut into another bucket.
    Bucket, "ambiguous_bucket", InvalidRequest, "The path doesn't name one bucket.";
    /// A write's host that could name a bucket, to some store.
    Host, "ambiguous_host", InvalidRequest, "The host doesn't name one bucket.";
    /// A write's query key twice, in another case, or behind a semicolon.
    QueryKey, "ambiguous_query", InvalidRequest, "The query is ambiguous.";
    /// More X-Amz query keys than any client sends.
    QueryKeys, "query_keys", InvalidRequest, "The query has too many keys.";
    /// A part number that isn't 1 to 99999 without leading zeros.
    PartNumber, "part_number", InvalidRequest, "The part number is malformed.";
    /// A PUT with partNumber but no uploadId or the other way round, or with an empty one.
    PartAddress, "part_address", InvalidRequest, "partNumber and uploadId go together.";
    /// A write that is two of these: a part, a copy, an append, a resumable upload, a compose, a
    /// manifest, an archive, a form.
    MixedOperation, "mixed_operation", InvalidRequest, "The request is two operations in one.";
    /// A copy's source that is no bucket and key, or that two headers name differently.
    CopySource, "copy_source", InvalidRequest, "The copy source is malformed.";
    /// A copy's range that isn't `bytes=first-last`, or that comes without a part.
    CopyRange, "copy_range", InvalidRequest, "The copy source range is malformed.";
    /// Signed in the Authorization header and in the query.
    TwoSignatures, "two_signatures", InvalidRequest, "The request is signed twice.";
    /// A framing that starts with STREAMING- and is not known.
    StreamingUnknown, "streaming_unknown", InvalidRequest, "The payload framing is unknown.";
    /// SigV4A chunks, whose signatures have no fixed length.
    StreamingV4a, "streaming_sigv4a", NotImplemented,
        "Chunks signed with SigV4A are not supported.";
    /// STREAMING together with SigV2, where stores disagree about the framing.
    StreamingV2, "streaming_sigv2", InvalidRequest, "SigV2 has no chunked payload.";
    /// STREAMING with POST, where stores disagree about the framing.
    StreamingPost, "streaming_post", InvalidRequest, "POST has no chunked payload.";
    /// STREAMING in the query without the same in the header.
    StreamingQuery, "streaming_query", InvalidRequest,
        "The payload framing belongs in a header.";
    /// Content-Encoding aws-chunked without STREAMING.
    AwsChunkedAlone, "aws_chunked_alone", InvalidRequest,
        "aws-chunked without a streaming payload.";
    /// x-amz-decoded-content-length without STREAMING.
    DecodedLengthAlone, "decoded_length_alone", InvalidRequest,
        "A decoded length without a streaming payload.";
    /// An x-amz-decoded-content-length that is no plain decimal number.
    DecodedLength, "decoded_length", InvalidRequest, "The decoded length is malformed.";
    /// Bytes for an object that is there, where policy shuts that way.
    AppendShut, "append_shut", NotImplemented, "Appending to objects is not possible here.";
    /// An archive that the store would unpack, where policy shuts that way.
    ArchiveShut, "archive_shut", NotImplemented, "Archives are not unpacked here.";
    /// A copy, where policy shuts that way.
    CopyShut, "copy_shut", NotImplemented, "Copies within the store are not possible here.";
    /// A copy of a range, where only whole objects may be copied.
    CopyRangeShut, "copy_range_shut", NotImplemented,
        "Only whole objects can be copied here, not ranges of them.";
    /// Google's dialect, where policy shuts that way.
    GoogleShut, "google_shut", NotImplemented, "This dialect is not understood here.";
    /// The Swift API, where policy shuts that way.
    SwiftShut, "swift_shut", NotImplemented, "The Swift API is not open here.";
    /// A setting that makes the store copy or fetch, where policy shuts that way.
    StoreJobShut, "store_job_shut", AccessDenied, "This setting can't be changed here.";
    /// A copy that gives the object a content coding, where copies are not read back.
    CopyCodingShut, "copy_coding_shut", NotImplemented,
        "A copy can't change the Content-Encoding here.";
}

impl Refusal {
    /// The HTTP status of the answer.
    pub fn status(self) -> StatusCode {
        if self == Refusal::Expectation {
            return StatusCode::EXPECTATION_FAILED;
        }
        self.code().status()
    }

    /// Whether HTTP itself is broken, or it can't be told which bucket's policy holds. Such a
    /// request is refused in shadow too; the others are good HTTP, and only stores could come to
    /// disagree about them.
    pub const fn breaks_http(self) -> bool {
        match self {
            Refusal::Target
            | Refusal::HostMissing
            | Refusal::DuplicateHeader
            | Refusal::UnderscoreTwin
            | Refusal::TransferEncoding
            | Refusal::ContentLength
            | Refusal::LengthAndEncoding
            | Refusal::BodyOnRead
            | Refusal::Connection
            | Refusal::Expectation
            | Refusal::Tunnel
            | Refusal::Bucket
            | Refusal::Host => true,
            Refusal::Method
            | Refusal::DuplicateS3Header
            | Refusal::UnderscoreS3Twin
            | Refusal::PercentEscape
            | Refusal::QueryKey
            | Refusal::QueryKeys
            | Refusal::PartNumber
            | Refusal::PartAddress
            | Refusal::MixedOperation
            | Refusal::CopySource
            | Refusal::CopyRange
            | Refusal::TwoSignatures
            | Refusal::StreamingUnknown
            | Refusal::StreamingV4a
            | Refusal::StreamingV2
            | Refusal::StreamingPost
            | Refusal::StreamingQuery
            | Refusal::AwsChunkedAlone
            | Refusal::DecodedLengthAlone
            | Refusal::DecodedLength
            | Refusal::AppendShut
            | Refusal::ArchiveShut
            | Refusal::CopyShut
            | Refusal::CopyRangeShut
            | Refusal::GoogleShut
            | Refusal::SwiftShut
            | Refusal::StoreJobShut
            | Refusal::CopyCodingShut => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn labels_are_distinct_words() {
        let labels: BTreeSet<_> = Refusal::ALL.iter().map(|r| r.label()).collect();
        assert_eq!(labels.len(), Refusal::ALL.len());
        let word = |l: &str| l.bytes().all(|b| b.is_ascii_lowercase() || b"_2349".contains(&b));
        assert!(labels.iter().all(|l| word(l)));
    }

    #[test]
    fn an_unknown_expectation_is_417() {
        assert_eq!(Refusal::Expectation.status(), 417);
        assert_eq!(Refusal::Method.status(), 405);
        assert_eq!(Refusal::StreamingV4a.status(), 501);
        assert_eq!(Refusal::Target.status(), 400);
    }
}
