//! How the sources of `list build` are read.

use crate::digest::Algorithm;
use crate::list::{CsvMap, HashKind, ParseKindError, SourceFormat};

/// Names of formats, as in the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum FormatName {
    /// One hash a line; needs --hash
    Plain,
    /// `sha256 HEX` and perhaps a label, a line
    Tagged,
    /// Columns under a header; needs --column
    Csv,
    /// What hashdeep prints
    Hashdeep,
    /// What md5sum, sha256sum and their like print; needs --hash
    Md5sum,
}

/// A column of a CSV source and the hashes in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Column {
    kind: HashKind,
    name: String,
}

/// How sources are written.
#[derive(clap::Args, Debug)]
pub(super) struct FormatArgs {
    /// How the sources are written
    #[arg(long, value_enum, value_name = "FORMAT")]
    format: Option<FormatName>,
    /// What the hashes are: md5, sha1, sha256, pdq, or one of image_hasher's, such as gradient-16
    #[arg(long, value_name = "KIND", value_parser = kind)]
    hash: Option<HashKind>,
    /// Between the columns of a csv source: one character, or \t [default: ,]
    #[arg(long, value_name = "C", value_parser = delimiter)]
    delimiter: Option<u8>,
    /// A csv column that holds hashes, such as sha256=SHA256; may come once for each kind
    #[arg(long = "column", value_name = "KIND=NAME", value_parser = column)]
    columns: Vec<Column>,
    /// The csv column that holds labels
    #[arg(long, value_name = "NAME")]
    label_column: Option<String>,
    /// The csv column that holds the quality of pdq hashes; those below 50 are left out
    #[arg(long, value_name = "NAME")]
    quality_column: Option<String>,
}

impl FormatArgs {
    /// What the arguments mean together.
    ///
    /// # Errors
    /// One is missing, or one is given that the format does not look at.
    pub(super) fn source_format(&self) -> Result<SourceFormat, String> {
        let csv_only = self.delimiter.is_some()
            || !self.columns.is_empty()
            || self.label_column.is_some()
            || self.quality_column.is_some();
        if csv_only && self.format != Some(FormatName::Csv) {
            let text =
                "--delimiter, --column, --label-column and --quality-column are for --format csv";
            return Err(text.to_owned());
        }
        let format = self.format.ok_or_else(|| "sources need --format".to_owned())?;
        match format {
            FormatName::Plain => self.needed_hash().map(SourceFormat::Plain),
            FormatName::Md5sum => self.needed_digest().map(SourceFormat::Md5sum),
            FormatName::Tagged => self.without_hash().map(|()| SourceFormat::Tagged),
            FormatName::Hashdeep => self.without_hash().map(|()| SourceFormat::Hashdeep),
            FormatName::Csv => {
                self.without_hash().and_then(|()| self.csv_map()).map(SourceFormat::Csv)
            }
        }
    }

    /// What pictures are to be made into.
    ///
    /// # Errors
    /// Something is given that is for sources, or the kind is none for pictures.
    pub(super) fn kind_of_pictures(&self) -> Result<HashKind, String> {
        match self.hash {
            _ if self.format.is_some() => Err("--format is for sources".to_owned()),
            None => Ok(HashKind::Pdq),
            Some(kind @ (HashKind::Pdq | HashKind::Perceptual(_))) => Ok(kind),
            Some(HashKind::Exact(kind)) => {
                Err(format!("--from-images makes no {kind}; use {kind}sum and --format md5sum"))
            }
        }
    }

    fn needed_hash(&self) -> Result<HashKind, String> {
        self.hash.ok_or_else(|| "this format needs --hash, such as --hash sha256".to_owned())
    }

    fn needed_digest(&self) -> Result<Algorithm, String> {
        match self.hash {
            Some(HashKind::Exact(algorithm)) => Ok(algorithm),
            Some(HashKind::Pdq | HashKind::Perceptual(_)) | None => {
                Err("this format needs --hash md5, sha1 or sha256".to_owned())
            }
        }
    }

    fn without_hash(&self) -> Result<(), String> {
        match self.hash {
            None => Ok(()),
            Some(_) => Err("--hash is not for this format, which says it itself".to_owned()),
        }
    }

    fn csv_map(&self) -> Result<CsvMap, String> {
        if self.columns.is_empty() {
            return Err("--format csv needs --column, such as --column sha256=SHA256".to_owned());
        }
        for (index, column) in self.columns.iter().enumerate() {
            if self.columns[..index].iter().any(|before| before.kind == column.kind) {
                return Err(format!("--column {}= comes twice", column.kind));
            }
        }
        let columns = self.columns.iter().map(|column| (column.kind, column.name.clone()));
        Ok(CsvMap {
            delimiter: self.delimiter.unwrap_or(b','),
            columns: columns.collect(),
            label: self.label_column.clone(),
            quality: self.quality_column.clone(),
        })
    }
}

fn kind(text: &str) -> Result<HashKind, String> {
    text.parse().map_err(|error: ParseKindError| error.to_string())
}

fn column(text: &str) -> Result<Column, String> {
    match text.split_once('=') {
        Some((word, name)) if !name.trim().is_empty() => {
            Ok(Column { kind: kind(word)?, name: name.to_owned() })
        }
        Some(_) | None => Err("a kind and a column's name, such as sha256=SHA256".to_owned()),
    }
}

/// What separates columns in the configuration too.
fn delimiter(text: &str) -> Result<u8, String> {
    match text.as_bytes() {
        b"\\t" => Ok(b'\t'),
        &[byte @ (b'\t' | b' '..=b'~')] if !byte.is_ascii_alphanumeric() && byte != b'"' => {
            Ok(byte)
        }
        _ => Err("one ASCII character that is no letter, digit or quote".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        format: FormatArgs,
        sources: Vec<String>,
    }

    fn parse(arguments: &str) -> Result<SourceFormat, String> {
        let arguments = format!("build {arguments} SOURCE");
        let line = Line::try_parse_from(arguments.split_whitespace()).map_err(|e| e.to_string())?;
        assert_eq!(line.sources, ["SOURCE"]);
        line.format.source_format()
    }

    #[test]
    fn arguments_have_to_agree() {
        let map = |delimiter, columns: &[(Algorithm, &str)], label: Option<&str>| {
            let columns = columns.iter().map(|(a, name)| ((*a).into(), (*name).to_owned()));
            let (columns, label) = (columns.collect(), label.map(str::to_owned));
            SourceFormat::Csv(CsvMap { delimiter, columns, label, quality: None })
        };
        for (arguments, expected) in [
            ("--format plain --hash md5", SourceFormat::Plain(Algorithm::Md5.into())),
            ("--format plain --hash pdq", SourceFormat::Plain(HashKind::Pdq)),
            ("--format md5sum --hash sha256", SourceFormat::Md5sum(Algorithm::Sha256)),
            ("--format tagged", SourceFormat::Tagged),
            ("--format hashdeep", SourceFormat::Hashdeep),
            ("--format csv --column md5=M", map(b',', &[(Algorithm::Md5, "M")], None)),
            (
                "--format csv --column sha1=a=b --column md5=M --delimiter \\t --label-column L",
                map(b'\t', &[(Algorithm::Sha1, "a=b"), (Algorithm::Md5, "M")], Some("L")),
            ),
        ] {
            assert_eq!(parse(arguments), Ok(expected), "{arguments}");
        }
    }

    #[test]
    fn what_does_not_agree_is_refused() {
        for arguments in [
            "",
            "--format plain",
            "--format md5sum",
            "--format plain --hash crc32",
            "--format snapshot",
            "--format tagged --hash md5",
            "--format csv",
            "--format csv --column md5",
            "--format csv --column md5=",
            "--format csv --column pdq-16=P",
            "--format md5sum --hash pdq",
            "--format plain --hash pdq --quality-column Q",
            "--format csv --column md5=A --column md5=B",
            "--format csv --column md5=A --hash md5",
            "--format csv --column md5=A --delimiter ab",
            "--format csv --column md5=A --delimiter x",
            "--format csv --column md5=A --delimiter \"",
            "--format csv --column md5=A --delimiter é",
            "--format tagged --delimiter ;",
            "--format plain --hash md5 --label-column L",
        ] {
            assert!(parse(arguments).is_err(), "{arguments}");
        }
    }
}
