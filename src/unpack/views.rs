//! The views of a body that is there as a whole.

use super::coding::{Coding, Decoder};
use super::view::{Gaps, Incomplete, Kind, Sink};
use super::walk::{Ledger, Place, Source, Stream, Walk, look_into};
use super::{Limits, Options, Piece, archive, documents, embedded};

/// Gives the views of a payload to a sink, but for the payload itself, and says whether those are all.
///
/// `codings` are what `Content-Encoding` names, in its order; what they decode to is a view whatever
/// the options say, and is looked into like the payload. Views come in an order that depends on the
/// bytes alone. One byte string may come twice, found in two ways.
///
/// Memory: scratch memory as [`Limits`] say, and one decoder for each archive within another
/// ([`Decoder`], [`ArchiveStream`]).
pub fn views(
    payload: &[u8],
    codings: &[Coding],
    options: Options,
    limits: Limits,
    sink: &mut dyn Sink,
) -> Gaps {
    let mut ledger = Ledger::new(options, limits);
    ledger.input = payload.len() as u64;
    let mut walk = Walk { ledger: &mut ledger, sink };
    if !codings.is_empty() {
        decoded(&mut walk, payload, codings);
    }
    // Whoever takes a gzip-coded body for a gzip file sees no more.
    if !codings.last().is_some_and(|coding| archive::is_coded(payload, coding.codec())) {
        let place = Place::OUTSIDE;
        look(&mut walk, &Source { bytes: payload, base: Some(0), whole: true, place });
    }
    ledger.gaps
}

/// Looks for views in a byte string.
pub(super) fn look(walk: &mut Walk<'_>, source: &Source<'_>) {
    let options = walk.ledger.options;
    if walk.stopped() || source.bytes.is_empty() {
        return;
    }
    // Whatever an archive holds is one of its members.
    if options.archives && archive::open(walk, source) {
        return;
    }
    embedded::pictures(walk, source);
    if options.documents {
        documents::pictures(walk, source);
    }
}

/// Undoes the content codings. What a browser shows that knows one gzip member only is a view too.
fn decoded(walk: &mut Walk<'_>, payload: &[u8], codings: &[Coding]) {
    let mut decoder = match Decoder::new(codings, walk.ledger.limits) {
        Ok(decoder) => decoder,
        Err(error) => return walk.miss_coded(error),
    };
    let mut view = Stream::begin(walk, Kind::Decoded, Place::OUTSIDE, None);
    let mut first = None;
    let mut emit = |piece: Piece<'_>| match piece {
        Piece::Bytes(bytes) => view.bytes(walk, bytes),
        Piece::FirstEnds => first = Some(view.given()),
    };
    let done = decoder.push(payload, &mut emit).and_then(|()| decoder.finish(&mut emit));
    if let Err(error) = done {
        walk.miss_coded(error);
    }
    let (kept, whole) = view.close(walk, done.is_ok());
    if let Some(first) = first {
        let first = usize::try_from(first).ok().and_then(|first| kept.get(..first));
        match first {
            Some(bytes) => {
                let source = Source { bytes, base: None, whole: true, place: Place::OUTSIDE };
                walk.give(&source, &source.origin(Kind::Decoded), 0..bytes.len());
            }
            None => walk.miss(Incomplete::Bytes),
        }
    }
    look_into(walk, &kept, whole, Place::OUTSIDE);
}
