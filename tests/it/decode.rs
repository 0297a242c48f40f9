//! Images are looked at in processes that may die: whatever one does costs the image that it had, and
//! nothing else.
//!
//! Workers are the program itself; where one has to misbehave, a shell takes the program's place.

use std::fs;
use std::num::NonZeroUsize;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use bytes::Bytes;
use s3bouncer::decode::wire::{Job, encode_reply};
use s3bouncer::decode::{Busy, Ending, Launch, Meters, Pool, Terms};
use s3bouncer::image::hostile::hostile;
use s3bouncer::image::{
    self, ImageFault, Limits, Looks, PerceptualAlgorithm, PerceptualKind, Variant, Wanted,
};
use tempfile::TempDir;

use crate::support::program::Process;
use crate::support::{PATIENCE, sample, until};

const PROGRAM: &str = env!("CARGO_BIN_EXE_s3bouncer");

/// For an image that is looked at without trouble, however slow the machine is.
const TERMS: Terms =
    Terms { limits: Limits::DEFAULT, time: Duration::from_secs(60), wait: PATIENCE, queue: 1000 };

/// For one that must not be waited for.
const HURRIED: Terms = Terms { time: Duration::from_millis(300), ..TERMS };

struct Workers {
    pool: Pool,
    meters: Meters,
}

impl Workers {
    fn new(launch: Launch, workers: usize) -> Workers {
        let (meters, workers) = (Meters::default(), NonZeroUsize::new(workers).expect("some"));
        let pool = Pool::new(launch, workers, meters.clone()).expect("a thread");
        Workers { pool, meters }
    }

    /// One worker that is the program.
    fn one() -> Workers {
        Workers::new(Launch::program(PROGRAM), 1)
    }

    async fn look(&self, image: &[u8], terms: &Terms) -> Result<Result<Looks, ImageFault>, Busy> {
        self.look_for(&wanted(), image, terms).await
    }

    async fn look_for(
        &self,
        wanted: &Wanted,
        image: &[u8],
        terms: &Terms,
    ) -> Result<Result<Looks, ImageFault>, Busy> {
        let (head, rest) = image.split_at(image.len().min(10));
        let pieces = [Bytes::copy_from_slice(head), Bytes::copy_from_slice(rest)];
        self.pool.look(&pieces, terms, wanted).await
    }

    async fn expect_good(&self) {
        assert_eq!(self.look(sample::CACTUS, &TERMS).await, Ok(directly(sample::CACTUS)));
    }

    fn killed(&self) -> Vec<(&'static str, u64)> {
        use s3bouncer::decode::EndingLabel as Label;
        let count = |ending: Ending| {
            let reason = ending.name();
            (reason, self.meters.killed.get_or_create(&Label { reason }).get())
        };
        Ending::ALL.into_iter().map(count).filter(|(_, count)| *count > 0).collect()
    }
}

fn wanted() -> Wanted {
    let kind = PerceptualKind::new(PerceptualAlgorithm::Median, 16, true).expect("a kind");
    let variants = vec![Variant::Trimmed, Variant::Padded(50), Variant::Turned(-20)];
    Wanted { colour: false, variants, kinds: vec![kind], ..Wanted::default() }
}

fn directly(bytes: &[u8]) -> Result<Looks, ImageFault> {
    image::look(bytes, &Limits::DEFAULT, &wanted(), &|| false)
}

/// A shell that does one thing once, and after that is the program.
fn once(what: &str) -> (Launch, TempDir) {
    let directory = tempfile::tempdir().expect("a directory can be made");
    let mark = directory.path().join("mark");
    let script = format!(
        "if mkdir {} 2>/dev/null; then {what}; else exec {PROGRAM} decode-worker; fi",
        mark.display()
    );
    (shell(&script), directory)
}

fn shell(script: &str) -> Launch {
    Launch { program: "/bin/sh".into(), arguments: vec!["-c".into(), script.into()] }
}

/// What comes of one image, with a worker that misbehaves; then the next one is fine.
async fn misbehaving(what: &str, terms: &Terms) -> (Result<Looks, ImageFault>, &'static str) {
    let (launch, _directory) = once(what);
    let workers = Workers::new(launch, 1);
    let found = workers.look(sample::CACTUS, terms).await.expect("a worker");
    let killed = workers.killed();
    workers.expect_good().await;
    assert_eq!(workers.killed(), killed, "{what}: the next one is another");
    assert_eq!(killed.iter().map(|(_, count)| count).sum::<u64>(), 1, "{what}");
    (found, killed[0].0)
}

/// As a string of `printf`.
fn octal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("\\{byte:03o}")).collect()
}

#[tokio::test]
async fn a_worker_sees_what_the_gate_would_see() {
    let workers = Workers::one();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/images");
    let files = fs::read_dir(folder).expect("test data").map(|file| file.expect("a file").path());
    let files = files.map(|path| (path.display().to_string(), fs::read(path).expect("a file")));
    let odd = hostile().into_iter().map(|odd| (odd.name.to_owned(), odd.bytes));
    let none = [("nothing".to_owned(), Vec::new()), ("noise".to_owned(), sample::noise(1, 99))];
    for (name, bytes) in files.chain(odd).chain(none) {
        assert_eq!(workers.look(&bytes, &TERMS).await, Ok(directly(&bytes)), "{name}");
    }
    assert_eq!(workers.killed(), []);
}

#[tokio::test]
async fn what_a_worker_dies_of_costs_its_image_only() {
    let crash = (Err(ImageFault::Decoder), "crash");
    for what in ["kill -ABRT $$", "head -c 50 >/dev/null; kill -SEGV $$", "exit 0", "exit 1"] {
        assert_eq!(misbehaving(what, &TERMS).await, crash, "{what}");
    }
}

#[tokio::test]
async fn a_worker_that_does_not_end_is_ended() {
    let slow = (Err(ImageFault::Time), "time");
    let half = "printf '\\144\\000\\000\\000half'; exec sleep 600";
    for what in ["while :; do :; done", "exec sleep 600", half] {
        assert_eq!(misbehaving(what, &HURRIED).await, slow, "{what}");
    }
}

#[tokio::test]
async fn nonsense_is_no_answer() {
    let nonsense = (Err(ImageFault::Decoder), "nonsense");
    // An image of another kind and one that was not asked for, a reply to another job, a long one.
    let png = fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/images/alpha.png"));
    let other_kind = encode_reply(0, &directly(&png.expect("test data")));
    let unwanted = image::look(sample::CACTUS, &Limits::DEFAULT, &Wanted::default(), &|| false);
    let mut unwanted = unwanted.expect("a photo");
    unwanted.pdq[0].source.convention = image::Convention::Resized512;
    let unwanted = encode_reply(0, &Ok(unwanted));
    let late = encode_reply(7, &directly(sample::CACTUS));
    let endless = vec![0xff; 100];
    for reply in [other_kind, unwanted, late, endless, vec![0; 4]] {
        let what = format!("printf '{}'; exec sleep 600", octal(&reply));
        assert_eq!(misbehaving(&what, &TERMS).await, nonsense);
    }
}

#[tokio::test]
async fn a_worker_that_ends_between_two_images_costs_nothing() {
    let job = Job::new(0, sample::CACTUS.len() as u64, &TERMS, &wanted()).encode();
    let length = job.len() + sample::CACTUS.len();
    let reply = encode_reply(0, &directly(sample::CACTUS));
    let what = format!("head -c {length} >/dev/null; printf '{}'; exit 0", octal(&reply));
    let (launch, directory) = once(&what);
    let workers = Workers::new(launch, 1);
    workers.expect_good().await;
    assert!(directory.path().join("mark").exists(), "the shell has answered");
    workers.expect_good().await;
    assert_eq!(workers.killed(), []);
}

/// A PNG of one colour, with so many pixels a side.
fn plain_png(side: u32) -> Vec<u8> {
    let picture = ::image::RgbImage::from_pixel(side, side, ::image::Rgb([9, 99, 200]));
    let mut png = std::io::Cursor::new(Vec::new());
    picture.write_to(&mut png, ::image::ImageFormat::Png).expect("memory takes it");
    png.into_inner()
}

#[tokio::test]
async fn memory_has_an_end() {
    let workers = Workers::one();
    // It can be decoded within the limit that decoders keep to; hashing takes more than the address
    // space that a worker has besides.
    let png = plain_png(6000);
    let tight = Terms { limits: Limits { memory: 6000 * 6000 * 3, ..Limits::DEFAULT }, ..TERMS };
    let found = workers.look(&png, &tight).await.expect("a worker");
    assert_eq!(found.map_or_else(Some, |looks| looks.fault), Some(ImageFault::Memory));
    assert_eq!(workers.killed(), [("memory", 1)]);
    // So many pixels take an unoptimized worker its time.
    let ample = Terms { time: Duration::from_secs(600), ..TERMS };
    let found = workers.look(&png, &ample).await.expect("a worker");
    assert_eq!(found.map(|looks| looks.fault), Ok(None));
}

#[tokio::test]
async fn a_look_that_nobody_waits_for_takes_its_worker_along() {
    let directory = tempfile::tempdir().expect("a directory can be made");
    let pid = directory.path().join("pid");
    let (launch, _directory) = once(&format!("echo $$ >{}; exec sleep 600", pid.display()));
    let workers = Workers::new(launch, 1);
    let looking = workers.look(sample::CACTUS, &TERMS);
    assert!(tokio::time::timeout(Duration::from_millis(300), looking).await.is_err());
    let pid = until("the shell", || number_in(&pid));
    until("its end", || (!Path::new(&format!("/proc/{pid}")).exists()).then_some(()));
    workers.expect_good().await;
}

#[tokio::test]
async fn who_finds_no_worker_waits_and_not_for_ever() {
    let workers = Workers::new(shell("exec sleep 600"), 1);
    let stuck = workers.look(sample::CACTUS, &TERMS);
    let brief = Terms { wait: Duration::from_millis(200), queue: 1, ..TERMS };
    let others = async {
        // One waits in vain, and for another there is not even a place.
        let (one, other) =
            tokio::join!(workers.look(sample::CACTUS, &brief), workers.look(b"GIF", &brief));
        assert_eq!((one, other), (Err(Busy), Err(Busy)));
        assert_eq!((workers.meters.waited.get(), workers.meters.busy.get()), (1, 2));
    };
    tokio::select! {
        biased;
        _ = stuck => panic!("it sleeps"),
        () = others => {}
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_burst_has_no_more_processes_than_there_are_workers() {
    let directory = tempfile::tempdir().expect("a directory can be made");
    let started = directory.path().join("started");
    let script = format!("echo $$ >>{}; exec {PROGRAM} decode-worker", started.display());
    let workers = std::sync::Arc::new(Workers::new(shell(&script), 2));
    let patient = Terms { wait: 10 * PATIENCE, ..TERMS };
    let burst: Vec<_> = (0..100)
        .map(|_| {
            let workers = workers.clone();
            tokio::spawn(async move {
                let plain = Wanted::default();
                workers.look_for(&plain, sample::CACTUS, &patient).await
            })
        })
        .collect();
    for one in burst {
        let found = one.await.expect("no panic").expect("a worker");
        assert_eq!(found.map(|looks| looks.pdq.len()), Ok(1));
    }
    let started = fs::read_to_string(started).expect("the shells have written");
    assert_eq!(started.lines().count(), 2);
    assert_eq!((workers.meters.jobs.get(), workers.meters.in_use.get()), (100, 0));
}

#[tokio::test]
async fn a_worker_has_nothing_but_its_pipes() {
    let directory = tempfile::tempdir().expect("a directory can be made");
    let pid = directory.path().join("pid");
    let script = format!("echo $$ >{}; exec {PROGRAM} decode-worker", pid.display());
    // Files that the gate has open at the time.
    let _files: Vec<_> = (0..9).map(|_| fs::File::open(PROGRAM).expect("a file")).collect();
    let workers = Workers::new(shell(&script), 1);
    workers.expect_good().await;
    let pid = number_in(&pid).expect("the shell has written");
    let read = |what: &str| fs::read_to_string(format!("/proc/{pid}/{what}")).expect("proc");
    let descriptors = fs::read_dir(format!("/proc/{pid}/fd")).expect("proc");
    let mut descriptors: Vec<_> = descriptors.map(|fd| fd.expect("proc").file_name()).collect();
    descriptors.sort();
    assert_eq!(descriptors, ["0", "1", "2"]);
    // `PWD` and such are the shell's.
    let environment = read("environ");
    assert!(environment.contains("MIMALLOC_ARENA_RESERVE=65536"), "{environment}");
    assert!(!environment.contains("CARGO"), "{environment}");
    assert!(read("status").contains("NoNewPrivs:\t1"));
    assert_eq!(read("oom_score_adj").trim(), "1000");
    let limits = read("limits");
    let limit = |name: &str| {
        let line = limits.lines().find(|line| line.starts_with(name)).expect("a limit");
        line[name.len()..].split_whitespace().next().expect("a number").to_owned()
    };
    assert_eq!([limit("Max core file size"), limit("Max open files")], ["1", "3"]);
    let space: u64 = limit("Max address space").parse().expect("a limit is set");
    assert!(space < Limits::DEFAULT.memory + (264 << 20), "{space}");
}

/// Not a test: a gate that is about to be killed. It has a worker that its own end can't be noticed by
/// in any way but the kernel's, since the pipe to it stays open elsewhere.
#[tokio::test]
#[ignore = "part of another test"]
async fn victim() {
    let Ok(script) = std::env::var("S3BOUNCER_TEST_WORKER") else { return };
    let workers = Workers::new(shell(&script), 1);
    let _ = workers.look(sample::CACTUS, &TERMS).await;
}

#[test]
fn workers_end_with_the_gate_however_it_ends() {
    let directory = tempfile::tempdir().expect("a directory can be made");
    let at = |name: &str| directory.path().join(name);
    let made = Command::new("mkfifo").arg(at("fifo")).status().expect("mkfifo");
    assert!(made.success());
    let _open = fs::File::options().read(true).write(true).open(at("fifo")).expect("a fifo");
    let script = format!(
        "exec 3<&0; sleep 600 & echo $! >{}; echo $$ >{}; exec {PROGRAM} decode-worker <{}",
        at("holder").display(),
        at("pid").display(),
        at("fifo").display()
    );
    let mut gate = Command::new(std::env::current_exe().expect("a program"))
        .args(["--exact", "decode::victim", "--ignored", "--nocapture"])
        .env("S3BOUNCER_TEST_WORKER", script)
        .stdout(Stdio::null())
        .spawn()
        .map(Process)
        .expect("the program runs");
    let pid = until("the worker", || number_in(&at("pid")));
    let status = format!("/proc/{pid}/status");
    let confined = || fs::read_to_string(&status).ok()?.contains("NoNewPrivs:\t1").then_some(());
    until("a worker at work", confined);
    gate.0.kill().expect("SIGKILL");
    until("its end", || (!is_running(pid)).then_some(()));
    let holder = number_in(&at("holder")).expect("the shell has written");
    Command::new("kill").arg(holder.to_string()).status().expect("kill");
}

fn is_running(pid: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // Nobody may be there to bury it.
    !stat.is_empty() && !stat.contains(") Z")
}

fn number_in(path: &Path) -> Option<u32> {
    fs::read_to_string(path).ok()?.trim().parse().ok()
}
