//! Sizes ("64MiB") and durations ("10s"): a whole number and its unit, with nothing between.

use std::time::Duration;

/// 1024 bytes.
pub(super) const KIB: u64 = 1 << 10;
/// 1024 KiB.
pub(super) const MIB: u64 = 1 << 20;
/// 1024 MiB.
pub(super) const GIB: u64 = 1 << 30;
/// 1024 GiB.
pub(super) const TIB: u64 = 1 << 40;

/// A second, in milliseconds.
pub(super) const SECOND: u64 = 1000;
/// An hour, in milliseconds.
pub(super) const HOUR: u64 = 3600 * SECOND;
/// A day of 24 hours, in milliseconds.
pub(super) const DAY: u64 = 24 * HOUR;

/// Units, smallest first, each with what it counts.
type Units = [(&'static str, u64)];

const SIZES: &Units = &[("B", 1), ("KiB", KIB), ("MiB", MIB), ("GiB", GIB), ("TiB", TIB)];
const DURATIONS: &Units = &[("ms", 1), ("s", SECOND), ("m", 60 * SECOND), ("h", HOUR), ("d", DAY)];

/// Reads a size in bytes.
///
/// # Errors
/// A sentence for the operator. Decimal units are refused: half of all readers take "MB" for MiB.
pub(super) fn size(text: &str) -> Result<u64, String> {
    parse(text, SIZES, "64MiB").map_err(|message| {
        let unit = text.trim_start_matches(|c: char| c.is_ascii_digit());
        let ambiguous = ["k", "m", "g", "t", "kb", "mb", "gb", "tb"];
        if ambiguous.contains(&unit.to_ascii_lowercase().as_str()) {
            format!("{text:?} is ambiguous: write B, KiB, MiB, GiB or TiB")
        } else {
            message
        }
    })
}

/// Reads a duration, to the millisecond.
///
/// # Errors
/// A sentence for the operator.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    parse(text, DURATIONS, "10s").map(Duration::from_millis)
}

/// A size in the largest unit that tells it exactly.
pub(super) fn show_size(bytes: u64) -> String {
    show(bytes, SIZES)
}

/// A duration in the largest unit that tells it exactly.
pub(super) fn show_duration(duration: Duration) -> String {
    show_millis(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX))
}

/// As [`show_duration`], of milliseconds.
pub(super) fn show_millis(millis: u64) -> String {
    if millis == 0 { "0s".to_owned() } else { show(millis, DURATIONS) }
}

fn parse(text: &str, units: &Units, example: &str) -> Result<u64, String> {
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, unit) = text.split_at(digits);
    if number.is_empty() {
        return Err(format!("{text:?} is not a whole number with a unit, such as {example:?}"));
    }
    let Some(&(_, factor)) = units.iter().find(|(name, _)| *name == unit) else {
        let known: Vec<&str> = units.iter().map(|(name, _)| *name).collect();
        let known = known.join(", ");
        return Err(format!("{text:?} needs one of the units {known}, such as {example:?}"));
    };
    let number = number.parse::<u64>().ok();
    number.and_then(|n| n.checked_mul(factor)).ok_or_else(|| format!("{text:?} is too large"))
}

fn show(number: u64, units: &Units) -> String {
    let exact =
        units.iter().rev().find(|(_, factor)| number != 0 && number.is_multiple_of(*factor));
    let (name, factor) = exact.unwrap_or(&units[0]);
    format!("{}{name}", number / factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        for (text, expected) in [
            ("0B", Some(0)),
            ("1B", Some(1)),
            ("64KiB", Some(65536)),
            ("1GiB", Some(1 << 30)),
            ("16777215TiB", Some(16_777_215 << 40)),
            ("16777216TiB", None),
            ("18446744073709551615B", Some(u64::MAX)),
            ("18446744073709551616B", None),
            ("", None),
            ("B", None),
            ("64", None),
            ("64 KiB", None),
            (" 64KiB", None),
            ("64KiB ", None),
            ("-1B", None),
            ("+1B", None),
            ("1.5MiB", None),
            ("1e3B", None),
            ("64kib", None),
            ("64é", None),
        ] {
            assert_eq!(size(text).ok(), expected, "{text:?}");
        }
    }

    #[test]
    fn decimal_sizes_are_called_ambiguous() {
        for text in ["64k", "64K", "64kB", "64KB", "1M", "1MB", "1mb", "1GB", "1T"] {
            assert!(size(text).unwrap_err().contains("ambiguous"), "{text}");
        }
    }

    #[test]
    fn durations() {
        for (text, expected) in [
            ("0s", Some(0)),
            ("1ms", Some(1)),
            ("10s", Some(10_000)),
            ("15m", Some(900_000)),
            ("1h", Some(3_600_000)),
            ("90d", Some(7_776_000_000)),
            ("10", None),
            ("10S", None),
            ("10 s", None),
            ("1h30m", None),
            ("1w", None),
            ("0.5s", None),
            ("213503982334d", Some(213_503_982_334 * DAY)),
            ("213503982335d", None),
        ] {
            assert_eq!(duration(text).ok(), expected.map(Duration::from_millis), "{text:?}");
        }
    }

    #[test]
    fn showing_is_the_inverse_of_reading() {
        for bytes in [0, 1, 1023, KIB, KIB + 1, 3 * MIB, 5 * GIB, u64::MAX] {
            assert_eq!(size(&show_size(bytes)), Ok(bytes));
        }
        for millis in [0, 1, 999, SECOND, 90 * SECOND, HOUR, 90 * DAY, u64::MAX] {
            let duration_of = Duration::from_millis(millis);
            assert_eq!(duration(&show_duration(duration_of)), Ok(duration_of));
        }
        assert_eq!(show_size(64 * KIB), "64KiB");
        assert_eq!(show_size(0), "0B");
        assert_eq!(show_millis(0), "0s");
        assert_eq!(show_millis(90 * SECOND), "90s");
    }
}
