//! The search finds what its naive twin does however a body is cut; and whatever pictures and
//! documents come, views lie in the payload and bounds are kept.
#![no_main]

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use s3bouncer::image::Format;
use s3bouncer::unpack::recorder::Recorder;
use s3bouncer::unpack::{Candidate, Limits, Options, Search, extent, naive_search, views};

#[derive(Arbitrary, Debug)]
struct Input {
    search_bytes_max: u16,
    candidates_max: u8,
    cut: u8,
    /// Bytes, or marks that pictures and documents have.
    parts: Vec<Part>,
}

#[derive(Arbitrary, Debug)]
enum Part {
    Bytes(Vec<u8>),
    Mark(u8),
}

const MARKS: [&[u8]; 17] = [
    b"\xff\xd8\xff\xe0",
    b"\xff\xd8\xff\xe1\x01\0Exif\0\0II*\0\x08\0\0\0",
    b"\xff\xe2\0\x20MPF\0MM\0*\0\0\0\x08",
    b"\xff\xed\0\x40Photoshop 3.0\08BIM\x04\x0c",
    b"\xff\xd9",
    b"\x89PNG\r\n\x1a\n",
    b"GIF89a",
    b"RIFF\x10\0\0\0WEBP",
    b"\0\0\0\x18ftypavif\0\0\0\0mif1avif",
    b"\0\0\0\x0cJXL \r\n\x87\n",
    b"BM\0\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0\x01\0\0\0\x01\0\0\0\x01\0\x18\0",
    b"\0\0\x01\0\x01\0",
    b"8BPS",
    b"%PDF-1.7\n",
    b"<</Length 9>>\nstream\n",
    b"\nendstream\n",
    b"data:image/jpeg;base64,/9j/4AAQ",
];

fuzz_target!(|input: Input| {
    let mut body = Vec::new();
    for part in &input.parts {
        match part {
            Part::Bytes(bytes) => body.extend_from_slice(bytes),
            Part::Mark(mark) => body.extend_from_slice(MARKS[usize::from(*mark) % MARKS.len()]),
        }
    }
    let limits = Limits {
        search_bytes_max: input.search_bytes_max.into(),
        candidates_max: input.candidates_max.into(),
        output_bytes_max: 1 << 20,
        ..Limits::default()
    };

    let naive = naive_search(&body, &limits);
    for step in [body.len().max(1), 1, usize::from(input.cut) + 1] {
        assert_eq!(search(&body, &limits, step), naive, "by {step}");
    }
    for format in Format::ALL {
        assert!(extent(format, &body).is_none_or(|end| (1..=body.len()).contains(&end)));
    }

    // The recorder takes each range out of the payload: one that lies outside panics.
    let mut recorder = Recorder::new(&body);
    views(&body, &[], Options::ALL, limits, &mut recorder);
    let bytes: usize = recorder.into_seen().iter().map(|seen| seen.bytes.len()).sum();
    assert!(bytes as u64 <= limits.output_bytes_max.max(body.len() as u64));
});

fn search(body: &[u8], limits: &Limits, step: usize) -> Vec<Candidate> {
    let mut found = Vec::new();
    let mut search = Search::new(limits);
    body.chunks(step).for_each(|piece| search.push(piece, &mut |candidate| found.push(candidate)));
    search.finish(&mut |candidate| found.push(candidate));
    found
}
