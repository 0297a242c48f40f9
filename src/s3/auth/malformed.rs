//! What is wrong with a SigV4 signature that doesn't even claim anything.

use std::borrow::Cow;

/// Where a signature stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Place {
    /// In the Authorization header.
    Header,
    /// In the query.
    Query,
}

/// A malformed SigV4 signature, or one for somewhere else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Malformed {
    /// Where it stands.
    pub place: Place,
    /// What is wrong with it.
    pub fault: Fault,
}

/// What is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A part is missing, comes twice, or is unknown.
    Parts,
    /// The query names another algorithm.
    Algorithm,
    /// The credential isn't key, day, region, service and terminator.
    Credential,
    /// The credential is for another day than the request.
    Day {
        /// The credential's.
        credential: String,
        /// The request's.
        request: String,
    },
    /// The credential is for another region.
    Region {
        /// The credential's.
        credential: String,
        /// The store's.
        expected: String,
    },
    /// The credential is for another service, this one.
    Service(String),
    /// The credential ends in another word, this one.
    Terminator(String),
    /// The signed headers are no names in lower case and ascending order.
    SignedHeaders,
    /// The signature isn't 64 hex digits in lower case.
    Signature,
    /// The query's date is no date in the one format for it.
    Date,
    /// The query's lifetime is no number, or 0.
    Expires,
    /// The query's lifetime is above a week.
    ExpiresTooLong,
}

impl Malformed {
    /// What AWS says.
    pub fn message(&self) -> Cow<'static, str> {
        let fault = self.fault.message();
        match (self.place, &self.fault) {
            (Place::Header, _) => format!("The authorization header is malformed; {fault}").into(),
            (
                Place::Query,
                Fault::Credential | Fault::Region { .. } | Fault::Service(_) | Fault::Terminator(_),
            ) => format!("Error parsing the X-Amz-Credential parameter; {fault}").into(),
            (Place::Query, Fault::Parts) => {
                "Query-string authentication version 4 requires the X-Amz-Algorithm, \
                 X-Amz-Credential, X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and \
                 X-Amz-Expires parameters."
                    .into()
            }
            (
                Place::Query,
                Fault::Algorithm
                | Fault::Day { .. }
                | Fault::SignedHeaders
                | Fault::Signature
                | Fault::Date
                | Fault::Expires
                | Fault::ExpiresTooLong,
            ) => fault,
        }
    }
}

impl Fault {
    fn message(&self) -> Cow<'static, str> {
        match self {
            Fault::Parts => "the authorization header requires three components: Credential, \
                             SignedHeaders, and Signature."
                .into(),
            Fault::Algorithm => "X-Amz-Algorithm only supports \"AWS4-HMAC-SHA256\"".into(),
            Fault::Credential => "the Credential is mal-formed; expecting \
                                  \"<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request\"."
                .into(),
            Fault::Day { credential, request } => format!(
                "Invalid credential date \"{credential}\". This date is not the same as \
                 X-Amz-Date: \"{request}\"."
            )
            .into(),
            Fault::Region { credential, expected } => {
                format!("the region '{credential}' is wrong; expecting '{expected}'").into()
            }
            Fault::Service(service) => {
                format!("incorrect service \"{service}\". This endpoint belongs to \"s3\".").into()
            }
            Fault::Terminator(word) => {
                format!("incorrect terminal \"{word}\". This endpoint uses \"aws4_request\".")
                    .into()
            }
            Fault::SignedHeaders => {
                "the signed headers must be lower-case names in ascending order.".into()
            }
            Fault::Signature => "the signature must be 64 lower-case hex digits.".into(),
            Fault::Date => {
                "X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\"".into()
            }
            Fault::Expires => "X-Amz-Expires should be a number of seconds above 0".into(),
            Fault::ExpiresTooLong => {
                "X-Amz-Expires must be less than a week (in seconds); that is, the given \
                 X-Amz-Expires must be less than 604800 seconds"
                    .into()
            }
        }
    }
}
