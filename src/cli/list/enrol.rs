//! An operator's own pictures, made into entries: `list build --from-images`.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use crate::cli::Shown;
use crate::image::{Convention, Limits, Look, Looks, Source, Variant, Wanted, look};
use crate::list::{
    Compiler, Entry, Hash, HashKind, Label, ListKey, QUALITY_MIN, SourceSummary, Unfit,
};

/// Largest file that is read, in bytes: more than any picture within the pixel limit takes.
const FILE_BYTES_MAX: u64 = 256 << 20;
/// Most directories that are gone into; a bound for trees that never end.
const DIRECTORIES_MAX: usize = 10_000;

/// How pictures are hashed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Enrolment {
    pub(super) kind: HashKind,
    pub(super) convention: Convention,
}

/// What came of a directory of pictures.
#[derive(Debug, Default)]
pub(super) struct Enrolled {
    pub(super) summary: SourceSummary,
    /// A line for each file that is not listed, or only in part.
    pub(super) notes: Vec<String>,
}

impl Enrolment {
    /// Adds every picture in `directory` and below: PDQ of the whole first, then of its centre cut
    /// out and turned, so that an upload of a part is found too. They are decoded in this process:
    /// they are the operator's own.
    ///
    /// # Errors
    /// A directory can't be read.
    pub(super) fn enrol(
        self,
        directory: &Path,
        compiler: &mut Compiler,
        list: ListKey,
    ) -> io::Result<Enrolled> {
        let mut enrolled = Enrolled::default();
        for path in files(directory)? {
            enrolled.summary.lines += 1;
            let added = self.picture(&path, &mut enrolled.summary, &mut |entry| {
                compiler.add(list, &entry);
            });
            if let Err(reason) = added {
                enrolled.notes.push(format!("{}: {reason}", Shown(path.display())));
            }
        }
        Ok(enrolled)
    }

    /// Adds one picture.
    ///
    /// # Errors
    /// Why it is not listed, or not all of it.
    fn picture(
        self,
        path: &Path,
        summary: &mut SourceSummary,
        add: &mut dyn FnMut(Entry),
    ) -> Result<(), String> {
        let bytes = read(path).map_err(|error| error.to_string())?;
        let looks = look(&bytes, &Limits::DEFAULT, &self.wanted(), &|| false);
        let looks = looks.map_err(|fault| format!("no picture that can be read: {fault}"))?;
        let name = path.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
        let before = summary.entries;
        for (hash, addition) in self.hashes(&looks, summary) {
            match hash.unfit() {
                Some(Unfit::Flat | Unfit::Nothing) => summary.flat += 1,
                None => {
                    summary.entries += 1;
                    let text = format!("{name}{addition}");
                    let label = Label::new(&text, std::slice::from_ref(&hash)).ok();
                    add(Entry { hash, label });
                }
            }
        }
        match looks.fault {
            _ if summary.entries == before => Err("too little to see on it".to_owned()),
            Some(fault) => Err(format!("listed in part: {fault}")),
            None => Ok(()),
        }
    }

    fn wanted(self) -> Wanted {
        match self.kind {
            HashKind::Perceptual(kind) => Wanted { kinds: vec![kind], ..Wanted::default() },
            HashKind::Pdq | HashKind::Exact(_) => Wanted {
                conventions: vec![self.convention],
                variants: match self.convention {
                    Convention::Full => [&Variant::CROPS[..], &Variant::TURNS].concat(),
                    // Variants are made in the usual convention only.
                    Convention::Resized512 => Vec::new(),
                },
                ..Wanted::default()
            },
        }
    }

    /// The hashes of a picture, each with what is put behind its file's name.
    fn hashes(self, looks: &Looks, summary: &mut SourceSummary) -> Vec<(Hash, String)> {
        match self.kind {
            HashKind::Perceptual(kind) => {
                let looks = looks.perceptual.iter();
                let hash = |hash: &[u8]| Hash::from_bytes(HashKind::Perceptual(kind), hash);
                looks.filter_map(|look| Some((hash(&look.hash)?, frame(look.frame)))).collect()
            }
            HashKind::Pdq | HashKind::Exact(_) => {
                let is_good = |quality: u8| quality >= QUALITY_MIN;
                let (good, poor): (Vec<&Look>, Vec<&Look>) =
                    looks.pdq.iter().partition(|look| is_good(look.fingerprint.quality));
                summary.poor += poor.len() as u64;
                let of = |source: &Source| variant(source.variant) + &frame(source.frame);
                good.iter()
                    .map(|look| (Hash::Pdq(look.fingerprint.pdq()), of(&look.source)))
                    .collect()
            }
        }
    }
}

fn variant(variant: Variant) -> String {
    match variant {
        Variant::Whole => String::new(),
        Variant::Trimmed => " trimmed".to_owned(),
        Variant::Block => " block".to_owned(),
        Variant::Padded(thousandths) => format!(" padded {thousandths}"),
        Variant::Cropped(thousandths) => format!(" cropped {thousandths}"),
        Variant::Turned(tenths) => format!(" turned {tenths}"),
    }
}

fn frame(frame: u32) -> String {
    if frame == 0 { String::new() } else { format!(" frame {frame}") }
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "the file is too large"));
    }
    Ok(bytes)
}

/// Every regular file below a directory, in the order of paths. Links are not followed.
fn files(directory: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut directories = vec![directory.to_path_buf()];
    let mut seen = 0;
    while let Some(directory) = directories.pop() {
        seen += 1;
        if seen > DIRECTORIES_MAX {
            return Err(io::Error::other("there are too many directories"));
        }
        for entry in fs::read_dir(&directory)? {
            let entry = entry?;
            let kind = entry.file_type()?;
            if kind.is_dir() {
                directories.push(entry.path());
            } else if kind.is_file() {
                files.push(entry.path());
            }
        }
    }
    files.sort();
    Ok(files)
}
