//! Inputs by chance.

/// Numbers at which bounds are wrong if they are wrong anywhere.
const INTERESTING: [u8; 12] = [0, 1, 2, 4, 16, 31, 32, 33, 64, 127, 128, 255];

/// A source of choices (SplitMix64), the same from the same seed.
#[derive(Debug, Clone)]
pub struct Choices(u64);

impl Choices {
    /// Begins at a seed.
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Any number.
    pub const fn word(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ (word >> 31)
    }

    /// A number below `end`; zero if that is zero.
    pub fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.word() >> 1).unwrap_or_default().checked_rem(end).unwrap_or_default()
    }

    /// So many bytes.
    pub fn bytes(&mut self, length: usize) -> Vec<u8> {
        (0..length).map(|_| self.word() as u8).collect()
    }
}

/// A changed input; sometimes with a part of `other`.
pub fn mutated(input: &[u8], other: &[u8], choices: &mut Choices, bytes_max: usize) -> Vec<u8> {
    let mut output = input.to_vec();
    for _ in 0..1 + choices.below(6) {
        let at = choices.below(output.len());
        let span = 1 + choices.below(16);
        let end = (at + span).min(output.len());
        match choices.below(8) {
            0 => output.iter_mut().skip(at).take(1).for_each(|byte| *byte ^= 1 << (choices.word() % 8)),
            1 => output.iter_mut().skip(at).take(1).for_each(|byte| *byte = choices.word() as u8),
            2 => {
                let byte = INTERESTING[choices.below(INTERESTING.len())];
                output.iter_mut().skip(at).take(1).for_each(|place| *place = byte);
            }
            3 => drop(output.drain(at..end)),
            4 => drop(output.splice(at..at, choices.bytes(span))),
            5 => {
                let copy = output[at..end].to_vec();
                let to = choices.below(output.len() + 1);
                drop(output.splice(to..to, copy));
            }
            6 => {
                let from = choices.below(other.len());
                let part = &other[from..(from + 4 * span).min(other.len())];
                drop(output.splice(at..at, part.iter().copied()));
            }
            _ => {
                let from = choices.below(other.len());
                output.truncate(at);
                output.extend_from_slice(&other[from..]);
            }
        }
    }
    output.truncate(bytes_max);
    output
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_makes_the_same_and_nothing_gets_too_long() {
        let run = |seed| {
            let mut choices = Choices::new(seed);
            let mut input = choices.bytes(40);
            let mut all = Vec::new();
            for _ in 0..2_000 {
                let other = choices.bytes(30);
                input = mutated(&input, &other, &mut choices, 100);
                assert!(input.len() <= 100);
                all.extend_from_slice(&input);
            }
            all
        };
        assert_eq!(run(7), run(7));
        assert_ne!(run(7), run(8));
        assert!(mutated(&[], &[], &mut Choices::new(1), 10).len() <= 10);
    }
}
