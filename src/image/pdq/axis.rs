//! The blur and the sampling along one side of a picture, as sparse weights.
//!
//! Two passes of a box mean, sampled at 64 points, are a linear map; along each side it takes a
//! sample from some 1/64 of the side, and neighbouring samples hardly overlap. Computed once as
//! weights, it reads each pixel once, where the filter as described writes full-size planes. What
//! maps positions to other positions (a resize by nearest neighbour, a mirror, a crop, a reflected
//! margin, block means) maps weights as well, so that all of them cost nothing extra.

use super::GRID;

/// Both sides of what Meta's command line hashes, once a side exceeds it.
pub(super) const RESIZED_SIDE: usize = 512;

/// Which positions along one stored side a hash is taken of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Side {
    /// The stored length in pixels; at least 1.
    pub(crate) stored: usize,
    /// Where the hashed part begins; what lies outside the picture is its reflection.
    pub(crate) from: isize,
    /// Pixels of the hashed part; at least 1.
    pub(crate) length: usize,
    /// Whether it is read backwards.
    pub(crate) flipped: bool,
    /// Whether it is first resized to 512 pixels, by nearest neighbour as CImg does.
    pub(crate) resized: bool,
    /// Pixels of which one value holds the mean; 1 if there is a value for each pixel.
    pub(crate) block: usize,
}

impl Side {
    pub(crate) const fn whole(stored: usize) -> Self {
        Side { stored, from: 0, length: stored, flipped: false, resized: false, block: 1 }
    }

    /// Positions that the filter runs over.
    fn filtered(&self) -> usize {
        if self.resized { RESIZED_SIDE } else { self.length }
    }

    /// The value behind a filtered position.
    fn value_at(&self, position: usize) -> usize {
        let position = if self.resized { position * self.length / RESIZED_SIDE } else { position };
        let position = if self.flipped { self.length - 1 - position } else { position };
        let (at, stored) = (self.from + position as isize, self.stored as isize);
        // Reflected at the edges, the edge pixel itself included: period 2 * stored. Few positions lie
        // outside, and the division costs more than all else here.
        let folded = if (0..stored).contains(&at) { at } else { at.rem_euclid(2 * stored) };
        let pixel = if folded < stored { folded } else { 2 * stored - 1 - folded };
        pixel as usize / self.block
    }
}

/// The weights of one sample: of the values from `start` on.
#[derive(Clone, Debug)]
pub(super) struct Taps {
    pub(super) start: usize,
    pub(super) weights: Vec<f32>,
}

impl Taps {
    /// The first value that has no weight any more.
    pub(super) fn end(&self) -> usize {
        self.start + self.weights.len()
    }
}

/// The box around one position: `behind` values before it and `ahead` after it, cut at the ends.
///
/// Half a sample wide, since two passes widen it again; of even width, the odd one lies ahead.
#[derive(Clone, Copy)]
struct Window {
    behind: usize,
    ahead: usize,
    length: usize,
}

impl Window {
    fn of(length: usize) -> Self {
        let width = length.div_ceil(2 * GRID);
        Window { behind: (width - 1) / 2, ahead: width / 2, length }
    }

    fn around(&self, position: usize) -> std::ops::Range<usize> {
        position.saturating_sub(self.behind)..self.length.min(position + self.ahead + 1)
    }

    /// Where the weights of the sample there begin, and what they are.
    fn weights(&self, centre: usize) -> (usize, Vec<f64>) {
        let outer = self.around(centre);
        let from = self.around(outer.start).start;
        let to = self.around(outer.end - 1).end;
        // Each mean adds to a run of weights: differences first, then their running sum.
        let mut weights = vec![0.0_f64; to - from + 1];
        for position in outer.clone() {
            let inner = self.around(position);
            let share = 1.0 / (outer.len() * inner.len()) as f64;
            weights[inner.start - from] += share;
            weights[inner.end - from] -= share;
        }
        weights.pop();
        let mut sum = 0.0;
        weights.iter_mut().for_each(|weight| {
            sum += *weight;
            *weight = sum;
        });
        (from, weights)
    }

    /// Whether an end of the side cuts those weights.
    fn is_cut(&self, centre: usize) -> bool {
        centre < 2 * self.behind || centre + 2 * self.ahead >= self.length
    }
}

/// The weights of all 64 samples along one side.
pub(super) fn taps(side: Side) -> Vec<Taps> {
    let length = side.filtered();
    let window = Window::of(length);
    // Weights that no end cuts are the same for all samples.
    let mut uncut: Option<Vec<f64>> = None;
    let mut scratch = (Vec::new(), Vec::new());
    let centres = (0..GRID).map(|i| (2 * i + 1) * length / (2 * GRID));
    let taps = centres.map(|centre| {
        if window.is_cut(centre) {
            let (from, weights) = window.weights(centre);
            return folded(side, from, &weights, &mut scratch);
        }
        let weights = uncut.get_or_insert_with(|| window.weights(centre).1);
        folded(side, centre - 2 * window.behind, weights, &mut scratch)
    });
    taps.collect()
}

/// Adds up the weights of positions that show the same value.
fn folded(
    side: Side,
    from: usize,
    weights: &[f64],
    (places, sums): &mut (Vec<usize>, Vec<f64>),
) -> Taps {
    places.clear();
    places.extend((from..from + weights.len()).map(|position| side.value_at(position)));
    let ends = places.iter().fold((usize::MAX, 0), |ends, &at| (ends.0.min(at), ends.1.max(at)));
    let (start, last) = ends;
    sums.clear();
    sums.resize(last - start + 1, 0.0);
    for (place, weight) in places.iter().zip(weights) {
        sums[place - start] += weight;
    }
    Taps { start, weights: sums.iter().map(|sum| *sum as f32).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn side() -> impl Strategy<Value = Side> {
        (5_usize..700, -40_isize..40, -30_isize..60, any::<(bool, bool)>(), 1_usize..9).prop_map(
            |(stored, from, more, (flipped, resized), block)| Side {
                stored,
                from,
                length: stored.saturating_add_signed(more).max(5),
                flipped,
                resized,
                block,
            },
        )
    }

    proptest! {
        #[test]
        fn weights_are_a_mean_of_values_that_are_there(side in side()) {
            let taps = taps(side);
            prop_assert_eq!(taps.len(), GRID);
            for tap in &taps {
                prop_assert!(tap.end() <= side.stored.div_ceil(side.block));
                prop_assert!((tap.weights.iter().sum::<f32>() - 1.0).abs() < 1e-4);
                prop_assert!(tap.weights.iter().all(|weight| *weight > -1e-6));
            }
        }

        /// Those that no end cuts are computed once.
        #[test]
        fn each_sample_has_the_weights_of_its_place(side in side()) {
            let (length, window) = (side.filtered(), Window::of(side.filtered()));
            for (i, tap) in taps(side).into_iter().enumerate() {
                let (from, weights) = window.weights((2 * i + 1) * length / (2 * GRID));
                let alone = folded(side, from, &weights, &mut (Vec::new(), Vec::new()));
                prop_assert_eq!((tap.start, tap.weights), (alone.start, alone.weights));
            }
        }

        #[test]
        fn reading_backwards_twice_is_reading(side in side()) {
            let back = Side { flipped: !side.flipped, ..side };
            for position in 0..side.length.min(RESIZED_SIDE) {
                let mirrored = side.length - 1 - position;
                let there = Side { resized: false, ..side }.value_at(position);
                prop_assert_eq!(there, Side { resized: false, ..back }.value_at(mirrored));
            }
        }
    }

    #[test]
    fn what_lies_outside_is_the_reflection() {
        let side = Side { from: -3, length: 11, ..Side::whole(5) };
        let seen: Vec<usize> = (0..11).map(|position| side.value_at(position)).collect();
        assert_eq!(seen, [2, 1, 0, 0, 1, 2, 3, 4, 4, 3, 2]);
    }

    #[test]
    fn nearest_neighbour_rounds_down() {
        let side = Side { resized: true, ..Side::whole(1000) };
        assert_eq!([0, 1, 2, 511].map(|position| side.value_at(position)), [0, 1, 3, 998]);
    }
}
