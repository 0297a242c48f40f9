//! The accuracy report: what is found again of pictures that were changed, by which hash, at which
//! distance, and what is taken for the same that is not (docs/accuracy.md).
//!
//! ```text
//! python3 tests/accuracy/fetch.py CACHE
//! python3 tests/accuracy/transform.py CACHE/work CACHE/photos
//! cargo run --release --example accuracy -- CACHE/work --look-alikes CACHE/look-alikes --check
//! ```

mod corpus;
mod cost;
mod goals;
mod hashes;
mod plot;
mod strangers;
mod tables;

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;

use crate::corpus::Corpus;
use crate::hashes::{Fallible, Query};

/// Prints the accuracy report in Markdown.
#[derive(Parser)]
struct Arguments {
    /// What tests/accuracy/transform.py made of any folder of photographs
    folder: PathBuf,
    /// A folder with a folder for each set of pictures that are alike by design
    #[arg(long, value_name = "FOLDER")]
    look_alikes: Option<PathBuf>,
    /// Time looks at the photographs in this folder, as they came
    #[arg(long, value_name = "FOLDER")]
    cost: Option<PathBuf>,
    /// Draw recall against distance into this file
    #[arg(long, value_name = "FILE")]
    plot: Option<PathBuf>,
    /// Write how far each file is from its original into this file, for through_gate.py
    #[arg(long, value_name = "FILE")]
    distances: Option<PathBuf>,
    /// Fail if a goal is missed
    #[arg(long)]
    check: bool,
}

fn main() -> Fallible<ExitCode> {
    let arguments = Arguments::parse();
    let corpus = Corpus::read(&arguments.folder)?;
    let (photos, files) = (corpus.originals.len(), corpus.cases.len());
    println!("{photos} photographs, {files} files made of them.");
    println!(
        "{} more photographs have a quality below {}, and no list takes them.",
        corpus.left_out,
        hashes::QUALITY_MIN
    );
    corpus.faults.iter().for_each(|fault| println!("- not looked at: {fault}"));
    tables::luma(&corpus);
    tables::pdq(&corpus);
    tables::enrolment(&corpus);
    tables::own(&corpus);
    let wrong = strangers::photographs(&corpus);
    if let Some(folder) = &arguments.look_alikes {
        strangers::look_alikes(folder)?;
    }
    if let Some(folder) = &arguments.cost {
        cost::report(folder)?;
    }
    let missed = goals::report(&corpus, wrong);
    if let Some(file) = &arguments.plot {
        std::fs::write(file, plot::svg(&corpus)?)?;
    }
    if let Some(file) = &arguments.distances {
        std::fs::write(file, distances(&corpus)?)?;
    }
    let failed = arguments.check && (missed > 0 || !corpus.faults.is_empty());
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// One line a file: its name, its transformation, how far it is from its original with every
/// variant, as it stands, and its quality.
fn distances(corpus: &Corpus) -> Result<String, std::fmt::Error> {
    let mut out = String::new();
    for case in &corpus.cases {
        let name = &corpus.transformations[case.transformation];
        let bits = |query: Query| {
            case.distances[query as usize].map_or("-".to_owned(), |bits| bits.to_string())
        };
        let (found, plain) = (bits(Query::Padded), bits(Query::Plain));
        writeln!(out, "{}\t{name}\t{found}\t{plain}\t{}", case.file, case.hashed.quality())?;
    }
    Ok(out)
}
