//! How S3 says no: error codes, their status, and the XML around them.

use super::complete::CompleteError;
use super::sealed::SealError;
use crate::framing::{FormError, FramingError};

/// The S3 error codes that the gate answers with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorCode {
    /// Denied; SDKs don't try again.
    AccessDenied,
    /// An ambiguous or malformed request or framing.
    InvalidRequest,
    /// The same of a browser form.
    MalformedPostRequest,
    /// A list of parts that is no well-formed XML of the right shape.
    MalformedXml,
    /// A list of parts whose numbers don't ascend.
    InvalidPartOrder,
    /// A list of parts with one that is not the last under its number.
    InvalidPart,
    /// A list of parts that is too large.
    EntityTooLarge,
    /// A body shorter or longer than declared.
    IncompleteBody,
    /// A client too slow with its body.
    RequestTimeout,
    /// A budget is spent; SDKs try again later.
    SlowDown,
    /// The store can't be reached.
    ServiceUnavailable,
    /// A bug in the gate.
    InternalError,
    /// A protocol feature that the gate can't read.
    NotImplemented,
    /// A method that S3 doesn't have.
    MethodNotAllowed,
    /// A header or key that says what it can't.
    InvalidArgument,
    /// An Authorization header that is none, or of another day, region or service.
    AuthorizationHeaderMalformed,
    /// The same of a query.
    AuthorizationQueryParametersError,
    /// An access key that nobody has.
    InvalidAccessKeyId,
    /// A session token that doesn't go with the access key.
    InvalidToken,
    /// Another request was signed than came, or with another secret.
    SignatureDoesNotMatch,
    /// Signed too long ago, or by a clock that is ahead.
    RequestTimeTooSkewed,
    /// A body that isn't the one that was signed.
    ContentSha256Mismatch,
    /// A file smaller than a form's policy allows.
    EntityTooSmall,
    /// A form's policy that can't be read.
    InvalidPolicyDocument,
    /// A form with too much before its file.
    MaxPostPreDataLengthExceeded,
}

impl ErrorCode {
    /// Every code, in order.
    pub const ALL: [ErrorCode; 25] = [
        ErrorCode::AccessDenied,
        ErrorCode::InvalidRequest,
        ErrorCode::MalformedPostRequest,
        ErrorCode::MalformedXml,
        ErrorCode::InvalidPartOrder,
        ErrorCode::InvalidPart,
        ErrorCode::EntityTooLarge,
        ErrorCode::IncompleteBody,
        ErrorCode::RequestTimeout,
        ErrorCode::SlowDown,
        ErrorCode::ServiceUnavailable,
        ErrorCode::InternalError,
        ErrorCode::NotImplemented,
        ErrorCode::MethodNotAllowed,
        ErrorCode::InvalidArgument,
        ErrorCode::AuthorizationHeaderMalformed,
        ErrorCode::AuthorizationQueryParametersError,
        ErrorCode::InvalidAccessKeyId,
        ErrorCode::InvalidToken,
        ErrorCode::SignatureDoesNotMatch,
        ErrorCode::RequestTimeTooSkewed,
        ErrorCode::ContentSha256Mismatch,
        ErrorCode::EntityTooSmall,
        ErrorCode::InvalidPolicyDocument,
        ErrorCode::MaxPostPreDataLengthExceeded,
    ];

    /// The word inside `<Code>`.
    pub const fn name(self) -> &'static str {
        match self {
            ErrorCode::AccessDenied => "AccessDenied",
            ErrorCode::InvalidRequest => "InvalidRequest",
            ErrorCode::MalformedPostRequest => "MalformedPOSTRequest",
            ErrorCode::MalformedXml => "MalformedXML",
            ErrorCode::InvalidPartOrder => "InvalidPartOrder",
            ErrorCode::InvalidPart => "InvalidPart",
            ErrorCode::EntityTooLarge => "EntityTooLarge",
            ErrorCode::IncompleteBody => "IncompleteBody",
            ErrorCode::RequestTimeout => "RequestTimeout",
            ErrorCode::SlowDown => "SlowDown",
            ErrorCode::ServiceUnavailable => "ServiceUnavailable",
            ErrorCode::InternalError => "InternalError",
            ErrorCode::NotImplemented => "NotImplemented",
            ErrorCode::MethodNotAllowed => "MethodNotAllowed",
            ErrorCode::InvalidArgument => "InvalidArgument",
            ErrorCode::AuthorizationHeaderMalformed => "AuthorizationHeaderMalformed",
            ErrorCode::AuthorizationQueryParametersError => "AuthorizationQueryParametersError",
            ErrorCode::InvalidAccessKeyId => "InvalidAccessKeyId",
            ErrorCode::InvalidToken => "InvalidToken",
            ErrorCode::SignatureDoesNotMatch => "SignatureDoesNotMatch",
            ErrorCode::RequestTimeTooSkewed => "RequestTimeTooSkewed",
            ErrorCode::ContentSha256Mismatch => "XAmzContentSHA256Mismatch",
            ErrorCode::EntityTooSmall => "EntityTooSmall",
            ErrorCode::InvalidPolicyDocument => "InvalidPolicyDocument",
            ErrorCode::MaxPostPreDataLengthExceeded => "MaxPostPreDataLengthExceeded",
        }
    }

    /// The HTTP status it goes out with.
    pub const fn status(self) -> http::StatusCode {
        match self {
            ErrorCode::AccessDenied
            | ErrorCode::InvalidAccessKeyId
            | ErrorCode::SignatureDoesNotMatch
            | ErrorCode::RequestTimeTooSkewed => http::StatusCode::FORBIDDEN,
            ErrorCode::InvalidRequest
            | ErrorCode::MalformedPostRequest
            | ErrorCode::MalformedXml
            | ErrorCode::InvalidPartOrder
            | ErrorCode::InvalidPart
            | ErrorCode::EntityTooLarge
            | ErrorCode::IncompleteBody
            | ErrorCode::RequestTimeout
            | ErrorCode::InvalidArgument
            | ErrorCode::AuthorizationHeaderMalformed
            | ErrorCode::AuthorizationQueryParametersError
            | ErrorCode::InvalidToken
            | ErrorCode::ContentSha256Mismatch
            | ErrorCode::EntityTooSmall
            | ErrorCode::InvalidPolicyDocument
            | ErrorCode::MaxPostPreDataLengthExceeded => http::StatusCode::BAD_REQUEST,
            ErrorCode::SlowDown | ErrorCode::ServiceUnavailable => {
                http::StatusCode::SERVICE_UNAVAILABLE
            }
            ErrorCode::InternalError => http::StatusCode::INTERNAL_SERVER_ERROR,
            ErrorCode::NotImplemented => http::StatusCode::NOT_IMPLEMENTED,
            ErrorCode::MethodNotAllowed => http::StatusCode::METHOD_NOT_ALLOWED,
        }
    }
}

impl From<FramingError> for ErrorCode {
    fn from(error: FramingError) -> ErrorCode {
        match error {
            FramingError::TooLong | FramingError::TooShort => ErrorCode::IncompleteBody,
            FramingError::ChunkSize
            | FramingError::Extension
            | FramingError::Signature
            | FramingError::SignatureMissing
            | FramingError::LineEnd
            | FramingError::Trailer
            | FramingError::TrailersTooLarge
            | FramingError::AfterEnd => ErrorCode::InvalidRequest,
        }
    }
}

impl From<FormError> for ErrorCode {
    /// The same for all: what a form gets wrong is the form.
    fn from(_: FormError) -> ErrorCode {
        ErrorCode::MalformedPostRequest
    }
}

impl From<SealError> for ErrorCode {
    fn from(error: SealError) -> ErrorCode {
        match error {
            SealError::Framing(error) => error.into(),
            SealError::ChunkTooLarge => ErrorCode::EntityTooLarge,
            SealError::Chunk | SealError::Trailer | SealError::TrailerUnsigned => {
                ErrorCode::SignatureDoesNotMatch
            }
        }
    }
}

impl From<CompleteError> for ErrorCode {
    fn from(error: CompleteError) -> ErrorCode {
        match error {
            CompleteError::TooLarge => ErrorCode::EntityTooLarge,
            CompleteError::Order => ErrorCode::InvalidPartOrder,
            CompleteError::Malformed
            | CompleteError::Misplaced
            | CompleteError::Part
            | CompleteError::Number
            | CompleteError::ETag
            | CompleteError::Empty => ErrorCode::MalformedXml,
        }
    }
}

/// The body of an error answer (`Content-Type: application/xml`), as S3 clients read it.
///
/// `resource` is the raw path of the request. Every text is escaped; characters that XML can't
/// carry become U+FFFD.
pub fn error_xml(
    code: ErrorCode,
    message: &str,
    resource: &str,
    request_id: &str,
    host_id: &str,
) -> String {
    error_xml_with(code, message, &[], resource, request_id, host_id)
}

/// The same with further elements behind the message, each a name and its text.
pub(super) fn error_xml_with(
    code: ErrorCode,
    message: &str,
    details: &[(&str, &str)],
    resource: &str,
    request_id: &str,
    host_id: &str,
) -> String {
    let mut xml = String::with_capacity(256 + message.len() + resource.len());
    xml.push_str("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error>");
    element(&mut xml, "Code", code.name());
    element(&mut xml, "Message", message);
    details.iter().for_each(|(name, text)| element(&mut xml, name, text));
    element(&mut xml, "Resource", resource);
    element(&mut xml, "RequestId", request_id);
    element(&mut xml, "HostId", host_id);
    xml.push_str("</Error>");
    xml
}

fn element(xml: &mut String, name: &str, text: &str) {
    xml.extend(["<", name, ">"]);
    text.chars().for_each(|c| escape(xml, c));
    xml.extend(["</", name, ">"]);
}

fn escape(xml: &mut String, c: char) {
    match c {
        '&' => xml.push_str("&amp;"),
        '<' => xml.push_str("&lt;"),
        '>' => xml.push_str("&gt;"),
        '"' => xml.push_str("&quot;"),
        '\'' => xml.push_str("&apos;"),
        '\t' | '\n' => xml.push(c),
        // A bare CR would be read as LF; the rest isn't in XML 1.0's Char production.
        '\r' => xml.push_str("&#13;"),
        '\0'..='\x1f' | '\u{fffe}' | '\u{ffff}' => xml.push('\u{fffd}'),
        _ => xml.push(c),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn xml_is_shaped_as_s3_shapes_it() {
        let xml = error_xml(ErrorCode::AccessDenied, "No.", "/b/k", "R1", "H1");
        assert_eq!(
            xml,
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>AccessDenied</Code>\
             <Message>No.</Message><Resource>/b/k</Resource><RequestId>R1</RequestId>\
             <HostId>H1</HostId></Error>"
        );
    }

    #[test]
    fn xml_escapes_what_a_client_wrote() {
        let xml = error_xml(ErrorCode::SlowDown, "", "/b/<&>\"'\u{1}\r\u{ffff}é", "", "");
        let resource = "<Resource>/b/&lt;&amp;&gt;&quot;&apos;\u{fffd}&#13;\u{fffd}é</Resource>";
        assert!(xml.contains(resource), "{xml}");
    }

    #[test]
    fn lengths_are_incomplete_bodies_and_the_rest_is_invalid() {
        for error in FramingError::ALL {
            let length = matches!(error, FramingError::TooLong | FramingError::TooShort);
            let code = ErrorCode::from(error);
            assert_eq!(code == ErrorCode::IncompleteBody, length, "{error:?}");
            assert_eq!(code.status(), 400);
        }
    }

    #[test]
    fn every_code_is_an_error_status() {
        for code in ErrorCode::ALL {
            assert!(code.status().as_u16() >= 400, "{}", code.name());
        }
    }
}
