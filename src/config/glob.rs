//! Patterns for names of buckets and hosts: `*` is any characters or none, `?` is one character.

use std::fmt;

/// Longest pattern in bytes. Bucket names have 63 bytes, old ones 255.
pub(super) const PATTERN_MAX: usize = 255;

/// A pattern in its canonical form: within a run of wildcards every `?` stands before one `*`.
/// So equal patterns are equal texts.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Glob(String);

impl Glob {
    /// The pattern that matches everything, even a request without a bucket.
    pub fn everything() -> Self {
        Glob("*".to_owned())
    }

    /// Reads a pattern of 1 to 255 ASCII letters, digits, `.`, `-`, `_`, `:` and wildcards.
    ///
    /// # Errors
    /// A sentence for the operator, where no bucket's name could ever match.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        if text.is_empty() || text.len() > PATTERN_MAX {
            return Err(format!("a pattern has 1 to {PATTERN_MAX} characters, not {}", text.len()));
        }
        let allowed = |c: char| c.is_ascii_alphanumeric() || ".-_:*?".contains(c);
        match text.chars().find(|&c| !allowed(c)) {
            Some(stranger) => Err(format!("{stranger:?} can not stand in such a name")),
            None => Ok(Glob(canonical(text))),
        }
    }

    /// The pattern's canonical text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this is the pattern for everything.
    pub fn is_everything(&self) -> bool {
        self.0 == "*"
    }

    /// Whether a name matches. Case counts.
    pub fn matches(&self, name: &str) -> bool {
        let mut pattern = self.0.chars();
        let mut rest = name.chars();
        // What to go back to when a match fails behind a star: let that star take one more.
        let mut star: Option<(std::str::Chars<'_>, std::str::Chars<'_>)> = None;
        loop {
            let (before, here) = (pattern.clone(), rest.clone());
            match (pattern.next(), rest.next()) {
                (None, None) => return true,
                (Some('*'), _) => {
                    rest = here;
                    star = Some((before, rest.clone()));
                }
                (Some('?'), Some(_)) => {}
                (Some(wanted), Some(found)) if wanted == found => {}
                (Some(_) | None, Some(_)) | (Some(_), None) => {
                    let Some((at_star, mut taken)) = star.take() else { return false };
                    if taken.next().is_none() {
                        return false;
                    }
                    pattern = at_star.clone();
                    pattern.next();
                    rest = taken.clone();
                    star = Some((at_star, taken));
                }
            }
        }
    }

    /// Whether every name that `other` matches is matched by this pattern too, as far as can be
    /// told from the texts: a `true` is certain; a `false` may, in contrived patterns, be wrong.
    pub(super) fn covers(&self, other: &Glob) -> bool {
        let theirs: Vec<char> = other.0.chars().collect();
        let mut reached = vec![false; theirs.len() + 1];
        reached[0] = true;
        for step in steps(&self.0) {
            reached = match step {
                Step::Literal(wanted) => after_literal(&reached, &theirs, wanted),
                Step::Run { least, open: true } => after_open_run(&reached, &theirs, least),
                Step::Run { least, open: false } => after_closed_run(&reached, &theirs, least),
            };
        }
        reached[theirs.len()]
    }
}

impl fmt::Display for Glob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A pattern between literals is one run: so many characters, or (`open`) that many or more.
enum Step {
    Literal(char),
    Run { least: usize, open: bool },
}

fn steps(pattern: &str) -> Vec<Step> {
    let mut steps = Vec::new();
    for c in pattern.chars() {
        match (c, steps.last_mut()) {
            ('?', Some(Step::Run { least, .. })) => *least += 1,
            ('*', Some(Step::Run { open, .. })) => *open = true,
            ('?', _) => steps.push(Step::Run { least: 1, open: false }),
            ('*', _) => steps.push(Step::Run { least: 0, open: true }),
            (literal, _) => steps.push(Step::Literal(literal)),
        }
    }
    steps
}

fn canonical(text: &str) -> String {
    let mut canonical = String::with_capacity(text.len());
    for step in steps(text) {
        match step {
            Step::Literal(c) => canonical.push(c),
            Step::Run { least, open } => {
                canonical.extend(std::iter::repeat_n('?', least));
                canonical.extend(open.then_some('*'));
            }
        }
    }
    canonical
}

// `reached[n]`: the steps so far cover the first n characters of the other pattern.

fn after_literal(reached: &[bool], theirs: &[char], wanted: char) -> Vec<bool> {
    let mut next = vec![false; reached.len()];
    for (at, &c) in theirs.iter().enumerate() {
        next[at + 1] = reached[at] && c == wanted;
    }
    next
}

fn after_open_run(reached: &[bool], theirs: &[char], least: usize) -> Vec<bool> {
    let mut next = vec![false; reached.len()];
    // The earliest start leaves the most to the run, and a run has no upper bound.
    let Some(start) = reached.iter().position(|&r| r) else { return next };
    let mut taken = 0;
    next[start] = least == 0;
    for (at, &c) in theirs.iter().enumerate().skip(start) {
        taken += usize::from(c != '*');
        next[at + 1] = taken >= least;
    }
    next
}

fn after_closed_run(reached: &[bool], theirs: &[char], least: usize) -> Vec<bool> {
    let mut next = vec![false; reached.len()];
    for (start, _) in reached.iter().enumerate().filter(|&(_, &r)| r) {
        if let Some(run) = theirs.get(start..start + least) {
            next[start + least] |= !run.contains(&'*');
        }
    }
    next
}
