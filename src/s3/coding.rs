//! The Content-Encoding of a payload: what readers will undo.

/// A coding of a payload. Stores keep the payload as it comes; browsers undo these.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Coding {
    /// `gzip` or `x-gzip`.
    Gzip,
    /// `deflate`: zlib's format, or a bare stream.
    Deflate,
    /// `br`.
    Brotli,
    /// `zstd`.
    Zstd,
    /// Any other.
    Unknown,
}

/// The codings that a Content-Encoding names, in the order in which they were applied.
///
/// `identity` is none. `aws-chunked` is a framing of the body and no coding of the payload, wherever
/// in the list it stands: stores strip it.
pub fn codings(value: &[u8]) -> Vec<Coding> {
    let words = value.split(|&b| b == b',').map(<[u8]>::trim_ascii).filter(|w| !w.is_empty());
    words.filter_map(|word| coding(&word.to_ascii_lowercase())).collect()
}

fn coding(word: &[u8]) -> Option<Coding> {
    Some(match word {
        b"identity" | b"aws-chunked" => return None,
        b"gzip" | b"x-gzip" => Coding::Gzip,
        b"deflate" => Coding::Deflate,
        b"br" => Coding::Brotli,
        b"zstd" => Coding::Zstd,
        _ => Coding::Unknown,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codings_are_read_in_order() {
        use Coding::*;
        for (value, read) in [
            ("", vec![]),
            ("identity", vec![]),
            ("gzip", vec![Gzip]),
            ("X-GZIP", vec![Gzip]),
            ("br,gzip", vec![Brotli, Gzip]),
            (" deflate , zstd\t", vec![Deflate, Zstd]),
            ("aws-chunked", vec![]),
            ("aws-chunked,gzip", vec![Gzip]),
            ("gzip, AWS-Chunked", vec![Gzip]),
            ("gzip,aws-chunked,br,,identity", vec![Gzip, Brotli]),
            ("compress", vec![Unknown]),
            ("gzip;q=1", vec![Unknown]),
            ("gzip gzip", vec![Unknown]),
            ("é,gzip", vec![Unknown, Gzip]),
        ] {
            assert_eq!(codings(value.as_bytes()), read, "{value}");
        }
    }
}
