//! Who signed a form, as the form claims it, and the proof.

use std::fmt;

use super::error::PolicyError;
use super::head::FormHead;
use super::{ALGORITHM, CREDENTIAL, DATE, POLICY, SIGNATURE, TOKEN, V2_KEY, V2_SIGNATURE};
use crate::s3::auth::{Credential, Credentials};
use crate::s3::sigv2::{SEAL_LEN, is_sealed_v2};
use crate::s3::sigv4::{self, Scope, Signature, SigningKey, Stamp};
use crate::s3::{MAX_ACCESS_KEY, parse_base64};

/// What the fields of a form say about its signer. Nothing of it is true before it is verified.
#[derive(Clone, PartialEq, Eq)]
pub struct FormClaims {
    access_key: String,
    token: Option<String>,
    /// In base64: this is what was signed.
    pub(super) policy: Vec<u8>,
    proof: Proof,
}

#[derive(Clone, PartialEq, Eq)]
enum Proof {
    V4 { scope: Scope, signature: Signature },
    V2 { signature: [u8; SEAL_LEN] },
}

impl FormClaims {
    /// Reads the fields before the file; `None` if the form has no policy and no signature.
    pub(super) fn of(head: &FormHead) -> Result<Option<Self>, PolicyError> {
        let has = |names: &[&str]| names.iter().any(|name| head.field(name).is_some());
        let v4 = has(&[SIGNATURE, CREDENTIAL, ALGORITHM]);
        let v2 = has(&[V2_SIGNATURE, V2_KEY]);
        let (access_key, proof) = match (v4, v2) {
            (true, true) => return Err(PolicyError::TwoSignatures),
            (true, false) => v4_proof(head)?,
            (false, true) => v2_proof(head)?,
            (false, false) if has(&[POLICY]) => return Err(PolicyError::FieldMissing(V2_KEY)),
            (false, false) => return Ok(None),
        };
        let policy = head.field(POLICY).ok_or(PolicyError::FieldMissing(POLICY))?.to_owned();
        let token = optional(head, TOKEN)?.map(str::to_owned);
        Ok(Some(FormClaims { access_key, token, policy, proof }))
    }

    /// Who signed, as the form says. Not empty, printable ASCII.
    pub fn access_key(&self) -> &str {
        &self.access_key
    }

    /// The session token, as it came.
    pub fn session_token(&self) -> Option<&str> {
        self.token.as_deref()
    }

    /// Whether it is SigV2.
    pub fn is_v2(&self) -> bool {
        match self.proof {
            Proof::V4 { .. } => false,
            Proof::V2 { .. } => true,
        }
    }

    /// Whether these credentials signed the policy, for this region if it matters. How long ago
    /// does not: the policy says when it expires. SigV2 knows no regions.
    pub(super) fn verify(
        &self,
        client: &Credentials,
        region: Option<&str>,
    ) -> Result<(), PolicyError> {
        if client.access_key != self.access_key {
            return Err(PolicyError::UnknownAccessKey);
        }
        let sound = match &self.proof {
            Proof::V4 { scope, .. } if region.is_some_and(|region| region != scope.region) => {
                return Err(PolicyError::Region);
            }
            Proof::V4 { scope, signature } => {
                let key = SigningKey::derive(client.secret.expose(), scope.clone());
                key.has_signed_policy(&self.policy, signature)
            }
            Proof::V2 { signature } => is_sealed_v2(&client.secret, &self.policy, signature),
        };
        match sound {
            false => Err(PolicyError::Signature),
            true if client.has_token(self.token.as_deref()) => Ok(()),
            true => Err(PolicyError::Token),
        }
    }
}

impl fmt::Debug for FormClaims {
    /// Without signature, policy and token, which are good for more than reading.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FormClaims").field("access_key", &self.access_key).finish_non_exhaustive()
    }
}

fn v4_proof(head: &FormHead) -> Result<(String, Proof), PolicyError> {
    if required(head, ALGORITHM)? != sigv4::ALGORITHM {
        return Err(PolicyError::FieldInvalid(ALGORITHM));
    }
    let invalid = |name| PolicyError::FieldInvalid(name);
    let stamp = Stamp::parse(required(head, DATE)?).ok_or(invalid(DATE))?;
    let credential = Credential::parse(required(head, CREDENTIAL)?).ok();
    let Credential { access_key, region, .. } =
        credential.filter(|c| c.day == stamp.day()).ok_or(invalid(CREDENTIAL))?;
    let signature = Signature::parse(required(head, SIGNATURE)?).ok_or(PolicyError::Signature)?;
    let scope = Scope { region: region.to_owned(), stamp };
    Ok((access_key.to_owned(), Proof::V4 { scope, signature }))
}

fn v2_proof(head: &FormHead) -> Result<(String, Proof), PolicyError> {
    let access_key = required(head, V2_KEY)?;
    let graphic = access_key.bytes().all(|byte| byte.is_ascii_graphic());
    if !graphic || !(1..=MAX_ACCESS_KEY).contains(&access_key.len()) {
        return Err(PolicyError::FieldInvalid(V2_KEY));
    }
    let signature = parse_base64(required(head, V2_SIGNATURE)?).ok_or(PolicyError::Signature)?;
    Ok((access_key.to_owned(), Proof::V2 { signature }))
}

fn required<'h>(head: &'h FormHead, name: &'static str) -> Result<&'h str, PolicyError> {
    optional(head, name)?.ok_or(PolicyError::FieldMissing(name))
}

fn optional<'h>(head: &'h FormHead, name: &'static str) -> Result<Option<&'h str>, PolicyError> {
    let text = head.field(name).map(std::str::from_utf8).transpose();
    text.map_err(|_| PolicyError::FieldInvalid(name))
}
