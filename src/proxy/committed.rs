//! After the commit point: the body has been ended towards the store, and nothing that happens to
//! the client may keep us from learning what the store made of it.

use std::sync::Arc;
use std::time::Duration;

use http::Response;
use hyper::body::Incoming;

use super::exchange::{Exchange, StoreFault};
use super::faults;
use super::journal::Journal;
use super::record::Termination;
use crate::net::budget::Reservation;

/// An exchange whose request has been committed, and the record that waits for its answer.
///
/// If the task that waits is dropped, because its client is gone or its connection was closed, the
/// wait goes on in a task of its own.
pub struct Committed(Option<Pending>);

struct Pending {
    exchange: Exchange,
    journal: Journal,
    patience: Duration,
    /// What the held body still occupies.
    _reservation: Option<Arc<Reservation>>,
}

impl Committed {
    /// Waits at most `patience` for the store's answer.
    pub fn new(
        exchange: Exchange,
        journal: Journal,
        patience: Duration,
        reservation: Option<Arc<Reservation>>,
    ) -> Self {
        Committed(Some(Pending { exchange, journal, patience, _reservation: reservation }))
    }

    /// The store's answer, and what is needed to pass it on and to write the record.
    pub async fn answer(
        mut self,
    ) -> Option<(Result<Response<Incoming>, StoreFault>, Exchange, Journal)> {
        faults::point("await answer");
        let pending = self.0.as_mut()?;
        let reply = pending.exchange.answer(pending.patience).await;
        let Pending { exchange, journal, .. } = self.0.take()?;
        Some((reply, exchange, journal))
    }
}

impl Drop for Committed {
    fn drop(&mut self) {
        let Some(pending) = self.0.take() else { return };
        let ended_by = match std::thread::panicking() {
            true => Termination::Panic,
            false => Termination::ClientAnswer,
        };
        // Outside a runtime the process is ending; the journal then says that nobody knows.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(pending.wait_alone(ended_by));
        }
    }
}

impl Pending {
    /// `ended_by` is why nobody else waits.
    async fn wait_alone(mut self, ended_by: Termination) {
        faults::point("alone");
        match self.exchange.answer(self.patience).await {
            Ok(response) => {
                self.journal.store_answered(response.status(), response.headers());
                self.journal.finish(ended_by);
            }
            Err(_) => self.journal.finish(Termination::Unknown),
        }
    }
}
