//! Whether a new version of a list may replace the serving one without being asked for.

/// A new version has at least this share of the serving one's entries, in percent.
const SHARE_MIN_PERCENT: u128 = 80;
/// A new version has at most this share of the serving one's entries, in percent.
const SHARE_MAX_PERCENT: u128 = 200;

/// A new version of a list differs too much in size from the one that serves: a download that
/// broke off, or somebody's whole disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{new} entries where {serving} serve: outside {SHARE_MIN_PERCENT} % to {SHARE_MAX_PERCENT} %"
)]
pub struct ImplausibleSize {
    /// Entries of the serving version.
    pub serving: u64,
    /// Entries of the new version.
    pub new: u64,
}

/// Compares the number of entries of a new version with the serving one's.
///
/// # Errors
/// The new version has less than 80 % or more than 200 % of the serving one's entries.
pub fn check_size(serving: u64, new: u64) -> Result<(), ImplausibleSize> {
    let (old, share) = (u128::from(serving), u128::from(new) * 100);
    if share < old * SHARE_MIN_PERCENT || share > old * SHARE_MAX_PERCENT {
        return Err(ImplausibleSize { serving, new });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn four_fifths_and_twice_are_the_last_that_pass() {
        for (serving, new, passes) in [
            (100, 100, true),
            (100, 80, true),
            (100, 79, false),
            (100, 200, true),
            (100, 201, false),
            (0, 0, true),
            (0, 1, false),
            (1, 0, false),
            (u64::MAX, u64::MAX, true),
            (u64::MAX, 1, false),
        ] {
            assert_eq!(check_size(serving, new).is_ok(), passes, "{serving} -> {new}");
        }
    }

    #[test]
    fn the_error_says_the_numbers() {
        let error = check_size(1000, 10).unwrap_err();
        assert_eq!(error.to_string(), "10 entries where 1000 serve: outside 80 % to 200 %");
    }
}
