//! What is read of a job or a reply is what would be written, and within what was asked for.
#![no_main]

use libfuzzer_sys::fuzz_target;
use s3bouncer::decode::wire::{Job, encode_reply, parse_reply};
use s3bouncer::image::{
    Convention, Format, Limits, PerceptualAlgorithm, PerceptualKind, Variant, Wanted,
};

/// The length before a message, in bytes.
const LENGTH: usize = 4;

fuzz_target!(|data: &[u8]| {
    if let Some(job) = Job::parse(data) {
        assert_eq!(&job.encode()[LENGTH..], data);
    }
    let Some((number, rest)) = data.split_first_chunk::<8>() else { return };
    let job = Job {
        number: u64::from_le_bytes(*number),
        bytes: 0,
        time: Default::default(),
        limits: Limits::DEFAULT,
        wanted: wanted(),
    };
    // What the image is, its bytes say: here the reply's own word for it is as good as any.
    let format = rest.get(1).and_then(|&byte| Format::ALL.get(usize::from(byte)).copied());
    let Some(found) = parse_reply(data, &job, format) else { return };
    assert!(data.len() <= job.reply_max_bytes());
    assert_eq!(&encode_reply(job.number, &found)[LENGTH..], data);
    if let Ok(looks) = found {
        assert!(looks.header.pixels() <= job.limits.pixels);
        assert!(looks.pdq.iter().all(|look| look.source.frame < looks.frames));
        assert!(looks.perceptual.iter().all(|look| look.hash.len() == look.kind.hash_bytes()));
    }
});

fn wanted() -> Wanted {
    let kinds = [(8, false), (16, true)];
    let kind = |(side, dct)| PerceptualKind::new(PerceptualAlgorithm::Median, side, dct);
    Wanted {
        colour: false,
        conventions: Convention::ALL.to_vec(),
        variants: [&Variant::PADS[..], &Variant::TRIMS].concat(),
        frames: 2,
        kinds: kinds.into_iter().filter_map(kind).collect(),
    }
}
