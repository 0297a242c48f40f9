//! The segments of a JPEG file (ITU-T T.81 annex B).

use memchr::memchr;

use super::exif;
use super::read::be16;
use crate::image::{ImageFault, Orientation};

/// What decides how it is decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct JpegHeader {
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) bit_depth: u8,
    pub(crate) components: u8,
    /// Coefficients of all components for a pixel, rounded up.
    pub(crate) coefficients: u8,
    pub(crate) progressive: bool,
    /// Scans, counted to one past the bound.
    pub(crate) scans: u32,
    /// The colour transform of an Adobe segment.
    pub(crate) adobe_transform: Option<u8>,
    /// Whether the components are named R, G and B.
    pub(crate) names_rgb: bool,
    pub(crate) orientation: Orientation,
    /// Whether the end marker is there.
    pub(crate) complete: bool,
}

impl JpegHeader {
    const EMPTY: JpegHeader = JpegHeader {
        width: 0,
        height: 0,
        bit_depth: 0,
        components: 0,
        coefficients: 0,
        progressive: false,
        scans: 0,
        adobe_transform: None,
        names_rgb: false,
        orientation: Orientation::Upright,
        complete: false,
    };

    /// Whether its first component is luma, so that the others need not be decoded.
    pub(crate) fn has_luma(&self) -> bool {
        match self.components {
            1 => true,
            3 => self.adobe_transform.map_or(!self.names_rgb, |transform| transform != 0),
            _ => false,
        }
    }
}

const START_OF_SCAN: u8 = 0xda;
const END_OF_IMAGE: u8 = 0xd9;
const APP1: u8 = 0xe1;
const APP14: u8 = 0xee;

/// Walks all segments, and over the data of so many scans; with none, up to the first.
///
/// # Errors
/// `Truncated` where it ends before the frame header, `Format` where there is none.
pub(crate) fn header(bytes: &[u8], scans_max: u32) -> Result<JpegHeader, ImageFault> {
    let mut found = JpegHeader::EMPTY;
    let mut rest = bytes.get(2..).unwrap_or_default();
    let cut_short = loop {
        let Some((marker, after)) = next_marker(rest) else { break true };
        match marker {
            END_OF_IMAGE => {
                found.complete = true;
                break false;
            }
            // Markers without a length: a stray restart, TEM, a second start.
            0xd0..=0xd8 | 0x01 => {
                rest = after;
                continue;
            }
            _ => {}
        }
        let Some(length) = be16(after, 0).map(usize::from) else { break true };
        let Some(segment) = after.get(2..length) else { break after.len() < length };
        take(&mut found, marker, segment);
        rest = &after[length..];
        if marker == START_OF_SCAN {
            found.scans += 1;
            if found.scans > scans_max {
                break false;
            }
            rest = behind_scan(rest);
        }
    };
    match (found.width, found.height) {
        (0, _) | (_, 0) if cut_short => Err(ImageFault::Truncated),
        // A height of 0 is to be had from a segment behind the first scan: nobody writes that.
        (0, _) | (_, 0) => Err(ImageFault::Format),
        _ => Ok(found),
    }
}

/// The marker that comes next, and what follows it. Decoders skip what is none.
fn next_marker(mut rest: &[u8]) -> Option<(u8, &[u8])> {
    loop {
        let at = memchr(0xff, rest)?;
        rest = &rest[at..];
        let fill = rest.iter().position(|&byte| byte != 0xff)?;
        let marker = rest[fill];
        rest = &rest[fill + 1..];
        if marker != 0 {
            return Some((marker, rest));
        }
    }
}

/// What follows the entropy-coded data: from the first marker that is no restart.
fn behind_scan(bytes: &[u8]) -> &[u8] {
    let mut at = 0;
    while let Some(found) = memchr(0xff, &bytes[at..]) {
        at += found;
        match bytes.get(at + 1) {
            Some(0 | 0xd0..=0xd7) => at += 2,
            Some(0xff) => at += 1,
            Some(_) => return &bytes[at..],
            None => break,
        }
    }
    &[]
}

fn take(found: &mut JpegHeader, marker: u8, segment: &[u8]) {
    match marker {
        // Every start of frame, but not the tables that share its range.
        0xc0..=0xc3 | 0xc5..=0xc7 | 0xc9..=0xcb | 0xcd..=0xcf if found.components == 0 => {
            let [depth, h, h2, w, w2, components, layout @ ..] = segment else { return };
            found.bit_depth = *depth;
            found.height = u32::from(u16::from_be_bytes([*h, *h2]));
            found.width = u32::from(u16::from_be_bytes([*w, *w2]));
            found.components = *components;
            found.progressive = marker & 3 == 2;
            // Name, how often it is sampled in either direction, table.
            let layout = layout.as_chunks::<3>().0;
            found.names_rgb = layout.iter().map(|[name, ..]| *name).eq(*b"RGB");
            let sampled = layout.iter().map(|[_, often, _]| (often >> 4, often & 15));
            let most = sampled.clone().fold((1, 1), |(a, b), (h, v)| (a.max(h), b.max(v)));
            let sum: u32 = sampled.map(|(h, v)| u32::from(h) * u32::from(v)).sum();
            let coefficients = sum.div_ceil(u32::from(most.0) * u32::from(most.1));
            found.coefficients = u8::try_from(coefficients).unwrap_or(u8::MAX);
        }
        APP1 => {
            if let Some(orientation) = segment.strip_prefix(b"Exif\0\0").and_then(exif::orientation)
            {
                found.orientation = orientation;
            }
        }
        APP14 => {
            if let [b'A', b'd', b'o', b'b', b'e', _, _, _, _, _, _, transform, ..] = segment {
                found.adobe_transform = Some(*transform);
            }
        }
        _ => {}
    }
}
