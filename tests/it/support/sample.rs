//! What is uploaded: photographs, noise, and lists made of them.

use s3bouncer::image::{Limits, Wanted, look};
use sha2::Digest as _;

/// A small photograph.
pub const CACTUS: &[u8] = include_bytes!("../../data/notocactus-minimus.jpg");

/// Another one.
pub const FLOWER: &[u8] = include_bytes!("../../data/polemonium-reptans.jpg");

/// A third one.
pub const PHOTO: &[u8] = include_bytes!("../../data/riaphotographs-tmshre.jpg");

/// So many bytes that look like no image and differ by `seed`.
pub fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut bytes = b"noise, no image: ".to_vec();
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    while bytes.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}

/// A photograph with so many zeros behind it that it has `length` bytes.
pub fn padded_photo(length: usize) -> Vec<u8> {
    let mut bytes = PHOTO.to_vec();
    bytes.resize(length, 0);
    bytes
}

/// A ustar archive.
pub fn tar(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = Vec::new();
    for (name, bytes) in members {
        let mut header = [0u8; 512];
        header[..name.len()].copy_from_slice(name.as_bytes());
        header[100..107].copy_from_slice(b"0000644");
        header[124..135].copy_from_slice(format!("{:011o}", bytes.len()).as_bytes());
        header[156] = b'0';
        header[257..265].copy_from_slice(b"ustar\x0000");
        header[148..156].copy_from_slice(b"        ");
        let sum: u32 = header.iter().map(|&byte| u32::from(byte)).sum();
        header[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
        archive.extend(header);
        archive.extend(*bytes);
        archive.resize(archive.len().next_multiple_of(512), 0);
    }
    archive.resize(archive.len() + 1024, 0);
    archive
}

/// MD5 in hex.
pub fn md5(bytes: &[u8]) -> String {
    hex(&md5::Md5::digest(bytes))
}

/// SHA-1 in hex.
pub fn sha1(bytes: &[u8]) -> String {
    hex(&sha1::Sha1::digest(bytes))
}

/// SHA-256 in hex.
pub fn sha256(bytes: &[u8]) -> String {
    hex(&sha2::Sha256::digest(bytes))
}

/// PDQ in hex, of red, green and blue as they are shown.
pub fn pdq(bytes: &[u8]) -> String {
    let (limits, wanted) = (Limits::DEFAULT, Wanted::default());
    let looks = look(bytes, &limits, &wanted, &|| false).expect("a picture");
    looks.pdq[0].fingerprint.pdq().to_string()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
