//! What is tried: a closed list, each with a name that baselines rely on.

use std::fmt;

use super::framing::{Cut, Ending, Framing, Gap};

/// One thing that is tried with the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Case {
    /// An upload as it should be.
    Complete(Framing),
    /// An upload whose connection ends before its body does.
    Abort(Framing, Cut, Ending),
    /// An aws-chunked body with something left out, complete for HTTP.
    Gapped(Framing, Gap),
    /// An upload over another object, cut within its payload and reset.
    Overwrite(Framing),
    /// A part of a multipart upload, cut within its payload and reset.
    Part(Framing),
    /// An aws-chunked body with something behind its end, for HTTP a part of it.
    Trailing(Framing),
    /// An aws-chunked body that is longer than `x-amz-decoded-content-length`.
    DeclaredSmaller(Framing),
    /// One that is shorter.
    DeclaredLarger(Framing),
    /// An upload over another object with `If-None-Match: *`.
    Conditional,
    /// A read with another Host than the store's address.
    OtherHost,
    /// An upload that waits for 100 Continue.
    ExpectTaken,
    /// The same with a wrong signature; then another request on its connection.
    ExpectRefused,
    /// A large upload with a wrong signature, sent without waiting; then another request on its
    /// connection.
    EarlyAnswer,
    /// A connection without a request.
    IdleConnection,
    /// A connection whose upload has stopped half-way.
    IdleBody,
}

impl Case {
    /// Each of them, in the order in which they are told.
    pub(super) fn all() -> Vec<Case> {
        let chunked = || Framing::ALL.into_iter().filter(|framing| framing.is_aws_chunked());
        let by_length = || chunked().filter(|framing| !framing.is_http_chunked());
        let mut cases: Vec<Case> = Framing::ALL.map(Case::Complete).into();
        for framing in Framing::ALL {
            let ended = |cut| Ending::ALL.map(|ending| Case::Abort(framing, cut, ending));
            cases.extend(framing.cuts().flat_map(ended));
        }
        cases.extend([Framing::Identity, Framing::SignedChunks].map(Case::Overwrite));
        cases.extend([Framing::Identity, Framing::SignedChunks].map(Case::Part));
        cases.extend(
            chunked().flat_map(|framing| framing.gaps().map(move |gap| Case::Gapped(framing, gap))),
        );
        cases.extend(by_length().map(Case::Trailing));
        cases.extend(by_length().map(Case::DeclaredSmaller));
        cases.extend(by_length().map(Case::DeclaredLarger));
        cases.extend([Case::Conditional, Case::OtherHost, Case::ExpectTaken, Case::ExpectRefused]);
        cases.extend([Case::EarlyAnswer, Case::IdleConnection, Case::IdleBody]);
        cases
    }

    /// Whether all that is found out is how long something takes.
    pub(super) const fn only_waits(self) -> bool {
        match self {
            Case::IdleConnection | Case::IdleBody => true,
            Case::Complete(_)
            | Case::Abort(..)
            | Case::Gapped(..)
            | Case::Overwrite(_)
            | Case::Part(_)
            | Case::Trailing(_)
            | Case::DeclaredSmaller(_)
            | Case::DeclaredLarger(_)
            | Case::Conditional
            | Case::OtherHost
            | Case::ExpectTaken
            | Case::ExpectRefused
            | Case::EarlyAnswer => false,
        }
    }
}

/// The name in documents: words with slashes between. Baselines rely on it.
impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Case::Complete(framing) => write!(f, "complete/{}", framing.word()),
            Case::Abort(framing, cut, ending) => {
                write!(f, "abort/{}/{}/{}", framing.word(), cut.word(), ending.word())
            }
            Case::Gapped(framing, gap) => write!(f, "gap/{}/{}", framing.word(), gap.word()),
            Case::Overwrite(framing) => write!(f, "overwrite/{}", framing.word()),
            Case::Part(framing) => write!(f, "part/{}", framing.word()),
            Case::Trailing(framing) => write!(f, "trailing-bytes/{}", framing.word()),
            Case::DeclaredSmaller(framing) => write!(f, "declared-smaller/{}", framing.word()),
            Case::DeclaredLarger(framing) => write!(f, "declared-larger/{}", framing.word()),
            Case::Conditional => f.write_str("if-none-match"),
            Case::OtherHost => f.write_str("other-host"),
            Case::ExpectTaken => f.write_str("expect/taken"),
            Case::ExpectRefused => f.write_str("expect/refused"),
            Case::EarlyAnswer => f.write_str("early-answer"),
            Case::IdleConnection => f.write_str("idle/connection"),
            Case::IdleBody => f.write_str("idle/body"),
        }
    }
}
