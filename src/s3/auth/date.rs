//! Dates of requests.

use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimeParser;

use super::super::sigv4::Stamp;

/// Reads the value of a `Date` or `x-amz-date` header: SigV4's stamp, or a date as in mails, which
/// HTTP's preferred format is one of.
pub(super) fn parse(text: &str) -> Option<SystemTime> {
    match Stamp::parse(text) {
        Some(stamp) => stamp.moment(),
        None => {
            // A wrong weekday changes nothing about the moment.
            let parser = DateTimeParser::new().relaxed_weekday(true);
            Some(parser.parse_timestamp(text).ok()?.into())
        }
    }
}

/// A moment as error answers have it: `2013-05-24T00:00:00Z`.
pub(super) fn iso(moment: SystemTime) -> String {
    let moment = Timestamp::try_from(moment).unwrap_or_default();
    moment.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// How far apart two moments are.
pub(super) fn distance(one: SystemTime, other: SystemTime) -> Duration {
    one.duration_since(other).unwrap_or_else(|error| error.duration())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_read_as_clients_write_them() {
        let moment = Stamp::parse("20070327T193642Z").unwrap().moment();
        for text in [
            "20070327T193642Z",
            "Tue, 27 Mar 2007 19:36:42 +0000",
            "Tue, 27 Mar 2007 19:36:42 GMT",
            "Tue, 27 Mar 2007 21:36:42 +0200",
            "27 Mar 2007 19:36:42 +0000",
            "Mon, 27 Mar 2007 19:36:42 GMT",
        ] {
            assert_eq!(parse(text), moment, "{text}");
        }
        assert_eq!(iso(moment.unwrap()), "2007-03-27T19:36:42Z");
        for text in
            ["", "yesterday", "20070332T193642Z", "20070327T253642Z", "2007-03-27T19:36:42Z", "0"]
        {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
