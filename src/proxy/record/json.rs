//! Records as lines of JSON.

use std::fmt::Write as _;
use std::net::IpAddr;
use std::time::SystemTime;

use hmac::{Hmac, KeyInit, Mac};
use serde::Serialize;
use sha2::Sha256;

use super::{Auth, Key, NodeFacts, Record, Shape, VerdictWord};
use crate::digest::Algorithm;
use crate::policy::Mode;

impl Record {
    /// The record as one line of JSON, without a newline.
    ///
    /// `keyed` is used by [`Shape::Keyed`] alone; without it that shape is the minimal one.
    pub fn to_json(&self, shape: Shape, node: &NodeFacts, keyed: Option<&Key>) -> String {
        let mut line = Line::new();
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
        line.finish()
    }

    fn write_full(&self, node: &NodeFacts, line: &mut Line) {
        line.put("time", rfc3339_millis(self.started));
        line.put("node", node.node.as_str());
        line.put("build", node.build.as_str());
        line.put("config_hash", node.config_hash.as_str());
        line.put("request_id", self.request_id.as_str());
        line.put("store_request_id", self.store_request_id.as_deref());
        line.put("client", self.client.map(printed));
        line.put("access_key", self.access_key.as_deref());
        line.put("auth", self.auth.map(Auth::name));
        line.put("operation", self.operation);
        line.put("bucket", self.bucket.as_deref());
        line.put("key", self.key.as_deref());
        line.put("upload_id", self.upload_id.as_deref());
        line.put("bytes", self.bytes);
        for algorithm in Algorithm::ALL {
            line.put(algorithm.name(), self.digests.of(algorithm).map(|d| d.to_string()));
        }
        line.put("pdq", self.pdq.as_deref());
        line.put("verdict", self.verdict.map(VerdictWord::name));
        line.put("reason", self.reason);
        line.put("list", self.list.as_deref());
        line.put("entry", self.entry.as_deref());
        line.put("distance", self.distance);
        line.put("mode", self.mode.map(Mode::name));
        line.put("snapshot", self.snapshot.as_deref());
        line.put("status", self.status);
        line.put("etag", self.etag.as_deref());
        line.put("version_id", self.version_id.as_deref());
        self.write_end(line);
    }

    fn write_minimal(&self, node: &NodeFacts, line: &mut Line) {
        line.put("time", rfc3339_millis(self.started));
        line.put("node", node.node.as_str());
        line.put("request_id", self.request_id.as_str());
        line.put("store_request_id", self.store_request_id.as_deref());
        line.put("operation", self.operation);
        line.put("bucket", self.bucket.as_deref());
        line.put("bytes", self.bytes);
        line.put("verdict", self.verdict.map(VerdictWord::name));
        // Without this word an upload that nobody looked at would read as one that was judged.
        if self.mode == Some(Mode::Off) {
            line.put("mode", Mode::Off.name());
        }
        line.put("snapshot", self.snapshot.as_deref());
        line.put("status", self.status);
        self.write_end(line);
    }

    fn write_end(&self, line: &mut Line) {
        line.put("termination", self.termination.name());
        line.put("duration_ms", u64::try_from(self.duration.as_millis()).unwrap_or(u64::MAX));
    }

    fn write_keyed(&self, key: &Key, line: &mut Line) {
        let keyed = |field: &str, value: &[u8]| keyed_hash(key, field, value);
        for algorithm in Algorithm::ALL {
            let digest = self.digests.of(algorithm);
            let value = digest.map(|d| keyed(algorithm.name(), d.as_bytes()));
            line.put(&format!("{algorithm}_keyed"), value);
        }
        line.put("key_keyed", self.key.as_ref().map(|k| keyed("key", k.as_bytes())));
        let client = self.client.map(printed);
        line.put("client_keyed", client.map(|c| keyed("client", c.as_bytes())));
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
    let timestamp = jiff::Timestamp::try_from(moment).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    format!("{timestamp:.3}")
}

/// An IPv4 client of a dual-stack listener is the same client.
fn printed(address: IpAddr) -> String {
    address.to_canonical().to_string()
}

/// A JSON object that keeps the order in which its members are put.
struct Line(Vec<u8>);

impl Line {
    fn new() -> Self {
        // A full record of an ordinary request takes about this.
        let mut text = Vec::with_capacity(1024);
        text.push(b'{');
        Line(text)
    }

    fn put(&mut self, name: &str, value: impl Serialize) {
        let before = if self.0.len() > 1 { ",\"" } else { "\"" };
        for part in [before, name, "\":"] {
            self.0.extend_from_slice(part.as_bytes());
        }
        let _ = serde_json::to_writer(&mut self.0, &value); // a Vec takes everything
    }

    fn finish(mut self) -> String {
        self.0.push(b'}');
        String::from_utf8(self.0).unwrap_or_default() // JSON is UTF-8
    }
}
