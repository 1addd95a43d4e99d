//! What clients see: encodings, keys and types.

use basalt_support::metadata::PalletMetadata;
use parity_scale_codec::Encode;
use scale_info::TypeInfo;
use types::{ExposurePage, IndividualExposure, PagedExposureMetadata, UnlockChunk, ValidatorPrefs};

use super::*;

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| alloc::format!("{byte:02x}")).collect()
}

#[test]
fn calls_have_the_indices_and_arguments_that_clients_send() {
    for (call, bytes) in [
        (bond(1), vec![0, 4, 1]),
        (Call::bond { value: 0, payee: RewardDestination::None }, vec![0, 0, 4]),
        (Call::bond_extra { max_additional: 1 }, vec![1, 4]),
        (Call::unbond { value: 1 }, vec![2, 4]),
        (withdraw(), vec![3, 0, 0, 0, 0]),
        // Ten percent as a compact number of billionths.
        (validate(10), vec![4, 2, 132, 215, 23, 0]),
        (Call::chill, vec![6]),
        (Call::set_validator_count { new: 2 }, vec![9, 8]),
        (Call::force_no_eras, vec![12]),
        (Call::force_new_era, vec![13]),
        (Call::force_new_era_always, vec![16]),
        (Call::rebond { value: 1 }, vec![19, 4]),
        (Call::set_min_commission { new: Perbill::from_parts(1) }, vec![25, 1, 0, 0, 0]),
    ] {
        assert_eq!(call.encode(), bytes, "{call:?}");
    }
    assert_eq!(nominate(&[7]).encode(), [&[5, 4, 0][..], &[7; 32]].concat());
    let payout = Call::payout_stakers { validator_stash: account(7), era: 2 };
    assert_eq!(payout.encode(), [&[18][..], &[7; 32], &[2, 0, 0, 0]].concat());
    let page = Call::payout_stakers_by_page { validator_stash: account(7), era: 2, page: 1 };
    assert_eq!(page.encode(), [&[26][..], &[7; 32], &[2, 0, 0, 0, 1, 0, 0, 0]].concat());
    assert_eq!(Call::type_info().path.segments, ["pallet_staking", "pallet", "Call"]);
}

#[test]
fn values_are_encoded_as_on_substrates_chains() {
    let mut ledger = StakingLedger::new(account(1), 3);
    ledger.active = 1;
    ledger.unlocking.push(UnlockChunk { value: 2, era: 5 });
    assert_eq!(ledger.encode(), [&[1; 32][..], &[12, 4, 4, 8, 20, 0]].concat());
    let prefs = ValidatorPrefs { commission: Perbill::from_parts(1), blocked: true };
    assert_eq!(prefs.encode(), [4, 1]);
    let overview = PagedExposureMetadata { total: 3, own: 1, nominator_count: 2, page_count: 1 };
    assert_eq!(overview.encode(), [12, 4, 2, 0, 0, 0, 1, 0, 0, 0]);
    let page = ExposurePage { page_total: 2, others: vec![IndividualExposure { who: account(9), value: 2 }] };
    assert_eq!(page.encode(), [&[8, 4][..], &[9; 32], &[8]].concat());
    assert_eq!(IndividualExposure::type_info().path.segments[0], "sp_staking");
}

#[test]
fn keys_are_those_that_tools_read() {
    // twox128("Staking") and twox128 of the item, as on Substrate's chains.
    let staking = "5f3e4907f716ac89b6347d15ececedca";
    for (key, item) in [
        (VALIDATOR_COUNT.key(), "138e71612491192d68deab7e6f563fe1"),
        (CURRENT_ERA.key(), "0b6a45321efae92aea15e0740ec7afe7"),
        (ACTIVE_ERA.key(), "487df464e44a534ba6b0cbb32407b587"),
        (LEDGER.prefix(), "422adb579f1dbf4f3886c5cfa3bb8cc4"),
        (BONDED.prefix(), "3ed14b45ed20d054f05e37e2542cfe70"),
    ] {
        assert_eq!(hex(&key), [staking, item].concat());
    }
    let key = ERAS_STAKERS_PAGED.key(&1, &account(2), &3);
    // Each part behind eight bytes of hash.
    assert_eq!(key.len(), 32 + 8 + 4 + 8 + 32 + 8 + 4);
    assert_eq!(key[40..44], [1, 0, 0, 0]);
    assert_eq!(key[52..84], [2; 32]);
    assert_eq!(key[92..], [3, 0, 0, 0]);
}

#[test]
fn clients_find_the_items_and_constants_that_their_pages_need() {
    let PalletMetadata { storage, constants, .. } = STAKING.metadata();
    let items: Vec<_> = storage.iter().map(|entry| entry.name).collect();
    for wanted in [
        "ActiveEra",
        "Bonded",
        "ClaimedRewards",
        "CounterForNominators",
        "CounterForValidators",
        "CurrentEra",
        "ErasRewardPoints",
        "ErasStakersOverview",
        "ErasStakersPaged",
        "ErasStartSessionIndex",
        "ErasTotalStake",
        "ErasValidatorPrefs",
        "ErasValidatorReward",
        "ForceEra",
        "Invulnerables",
        "Ledger",
        "MaxNominatorsCount",
        "MaxValidatorsCount",
        "MinCommission",
        "MinNominatorBond",
        "MinValidatorBond",
        "MinimumActiveStake",
        "MinimumValidatorCount",
        "Nominators",
        "Payee",
        "SlashRewardFraction",
        "UnappliedSlashes",
        "ValidatorCount",
        "Validators",
    ] {
        assert!(items.contains(&wanted), "{wanted}");
    }
    let names: Vec<_> = constants.iter().map(|constant| constant.name).collect();
    for wanted in [
        "BondingDuration",
        "HistoryDepth",
        "MaxExposurePageSize",
        "MaxNominations",
        "MaxUnlockingChunks",
        "SessionsPerEra",
        "SlashDeferDuration",
    ] {
        assert!(names.contains(&wanted), "{wanted}");
    }
}
