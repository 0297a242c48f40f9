//! The closed set of reasons why a body could not be judged.

use std::fmt;
use std::str::FromStr;

/// Why there is no verdict on a body. Each is counted, audited, and decided by policy.
///
/// Reasons *of the body* lie in what was uploaded; reasons *of the gate* lie in us, so that trying
/// again may help.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Unjudged {
    /// An image in a format that no decoder here reads.
    Format,
    /// An image or a body that ends too early.
    Truncated,
    /// An image with more pixels than the limit.
    Pixels,
    /// An image with more frames than the limit.
    Frames,
    /// A progressive image with more scans than the limit.
    Scans,
    /// Decoding took longer than the limit.
    Time,
    /// Decoding took more memory than the limit.
    Memory,
    /// A body too large to be judged whole.
    TooLarge,
    /// A content encoding or framing that cannot be undone without guessing.
    Encoding,
    /// Encrypted by the client.
    Encrypted,
    /// An archive that the store unpacks.
    Archive,
    /// Bytes that the store takes from another object.
    Copy,
    /// Bytes added to an object that is already there.
    Append,
    /// A browser form.
    Form,
    /// Parts whose whole-object digests cannot be had from the order they came in.
    MultipartOrder,
    /// No list has ever been loaded.
    NoList,
    /// The list is older than its maximum age.
    StaleList,
    /// The decoder failed for a reason of its own.
    DecoderFault,
    /// A budget of memory, decoding or connections is spent.
    Budget,
    /// A part that no node of this gate has seen.
    PartUnseen,
    /// The spool could not be written or read.
    Spool,
    /// The audit record could not be kept.
    Audit,
}

impl Unjudged {
    /// Every reason: those of the body first.
    pub const ALL: [Unjudged; 22] = [
        Unjudged::Format,
        Unjudged::Truncated,
        Unjudged::Pixels,
        Unjudged::Frames,
        Unjudged::Scans,
        Unjudged::Time,
        Unjudged::Memory,
        Unjudged::TooLarge,
        Unjudged::Encoding,
        Unjudged::Encrypted,
        Unjudged::Archive,
        Unjudged::Copy,
        Unjudged::Append,
        Unjudged::Form,
        Unjudged::MultipartOrder,
        Unjudged::NoList,
        Unjudged::StaleList,
        Unjudged::DecoderFault,
        Unjudged::Budget,
        Unjudged::PartUnseen,
        Unjudged::Spool,
        Unjudged::Audit,
    ];

    /// The word in configuration, audit records and metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Unjudged::Format => "format",
            Unjudged::Truncated => "truncated",
            Unjudged::Pixels => "pixels",
            Unjudged::Frames => "frames",
            Unjudged::Scans => "scans",
            Unjudged::Time => "time",
            Unjudged::Memory => "memory",
            Unjudged::TooLarge => "too-large",
            Unjudged::Encoding => "encoding",
            Unjudged::Encrypted => "encrypted",
            Unjudged::Archive => "archive",
            Unjudged::Copy => "copy",
            Unjudged::Append => "append",
            Unjudged::Form => "form",
            Unjudged::MultipartOrder => "multipart-order",
            Unjudged::NoList => "no-list",
            Unjudged::StaleList => "stale-list",
            Unjudged::DecoderFault => "decoder-fault",
            Unjudged::Budget => "budget",
            Unjudged::PartUnseen => "part-unseen",
            Unjudged::Spool => "spool",
            Unjudged::Audit => "audit",
        }
    }

    /// Whether the reason lies in the gate: `[[bucket]] faults` decides, else `unjudged`.
    pub const fn is_fault(self) -> bool {
        matches!(
            self,
            Unjudged::NoList
                | Unjudged::StaleList
                | Unjudged::DecoderFault
                | Unjudged::Budget
                | Unjudged::PartUnseen
                | Unjudged::Spool
                | Unjudged::Audit
        )
    }
}

impl fmt::Display for Unjudged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Unjudged {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        Unjudged::ALL.into_iter().find(|r| r.name() == name).ok_or(())
    }
}
