//! How many frames an image has, from its structure alone.
//!
//! Nothing is decoded: a few bytes of GIF can announce thousands of huge frames. Where the
//! structure breaks off, the frames so far are counted.

use crate::image::Format;

/// The number of frames: at least 1, at most `count_max`. Of the formats that are not walked here,
/// one.
pub(super) fn frames(format: Format, bytes: &[u8], count_max: u32) -> u32 {
    let count = match format {
        Format::Gif => gif(bytes, count_max).unwrap_or_default(),
        Format::Png => png(bytes),
        Format::WebP => webp(bytes, count_max),
        Format::Jpeg
        | Format::Bmp
        | Format::Tiff
        | Format::Ico
        | Format::Avif
        | Format::Heic
        | Format::Jxl
        | Format::Psd
        | Format::Raw => 1,
    };
    count.min(count_max).max(1)
}

/// Image descriptors (GIF89a §20); `None` if the header itself is cut.
fn gif(bytes: &[u8], count_max: u32) -> Option<u32> {
    const IMAGE: u8 = 0x2c;
    const EXTENSION: u8 = 0x21;
    let mut rest = bytes.get(13 + colour_table(*bytes.get(10)?)..)?;
    let mut count = 0;
    loop {
        if count >= count_max {
            return Some(count);
        }
        let data = match rest {
            // Position and size take eight bytes, flags one, then the table and the LZW code size.
            [IMAGE, block @ ..] => {
                count += 1;
                block.get(8).and_then(|&flags| block.get(10 + colour_table(flags)..))
            }
            [EXTENSION, _label, data @ ..] => Some(data),
            _ => return Some(count),
        };
        let Some(after) = data.and_then(skip_gif_blocks) else { return Some(count) };
        rest = after;
    }
}

/// Bytes of the colour table that the flags announce.
fn colour_table(flags: u8) -> usize {
    if flags & 0x80 == 0 { 0 } else { 3 << ((flags & 7) + 1) }
}

/// What follows a chain of length-prefixed blocks, the last of which is empty.
fn skip_gif_blocks(mut data: &[u8]) -> Option<&[u8]> {
    loop {
        let (&length, after) = data.split_first()?;
        data = after.get(usize::from(length)..)?;
        if length == 0 {
            return Some(data);
        }
    }
}

/// The frame count in the animation control chunk, which stands before the image data
/// (PNG third edition §11.3.6).
fn png(bytes: &[u8]) -> u32 {
    const SIGNATURE: usize = 8;
    let mut rest = bytes.get(SIGNATURE..).unwrap_or_default();
    while let Some((length, after)) = rest.split_first_chunk() {
        match after.split_first_chunk() {
            Some((b"acTL", data)) => {
                return data.first_chunk().map_or(1, |n| u32::from_be_bytes(*n));
            }
            Some((b"IDAT", _)) | None => return 1,
            Some((_, data)) => {
                let (length, checksum) = (u32::from_be_bytes(*length) as usize, 4);
                rest = data.get(length.saturating_add(checksum)..).unwrap_or_default();
            }
        }
    }
    1
}

/// Animation frame chunks (WebP container specification, "Animation").
fn webp(bytes: &[u8], count_max: u32) -> u32 {
    const RIFF_HEADER: usize = 12;
    let mut rest = bytes.get(RIFF_HEADER..).unwrap_or_default();
    let mut count = 0;
    while let Some((kind, after)) = rest.split_first_chunk::<4>() {
        if count >= count_max {
            break;
        }
        count += u32::from(kind == b"ANMF");
        let Some((length, data)) = after.split_first_chunk() else { break };
        let length = u32::from_le_bytes(*length) as usize;
        // Chunks are padded to an even length.
        rest = data.get(length.saturating_add(length % 2)..).unwrap_or_default();
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    fn animated_gif(count: u8) -> Vec<u8> {
        let mut out = Vec::new();
        let mut encoder = gif::Encoder::new(&mut out, 9, 7, &[]).unwrap();
        for shade in 0..count {
            let pixels = vec![shade; 9 * 7];
            encoder
                .write_frame(&gif::Frame::from_palette_pixels(9, 7, pixels, [3; 9], None))
                .unwrap();
        }
        drop(encoder);
        out
    }

    fn png_chunk(kind: &[u8; 4], data: &[u8]) -> Vec<u8> {
        let mut chunk = (data.len() as u32).to_be_bytes().to_vec();
        chunk.extend(kind);
        chunk.extend(data);
        chunk.extend([0; 4]);
        chunk
    }

    fn png_of(chunks: &[Vec<u8>]) -> Vec<u8> {
        [b"\x89PNG\r\n\x1a\n".to_vec(), chunks.concat()].concat()
    }

    fn webp_of(chunks: &[(&[u8; 4], &[u8])]) -> Vec<u8> {
        let mut out = b"RIFF\0\0\0\0WEBP".to_vec();
        for (kind, data) in chunks {
            out.extend(*kind);
            out.extend((data.len() as u32).to_le_bytes());
            out.extend(*data);
            out.resize(out.len() + data.len() % 2, 0);
        }
        out
    }

    #[test]
    fn gif_frames_are_counted_up_to_the_cut() {
        for count in [1, 2, 5] {
            assert_eq!(frames(Format::Gif, &animated_gif(count), 9), u32::from(count));
        }
        let whole = animated_gif(4);
        let counts: Vec<u32> =
            (0..=whole.len()).map(|cut| frames(Format::Gif, &whole[..cut], 9)).collect();
        assert!(counts.is_sorted() && counts[0] == 1 && counts[whole.len()] == 4);
        assert_eq!(frames(Format::Gif, &whole, 3), 3);
    }

    #[test]
    fn png_frames_come_from_the_control_chunk_before_the_data() {
        let header = png_chunk(b"IHDR", &[0; 13]);
        let control = png_chunk(b"acTL", &[0, 0, 0, 7, 0, 0, 0, 0]);
        let data = png_chunk(b"IDAT", &[1, 2, 3]);
        let cases = [
            (png_of(&[header.clone(), data.clone()]), 1),
            (png_of(&[header.clone(), control.clone(), data.clone()]), 7),
            (png_of(&[header.clone(), data, control]), 1),
            (png_of(&[header, [0xff, 0xff, 0xff, 0xff, b't', b'E', b'X', b't'].to_vec()]), 1),
        ];
        for (bytes, expected) in cases {
            assert_eq!(frames(Format::Png, &bytes, 9), expected);
            (0..bytes.len()).for_each(|cut| assert!(frames(Format::Png, &bytes[..cut], 9) >= 1));
        }
    }

    #[test]
    fn webp_frames_are_animation_chunks() {
        let cases = [
            (webp_of(&[(b"VP8 ", b"xyz")]), 1),
            (webp_of(&[(b"VP8X", b"0123456789"), (b"ANMF", b"abc"), (b"ANMF", b"")]), 2),
        ];
        for (bytes, expected) in cases {
            assert_eq!(frames(Format::WebP, &bytes, 9), expected);
        }
    }
}
