//! Pictures that are not the same: how often a hash says that they are.

use std::path::{Path, PathBuf};

use s3bouncer::image::Pdq;

use crate::corpus::Corpus;
use crate::hashes::{
    Fallible, Hashed, QUALITY_MIN, Query, hash_all, nearest, own_distance, own_kinds, queried,
};
use crate::tables::{THRESHOLDS, head, row};

/// Distances between strangers.
#[derive(Default)]
struct Distances {
    pairs: u64,
    sum: f64,
    squares: f64,
    least: Option<u32>,
    /// Pairs within each threshold.
    within: Vec<u64>,
}

impl Distances {
    fn note(&mut self, distance: u32, thresholds: &[u32]) {
        self.within.resize(thresholds.len(), 0);
        self.pairs += 1;
        self.sum += f64::from(distance);
        self.squares += f64::from(distance) * f64::from(distance);
        self.least = Some(self.least.map_or(distance, |least| least.min(distance)));
        let counts = self.within.iter_mut().zip(thresholds);
        counts.for_each(|(count, threshold)| *count += u64::from(distance <= *threshold));
    }

    /// Pairs, least, mean, standard deviation, and how many lie within each threshold.
    fn cells(&self) -> Vec<String> {
        let pairs = self.pairs.max(1) as f64;
        let mean = self.sum / pairs;
        let deviation = (self.squares / pairs - mean * mean).max(0.0).sqrt();
        let least = self.least.map_or("–".to_owned(), |least| least.to_string());
        let cells =
            [self.pairs.to_string(), least, format!("{mean:.1}"), format!("{deviation:.1}")];
        cells.into_iter().chain(self.within.iter().map(u64::to_string)).collect()
    }
}

/// How what is listed was enrolled.
type Enrolled = fn(&Hashed) -> Vec<Pdq>;

fn whole(hashed: &Hashed) -> Vec<Pdq> {
    hashed.pdq().into_iter().collect()
}

/// Every file that was made of one photograph against every other photograph.
fn against_others(corpus: &Corpus, query: Query, enrolled: Enrolled) -> Distances {
    let listed: Vec<Vec<Pdq>> = corpus.originals.iter().map(enrolled).collect();
    let mut found = Distances::default();
    for case in &corpus.cases {
        let queries = case.hashed.queries(query);
        for (index, listed) in listed.iter().enumerate() {
            if index != case.original
                && let Some(distance) = nearest(&queries, listed)
            {
                found.note(distance, &THRESHOLDS);
            }
        }
    }
    found
}

/// The table of false positives; how many pairs of distinct photographs lie within the first
/// threshold, whatever is compared.
pub fn photographs(corpus: &Corpus) -> u64 {
    println!("\n## Distinct photographs: pairs that a hash takes for the same\n");
    let columns = ["compared", "pairs", "least", "mean", "deviation"].map(str::to_owned);
    head(columns.into_iter().chain(THRESHOLDS.map(|threshold| format!("≤ {threshold}"))));
    let mut wrong = 0;
    let rows = Query::ALL.map(|query| (query.name().to_owned(), query, whole as Enrolled));
    let own_lists = "+ pad, enrolled with crops and turns".to_owned();
    let enrolled: Enrolled = Hashed::enrolled;
    for (name, query, enrolled) in rows.into_iter().chain([(own_lists, Query::Padded, enrolled)]) {
        let found = against_others(corpus, query, enrolled);
        wrong += found.within.first().copied().unwrap_or(0);
        row([format!("pdq, {name}")].into_iter().chain(found.cells()));
    }
    own_kinds_of_photographs(corpus);
    wrong
}

fn own_kinds_of_photographs(corpus: &Corpus) {
    println!("\nHashes for lists of your own, as the picture stands:\n");
    let columns = ["hash", "bits", "pairs", "least", "mean", "deviation"].map(str::to_owned);
    let within = ["within an eighth of the bits", "within three sixteenths"].map(str::to_owned);
    head(columns.into_iter().chain(within));
    for (at, kind) in own_kinds().into_iter().enumerate() {
        let bits = 8 * kind.hash_bytes() as u32;
        let mut found = Distances::default();
        for case in &corpus.cases {
            let others = corpus.originals.iter().enumerate().filter(|(i, _)| *i != case.original);
            for (_, other) in others {
                if let (Some(a), Some(b)) = (case.hashed.own.get(at), other.own.get(at)) {
                    found.note(own_distance(a, b), &[bits / 8, bits * 3 / 16]);
                }
            }
        }
        row([kind.to_string(), bits.to_string()].into_iter().chain(found.cells()));
    }
}

/// The table of sets of pictures that are alike by design; each folder is one.
pub fn look_alikes(folder: &Path) -> Fallible<()> {
    println!("\n## Look-alikes: pairs that a hash takes for the same\n");
    let columns = ["set", "pictures", "of too low quality", "compared", "pairs", "least"];
    let columns = columns.into_iter().chain(["mean", "deviation"]).map(str::to_owned);
    head(columns.chain(THRESHOLDS.map(|threshold| format!("≤ {threshold}"))));
    for set in sorted(folder)? {
        let hashed = hash_all(&sorted(&set)?, &queried());
        let seen: Vec<Hashed> = hashed.into_iter().filter_map(Result::ok).collect();
        let count = seen.len();
        let kept: Vec<Hashed> =
            seen.into_iter().filter(|hashed| hashed.quality() >= QUALITY_MIN).collect();
        let name = set.file_name().unwrap_or_default().to_string_lossy();
        for query in [Query::Plain, Query::Padded] {
            let found = among(&kept, query);
            let low = (count - kept.len()).to_string();
            let cells = [name.to_string(), count.to_string(), low, query.name().to_owned()];
            row(cells.into_iter().chain(found.cells()));
        }
    }
    Ok(())
}

/// Every pair of a set once, the nearer of both ways to ask.
fn among(set: &[Hashed], query: Query) -> Distances {
    let mut found = Distances::default();
    let queries: Vec<Vec<Pdq>> = set.iter().map(|hashed| hashed.queries(query)).collect();
    let listed: Vec<Vec<Pdq>> = set.iter().map(whole).collect();
    for one in 0..set.len() {
        for other in 0..one {
            let ways = [(one, other), (other, one)];
            let distances = ways.into_iter().filter_map(|(a, b)| nearest(&queries[a], &listed[b]));
            if let Some(distance) = distances.min() {
                found.note(distance, &THRESHOLDS);
            }
        }
    }
    found
}

fn sorted(folder: &Path) -> Fallible<Vec<PathBuf>> {
    let listing = std::fs::read_dir(folder);
    let listing = listing.map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut paths = listing.map(|entry| Ok(entry?.path())).collect::<Fallible<Vec<_>>>()?;
    paths.sort();
    Ok(paths)
}
