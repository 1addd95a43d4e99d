//! Each host function by itself: what it answers, what it refuses, and that nothing a contract passes is too much.

use std::vec;

use basalt_contracts_vm::IMPORTS;
use basalt_pallet_balances as balances;
use basalt_primitives::hashing::{blake2_128, blake2_256};
use basalt_state::StateRead;
use parity_scale_codec::{Compact, Encode};
use proptest::prelude::*;

use super::*;
use crate::exec::tests::*;

/// Runs `script` as a message of a fresh contract.
fn run_in(
    world: &mut World,
    script: impl Fn(&mut Puppet<'_>) -> Result<(), Stop> + Send + Sync + 'static,
) -> Done<crate::types::ExecReturnValue> {
    let contract = world.contract("contract", script);
    world.call(contract, b"input")
}

fn data(script: impl Fn(&mut Puppet<'_>) -> Result<(), Stop> + Send + Sync + 'static) -> Vec<u8> {
    run_in(&mut World::new(), script).ok().data
}

#[track_caller]
fn fails(script: impl Fn(&mut Puppet<'_>) -> Result<(), Stop> + Send + Sync + 'static, error: Error) {
    assert_eq!(run_in(&mut World::new(), script).error(), failure(error));
}

/// What a function writes that has no other argument than its buffer.
fn output(function: F) -> Vec<u8> {
    data(move |puppet| {
        let output = puppet.host_out(function, &[])?.1;
        puppet.give(0, &output)
    })
}

#[test]
fn the_environment_is_what_it_is() {
    assert_eq!(output(F::Caller), ALICE.0);
    assert_eq!(output(F::Input), b"input");
    assert_eq!(output(F::OwnCodeHash), hash_of("contract").0);
    assert_eq!(output(F::Balance), 0u128.to_le_bytes(), "the existential deposit does not count");
    assert_eq!(output(F::ValueTransferred), 0u128.to_le_bytes());
    assert_eq!(output(F::MinimumBalance), ED.to_le_bytes());
    assert_eq!(output(F::Now), 1_700_000_000_123u64.to_le_bytes());
    assert_eq!(output(F::BlockNumber), 77u32.to_le_bytes());
    assert_eq!(output(F::TombstoneDeposit), [0; 16]);
    assert_eq!(output(F::RentAllowance), [0xFF; 16]);
    assert_eq!(output(F::GasLeft).len(), 8);
}

#[test]
fn input_can_be_read_again_and_value_counts_in_the_balance() {
    let mut world = World::new();
    let contract = world.contract("contract", |puppet| {
        assert_eq!((puppet.input()?, puppet.input()?), (b"input".to_vec(), b"input".to_vec()));
        let value = puppet.host_out(F::ValueTransferred, &[])?.1;
        let balance = puppet.host_out(F::Balance, &[])?.1;
        puppet.give(0, &[value, balance].concat())
    });
    let done = world.call_as(Origin::Signed(ALICE), contract, 321, terms(), b"input");
    assert_eq!(done.ok().data, [321u128.to_le_bytes(), 321u128.to_le_bytes()].concat());
}

#[test]
fn fees_and_gas_are_told() {
    let fee = |function, arguments: &'static [u64]| {
        data(move |puppet| {
            let output = puppet.host_out(function, arguments)?.1;
            puppet.give(0, &output)
        })
    };
    assert_eq!(fee(F::WeightToFee, &[7_000]), 1_000u128.to_le_bytes());
    assert_eq!(fee(F::WeightToFeeV1, &[7_000, 9]), 1_000u128.to_le_bytes());
    let left = data(|puppet| {
        let fuel = puppet.fuel - 1;
        let left = puppet.host_out(F::GasLeftV1, &[])?.1;
        let left: Weight = parity_scale_codec::DecodeAll::decode_all(&mut &left[..]).unwrap();
        let cost = costs::HOST_CALL.saturating_add(costs::ENVIRONMENT);
        assert_eq!(left.ref_time / costs::INSTRUCTION, fuel - cost.ref_time / costs::INSTRUCTION);
        puppet.give(0, &left.proof_size.to_le_bytes())
    });
    assert_eq!(left, (GAS.proof_size - costs::load_code(8).proof_size).to_le_bytes());
}

#[test]
fn contracts_and_their_code_can_be_looked_up() {
    let mut world = World::new();
    let other = world.contract("other", |_| Ok(()));
    let done = run_in(&mut world, move |puppet| {
        let is =
            [puppet.with_hash(F::IsContract, other.0)? as u8, puppet.with_hash(F::IsContract, BOB.0)? as u8];
        let at = puppet.put(&other.0);
        let (code, hash) = puppet.host_out(F::CodeHash, &[at])?;
        let at = puppet.put(&BOB.0);
        let none = puppet.host_out(F::CodeHash, &[at])?.0;
        puppet.give(0, &[&is[..], &[code as u8, none as u8], &hash].concat())
    });
    assert_eq!(done.ok().data, [&[1, 0, 0, 3][..], &hash_of("other").0].concat());
}

#[test]
fn an_output_must_fit_and_its_length_is_written_last() {
    fails(
        |puppet| {
            let (out, length) = (puppet.put(&[0; 31]), puppet.put(&31u32.to_le_bytes()));
            puppet.host(F::Caller, &[out, length]).map(drop)
        },
        Error::OutputBufferTooSmall,
    );
    // Buffer and length overlap: the length wins.
    let overlapping = data(|puppet| {
        let out = puppet.put(&[255; 32]);
        puppet.host(F::Caller, &[out, out])?;
        let written = puppet.memory[out as usize..][..32].to_vec();
        puppet.give(0, &written)
    });
    assert_eq!(overlapping, [&32u32.to_le_bytes()[..], &ALICE.0[4..]].concat());
    let end = 64 * 1024u64;
    fails(move |puppet| puppet.host(F::Caller, &[0, end + 1]).map(drop), Error::OutOfBounds);
    fails(move |puppet| puppet.host(F::Caller, &[0, end - 2]).map(drop), Error::DecodingFailed);
    fails(
        move |puppet| {
            let length = puppet.put(&32u32.to_le_bytes());
            puppet.host(F::Caller, &[end - 31, length]).map(drop)
        },
        Error::OutOfBounds,
    );
    // Only some functions take "not wanted".
    fails(|puppet| puppet.host(F::Caller, &[SENTINEL.into(), 0]).map(drop), Error::OutputBufferTooSmall);
    let skipped = data(|puppet| {
        let (to, value) = (puppet.put(&BOB.0), puppet.put(&[0; 16]));
        let skip = u64::from(SENTINEL);
        let code = puppet.host32(F::CallV1, &[0, to, 0, value, 0, 0, skip, skip])?;
        puppet.give(0, &[code as u8])
    });
    assert_eq!(skipped, [8]);
}

#[test]
fn a_fixed_input_at_the_end_of_memory_does_not_decode() {
    let end = 64 * 1024u64;
    fails(move |puppet| puppet.host(F::IsContract, &[end - 31]).map(drop), Error::DecodingFailed);
    fails(move |puppet| puppet.host(F::IsContract, &[end]).map(drop), Error::DecodingFailed);
    fails(move |puppet| puppet.host(F::IsContract, &[end + 1]).map(drop), Error::OutOfBounds);
    assert_eq!(data(move |puppet| puppet.host(F::IsContract, &[end - 32]).map(drop)), b"");
}

#[test]
fn storage_has_three_ways_to_set_and_two_kinds_of_keys() {
    let mut world = World::new();
    let contract = world.contract("contract", |puppet| {
        let key = puppet.put(&[7; 32]);
        let value = puppet.put(b"value");
        assert_eq!(puppet.host32(F::SetStorage, &[key, value, 5])?, 0, "returns nothing");
        assert_eq!(puppet.host32(F::SetStorageV1, &[key, value, 3])?, 5);
        assert_eq!(puppet.host_out(F::GetStorage, &[key])?, (0, b"val".to_vec()));
        assert_eq!(puppet.host32(F::ContainsStorage, &[key])?, 3);
        assert_eq!(puppet.host32(F::ContainsStorageV1, &[key, 32])?, SENTINEL, "another kind, another key");
        assert_eq!(puppet.set(b"", b"")?, SENTINEL, "an empty value under an empty key");
        assert_eq!(puppet.set(b"", b"x")?, 0);
        assert_eq!(puppet.host32(F::SetStorageV2, &[key, 32, value, 5])?, SENTINEL);
        assert_eq!(puppet.host_out(F::TakeStorage, &[key, 32])?, (0, b"value".to_vec()));
        assert_eq!(puppet.host_out(F::TakeStorage, &[key, 32])?, (3, vec![]));
        assert_eq!(puppet.host_out(F::GetStorageV1, &[key, 32])?.0, 3);
        assert_eq!(puppet.clear(b"")?, 1);
        assert_eq!(puppet.clear(b"")?, SENTINEL);
        assert_eq!(puppet.host32(F::ContainsStorageV1, &[key, 0])?, SENTINEL);
        puppet.set(b"kept", b"1").map(drop)
    });
    world.call(contract, b"").ok();
    let prefix = [&b":child_storage:default:"[..], &world.info(contract).unwrap().trie_id.0].concat();
    let raw = |hashed: Vec<u8>| world.state.get(&[&prefix[..], &hashed].concat()).unwrap();
    assert_eq!(raw(blake2_256(&[7; 32]).to_vec()), Some(b"val".to_vec()));
    assert_eq!(raw([&blake2_128(b"kept")[..], b"kept"].concat()), Some(b"1".to_vec()));
    assert_eq!(world.call(contract, b"").ok().data, b"", "the same again would trap, had it not been undone");
}

#[test]
fn a_fixed_key_can_be_cleared_and_nothing_is_said() {
    let answers = data(|puppet| {
        let key = puppet.put(&[7; 32]);
        puppet.host(F::SetStorage, &[key, key, 32])?;
        let cleared = puppet.host32(F::ClearStorage, &[key])?;
        let left = puppet.host32(F::ContainsStorage, &[key])?;
        puppet.give(0, &[cleared as u8, (left == SENTINEL).into()])
    });
    assert_eq!(answers, [0, 1]);
}

#[test]
fn keys_and_values_have_limits() {
    assert_eq!(data(|puppet| puppet.set(&[1; 128], &[1; 16_384]).map(drop)), b"");
    fails(|puppet| puppet.set(&[1; 129], b"").map(drop), Error::DecodingFailed);
    fails(|puppet| puppet.get(&[1; 129]).map(drop), Error::DecodingFailed);
    fails(|puppet| puppet.set(b"key", &[1; 16_385]).map(drop), Error::ValueTooLarge);
    fails(|puppet| puppet.host(F::SetStorageV2, &[1, 1, 65_536, 1]).map(drop), Error::OutOfBounds);
    fails(|puppet| puppet.host(F::SetStorage, &[65_505, 0, 1]).map(drop), Error::OutOfBounds);
}

#[test]
fn transient_values_live_as_long_as_the_call() {
    let mut world = World::new();
    let contract = world.contract("contract", |puppet| {
        let (key, value) = (puppet.put(b"key"), puppet.put(b"value"));
        let inner = !puppet.input()?.is_empty();
        if inner {
            assert_eq!(puppet.host32(F::SetTransientStorage, &[key, 3, value, 2])?, 5);
            return puppet.give(1, b"");
        }
        assert_eq!(puppet.host32(F::ContainsTransientStorage, &[key, 3])?, SENTINEL);
        assert_eq!(puppet.host32(F::SetTransientStorage, &[key, 3, value, 5])?, SENTINEL);
        let own = puppet.account_output(F::Address)?;
        let ask = Ask { flags: ALLOW_REENTRY, ..Ask::default() };
        assert_eq!(puppet.call_with(own, ask, b"inner")?.0, 2);
        assert_eq!(puppet.host_out(F::GetTransientStorage, &[key, 3])?, (0, b"value".to_vec()), "taken back");
        assert_eq!(puppet.host32(F::ClearTransientStorage, &[key, 3])?, 5);
        assert_eq!(puppet.host_out(F::TakeTransientStorage, &[key, 3])?.0, 3);
        puppet.host(F::SetTransientStorage, &[key, 3, value, 5])?;
        assert_eq!(puppet.host_out(F::TakeTransientStorage, &[key, 3])?, (0, b"value".to_vec()));
        assert_eq!(puppet.host_out(F::GetTransientStorage, &[key, 3])?.0, 3);
        puppet.host(F::SetTransientStorage, &[key, 3, value, 5]).map(drop)
    });
    assert_eq!(world.call(contract, b"").written.len(), 0);
    world.call(contract, b"").ok();
    // It is not state: whoever may only read may write it.
    let reader = world.contract("reader", |puppet| {
        let key = puppet.put(b"key");
        puppet.host(F::SetTransientStorage, &[key, 3, key, 3]).map(drop)
    });
    let caller = world.contract("caller", move |puppet| {
        let code = puppet.call_with(reader, Ask { flags: READ_ONLY, ..Ask::default() }, b"")?.0;
        puppet.give32(code)
    });
    assert_eq!(world.call(caller, b"").number(), 0);
}

#[test]
fn transient_values_have_a_budget() {
    let fill = |values: u8| {
        move |puppet: &mut Puppet<'_>| {
            for number in 0..values {
                let key = puppet.put(&[number]);
                puppet.host(F::SetTransientStorage, &[key, 1, 0, 16_384])?;
            }
            Ok(())
        }
    };
    // Each counts 16,384 + 2 * 49 + 36.
    assert_eq!(data(fill(63)), b"");
    fails(fill(64), Error::OutOfTransientStorage);
    fails(|puppet| puppet.host(F::SetTransientStorage, &[0, 1, 0, 16_385]).map(drop), Error::ValueTooLarge);
    fails(|puppet| puppet.host(F::SetTransientStorage, &[0, 129, 0, 1]).map(drop), Error::DecodingFailed);
}

#[test]
fn transfers_move_value_or_say_that_they_failed() {
    let mut world = World::new();
    let contract = world.contract("contract", |puppet| {
        let mut codes = Vec::new();
        let own = puppet.account_output(F::Address)?;
        for (to, value) in [(BOB, 600u128), (BOB, 401), (BOB, 0), (own, u128::MAX), (CHARLIE, 1), (BOB, 400)]
        {
            let (to, value) = (puppet.put(&to.0), puppet.put(&value.to_le_bytes()));
            codes.push(puppet.host32(F::Transfer, &[to, 32, value, 16])? as u8);
        }
        puppet.give(0, &codes)
    });
    let bob = world.free(BOB);
    let done = world.call_as(Origin::Signed(ALICE), contract, 1_000, terms(), b"");
    assert_eq!(done.ok().data, [0, 5, 0, 0, 5, 0]);
    assert_eq!((world.free(BOB), world.free(contract), world.free(CHARLIE)), (bob + 1_000, ED, 0));
}

fn topics(count: u32, bytes: usize) -> Vec<u8> {
    let mut encoded = Compact(count).encode();
    encoded.resize(encoded.len() + bytes, 5);
    encoded
}

#[test]
fn events_carry_their_topics_and_data() {
    let mut world = World::new();
    let contract = world.contract("contract", |puppet| {
        let encoded = topics(4, 128);
        let (at, data) = (puppet.put(&encoded), puppet.put(b"data"));
        puppet.host(F::DepositEvent, &[at, encoded.len() as u64, data, 4])?;
        puppet.host(F::DepositEvent, &[0, 0, 0, 0])?;
        let none = puppet.put(&[0]);
        puppet.host(F::DepositEvent, &[none, 1, data, 1]).map(drop)
    });
    let done = world.call(contract, b"");
    let emitted = |data: &[u8]| crate::Event::ContractEmitted { contract, data: data.to_vec() };
    assert_eq!(of_contracts(&done.told)[..3], [emitted(b"data"), emitted(b""), emitted(b"d")]);
    assert_eq!(done.topics[..3], [vec![H256([5; 32]); 4], vec![], vec![]]);
}

#[test]
fn events_have_limits() {
    let with_topics = |encoded: Vec<u8>| {
        move |puppet: &mut Puppet<'_>| {
            let at = puppet.put(&encoded);
            puppet.host(F::DepositEvent, &[at, encoded.len() as u64, 0, 0]).map(drop)
        }
    };
    fails(with_topics(topics(5, 160)), Error::TooManyTopics);
    for (count, bytes) in [(1, 33), (1, 31), (2, 32), (0, 1), (1 << 29, 32), (u32::MAX, 0)] {
        fails(with_topics(topics(count, bytes)), Error::DecodingFailed);
    }
    fails(|puppet| puppet.host(F::DepositEvent, &[0, 0, 0, 16_385]).map(drop), Error::ValueTooLarge);
    fails(|puppet| puppet.host(F::DepositEvent, &[65_530, 33, 0, 0]).map(drop), Error::OutOfBounds);
    assert_eq!(data(|puppet| puppet.host(F::DepositEvent, &[0, 0, 0, 16_384]).map(drop)), b"");
}

fn hashed(function: F, input: &'static [u8], bytes: usize) -> Vec<u8> {
    data(move |puppet| {
        let at = puppet.put(input);
        // Right over the input.
        puppet.host(function, &[at, input.len() as u64, at])?;
        let digest = puppet.memory[at as usize..][..bytes].to_vec();
        puppet.give(0, &digest)
    })
}

#[test]
fn hashes_are_those_of_the_standards() {
    let hex =
        |bytes: Vec<u8>| bytes.iter().map(|byte| std::format!("{byte:02x}")).collect::<std::string::String>();
    assert_eq!(
        hex(hashed(F::HashSha2256, b"abc", 32)),
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    );
    assert_eq!(
        hex(hashed(F::HashKeccak256, b"", 32)),
        "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"
    );
    assert_eq!(hashed(F::HashBlake2256, b"abc", 32), blake2_256(b"abc"));
    assert_eq!(hashed(F::HashBlake2128, b"abc", 16), blake2_128(b"abc"));
}

#[test]
fn keys_are_recovered_and_signatures_checked() {
    // The key of Ethereum's well-known first test account (secret 1), which is the curve's generator.
    let generator = [
        2, 0x79, 0xbe, 0x66, 0x7e, 0xf9, 0xdc, 0xbb, 0xac, 0x55, 0xa0, 0x62, 0x95, 0xce, 0x87, 0x0b, 0x07,
        0x02, 0x9b, 0xfc, 0xdb, 0x2d, 0xce, 0x28, 0xd9, 0x59, 0xf2, 0x81, 0x5b, 0x16, 0xf8, 0x17, 0x98,
    ];
    let address = [
        0x7e, 0x5f, 0x45, 0x52, 0x09, 0x1a, 0x69, 0x12, 0x5d, 0x5d, 0xfc, 0xb7, 0xb8, 0xc2, 0x65, 0x90, 0x29,
        0x39, 0x5b, 0xdf,
    ];
    let known = data(move |puppet| {
        let (key, out) = (puppet.put(&generator), puppet.put(&[0; 20]));
        let code = puppet.host32(F::EcdsaToEthAddress, &[key, out])?;
        let written = puppet.memory[out as usize..][..20].to_vec();
        let none = puppet.put(&[9; 33]);
        let wrong = puppet.host32(F::EcdsaToEthAddress, &[none, out])?;
        puppet.give(0, &[&[code as u8, wrong as u8], &written[..]].concat())
    });
    assert_eq!(known, [&[0, 11][..], &address].concat());
    let wrong = data(|puppet| {
        let (signature, hash, out) = (puppet.put(&[0; 65]), puppet.put(&[1; 32]), puppet.put(&[0; 33]));
        let recovered = puppet.host32(F::EcdsaRecover, &[signature, hash, out])?;
        let checked = puppet.host32(F::Sr25519Verify, &[signature, hash, 5, out])?;
        puppet.give(0, &[recovered as u8, checked as u8])
    });
    assert_eq!(wrong, [11, 12]);
    // Length before pointer: a message that only fits the one way.
    fails(|puppet| puppet.host(F::Sr25519Verify, &[0, 0, 65_000, 5_000]).map(drop), Error::OutOfBounds);
}

#[test]
fn messages_are_kept_when_somebody_listens() {
    let script = |puppet: &mut Puppet<'_>| {
        let (text, broken) = (puppet.put(b"hello "), puppet.put(&[0xFF]));
        let codes = [
            puppet.host32(F::DebugMessage, &[text, 6])?,
            puppet.host32(F::DebugMessage, &[broken, 1])?,
            puppet.host32(F::DebugMessage, &[text, 5])?,
        ];
        assert_eq!(codes, [0; 3]);
        Ok(())
    };
    let mut world = World::new();
    let contract = world.contract("contract", script);
    let quiet = world.call(contract, b"");
    let listening = crate::exec::Terms { debug: true, ..terms() };
    let loud = world.call_as(Origin::Signed(ALICE), contract, 0, listening, b"");
    assert_eq!(quiet.outcome.debug_message, b"");
    assert_eq!(loud.outcome.debug_message, b"hello hello");
    assert_eq!(quiet.outcome.gas_consumed, loud.outcome.gas_consumed, "nobody can tell by the gas");
    let mut buffer = vec![b'x'; DEBUG_BUFFER_BYTES_MAX as usize - 2];
    append_message(&mut buffer, b"abc");
    append_message(&mut buffer, b"ab");
    assert_eq!((buffer.len(), buffer.last()), (DEBUG_BUFFER_BYTES_MAX as usize, Some(&b'b')));
}

#[test]
fn what_is_no_longer_used_does_nothing() {
    for function in [F::RestoreTo, F::RestoreToV1, F::SetRentAllowance, F::SetRentAllowanceV1] {
        assert_eq!(data(move |puppet| puppet.host(function, &[u64::MAX; 8]).map(drop)), b"");
    }
    let random = data(|puppet| {
        let subject = puppet.put(b"subject");
        let plain = puppet.host_out(F::Random, &[subject, 7])?.1;
        let with_block = puppet.host_out(F::RandomV1, &[subject, 7])?.1;
        assert_eq!(with_block, [&plain[..], &77u32.to_le_bytes()].concat());
        puppet.give(0, &plain)
    });
    assert_eq!(random, blake2_256(&[&PARENT.0[..], &Compact(7u32).encode(), b"subject"].concat()));
    fails(|puppet| puppet.host(F::Random, &[0, 33, 0, 0]).map(drop), Error::RandomSubjectTooLong);
}

#[test]
fn there_is_no_other_chain() {
    let codes = data(|puppet| {
        let codes = [puppet.host32(F::XcmExecute, &[0, 10])?, puppet.host32(F::XcmSend, &[0, 0, 10, 100])?];
        puppet.give(0, &codes.map(|code| code as u8))
    });
    assert_eq!(codes, [13, 14]);
    fails(|puppet| puppet.host(F::XcmExecute, &[65_000, 5_000]).map(drop), Error::OutOfBounds);
}

fn calling(call: Vec<u8>) -> impl Fn(&mut Puppet<'_>) -> Result<(), Stop> + Send + Sync + 'static {
    move |puppet| {
        let at = puppet.put(&call);
        let code = puppet.host32(F::CallRuntime, &[at, call.len() as u64])?;
        puppet.give32(code)
    }
}

#[test]
fn a_contract_makes_calls_of_the_runtime_in_its_own_name() {
    let pay =
        |value| TestCall::Balances(balances::Call::transfer_keep_alive { dest: BOB.into(), value }).encode();
    let mut world = World::new();
    let contract = world.contract("paying", calling(pay(300)));
    let bob = world.free(BOB);
    assert_eq!(world.call_as(Origin::Signed(ALICE), contract, 500, terms(), b"").number(), 0);
    assert_eq!((world.free(BOB), world.free(contract)), (bob + 300, ED + 200));
    let failing = world.contract("failing", calling(pay(1)));
    let listening = crate::exec::Terms { debug: true, ..terms() };
    let done = world.call_as(Origin::Signed(ALICE), failing, 0, listening, b"");
    assert!(done.outcome.debug_message.starts_with(b"call of the runtime failed"));
    assert_eq!(done.number(), 10);
    let burn = TestCall::Balances(balances::Call::burn { value: 1, keep_alive: true }).encode();
    assert_eq!(run_in(&mut World::new(), calling(burn)).number(), 10, "not callable");
    let trailing = [pay(1), vec![0]].concat();
    for undecodable in [vec![], vec![99], trailing] {
        fails(calling(undecodable), Error::DecodingFailed);
    }
}

#[test]
fn a_contract_cannot_call_contracts_through_the_runtime() {
    let mut world = World::new();
    let other = world.contract("other", |puppet| puppet.set(b"key", b"value").map(drop));
    let call = TestCall::Contracts(crate::Call::call {
        dest: other.into(),
        value: 0,
        gas_limit: Weight::new(10_000_000_000, 100_000),
        storage_deposit_limit: None,
        data: vec![],
    });
    let contract = world.contract("contract", calling(call.encode()));
    assert_eq!(world.call(contract, b"").number(), 10);
    assert_eq!(world.stored(other, b"key"), None);
}

#[test]
fn an_extension_sees_the_chain() {
    let mut world = World::new();
    let bob = world.free(BOB) - 2 * crate::exec::tests::PER_ITEM;
    let contract = world.contract("contract", |puppet| {
        let (account, out) = (puppet.put(&BOB.0), puppet.put(&[0; 32]));
        let length = puppet.put(&32u32.to_le_bytes());
        assert_eq!(puppet.host32(F::CallChainExtension, &[1 << 16, 0, 0, out, length])?, 0);
        let hash = puppet.memory[out as usize..][..32].to_vec();
        assert_eq!(puppet.host32(F::CallChainExtension, &[1 << 16 | 1, account, 32, out, length])?, 0);
        let balance = puppet.memory[out as usize..][..16].to_vec();
        puppet.give(0, &[hash, balance].concat())
    });
    // Bob pays for uploads.
    let now = world.free(BOB);
    assert!(now <= bob);
    assert_eq!(world.call(contract, b"").ok().data, [&PARENT.0[..], &now.to_le_bytes()].concat());
    for id in [0, 1 << 16 | 2, 2 << 16, u64::from(u32::MAX)] {
        fails(
            move |puppet| puppet.host(F::CallChainExtension, &[id, 0, 0, 0, 0]).map(drop),
            Error::NoChainExtension,
        );
    }
    fails(
        |puppet| puppet.host(F::CallChainExtension, &[1 << 16 | 1, 0, 31, 0, 0]).map(drop),
        Error::DecodingFailed,
    );
}

#[test]
fn older_versions_of_calls_are_the_newest_with_less_to_say() {
    let mut world = World::new();
    let echo = world.contract("echo", |puppet| match puppet.entry {
        Entry::Deploy => Ok(()),
        Entry::Call => {
            let input = puppet.input()?;
            puppet.give(0, &input)
        }
    });
    world.upload("child", |puppet| {
        let input = puppet.input()?;
        puppet.give(0, &input)
    });
    let contract = world.contract("contract", move |puppet| {
        let (to, value) = (puppet.put(&echo.0), puppet.put(&7u128.to_le_bytes()));
        let input = puppet.put(b"in");
        assert_eq!(puppet.host_out(F::Call, &[to, 0, 0, value, 0, input, 2])?, (0, b"in".to_vec()));
        assert_eq!(puppet.host_out(F::CallV1, &[0, to, 0, value, input, 2])?, (0, b"in".to_vec()));
        let hash = puppet.put(&hash_of("child").0);
        let (address, length) = (puppet.put(&[0; 32]), puppet.put(&32u32.to_le_bytes()));
        let (out, out_length) = (puppet.put(&[0; 8]), puppet.put(&8u32.to_le_bytes()));
        let salt = puppet.put(b"01");
        let v0 = [hash, 0, 0, value, 0, input, 2, address, length, out, out_length, salt, 1];
        assert_eq!(puppet.host32(F::Instantiate, &v0)?, 0);
        let first = puppet.memory[address as usize..][..32].to_vec();
        let v1 = [hash, 0, value, input, 2, address, length, out, out_length, salt + 1, 1];
        assert_eq!(puppet.host32(F::InstantiateV1, &v1)?, 0);
        assert_eq!(puppet.memory[out as usize..][..2], *b"in");
        let second = puppet.memory[address as usize..][..32].to_vec();
        puppet.give(0, &[first, second].concat())
    });
    let done = world.call_as(Origin::Signed(ALICE), contract, 28, terms(), b"");
    let child = |salt: &[u8]| contract_address(&contract, &hash_of("child"), b"in", salt).0;
    assert_eq!(done.ok().data, [child(b"0"), child(b"1")].concat());
    assert_eq!((world.free(echo), world.free(contract)), (ED + 14, ED));
    // The oldest one lets the callee call back.
    let own = world.contract("own", |puppet| {
        if puppet.input()?.is_empty() {
            return Ok(());
        }
        let own = puppet.account_output(F::Address)?;
        let (to, value) = (puppet.put(&own.0), puppet.put(&[0; 16]));
        let code = puppet.host_out(F::Call, &[to, 0, 0, value, 0, 0, 0])?.0;
        puppet.give32(code)
    });
    assert_eq!(world.call(own, b"go").number(), 0);
}

/// Numbers at which bounds are wrong if they are wrong anywhere.
fn word() -> impl Strategy<Value = u64> {
    prop_oneof![
        0u64..300,
        Just(65_535),
        Just(65_536),
        65_400u64..65_700,
        Just(u64::from(u32::MAX)),
        Just(u64::from(i32::MAX as u32) + 1),
        Just(u64::MAX),
        any::<u32>().prop_map(u64::from),
        any::<u64>(),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    /// Whatever a contract passes, its frame ends somehow: nothing panics, gas does not grow, invariants hold.
    #[test]
    fn no_arguments_are_too_much(
        calls in prop::collection::vec((0..IMPORTS.len(), prop::collection::vec(word(), 13)), 1..6),
        seed in any::<u64>(),
        known in prop::collection::vec((0usize..500, 0u8..4), 0..6),
    ) {
        let mut world = World::new();
        world.upload("child", |_| Ok(()));
        let script = move |puppet: &mut Puppet<'_>| {
            let mut number = seed;
            for byte in puppet.memory.iter_mut().take(2_048) {
                // Small numbers more often than not, so that lengths and capacities make sense.
                number = number.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                *byte = if number >> 62 == 0 { (number >> 56) as u8 } else { 0 };
            }
            for (place, what) in &known {
                let bytes = match what {
                    0 => hash_of("child").0,
                    1 => BOB.0,
                    _ => contract_address(&ALICE, &hash_of("contract"), b"", b"").0,
                };
                puppet.memory[*place..][..32].copy_from_slice(&bytes);
            }
            for (import, arguments) in &calls {
                let import = &IMPORTS[*import];
                let arguments: Vec<u64> = arguments
                    .iter()
                    .zip(import.parameters)
                    .map(|(word, kind)| match kind {
                        basalt_contracts_vm::ValueType::I32 => *word & u64::from(u32::MAX),
                        basalt_contracts_vm::ValueType::I64 => *word,
                    })
                    .collect();
                let before = puppet.fuel;
                let result = puppet.host(import.function, &arguments);
                assert!(puppet.fuel <= before);
                result?;
            }
            Ok(())
        };
        let contract = world.contract("contract", script);
        world.call(contract, b"\0\0\0\0");
        world.check();
    }
}
