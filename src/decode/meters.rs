//! What the pool counts while it works. Names stand in `ops::metrics`.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;

/// Upper bounds of the buckets of seconds: a thumbnail, a photograph, a picture that takes its time.
pub const SECONDS_BUCKETS: [f64; 12] =
    [0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];

/// Why a worker ended before its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Ending {
    /// It took longer than it may.
    Time,
    /// It took more memory than it may.
    Memory,
    /// It crashed.
    Crash,
    /// It said what no worker says.
    Nonsense,
}

impl Ending {
    /// Every ending, in order.
    pub const ALL: [Ending; 4] = [Ending::Time, Ending::Memory, Ending::Crash, Ending::Nonsense];

    /// The word in metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Ending::Time => "time",
            Ending::Memory => "memory",
            Ending::Crash => "crash",
            Ending::Nonsense => "nonsense",
        }
    }
}

/// The label of an ending.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct EndingLabel {
    /// Its word.
    pub reason: &'static str,
}

/// Handles of the pool's figures.
#[derive(Clone, Debug)]
pub struct Meters {
    /// Images that were given to a worker.
    pub jobs: Counter,
    /// What a worker took for an image.
    pub seconds: Histogram,
    /// Workers that have an image.
    pub in_use: Gauge,
    /// Workers that there may be.
    pub workers: Gauge,
    /// Images that had to wait for a worker.
    pub waited: Counter,
    /// Images that no worker was free for in time.
    pub busy: Counter,
    /// Workers that ended before their time.
    pub killed: Family<EndingLabel, Counter>,
}

impl Default for Meters {
    fn default() -> Self {
        let meters = Meters {
            jobs: Counter::default(),
            seconds: Histogram::new(SECONDS_BUCKETS),
            in_use: Gauge::default(),
            workers: Gauge::default(),
            waited: Counter::default(),
            busy: Counter::default(),
            killed: Family::default(),
        };
        // Shown from the start, so that the first is seen as a rise.
        for ending in Ending::ALL {
            drop(meters.killed.get_or_create(&EndingLabel { reason: ending.name() }));
        }
        meters
    }
}

impl Meters {
    /// Counts a worker that ended before its time.
    pub fn count_killed(&self, ending: Ending) {
        self.killed.get_or_create(&EndingLabel { reason: ending.name() }).inc();
    }
}
