//! The boxes of AVIF and HEIC: which items there are, where their data lie, what is said of them
//! (ISO 14496-12 §8.11, ISO 23008-12 §6 and §9).

use super::read::{array, be16, be32, be64};
use crate::image::{ImageFault, Orientation};

/// Items, properties, references and extents that are read of each; phones write a hundred tiles.
const ENTRIES_MAX: usize = 4096;
/// Boxes within one box that are looked at.
const BOXES_MAX: usize = 4096;

type Kind = [u8; 4];

/// One item: a picture, a tile, a mask, metadata.
#[derive(Clone, Debug, Default)]
pub(crate) struct Item {
    pub(crate) id: u32,
    pub(crate) kind: Kind,
    /// Whether extents count from the item data box instead of the file's start.
    in_item_data: bool,
    extents: Vec<(u64, u64)>,
    /// Places in the property list, from 1 on.
    properties: Vec<u16>,
}

/// A parsed file.
#[derive(Debug, Default)]
pub(crate) struct Heif<'a> {
    bytes: &'a [u8],
    item_data: &'a [u8],
    primary: u32,
    items: Vec<Item>,
    properties: Vec<(Kind, &'a [u8])>,
    references: Vec<(Kind, u32, Vec<u32>)>,
    /// Samples of the longest track of an image sequence.
    pub(crate) samples: u32,
}

impl<'a> Heif<'a> {
    /// # Errors
    /// `Truncated` where the boxes end too early, `Format` where there is no picture.
    pub(crate) fn parse(bytes: &'a [u8]) -> Result<Self, ImageFault> {
        let mut heif = Heif { bytes, ..Heif::default() };
        for (kind, body) in boxes(bytes) {
            match &kind {
                b"meta" => heif.meta(body.get(4..).unwrap_or_default()),
                b"moov" => heif.samples = samples(body, 0),
                _ => {}
            }
        }
        match (heif.primary(), is_cut(bytes)) {
            (Some(_), _) => Ok(heif),
            (None, true) => Err(ImageFault::Truncated),
            (None, false) => Err(ImageFault::Format),
        }
    }

    /// The picture to show.
    pub(crate) fn primary(&self) -> Option<&Item> {
        self.item(self.primary)
    }

    pub(crate) fn item(&self, id: u32) -> Option<&Item> {
        self.items.iter().find(|item| item.id == id)
    }

    /// A property of an item.
    pub(crate) fn property(&self, item: &Item, kind: &Kind) -> Option<&'a [u8]> {
        let places = item.properties.iter().filter_map(|place| usize::from(*place).checked_sub(1));
        let mut found = places.filter_map(|place| self.properties.get(place));
        found.find(|(name, _)| name == kind).map(|(_, body)| *body)
    }

    /// Width and height that the item's extent property gives.
    pub(crate) fn size(&self, item: &Item) -> Option<(u32, u32)> {
        let extent = self.property(item, b"ispe")?;
        Some((be32(extent, 4)?, be32(extent, 8)?))
    }

    /// How the item is to be turned: mirrors come after turns (MIAF §7.3.6.7).
    pub(crate) fn orientation(&self, item: &Item) -> Orientation {
        // Anticlockwise quarter turns.
        let turns = self.property(item, b"irot").and_then(|body| body.first()).map_or(0, |b| b & 3);
        let (mut columns, mut rows, transposed) = match turns {
            0 => (false, false, false),
            1 => (true, false, true),
            2 => (true, true, false),
            _ => (false, true, true),
        };
        // Axis 0 swaps top and bottom, axis 1 left and right, both of what is shown.
        if let Some(axis) = self.property(item, b"imir").and_then(|body| body.first()) {
            let of_rows = (axis & 1 == 0) != transposed;
            *(if of_rows { &mut rows } else { &mut columns }) ^= true;
        }
        Orientation::of_steps((columns, rows, transposed))
    }

    /// Items that this one points to, in order.
    pub(crate) fn references(&self, kind: &Kind, from: u32) -> &[u32] {
        let found = self.references.iter().find(|(k, id, _)| k == kind && *id == from);
        found.map_or(&[], |(_, _, to)| to)
    }

    /// Items that point to this one.
    pub(crate) fn referring(&self, kind: &Kind, to: u32) -> impl Iterator<Item = &Item> {
        let found =
            self.references.iter().filter(move |(k, _, ids)| k == kind && ids.contains(&to));
        found.filter_map(|(_, from, _)| self.item(*from))
    }

    /// The item's data, put together of its extents; never more than the file holds.
    ///
    /// # Errors
    /// `Truncated` where an extent lies outside, `Format` where extents overlap to be many times
    /// the file.
    pub(crate) fn data(&self, item: &Item) -> Result<Vec<u8>, ImageFault> {
        let source = if item.in_item_data { self.item_data } else { self.bytes };
        let mut data = Vec::new();
        for (offset, length) in &item.extents {
            let part = usize::try_from(*offset).ok().and_then(|offset| source.get(offset..));
            let part = part.ok_or(ImageFault::Truncated)?;
            let length = if *length == 0 { part.len() as u64 } else { *length };
            let part = usize::try_from(length).ok().and_then(|length| part.get(..length));
            data.extend_from_slice(part.ok_or(ImageFault::Truncated)?);
            if data.len() > self.bytes.len() {
                return Err(ImageFault::Format);
            }
        }
        Ok(data)
    }

    fn meta(&mut self, meta: &'a [u8]) {
        for (kind, body) in boxes(meta) {
            // Boxes here have a version and flags before their fields.
            let version = body.first().copied().unwrap_or(0);
            let fields = body.get(4..).unwrap_or_default();
            let wide = version > 0;
            match &kind {
                b"pitm" => self.primary = number(fields, 0, wide).map_or(0, |(id, _)| id),
                b"idat" => self.item_data = body,
                b"iinf" => {
                    let entries = fields.get(if wide { 4 } else { 2 }..).unwrap_or_default();
                    boxes(entries).filter(|(kind, _)| kind == b"infe").for_each(|(_, entry)| {
                        let _ = self.item_info(entry);
                    });
                }
                b"iloc" => {
                    let _ = self.locations(version, fields);
                }
                b"iref" => {
                    for (kind, body) in boxes(fields).take(ENTRIES_MAX) {
                        let _ = self.reference(kind, body, wide);
                    }
                }
                b"iprp" => self.item_properties(body),
                _ => {}
            }
        }
    }

    fn entry(&mut self, id: u32) -> Option<&mut Item> {
        let at = match self.items.iter().position(|item| item.id == id) {
            Some(at) => at,
            None if self.items.len() == ENTRIES_MAX => return None,
            None => {
                self.items.push(Item { id, ..Item::default() });
                self.items.len() - 1
            }
        };
        self.items.get_mut(at)
    }

    fn item_info(&mut self, entry: &[u8]) -> Option<()> {
        // Versions 0 and 1 have no type, and so describe no picture.
        let wide = match entry.first()? {
            2 => false,
            3 => true,
            _ => return None,
        };
        let (id, at) = number(entry, 4, wide)?;
        let kind = array(entry, at + 2)?;
        self.entry(id)?.kind = kind;
        Some(())
    }

    fn locations(&mut self, version: u8, fields: &[u8]) -> Option<()> {
        let (sizes, more) = (*fields.first()?, *fields.get(1)?);
        let (offset_size, length_size) = (sizes >> 4, sizes & 15);
        let (base_size, index_size) = (more >> 4, if version > 0 { more & 15 } else { 0 });
        let wide = version > 1;
        let (count, mut at) = number(fields, 2, wide)?;
        for _ in 0..(count as usize).min(ENTRIES_MAX) {
            let (id, after) = number(fields, at, wide)?;
            at = after;
            let mut construction = 0;
            if version > 0 {
                construction = be16(fields, at)? & 15;
                at += 2;
            }
            at += 2; // the data reference: other files are not looked at
            let base = sized(fields, &mut at, base_size)?;
            let extents = be16(fields, at)?;
            at += 2;
            let mut found = Vec::new();
            for _ in 0..usize::from(extents).min(ENTRIES_MAX) {
                sized(fields, &mut at, index_size)?;
                let offset = sized(fields, &mut at, offset_size)?.checked_add(base)?;
                found.push((offset, sized(fields, &mut at, length_size)?));
            }
            let item = self.entry(id)?;
            (item.in_item_data, item.extents) = (construction == 1, found);
        }
        Some(())
    }

    fn reference(&mut self, kind: Kind, body: &[u8], wide: bool) -> Option<()> {
        let (from, at) = number(body, 0, wide)?;
        let (count, mut at) = (be16(body, at)?, at + 2);
        let mut to = Vec::new();
        for _ in 0..usize::from(count).min(ENTRIES_MAX) {
            let (id, after) = number(body, at, wide)?;
            to.push(id);
            at = after;
        }
        self.references.push((kind, from, to));
        Some(())
    }

    fn item_properties(&mut self, body: &'a [u8]) {
        for (kind, body) in boxes(body) {
            match &kind {
                b"ipco" => self.properties = boxes(body).take(ENTRIES_MAX).collect(),
                b"ipma" => {
                    let _ = self.associations(body);
                }
                _ => {}
            }
        }
    }

    fn associations(&mut self, body: &[u8]) -> Option<()> {
        let (wide, wide_places) = (*body.first()? > 0, body.get(3)? & 1 == 1);
        let mut at = 8;
        for _ in 0..(be32(body, 4)? as usize).min(ENTRIES_MAX) {
            let (id, after) = number(body, at, wide)?;
            let count = usize::from(*body.get(after)?);
            at = after + 1;
            let mut places = Vec::with_capacity(count);
            for _ in 0..count {
                // The highest bit says whether the property is essential.
                if wide_places {
                    places.push(be16(body, at)? & 0x7fff);
                    at += 2;
                } else {
                    places.push(u16::from(body.get(at)? & 0x7f));
                    at += 1;
                }
            }
            self.entry(id)?.properties = places;
        }
        Some(())
    }
}

/// A number of two bytes or four, and what follows it.
fn number(bytes: &[u8], at: usize, wide: bool) -> Option<(u32, usize)> {
    if wide {
        Some((be32(bytes, at)?, at + 4))
    } else {
        Some((u32::from(be16(bytes, at)?), at + 2))
    }
}

/// A number of 0, 4 or 8 bytes.
fn sized(bytes: &[u8], at: &mut usize, size: u8) -> Option<u64> {
    let value = match size {
        0 => 0,
        4 => u64::from(be32(bytes, *at)?),
        8 => be64(bytes, *at)?,
        _ => return None,
    };
    *at += usize::from(size);
    Some(value)
}

/// The boxes one behind the other; the last may be cut.
fn boxes(bytes: &[u8]) -> impl Iterator<Item = (Kind, &[u8])> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        let (kind, header, size) = box_header(rest)?;
        let end = usize::try_from(size).unwrap_or(usize::MAX).min(rest.len());
        let body = rest.get(header..end)?;
        rest = &rest[end..];
        Some((kind, body))
    })
    .take(BOXES_MAX)
}

/// Kind, length of the header, length of the whole box.
fn box_header(bytes: &[u8]) -> Option<(Kind, usize, u64)> {
    let kind = array(bytes, 4)?;
    match be32(bytes, 0)? {
        0 => Some((kind, 8, bytes.len() as u64)),
        1 => Some((kind, 16, be64(bytes, 8)?)),
        size => Some((kind, 8, u64::from(size))),
    }
}

/// Whether the last box reaches beyond the end.
fn is_cut(mut bytes: &[u8]) -> bool {
    for _ in 0..BOXES_MAX {
        if bytes.is_empty() {
            return false;
        }
        let Some((_, header, size)) = box_header(bytes) else { return true };
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        if size < header || size > bytes.len() {
            return true;
        }
        bytes = &bytes[size..];
    }
    false
}

/// The most samples that a track below names.
fn samples(body: &[u8], depth: u8) -> u32 {
    /// Boxes around the table: trak, mdia, minf, stbl.
    const DEPTH_MAX: u8 = 5;
    let of_box = |(kind, body): (Kind, &[u8])| match &kind {
        b"trak" | b"mdia" | b"minf" | b"stbl" if depth < DEPTH_MAX => samples(body, depth + 1),
        b"stsz" => be32(body, 8).unwrap_or(0),
        _ => 0,
    };
    boxes(body).map(of_box).max().unwrap_or(0)
}
