//! What can be wrong with a form and its policy.

use crate::framing::FormError;
use crate::s3::ErrorCode;

/// Why a form is refused. Its text is the message for the client, in S3's words where S3 has some.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// It is malformed, or ended before its file began.
    #[error(transparent)]
    Form(#[from] FormError),
    /// More stands before the file than the bound.
    #[error("Your POST request fields preceding the upload file were too large.")]
    PreambleTooLarge,
    /// It has no policy: nobody signed it.
    #[error("Anonymous access is forbidden for this operation")]
    Anonymous,
    /// Who signed it may not upload there. For the caller, who knows.
    #[error("Access Denied")]
    Forbidden,
    /// It lacks this field before its file.
    #[error(
        "Bucket POST must contain a field named '{0}'.  If it is specified, please check the order \
         of the fields."
    )]
    FieldMissing(&'static str),
    /// This field says what it can't.
    #[error("The value of the field '{0}' is not valid")]
    FieldInvalid(&'static str),
    /// It has fields of both SigV4 and SigV2. Stores disagree about which count.
    #[error("The form is signed twice")]
    TwoSignatures,
    /// It is signed for another region.
    #[error("The region of the field 'x-amz-credential' is wrong")]
    Region,
    /// Nobody has its access key.
    #[error("The AWS Access Key Id you provided does not exist in our records.")]
    UnknownAccessKey,
    /// Its session token doesn't go with its access key.
    #[error("The provided token is malformed or otherwise invalid.")]
    Token,
    /// Its signature is not that of its policy.
    #[error(
        "The request signature we calculated does not match the signature you provided. Check your \
         key and signing method."
    )]
    Signature,
    /// Its policy can't be read, for this reason.
    #[error("Invalid Policy: {0}")]
    Document(&'static str),
    /// Its policy holds no longer.
    #[error("Invalid according to Policy: Policy expired.")]
    Expired,
    /// A field is not what this condition wants, or is missing.
    #[error("Invalid according to Policy: Policy Condition failed: {0}")]
    ConditionFailed(String),
    /// Its policy says nothing about these fields.
    #[error("Invalid according to Policy: Extra input fields: {0}")]
    ExtraFields(String),
    /// Its file is larger than the policy allows.
    #[error("Your proposed upload exceeds the maximum allowed size")]
    FileTooLarge,
    /// Its file is smaller than the policy allows.
    #[error("Your proposed upload is smaller than the minimum allowed size")]
    FileTooSmall,
}

impl From<&PolicyError> for ErrorCode {
    fn from(error: &PolicyError) -> ErrorCode {
        match error {
            PolicyError::Form(error) => ErrorCode::from(*error),
            PolicyError::PreambleTooLarge => ErrorCode::MaxPostPreDataLengthExceeded,
            PolicyError::FieldMissing(_)
            | PolicyError::FieldInvalid(_)
            | PolicyError::TwoSignatures => ErrorCode::InvalidArgument,
            PolicyError::Region => ErrorCode::AuthorizationHeaderMalformed,
            PolicyError::UnknownAccessKey => ErrorCode::InvalidAccessKeyId,
            PolicyError::Token => ErrorCode::InvalidToken,
            PolicyError::Signature => ErrorCode::SignatureDoesNotMatch,
            PolicyError::Document(_) => ErrorCode::InvalidPolicyDocument,
            PolicyError::Anonymous
            | PolicyError::Forbidden
            | PolicyError::Expired
            | PolicyError::ConditionFailed(_)
            | PolicyError::ExtraFields(_) => ErrorCode::AccessDenied,
            PolicyError::FileTooLarge => ErrorCode::EntityTooLarge,
            PolicyError::FileTooSmall => ErrorCode::EntityTooSmall,
        }
    }
}

impl PolicyError {
    /// The word in metrics (`s3bouncer_protocol_rejects_total{reason}`) and logs.
    pub const fn label(&self) -> &'static str {
        match self {
            PolicyError::Form(error) => error.label(),
            PolicyError::PreambleTooLarge => "form_preamble_too_large",
            PolicyError::Anonymous => "form_anonymous",
            PolicyError::Forbidden => "form_forbidden",
            PolicyError::FieldMissing(_) => "form_field_missing",
            PolicyError::FieldInvalid(_) => "form_field_invalid",
            PolicyError::TwoSignatures => "form_two_signatures",
            PolicyError::Region => "form_region",
            PolicyError::UnknownAccessKey => "form_access_key",
            PolicyError::Token => "form_token",
            PolicyError::Signature => "form_signature",
            PolicyError::Document(_) => "form_policy",
            PolicyError::Expired => "form_policy_expired",
            PolicyError::ConditionFailed(_) => "form_policy_condition",
            PolicyError::ExtraFields(_) => "form_policy_extra_fields",
            PolicyError::FileTooLarge => "form_file_too_large",
            PolicyError::FileTooSmall => "form_file_too_small",
        }
    }
}
