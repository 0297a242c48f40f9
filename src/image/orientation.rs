//! How a stored picture is to be turned before it is shown.

/// The orientation tag of TIFF and EXIF (TIFF 6.0, "Orientation"; EXIF 2.32 §4.6.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Orientation {
    /// 1: as stored.
    #[default]
    Upright,
    /// 2: mirrored left to right.
    MirroredLeftRight,
    /// 3: turned by half.
    HalfTurn,
    /// 4: mirrored top to bottom.
    MirroredTopBottom,
    /// 5: rows and columns swapped.
    Transposed,
    /// 6: to be turned clockwise by a quarter.
    QuarterTurn,
    /// 7: mirrored across the other diagonal.
    Transversed,
    /// 8: to be turned anticlockwise by a quarter.
    QuarterTurnBack,
}

impl Orientation {
    /// Every orientation, in the order of the tag's values from 1 on.
    pub const ALL: [Orientation; 8] = [
        Orientation::Upright,
        Orientation::MirroredLeftRight,
        Orientation::HalfTurn,
        Orientation::MirroredTopBottom,
        Orientation::Transposed,
        Orientation::QuarterTurn,
        Orientation::Transversed,
        Orientation::QuarterTurnBack,
    ];

    /// By the tag's value, 1..=8; viewers show anything else as stored.
    pub fn of_tag(value: u16) -> Orientation {
        let index = usize::from(value).wrapping_sub(1);
        Orientation::ALL.get(index).copied().unwrap_or_default()
    }

    /// Whether stored columns are read backwards, stored rows are, and both change places then.
    pub(crate) const fn steps(self) -> (bool, bool, bool) {
        match self {
            Orientation::Upright => (false, false, false),
            Orientation::MirroredLeftRight => (true, false, false),
            Orientation::HalfTurn => (true, true, false),
            Orientation::MirroredTopBottom => (false, true, false),
            Orientation::Transposed => (false, false, true),
            Orientation::QuarterTurn => (false, true, true),
            Orientation::Transversed => (true, true, true),
            Orientation::QuarterTurnBack => (true, false, true),
        }
    }

    /// The orientation with these steps.
    pub(crate) fn of_steps(steps: (bool, bool, bool)) -> Orientation {
        Orientation::ALL.into_iter().find(|o| o.steps() == steps).unwrap_or_default()
    }

    /// Width and height as shown, of those as stored.
    pub fn shown(self, width: u32, height: u32) -> (u32, u32) {
        if self.steps().2 { (height, width) } else { (width, height) }
    }
}
