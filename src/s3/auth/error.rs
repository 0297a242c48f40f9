//! Why a signature proves nothing, and what AWS answers then.

use std::borrow::Cow;
use std::fmt;
use std::time::SystemTime;

use http::StatusCode;

use super::super::error::{ErrorCode, error_xml_with};
use super::super::sigv4::Stamp;
use super::MAX_SKEW_S;
use super::date;
use super::malformed::{Fault, Malformed, Place};
use crate::digest::Sha256;

/// Why a request is not who it says it is from. None of these tells a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AuthError {
    /// An Authorization header that is neither SigV4 nor SigV2.
    Scheme,
    /// Signed in more than one place.
    TwoSignatures,
    /// SigV4A, whose key nobody derives here.
    V4a,
    /// A SigV4 signature that is none.
    Malformed(Malformed),
    /// A SigV2 header that isn't access key and signature.
    V2Header,
    /// A SigV2 query that lacks one of its three keys, or has one twice.
    V2Query,
    /// A SigV2 query whose Expires is no number.
    V2Expires,
    /// SigV4 in the header without `x-amz-content-sha256`.
    PayloadMissing,
    /// An `x-amz-content-sha256` that is none, or that comes twice.
    PayloadToken,
    /// No date, or none that can be read.
    Date,
    /// Signed more than [`MAX_SKEW_S`] before or after now.
    Skewed {
        /// When, by the request.
        signed: SystemTime,
    },
    /// A query whose life is over.
    Expired {
        /// When it was.
        end: SystemTime,
        /// The life that it claims in seconds; SigV2 names only the end.
        life_s: Option<u32>,
    },
    /// A query that is signed for later.
    NotYet,
    /// Headers that must be signed and are not, in ascending order.
    HeadersNotSigned(Vec<String>),
    /// An access key that nobody has. For the caller, who looks it up.
    UnknownKey {
        /// The key.
        access_key: String,
    },
    /// Another session token than the one of the access key, or none.
    Token,
    /// The signature is of something else, or made with another secret.
    Mismatch(Box<Mismatch>),
    /// The body is another one than was signed. For the caller, who hashes it.
    Payload {
        /// By the head.
        signed: Sha256,
        /// Of what came.
        computed: Sha256,
    },
}

/// What was verified when the signature turned out another one.
#[derive(Clone, PartialEq, Eq)]
pub struct Mismatch {
    /// Who signed, by the request.
    pub access_key: String,
    /// The signature as it came.
    pub signature: String,
    /// What should have been signed.
    pub string_to_sign: Vec<u8>,
    /// SigV4's canonical request, whose digest is signed.
    pub canonical_request: Option<Vec<u8>>,
}

impl fmt::Debug for Mismatch {
    /// Without what was signed, which holds the session token.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mismatch").field("access_key", &self.access_key).finish_non_exhaustive()
    }
}

impl AuthError {
    pub(super) fn malformed(place: Place, fault: Fault) -> Self {
        AuthError::Malformed(Malformed { place, fault })
    }

    /// The S3 code of the answer.
    pub fn code(&self) -> ErrorCode {
        match self {
            AuthError::Scheme
            | AuthError::TwoSignatures
            | AuthError::V2Header
            | AuthError::PayloadToken => ErrorCode::InvalidArgument,
            AuthError::V4a => ErrorCode::NotImplemented,
            AuthError::Malformed(Malformed { place: Place::Header, .. }) => {
                ErrorCode::AuthorizationHeaderMalformed
            }
            AuthError::Malformed(Malformed { place: Place::Query, .. }) => {
                ErrorCode::AuthorizationQueryParametersError
            }
            AuthError::PayloadMissing => ErrorCode::InvalidRequest,
            AuthError::V2Query
            | AuthError::V2Expires
            | AuthError::Date
            | AuthError::Expired { .. }
            | AuthError::NotYet
            | AuthError::HeadersNotSigned(_) => ErrorCode::AccessDenied,
            AuthError::Skewed { .. } => ErrorCode::RequestTimeTooSkewed,
            AuthError::UnknownKey { .. } => ErrorCode::InvalidAccessKeyId,
            AuthError::Token => ErrorCode::InvalidToken,
            AuthError::Mismatch(_) => ErrorCode::SignatureDoesNotMatch,
            AuthError::Payload { .. } => ErrorCode::ContentSha256Mismatch,
        }
    }

    /// The HTTP status of the answer.
    pub fn status(&self) -> StatusCode {
        self.code().status()
    }

    /// What AWS says, as far as that is known.
    pub fn message(&self) -> Cow<'static, str> {
        Cow::Borrowed(match self {
            AuthError::Malformed(malformed) => return malformed.message(),
            AuthError::Scheme => "Unsupported Authorization Type",
            AuthError::TwoSignatures => {
                "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, \
                 Signature query string parameter or the Authorization header should be specified"
            }
            AuthError::V4a => "Signatures of version 4A are not supported.",
            AuthError::V2Header => {
                "AWS authorization header is invalid.  Expected AwsAccessKeyId:signature"
            }
            AuthError::V2Query => {
                "Query-string authentication requires the Signature, Expires and AWSAccessKeyId \
                 parameters"
            }
            AuthError::V2Expires => "Invalid date (should be seconds since epoch)",
            AuthError::PayloadMissing => {
                "Missing required header for this request: x-amz-content-sha256"
            }
            AuthError::PayloadToken => {
                "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, \
                 STREAMING-UNSIGNED-PAYLOAD-TRAILER, STREAMING-AWS4-HMAC-SHA256-PAYLOAD, \
                 STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER or a valid sha256 value."
            }
            AuthError::Date => "AWS authentication requires a valid Date or x-amz-date header",
            AuthError::Skewed { .. } => {
                "The difference between the request time and the current time is too large."
            }
            AuthError::Expired { .. } => "Request has expired",
            AuthError::NotYet => "Request is not valid yet",
            AuthError::HeadersNotSigned(_) => {
                "There were headers present in the request which were not signed"
            }
            AuthError::UnknownKey { .. } => {
                "The AWS Access Key Id you provided does not exist in our records."
            }
            AuthError::Token => "The provided token is malformed or otherwise invalid.",
            AuthError::Mismatch(_) => {
                "The request signature we calculated does not match the signature you provided. \
                 Check your key and signing method."
            }
            AuthError::Payload { .. } => {
                "The provided 'x-amz-content-sha256' header does not match what was computed."
            }
        })
    }

    /// The body of the answer, with AWS's elements for the fault; the arguments are those of
    /// [`error_xml`](super::super::error_xml) and the time of the gate.
    ///
    /// The answer needs a `Date` header: clients whose clock is off correct it from there.
    pub fn xml(&self, resource: &str, request_id: &str, host_id: &str, now: SystemTime) -> String {
        let details = self.details(now);
        let details: Vec<(&str, &str)> =
            details.iter().map(|(name, text)| (*name, text.as_str())).collect();
        error_xml_with(self.code(), &self.message(), &details, resource, request_id, host_id)
    }

    fn details(&self, now: SystemTime) -> Vec<(&'static str, String)> {
        let now = || ("ServerTime", date::iso(now));
        match self {
            AuthError::Malformed(Malformed { fault: Fault::Region { expected, .. }, .. }) => {
                vec![("Region", expected.clone())]
            }
            AuthError::Scheme | AuthError::TwoSignatures | AuthError::V2Header => {
                vec![("ArgumentName", "Authorization".to_owned())]
            }
            AuthError::PayloadToken => {
                vec![("ArgumentName", "x-amz-content-sha256".to_owned())]
            }
            AuthError::Skewed { signed } => vec![
                ("RequestTime", Stamp::of(*signed).as_str().to_owned()),
                now(),
                ("MaxAllowedSkewMilliseconds", (MAX_SKEW_S * 1000).to_string()),
            ],
            AuthError::Expired { end, life_s } => {
                let life = life_s.map(|seconds| ("X-Amz-Expires", seconds.to_string()));
                life.into_iter().chain([("Expires", date::iso(*end)), now()]).collect()
            }
            AuthError::HeadersNotSigned(names) => vec![("HeadersNotSigned", names.join(", "))],
            AuthError::UnknownKey { access_key } => vec![("AWSAccessKeyId", access_key.clone())],
            AuthError::Mismatch(mismatch) => mismatch.details(),
            AuthError::Payload { signed, computed } => vec![
                ("ClientComputedContentSHA256", signed.to_string()),
                ("S3ComputedContentSHA256", computed.to_string()),
            ],
            AuthError::V4a
            | AuthError::Malformed(_)
            | AuthError::V2Query
            | AuthError::V2Expires
            | AuthError::PayloadMissing
            | AuthError::Date
            | AuthError::NotYet
            | AuthError::Token => Vec::new(),
        }
    }
}

impl Mismatch {
    fn details(&self) -> Vec<(&'static str, String)> {
        let mut details = vec![
            ("AWSAccessKeyId", self.access_key.clone()),
            ("StringToSign", text(&self.string_to_sign)),
            ("SignatureProvided", self.signature.clone()),
            ("StringToSignBytes", spaced_hex(&self.string_to_sign)),
        ];
        if let Some(canonical) = &self.canonical_request {
            details.push(("CanonicalRequest", text(canonical)));
            details.push(("CanonicalRequestBytes", spaced_hex(canonical)));
        }
        details
    }
}

impl fmt::Display for AuthError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message())
    }
}

impl std::error::Error for AuthError {}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn spaced_hex(bytes: &[u8]) -> String {
    let bytes: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    bytes.join(" ")
}
