//! What cannot be seen from a pallet.

use basalt_primitives::hashing::twox_128;
use basalt_primitives::{Digest, H256};
use basalt_runtime_api::{Position, Touch, TouchKind};
use basalt_state::{Memory, Overlay, StateRead};

use super::{BlockEnv, Context, Map, Value, storage::Blake2_128Concat};

const NUMBER: Value<u32> = Value::optional("System", "Number");
const ACCOUNT: Map<Blake2_128Concat, u32, u64> = Map::optional("System", "Account");

#[test]
fn raw_keys_begin_with_the_hashes_of_pallet_and_item() {
    let known = [
        0x26, 0xaa, 0x39, 0x4e, 0xea, 0x56, 0x30, 0xe0, 0x7c, 0x48, 0xae, 0x0c, 0x95, 0x58, 0xce,
        0xf7, //
        0x02, 0xa5, 0xc1, 0xb1, 0x9a, 0xb7, 0xa0, 0x4f, 0x53, 0x6c, 0x51, 0x9a, 0xca, 0x49, 0x83, 0xac,
    ];
    assert_eq!(NUMBER.key(), known, "as on every Substrate chain");
    assert_eq!(ACCOUNT.prefix(), [twox_128(b"System"), twox_128(b"Account")].concat());
}

#[test]
fn an_entry_is_what_its_map_holds_for_its_key() {
    let base = Memory::default();
    let mut state = Overlay::new(&base);
    let entry = ACCOUNT.at(&7);
    assert_eq!((entry.key(), entry.get(&state)), (&ACCOUNT.key(&7)[..], Ok(None)));
    entry.put(&mut state, &70);
    assert_eq!((ACCOUNT.get(&state, &7), entry.get_or_default(&state)), (Ok(Some(70)), Ok(70)));
    entry.remove(&mut state);
    assert_eq!(state.get(entry.key()), Ok(None));
}

#[test]
fn a_known_raw_key_is_used_for_its_own_entry_and_no_other() {
    const OTHER: Map<Blake2_128Concat, u32, u64> = Map::optional("System", "Other");
    const LONGER: Map<Blake2_128Concat, (u32, u32), u64> = Map::optional("System", "Account");
    let base = Memory::default();
    let mut state = Overlay::new(&base);
    let env = BlockEnv { number: 1, parent_hash: H256::zero(), digest: Digest::default(), author: None };
    let known = [ACCOUNT.key(&6), OTHER.key(&7), LONGER.key(&(6, 7)), ACCOUNT.key(&7)];
    let touch = |key: &alloc::vec::Vec<u8>| Touch { key: key.clone(), kind: TouchKind::Update };
    for number in 0..=known.len() {
        let touches: alloc::vec::Vec<_> = known[..number].iter().map(touch).collect();
        let position = Position::new(0);
        let ctx = Context::at(&mut state, &env, &position, &touches);
        for key in [6, 7] {
            assert_eq!(ACCOUNT.at_known(ctx.known(), &key).key(), ACCOUNT.key(&key));
            assert_eq!(OTHER.at_known(ctx.known(), &key).key(), OTHER.key(&key));
        }
        assert_eq!(LONGER.at_known(ctx.known(), &(6, 7)).key(), LONGER.key(&(6, 7)));
    }
}
