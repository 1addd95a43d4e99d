//! Every amount can be written and read back; nothing is rounded.

use proptest::prelude::*;
use serde_json::json;

use super::*;

fn token(symbol: &str, decimals: u8) -> Token {
    Token { symbol: symbol.to_owned(), decimals }
}

fn unit() -> Token {
    token("UNIT", 12)
}

#[test]
fn tokens_are_read_in_all_spellings() {
    for text in
        ["1.5", "1.5UNIT", "1.5 UNIT", "1.5 unit", " 01.50 ", "1500000000000planck", "1500000000000 Plancks"]
    {
        assert_eq!(unit().parse(text), Ok(1_500_000_000_000), "{text}");
    }
    assert_eq!(unit().parse("0.000000000001"), Ok(1));
    assert_eq!(unit().parse(".5"), Ok(500_000_000_000));
    assert_eq!(unit().parse("3."), Ok(3_000_000_000_000));
    assert_eq!(unit().parse("0"), Ok(0));
    assert_eq!(unit().parse("1.0planck"), Ok(1));
}

#[test]
fn too_many_decimals_name_the_limit() {
    let error = unit().parse("1.0000000000001").unwrap_err();
    assert_eq!(
        error.to_string(),
        "'1.0000000000001' has 13 decimals, but a token of this chain has 12; the smallest amount is 0.000000000001 UNIT"
    );
    assert_eq!(unit().parse("1.5000000000000000"), Ok(1_500_000_000_000));
    assert_eq!(unit().parse("1.5planck"), Err(AmountError::PartOfSmallest("1.5planck".to_owned())));
}

#[test]
fn what_does_not_fit_is_refused_not_wrapped() {
    let most = "340282366920938463463374607.431768211455";
    assert_eq!(unit().parse(most), Ok(Balance::MAX));
    for text in ["340282366920938463463374607.431768211456", "340282366920938463463374608", &"9".repeat(400)]
    {
        let error = unit().parse(text).unwrap_err();
        assert!(error.to_string().ends_with(&format!("which is {most} UNIT")), "{error}");
    }
}

#[test]
fn what_is_no_amount_is_refused_with_an_example() {
    for text in ["", ".", "UNIT", "planck", "-1", "+1", "1.2.3", "one", "1 .5", "0x10", "1e3", "١"] {
        assert!(unit().parse(text).is_err(), "{text}");
    }
    let error = unit().parse("-1").unwrap_err().to_string();
    assert!(error.contains("1.5 UNIT"), "{error}");
    assert_eq!(unit().parse("1,5"), Err(AmountError::Comma("1,5".to_owned())));
    assert_eq!(unit().parse("1,000.5 UNIT"), Err(AmountError::Comma("1,000.5 UNIT".to_owned())));
}

#[test]
fn another_token_is_refused_by_name() {
    let error = unit().parse("1.5 DOT").unwrap_err();
    assert_eq!(error, AmountError::OtherToken { given: "DOT".to_owned(), symbol: "UNIT".to_owned() });
    assert!(token("", 12).parse("1.5 DOT").is_err());
}

#[test]
fn a_symbol_may_look_like_anything() {
    assert_eq!(token("1INCH", 2).parse("31INCH"), Ok(300));
    assert_eq!(token("PLANCK", 2).parse("3planck"), Ok(300));
    // Other units may end in it.
    assert_eq!(token("K", 2).parse("3planck"), Ok(3));
    assert!(token("T", 2).parse("3UNIT").is_err());
    assert_eq!(token("ÆTHER", 1).parse("3ÆTHER"), Ok(30));
}

#[test]
fn properties_may_be_missing_or_lists() {
    let of = |value: Value| match value {
        Value::Object(properties) => Token::from_properties(&properties),
        _ => panic!("properties are an object"),
    };
    assert_eq!(of(json!({"tokenDecimals": 12, "tokenSymbol": "UNIT", "ss58Format": 42})), unit());
    assert_eq!(of(json!({"tokenDecimals": [10, 6], "tokenSymbol": ["DOT", "USDT"]})), token("DOT", 10));
    assert_eq!(of(json!({"tokenDecimals": [], "tokenSymbol": null})), token("", 0));
    assert_eq!(of(json!({"tokenDecimals": 256})), token("", 0));
    assert_eq!(token("", 0).show(7), "7 planck");
    assert_eq!(token("", 0).parse("7"), Ok(7));
}

proptest! {
    #[test]
    fn what_is_shown_is_read_back(smallest: Balance, decimals: u8, symbol in "[A-Za-z]{0,6}") {
        let token = token(&symbol, decimals);
        prop_assert_eq!(token.parse(&token.show(smallest)), Ok(smallest));
        prop_assert_eq!(token.parse(&format!("{smallest}planck")).ok(), match symbol.to_lowercase().as_str() {
            "planck" if decimals > 0 => return Ok(()),
            _ => Some(smallest),
        });
    }

    #[test]
    fn decimals_count_as_written(whole in 0..1_000_000_000u128, fraction in 0..1_000_000_000_000u128) {
        let text = format!("{whole}.{fraction:012}");
        prop_assert_eq!(unit().parse(&text), Ok(whole * 1_000_000_000_000 + fraction));
    }

    #[test]
    fn no_text_makes_it_panic(text in "\\PC{0,40}", symbol in "\\PC{0,4}", decimals: u8) {
        let _ = token(&symbol, decimals).parse(&text);
    }
}
