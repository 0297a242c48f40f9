//! What was promised, and whether it holds.

use crate::corpus::Corpus;
use crate::hashes::Query;
use crate::tables::{head, recall, row};

/// Bits at which goals are judged.
const THRESHOLD: u32 = 31;

/// Transformations, and the percent of each that must be found with every variant.
const GOALS: [(&str, f64, &[&str]); 3] = [
    (
        "recompressed, scaled, converted, gray, blurred, noisy, mirrored, turned, negative",
        97.0,
        &[
            "png",
            "jpeg 90",
            "jpeg 70",
            "jpeg 50",
            "jpeg 30",
            "jpeg 10",
            "webp 80",
            "webp 30",
            "gif",
            "scaled 2",
            "scaled 0.5",
            "scaled 0.25",
            "grayscale",
            "blur 2",
            "blur 5",
            "noise 10",
            "noise 30",
            "mirrored",
            "upside down",
            "turned 90",
            "turned 180",
            "turned 270",
            "negative",
        ],
    ),
    (
        "borders of 2 to 10 %, letterbox",
        90.0,
        &["border 2 %", "border 5 %", "border 10 %", "border 10 %, white", "letterbox"],
    ),
    ("centred crop of 5 %", 80.0, &["crop 5 %"]),
];

/// The table of goals; how many are missed.
pub fn report(corpus: &Corpus, wrong: u64) -> usize {
    println!("\n## Goals, at ≤ {THRESHOLD} with every variant\n");
    head(["of", "at least", "worst", "measured", ""].map(str::to_owned));
    let mut missed = 0;
    let mut judge = |cells: [String; 4], holds: bool| {
        missed += usize::from(!holds);
        let word = if holds { "holds" } else { "**missed**" };
        row(cells.into_iter().chain([word.to_owned()]));
    };
    for (what, goal, names) in GOALS {
        let of = |(index, name): (usize, &String)| {
            let recall = recall(corpus, index, Query::Padded, THRESHOLD);
            names.contains(&name.as_str()).then(|| (recall, name.clone()))
        };
        let found = corpus.transformations.iter().enumerate().filter_map(of);
        let mut found: Vec<(f64, String)> = found.collect();
        found.sort_by(|a, b| a.0.total_cmp(&b.0));
        let complete = found.len() == names.len();
        let (worst, name) =
            found.into_iter().next().unwrap_or((0.0, "nothing measured".to_owned()));
        let cells = [what.to_owned(), format!("{goal} %"), name, format!("{worst:.1} %")];
        judge(cells, complete && worst >= goal);
    }
    let what = "distinct photographs taken for the same".to_owned();
    judge([what, "0".to_owned(), "every pair".to_owned(), wrong.to_string()], wrong == 0);
    missed
}
