//! The format of an image, by its first bytes alone.

use std::fmt;

/// How many leading bytes [`sniff`] may look at; more never change its answer.
pub const SNIFF_MAX_BYTES: usize = 4096;

/// The image formats that are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Format {
    /// ITU-T T.81, JFIF or EXIF.
    Jpeg,
    /// PNG and APNG.
    Png,
    /// GIF87a and GIF89a.
    Gif,
    /// WebP in its RIFF container.
    WebP,
    /// Windows and OS/2 bitmap.
    Bmp,
    /// TIFF and BigTIFF of either byte order.
    Tiff,
    /// Windows icon or cursor.
    Ico,
    /// AV1 in HEIF: an `avif` or `avis` brand.
    Avif,
    /// HEVC or an unnamed codec in HEIF.
    Heic,
    /// JPEG XL, bare codestream or container.
    Jxl,
    /// Photoshop document, of either size.
    Psd,
    /// A camera's raw format that is told from TIFF.
    Raw,
}

impl Format {
    /// Every format, in order.
    pub const ALL: [Format; 12] = [
        Format::Jpeg,
        Format::Png,
        Format::Gif,
        Format::WebP,
        Format::Bmp,
        Format::Tiff,
        Format::Ico,
        Format::Avif,
        Format::Heic,
        Format::Jxl,
        Format::Psd,
        Format::Raw,
    ];

    /// The word in output and records.
    pub const fn name(self) -> &'static str {
        match self {
            Format::Jpeg => "jpeg",
            Format::Png => "png",
            Format::Gif => "gif",
            Format::WebP => "webp",
            Format::Bmp => "bmp",
            Format::Tiff => "tiff",
            Format::Ico => "ico",
            Format::Avif => "avif",
            Format::Heic => "heic",
            Format::Jxl => "jxl",
            Format::Psd => "psd",
            Format::Raw => "raw",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The format that the first bytes of a body announce; `None` if they announce no image.
///
/// Looks at no more than [`SNIFF_MAX_BYTES`]. A head shorter than a format's signature announces
/// nothing. Weak signatures (BMP has two letters) are believed only with a plausible header behind
/// them, so that text and other media are not taken for images.
pub fn sniff(head: &[u8]) -> Option<Format> {
    let head = &head[..head.len().min(SNIFF_MAX_BYTES)];
    match head {
        [0xff, 0xd8, 0xff, ..] => Some(Format::Jpeg),
        [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => Some(Format::Png),
        [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Some(Format::Gif),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some(Format::WebP),
        // Canon's CR2 is a TIFF that names itself; other makers' files can't be told from one.
        [b'I', b'I', 42, 0, _, _, _, _, b'C', b'R', ..] => Some(Format::Raw),
        [b'I', b'I', 42 | 43, 0, ..] | [b'M', b'M', 0, 42 | 43, ..] => Some(Format::Tiff),
        [0xff, 0x0a, ..] => Some(Format::Jxl),
        [0, 0, 0, 12, b'J', b'X', b'L', b' ', b'\r', b'\n', 0x87, b'\n', ..] => Some(Format::Jxl),
        [b'B', b'M', ..] => is_bmp(head).then_some(Format::Bmp),
        [b'8', b'B', b'P', b'S', 0, 1 | 2, ..] => Some(Format::Psd),
        _ if is_raw(head) => Some(Format::Raw),
        [0, 0, 1 | 2, 0, ..] => is_ico(head).then_some(Format::Ico),
        [_, _, _, _, b'f', b't', b'y', b'p', ..] => heif_brand(head),
        _ => None,
    }
}

/// Olympus, Panasonic, Fujifilm, Minolta, Sigma, Canon's first, and Canon's latest in its boxes.
fn is_raw(head: &[u8]) -> bool {
    const SIGNATURES: [&[u8]; 8] = [
        b"IIRO",
        b"IIRS",
        b"MMOR",
        b"IIU\0\x18\0\0\0",
        b"FUJIFILMCCD-RAW ",
        b"\0MRM",
        b"FOVb",
        b"II\x1a\0\0\0HEAPCCDR",
    ];
    SIGNATURES.iter().any(|signature| head.starts_with(signature))
        || head.get(4..12).is_some_and(|kind| kind == b"ftypcrx ")
}

/// Whether the size of the second header is one that a BMP version has.
fn is_bmp(head: &[u8]) -> bool {
    u32_le(head, 14).is_some_and(|size| matches!(size, 12 | 16 | 40 | 52 | 56 | 64 | 108 | 124))
}

/// Whether the first icon's data lie behind the directory. (MPEG pictures start with 00 00 01 00.)
fn is_ico(head: &[u8]) -> bool {
    const DIRECTORY_HEADER: u32 = 6;
    const DIRECTORY_ENTRY: u32 = 16;
    let (Some([low, high]), Some(offset)) = (head.get(4..6), u32_le(head, 18)) else {
        return false;
    };
    let count = u32::from(u16::from_le_bytes([*low, *high]));
    count > 0 && offset >= DIRECTORY_HEADER + DIRECTORY_ENTRY * count
}

/// The still-image format among the major and compatible brands of a `ftyp` box (ISO 14496-12 §4.3,
/// ISO 23008-12 §10). AVIF wins over the brands that leave the codec open.
fn heif_brand(head: &[u8]) -> Option<Format> {
    let size = u32::from_be_bytes(head.first_chunk().copied()?) as usize;
    let fields = head.get(8..head.len().min(size))?;
    // The second field is the minor version, not a brand.
    let brands =
        || fields.chunks_exact(4).enumerate().filter_map(|(i, brand)| (i != 1).then_some(brand));
    if brands().any(|brand| matches!(brand, b"avif" | b"avis")) {
        return Some(Format::Avif);
    }
    brands().any(is_heic_brand).then_some(Format::Heic)
}

fn is_heic_brand(brand: &[u8]) -> bool {
    matches!(
        brand,
        b"heic"
            | b"heix"
            | b"hevc"
            | b"hevx"
            | b"heim"
            | b"heis"
            | b"hevm"
            | b"hevs"
            | b"mif1"
            | b"msf1"
    )
}

fn u32_le(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().copied().map(u32::from_le_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bmp(header_size: u8) -> Vec<u8> {
        let mut head = b"BM".to_vec();
        head.resize(14, 0);
        head.extend([header_size, 0, 0, 0]);
        head
    }

    fn ico(count: u8, offset: u8) -> Vec<u8> {
        let mut head = vec![0, 0, 1, 0, count, 0];
        head.resize(18, 0);
        head.extend([offset, 0, 0, 0]);
        head
    }

    fn ftyp(size: u32, brands: &[&[u8; 4]]) -> Vec<u8> {
        let mut head = size.to_be_bytes().to_vec();
        head.extend(b"ftyp");
        for brand in brands {
            head.extend(*brand);
        }
        head
    }

    fn samples() -> Vec<(Vec<u8>, Option<Format>)> {
        vec![
            (b"\xff\xd8\xff\xe0".to_vec(), Some(Format::Jpeg)),
            (b"\xff\xd8\x00\xe0".to_vec(), None),
            (b"\x89PNG\r\n\x1a\n".to_vec(), Some(Format::Png)),
            (b"\x89PNG\n\x1a\n\n".to_vec(), None),
            (b"GIF87a".to_vec(), Some(Format::Gif)),
            (b"GIF89a".to_vec(), Some(Format::Gif)),
            (b"GIF88a".to_vec(), None),
            (b"RIFF\0\0\0\0WEBP".to_vec(), Some(Format::WebP)),
            (b"RIFF\0\0\0\0WAVE".to_vec(), None),
            (b"II*\0".to_vec(), Some(Format::Tiff)),
            (b"MM\0+".to_vec(), Some(Format::Tiff)),
            (b"II\0*".to_vec(), None),
            (b"\xff\x0a".to_vec(), Some(Format::Jxl)),
            (b"\0\0\0\x0cJXL \r\n\x87\n".to_vec(), Some(Format::Jxl)),
            (bmp(40), Some(Format::Bmp)),
            (bmp(41), None),
            (b"BMW and other cars".to_vec(), None),
            (ico(1, 22), Some(Format::Ico)),
            (ico(1, 21), None),
            (ico(2, 22), None),
            (ico(0, 22), None),
            ([&[0, 0, 2][..], &ico(1, 22)[3..]].concat(), Some(Format::Ico)),
            (b"8BPS\0\x01".to_vec(), Some(Format::Psd)),
            (b"8BPS\0\x03".to_vec(), None),
            (b"II*\0\x10\0\0\0CR\x02\0".to_vec(), Some(Format::Raw)),
            (b"FUJIFILMCCD-RAW 0201".to_vec(), Some(Format::Raw)),
            (b"IIRO\x08\0".to_vec(), Some(Format::Raw)),
            (ftyp(24, &[b"crx ", b"\0\0\0\x01", b"crx ", b"isom"]), Some(Format::Raw)),
            (ftyp(16, &[b"avif", b"\0\0\0\0"]), Some(Format::Avif)),
            (ftyp(24, &[b"mif1", b"\0\0\0\0", b"mif1", b"avif"]), Some(Format::Avif)),
            (ftyp(20, &[b"mif1", b"\0\0\0\0", b"mif1", b"avif"]), Some(Format::Heic)),
            (ftyp(16, &[b"heic", b"\0\0\0\0"]), Some(Format::Heic)),
            (ftyp(16, &[b"mp42", b"heic"]), None),
            (ftyp(4, &[b"heic"]), None),
            (b"\0\0\0\x10ftyp".to_vec(), None),
            (b"plain text".to_vec(), None),
            (Vec::new(), None),
        ]
    }

    #[test]
    fn magic_bytes_decide() {
        for (head, expected) in samples() {
            assert_eq!(sniff(&head), expected, "{head:?}");
        }
    }

    #[test]
    fn no_cut_of_a_head_announces_another_format() {
        for (head, expected) in samples() {
            for cut in 0..head.len() {
                let found = sniff(&head[..cut]);
                let undecided = matches!(
                    (expected, found),
                    (Some(Format::Avif), Some(Format::Heic))
                        | (Some(Format::Raw), Some(Format::Tiff))
                );
                assert!(found.is_none() || found == expected || undecided, "{head:?} at {cut}");
            }
        }
    }

    #[test]
    fn bytes_behind_the_bound_never_matter() {
        let mut head = ftyp(SNIFF_MAX_BYTES as u32 + 4, &[b"mif1", b"\0\0\0\0"]);
        head.resize(SNIFF_MAX_BYTES, b'x');
        head.extend(b"avif");
        assert_eq!(sniff(&head), Some(Format::Heic));
        head[SNIFF_MAX_BYTES - 4..SNIFF_MAX_BYTES].copy_from_slice(b"avif");
        assert_eq!(sniff(&head), Some(Format::Avif));
    }
}
