//! From outcomes to the guard.

use super::*;

#[test]
fn the_guard_follows_from_what_cut_uploads_left() {
    use Object::{None, Old, Other, Short, Unknown, Whole};
    let not_taken = (Case::Complete(TRAILER), Other);
    for (changes, guard) in [
        (&[][..], Guard::Auto),
        // Payload was missing, and something is there.
        (&[(Case::Abort(PLAIN, Cut::PayloadByte, FIN), Short)][..], Guard::Whole),
        (&[(Case::Abort(PLAIN, Cut::InChunk, RST), Short)], Guard::Whole),
        (&[(Case::Abort(SIGNED, Cut::AfterChunk, Ending::HalfClose), Other)], Guard::Whole),
        (&[(Case::Abort(SIGNED, Cut::PayloadByte, RST), Unknown)], Guard::Whole),
        (&[(Case::Overwrite(PLAIN), Short)], Guard::Whole),
        (&[(Case::Overwrite(PLAIN), None)], Guard::Whole),
        (&[(Case::Overwrite(SIGNED), Unknown)], Guard::Whole),
        (&[(Case::Part(SIGNED), Short)], Guard::Whole),
        (&[(Case::IdleBody, Short)], Guard::Whole),
        // Only framing was missing: the gate never cuts there.
        (&[(Case::Abort(SIGNED, Cut::DataEnd, FIN), Whole)], Guard::Auto),
        (&[(Case::Abort(SIGNED, Cut::LastChunk, RST), Whole)], Guard::Auto),
        (&[(Case::Abort(TRAILER, Cut::Trailer, RST), Other)], Guard::Auto),
        (&[(Case::Abort(Framing::HttpChunked, Cut::HttpLastChunk, FIN), Whole)], Guard::Auto),
        // A framing that is taken for payload ends earlier for the store than for the client.
        (&[not_taken, (Case::Abort(TRAILER, Cut::PayloadByte, RST), Other)], Guard::Auto),
        (&[not_taken, (Case::Abort(TRAILER, Cut::InChunk, RST), Other)], Guard::Whole),
        (&[not_taken, (Case::Abort(TRAILER, Cut::AfterChunk, RST), Other)], Guard::Whole),
        // None of it is an aborted upload.
        (&[(Case::Gapped(SIGNED, Gap::Rest), Short)], Guard::Auto),
        (&[(Case::Trailing(SIGNED), Whole)], Guard::Auto),
        (&[(Case::DeclaredSmaller(SIGNED), Short)], Guard::Auto),
        (&[(Case::Conditional, Whole)], Guard::Auto),
        // Not every store lists parts.
        (&[(Case::Part(PLAIN), Unknown)], Guard::Auto),
        (
            &[(Case::Overwrite(PLAIN), Old), (Case::Complete(Framing::HttpChunked), None)],
            Guard::Auto,
        ),
    ] {
        assert_eq!(advise(&but_for(changes)).guard, guard, "{changes:?}");
    }
}

#[test]
fn a_store_that_takes_nothing_tells_nothing() {
    let refused = Framing::ALL.map(|framing| (Case::Complete(framing), Object::None));
    let advice = advise(&but_for(&refused));
    assert_eq!(advice.guard, Guard::Whole);
    assert_eq!(advice.reasons, ["no upload was stored, so nothing is known"]);
}

#[test]
fn reasons_name_cases_and_notes_what_else_is_odd() {
    let advice = advise(&but_for(&[]));
    assert_eq!(advice.reasons, ["no upload that lacked payload changed what is stored"]);
    assert_eq!(advice.notes, [""; 0]);

    let unended = |ending| (Case::Abort(SIGNED, Cut::LastChunk, ending), Object::Whole);
    let more = (Case::Abort(SIGNED, Cut::DataEnd, FIN), Object::Whole);
    let changes = [&Ending::ALL.map(unended)[..], &[more]].concat();
    let advice = advise(&but_for(&changes));
    let reason = "abort/signed-chunks/last-chunk/fin, abort/signed-chunks/last-chunk/rst, \
                  abort/signed-chunks/last-chunk/half-close and 1 more left an object, but";
    assert!(advice.reasons[1].starts_with(reason), "{:?}", advice.reasons);

    let mut findings = but_for(&[
        (Case::Complete(TRAILER), Object::None),
        (Case::Complete(Framing::UnsignedTrailer), Object::Other),
        (Case::Gapped(SIGNED, Gap::Rest), Object::Short),
        (Case::Part(PLAIN), Object::Unknown),
        (Case::Conditional, Object::Whole),
        (Case::Overwrite(PLAIN), Object::None),
    ]);
    for finding in &mut findings {
        if finding.case == Case::OtherHost {
            finding.outcome.status = Some(403);
        }
        if finding.case == Case::IdleConnection {
            finding.outcome.timing.closed_after_s = Some(60.0);
        }
    }
    let Advice { guard, reasons, notes } = advise(&findings);
    assert_eq!(guard, Guard::Whole);
    assert_eq!(reasons, ["overwrite/identity lacked payload and changed what is stored"]);
    for (note, start) in notes.iter().zip([
        "bodies above limits.capture_max are streamed",
        "signed-trailer is not taken",
        "unsigned-trailer is stored wrong",
        "gap/signed-chunks/only-two-chunks were stored though their framing is wrong",
        "part/identity could not be looked at",
        "another Host is refused",
        "If-None-Match: * is ignored",
        "idle connections end after 60 s",
    ]) {
        assert!(note.starts_with(start), "{note}");
    }
    assert_eq!(notes.len(), 8);
}
