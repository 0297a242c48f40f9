//! What of a body is looked at: while it streams, and once more where it is held whole.

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use tokio::task::JoinHandle;

use super::case::Case;
use super::gate::Inspect;
use super::intake::Seen;
use super::pictures::Shown;
use super::record::Auth;
use super::upload::{Decoding, Upload};
use crate::framing::{Boundary, Form};
use crate::image::sniff;
use crate::inspect::{
    BodyError, Codings, Evidence, Gap, Inspector, Origin, Scope, Sighting, Within, look_within,
};
use crate::policy::{Archives, Unjudged};
use crate::s3::{self, Operation};
use crate::unpack::{Coding, Options};

/// Bodies up to this size are looked into where they are read; larger ones on a thread for work that
/// takes its time.
const INLINE_MAX: u64 = 256 * 1024;

impl Upload {
    /// Looks at this body as it comes.
    ///
    /// # Errors
    /// It is said to be a form, and its Content-Type is none of a form's.
    pub(super) fn inspector(&self) -> Result<Inspector, BodyError> {
        let Case { s3, head, .. } = &self.case;
        let scope = self.scope();
        let keeps = !scope.finds_nothing() || s3.operation == Operation::CompleteMultipartUpload;
        let mut inspector = match s3.operation {
            Operation::PostObject => {
                let kind = head.headers.get(CONTENT_TYPE).map_or(&b""[..], |kind| kind.as_bytes());
                Inspector::of_form(&Boundary::from_content_type(kind)?, &scope)
            }
            _ => Inspector::new(&s3.body, &scope),
        };
        if keeps {
            inspector.keep();
        }
        Ok(inspector)
    }

    /// Takes the memory for undoing content codings, and for unpacking what the store unpacks, where there
    /// is any of it.
    ///
    /// # Errors
    /// There is none, and the client can be asked to try again.
    pub(super) fn make_room_for_decoding(&mut self) -> Result<(), Unjudged> {
        let scope = self.scope();
        let bytes = scope.decoder_bytes_max() + self.unpacker_bytes_max(&scope);
        if bytes == 0 {
            return Ok(());
        }
        let budget = &self.case.gate.budget;
        let lack = match budget.reserve(bytes) {
            Some(room) => {
                self.decoding = Decoding::Undone(Some(room));
                return Ok(());
            }
            // Trying again would not help.
            None if bytes > budget.limit() && scope.is_archive => Unjudged::Archive,
            None if bytes > budget.limit() => Unjudged::Encoding,
            None if self.case.may_retry() => return Err(Unjudged::Budget),
            None => Unjudged::Budget,
        };
        self.case.unjudged.get_or_insert(lack);
        self.decoding = Decoding::Left;
        Ok(())
    }

    /// The most memory that unpacking takes while the body comes, in bytes.
    fn unpacker_bytes_max(&self, scope: &Scope) -> u64 {
        if !scope.is_archive || scope.finds_nothing() {
            return 0;
        }
        // One that is longer is not taken in.
        let most = self.case.view.settings.inspect.archive_max;
        let length = self.case.s3.body.payload_length().unwrap_or(most);
        scope.limits.archive_bytes_max(length.min(most))
    }

    /// What is looked for in this body.
    pub(super) fn scope(&self) -> Scope {
        let Case { view, s3, .. } = &self.case;
        let (codings, unpacks) = match self.decoding {
            Decoding::Undone(_) => (codings(&s3.content_encoding), true),
            Decoding::Left => (Codings::Known(vec![]), false),
        };
        Scope {
            wanted: self.wanted(),
            kernel: view.settings.kernel,
            codings,
            pictures: self.case.perceives().is_some(),
            is_archive: unpacks
                && s3.operation == Operation::PutObjectExtract
                && self.case.rule().surface.archives == Archives::Inspect,
            limits: view.settings.inspect.limits,
        }
    }

    /// Looks into what is kept of a body, if it was understood to its end.
    ///
    /// # Errors
    /// As for [`Upload::look_inside`].
    pub(super) async fn look_at(
        &mut self,
        seen: &mut Seen,
        kept: Vec<Bytes>,
    ) -> Result<(), Unjudged> {
        match seen {
            Seen::Whole(evidence) => self.look_inside(evidence, kept).await,
            Seen::Malformed => Ok(()),
        }
    }

    /// Looks into a body that is held whole, or into as much of it as is kept, and adds what is found
    /// to its evidence.
    ///
    /// # Errors
    /// There is no memory to lay its pieces side by side, or no process to decode its pictures.
    pub(super) async fn look_inside(
        &mut self,
        evidence: &mut Evidence,
        kept: Vec<Bytes>,
    ) -> Result<(), Unjudged> {
        match self.is_worth_it(evidence, &kept) {
            // In a box: most uploads are not looked into, and their futures need no room for it.
            true => Box::pin(self.look_closely(evidence, kept)).await,
            false => Ok(()),
        }
    }

    /// Whether looking into a body that is there can find anything that would mean anything.
    fn is_worth_it(&self, evidence: &Evidence, kept: &[Bytes]) -> bool {
        let inspect = &self.case.view.settings.inspect;
        let is_coded = match (&self.form_codings, &self.decoding) {
            (Some(codings), _) => *codings != Codings::Known(vec![]),
            (None, Decoding::Undone(_)) => !self.case.s3.content_encoding.is_empty(),
            (None, Decoding::Left) => false,
        };
        let head = kept.first().map_or(&[][..], |piece| piece);
        // Of other bodies what streams by has told all: that no picture begins in them.
        let shows = evidence.format.is_some() || !evidence.within.is_empty() || inspect.holds(head);
        self.judges() && (is_coded || shows || !self.form_pictures.is_empty())
    }

    async fn look_closely(
        &mut self,
        evidence: &mut Evidence,
        kept: Vec<Bytes>,
    ) -> Result<(), Unjudged> {
        let inspect = &self.case.view.settings.inspect;
        let mut scope = self.scope();
        if let Some(codings) = &self.form_codings {
            scope.codings = codings.clone();
        }
        let head = kept.first().cloned().unwrap_or_default();
        let beside = std::mem::take(&mut self.form_pictures);
        let bytes: u64 = kept.iter().map(|piece| piece.len() as u64).sum();
        // What unpacked the body as it came is gone too: this has its room.
        let unpacking = match inspect.archives && is_archive(&head) && !scope.is_archive {
            true => scope.limits.archive_bytes_max(bytes),
            false => 0,
        };
        let decoding = match (&self.decoding, &self.form_codings) {
            // The decoder that looked at the body as it came is gone: this one has its room.
            (Decoding::Undone(Some(_)), None) => 0,
            (Decoding::Undone(_) | Decoding::Left, _) => scope.decoder_bytes_max(),
        };
        let room = bytes + decoding + unpacking;
        let room = self.case.gate.budget.reserve(room).ok_or(Unjudged::Budget)?;
        if scope.codings == Codings::Unknown {
            evidence.gap = Some(Gap::Encoding);
        }
        let unpacked = scope.is_archive;
        let how = inspect.within(scope);
        let (payload, found, gap) = laid_out(kept.clone(), bytes, how.clone()).await;
        // A picture without the bytes behind its end shows what the body shows.
        let has_more = unpacked || found.iter().any(|found| found.origin != Origin::Trimmed);
        evidence.within.extend(found);
        evidence.gap = evidence.gap.or(gap);
        // The room is needed as long as the payload is.
        let (inner, _room) = match has_more {
            true => (Some((payload, how.unpacking(unpacked))), Some(room)),
            false => (None, None),
        };
        let whole = bytes == evidence.payload;
        let shown = Shown { body: kept, whole, inner, beside };
        self.look_at_pictures(evidence, &shown).await
    }

    /// An archive that the store unpacks is judged by its members, where any were seen. What of it could
    /// not be walked is a gap in the evidence.
    pub(super) fn note_members(&mut self, seen: &Seen) {
        let Seen::Whole(evidence) = seen else { return };
        let is_member = |sighting: &Sighting| sighting.origin == Origin::Member;
        if self.case.unjudged == Some(Unjudged::Archive)
            && self.scope().is_archive
            && evidence.within.iter().any(is_member)
        {
            self.case.unjudged = None;
        }
    }

    /// Notes which object a form names.
    pub(super) fn note_form(&mut self, form: Option<&Form>) {
        let Some(form) = form else { return };
        let fan_out = form.fan_out_keys().unwrap_or_default();
        self.journal.record().key = match fan_out.is_empty() {
            true => form.object_key().ok().flatten(),
            false => Some(fan_out.join(", ")),
        };
        if self.case.looks().is_some() {
            // Whatever stands in a form beside its file, the store keeps as metadata at most.
            let fields = form.fields().iter().filter(|field| sniff(&field.value).is_some());
            self.form_pictures = fields.map(|field| field.value.clone().into()).collect();
        }
        if self.case.signing.is_some() {
            // Else it would not have come so far.
            self.case.auth = Some(Auth::Accepted);
        }
        if let Some(coding) = form.get("content-encoding") {
            self.form_codings = Some(codings(&s3::codings(coding)));
        }
        let access_key = form.get("x-amz-credential").or(form.get("awsaccesskeyid"));
        if let Some(credential) = access_key.map(String::from_utf8_lossy) {
            let id = credential.split('/').next().unwrap_or_default();
            self.journal.record().access_key = Some(id.chars().take(128).collect());
        }
    }
}

/// A body's pieces side by side, and what lies in them.
async fn laid_out(
    kept: Vec<Bytes>,
    bytes: u64,
    how: Within,
) -> (Bytes, Vec<Sighting>, Option<Gap>) {
    let look = move || {
        let payload = kept.concat();
        let (found, gap) = look_within(&payload, &how);
        (payload.into(), found, gap)
    };
    if bytes <= INLINE_MAX {
        return look();
    }
    joined(tokio::task::spawn_blocking(look)).await
}

/// What work on another thread came to.
pub(super) async fn joined<T>(work: JoinHandle<T>) -> T {
    match work.await {
        Ok(done) => done,
        // A panic there is a bug here: it goes on as one.
        Err(failed) => std::panic::resume_unwind(failed.into_panic()),
    }
}

impl Inspect {
    /// Whether a body is held to be looked into, by its first bytes.
    pub(super) fn holds(&self, head: &[u8]) -> bool {
        (self.archives && is_archive(head)) || (self.documents && is_document(head))
    }

    fn within(&self, scope: Scope) -> Within {
        let options = Options {
            archives: self.archives,
            documents: self.documents,
            embedded: true,
            trimmed: true,
        };
        let codings = match scope.codings {
            Codings::Known(codings) => codings,
            Codings::Unknown => Vec::new(),
        };
        let Scope { wanted, kernel, limits, .. } = scope;
        Within { wanted, kernel, codings, options, limits }
    }
}

/// What is to be undone, if it is known how.
fn codings(named: &[s3::Coding]) -> Codings {
    let known = named.iter().map(|coding| match coding {
        s3::Coding::Gzip => Some(Coding::Gzip),
        s3::Coding::Deflate => Some(Coding::Deflate),
        s3::Coding::Brotli => Some(Coding::Brotli),
        s3::Coding::Zstd => Some(Coding::Zstd),
        s3::Coding::Unknown => None,
    });
    known.collect::<Option<_>>().map_or(Codings::Unknown, Codings::Known)
}

/// What zip and tar files begin with, and the compressed forms of the latter.
const ARCHIVES: [&[u8]; 8] = [
    b"PK\x03\x04",
    b"PK\x05\x06",
    b"PK\x07\x08",
    b"\x1f\x8b",
    b"\x28\xb5\x2f\xfd",
    b"BZh",
    b"\x04\x22\x4d\x18",
    b"\xff\x06\x00\x00",
];

/// Where a tar's first header has its magic word.
const USTAR_AT: usize = 257;

/// How far in a PDF may begin: readers look there.
const PDF_WITHIN: usize = 1024;

fn is_archive(head: &[u8]) -> bool {
    ARCHIVES.iter().any(|magic| head.starts_with(magic))
        || head.get(USTAR_AT..).is_some_and(|rest| rest.starts_with(b"ustar"))
}

/// PDF, or text.
fn is_document(head: &[u8]) -> bool {
    let start = &head[..head.len().min(PDF_WITHIN)];
    start.windows(5).any(|window| window == b"%PDF-") || !start.contains(&0)
}
