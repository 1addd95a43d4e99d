//! Products of two balances, which take 256 bits.

/// `⌊a · b / divisor⌋`, or `None` if that does not fit or `divisor` is 0.
pub(crate) fn mul_div(a: u128, b: u128, divisor: u128) -> Option<u128> {
    match a.checked_mul(b) {
        Some(product) => product.checked_div(divisor),
        None => {
            let (high, low) = wide_mul(a, b);
            wide_div(high, low, divisor)
        }
    }
}

/// `⌈a · b / divisor⌉`.
pub(crate) fn mul_div_up(a: u128, b: u128, divisor: u128) -> Option<u128> {
    let down = mul_div(a, b, divisor)?;
    if wide_mul(down, divisor) == wide_mul(a, b) {
        Some(down)
    } else {
        down.checked_add(1)
    }
}

/// `⌊√(a · b)⌋`.
pub(crate) fn sqrt_of_product(a: u128, b: u128) -> u128 {
    let product = wide_mul(a, b);
    // Bit by bit from the top: the greatest root whose square is not above the product.
    (0..128).rev().fold(0, |root, bit| {
        let candidate = root | (1 << bit);
        if wide_mul(candidate, candidate) <= product {
            candidate
        } else {
            root
        }
    })
}

/// `a · b` as its high and its low half: compares as the number does.
fn wide_mul(a: u128, b: u128) -> (u128, u128) {
    const LOW: u128 = u64::MAX as u128;
    let (a1, a0, b1, b0) = (a >> 64, a & LOW, b >> 64, b & LOW);
    // Each product of halves is at most (2^64 - 1)^2, which leaves room for two more halves: nothing here overflows.
    let low = a0.wrapping_mul(b0);
    let middle = a1.wrapping_mul(b0).wrapping_add(low >> 64);
    let other = a0.wrapping_mul(b1).wrapping_add(middle & LOW);
    let high = a1.wrapping_mul(b1).wrapping_add(middle >> 64).wrapping_add(other >> 64);
    (high, (other << 64) | (low & LOW))
}

/// The quotient of a number of 256 bits, by division as done on paper: 128 steps.
fn wide_div(high: u128, low: u128, divisor: u128) -> Option<u128> {
    if high >= divisor {
        return None;
    }
    let (mut rest, mut quotient) = (high, 0u128);
    for bit in (0..128).rev() {
        let carry = rest >> 127;
        rest = (rest << 1) | ((low >> bit) & 1);
        // The bit that fell out counts: then the rest is above any divisor.
        if carry == 1 || rest >= divisor {
            rest = rest.wrapping_sub(divisor);
            quotient |= 1 << bit;
        }
    }
    Some(quotient)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers that cover the range well, the same in each run.
    fn numbers() -> impl Iterator<Item = u128> {
        let odd = (1u32..=127).map(|bits| u128::MAX / 7 * 5 >> bits | 1);
        [0, 1, 2, u64::MAX.into(), u128::MAX - 1, u128::MAX].into_iter().chain(odd)
    }

    #[test]
    fn wide_products_and_quotients_undo_each_other() {
        for a in numbers() {
            for b in numbers().filter(|b| *b > 0) {
                assert_eq!(mul_div(a, b, b), Some(a), "{a} * {b} / {b}");
                assert_eq!(mul_div_up(a, b, b), Some(a), "{a} * {b} / {b}");
            }
        }
    }

    #[test]
    fn small_numbers_divide_as_usual() {
        for a in 0..30u128 {
            for b in 0..30 {
                for divisor in 1..30 {
                    assert_eq!(mul_div(a, b, divisor), Some(a * b / divisor));
                    assert_eq!(mul_div_up(a, b, divisor), Some((a * b).div_ceil(divisor)));
                    // Scaled up so that the long way is taken, with the same quotient.
                    let (scale, shift) = (1u128 << 120, 120);
                    assert_eq!(mul_div(a << shift, b << 3, divisor * scale), Some((a * b * 8) / divisor));
                }
            }
        }
    }

    #[test]
    fn what_does_not_fit_is_none() {
        assert_eq!(mul_div(u128::MAX, 2, 1), None);
        assert_eq!(mul_div(u128::MAX, u128::MAX, u128::MAX - 1), None);
        assert_eq!(mul_div(1, 1, 0), None);
        assert_eq!(mul_div(u128::MAX, u128::MAX, 0), None);
    }

    #[test]
    fn roots() {
        for a in numbers() {
            assert_eq!(sqrt_of_product(a, a), a);
            let root = sqrt_of_product(a, 3);
            assert!(wide_mul(root, root) <= wide_mul(a, 3));
            assert!(wide_mul(root + 1, root + 1) > wide_mul(a, 3));
        }
    }
}
