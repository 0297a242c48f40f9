//! Reading a file as the gate reads a body: once, in pieces, with its digests.

use std::io::{self, Read};

use crate::digest::{AlgorithmSet, Digests, Kernel, MultiHasher};
use crate::image::{Format, SNIFF_MAX_BYTES, sniff};

/// Bytes of one read.
const PIECE_BYTES: usize = 256 * 1024;

/// Larger images are not decoded: they are held in memory for it.
pub(super) const IMAGE_BYTES_MAX: usize = 256 << 20;

/// What a file holds.
#[derive(Debug)]
pub(super) struct Body {
    /// Its length.
    pub(super) bytes: u64,
    /// Its digests, those that were asked for.
    pub(super) digests: Digests,
    /// The image format that its first bytes show.
    pub(super) format: Option<Format>,
    /// The first bytes of an image, of anything else no more than was sniffed.
    kept: Vec<u8>,
}

impl Body {
    /// Reads to the end. Of an image up to `image_bytes_max` bytes are kept, of other files only
    /// what it takes to tell that they are none.
    ///
    /// # Errors
    /// Reading fails.
    pub(super) fn read(
        mut input: impl Read,
        wanted: AlgorithmSet,
        image_bytes_max: usize,
    ) -> io::Result<Body> {
        let mut hasher = MultiHasher::new(wanted, Kernel::Auto);
        let mut kept = Vec::new();
        input.by_ref().take(SNIFF_MAX_BYTES as u64).read_to_end(&mut kept)?;
        hasher.update(&kept);
        let format = sniff(&kept);
        let keep_max = if format.is_some() { image_bytes_max } else { 0 };
        let mut piece = vec![0; PIECE_BYTES];
        loop {
            let read = match input.read(&mut piece) {
                Ok(0) => break,
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            hasher.update(&piece[..read]);
            let room = keep_max.saturating_sub(kept.len());
            kept.extend_from_slice(&piece[..read.min(room)]);
        }
        Ok(Body { bytes: hasher.len(), digests: hasher.finish(), format, kept })
    }

    /// The whole image; `None` if it is none, or larger than what was to be kept.
    pub(super) fn image(&self) -> Option<&[u8]> {
        (self.format.is_some() && self.kept.len() as u64 == self.bytes).then_some(&self.kept)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::list::canary_image;

    /// Gives one byte at a time, and is interrupted before each.
    struct Hesitant<'a>(&'a [u8], bool);

    impl Read for Hesitant<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.1 = !self.1;
            if self.1 {
                return Err(io::ErrorKind::Interrupted.into());
            }
            let len = buffer.len().min(1);
            self.0.read(&mut buffer[..len])
        }
    }

    #[test]
    fn how_it_is_read_changes_nothing() {
        let image = canary_image();
        for data in [&image[..], &image[..SNIFF_MAX_BYTES], &[b'x'; 9000], b""] {
            let whole = Body::read(data, AlgorithmSet::ALL, 1 << 20).unwrap();
            let split = Body::read(Hesitant(data, false), AlgorithmSet::ALL, 1 << 20).unwrap();
            assert_eq!(whole.bytes, data.len() as u64);
            assert_eq!(whole.digests, split.digests);
            assert_eq!((whole.bytes, whole.format), (split.bytes, split.format));
            assert_eq!(whole.image(), split.image());
        }
    }

    #[test]
    fn an_image_is_kept_to_its_bound() {
        let image = canary_image();
        let keep = |max| Body::read(&*image, AlgorithmSet::NONE, max).unwrap();
        assert_eq!(keep(image.len()).image(), Some(&*image));
        assert_eq!(keep(image.len() - 1).image(), None);
        assert_eq!(keep(0).image(), None);
    }

    #[test]
    fn no_more_than_a_head_is_kept_of_what_is_no_image() {
        let body = Body::read(&[b'x'; 100_000][..], AlgorithmSet::ALL, 1 << 20).unwrap();
        assert_eq!((body.kept.len(), body.image()), (SNIFF_MAX_BYTES, None));
    }
}
