use proptest::prelude::*;

use super::*;

const TERMS: Terms = Terms {
    limits: Limits::DEFAULT,
    time: Duration::from_millis(1234),
    wait: Duration::ZERO,
    queue: 0,
};

fn wanted() -> Wanted {
    let kind = |side, dct| PerceptualKind::new(PerceptualAlgorithm::Median, side, dct);
    Wanted {
        colour: false,
        conventions: Convention::ALL.to_vec(),
        variants: vec![
            Variant::Trimmed,
            Variant::Block,
            Variant::Padded(25),
            Variant::Cropped(200),
            Variant::Turned(-20),
        ],
        frames: 3,
        kinds: vec![kind(16, true).unwrap(), kind(8, false).unwrap()],
    }
}

fn job() -> Job {
    Job::new(77, 1000, &TERMS, &wanted())
}

fn header() -> Header {
    Header {
        format: Format::Gif,
        width: 640,
        height: 480,
        frames: 9,
        scans: 1,
        bit_depth: 8,
        orientation: Orientation::QuarterTurn,
        complete: false,
    }
}

fn look(frame: u32, variant: Variant, convention: Convention) -> Look {
    let source = Source { frame, background: Background::Black, variant, convention };
    let orientations = std::array::from_fn(|n| Pdq([n as u8; 32]));
    Look { source, fingerprint: Fingerprint { orientations, quality: 100 } }
}

/// Everything that a worker can say about an image.
fn looks() -> Looks {
    let job = job();
    let other = |&kind: &PerceptualKind| PerceptualLook {
        frame: 8,
        background: Background::Ignored,
        kind,
        hash: vec![9; kind.hash_bytes()],
    };
    let wholes = Convention::ALL.map(|convention| look(0, Variant::Whole, convention));
    let variants = job.wanted.variants.iter().map(|&variant| look(8, variant, Convention::Full));
    Looks {
        header: header(),
        frames: 9,
        pdq: wholes.into_iter().chain(variants).collect(),
        perceptual: job.wanted.kinds.iter().map(other).collect(),
        fault: Some(ImageFault::Truncated),
    }
}

/// What is read of a reply without its length.
fn read(reply: &[u8]) -> Option<Result<Looks, ImageFault>> {
    parse_reply(reply, &job(), Some(Format::Gif))
}

fn written(found: &Result<Looks, ImageFault>) -> Vec<u8> {
    let reply = encode_reply(77, found);
    let (length, reply) = reply.split_first_chunk::<4>().unwrap();
    assert_eq!(u32::from_le_bytes(*length) as usize, reply.len());
    reply.to_vec()
}

#[test]
fn jobs_arrive_as_they_were_sent() {
    let plain = Wanted { colour: true, ..Wanted::default() };
    for wanted in [wanted(), plain] {
        let job = Job::new(u64::MAX, 1 << 40, &TERMS, &wanted);
        let sent = job.encode();
        let read = Job::parse(&sent[4..]).unwrap();
        assert_eq!(format!("{read:?}"), format!("{job:?}"));
        for cut in 4..sent.len() {
            assert!(Job::parse(&sent[4..cut]).is_none(), "cut at {cut}");
        }
        assert!(Job::parse(&[&sent[4..], &[0]].concat()).is_none());
    }
}

#[test]
fn replies_arrive_as_they_were_sent() {
    let bare = Looks { pdq: vec![], perceptual: vec![], fault: None, ..looks() };
    let faults = ImageFault::ALL.map(Err);
    for found in [Ok(looks()), Ok(bare)].into_iter().chain(faults) {
        let reply = written(&found);
        assert!(reply.len() <= job().reply_max_bytes());
        assert_eq!(read(&reply), Some(found));
        for cut in 0..reply.len() {
            assert_eq!(read(&reply[..cut]), None, "cut at {cut}");
        }
        assert_eq!(read(&[&reply[..], &[0]].concat()), None);
    }
}

#[test]
fn a_reply_is_to_its_own_job_and_image() {
    let reply = written(&Ok(looks()));
    let later = Job { number: 78, ..job() };
    assert_eq!(parse_reply(&reply, &later, Some(Format::Gif)), None);
    for format in [Some(Format::Jpeg), None] {
        assert_eq!(parse_reply(&reply, &job(), format), None);
    }
    // That it can't be looked at, may be said of anything.
    let reply = written(&Err(ImageFault::Format));
    assert_eq!(parse_reply(&reply, &job(), None), Some(Err(ImageFault::Format)));
}

#[track_caller]
fn check(change: impl FnOnce(&mut Looks), taken: bool) {
    let mut looks = looks();
    change(&mut looks);
    let found = Ok(looks);
    assert_eq!(read(&written(&found)), taken.then_some(found));
}

#[test]
fn what_no_image_can_be_is_no_reply() {
    let limits = TERMS.limits;
    check(|looks| looks.header.width = 0, false);
    check(|looks| looks.header.height = 0, false);
    let side = limits.pixels as u32 / 1000;
    check(|looks| (looks.header.width, looks.header.height) = (side, 1000), true);
    check(|looks| (looks.header.width, looks.header.height) = (side + 1, 1000), false);
    check(|looks| (looks.header.width, looks.header.height) = (u32::MAX, u32::MAX), false);
    check(|looks| looks.header.frames = 0, false);
    check(|looks| looks.header.frames = limits.frames + 1, true);
    check(|looks| looks.header.frames = limits.frames + 2, false);
    check(|looks| looks.header.scans = 0, false);
    check(|looks| looks.header.scans = limits.scans, true);
    check(|looks| looks.header.scans = limits.scans + 1, false);
    check(|looks| looks.pdq[0].fingerprint.quality = 101, false);
    check(|looks| looks.pdq[0].source.frame = 9, false);
    check(|looks| looks.perceptual[0].frame = 9, false);
}

#[test]
fn what_was_not_asked_for_is_no_reply() {
    check(|looks| looks.pdq[3].source.variant = Variant::Padded(26), false);
    check(|looks| looks.pdq[3].source.convention = Convention::Resized512, false);
    check(|looks| looks.perceptual[1].hash.push(0), false);
    let other = PerceptualKind::new(PerceptualAlgorithm::Mean, 8, false).unwrap();
    check(|looks| looks.perceptual[1].kind = other, false);
    // Four pictures at most (a frame more than are asked for), on three backgrounds.
    let full = 4 * 3 * 7;
    check(|looks| looks.pdq = vec![looks.pdq[0]; full], true);
    check(|looks| looks.pdq = vec![looks.pdq[0]; full + 1], false);
    let others = 4 * 3 * 2;
    check(|looks| looks.perceptual = vec![looks.perceptual[1].clone(); others], true);
    check(|looks| looks.perceptual = vec![looks.perceptual[1].clone(); others + 1], false);
}

#[test]
fn the_largest_reply_is_within_its_bound() {
    let largest = Looks {
        pdq: vec![look(0, Variant::Whole, Convention::Full); 4 * 3 * 7],
        perceptual: vec![looks().perceptual[0].clone(); 4 * 3 * 2],
        ..looks()
    };
    assert!(written(&Ok(largest)).len() <= job().reply_max_bytes());
    let greedy = Wanted { frames: u32::MAX, ..wanted() };
    assert_eq!(Job::new(0, 0, &TERMS, &greedy).reply_max_bytes(), REPLY_MAX_BYTES);
}

proptest! {
    /// Whatever is read is within what was asked for, and reads the same when it is written again.
    #[test]
    fn a_changed_reply_is_another_one_or_none(at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut reply = written(&Ok(looks()));
        let at = at.index(reply.len());
        reply[at] = byte;
        if let Some(found) = read(&reply) {
            prop_assert_eq!(written(&found), reply);
        }
    }

    #[test]
    fn noise_is_no_reply(noise in prop::collection::vec(any::<u8>(), 0..99)) {
        if let Some(found) = read(&noise) {
            prop_assert_eq!(&written(&found), &noise);
        }
        if let Some(job) = Job::parse(&noise) {
            prop_assert_eq!(&job.encode()[4..], &noise[..]);
        }
    }
}
