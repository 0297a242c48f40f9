use super::*;

use crate::decode::Terms;
use crate::decode::wire::parse_reply;
use crate::image::{Format, Limits, Wanted};

const PHOTO: &[u8] = include_bytes!("../../../tests/data/notocactus-minimus.jpg");

fn job(number: u64, image: &[u8]) -> Job {
    let (time, wait) = (Duration::from_secs(60), Duration::ZERO);
    let terms = Terms { limits: Limits::DEFAULT, time, wait, queue: 0 };
    Job::new(number, image.len() as u64, &terms, &Wanted::default())
}

/// What a worker writes when this is all that it reads.
fn answered(input: &[u8]) -> (Vec<u8>, io::Result<()>) {
    let mut output = Vec::new();
    let ended = answer(input, &mut output, &mut |_| Ok(()));
    (output, ended)
}

#[test]
fn each_image_has_its_reply() {
    let images = [PHOTO, b"GIF89a", b"", PHOTO];
    let jobs: Vec<Job> = (0..).zip(images).map(|(number, image)| job(number, image)).collect();
    let input: Vec<u8> =
        jobs.iter().zip(images).flat_map(|(job, image)| [&job.encode(), image].concat()).collect();
    let (output, ended) = answered(&input);
    assert!(ended.is_ok());
    let mut rest = &output[..];
    for (job, image) in jobs.iter().zip(images) {
        let (length, after) = rest.split_first_chunk::<4>().unwrap();
        let (reply, after) = after.split_at(u32::from_le_bytes(*length) as usize);
        let format = (image == PHOTO).then_some(Format::Jpeg).or(Some(Format::Gif));
        let found = parse_reply(reply, job, format).unwrap();
        assert_eq!(found, look(image, &job.limits, &job.wanted, &|| false));
        rest = after;
    }
    assert!(rest.is_empty());
}

#[test]
fn a_gate_that_hangs_up_or_talks_nonsense_ends_the_worker() {
    let whole = [&job(0, PHOTO).encode(), PHOTO].concat();
    let reply = answered(&whole).0;
    for cut in [1, 4, 5, 50, whole.len() - 1] {
        assert!(answered(&whole[..cut]).0.is_empty());
        let (output, ended) = answered(&[&whole, &whole[..cut]].concat());
        assert_eq!(output, reply, "cut at {cut}");
        // Nothing at all, or a part of a length, is how a gate ends.
        assert_eq!(ended.is_ok(), cut < 4);
    }
    let long = u32::try_from(HEAD_MAX_BYTES + 1).unwrap().to_le_bytes();
    assert!(answered(&[&long[..], &[0; HEAD_MAX_BYTES + 1]].concat()).1.is_err());
}

#[test]
fn a_decoder_is_asked_to_stop_before_its_time_is_up() {
    let late = Job { time: Duration::ZERO, ..job(0, PHOTO) };
    let reply = reply(&late, PHOTO);
    assert_eq!(parse_reply(&reply[4..], &late, Some(Format::Jpeg)), Some(Err(ImageFault::Time)));
    assert!(soft(Duration::from_secs(8)) == Duration::from_secs(7));
}

#[test]
fn want_of_memory_is_told_from_other_panics() {
    let blamed = |mut found| {
        blame_memory(&mut found);
        found
    };
    let seen = look(PHOTO, &Limits::DEFAULT, &Wanted::default(), &|| false).unwrap();
    let cut = Looks { fault: Some(ImageFault::Decoder), ..seen.clone() };
    let short = Looks { fault: Some(ImageFault::Memory), ..seen.clone() };
    assert_eq!(blamed(Err(ImageFault::Decoder)), Err(ImageFault::Memory));
    assert_eq!(blamed(Ok(cut)), Ok(short));
    assert_eq!(blamed(Ok(seen.clone())), Ok(seen));
}

/// Not a test: a worker for the tests of other rooms, which have no program to start. What a test
/// prints is in the way of what a worker says, so that it says that on another descriptor.
#[test]
#[ignore = "part of other tests"]
fn stand_in() {
    if std::env::var_os("S3BOUNCER_STAND_IN").is_some() {
        let output = fs::File::options().write(true).open("/proc/self/fd/3").unwrap();
        answer(io::stdin().lock(), output, &mut |_| Ok(())).unwrap();
    }
}
