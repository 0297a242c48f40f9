//! Records as lines of JSON.

use std::fmt::Write as _;
use std::net::IpAddr;
use std::time::SystemTime;

use hmac::{Hmac, KeyInit, Mac};
use jiff::fmt::temporal::DateTimePrinter;
use serde::Serialize;
use sha2::Sha256;

use super::{Auth, Key, NodeFacts, Record, Shape, VerdictWord};
use crate::digest::Algorithm;
use crate::policy::Mode;

/// Puts a member whose name is known beforehand: its text is copied in one go.
macro_rules! put {
    ($line:ident, $name:literal, $value:expr) => {
        $line.put_behind(concat!(",\"", $name, "\":"), $value)
    };
}

impl Record {
    /// The record as one line of JSON, newline included, in place of what was in `text`.
    ///
    /// `keyed` is used by [`Shape::Keyed`] alone; without it that shape is the minimal one.
    pub fn write_line(
        &self,
        shape: Shape,
        node: &NodeFacts,
        keyed: Option<&Key>,
        text: &mut Vec<u8>,
    ) {
        let mut line = Line::new(text);
        match shape {
            Shape::Full => self.write_full(node, &mut line),
            Shape::Minimal => self.write_minimal(node, &mut line),
            Shape::Keyed => {
                self.write_minimal(node, &mut line);
                if let Some(key) = keyed {
                    self.write_keyed(key, &mut line);
                }
            }
        }
        line.finish();
    }

    fn write_full(&self, node: &NodeFacts, line: &mut Line) {
        put!(line, "time", rfc3339_millis(self.started));
        put!(line, "node", node.node.as_str());
        put!(line, "build", node.build.as_str());
        put!(line, "config_hash", node.config_hash.as_str());
        put!(line, "request_id", self.request_id.as_str());
        put!(line, "store_request_id", self.store_request_id.as_deref());
        put!(line, "client", self.client.map(printed));
        put!(line, "access_key", self.access_key.as_deref());
        put!(line, "auth", self.auth.map(Auth::name));
        put!(line, "operation", self.operation);
        put!(line, "bucket", self.bucket.as_deref());
        put!(line, "key", self.key.as_deref());
        put!(line, "upload_id", self.upload_id.as_deref());
        put!(line, "bytes", self.bytes);
        for algorithm in Algorithm::ALL {
            line.put(algorithm.name(), self.digests.of(algorithm).map(|d| d.to_string()));
        }
        put!(line, "pdq", self.pdq.as_deref());
        put!(line, "verdict", self.verdict.map(VerdictWord::name));
        put!(line, "reason", self.reason);
        put!(line, "list", self.list.as_deref());
        put!(line, "entry", self.entry.as_deref());
        put!(line, "distance", self.distance);
        put!(line, "mode", self.mode.map(Mode::name));
        put!(line, "snapshot", self.snapshot.as_deref());
        put!(line, "status", self.status);
        put!(line, "etag", self.etag.as_deref());
        put!(line, "version_id", self.version_id.as_deref());
        self.write_end(line);
    }

    fn write_minimal(&self, node: &NodeFacts, line: &mut Line) {
        put!(line, "time", rfc3339_millis(self.started));
        put!(line, "node", node.node.as_str());
        put!(line, "request_id", self.request_id.as_str());
        put!(line, "store_request_id", self.store_request_id.as_deref());
        put!(line, "operation", self.operation);
        put!(line, "bucket", self.bucket.as_deref());
        put!(line, "bytes", self.bytes);
        put!(line, "verdict", self.verdict.map(VerdictWord::name));
        // Without this word an upload that nobody looked at would read as one that was judged.
        if self.mode == Some(Mode::Off) {
            put!(line, "mode", Mode::Off.name());
        }
        put!(line, "snapshot", self.snapshot.as_deref());
        put!(line, "status", self.status);
        self.write_end(line);
    }

    fn write_end(&self, line: &mut Line) {
        put!(line, "termination", self.termination.name());
        put!(line, "duration_ms", u64::try_from(self.duration.as_millis()).unwrap_or(u64::MAX));
    }

    fn write_keyed(&self, key: &Key, line: &mut Line) {
        let keyed = |field: &str, value: &[u8]| keyed_hash(key, field, value);
        for algorithm in Algorithm::ALL {
            let digest = self.digests.of(algorithm);
            let value = digest.map(|d| keyed(algorithm.name(), d.as_bytes()));
            line.put(&format!("{algorithm}_keyed"), value);
        }
        put!(line, "key_keyed", self.key.as_ref().map(|k| keyed("key", k.as_bytes())));
        let client = self.client.map(printed);
        put!(line, "client_keyed", client.map(|c| keyed("client", c.as_bytes())));
    }
}

/// HMAC-SHA256 over the field's name, a zero byte and the value, cut to 128 bits, in hex.
///
/// The name keeps equal values of different fields apart. `value` is the digest's raw bytes, or
/// the text of the object key or address.
pub fn keyed_hash(key: &Key, field: &str, value: &[u8]) -> String {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&key.0) else {
        unreachable!("HMAC takes keys of any length")
    };
    mac.update(field.as_bytes());
    mac.update(&[0]);
    mac.update(value);
    let tag = mac.finalize().into_bytes();
    tag.iter().take(16).fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}"); // a String takes everything
        hex
    })
}

/// A moment as RFC 3339 in UTC with milliseconds; years outside 0..=9999 become the epoch.
pub fn rfc3339_millis(moment: SystemTime) -> String {
    const PRINTER: DateTimePrinter = DateTimePrinter::new().precision(Some(3));
    let timestamp = jiff::Timestamp::try_from(moment).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    PRINTER.timestamp_to_string(&timestamp)
}

/// An IPv4 client of a dual-stack listener is the same client.
fn printed(address: IpAddr) -> String {
    address.to_canonical().to_string()
}

/// A JSON object that keeps the order in which its members are put.
struct Line<'a>(&'a mut Vec<u8>);

impl<'a> Line<'a> {
    fn new(text: &'a mut Vec<u8>) -> Self {
        text.clear();
        text.push(b'{');
        Line(text)
    }

    fn put(&mut self, name: &str, value: impl Serialize) {
        self.put_behind(&format!(",\"{name}\":"), value);
    }

    /// `name` with what stands around it where it is not the first.
    #[inline]
    fn put_behind(&mut self, name: &str, value: impl Serialize) {
        let skipped = usize::from(self.0.len() == 1);
        self.0.extend_from_slice(&name.as_bytes()[skipped..]);
        let _ = serde_json::to_writer(&mut *self.0, &value); // a Vec takes everything
    }

    fn finish(self) {
        self.0.extend_from_slice(b"}\n");
    }
}
