//! A form on its way: its head verified and written anew, all else as it came.

use bytes::Bytes;

use super::claims::FormClaims;
use super::error::PolicyError;
use super::head::{FormHead, FormTerms};
use super::policy::Policy;
use super::preamble::Preamble;
use crate::framing::Boundary;
use crate::s3::auth::Credentials;
use crate::s3::sigv4::Scope;

/// Whose signature a form must have, and who signs it anew.
#[derive(Clone, Debug)]
pub struct FormKeys {
    /// Whose access key the form claims.
    pub client: Credentials,
    /// Towards the store.
    pub identity: Credentials,
}

/// The stage: push the form as it comes, then `finish` where it ends.
#[derive(Debug)]
pub struct SealedForm<L> {
    terms: FormTerms,
    scope: Scope,
    lookup: L,
    place: Place,
}

#[derive(Debug)]
enum Place {
    /// Before the file's data; nothing has gone out.
    Preamble(Box<Preamble>),
    /// Behind it.
    Passing { policy: Policy, grown: i64 },
    /// Nothing more is read.
    Failed(PolicyError),
}

impl<L> SealedForm<L>
where
    L: FnMut(&FormClaims) -> Result<FormKeys, PolicyError>,
{
    /// A stage at the start of a form, which is signed anew in `scope`. `lookup` is asked once, for
    /// the keys of whoever claims to have signed: [`PolicyError::UnknownAccessKey`] is its answer
    /// where there are none.
    pub fn new(boundary: &Boundary, terms: FormTerms, scope: Scope, lookup: L) -> Self {
        let place = Place::Preamble(Box::new(Preamble::new(boundary)));
        SealedForm { terms, scope, lookup, place }
    }

    /// Reads the next bytes of the form. Nothing is emitted before the file's data begins, then the
    /// head with the gate's signature, and everything behind it as it comes.
    ///
    /// # Errors
    /// What is wrong with the form up to its file; every later push and [`finish`](Self::finish)
    /// give the same error again. What stands behind is not looked at.
    pub fn push(&mut self, input: Bytes, emit: &mut impl FnMut(Bytes)) -> Result<(), PolicyError> {
        let preamble = match &mut self.place {
            Place::Preamble(preamble) => preamble,
            Place::Passing { .. } => {
                emit(input);
                return Ok(());
            }
            Place::Failed(error) => return Err(error.clone()),
        };
        let pushed = match preamble.push(&input) {
            Ok(None) => return Ok(()),
            Ok(Some(head)) => self.pass(&head, emit),
            Err(error) => Err(error),
        };
        if let Err(error) = &pushed {
            self.place = Place::Failed(error.clone());
        }
        pushed
    }

    /// To be called at the end of the form.
    ///
    /// # Errors
    /// The error that an earlier push gave, or the form ended before its file began.
    pub fn finish(&self) -> Result<(), PolicyError> {
        match &self.place {
            Place::Preamble(preamble) => Err(preamble.finish()),
            Place::Passing { .. } => Ok(()),
            Place::Failed(error) => Err(error.clone()),
        }
    }

    /// By how many bytes the form has grown: known once anything has been emitted.
    pub fn grown(&self) -> Option<i64> {
        match self.place {
            Place::Passing { grown, .. } => Some(grown),
            Place::Preamble(_) | Place::Failed(_) => None,
        }
    }

    /// The policy that was verified: what it says about the file's length is yet to be checked.
    pub fn policy(&self) -> Option<&Policy> {
        match &self.place {
            Place::Passing { policy, .. } => Some(policy),
            Place::Preamble(_) | Place::Failed(_) => None,
        }
    }

    fn pass(&mut self, head: &FormHead, emit: &mut impl FnMut(Bytes)) -> Result<(), PolicyError> {
        let claims = head.claims()?.ok_or(PolicyError::Anonymous)?;
        let FormKeys { client, identity } = (self.lookup)(&claims)?;
        let policy = head.verify(&claims, &client, &self.terms)?;
        let signed = head.resign(&policy, &identity, &self.scope)?;
        // Neither is more than some times `PREAMBLE_MAX`.
        let grown = signed.len() as i64 - head.len() as i64;
        emit(signed);
        if !head.rest().is_empty() {
            emit(head.rest());
        }
        self.place = Place::Passing { policy, grown };
        Ok(())
    }
}
