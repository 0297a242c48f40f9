//! How a command ends, as its caller sees it.

/// The closed set of endings. Scripts rely on the numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ExitCode {
    /// It did what was asked, and the answer is yes.
    Success,
    /// It failed in a way that has no number of its own.
    Failure,
    /// `match`: a file would be refused.
    Denied,
    /// `list query`, `explain`: what was looked for is not there.
    NotFound,
    /// `probe`: the store behaves otherwise than it did.
    Differs,
    /// `match`: nothing would be refused, but something could not be judged or read.
    Unjudged,
    /// The command line, the configuration or another input is wrong (`EX_USAGE` of sysexits.h).
    Usage,
    /// A file can't be read or written (`EX_IOERR` of sysexits.h).
    Io,
}

impl ExitCode {
    /// The number.
    pub const fn code(self) -> u8 {
        match self {
            ExitCode::Success => 0,
            ExitCode::Failure | ExitCode::Denied | ExitCode::NotFound | ExitCode::Differs => 1,
            ExitCode::Unjudged => 2,
            ExitCode::Usage => 64,
            ExitCode::Io => 74,
        }
    }
}

impl From<ExitCode> for std::process::ExitCode {
    fn from(code: ExitCode) -> Self {
        std::process::ExitCode::from(code.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts_rely_on_the_numbers() {
        for (code, number) in [
            (ExitCode::Success, 0),
            (ExitCode::Failure, 1),
            (ExitCode::Denied, 1),
            (ExitCode::NotFound, 1),
            (ExitCode::Differs, 1),
            (ExitCode::Unjudged, 2),
            (ExitCode::Usage, 64),
            (ExitCode::Io, 74),
        ] {
            assert_eq!(code.code(), number, "{code:?}");
        }
    }
}
