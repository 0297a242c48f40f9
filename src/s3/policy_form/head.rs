//! The whole of what stands before a form's file: verified, and written anew.

use std::borrow::Cow;
use std::ops::Range;
use std::time::SystemTime;

use bytes::Bytes;

use super::check::Subject;
use super::claims::FormClaims;
use super::error::PolicyError;
use super::policy::Policy;
use super::{ALGORITHM, CREDENTIAL, DATE, POLICY, SIGNATURE, TOKEN, is_about_signer};
use crate::framing::{Boundary, Form, FormError};
use crate::s3::auth::Credentials;
use crate::s3::sigv4::{self, Scope, SigningKey};

const KEY: &str = "key";
const BUCKET: &str = "bucket";

/// What a form is verified against, besides its signer's secret.
#[derive(Clone, Debug)]
pub struct FormTerms {
    /// That the request is for.
    pub bucket: String,
    /// The region that SigV4 has to be signed for, if it matters.
    pub region: Option<String>,
    /// When the request came.
    pub now: SystemTime,
}

/// A form's fields before its file, and the file's header.
#[derive(Clone, Debug)]
pub struct FormHead {
    pub(super) boundary: Boundary,
    /// Up to the empty line before the file's data.
    pub(super) bytes: Vec<u8>,
    /// In order.
    pub(super) fields: Vec<HeadField>,
    pub(super) form: Form,
    /// What came behind it.
    pub(super) rest: Bytes,
}

/// Where a field lies.
#[derive(Clone, Debug)]
pub(super) struct HeadField {
    pub(super) name: String,
    pub(super) value: Range<usize>,
    /// From its header to the next one: all that makes it, its delimiter included.
    pub(super) part: Range<usize>,
}

impl FormHead {
    /// Its length in bytes.
    #[allow(clippy::len_without_is_empty, reason = "it has a file's header at least")]
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// The bytes that came with its last ones: the first of the file's data.
    pub fn rest(&self) -> Bytes {
        self.rest.clone()
    }

    /// Who claims to have signed it; `None` if it has no policy.
    ///
    /// # Errors
    /// What is missing or malformed among the fields about the signer.
    pub fn claims(&self) -> Result<Option<FormClaims>, PolicyError> {
        FormClaims::of(self)
    }

    /// Verifies that the client whose key is claimed signed the policy, that the policy holds
    /// still, and that all fields are what it says. What it says about the file's length is the
    /// caller's to check.
    ///
    /// # Errors
    /// What does not hold.
    pub fn verify(
        &self,
        claims: &FormClaims,
        client: &Credentials,
        terms: &FormTerms,
    ) -> Result<Policy, PolicyError> {
        claims.verify(client, terms.region.as_deref())?;
        let policy = Policy::parse(&claims.policy)?;
        if policy.has_expired(terms.now) {
            return Err(PolicyError::Expired);
        }
        policy.check(&self.subjects(&terms.bucket)?)?;
        Ok(policy)
    }

    /// The same bytes with another signer: a policy with the same conditions under these
    /// credentials, in SigV4, and the fields about the signer in the policy's place. All else stays
    /// as it came.
    ///
    /// # Errors
    /// [`FormError::BoundaryInside`] if the boundary happens to stand in what is written.
    pub fn resign(
        &self,
        policy: &Policy,
        identity: &Credentials,
        scope: &Scope,
    ) -> Result<Bytes, PolicyError> {
        let credential = format!("{}/{scope}", identity.access_key);
        let mut fields = vec![
            (ALGORITHM, sigv4::ALGORITHM),
            (CREDENTIAL, &credential),
            (DATE, scope.stamp.as_str()),
        ];
        fields.extend(identity.session_token.iter().map(|token| (TOKEN, token.as_str())));
        let policy = policy.signed_by(&fields);
        let key = SigningKey::derive(identity.secret.expose(), scope.clone());
        let signature = key.sign_policy(policy.as_bytes()).to_string();
        fields.extend([(POLICY, policy.as_str()), (SIGNATURE, &signature)]);
        self.with_signer(&fields)
    }

    /// The bytes with these fields in place of all that are about the signer.
    fn with_signer(&self, fields: &[(&str, &str)]) -> Result<Bytes, PolicyError> {
        let dashed = format!("--{}", self.boundary.as_str());
        if fields.iter().any(|(_, value)| value.contains(&dashed)) {
            return Err(FormError::BoundaryInside.into());
        }
        let part = |(name, value): &(&str, &str)| {
            let header = format!("Content-Disposition: form-data; name=\"{name}\"");
            format!("{header}\r\n\r\n{value}\r\n{dashed}\r\n")
        };
        let parts: String = fields.iter().map(part).collect();
        let mut bytes = Vec::with_capacity(self.bytes.len() + parts.len());
        let mut kept_from = 0;
        for field in self.fields.iter().filter(|field| is_about_signer(&field.name)) {
            bytes.extend_from_slice(&self.bytes[kept_from..field.part.start]);
            if field.name.eq_ignore_ascii_case(POLICY) {
                bytes.extend_from_slice(parts.as_bytes());
            }
            kept_from = field.part.end;
        }
        bytes.extend_from_slice(&self.bytes[kept_from..]);
        Ok(bytes.into())
    }

    /// The key of the object, with `${filename}` filled in.
    ///
    /// # Errors
    /// There is none before the file, it is no text, or stores would fill in different names.
    pub fn object_key(&self) -> Result<String, PolicyError> {
        let key = self.field(KEY).ok_or(PolicyError::FieldMissing(KEY))?;
        std::str::from_utf8(key).map_err(|_| PolicyError::FieldInvalid(KEY))?;
        self.form.object_key()?.ok_or(PolicyError::FieldMissing(KEY))
    }

    /// What conditions can be about: the fields with their variables filled in, and the bucket.
    fn subjects<'a>(&'a self, bucket: &'a str) -> Result<Vec<Subject<'a>>, PolicyError> {
        let key = self.object_key()?;
        let of_field = |field: &'a HeadField| Subject {
            name: &field.name,
            value: match field.name.eq_ignore_ascii_case(KEY) {
                true => Cow::from(key.clone().into_bytes()),
                false => Cow::from(&self.bytes[field.value.clone()]),
            },
        };
        let bucket = Subject { name: BUCKET, value: Cow::from(bucket.as_bytes()) };
        Ok(self.fields.iter().map(of_field).chain([bucket]).collect())
    }

    /// The value of a field.
    pub(super) fn field(&self, name: &str) -> Option<&[u8]> {
        let field = self.fields.iter().find(|field| field.name.eq_ignore_ascii_case(name));
        field.map(|field| &self.bytes[field.value.clone()])
    }
}
