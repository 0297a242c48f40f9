//! The thread that writes.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use tokio::runtime;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{MissedTickBehavior, interval};

use super::sink::Sink;
use super::{AuditSettings, Order};
use crate::proxy::meters::Meters;
use crate::proxy::record::{AuditFeed, Filed, Shape};

/// Records that are written together, if so many wait.
const BATCH_MAX: usize = 256;

/// How long records are gathered after a write: waking this thread and writing for each single one
/// would cost a tenth of a small upload.
const GATHERING: Duration = Duration::from_millis(10);

/// How often what could not be written is tried again, and ages are looked at.
const RETRY_PERIOD: Duration = Duration::from_secs(1);

/// Starts the thread. The receiver tells when it has ended.
pub(super) fn start(
    settings: AuditSettings,
    feed: AuditFeed,
    orders: mpsc::Receiver<Order>,
    meters: &Meters,
) -> io::Result<oneshot::Receiver<()>> {
    let runtime = runtime::Builder::new_current_thread().enable_time().build()?;
    let mut writer = Writer::new(settings, feed.healthy.clone(), meters);
    // Whether the files can be opened is known before the first request comes.
    writer.flush();
    let (ended, when_ended) = oneshot::channel();
    std::thread::Builder::new().name("audit".into()).spawn(move || {
        runtime.block_on(serve(&mut writer, feed, orders));
        writer.end();
        let _ = ended.send(()); // nobody may be waiting
    })?;
    Ok(when_ended)
}

/// Ends when nobody can give orders any more and every reserved place is used or free.
async fn serve(writer: &mut Writer, mut feed: AuditFeed, mut orders: mpsc::Receiver<Order>) {
    let mut batch = Vec::with_capacity(BATCH_MAX);
    let mut retry = interval(RETRY_PERIOD);
    retry.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut ordered = true;
    loop {
        tokio::select! {
            count = feed.queue.recv_many(&mut batch, BATCH_MAX) => {
                if count == 0 {
                    return;
                }
                writer.write(batch.drain(..));
                if count < BATCH_MAX {
                    tokio::time::sleep(GATHERING).await;
                }
            }
            order = orders.recv(), if ordered => match order {
                Some(order) => {
                    // What was committed before the order, is written before it is answered.
                    writer.write(std::iter::from_fn(|| feed.queue.try_recv().ok()));
                    writer.obey(order);
                }
                None => {
                    ordered = false;
                    feed.queue.close();
                }
            },
            _ = retry.tick() => writer.flush(),
        }
    }
}

struct Writer {
    settings: AuditSettings,
    all: Sink,
    denials: Sink,
    /// Where a line is put together.
    line: Vec<u8>,
    healthy: Arc<AtomicBool>,
    healthy_gauge: Gauge,
    lost: Counter,
}

impl Writer {
    fn new(settings: AuditSettings, healthy: Arc<AtomicBool>, meters: &Meters) -> Self {
        Writer {
            all: Sink::new(settings.path.clone()),
            denials: Sink::new(settings.denials.clone()),
            settings,
            line: Vec::new(),
            healthy,
            healthy_gauge: meters.audit_healthy.clone(),
            lost: meters.audit_lost.clone(),
        }
    }

    fn write(&mut self, filed: impl Iterator<Item = Filed>) {
        for each in filed {
            self.push(&each);
        }
        self.flush();
    }

    fn push(&mut self, Filed { record, node }: &Filed) {
        let shape = record.shape(self.settings.passes);
        let line = &mut self.line;
        let mut kept = true;
        if record.is_denial() {
            record.write_line(Shape::Full, node, None, line);
            kept = self.denials.push(line);
        }
        record.write_line(shape, node, self.settings.key.as_ref(), line);
        // One record is lost once, though two files miss it.
        if !(self.all.push(line) && kept) {
            self.lost.inc();
        }
    }

    fn flush(&mut self) {
        let now = SystemTime::now();
        let outcomes = [self.all.flush(now), self.denials.flush(now)];
        let error = outcomes.into_iter().find_map(Result::err);
        let healthy = error.is_none();
        let was_healthy = self.healthy.swap(healthy, Ordering::Relaxed);
        self.healthy_gauge.set(i64::from(healthy));
        match error {
            Some(error) if was_healthy => tracing::error!(%error, "cannot write audit records"),
            Some(_) => {}
            None if !was_healthy => tracing::info!("audit records are written again"),
            None => {}
        }
    }

    fn obey(&mut self, order: Order) {
        let done = match order {
            Order::Flush(done) => done,
            Order::Note(line, done) => {
                let line = line.as_bytes();
                if !(self.denials.push(line) && self.all.push(line)) {
                    self.lost.inc();
                }
                done
            }
            Order::Reopen(done) => {
                self.all.reopen();
                self.denials.reopen();
                done
            }
            Order::Reconfigure(settings, done) => {
                self.all.reconfigure(settings.path.clone());
                self.denials.reconfigure(settings.denials.clone());
                self.settings = *settings;
                done
            }
        };
        self.flush();
        let _ = done.send(()); // nobody may be waiting
    }

    /// The last try; what still waits, is lost.
    fn end(&mut self) {
        self.flush();
        let lost = self.all.pending().max(self.denials.pending());
        if lost > 0 {
            tracing::error!(lost, "audit records could not be written before the end");
            self.lost.inc_by(lost as u64);
        }
    }
}
