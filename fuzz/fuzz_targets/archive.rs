//! Whatever archive comes: views lie in the payload, bounds are kept, and one that streams gives the
//! same views however it is cut.
#![no_main]

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use s3bouncer::unpack::recorder::{Recorder, Seen};
use s3bouncer::unpack::{ArchiveStream, Gaps, Limits, Options, views};

#[derive(Arbitrary, Debug)]
struct Input {
    views_max: u8,
    output_bytes_max: u16,
    scratch_bytes_max: u16,
    depth_max: u8,
    documents: bool,
    /// Puts the checksums of tar headers right: no fuzzer guesses them.
    tar: bool,
    cut: u16,
    payload: Vec<u8>,
}

const RECORD_BYTES: usize = 512;

fuzz_target!(|input: Input| {
    let limits = Limits {
        views_max: input.views_max.into(),
        output_bytes_max: input.output_bytes_max.into(),
        scratch_bytes_max: input.scratch_bytes_max.into(),
        depth_max: input.depth_max % 4,
        ..Limits::default()
    };
    let documents = input.documents;
    let options = Options { archives: true, documents, embedded: documents, trimmed: documents };
    let mut payload = input.payload;
    if input.tar {
        payload.chunks_exact_mut(RECORD_BYTES).for_each(seal);
    }

    let mut recorder = Recorder::new(&payload);
    views(&payload, &[], options, limits, &mut recorder);
    check(&recorder.into_seen(), limits, payload.len());

    let whole = stream(&payload, options, limits, payload.len().max(1));
    check(&whole.0, limits, payload.len());
    let step = usize::from(input.cut) + 1;
    assert_eq!(stream(&payload, options, limits, step), whole, "cut at will");
    assert_eq!(stream(&payload, options, limits, 1), whole, "byte by byte");
});

fn check(seen: &[Seen], limits: Limits, input: usize) {
    assert!(seen.len() <= limits.views_max as usize);
    let bytes: usize = seen.iter().map(|seen| seen.bytes.len()).sum();
    assert!(bytes as u64 <= limits.output_bytes_max.max(input as u64));
    assert!(seen.iter().all(|seen| seen.depth <= limits.depth_max));
}

fn stream(payload: &[u8], options: Options, limits: Limits, step: usize) -> (Vec<Seen>, Gaps) {
    let mut recorder = Recorder::new(&[]);
    let mut archive = ArchiveStream::new(options, limits);
    payload.chunks(step).for_each(|piece| archive.push(piece, &mut recorder));
    let gaps = archive.finish(&mut recorder);
    (recorder.into_seen(), gaps)
}

fn seal(record: &mut [u8]) {
    record[148..156].fill(b' ');
    let sum: u32 = record.iter().map(|byte| u32::from(*byte)).sum();
    record[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
}
