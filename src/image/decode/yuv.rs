//! From luma and chroma to red, green and blue.

/// How luma is made of red and blue; the rest is green.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Matrix {
    pub(super) red: f32,
    pub(super) blue: f32,
}

impl Matrix {
    /// ITU-R BT.601, which JPEG uses.
    pub(super) const BT601: Matrix = Matrix { red: 0.299, blue: 0.114 };
    /// ITU-R BT.709.
    pub(super) const BT709: Matrix = Matrix { red: 0.2126, blue: 0.0722 };
    /// ITU-R BT.2020.
    pub(super) const BT2020: Matrix = Matrix { red: 0.2627, blue: 0.0593 };

    /// Luma in 0.0..=255.0, chroma around 0.0.
    pub(super) fn rgb(self, luma: f32, blue: f32, red: f32) -> [u8; 3] {
        let r = luma + 2.0 * (1.0 - self.red) * red;
        let b = luma + 2.0 * (1.0 - self.blue) * blue;
        let g = (luma - self.red * r - self.blue * b) / (1.0 - self.red - self.blue);
        // A cast saturates.
        [r, g, b].map(|channel| (channel + 0.5) as u8)
    }
}

/// By JPEG's matrix.
pub(super) fn rgb_of_ycc(luma: f32, blue: f32, red: f32) -> [u8; 3] {
    Matrix::BT601.rgb(luma, blue, red)
}

/// From samples of so many bits, in full or studio range, to 0.0..=255.0.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Scale {
    offset: f32,
    factor: f32,
    middle: f32,
    chroma_factor: f32,
}

impl Scale {
    pub(super) fn of(bits: u32, full: bool) -> Scale {
        let step = 2.0_f32.powi(bits as i32 - 8);
        let highest = 2.0_f32.powi(bits as i32) - 1.0;
        let middle = 128.0 * step;
        if full {
            let factor = 255.0 / highest;
            return Scale { offset: 0.0, factor, middle, chroma_factor: factor };
        }
        // ITU-R BT.601 and its successors: luma from 16 to 235, chroma of 224 steps.
        let (factor, chroma_factor) = (255.0 / (219.0 * step), 255.0 / (224.0 * step));
        Scale { offset: 16.0 * step, factor, middle, chroma_factor }
    }

    pub(super) fn luma(self, sample: f32) -> f32 {
        (sample - self.offset) * self.factor
    }

    /// Luma as a byte.
    pub(super) fn byte(self, sample: f32) -> u8 {
        // A cast saturates.
        (self.luma(sample) + 0.5) as u8
    }

    pub(super) fn chroma(self, sample: f32) -> f32 {
        (sample - self.middle) * self.chroma_factor
    }
}
