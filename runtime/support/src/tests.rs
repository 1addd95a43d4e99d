//! What cannot be seen from a pallet.

use basalt_primitives::hashing::twox_128;
use basalt_state::{Memory, Overlay, StateRead};

use super::{Map, Value, storage::Blake2_128Concat};

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
