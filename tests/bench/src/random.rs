//! Draw numbers, the same for the same seed on every machine.

/// SplitMix64: small, fast and good enough to choose accounts.
#[derive(Debug, Clone)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0)
    }

    /// A number below `bound`, which is not 0.
    pub(crate) fn below(&mut self, bound: u32) -> u32 {
        let product = u128::from(self.next()) * u128::from(bound);
        // The upper half is below the bound, so it fits.
        u32::try_from(product >> 64).unwrap_or(0)
    }

    /// A number in 0..1.
    fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// Spreads the bits of a number over all of it.
pub(crate) fn mix(number: u64) -> u64 {
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

/// Numbers of which the one with rank `r`, counted from 1, is drawn in proportion to `r` to the power of `-exponent`.
#[derive(Debug)]
pub(crate) struct Zipf(Vec<f64>);

impl Zipf {
    pub(crate) fn new(count: u32, exponent: f64) -> Self {
        let mut sum = 0.0;
        Self(
            (1..=count)
                .map(|rank| {
                    sum += f64::from(rank).powf(-exponent);
                    sum
                })
                .collect(),
        )
    }

    /// A number below the count; 0 is the most frequent.
    pub(crate) fn draw(&self, random: &mut Random) -> u32 {
        let at = random.unit() * self.0.last().copied().unwrap_or_default();
        let rank = self.0.partition_point(|sum| *sum <= at);
        u32::try_from(rank.min(self.0.len().saturating_sub(1))).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frequencies_follow_the_exponent() {
        let mut random = Random::new(7);
        let zipf = Zipf::new(1_000, 1.0);
        let mut counts = vec![0_u32; 1_000];
        for _ in 0..100_000 {
            counts[zipf.draw(&mut random) as usize] += 1;
        }
        let ratio = f64::from(counts[0]) / f64::from(counts[9]);
        assert!((8.0..12.5).contains(&ratio), "rank 1 is drawn {ratio} times as often as rank 10");
        assert!((0..1_000).all(|_| random.below(3) < 3));
    }
}
