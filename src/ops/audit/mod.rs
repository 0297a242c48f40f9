//! The audit trail: one line of JSON for each upload, written by a thread of its own.
//!
//! ```text
//! request --AuditPort--> queue --writer thread--> path          every record
//!                                            \--> denials_path  denials and would-be denials again
//! ```
//!
//! A record that cannot be written waits in bounded memory and is tried again each second; while
//! one waits, [`AuditPort::healthy`] is false and policy decides what becomes of uploads.

mod files;
mod find;
mod key;
mod segment;
mod sink;
mod writer;

use std::io;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use tokio::sync::{mpsc, oneshot};

use crate::config::Passes;
use crate::proxy::meters::Meters;
use crate::proxy::record::{AuditPort, Key, NodeFacts, rfc3339_millis};

pub use find::find;
pub use key::load_or_create_key;

/// Where records go and how long they stay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditSettings {
    /// Every record.
    pub path: Retained,
    /// Denials and would-be denials again.
    pub denials: Retained,
    /// What is kept about uploads that pass.
    pub passes: Passes,
    /// The secret of keyed hashes; needed by [`Passes::Keyed`] alone.
    pub key: Option<Key>,
}

/// A file that is rotated and whose rotated segments expire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retained {
    /// The segment that is written. Rotated ones lie beside it, with a time and number appended.
    pub path: PathBuf,
    /// A segment that has grown to this many bytes is rotated.
    pub rotate_bytes: u64,
    /// A segment that has got this old is rotated.
    pub rotate_after: Duration,
    /// A rotated segment is removed this long after its last record.
    pub retention: Duration,
}

/// The running writer. Dropped, it ends when all reserved places are used or free.
#[derive(Debug)]
pub struct Audit {
    port: AuditPort,
    orders: mpsc::Sender<Order>,
    ended: oneshot::Receiver<()>,
}

/// What the writer is told besides records. Each is answered when it has been done.
#[derive(Debug)]
enum Order {
    /// Everything committed so far has been written, or has met an error.
    Flush(oneshot::Sender<()>),
    /// A line about an operator's act, for both files.
    Note(String, oneshot::Sender<()>),
    /// As `Flush`, then both files are closed and opened by name again.
    Reopen(oneshot::Sender<()>),
    /// As `Reopen`, by other settings.
    Reconfigure(Box<AuditSettings>, oneshot::Sender<()>),
}

/// How often a process on its way out looks whether requests still hold places.
const SETTLING: Duration = Duration::from_millis(10);

/// Orders that may wait for the writer: they come from signals and operators.
const ORDERS_MAX: usize = 8;

impl Audit {
    /// Starts the writer with `slots` places for records. Files that cannot be opened are no error
    /// here: the port is unhealthy until they can.
    ///
    /// # Errors
    /// The thread cannot be started.
    pub fn start(
        settings: AuditSettings,
        slots: usize,
        node: NodeFacts,
        meters: &Meters,
    ) -> io::Result<Audit> {
        let (port, feed) = AuditPort::new(slots, node);
        let (orders, received) = mpsc::channel(ORDERS_MAX);
        let ended = writer::start(settings, feed, received, meters)?;
        Ok(Audit { port, orders, ended })
    }

    /// Where requests file their records.
    pub fn port(&self) -> AuditPort {
        self.port.clone()
    }

    /// Writes down an operator's act, in both files: acts that weaken the gate are kept as long as
    /// denials are.
    pub async fn note(&self, act: &str, what: impl serde::Serialize) {
        let time = rfc3339_millis(SystemTime::now());
        let node = self.port.node();
        let (name, build, config_hash) = (&node.node, &node.build, &node.config_hash);
        let line = serde_json::json!({
            "time": time, "node": name, "build": build, "config_hash": config_hash,
            "act": act, "what": what,
        });
        self.order(|done| Order::Note(format!("{line}\n"), done)).await;
    }

    /// Waits until everything committed so far has been written or has met an error.
    pub async fn flush(&self) {
        self.order(Order::Flush).await;
    }

    /// Waits until no request holds a place any more and every record has been written or has met
    /// an error.
    pub async fn settled(&self) {
        while !self.port.is_idle() {
            tokio::time::sleep(SETTLING).await;
        }
        self.flush().await;
    }

    /// Opens both files by name again: after SIGHUP, when somebody has renamed them.
    pub async fn reopen(&self) {
        self.order(Order::Reopen).await;
    }

    /// Goes on with other settings and, for requests from now on, other facts about the node.
    pub async fn reconfigure(&self, settings: AuditSettings, node: NodeFacts) {
        self.port.set_node(node);
        self.order(|done| Order::Reconfigure(Box::new(settings), done)).await;
    }

    async fn order(&self, order: impl FnOnce(oneshot::Sender<()>) -> Order) {
        let (done, when_done) = oneshot::channel();
        if self.orders.send(order(done)).await.is_ok() {
            // An error is a writer that has ended, which has flushed.
            let _ = when_done.await;
        }
    }

    /// Takes no more reservations, and waits until the records of all reserved places are written
    /// or `timeout` has passed. False if it has.
    pub async fn shutdown(self, timeout: Duration) -> bool {
        drop(self.orders);
        tokio::time::timeout(timeout, self.ended).await.is_ok()
    }
}

#[cfg(test)]
mod tests;
