//! Vectors and properties.

use parity_scale_codec::DecodeAll;
use proptest::prelude::*;
use scale_info::TypeDef;

use super::*;

#[test]
fn eras_have_the_bytes_that_the_specification_gives() {
    assert_eq!(Era::Immortal.encode(), [0]);
    assert_eq!(Era::mortal(64, 42), Era::Mortal(64, 42));
    // log2(64) - 1 = 5 below, the phase above.
    assert_eq!(Era::Mortal(64, 42).encode(), [0xa5, 0x02]);
    // Steps of 32768 / 4096 = 8 blocks: 20000 / 8 = 2500.
    assert_eq!(Era::mortal(32_768, 20_000), Era::Mortal(32_768, 20_000));
    assert_eq!(Era::Mortal(32_768, 20_000).encode(), [0x4e, 0x9c]);
    assert_eq!(Era::mortal(65_536, 65_535), Era::Mortal(65_536, 65_520));
    assert_eq!(Era::Mortal(65_536, 65_520).encode(), [0xff, 0xff]);
    assert_eq!(Era::Mortal(4, 1).encode(), [0x11, 0x00]);
}

#[test]
fn periods_are_rounded_up_and_into_range() {
    assert_eq!(Era::mortal(200, 513), Era::Mortal(256, 1));
    assert_eq!(Era::mortal(0, 5), Era::Mortal(4, 1));
    assert_eq!(Era::mortal(2, 1), Era::Mortal(4, 1));
    assert_eq!(Era::mortal(1_000_000, 1_000_001), Era::Mortal(65_536, 16_960));
    assert_eq!(Era::mortal(u64::MAX, 0), Era::Mortal(65_536, 0));
}

#[test]
fn birth_and_death_enclose_the_current_block() {
    let era = Era::mortal(4, 6);
    for (current, birth) in [(6, 6), (7, 6), (8, 6), (9, 6), (10, 10)] {
        assert_eq!((era.birth(current), era.death(current)), (birth, birth + 4), "at {current}");
    }
    assert_eq!((Era::Immortal.birth(9), Era::Immortal.death(9)), (0, u64::MAX));
    // Before the first birth, the era that will come.
    assert_eq!(Era::Mortal(64, 42).birth(0), 42);
}

#[test]
fn phases_outside_the_period_and_short_periods_are_refused() {
    for bytes in [&[0x41, 0x00][..], &[0x10, 0x00], &[0x05, 0x04], &[0x05], &[]] {
        assert!(Era::decode_all(&mut &bytes[..]).is_err(), "{bytes:?}");
    }
}

#[test]
fn an_era_that_cannot_be_encoded_still_does_not_panic() {
    for era in
        [Era::Mortal(0, 0), Era::Mortal(3, 9), Era::Mortal(u64::MAX, u64::MAX), Era::Mortal(1 << 63, 1)]
    {
        assert_eq!(era.encode().len(), 2);
        let _ = (era.birth(7), era.death(u64::MAX));
    }
}

#[test]
fn the_metadata_has_a_variant_for_every_first_byte() {
    let TypeDef::Variant(def) = Era::type_info().type_def else { panic!("not a variant") };
    assert_eq!(def.variants.len(), 256);
    for (index, variant) in def.variants.iter().enumerate() {
        assert_eq!(usize::from(variant.index), index);
        let wanted = if index == 0 { "Immortal".into() } else { alloc::format!("Mortal{index}") };
        assert_eq!(variant.name, wanted);
        assert_eq!(variant.fields.len(), usize::from(index != 0));
    }
}

proptest! {
    #[test]
    fn every_mortal_era_comes_back_and_holds_its_block(period in any::<u64>(), current in any::<u64>()) {
        let era = Era::mortal(period, current);
        prop_assert_eq!(Era::decode_all(&mut era.encode().as_slice()), Ok(era));
        prop_assert!(era.birth(current) <= current || current < PERIOD_MAX);
        prop_assert!(current < era.death(current) || era.death(current) == u64::MAX);
    }

    #[test]
    fn every_two_bytes_that_decode_encode_to_themselves(bytes in any::<[u8; 2]>()) {
        if let Ok(era) = Era::decode_all(&mut &bytes[..]) {
            prop_assert_eq!(era.encode(), bytes);
        }
    }
}
