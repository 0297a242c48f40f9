//! What stands between a client's body and all that looks at it, where the request is signed anew: the
//! signatures in the body are verified, and the store's put in their place.

use bytes::Bytes;

use crate::inspect::BodyError;
use crate::net::budget::Reservation;
use crate::s3::sealed::Sealed;

/// The stage for one body.
pub(super) struct Seal {
    chunks: Sealed,
    /// The memory for what waits for its signature.
    _room: Option<Reservation>,
}

impl Seal {
    /// For a body whose chunks are signed.
    pub(super) fn chunks(chunks: Sealed, room: Option<Reservation>) -> Seal {
        Seal { chunks, _room: room }
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
        Ok(self.chunks.push(wire, emit)?)
    }

    /// To be called where the body has ended.
    ///
    /// # Errors
    /// As [`push`](Self::push), or something is missing.
    pub(super) fn finish(&mut self, emit: &mut impl FnMut(Bytes)) -> Result<(), BodyError> {
        Ok(self.chunks.finish(emit)?)
    }
}
