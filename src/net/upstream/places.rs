//! A store's addresses: whose turn it is, which are left aside, and what is kept for each.
//!
//! Pure: the time is told. Health is passive, as HAProxy's `observe layer4` has it: what becomes of
//! connections says how an address is, and nothing is asked of it for that purpose alone.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// How long an address is left aside after its first failure.
const ASIDE_MIN: Duration = Duration::from_secs(1);

/// And how long at most: the longest that a store which is back goes unused.
const ASIDE_MAX: Duration = Duration::from_secs(30);

/// Addresses that a name may have; further ones are not used.
const PLACES_MAX: usize = 64;

/// The addresses, each with what is kept for it (idle connections).
#[derive(Debug)]
pub(super) struct Places<T> {
    places: Vec<Place<T>>,
    /// Counts turns; which place it is, the number of those that are well says.
    turn: usize,
}

#[derive(Debug)]
struct Place<T> {
    address: SocketAddr,
    kept: Vec<T>,
    health: Health,
}

/// What is left of an address that can't be reached.
#[derive(Debug)]
pub(super) struct Unreached<T> {
    /// Whether it could be before.
    pub(super) is_new: bool,
    /// What was kept for it.
    pub(super) kept: Vec<T>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Health {
    Up,
    Aside {
        /// For the how manieth time in a row.
        times: u32,
        /// The last failure.
        since: Instant,
        /// When it is tried again.
        until: Instant,
    },
}

impl<T> Places<T> {
    /// No address yet.
    pub(super) fn new() -> Self {
        Places { places: Vec::new(), turn: 0 }
    }

    /// Whether there is no address.
    pub(super) fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// Takes these addresses. Those that stay keep their health and what is theirs; what was kept
    /// for those that go comes back.
    pub(super) fn set(&mut self, addresses: &[SocketAddr]) -> Vec<T> {
        let mut old = std::mem::take(&mut self.places);
        for &address in addresses {
            if self.places.iter().any(|place| place.address == address) {
                continue;
            }
            if self.places.len() == PLACES_MAX {
                break;
            }
            let known = old.iter().position(|place| place.address == address);
            let place = match known {
                Some(index) => old.swap_remove(index),
                None => Place { address, kept: Vec::new(), health: Health::Up },
            };
            self.places.push(place);
        }
        old.into_iter().flat_map(|place| place.kept).collect()
    }

    /// The last that was kept for the address whose turn it is. The turn passes if there was any.
    pub(super) fn take_next(&mut self) -> Option<T> {
        let turn = self.turn;
        let up = self.places.iter().filter(|place| place.health == Health::Up).count();
        let index = turn.checked_rem(up)?;
        let mut well = self.places.iter_mut().filter(|place| place.health == Health::Up);
        let taken = well.nth(index)?.kept.pop()?;
        self.turn = turn.wrapping_add(1);
        Some(taken)
    }

    /// The addresses that a new connection is tried at, in this order: those that are well, from the
    /// one whose turn it is, and then the others, those that failed longest ago first. The turn
    /// passes.
    pub(super) fn candidates(&mut self) -> Vec<SocketAddr> {
        let mut aside: Vec<(Instant, SocketAddr)> = Vec::new();
        let mut candidates: Vec<SocketAddr> = Vec::new();
        for place in &self.places {
            match place.health {
                Health::Up => candidates.push(place.address),
                Health::Aside { since, .. } => aside.push((since, place.address)),
            }
        }
        if let Some(first) = self.turn.checked_rem(candidates.len()) {
            candidates.rotate_left(first);
        }
        self.turn = self.turn.wrapping_add(1);
        aside.sort_by_key(|(since, _)| *since);
        candidates.extend(aside.into_iter().map(|(_, address)| address));
        candidates
    }

    /// The addresses whose time aside is over. The next one, twice as long, begins: so each is tried
    /// once, and whoever reaches it ends that time.
    pub(super) fn due(&mut self, now: Instant) -> Vec<SocketAddr> {
        let mut due = Vec::new();
        for place in &mut self.places {
            if let Health::Aside { times, since, until: over } = place.health
                && over <= now
            {
                due.push(place.address);
                let times = times.saturating_add(1);
                place.health = Health::Aside { times, since, until: now + aside(times) };
            }
        }
        due
    }

    /// An address can't be reached. What was kept for it comes back: it leads there too.
    ///
    /// Many connections fail together, so what fails while it is aside adds nothing to that.
    pub(super) fn failed(&mut self, address: SocketAddr, now: Instant) -> Unreached<T> {
        let Some(place) = self.find(address) else {
            return Unreached { is_new: false, kept: Vec::new() };
        };
        let is_new = place.health == Health::Up;
        place.health = match place.health {
            Health::Up => Health::Aside { times: 1, since: now, until: now + aside(1) },
            Health::Aside { times, until, .. } => Health::Aside { times, since: now, until },
        };
        Unreached { is_new, kept: std::mem::take(&mut place.kept) }
    }

    /// An address has been reached. Whether that is news.
    pub(super) fn reached(&mut self, address: SocketAddr) -> bool {
        let Some(place) = self.find(address) else { return false };
        std::mem::replace(&mut place.health, Health::Up) != Health::Up
    }

    /// What is kept for an address, if it still is one.
    pub(super) fn kept(&mut self, address: SocketAddr) -> Option<&mut Vec<T>> {
        self.find(address).map(|place| &mut place.kept)
    }

    /// What is kept for each address.
    pub(super) fn all_kept(&mut self) -> impl Iterator<Item = &mut Vec<T>> {
        self.places.iter_mut().map(|place| &mut place.kept)
    }

    /// How many things are kept.
    pub(super) fn kept_count(&self) -> usize {
        self.places.iter().map(|place| place.kept.len()).sum()
    }

    /// Every address, and whether it is well.
    pub(super) fn standing(&self) -> Vec<(SocketAddr, bool)> {
        let standing = |place: &Place<T>| (place.address, place.health == Health::Up);
        self.places.iter().map(standing).collect()
    }

    fn find(&mut self, address: SocketAddr) -> Option<&mut Place<T>> {
        self.places.iter_mut().find(|place| place.address == address)
    }
}

/// How long an address is left aside for the how manieth time in a row: each time twice as long.
fn aside(times: u32) -> Duration {
    let factor = 1_u32.checked_shl(times.saturating_sub(1)).unwrap_or(u32::MAX);
    ASIDE_MIN.saturating_mul(factor).min(ASIDE_MAX)
}

#[cfg(test)]
mod tests;
