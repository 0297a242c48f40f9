//! The originals, and what was done to them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::hashes::{Fallible, Hashed, QUALITY_MIN, Query, hash_all, nearest, originals, queried};

/// A file that was made of an original.
pub struct Case {
    /// Its index.
    pub original: usize,
    /// Its index.
    pub transformation: usize,
    /// Relative to the manifest.
    pub file: String,
    pub hashed: Hashed,
    /// Bits to its original by each of [`Query::ALL`].
    pub distances: [Option<u32>; Query::ALL.len()],
}

pub struct Corpus {
    /// Photographs as they were before anything was done to them.
    pub originals: Vec<Hashed>,
    pub transformations: Vec<String>,
    pub cases: Vec<Case>,
    /// Originals of too low a quality for any list.
    pub left_out: usize,
    /// Files that were not looked at, and why.
    pub faults: Vec<String>,
}

impl Corpus {
    /// Reads the manifest that tests/accuracy/transform.py wrote, and hashes all in it.
    pub fn read(folder: &Path) -> Fallible<Corpus> {
        let manifest = folder.join("manifest.tsv");
        let text = std::fs::read_to_string(&manifest)
            .map_err(|error| format!("{}: {error}", manifest.display()))?;
        let mut lines = Vec::new();
        for line in text.lines() {
            let [original, transformation, file] = line.split('\t').collect::<Vec<_>>()[..] else {
                return Err(format!("{}: not three fields: {line}", manifest.display()).into());
            };
            lines.push((original, transformation, file));
        }
        let mut corpus = Corpus {
            originals: Vec::new(),
            transformations: Vec::new(),
            cases: Vec::new(),
            left_out: 0,
            faults: Vec::new(),
        };
        let enrolled = corpus.enrol(folder, lines.iter().map(|line| line.0));
        lines.retain(|line| enrolled.contains_key(line.0));
        corpus.query(folder, &lines, &enrolled);
        Ok(corpus)
    }

    /// Hashes the originals; their indices by name.
    fn enrol<'a>(
        &mut self,
        folder: &Path,
        names: impl Iterator<Item = &'a str>,
    ) -> BTreeMap<&'a str, usize> {
        let mut names: Vec<&str> = names.collect();
        names.sort_unstable();
        names.dedup();
        let paths: Vec<PathBuf> = names.iter().map(|name| folder.join(name)).collect();
        let mut enrolled = BTreeMap::new();
        for (name, hashed) in names.into_iter().zip(hash_all(&paths, &originals())) {
            match hashed {
                Ok(hashed) if hashed.quality() >= QUALITY_MIN => {
                    enrolled.insert(name, self.originals.len());
                    self.originals.push(hashed);
                }
                Ok(_) => self.left_out += 1,
                Err(error) => self.faults.push(error.to_string()),
            }
        }
        enrolled
    }

    fn query(
        &mut self,
        folder: &Path,
        lines: &[(&str, &str, &str)],
        enrolled: &BTreeMap<&str, usize>,
    ) {
        let paths: Vec<PathBuf> = lines.iter().map(|line| folder.join(line.2)).collect();
        for (line, hashed) in lines.iter().zip(hash_all(&paths, &queried())) {
            let (name, transformation, file) = *line;
            let known = self.transformations.iter().position(|known| known == transformation);
            let transformation = known.unwrap_or_else(|| {
                self.transformations.push(transformation.to_owned());
                self.transformations.len() - 1
            });
            let Some(&original) = enrolled.get(name) else { continue };
            let hashed = match hashed {
                Ok(hashed) => hashed,
                Err(error) => {
                    self.faults.push(error.to_string());
                    continue;
                }
            };
            let listed = self.originals[original].pdq();
            let distances =
                Query::ALL.map(|query| nearest(&hashed.queries(query), listed.as_slice()));
            let file = file.to_owned();
            self.cases.push(Case { original, transformation, file, hashed, distances });
        }
    }

    /// The cases of a transformation.
    pub fn cases_of(&self, transformation: usize) -> impl Iterator<Item = &Case> {
        self.cases.iter().filter(move |case| case.transformation == transformation)
    }
}
