//! All that is known of one upload, from one listing. Pure: names in, answers out.

use sha2::{Digest, Sha256};

use super::record::{PartRecord, Sends};
use super::upload::{PartTag, TAG_LEN, first, text, undecimal};
use crate::digest::Digests;

/// Everything of an upload but its bytes and its chains.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UploadView {
    /// Sorted by number and tag; among those with one number and tag, those with a spool first.
    records: Vec<PartRecord>,
    created: Option<u64>,
    poisoned: bool,
    completed: Vec<String>,
    coded: Option<String>,
    foreign: usize,
}

/// What is known of a part with a certain number and ETag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found<'a> {
    /// No gate has seen it.
    Nothing,
    /// Its record. If it was sent several times with the same bytes, these are all records of it,
    /// those with a spool first. Never empty.
    Records(&'a [PartRecord]),
    /// Records that contradict each other: different bytes that the store gave one ETag. Nobody
    /// knows which of them the store holds.
    Conflict,
}

/// Why the parts of a CompleteMultipartUpload can't be judged by their records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unresolved {
    /// No gate has seen this part with this ETag.
    Unseen {
        /// Its number.
        number: u16,
    },
    /// See [`Found::Conflict`].
    Conflict {
        /// Its number.
        number: u16,
    },
    /// Other bytes came under this number and another ETag, and perhaps later: S3 then says
    /// `InvalidPart`, but some stores compare no ETags and take what came last.
    Superseded {
        /// Its number.
        number: u16,
    },
}

/// A mark in an upload's folder.
pub(super) enum Mark<'a> {
    /// Begun through a gate, in seconds since 1970.
    Created(u64),
    /// Nothing of it may become an object.
    Poisoned,
    /// Its start said that the object is coded in this way.
    Coded(&'a str),
    /// The store has made this list of parts an object.
    Completed(&'a [(u16, PartTag)]),
}

impl Mark<'_> {
    pub(super) fn name(&self) -> String {
        match self {
            Mark::Created(seconds) => format!("{CREATED}{seconds:0SECONDS_DIGITS$}"),
            Mark::Poisoned => POISONED.to_owned(),
            Mark::Coded(word) => format!("{CODED}{word}"),
            Mark::Completed(listed) => format!("{COMPLETED}{}", print(listed)),
        }
    }
}

const CREATED: &str = "m1.created.";
const POISONED: &str = "m1.poisoned";
const CODED: &str = "m1.coded.";
const COMPLETED: &str = "m1.completed.";
const SECONDS_DIGITS: usize = 12;

impl UploadView {
    /// Reads names; those that are none of ours are counted.
    pub(super) fn of<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        let mut view = UploadView::default();
        for name in names {
            if let Some(record) = PartRecord::parse(name) {
                view.records.push(record);
            } else if let Some(seconds) = name.strip_prefix(CREATED).and_then(seconds) {
                let earliest = view.created.map_or(seconds, |created| created.min(seconds));
                view.created = Some(earliest);
            } else if name == POISONED {
                view.poisoned = true;
            } else if let Some(word) = name.strip_prefix(CODED) {
                view.coded = Some(word.to_owned());
            } else if let Some(print) = name.strip_prefix(COMPLETED) {
                view.completed.push(print.to_owned());
            } else {
                view.foreign += 1;
            }
        }
        view.records.sort_unstable_by_key(|r| (r.number, r.tag, r.spool.is_none(), r.spool));
        view
    }

    /// Every record, by part number.
    pub fn records(&self) -> &[PartRecord] {
        &self.records
    }

    /// What is known of one part.
    pub fn find(&self, number: u16, tag: PartTag) -> Found<'_> {
        let key = |record: &PartRecord| (record.number, record.tag);
        let start = self.records.partition_point(|record| key(record) < (number, tag));
        let same = self.records[start..].iter().take_while(|r| key(r) == (number, tag)).count();
        let found = &self.records[start..start + same];
        let pairs =
            || found.iter().enumerate().flat_map(|(i, a)| found[..i].iter().map(move |b| (a, b)));
        match found {
            [] => Found::Nothing,
            // With very many records of one part the pairs would be too many: then all must be like
            // the first in everything but their spool.
            [first, rest @ ..] if rest.len() > PAIRS_MAX => {
                let alike = |r: &PartRecord| r.digests == first.digests && r.agrees(first);
                if rest.iter().all(alike) { Found::Records(found) } else { Found::Conflict }
            }
            found if pairs().all(|(a, b)| a.agrees(b)) => Found::Records(found),
            _ => Found::Conflict,
        }
    }

    /// The records of the parts that a CompleteMultipartUpload lists, in its order, with all that
    /// is known of each put together.
    ///
    /// # Errors
    /// The first part for which there is no single answer.
    pub fn resolve(&self, listed: &[(u16, PartTag)]) -> Result<Vec<PartRecord>, Unresolved> {
        let resolve = |&(number, tag): &(u16, PartTag)| match self.find(number, tag) {
            Found::Nothing => Err(Unresolved::Unseen { number }),
            Found::Conflict => Err(Unresolved::Conflict { number }),
            Found::Records(records) if self.is_superseded(records) => {
                Err(Unresolved::Superseded { number })
            }
            Found::Records(records) => Ok(merged(records)),
        };
        listed.iter().map(resolve).collect()
    }

    /// Whether other bytes may have come after these, all of one number and ETag.
    ///
    /// What a gate passed on and did not live to record is not known of: it was killed between the
    /// store's answer and the record.
    fn is_superseded(&self, listed: &[PartRecord]) -> bool {
        let Some(first) = listed.first() else { return false };
        let start = self.records.partition_point(|record| record.number < first.number);
        let same_number = self.records[start..].iter().take_while(|r| r.number == first.number);
        let mut others =
            same_number.filter(|r| r.tag != first.tag && !r.is_same_as(first)).peekable();
        if others.peek().is_none() {
            return false;
        }
        let mut sends = Sends::default();
        listed.iter().for_each(|record| sends.add(record));
        others.any(|other| !sends.replaced(other))
    }

    /// What the upload's start said about the coding of its object, if it said anything: a word of
    /// [`State::seen_coded`](super::State::seen_coded).
    pub fn coded(&self) -> Option<&str> {
        self.coded.as_deref()
    }

    /// When a gate saw it begin, in seconds since 1970. `None`: it began before there was a gate,
    /// or through another door.
    pub fn created(&self) -> Option<u64> {
        self.created
    }

    /// Whether it was refused: then nothing of it may become an object.
    pub fn is_poisoned(&self) -> bool {
        self.poisoned
    }

    /// Whether the store has made this very list of parts an object already, so that the request is
    /// a repetition whose first answer got lost. Its parts' records are gone by then; if there are
    /// others under their numbers, something was sent since.
    pub fn is_completed(&self, listed: &[(u16, PartTag)]) -> bool {
        let is_listed = |record: &PartRecord| listed.contains(&(record.number, record.tag));
        let numbers = || listed.iter().map(|(number, _)| number);
        self.completed.contains(&print(listed))
            && !self.records.iter().any(|r| numbers().any(|n| *n == r.number) && !is_listed(r))
    }

    /// Names in its folder that are none of ours.
    pub fn foreign(&self) -> usize {
        self.foreign
    }
}

/// Records of one part up to which each is compared with each.
const PAIRS_MAX: usize = 64;

/// One record of records that agree.
fn merged(records: &[PartRecord]) -> PartRecord {
    let all = |digests: Digests, record: &PartRecord| Digests {
        md5: digests.md5.or(record.digests.md5),
        sha1: digests.sha1.or(record.digests.sha1),
        sha256: digests.sha256.or(record.digests.sha256),
    };
    PartRecord { digests: records.iter().fold(Digests::default(), all), ..records[0] }
}

/// A hash of a list of parts.
fn print(listed: &[(u16, PartTag)]) -> String {
    let mut hasher = Sha256::new_with_prefix(b"s3bouncer list 1");
    for (number, tag) in listed {
        hasher.update(number.to_le_bytes());
        hasher.update(tag.0);
    }
    text(&first::<TAG_LEN>(&hasher.finalize()))
}

fn seconds(text: &str) -> Option<u64> {
    undecimal(text, SECONDS_DIGITS)
}

#[cfg(test)]
mod tests;
