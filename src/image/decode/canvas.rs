//! Composes the frames of an animation.

/// A rectangle of the canvas; it may reach beyond.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Area {
    pub(super) left: u32,
    pub(super) top: u32,
    pub(super) width: u32,
    pub(super) height: u32,
}

/// What becomes of a frame's area before the next frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dispose {
    Keep,
    /// Transparent again.
    Clear,
    /// What was there before.
    Restore,
}

/// Red, green, blue and opacity of all pixels; transparent at first.
pub(super) struct Canvas {
    width: usize,
    height: usize,
    pixels: Vec<u8>,
    /// The area to dispose of, how, and what it showed before.
    last: Option<(Area, Dispose, Vec<u8>)>,
}

impl Canvas {
    pub(super) fn new(width: u32, height: u32) -> Self {
        let (width, height) = (width as usize, height as usize);
        Canvas { width, height, pixels: vec![0; width * height * 4], last: None }
    }

    /// Disposes of the last frame, and draws one: over what is there, or in its place.
    pub(super) fn draw(&mut self, area: Area, rgba: &[u8], blend: bool, dispose: Dispose) {
        self.dispose();
        let saved = match dispose {
            Dispose::Restore => self
                .rows(area)
                .flat_map(|(at, length, _)| &self.pixels[at..at + length])
                .copied()
                .collect(),
            Dispose::Keep | Dispose::Clear => Vec::new(),
        };
        for (at, length, source) in self.rows(area) {
            let Some(source) = rgba.get(source..source + length) else { break };
            let target = &mut self.pixels[at..at + length];
            if !blend {
                target.copy_from_slice(source);
                continue;
            }
            let pairs = target.as_chunks_mut().0.iter_mut().zip(source.as_chunks().0);
            pairs.for_each(|(target, source)| *target = blended(*target, *source));
        }
        self.last = Some((area, dispose, saved));
    }

    fn dispose(&mut self) {
        let Some((area, dispose, saved)) = self.last.take() else { return };
        let mut saved = saved.as_slice();
        for (at, length, _) in self.rows(area) {
            let target = &mut self.pixels[at..at + length];
            match dispose {
                Dispose::Keep => return,
                Dispose::Clear => target.fill(0),
                Dispose::Restore => {
                    let Some((row, rest)) = saved.split_at_checked(length) else { return };
                    target.copy_from_slice(row);
                    saved = rest;
                }
            }
        }
    }

    /// Of each row of an area that lies on the canvas: where it begins there, its length, and where
    /// it begins in the frame; all in bytes.
    fn rows(&self, area: Area) -> impl Iterator<Item = (usize, usize, usize)> + use<> {
        let (left, top) = (area.left as usize, area.top as usize);
        let (width, height) = (area.width as usize, area.height as usize);
        let columns = self.width.saturating_sub(left).min(width);
        let rows = self.height.saturating_sub(top).min(height);
        let rows = if columns == 0 { 0 } else { rows };
        let canvas_width = self.width;
        (0..rows).map(move |y| (((top + y) * canvas_width + left) * 4, columns * 4, y * width * 4))
    }

    /// Gives the pixels away for a while.
    pub(super) fn lend(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.pixels)
    }

    /// Takes them back.
    pub(super) fn take_back(&mut self, pixels: Vec<u8>) {
        self.pixels = pixels;
    }
}

/// Porter and Duff's "over", for colours that are not multiplied by their opacity.
fn blended(below: [u8; 4], above: [u8; 4]) -> [u8; 4] {
    match (above[3], below[3]) {
        (255, _) | (_, 0) => above,
        (0, _) => below,
        (over, under) => {
            let (over, under) = (u32::from(over), u32::from(under) * (255 - u32::from(over)));
            let sum = over * 255 + under; // of 255 * 255
            let channel = |k: usize| {
                let mixed = u32::from(above[k]) * over * 255 + u32::from(below[k]) * under;
                ((mixed + sum / 2) / sum) as u8
            };
            [channel(0), channel(1), channel(2), ((sum + 127) / 255) as u8]
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RED: [u8; 4] = [255, 0, 0, 255];
    const BLUE: [u8; 4] = [0, 0, 255, 255];

    fn area(left: u32, top: u32, width: u32, height: u32) -> Area {
        Area { left, top, width, height }
    }

    fn row(canvas: &Canvas) -> Vec<[u8; 4]> {
        canvas.pixels.as_chunks().0.to_vec()
    }

    #[test]
    fn what_is_disposed_of_goes_before_the_next_frame() {
        let cases = [
            (Dispose::Keep, [RED, BLUE, RED]),
            (Dispose::Clear, [RED, [0; 4], RED]),
            (Dispose::Restore, [RED, RED, RED]),
        ];
        for (dispose, expected) in cases {
            let mut canvas = Canvas::new(3, 1);
            canvas.draw(area(0, 0, 3, 1), &[RED; 3].concat(), false, Dispose::Keep);
            canvas.draw(area(1, 0, 1, 1), &BLUE, false, dispose);
            assert_eq!(row(&canvas), [RED, BLUE, RED]);
            canvas.draw(area(0, 0, 1, 1), &RED, false, Dispose::Keep);
            assert_eq!(row(&canvas), expected, "{dispose:?}");
        }
    }

    #[test]
    fn frames_may_reach_beyond_the_canvas_and_be_short() {
        let mut canvas = Canvas::new(2, 2);
        canvas.draw(area(1, 1, 2, 2), &[BLUE; 4].concat(), false, Dispose::Restore);
        assert_eq!(row(&canvas), [[0; 4], [0; 4], [0; 4], BLUE]);
        for (left, top) in [(5, 5), (5, 0), (2, 1), (0, 2)] {
            canvas.draw(area(left, top, 2, 2), &[BLUE; 4].concat(), true, Dispose::Restore);
            assert_eq!(row(&canvas), [[0; 4]; 4], "{left} {top}");
        }
        canvas.draw(area(0, 0, 2, 2), &[RED; 2].concat(), true, Dispose::Clear);
        assert_eq!(row(&canvas), [RED, RED, [0; 4], [0; 4]]);
    }

    #[test]
    fn blending_mixes_by_opacity() {
        let half = [0, 0, 255, 128];
        assert_eq!(blended(RED, half), [127, 0, 128, 255]);
        assert_eq!(blended([9; 4], [1, 2, 3, 0]), [9; 4]);
        assert_eq!(blended([9, 9, 9, 0], half), half);
        assert_eq!(blended(RED, BLUE), BLUE);
    }
}
