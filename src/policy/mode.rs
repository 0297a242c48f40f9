//! How strictly a list or a bucket is taken.

use std::fmt;

/// What happens to a hit. The weaker of the list's and the bucket's mode wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mode {
    /// Not looked at (buckets only).
    Off,
    /// Recorded, never refused.
    Shadow,
    /// Refused.
    Enforce,
}

impl Mode {
    /// The word in configuration and audit records.
    pub const fn name(self) -> &'static str {
        match self {
            Mode::Off => "off",
            Mode::Shadow => "shadow",
            Mode::Enforce => "enforce",
        }
    }

    /// The weaker of two.
    #[must_use]
    pub fn weaker(self, other: Mode) -> Mode {
        self.min(other)
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Whether a list's entries refuse or acquit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Polarity {
    /// An entry refuses the body.
    Block,
    /// An entry acquits the body, by SHA-256 only, whatever else matches.
    Allow,
}

impl Polarity {
    /// The word in configuration.
    pub const fn name(self) -> &'static str {
        match self {
            Polarity::Block => "block",
            Polarity::Allow => "allow",
        }
    }
}
