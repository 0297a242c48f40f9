//! Makes images that are small as files and large, endless or broken as pictures. Tests, fuzz seeds
//! and the worker pool's tests use them; none is a picture of anything.

use super::ImageFault;

/// A hostile image.
#[derive(Clone, Debug)]
pub struct Hostile {
    /// What it does.
    pub name: &'static str,
    /// The file.
    pub bytes: Vec<u8>,
    /// What it ends in under default limits: as error, or beside what could be looked at.
    pub fault: ImageFault,
}

/// All of them; each within some kilobytes.
pub fn hostile() -> Vec<Hostile> {
    let hostile = |name, bytes, fault| Hostile { name, bytes, fault };
    vec![
        hostile("png of 65535x65535 in 68 bytes", png(65_535, 65_535, 16, 6), ImageFault::Pixels),
        hostile("png of no width", png(0, 10, 8, 2), ImageFault::Format),
        hostile("png without data", png(100, 100, 8, 2), ImageFault::Format),
        hostile("png of 9999x9999 with opacity", png(9999, 9999, 16, 6), ImageFault::Format),
        hostile("apng of four milliard frames", endless_apng(), ImageFault::Format),
        hostile("gif of 65535x65535 in 44 bytes", gif(65_535, &[(1, 1)]), ImageFault::Pixels),
        hostile("gif with a frame of 65535x65535", gif(9, &[(65_535, 65_535)]), ImageFault::Pixels),
        hostile("gif of 5000 frames", gif(9, &[(1, 1); 5000]), ImageFault::Frames),
        hostile("gif of nothing", b"GIF89a\x01\0\x01\0\0\0\0;".to_vec(), ImageFault::Truncated),
        hostile("jpeg of 65535x65535", jpeg(0xc0, 65_535, 1), ImageFault::Pixels),
        hostile("progressive jpeg of 1000 scans", jpeg(0xc2, 16, 1000), ImageFault::Scans),
        hostile("progressive jpeg of 10000x10000", jpeg(0xc2, 10_000, 1), ImageFault::Memory),
        hostile("jpeg of no height", jpeg(0xc0, 0, 1), ImageFault::Format),
        hostile("webp of 16384x16384", webp(b"VP8L", 16_384), ImageFault::Pixels),
        hostile("webp canvas of 16777216x16777216", webp(b"VP8X", 1 << 24), ImageFault::Pixels),
        hostile("bmp of 2147483647x2147483647", bmp(i32::MAX), ImageFault::Pixels),
        hostile("bmp of height -2147483648", bmp(i32::MIN), ImageFault::Pixels),
        hostile("bmp without data", bmp(100), ImageFault::Truncated),
        hostile("tiff whose pages are a ring", tiff(1, 8), ImageFault::Format),
        hostile("tiff of 4294967295x4294967295", tiff(u32::MAX, 0), ImageFault::Pixels),
        hostile("icon of 65535 broken pictures", icon(), ImageFault::Format),
        hostile("avif of 4294967295x4294967295", heif(b"avif", u32::MAX, 1), ImageFault::Pixels),
        hostile("avif that is its file 2000 times", heif(b"avif", 64, 2000), ImageFault::Format),
        hostile("heic of 65535x65535", heif(b"heic", 65_535, 1), ImageFault::Pixels),
        hostile("heic without data", heif(b"heic", 64, 0), ImageFault::Format),
        hostile("jxl of 1073741824x1073741824", jxl(), ImageFault::Pixels),
        hostile("psd of 300000x300000", psd(300_000), ImageFault::Pixels),
    ]
}

/// A PNG chunk; its checksum is wrong, which nobody here looks at.
fn chunk(kind: &[u8; 4], data: &[u8]) -> Vec<u8> {
    [&(data.len() as u32).to_be_bytes()[..], kind, data, &[0; 4]].concat()
}

fn png(width: u32, height: u32, depth: u8, colour: u8) -> Vec<u8> {
    let header = [&width.to_be_bytes()[..], &height.to_be_bytes(), &[depth, colour, 0, 0, 0]];
    let header = chunk(b"IHDR", &header.concat());
    [&b"\x89PNG\r\n\x1a\n"[..], &header, &chunk(b"IDAT", &[]), &chunk(b"IEND", &[])].concat()
}

fn endless_apng() -> Vec<u8> {
    let mut file = png(9, 9, 8, 2);
    let end_of_header = 8 + 25;
    let control = chunk(b"acTL", &[0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0]);
    file.splice(end_of_header..end_of_header, control);
    file
}

fn gif(side: u16, frames: &[(u16, u16)]) -> Vec<u8> {
    let mut file = b"GIF89a".to_vec();
    file.extend([side.to_le_bytes(), side.to_le_bytes()].concat());
    // A colour table of two.
    file.extend([0x80, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff]);
    for (width, height) in frames {
        file.extend([0x2c, 0, 0, 0, 0]);
        file.extend([width.to_le_bytes(), height.to_le_bytes()].concat());
        // Clear, the first colour, end: in codes of three bits.
        file.extend([0, 2, 2, 0x44, 0x01, 0]);
    }
    file.push(b';');
    file
}

fn jpeg(start_of_frame: u8, side: u16, scans: usize) -> Vec<u8> {
    let mut file = vec![0xff, 0xd8, 0xff, start_of_frame, 0, 17, 8];
    file.extend([side.to_be_bytes(), side.to_be_bytes()].concat());
    file.extend([3, 1, 0x11, 0, 2, 0x11, 0, 3, 0x11, 0]);
    for _ in 0..scans {
        file.extend([0xff, 0xda, 0, 8, 1, 1, 0, 0, 0, 0, 0x2a]);
    }
    file.extend([0xff, 0xd9]);
    file
}

fn webp(kind: &[u8; 4], side: u32) -> Vec<u8> {
    let lossless = (side - 1) | (side - 1) << 14;
    let canvas = &(side - 1).to_le_bytes()[..3];
    let data = match kind {
        b"VP8X" => [&[0; 4], canvas, canvas].concat(),
        _ => [&[0x2f][..], &lossless.to_le_bytes(), &[0; 5]].concat(),
    };
    let length = (data.len() as u32).to_le_bytes();
    let size = (data.len() as u32 + 12).to_le_bytes();
    [&b"RIFF"[..], &size, b"WEBP", kind, &length, &data].concat()
}

fn bmp(side: i32) -> Vec<u8> {
    let mut file = b"BM\0\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0".to_vec();
    file.extend([side.saturating_abs().to_le_bytes(), side.to_le_bytes()].concat());
    file.extend([1, 0, 24, 0]);
    file.resize(54, 0);
    file
}

/// One grey page; `next` is the offset of the page after it.
fn tiff(side: u32, next: u32) -> Vec<u8> {
    let entries: [(u16, u32); 6] =
        [(256, side), (257, side), (258, 8), (262, 1), (273, 8), (279, 1)];
    let mut file = b"II*\0\x08\0\0\0\x06\0".to_vec();
    for (tag, value) in entries {
        // The type of 32-bit numbers, and how many.
        file.extend([&tag.to_le_bytes()[..], &[4, 0, 1, 0, 0, 0], &value.to_le_bytes()].concat());
    }
    file.extend(next.to_le_bytes());
    file
}

fn icon() -> Vec<u8> {
    let count = u16::MAX;
    let data_at = 6 + 16 * u32::from(count);
    let mut file = [&[0, 0, 1, 0][..], &count.to_le_bytes()].concat();
    for _ in 0..count {
        file.extend([9, 9, 0, 0, 1, 0, 32, 0, 40, 0, 0, 0]);
        file.extend(data_at.to_le_bytes());
    }
    file.extend(&bmp(9)[14..]);
    file
}

/// A box of ISO media files.
fn media_box(kind: &[u8; 4], body: &[u8]) -> Vec<u8> {
    [&(body.len() as u32 + 8).to_be_bytes()[..], kind, body].concat()
}

/// One item, whose data are the file so many times.
fn heif(brand: &[u8; 4], side: u32, times: u16) -> Vec<u8> {
    let full = |kind, body: &[u8]| media_box(kind, &[&[0; 4], body].concat());
    let kind: &[u8; 4] = if brand == b"avif" { b"av01" } else { b"hvc1" };
    let info = media_box(b"infe", &[&[2, 0, 0, 0, 0, 1, 0, 0], &kind[..], &[0]].concat());
    let size = full(b"ispe", &[side.to_be_bytes(), side.to_be_bytes()].concat());
    let properties = media_box(b"ipco", &size);
    let associations = full(b"ipma", &[0, 0, 0, 1, 0, 1, 1, 1]);
    // Offsets and lengths of four bytes; a length of 0 is all that follows.
    let mut locations = vec![0x44, 0, 0, 1, 0, 1, 0, 0];
    locations.extend(times.to_be_bytes());
    locations.extend([0; 8].repeat(usize::from(times)));
    let meta = [
        full(b"pitm", &[0, 1]),
        full(b"iinf", &[&[0, 1][..], &info].concat()),
        media_box(b"iprp", &[properties, associations].concat()),
        full(b"iloc", &locations),
    ];
    let file_type = media_box(b"ftyp", &[&brand[..], &[0; 4], b"mif1"].concat());
    [file_type, full(b"meta", &meta.concat())].concat()
}

fn jxl() -> Vec<u8> {
    // Not small, 30 bits of height, ratio 1:1; the rest is missing.
    let bits: u64 = 0b11 << 1 | ((1 << 30) - 1) << 3 | 1 << 33;
    [&[0xff, 0x0a][..], &bits.to_le_bytes(), &[0; 8]].concat()
}

fn psd(side: u32) -> Vec<u8> {
    let head = b"8BPS\0\x02\0\0\0\0\0\0\0\x03";
    [&head[..], &side.to_be_bytes(), &side.to_be_bytes(), &[0, 8, 0, 3]].concat()
}
