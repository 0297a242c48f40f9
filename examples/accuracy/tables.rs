//! The report's tables, in Markdown.

use s3bouncer::image::Pdq;

use crate::corpus::{Case, Corpus};
use crate::hashes::{Hashed, QUALITY_MIN, Query, nearest, own_distance, own_kinds};

/// Bits of a PDQ hash: what industry takes, the wide band, and one on either side.
pub const THRESHOLDS: [u32; 4] = [31, 40, 48, 64];

/// Which columns of recall there are.
const RECALLS: [(Query, u32); 13] = [
    (Query::Plain, 31),
    (Query::Plain, 40),
    (Query::Plain, 48),
    (Query::Plain, 64),
    (Query::Turned, 31),
    (Query::Trimmed, 31),
    (Query::Trimmed, 48),
    (Query::Padded, 31),
    (Query::Padded, 40),
    (Query::Padded, 48),
    (Query::Padded, 64),
    (Query::Padded, 72),
    (Query::Flat, 31),
];

/// A row of cells.
pub fn row(cells: impl IntoIterator<Item = String>) {
    println!("| {} |", cells.into_iter().collect::<Vec<_>>().join(" | "));
}

/// The head of a table.
pub fn head(names: impl IntoIterator<Item = String>) {
    let names: Vec<String> = names.into_iter().collect();
    let rule = "---|".repeat(names.len());
    row(names);
    println!("|{rule}");
}

/// Percent of cases that are within a threshold; 0 of none.
fn percent(distances: impl Iterator<Item = Option<u32>>, threshold: u32) -> f64 {
    let (mut all, mut found) = (0_u32, 0_u32);
    for distance in distances {
        all += 1;
        found += u32::from(distance.is_some_and(|distance| distance <= threshold));
    }
    100.0 * f64::from(found) / f64::from(all.max(1))
}

/// Percent of a transformation's files that are found.
pub fn recall(corpus: &Corpus, transformation: usize, query: Query, threshold: u32) -> f64 {
    let distances = corpus.cases_of(transformation).map(|case| case.distances[query as usize]);
    percent(distances, threshold)
}

/// Recall of PDQ.
pub fn pdq(corpus: &Corpus) {
    println!("\n## PDQ: percent found\n");
    let names = RECALLS.map(|(query, threshold)| format!("{} ≤ {threshold}", query.name()));
    let first = ["transformation", "of too low quality", "median distance as it stands"];
    head(first.map(str::to_owned).into_iter().chain(names));
    for (index, name) in corpus.transformations.iter().enumerate() {
        let of = |(query, threshold)| format!("{:.1}", recall(corpus, index, query, threshold));
        let median = median(corpus.cases_of(index).filter_map(|case| case.distances[0]).collect());
        let low = corpus.cases_of(index).map(|case| Some(u32::from(case.hashed.quality())));
        let low = format!("{:.1}", percent(low, u32::from(QUALITY_MIN) - 1));
        row([name.clone(), low, median].into_iter().chain(RECALLS.map(of)));
    }
}

fn median(mut values: Vec<u32>) -> String {
    values.sort_unstable();
    values.get(values.len() / 2).map_or("–".to_owned(), u32::to_string)
}

/// Bits of an operator's own kind: the default near and wide distances.
fn own_thresholds() -> Vec<[u32; 2]> {
    let bits = own_kinds().into_iter().map(|kind| 8 * kind.hash_bytes() as u32);
    bits.map(|bits| [bits / 8, bits * 3 / 16]).collect()
}

/// Recall of the hashes for an operator's own lists, of pictures as they stand.
pub fn own(corpus: &Corpus) {
    println!("\n## Hashes for lists of your own: percent found\n");
    let thresholds = own_thresholds();
    let columns: Vec<(usize, u32)> =
        thresholds.iter().enumerate().flat_map(|(at, both)| both.map(|bits| (at, bits))).collect();
    let kinds = own_kinds();
    let names = columns.iter().map(|(at, bits)| format!("{} ≤ {bits}", kinds[*at]));
    head(std::iter::once("transformation".to_owned()).chain(names));
    for (index, name) in corpus.transformations.iter().enumerate() {
        let of = |(at, bits): &(usize, u32)| {
            let distance = |case: &Case| {
                let listed = corpus.originals[case.original].own.get(*at)?;
                Some(own_distance(case.hashed.own.get(*at)?, listed))
            };
            format!("{:.1}", percent(corpus.cases_of(index).map(distance), *bits))
        };
        row(std::iter::once(name.clone()).chain(columns.iter().map(of)));
    }
}

/// What becomes of crops and rotations if the operator enrols crops and turns of the original.
pub fn enrolment(corpus: &Corpus) {
    println!("\n## Originals enrolled with crops and small turns: percent found\n");
    let columns: Vec<(Query, u32)> = [Query::Turned, Query::Padded]
        .into_iter()
        .flat_map(|query| [31, 48].map(|threshold| (query, threshold)))
        .collect();
    let names = columns.iter().flat_map(|(query, threshold)| {
        let column = |how| format!("{how}, {} ≤ {threshold}", query.name());
        ["whole alone", "with crops and turns"].map(column)
    });
    head(std::iter::once("transformation".to_owned()).chain(names));
    let enrolled: Vec<Vec<Pdq>> = corpus.originals.iter().map(Hashed::enrolled).collect();
    for (index, name) in corpus.transformations.iter().enumerate() {
        if !["crop", "rotated"].iter().any(|word| name.contains(word)) {
            continue;
        }
        let of = |&(query, threshold): &(Query, u32)| {
            let distance =
                |case: &Case| nearest(&case.hashed.queries(query), &enrolled[case.original]);
            let with = percent(corpus.cases_of(index).map(distance), threshold);
            [recall(corpus, index, query, threshold), with].map(|percent| format!("{percent:.1}"))
        };
        row(std::iter::once(name.clone()).chain(columns.iter().flat_map(of)));
    }
}

/// How far the hash of the luma plane is from that of colours.
pub fn luma(corpus: &Corpus) {
    let distances: Vec<u32> =
        corpus.cases.iter().filter_map(|case| case.hashed.luma_distance()).collect();
    let sum: u64 = distances.iter().copied().map(u64::from).sum();
    let mean = sum as f64 / distances.len().max(1) as f64;
    let most = distances.iter().max().copied().unwrap_or(0);
    println!(
        "\nThe hash of the luma plane, which the gate looks at first, is {mean:.2} bits from that of \
         colours on average and {most} at most, over {} files.",
        distances.len()
    );
}
