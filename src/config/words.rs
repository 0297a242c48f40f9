//! Closed sets of words that an option can have.

use crate::image::{Convention, Variant};
use crate::policy::{Archives, Copies, Door, Mode, OnFault, OnUnjudged, Polarity};
use crate::s3::resign::Addressing;

/// An enum whose variants are words in the configuration.
pub(super) trait Word: Copy + 'static {
    /// Every variant, the default first where there is one.
    const ALL: &'static [Self];

    /// The variant's word.
    fn word(self) -> &'static str;

    /// The variant of a word.
    fn from_word(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|variant| variant.word() == word)
    }
}

/// How uploads are held until their verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guard {
    /// Images and small bodies whole, larger ones by their tail.
    Auto,
    /// Every body that fits into `limits.capture_max` whole.
    Whole,
}

impl Word for Guard {
    const ALL: &'static [Self] = &[Guard::Auto, Guard::Whole];

    fn word(self) -> &'static str {
        match self {
            Guard::Auto => "auto",
            Guard::Whole => "whole",
        }
    }
}

/// Who signs the requests that reach a store; what else that needs is in [`super::Signing`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SigningWord {
    Pass,
    Resign,
}

impl Word for SigningWord {
    const ALL: &'static [Self] = &[SigningWord::Pass, SigningWord::Resign];

    fn word(self) -> &'static str {
        match self {
            SigningWord::Pass => "pass",
            SigningWord::Resign => "resign",
        }
    }
}

impl Word for Addressing {
    const ALL: &'static [Self] = &[Addressing::Path, Addressing::Virtual];

    fn word(self) -> &'static str {
        match self {
            Addressing::Path => "path",
            Addressing::Virtual => "virtual",
        }
    }
}

/// What becomes of signed chunks in a request that is signed anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignedChunks {
    /// They are signed anew.
    Resign,
    /// Only what is in them goes on.
    Decode,
}

impl Word for SignedChunks {
    const ALL: &'static [Self] = &[SignedChunks::Resign, SignedChunks::Decode];

    fn word(self) -> &'static str {
        match self {
            SignedChunks::Resign => "resign",
            SignedChunks::Decode => "decode",
        }
    }
}

/// What becomes of a request without a signature where requests are signed anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Anonymous {
    /// It is refused.
    Refuse,
    /// It goes to the store as it is.
    Forward,
}

impl Word for Anonymous {
    const ALL: &'static [Self] = &[Anonymous::Refuse, Anonymous::Forward];

    fn word(self) -> &'static str {
        match self {
            Anonymous::Refuse => "refuse",
            Anonymous::Forward => "forward",
        }
    }
}

/// A version of TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TlsVersion {
    /// TLS 1.2.
    V12,
    /// TLS 1.3.
    V13,
}

impl Word for TlsVersion {
    const ALL: &'static [Self] = &[TlsVersion::V12, TlsVersion::V13];

    fn word(self) -> &'static str {
        match self {
            TlsVersion::V12 => "1.2",
            TlsVersion::V13 => "1.3",
        }
    }
}

/// What the audit keeps about uploads that pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Passes {
    /// What operating the gate needs: no client, no key, no digest.
    Minimal,
    /// Besides, keyed hashes of digests, key and client.
    Keyed,
    /// Everything, as for denials.
    Full,
}

impl Word for Passes {
    const ALL: &'static [Self] = &[Passes::Minimal, Passes::Keyed, Passes::Full];

    fn word(self) -> &'static str {
        match self {
            Passes::Minimal => "minimal",
            Passes::Keyed => "keyed",
            Passes::Full => "full",
        }
    }
}

/// Whether clients are asked for a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientAuth {
    /// They aren't.
    Off,
    /// They are, and may have none. A bad one is refused.
    Optional,
    /// They are, and need one.
    Required,
}

impl Word for ClientAuth {
    const ALL: &'static [Self] = &[ClientAuth::Off, ClientAuth::Optional, ClientAuth::Required];

    fn word(self) -> &'static str {
        match self {
            ClientAuth::Off => "off",
            ClientAuth::Optional => "optional",
            ClientAuth::Required => "required",
        }
    }
}

/// The shape of a line of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// Text for a terminal.
    Human,
    /// One JSON object a line.
    Json,
}

impl Word for LogFormat {
    const ALL: &'static [Self] = &[LogFormat::Human, LogFormat::Json];

    fn word(self) -> &'static str {
        match self {
            LogFormat::Human => "human",
            LogFormat::Json => "json",
        }
    }
}

/// What is important enough for the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogLevel {
    /// What needs an operator.
    Error,
    /// What may need an operator soon.
    Warn,
    /// What the process as a whole does.
    Info,
    /// What single requests do.
    Debug,
    /// Everything.
    Trace,
}

impl LogLevel {
    /// The word, as `tracing` spells it too.
    pub fn name(self) -> &'static str {
        self.word()
    }
}

impl Word for LogLevel {
    const ALL: &'static [Self] =
        &[LogLevel::Error, LogLevel::Warn, LogLevel::Info, LogLevel::Debug, LogLevel::Trace];

    fn word(self) -> &'static str {
        match self {
            LogLevel::Error => "error",
            LogLevel::Warn => "warn",
            LogLevel::Info => "info",
            LogLevel::Debug => "debug",
            LogLevel::Trace => "trace",
        }
    }
}

/// Which digest code runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DigestCode {
    /// The fastest that this processor has.
    Auto,
    /// The one that runs everywhere.
    Portable,
}

impl Word for DigestCode {
    const ALL: &'static [Self] = &[DigestCode::Auto, DigestCode::Portable];

    fn word(self) -> &'static str {
        match self {
            DigestCode::Auto => "auto",
            DigestCode::Portable => "portable",
        }
    }
}

/// The word of a list's format; what else the format needs is in [`super::Format`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FormatWord {
    Plain,
    Snapshot,
    Tagged,
    Csv,
    Hashdeep,
    Md5sum,
}

impl Word for FormatWord {
    const ALL: &'static [Self] = &[
        FormatWord::Plain,
        FormatWord::Snapshot,
        FormatWord::Tagged,
        FormatWord::Csv,
        FormatWord::Hashdeep,
        FormatWord::Md5sum,
    ];

    fn word(self) -> &'static str {
        match self {
            FormatWord::Plain => "plain",
            FormatWord::Snapshot => "snapshot",
            FormatWord::Tagged => "tagged",
            FormatWord::Csv => "csv",
            FormatWord::Hashdeep => "hashdeep",
            FormatWord::Md5sum => "md5sum",
        }
    }
}

impl Word for Mode {
    const ALL: &'static [Self] = &[Mode::Enforce, Mode::Shadow, Mode::Off];

    fn word(self) -> &'static str {
        self.name()
    }
}

impl Word for Polarity {
    const ALL: &'static [Self] = &[Polarity::Block, Polarity::Allow];

    fn word(self) -> &'static str {
        self.name()
    }
}

impl Word for OnUnjudged {
    const ALL: &'static [Self] = &[OnUnjudged::Forward, OnUnjudged::Refuse];

    fn word(self) -> &'static str {
        match self {
            OnUnjudged::Forward => "forward",
            OnUnjudged::Refuse => "refuse",
        }
    }
}

impl Word for OnFault {
    const ALL: &'static [Self] = &[OnFault::Retry, OnFault::Forward];

    fn word(self) -> &'static str {
        match self {
            OnFault::Retry => "retry",
            OnFault::Forward => "forward",
        }
    }
}

impl Word for Copies {
    const ALL: &'static [Self] = &[Copies::Whole, Copies::ReadBack, Copies::Deny];

    fn word(self) -> &'static str {
        match self {
            Copies::Whole => "whole",
            Copies::ReadBack => "read-back",
            Copies::Deny => "deny",
        }
    }
}

impl Word for Archives {
    const ALL: &'static [Self] = &[Archives::Deny, Archives::Inspect, Archives::Forward];

    fn word(self) -> &'static str {
        match self {
            Archives::Deny => "deny",
            Archives::Inspect => "inspect",
            Archives::Forward => "forward",
        }
    }
}

impl Word for Door {
    const ALL: &'static [Self] = &[Door::Deny, Door::Forward];

    fn word(self) -> &'static str {
        match self {
            Door::Deny => "deny",
            Door::Forward => "forward",
        }
    }
}

/// Whether something is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Switch {
    /// It is not.
    Off,
    /// It is.
    On,
}

impl Switch {
    /// Whether it is on.
    pub const fn is_on(self) -> bool {
        matches!(self, Switch::On)
    }
}

impl From<bool> for Switch {
    fn from(on: bool) -> Switch {
        if on { Switch::On } else { Switch::Off }
    }
}

impl Word for Switch {
    const ALL: &'static [Self] = &[Switch::Off, Switch::On];

    fn word(self) -> &'static str {
        match self {
            Switch::Off => "off",
            Switch::On => "on",
        }
    }
}

/// Which variants of a picture are compared beside the whole of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Variants {
    /// None.
    Off,
    /// It without uniform lines along its edges.
    Trim,
    /// It with reflected margins.
    Pad,
    /// Both.
    Both,
}

impl Variants {
    /// The variants.
    pub fn list(self) -> Vec<Variant> {
        match self {
            Variants::Off => Vec::new(),
            Variants::Trim => Variant::TRIMS.to_vec(),
            Variants::Pad => Variant::PADS.to_vec(),
            Variants::Both => [&Variant::TRIMS[..], &Variant::PADS].concat(),
        }
    }
}

impl Word for Variants {
    const ALL: &'static [Self] = &[Variants::Off, Variants::Trim, Variants::Pad, Variants::Both];

    fn word(self) -> &'static str {
        match self {
            Variants::Off => "off",
            Variants::Trim => "trim",
            Variants::Pad => "pad",
            Variants::Both => "trim+pad",
        }
    }
}

impl Word for Convention {
    const ALL: &'static [Self] = &Convention::ALL;

    fn word(self) -> &'static str {
        self.name()
    }
}
