//! What is known about a body once it has been seen whole.

use super::Pictured;
use crate::digest::Digests;
use crate::framing::{FormError, FramingError};
use crate::image::{Format, ImageFault, Pdq};
use crate::s3::ErrorCode;
use crate::s3::policy_form::PolicyError;
use crate::s3::sealed::SealError;

/// Facts that we established ourselves: nothing that a client declared gets in here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Evidence {
    /// The digests of the payload that the loaded lists need.
    pub digests: Digests,
    /// Decoded payload in bytes.
    pub payload: u64,
    /// The image format that the first bytes show, if any.
    pub format: Option<Format>,
    /// What else a store or a viewer would find in it.
    pub within: Vec<Sighting>,
    /// Why some of what may be in it could not be seen.
    pub gap: Option<Gap>,
    /// The pictures that were decoded: the body itself, and what lies within it.
    pub pictures: Vec<Pictured>,
    /// Why some picture could not be looked at, or not all of it.
    pub unseen: Option<ImageFault>,
}

impl Evidence {
    /// The PDQ hash of the body's first picture, or else of the first picture in it.
    pub fn pdq(&self) -> Option<Pdq> {
        let body = self.pictures.iter().find(|picture| picture.within.is_none());
        let picture = body.or(self.pictures.first())?;
        picture.looks.pdq.first().map(|look| look.fingerprint.pdq())
    }
}

/// A byte string that lies within a body, in one form or another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sighting {
    /// How it lies there.
    pub origin: Origin,
    /// Its digests.
    pub digests: Digests,
    /// Its length in bytes.
    pub bytes: u64,
}

/// How a byte string lies within a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Origin {
    /// One of the parts of a form.
    FormPart,
    /// The body with its content encoding undone.
    Decoded,
    /// A member of an archive.
    Member,
    /// A picture inside other bytes.
    Embedded,
    /// The picture that the body begins with, without what is attached to it.
    Trimmed,
    /// A picture inside a document.
    Document,
    /// What the store would copy.
    Source,
}

/// Why a part of a body stayed unseen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Gap {
    /// A content encoding that is unknown, malformed, or unfolds beyond its limits.
    Encoding,
    /// Encrypted members.
    Encrypted,
    /// An archive that can't be walked to its end within its limits.
    Archive,
    /// More of it than may be looked at.
    TooLarge,
}

/// What is wrong with a body.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    /// With its framing.
    #[error(transparent)]
    Framing(#[from] FramingError),
    /// With the form that it is.
    #[error(transparent)]
    Form(#[from] FormError),
    /// With the signatures in it.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// With the policy of the form that it is, or with who signed that.
    #[error(transparent)]
    Policy(#[from] PolicyError),
}

impl BodyError {
    /// The word in metrics (`s3bouncer_protocol_rejects_total{reason}`) and logs.
    pub const fn label(&self) -> &'static str {
        match self {
            BodyError::Framing(error) => error.label(),
            BodyError::Form(error) => error.label(),
            BodyError::Seal(error) => error.label(),
            BodyError::Policy(error) => error.label(),
        }
    }
}

impl From<&BodyError> for ErrorCode {
    fn from(error: &BodyError) -> ErrorCode {
        match error {
            BodyError::Framing(error) => (*error).into(),
            BodyError::Form(error) => (*error).into(),
            BodyError::Seal(error) => (*error).into(),
            BodyError::Policy(error) => error.into(),
        }
    }
}

impl Origin {
    /// The word in audit records: why an entry was hit by bytes that are not the body itself.
    pub const fn name(self) -> &'static str {
        match self {
            Origin::FormPart => "exact-form-part",
            Origin::Decoded => "exact-decoded",
            Origin::Member => "exact-member",
            Origin::Embedded => "exact-embedded",
            Origin::Trimmed => "exact-trimmed",
            Origin::Document => "exact-document",
            Origin::Source => "exact-source",
        }
    }
}
