//! Where things are on a Hilbert curve, which passes through a plane so that what is near on it is near in
//! the plane.
//!
//! Start at [`Curve::through`]. The place is found square by square from the largest to the smallest, as
//! *Hacker's Delight* (Warren, second edition, chapter 16) and
//! <https://en.wikipedia.org/wiki/Hilbert_curve> have it. The curve, its 65,536 steps on either side and the
//! rounding are those of GeoPandas' `hilbert_distance`, so that others can check the order.

/// Bits of a coordinate on the curve.
const BITS: u32 = 16;

/// A curve through a box.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Curve {
    least: [f64; 2],
    /// Steps of the curve for one unit of each axis.
    steps: [f64; 2],
}

impl Curve {
    /// Returns the curve through the box with these corners.
    pub(crate) fn through(least: [f64; 2], greatest: [f64; 2]) -> Self {
        let steps = |axis: usize| {
            let width = greatest[axis] - least[axis];
            // All of them are in one place then.
            if width > 0.0 { f64::from((1_u32 << BITS) - 1) / width } else { 0.0 }
        };
        Self { least, steps: [steps(0), steps(1)] }
    }

    /// Returns where the middle of a box is on the curve. What is outside of the curve's box counts as its
    /// edge.
    pub(crate) fn place(&self, least: [f64; 2], greatest: [f64; 2]) -> u32 {
        let step = |axis: usize| {
            let middle = f64::midpoint(least[axis], greatest[axis]);
            let steps = (middle - self.least[axis]) * self.steps[axis];
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "what is beyond becomes the edge"
            )]
            let step = steps as u16;
            step
        };
        distance(BITS, u32::from(step(0)), u32::from(step(1)))
    }
}

/// Returns how far along the curve through a square with `2^bits` steps on a side a point of it is.
fn distance(bits: u32, mut x: u32, mut y: u32) -> u32 {
    let mut distance = 0;
    for bit in (0..bits).rev() {
        let (right, upper) = (x >> bit & 1, y >> bit & 1);
        // The quarters follow each other: lower left, upper left, upper right, lower right.
        distance = distance << 2 | ((3 * right) ^ upper);
        // Within a quarter the curve lies as in the whole but for the lower ones, where it is turned.
        if upper == 0 {
            if right == 1 {
                (x, y) = (!x, !y);
            }
            (x, y) = (y, x);
        }
    }
    distance
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Draws the curve by its rules of rewriting (a Lindenmayer system), which know nothing of bits, and
    /// returns the points in their order. With an odd number of bits it would lie the other way round.
    fn drawn(bits: u32) -> Vec<(u32, u32)> {
        let mut rule = "A".to_owned();
        for _ in 0..bits {
            rule = rule
                .chars()
                .map(|it| match it {
                    'A' => "+BF-AFA-FB+".to_owned(),
                    'B' => "-AF+BFB+FA-".to_owned(),
                    it => it.to_string(),
                })
                .collect();
        }
        let mut ahead = (1_i32, 0_i32);
        let (mut at, mut points) = ((0_i32, 0_i32), vec![(0_u32, 0_u32)]);
        for step in rule.chars() {
            let (x, y) = ahead;
            match step {
                '+' => ahead = (-y, x),
                '-' => ahead = (y, -x),
                'F' => {
                    at = (at.0 + x, at.1 + y);
                    points.push((at.0.unsigned_abs(), at.1.unsigned_abs()));
                }
                _ => {}
            }
        }
        points
    }

    #[test]
    fn every_point_is_where_the_curve_comes_by() {
        for bits in [2, 4, 6] {
            let points = drawn(bits);
            assert_eq!(points.len(), 1 << (2 * bits));
            for (expected, (x, y)) in points.into_iter().enumerate() {
                assert_eq!(distance(bits, x, y) as usize, expected, "{x}, {y} of {bits} bits");
            }
        }
    }

    #[test]
    fn neighbours_on_the_curve_are_neighbours_in_the_plane() {
        let mut points = vec![(0, 0); 1 << 12];
        for x in 0..64 {
            for y in 0..64 {
                points[distance(6, x, y) as usize] = (x, y);
            }
        }
        assert_eq!((points[0], points[4095]), ((0, 0), (63, 0)));
        let apart =
            |pair: &[(u32, u32)]| pair[0].0.abs_diff(pair[1].0) + pair[0].1.abs_diff(pair[1].1);
        assert!(points.windows(2).all(|pair| apart(pair) == 1));
    }

    #[test]
    fn a_box_is_where_its_middle_is() {
        let curve = Curve::through([-180.0, -90.0], [180.0, 90.0]);
        let at = |x: f64, y: f64| curve.place([x, y], [x, y]);
        assert_eq!((at(-180.0, -90.0), at(180.0, -90.0)), (0, u32::MAX));
        assert_eq!(curve.place([-170.0, -80.0], [10.0, 40.0]), at(-80.0, -20.0));
        // Beyond the box, and beyond all numbers.
        assert_eq!(at(-1e300, -91.0), 0);
        assert_eq!(at(f64::MAX, -1e9), u32::MAX);
        let wide = Curve::through([-f64::MAX; 2], [f64::MAX; 2]);
        assert_eq!(wide.place([-f64::MAX; 2], [f64::MAX; 2]), 0);
        let point = Curve::through([3.0, 4.0], [3.0, 4.0]);
        assert_eq!(point.place([3.0, 4.0], [3.0, 4.0]), 0);
    }
}
