//! Recall against threshold, as SVG.

use std::fmt::Write as _;

use crate::corpus::Corpus;
use crate::hashes::Query;
use crate::tables::recall;

/// The lines, and their colours.
const LINES: [(&str, &str); 9] = [
    ("jpeg 10", "#1b9e77"),
    ("scaled 0.25", "#66a61e"),
    ("brightness +60 %", "#e6ab02"),
    ("letterbox", "#7570b3"),
    ("crop 5 %", "#d95f02"),
    ("crop 10 %", "#e7298a"),
    ("rotated 2°, cropped", "#a6761d"),
    ("logo 25 %", "#1f78b4"),
    ("crop 5 %, one corner", "#666666"),
];
/// Bits up to which is drawn.
const BITS_MAX: u32 = 96;
/// Where the axes begin and how long they are, in pixels.
const LEFT: f64 = 60.0;
const TOP: f64 = 30.0;
const WIDTH: f64 = 520.0;
const HEIGHT: f64 = 300.0;

fn at(bits: u32, percent: f64) -> (f64, f64) {
    let across = f64::from(bits) / f64::from(BITS_MAX);
    (LEFT + WIDTH * across, TOP + HEIGHT * (1.0 - percent / 100.0))
}

/// The whole drawing.
pub fn svg(corpus: &Corpus) -> Result<String, std::fmt::Error> {
    let mut out = String::new();
    writeln!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 800 390\" font-family=\"sans-serif\" \
         font-size=\"12\">\n<rect width=\"800\" height=\"390\" fill=\"white\"/>"
    )?;
    axes(&mut out)?;
    let mut label = TOP + 10.0;
    for (name, colour) in LINES {
        let Some(index) = corpus.transformations.iter().position(|known| known == name) else {
            continue;
        };
        let points = (0..=BITS_MAX).step_by(2).map(|bits| {
            let (x, y) = at(bits, recall(corpus, index, Query::Padded, bits));
            format!("{x:.0},{y:.1}")
        });
        let points = points.collect::<Vec<_>>().join(" ");
        writeln!(
            out,
            "<polyline points=\"{points}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>"
        )?;
        writeln!(out, "<text x=\"600\" y=\"{label}\" fill=\"{colour}\">{name}</text>")?;
        label += 22.0;
    }
    out.push_str("</svg>\n");
    Ok(out)
}

fn axes(out: &mut String) -> std::fmt::Result {
    for percent in (0..=100).step_by(20) {
        let (x, y) = at(0, f64::from(percent));
        let end = LEFT + WIDTH;
        writeln!(out, "<line x1=\"{x}\" y1=\"{y}\" x2=\"{end}\" y2=\"{y}\" stroke=\"#ddd\"/>")?;
        writeln!(out, "<text x=\"52\" y=\"{}\" text-anchor=\"end\">{percent} %</text>", y + 4.0)?;
    }
    for bits in [0, 16, 31, 48, 64, 80, 96] {
        let (x, y) = at(bits, 0.0);
        writeln!(out, "<line x1=\"{x}\" y1=\"{TOP}\" x2=\"{x}\" y2=\"{y}\" stroke=\"#ddd\"/>")?;
        writeln!(out, "<text x=\"{x}\" y=\"{}\" text-anchor=\"middle\">{bits}</text>", y + 18.0)?;
    }
    writeln!(
        out,
        "<text x=\"{}\" y=\"372\" text-anchor=\"middle\">bits that may differ, with every variant</text>",
        LEFT + WIDTH / 2.0
    )?;
    writeln!(out, "<text x=\"{LEFT}\" y=\"18\">found</text>")
}
