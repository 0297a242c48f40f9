//! The way from a request to the audit writer.
//!
//! A place in the queue is reserved when a request starts, so that its record always has where to
//! go: a queue that is full is met before the upload, not after it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arc_swap::ArcSwap;
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;

use super::{NodeFacts, Record};

/// Why no place can be reserved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuditFault {
    /// As many records are on their way as there are places.
    #[error("the audit queue is full")]
    Full,
    /// The writer has ended.
    #[error("the audit writer has ended")]
    Ended,
}

/// Where requests file their records. Cheap to clone.
#[derive(Clone, Debug)]
pub struct AuditPort {
    queue: mpsc::Sender<Filed>,
    healthy: Arc<AtomicBool>,
    node: Arc<ArcSwap<NodeFacts>>,
}

/// The other end of an [`AuditPort`].
#[derive(Debug)]
pub struct AuditFeed {
    /// Records in the order in which they were committed.
    pub queue: mpsc::Receiver<Filed>,
    /// What [`AuditPort::healthy`] tells.
    pub healthy: Arc<AtomicBool>,
}

/// A record and the facts of the node that were in force when its request started.
#[derive(Clone, Debug)]
pub struct Filed {
    /// The record. In a box of its own, so that no queue moves it.
    pub record: Box<Record>,
    /// The facts.
    pub node: Arc<NodeFacts>,
}

impl AuditPort {
    /// A queue with `slots` places, at least one: as many requests can be under way or waiting to
    /// be written.
    pub fn new(slots: usize, node: NodeFacts) -> (AuditPort, AuditFeed) {
        let (sender, receiver) = mpsc::channel(slots.max(1));
        let healthy = Arc::new(AtomicBool::new(true));
        let node = Arc::new(ArcSwap::from_pointee(node));
        let port = AuditPort { queue: sender, healthy: healthy.clone(), node };
        (port, AuditFeed { queue: receiver, healthy })
    }

    /// Reserves the place of one record.
    ///
    /// # Errors
    /// See [`AuditFault`]; neither waits.
    pub fn try_reserve(&self) -> Result<AuditSlot, AuditFault> {
        match self.queue.clone().try_reserve_owned() {
            Ok(permit) => Ok(AuditSlot { permit, node: self.node.load_full() }),
            Err(TrySendError::Full(_)) => Err(AuditFault::Full),
            Err(TrySendError::Closed(_)) => Err(AuditFault::Ended),
        }
    }

    /// Whether records reach the disk as far as is known.
    pub fn healthy(&self) -> bool {
        self.healthy.load(Ordering::Relaxed)
    }

    /// Whether no place is reserved, and the writer has taken every record.
    pub fn is_idle(&self) -> bool {
        self.queue.capacity() == self.queue.max_capacity()
    }

    /// The facts about the node that records tell now.
    pub fn node(&self) -> Arc<NodeFacts> {
        self.node.load_full()
    }

    /// Changes what the records of requests that start from now on say about the node.
    pub fn set_node(&self, node: NodeFacts) {
        self.node.store(Arc::new(node));
    }
}

/// The reserved place of one record. Dropped, it is free again and nothing is written.
#[derive(Debug)]
pub struct AuditSlot {
    permit: mpsc::OwnedPermit<Filed>,
    node: Arc<NodeFacts>,
}

impl AuditSlot {
    /// Files the record. Never waits and never fails.
    pub fn commit(self, record: impl Into<Box<Record>>) {
        let record = record.into();
        self.permit.send(Filed { record, node: self.node });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::SystemTime;

    fn record(id: &str) -> Record {
        Record::new(id, SystemTime::UNIX_EPOCH)
    }

    #[test]
    fn a_slot_is_a_place_in_the_queue() {
        let (port, mut feed) = AuditPort::new(2, NodeFacts::default());
        let (first, second) = (port.try_reserve().unwrap(), port.try_reserve().unwrap());
        assert_eq!(port.try_reserve().unwrap_err(), AuditFault::Full);
        drop(first);
        let third = port.try_reserve().unwrap();
        second.commit(record("a"));
        assert_eq!(port.try_reserve().unwrap_err(), AuditFault::Full);
        assert_eq!(feed.queue.try_recv().unwrap().record.request_id, "a");
        port.try_reserve().unwrap().commit(record("b"));
        third.commit(record("c"));
        assert_eq!(feed.queue.try_recv().unwrap().record.request_id, "b");
    }

    #[test]
    fn an_ended_writer_takes_what_was_reserved_and_no_more() {
        let (port, mut feed) = AuditPort::new(2, NodeFacts::default());
        let slot = port.try_reserve().unwrap();
        feed.queue.close();
        assert_eq!(port.try_reserve().unwrap_err(), AuditFault::Ended);
        slot.commit(record("a"));
        assert_eq!(feed.queue.try_recv().unwrap().record.request_id, "a");
    }

    #[test]
    fn a_record_keeps_the_facts_of_its_start() {
        let (port, mut feed) = AuditPort::new(1, NodeFacts::default());
        let slot = port.try_reserve().unwrap();
        port.set_node(NodeFacts { config_hash: "new".into(), ..NodeFacts::default() });
        slot.commit(record("a"));
        assert_eq!(feed.queue.try_recv().unwrap().node.config_hash, "");
        port.try_reserve().unwrap().commit(record("b"));
        assert_eq!(feed.queue.try_recv().unwrap().node.config_hash, "new");
    }
}
