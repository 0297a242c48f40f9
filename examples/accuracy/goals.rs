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
    head(["of", "each at least", "worst", "measured", "all together", ""].map(str::to_owned));
    let mut missed = 0;
    let mut judge = |cells: [String; 5], holds: bool| {
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
        let mean = found.iter().map(|(recall, _)| recall).sum::<f64>() / found.len().max(1) as f64;
        let (worst, name) =
            found.into_iter().next().unwrap_or((0.0, "nothing measured".to_owned()));
        let [goal_text, worst_text, mean] = [goal, worst, mean].map(|p| format!("{p:.1} %"));
        let cells = [what.to_owned(), goal_text, name, worst_text, mean];
        judge(cells, complete && worst >= goal);
    }
    let what = "distinct photographs taken for the same".to_owned();
    let pairs = "every pair".to_owned();
    judge([what, "0".to_owned(), pairs, wrong.to_string(), wrong.to_string()], wrong == 0);
    missed
}
