//! Pictures in documents: as they stand in PDF, and written out in text.

mod base64;
mod pdf;
#[cfg(test)]
mod tests;

use super::embedded::{self, begins};
use super::walk::{Source, Walk};

/// Gives the pictures in a document, if the byte string is one.
pub(super) fn pictures(walk: &mut Walk<'_>, source: &Source<'_>) {
    if pdf::is_pdf(source.bytes) {
        pdf::pictures(walk, source);
    } else if base64::is_text(source.bytes) {
        base64::pictures(walk, source);
    }
}

/// Looks into a picture of a document as into any: but not for documents in it, without end.
fn look_for_pictures(walk: &mut Walk<'_>, picture: &Source<'_>) {
    if !walk.stopped() {
        embedded::pictures(walk, picture);
    }
}

/// Whether the first bytes, 64 or all there are, show a picture; JPEG 2000 too, which documents have.
fn is_picture(head: &[u8]) -> bool {
    const JPEG_2000: [&[u8]; 2] = [b"\0\0\0\x0cjP  \r\n\x87\n", b"\xff\x4f\xff\x51"];
    begins(head).is_some() || JPEG_2000.iter().any(|magic| head.starts_with(magic))
}
