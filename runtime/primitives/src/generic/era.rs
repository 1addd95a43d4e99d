//! For which blocks a transaction is valid.

use parity_scale_codec::{Decode, Encode, Error, Input, MaxEncodedLen, Output};
use scale_info::{
    Type, TypeInfo,
    build::{Fields, Variants},
};

use crate::type_info::path;

#[cfg(test)]
mod tests;

/// The shortest period, in blocks.
pub const PERIOD_MIN: u64 = 4;
/// The longest period, in blocks.
pub const PERIOD_MAX: u64 = 1 << 16;

/// For which blocks a transaction is valid.
///
/// Use [`Era::mortal`]: only powers of two from [`PERIOD_MIN`] to [`PERIOD_MAX`] and phases that fit their step
/// can be encoded, in one byte (immortal) or two.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Era {
    /// For all blocks. A replay is then possible once the account was destroyed and made again.
    #[default]
    Immortal,
    /// For `period` blocks, from the last one whose number modulo `period` is the `phase`.
    Mortal(u64, u64),
}

impl Era {
    /// An era of at least `period` blocks around the block number `current`.
    ///
    /// The period is rounded up to a power of two and into the allowed range; the phase of a period above 4096 is
    /// rounded down to a multiple of `period / 4096`.
    pub fn mortal(period: u64, current: u64) -> Self {
        let period = period.checked_next_power_of_two().unwrap_or(PERIOD_MAX).clamp(PERIOD_MIN, PERIOD_MAX);
        let phase = current % period;
        let step = phase_step(period);
        Self::Mortal(period, phase / step * step)
    }

    /// Whether this is [`Era::Immortal`].
    pub fn is_immortal(&self) -> bool {
        matches!(self, Self::Immortal)
    }

    /// The first block of the era that holds block `current`; its hash is part of what is signed. Genesis if
    /// immortal.
    pub fn birth(&self, current: u64) -> u64 {
        match *self {
            Self::Immortal => 0,
            Self::Mortal(period, phase) => {
                // A period of 0 cannot be decoded, yet the variant can be written with it.
                (current.max(phase) - phase) / period.max(1) * period + phase
            }
        }
    }

    /// The first block after the era that holds block `current`.
    pub fn death(&self, current: u64) -> u64 {
        match *self {
            Self::Immortal => u64::MAX,
            Self::Mortal(period, _) => self.birth(current).saturating_add(period),
        }
    }
}

/// In which steps a phase is encoded: 12 bits are left for it.
fn phase_step(period: u64) -> u64 {
    (period >> 12).max(1)
}

impl Encode for Era {
    fn size_hint(&self) -> usize {
        if self.is_immortal() { 1 } else { 2 }
    }

    fn encode_to<T: Output + ?Sized>(&self, output: &mut T) {
        match *self {
            Self::Immortal => output.push_byte(0),
            Self::Mortal(period, phase) => {
                let exponent = u64::from(period.trailing_zeros()).saturating_sub(1).clamp(1, 15);
                let steps = (phase / phase_step(period)) & 0x0fff;
                let [low, high, ..] = (exponent | steps << 4).to_le_bytes();
                output.write(&[low, high]);
            }
        }
    }
}

impl parity_scale_codec::EncodeLike for Era {}

impl MaxEncodedLen for Era {
    fn max_encoded_len() -> usize {
        2
    }
}

impl Decode for Era {
    fn decode<I: Input>(input: &mut I) -> Result<Self, Error> {
        let low = input.read_byte()?;
        if low == 0 {
            return Ok(Self::Immortal);
        }
        let encoded = u64::from(u16::from_le_bytes([low, input.read_byte()?]));
        let period = 2 << (encoded & 0x0f);
        let phase = (encoded >> 4) * phase_step(period);
        if period >= PERIOD_MIN && phase < period {
            Ok(Self::Mortal(period, phase))
        } else {
            Err("Invalid period and phase".into())
        }
    }
}

impl TypeInfo for Era {
    type Identity = Self;

    /// One variant per first byte, since clients know no other way to describe an encoding of one or two bytes.
    fn type_info() -> Type {
        macro_rules! mortal {
            ($($first:literal),* $(,)?) => {
                Variants::new().variant_unit("Immortal", 0)$(.variant(concat!("Mortal", $first), |v| {
                    v.index($first).fields(Fields::unnamed().field(|f| f.ty::<u8>()))
                }))*
            };
        }
        #[rustfmt::skip]
        let variants = mortal!(
            1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25,
            26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47, 48,
            49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, 63, 64, 65, 66, 67, 68, 69, 70, 71,
            72, 73, 74, 75, 76, 77, 78, 79, 80, 81, 82, 83, 84, 85, 86, 87, 88, 89, 90, 91, 92, 93, 94,
            95, 96, 97, 98, 99, 100, 101, 102, 103, 104, 105, 106, 107, 108, 109, 110, 111, 112, 113,
            114, 115, 116, 117, 118, 119, 120, 121, 122, 123, 124, 125, 126, 127, 128, 129, 130, 131,
            132, 133, 134, 135, 136, 137, 138, 139, 140, 141, 142, 143, 144, 145, 146, 147, 148, 149,
            150, 151, 152, 153, 154, 155, 156, 157, 158, 159, 160, 161, 162, 163, 164, 165, 166, 167,
            168, 169, 170, 171, 172, 173, 174, 175, 176, 177, 178, 179, 180, 181, 182, 183, 184, 185,
            186, 187, 188, 189, 190, 191, 192, 193, 194, 195, 196, 197, 198, 199, 200, 201, 202, 203,
            204, 205, 206, 207, 208, 209, 210, 211, 212, 213, 214, 215, 216, 217, 218, 219, 220, 221,
            222, 223, 224, 225, 226, 227, 228, 229, 230, 231, 232, 233, 234, 235, 236, 237, 238, 239,
            240, 241, 242, 243, 244, 245, 246, 247, 248, 249, 250, 251, 252, 253, 254, 255
        );
        Type::builder().path(path(["sp_runtime", "generic", "era", "Era"])).variant(variants)
    }
}
