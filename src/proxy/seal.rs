//! What stands between a client's body and all that looks at it, where the request is signed anew: the
//! signatures in the body are verified, and the store's put in their place.

use bytes::Bytes;

use crate::framing::Form;
use crate::inspect::BodyError;
use crate::net::budget::Reservation;
use crate::s3::policy_form::{FormClaims, FormKeys, PolicyError, SealedForm};
use crate::s3::sealed::Sealed;

/// Finds the keys of who claims to have signed a form.
pub(super) type Lookup = Box<dyn FnMut(&FormClaims) -> Result<FormKeys, PolicyError> + Send + Sync>;

/// The stage for one body.
pub(super) struct Seal {
    kind: Kind,
    /// The memory for what waits for its signature.
    _room: Option<Reservation>,
}

/// What is signed in a body.
pub(super) enum Kind {
    /// Each of its chunks.
    Chunks(Box<Sealed>),
    /// The policy in the form that it is.
    Form(Box<SealedForm<Lookup>>),
}

impl Seal {
    /// A stage, in its memory.
    pub(super) fn new(kind: Kind, room: Option<Reservation>) -> Seal {
        Seal { kind, _room: room }
    }

    /// Takes the next bytes of the body, and emits those that may go on.
    ///
    /// # Errors
    /// A signature is wrong, or what carries it is malformed.
    pub(super) fn push(
        &mut self,
        wire: Bytes,
        emit: &mut impl FnMut(Bytes),
    ) -> Result<(), BodyError> {
        match &mut self.kind {
            Kind::Chunks(chunks) => Ok(chunks.push(wire, emit)?),
            Kind::Form(form) => Ok(form.push(wire, emit)?),
        }
    }

    /// To be called where the body has ended.
    ///
    /// # Errors
    /// As [`push`](Self::push), or something is missing.
    pub(super) fn finish(&mut self, emit: &mut impl FnMut(Bytes)) -> Result<(), BodyError> {
        match &mut self.kind {
            Kind::Chunks(chunks) => Ok(chunks.finish(emit)?),
            Kind::Form(form) => Ok(form.finish()?),
        }
    }

    /// Compares a whole form with its policy: the length of its file in bytes, and that nothing which
    /// says how to store it stands behind the file, where no policy covers it and some stores read on.
    /// `covered` fields stand before.
    ///
    /// # Errors
    /// The policy says otherwise.
    pub(super) fn check_form(
        &self,
        form: &Form,
        covered: usize,
        file: u64,
    ) -> Result<(), PolicyError> {
        let Kind::Form(sealed) = &self.kind else { return Ok(()) };
        let mut behind = form.fields().iter().skip(covered);
        if let Some(field) = behind.find(|field| says_how_to_store(&field.name)) {
            return Err(PolicyError::ExtraFields(field.name.clone()));
        }
        sealed.policy().map_or(Ok(()), |policy| policy.check_length(file))
    }

    /// By how many bytes the body has grown; 0 before anything has been emitted.
    pub(super) fn grown(&self) -> i64 {
        match &self.kind {
            Kind::Chunks(_) => 0,
            Kind::Form(form) => form.grown().unwrap_or(0),
        }
    }
}

/// Whether a form's field has a meaning to stores. A browser sends its submit button too, which the
/// example in the AWS documentation has behind the file.
fn says_how_to_store(field: &str) -> bool {
    const NAMES: [&str; 13] = [
        "acl",
        "bucket",
        "cache-control",
        "content-disposition",
        "content-encoding",
        "content-type",
        "expires",
        "key",
        "policy",
        "redirect",
        "success_action_redirect",
        "success_action_status",
        "tagging",
    ];
    let field = field.to_ascii_lowercase();
    NAMES.contains(&field.as_str()) || field.starts_with("x-amz-") || field.starts_with("x-minio-")
}
