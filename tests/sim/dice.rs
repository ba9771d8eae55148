//! Chance, by seed: SplitMix64, whose stream is fixed here and not by a dependency.
//!
//! Every part of a world throws dice of its own, so that a fault that is switched off changes
//! nothing of the traffic.

/// A stream of numbers.
#[derive(Clone, Debug)]
pub(crate) struct Dice(u64);

impl Dice {
    /// The stream of one part of the world of a seed.
    pub(crate) fn new(seed: u64, part: &str) -> Self {
        let mut dice = Self(seed);
        for byte in part.bytes() {
            dice.0 = dice.next().wrapping_add(u64::from(byte));
        }
        dice
    }

    /// Steele, Lea, Flood: "Fast splittable pseudorandom number generators" (2014), figure 16.
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number in `0..n`.
    pub(crate) fn below(&mut self, n: u64) -> u64 {
        self.next() % n.max(1)
    }

    /// A number in `low..=high`.
    pub(crate) fn within(&mut self, low: i64, high: i64) -> i64 {
        low + i64::try_from(self.below(high.abs_diff(low) + 1)).unwrap()
    }

    /// A number in `0..1`.
    pub(crate) fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Whether something of this probability happens.
    pub(crate) fn chance(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// One of these.
    pub(crate) fn pick<T: Clone>(&mut self, of: &[T]) -> T {
        of[usize::try_from(self.below(of.len() as u64)).unwrap()].clone()
    }

    /// A whole number whose mean is `mean`.
    pub(crate) fn around(&mut self, mean: f64) -> f64 {
        let spread = mean * (0.8 + 0.4 * self.unit());
        spread.floor() + f64::from(u8::from(self.chance(spread.fract())))
    }
}
