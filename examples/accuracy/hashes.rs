//! Every hash of a picture that the report compares, by the library itself.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;

use s3bouncer::image::{
    Convention, Limits, Look, Looks, ORIENTATIONS, Pdq, PerceptualAlgorithm, PerceptualKind,
    Source, Variant, Wanted, look,
};

pub type Fallible<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// Quality below which neither lists nor the gate take a PDQ hash, by default.
pub const QUALITY_MIN: u8 = 50;
/// Threads that hash.
const THREADS: usize = 2;

/// The hashes for an operator's own lists that stand in the report.
const OWN: [(PerceptualAlgorithm, u8, bool); 9] = [
    (PerceptualAlgorithm::Mean, 8, false),
    (PerceptualAlgorithm::Gradient, 8, false),
    (PerceptualAlgorithm::Gradient, 8, true),
    (PerceptualAlgorithm::Median, 8, true),
    (PerceptualAlgorithm::DoubleGradient, 16, false),
    (PerceptualAlgorithm::Mean, 16, false),
    (PerceptualAlgorithm::Gradient, 16, false),
    (PerceptualAlgorithm::Median, 16, true),
    (PerceptualAlgorithm::Blockhash, 16, false),
];

/// The kinds of [`OWN`], in order.
pub fn own_kinds() -> Vec<PerceptualKind> {
    let of = |(algorithm, side, dct)| PerceptualKind::new(algorithm, side, dct);
    OWN.into_iter().filter_map(of).collect()
}

/// What of a picture is compared with what is listed. Each has all of the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Query {
    /// The picture as it stands.
    Plain,
    /// And turned, mirrored, as a negative: what the gate always does.
    Turned,
    /// And without its borders: `near_variants = "trim"`.
    Trimmed,
    /// And with margins: `near_variants = "trim+pad"`.
    Padded,
    /// And of any quality: `near_quality = 0`.
    Flat,
}

impl Query {
    pub const ALL: [Query; 5] =
        [Query::Plain, Query::Turned, Query::Trimmed, Query::Padded, Query::Flat];

    pub const fn name(self) -> &'static str {
        match self {
            Query::Plain => "as it stands",
            Query::Turned => "+ turned, negative",
            Query::Trimmed => "+ trim",
            Query::Padded => "+ pad",
            Query::Flat => "+ any quality",
        }
    }

    fn takes(self, variant: Variant) -> bool {
        match variant {
            Variant::Whole => true,
            Variant::Trimmed | Variant::Block => self >= Query::Trimmed,
            Variant::Padded(_) => self >= Query::Padded,
            Variant::Cropped(_) | Variant::Turned(_) => false,
        }
    }

    /// The least quality that is compared.
    fn quality_min(self) -> u8 {
        match self {
            Query::Plain | Query::Turned | Query::Trimmed | Query::Padded => QUALITY_MIN,
            Query::Flat => 0,
        }
    }
}

/// The hashes of one picture, in colour.
pub struct Hashed {
    looks: Vec<Look>,
    /// Of the luma plane, as the gate looks first.
    luma: Option<Pdq>,
    /// A hash of each of [`own_kinds`].
    pub own: Vec<Vec<u8>>,
}

impl Hashed {
    /// Of the whole picture.
    pub fn pdq(&self) -> Option<Pdq> {
        self.looks.first().map(|look| look.fingerprint.pdq())
    }

    /// Of the whole picture; 0 where there is no hash.
    pub fn quality(&self) -> u8 {
        self.looks.first().map_or(0, |look| look.fingerprint.quality)
    }

    /// Bits between the hash of colours and that of the luma plane.
    pub fn luma_distance(&self) -> Option<u32> {
        Some(self.pdq()?.distance(&self.luma?))
    }

    /// What an operator enrols of a picture of their own: the whole, crops and small turns.
    pub fn enrolled(&self) -> Vec<Pdq> {
        let is_enrolled = |look: &&Look| {
            let variant = look.source.variant;
            let made = matches!(variant, Variant::Cropped(_) | Variant::Turned(_));
            (variant == Variant::Whole || made) && look.fingerprint.quality >= QUALITY_MIN
        };
        self.looks.iter().filter(is_enrolled).map(|look| look.fingerprint.pdq()).collect()
    }

    /// Every hash that a query compares.
    pub fn queries(&self, query: Query) -> Vec<Pdq> {
        let looks = self.looks.iter().filter(|look| {
            query.takes(look.source.variant) && look.fingerprint.quality >= query.quality_min()
        });
        let turned = if query == Query::Plain { 1 } else { ORIENTATIONS };
        let hashes = looks.flat_map(|look| look.fingerprint.orientations.into_iter().take(turned));
        match query {
            Query::Plain => hashes.collect(),
            Query::Turned | Query::Trimmed | Query::Padded | Query::Flat => {
                hashes.flat_map(|hash| [hash, hash.complement()]).collect()
            }
        }
    }
}

/// Bits between the nearest two; `None` where there is nothing to compare.
pub fn nearest(queries: &[Pdq], listed: &[Pdq]) -> Option<u32> {
    queries.iter().flat_map(|query| listed.iter().map(|hash| query.distance(hash))).min()
}

/// Bits between two hashes of an operator's own kind.
pub fn own_distance(one: &[u8], other: &[u8]) -> u32 {
    one.iter().zip(other).map(|(a, b)| (a ^ b).count_ones()).sum()
}

/// What a query looks at.
pub fn queried() -> Wanted {
    Wanted {
        variants: [&Variant::TRIMS[..], &Variant::PADS].concat(),
        kinds: own_kinds(),
        ..Wanted::default()
    }
}

/// What is made of an original.
pub fn originals() -> Wanted {
    let mut wanted = queried();
    wanted.variants.extend(Variant::CROPS);
    wanted.variants.extend(Variant::TURNS);
    wanted
}

/// Hashes a file; `Err` says why there is nothing to compare.
fn hash(path: &Path, wanted: &Wanted) -> Fallible<Hashed> {
    let bytes = std::fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let seen = |wanted: &Wanted| -> Fallible<Looks> {
        look(&bytes, &Limits::DEFAULT, wanted, &|| false)
            .map_err(|fault| format!("{}: {fault}", path.display()).into())
    };
    let looks = seen(wanted)?;
    let luma = seen(&Wanted { colour: false, ..Wanted::default() })?;
    let is_first = |source: &Source| source.frame == 0 && source.convention == Convention::Full;
    let own = looks.perceptual.into_iter().take(wanted.kinds.len()).map(|look| look.hash);
    Ok(Hashed {
        own: own.collect(),
        luma: luma.pdq.first().map(|look| look.fingerprint.pdq()),
        looks: looks.pdq.into_iter().filter(|look| is_first(&look.source)).collect(),
    })
}

/// Hashes files on all threads; in the order of the paths.
pub fn hash_all(paths: &[impl AsRef<Path> + Sync], wanted: &Wanted) -> Vec<Fallible<Hashed>> {
    let next = AtomicUsize::new(0);
    let (sender, receiver) = mpsc::channel();
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            let (sender, next) = (sender.clone(), &next);
            scope.spawn(move || {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(path) = paths.get(index) else { break };
                    // The receiver outlives the threads.
                    let _ = sender.send((index, hash(path.as_ref(), wanted)));
                }
            });
        }
        drop(sender);
    });
    let mut hashed: Vec<_> = receiver.into_iter().collect();
    hashed.sort_by_key(|(index, _)| *index);
    hashed.into_iter().map(|(_, hashed)| hashed).collect()
}
