//! Columns for people, and shares as percentages.

use basalt_primitives::Perbill;

/// Rows under a heading, each column as wide as its widest cell. Columns are aligned to the right but for the first.
pub(super) fn table<const N: usize>(heading: [&str; N], rows: &[[String; N]]) -> Vec<String> {
    let mut widths = heading.map(|cell| cell.chars().count());
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.chars().count().max(*width);
        }
    }
    let line = |cells: &[String; N]| {
        let cells = cells.iter().zip(widths).zip(0..).map(|((cell, width), place)| match place {
            0 => format!("{cell:<width$}"),
            _ => format!("{cell:>width$}"),
        });
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    std::iter::once(line(&heading.map(str::to_owned))).chain(rows.iter().map(line)).collect()
}

/// Decimals of a percentage: a billionth is seven places behind the point of a hundredth.
const DECIMALS: usize = 7;

/// A share such as `2.5%`.
pub(super) fn percent(share: Perbill) -> String {
    let digits = format!("{:0>width$}", share.deconstruct(), width = DECIMALS + 1);
    let (whole, fraction) = digits.split_at(digits.len() - DECIMALS);
    match fraction.trim_end_matches('0') {
        "" => format!("{whole}%"),
        fraction => format!("{whole}.{fraction}%"),
    }
}

/// Reads `5`, `2.5` or `2.5%`; nothing if it is no share of a whole.
pub(super) fn parse_percent(text: &str) -> Option<Perbill> {
    let number = text.trim().trim_end_matches('%').trim_end();
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let fraction = fraction.trim_end_matches('0');
    if whole.is_empty() || !digits(whole) || !digits(fraction) || fraction.len() > DECIMALS {
        return None;
    }
    let parts: u32 = format!("{whole}{fraction}{}", "0".repeat(DECIMALS - fraction.len())).parse().ok()?;
    (parts <= Perbill::ACCURACY).then(|| Perbill::from_parts(parts))
}
