//! Amounts as people write them: exact decimals of the chain's token, never floats.

use basalt_primitives::Balance;
use serde_json::{Map, Value};

#[cfg(test)]
mod tests;

/// What the smallest unit is called.
const SMALLEST_UNIT: [&str; 2] = ["planck", "plancks"];

/// The native token of a chain, as its properties describe it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Token {
    /// What the token is called, such as UNIT; may be empty.
    symbol: String,
    /// How many decimals it has: 12 means that a token has 10^12 of the smallest unit.
    decimals: u8,
}

/// Why a text is no amount of this token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum AmountError {
    /// No number.
    #[error(
        "'{text}' is not an amount; write a decimal number such as 1.5 or 1.5{symbol}, or a whole number of the \
         smallest unit such as 15planck"
    )]
    NotANumber {
        /// What was given.
        text: String,
        /// The token, after a space if it has a name.
        symbol: String,
    },
    /// A comma could mean decimals or thousands.
    #[error("'{0}' has a comma; write a point before decimals, and nothing between thousands")]
    Comma(String),
    /// More decimals than the token has.
    #[error(
        "'{text}' has {given} decimals, but a token of this chain has {decimals}; the smallest amount is {smallest}"
    )]
    TooManyDecimals {
        /// What was given.
        text: String,
        /// How many decimals that has, zeros at the end left out.
        given: usize,
        /// How many there are.
        decimals: u8,
        /// The smallest amount above zero.
        smallest: String,
    },
    /// A part of the smallest unit.
    #[error("'{0}' is a part of the smallest unit, which has none; give a whole number of plancks")]
    PartOfSmallest(String),
    /// Another token.
    #[error("'{given}' is not the token of this chain, which is {symbol}; leave it out, or use planck")]
    OtherToken {
        /// What was given.
        given: String,
        /// What there is.
        symbol: String,
    },
    /// More than a chain can count.
    #[error("'{text}' is more than a chain can count, which is {max}")]
    TooLarge {
        /// What was given.
        text: String,
        /// The most there can be.
        max: String,
    },
}

impl Token {
    /// The token that `system_properties` describes. Without decimals, amounts are in the smallest unit.
    pub(crate) fn from_properties(properties: &Map<String, Value>) -> Self {
        // Chains with several tokens list the native one first.
        let first = |name: &str| match properties.get(name) {
            Some(Value::Array(values)) => values.first().cloned(),
            value => value.cloned(),
        };
        let symbol = first("tokenSymbol").and_then(|value| value.as_str().map(str::to_owned));
        let decimals = first("tokenDecimals").and_then(|value| value.as_u64());
        Self {
            symbol: symbol.unwrap_or_default(),
            decimals: decimals.and_then(|decimals| u8::try_from(decimals).ok()).unwrap_or(0),
        }
    }

    /// What the token is called.
    pub(crate) fn symbol(&self) -> &str {
        &self.symbol
    }

    /// How many decimals it has.
    pub(crate) fn decimals(&self) -> u8 {
        self.decimals
    }

    /// Reads `1.5`, `1.5UNIT`, `1.5 unit` or `15planck`.
    pub(crate) fn parse(&self, text: &str) -> Result<Balance, AmountError> {
        let text = text.trim();
        let (number, unit) = self.split(text);
        let not_a_number = || AmountError::NotANumber {
            text: text.to_owned(),
            symbol: if self.symbol.is_empty() { String::new() } else { format!(" {}", self.symbol) },
        };
        if number.contains(',') {
            return Err(AmountError::Comma(text.to_owned()));
        }
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if whole.len() + fraction.len() == 0 || !digits(whole) || !digits(fraction) {
            return Err(not_a_number());
        }
        let decimals = match unit {
            Unit::Token => self.decimals,
            Unit::Smallest => 0,
            Unit::Other(given) if self.symbol.is_empty() => {
                return Err(AmountError::OtherToken {
                    given: given.to_owned(),
                    symbol: "not named".to_owned(),
                });
            }
            Unit::Other(given) => {
                return Err(AmountError::OtherToken { given: given.to_owned(), symbol: self.symbol.clone() });
            }
        };
        // Zeros at the end say nothing, however many there are.
        let fraction = fraction.trim_end_matches('0');
        let Some(missing) = usize::from(decimals).checked_sub(fraction.len()) else {
            return Err(match unit {
                Unit::Smallest => AmountError::PartOfSmallest(text.to_owned()),
                Unit::Token | Unit::Other(_) => AmountError::TooManyDecimals {
                    text: text.to_owned(),
                    given: fraction.len(),
                    decimals,
                    smallest: self.show(1),
                },
            });
        };
        let smallest = format!("{whole}{fraction}{}", "0".repeat(missing));
        let smallest = smallest.trim_start_matches('0');
        if smallest.is_empty() {
            return Ok(0);
        }
        // All are digits, so that only the size can be wrong.
        smallest
            .parse()
            .map_err(|_| AmountError::TooLarge { text: text.to_owned(), max: self.show(Balance::MAX) })
    }

    /// The number and what it counts.
    fn split<'a>(&self, text: &'a str) -> (&'a str, Unit<'a>) {
        let number_ends = |c: char| !c.is_ascii_digit() && !matches!(c, '.' | ',');
        let without = |suffix: &str| {
            let at = text.len().checked_sub(suffix.len())?;
            let (number, end) = text.split_at_checked(at)?;
            let number = number.trim_end();
            // What is left must be a number: `planck` does not end in the token K.
            let is_unit = end.eq_ignore_ascii_case(suffix) && !number.contains(number_ends);
            (!suffix.is_empty() && is_unit).then_some(number)
        };
        // The symbol first: it may contain digits, or be `planck`.
        if let Some(number) = without(&self.symbol) {
            return (number, Unit::Token);
        }
        if let Some(number) = SMALLEST_UNIT.iter().find_map(|unit| without(unit)) {
            return (number, Unit::Smallest);
        }
        match text.find(number_ends) {
            // What begins with something else is no number with a unit.
            Some(at) if at > 0 => (text[..at].trim_end(), Unit::Other(text[at..].trim())),
            _ => (text, Unit::Token),
        }
    }

    /// An amount of the smallest unit, such as `1.5 UNIT`. [`Token::parse`] reads it back.
    pub(crate) fn show(&self, smallest: Balance) -> String {
        let number = self.number(smallest);
        match (self.symbol.as_str(), self.decimals) {
            ("", 0) => format!("{number} planck"),
            ("", _) => number,
            (symbol, _) => format!("{number} {symbol}"),
        }
    }

    /// Without zeros at the end.
    fn number(&self, smallest: Balance) -> String {
        let decimals = usize::from(self.decimals);
        // One digit at least stands before the point.
        let digits = format!("{smallest:0>width$}", width = decimals + 1);
        let (whole, fraction) = digits.split_at(digits.len() - decimals);
        match fraction.trim_end_matches('0') {
            "" => whole.to_owned(),
            fraction => format!("{whole}.{fraction}"),
        }
    }
}

/// What a number counts.
#[derive(Debug, Clone, Copy)]
enum Unit<'a> {
    Token,
    Smallest,
    Other(&'a str),
}
