//! What the records before a tar member say about it: POSIX pax, with GNU's words for holes.

/// Offset and length in bytes of each run of a file with holes that is not a hole.
pub(super) type Extents = Vec<(u64, u64)>;

/// Extents of a sparse file; 16 bytes of memory each. GNU tar writes one for each 512 bytes at worst.
pub(super) const EXTENTS_MAX: usize = 65_536;

/// What is known of the next member beside its header.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Notes {
    path: Option<Vec<u8>>,
    /// The name of a sparse file; its path is then one that old readers may make a mess of.
    sparse_name: Option<Vec<u8>>,
    /// The length of what follows, in bytes.
    pub(super) size: Option<u64>,
    /// The length with holes, in bytes.
    pub(super) real_size: Option<u64>,
    /// What is not a hole.
    pub(super) extents: Extents,
    /// The extents stand at the beginning of the member's bytes.
    pub(super) extents_in_data: bool,
}

/// The records can't be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct BadRecords;

impl Notes {
    /// The member's name, if the records have one.
    pub(super) fn name(&self) -> Option<&[u8]> {
        self.sparse_name.as_deref().or(self.path.as_deref())
    }

    /// Takes a name that stands in a record of its own (GNU).
    pub(super) fn set_name(&mut self, name: &[u8]) {
        self.path = Some(name.to_vec());
    }

    /// Whether the member has holes.
    pub(super) fn is_sparse(&self) -> bool {
        self.real_size.is_some() || self.extents_in_data || !self.extents.is_empty()
    }

    /// Whether they say anything about which bytes are the member's.
    pub(super) fn is_about_bytes(&self) -> bool {
        self.size.is_some() || self.is_sparse()
    }

    /// Adds what the records of an extended header say; later ones win.
    ///
    /// ```text
    /// record = length SP key "=" value LF      the length in decimal, of the whole record
    /// ```
    pub(super) fn read(&mut self, mut records: &[u8]) -> Result<(), BadRecords> {
        // Some writers fill up with zeros.
        while records.first().is_some_and(|byte| *byte != 0) {
            let (key, value, rest) = record(records).ok_or(BadRecords)?;
            self.note(key, value).ok_or(BadRecords)?;
            records = rest;
        }
        Ok(())
    }

    fn note(&mut self, key: &[u8], value: &[u8]) -> Option<()> {
        match key {
            b"path" => self.path = Some(value.to_vec()),
            b"GNU.sparse.name" => self.sparse_name = Some(value.to_vec()),
            b"size" => self.size = Some(decimal(value)?),
            b"GNU.sparse.realsize" | b"GNU.sparse.size" => self.real_size = Some(decimal(value)?),
            b"GNU.sparse.major" => self.extents_in_data = decimal(value)? == 1,
            b"GNU.sparse.offset" => self.extent(decimal(value)?, 0)?,
            b"GNU.sparse.numbytes" => self.extents.last_mut()?.1 = decimal(value)?,
            b"GNU.sparse.map" => {
                let mut numbers = value.split(|byte| *byte == b',');
                while let Some(offset) = numbers.next() {
                    self.extent(decimal(offset)?, decimal(numbers.next()?)?)?;
                }
            }
            _ => {}
        }
        Some(())
    }

    /// Adds an extent; `None` if they are too many.
    pub(super) fn extent(&mut self, offset: u64, length: u64) -> Option<()> {
        if self.extents.len() == EXTENTS_MAX {
            return None;
        }
        self.extents.push((offset, length));
        Some(())
    }
}

/// Key and value of the first record, and what follows it.
fn record(records: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let blank = memchr::memchr(b' ', records)?;
    let length = usize::try_from(decimal(&records[..blank])?).ok()?;
    let record = records.get(blank + 1..length)?.strip_suffix(b"\n")?;
    let equals = memchr::memchr(b'=', record)?;
    Some((&record[..equals], &record[equals + 1..], &records[length..]))
}

/// A number of decimal digits, below 2^63.
pub(super) fn decimal(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    let value = digits.iter().try_fold(0u64, |value, byte| match byte {
        b'0'..=b'9' => value.checked_mul(10)?.checked_add(u64::from(byte - b'0')),
        _ => None,
    })?;
    i64::try_from(value).is_ok().then_some(value)
}
