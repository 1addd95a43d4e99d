//! Keys of accounts: proved, registered once, and given up.

use basalt_pallet_system::ACCOUNT;
use basalt_primitives::{DispatchError, ModuleError, MultiSignature};
use basalt_support::{Failure, Origin};

use super::*;

fn account(number: u8) -> AccountId {
    AccountId::from([number; 32])
}

fn pair(scheme: Scheme, number: u8) -> Pair {
    Pair::from_seed(scheme, &[number.max(1); 32]).unwrap()
}

/// The keys with this number.
fn keys(number: u8) -> SessionKeys {
    let of = |scheme| match pair(scheme, number).public() {
        MultiSigner::Ed25519(key) | MultiSigner::Sr25519(key) => key,
        MultiSigner::Ecdsa(_) => panic!("no key of a validator"),
    };
    SessionKeys { grandpa: of(Scheme::Ed25519), vrf: of(Scheme::Sr25519) }
}

/// That whoever has the keys with this number is `owner`.
fn proof(number: u8, owner: AccountId) -> Vec<u8> {
    let statement = signature::possession_statement(&owner);
    let sign = |scheme| match pair(scheme, number).sign(&statement) {
        MultiSignature::Ed25519(bytes) | MultiSignature::Sr25519(bytes) => bytes,
        MultiSignature::Ecdsa(_) => panic!("no key of a validator"),
    };
    [sign(Scheme::Ed25519), sign(Scheme::Sr25519)].concat()
}

/// A chain with accounts 1 to 5.
fn with_accounts<R>(then: impl FnOnce(&mut Overlay<'_>) -> R) -> R {
    let base = Memory::default();
    let mut state = Overlay::new(&base);
    in_block(&mut state, 1, |ctx| {
        for number in 1..=5 {
            SYSTEM.inc_providers(ctx, &account(number)).unwrap();
        }
    });
    then(&mut state)
}

fn call(state: &mut Overlay<'_>, who: u8, call: Call) -> Result<(), Error> {
    let run = |ctx: &mut Context<'_, '_>| {
        ctx.layered(|ctx| SESSION.dispatch(call, Origin::Signed(account(who)), ctx)).map(|_| ())
    };
    let result = in_block(state, 1, run).0.map_err(|error| match error.failure {
        Failure::Dispatch(DispatchError::Module(ModuleError { index: 6, error })) => {
            Error::decode_all(&mut &error[..1]).unwrap()
        }
        other => panic!("{other:?}"),
    });
    SESSION.try_state(state).unwrap();
    result
}

fn set(state: &mut Overlay<'_>, who: u8, number: u8) -> Result<(), Error> {
    call(state, who, Call::set_keys { keys: keys(number), proof: proof(number, account(who)) })
}

fn consumers(state: &Overlay<'_>, who: u8) -> u32 {
    ACCOUNT.get_or_default(state, &account(who)).unwrap().consumers
}

#[test]
fn keys_are_registered_replaced_and_given_up() {
    with_accounts(|state| {
        assert_eq!(SESSION.keys(state, &account(1)), Ok(None));
        set(state, 1, 1).unwrap();
        assert_eq!(SESSION.keys(state, &account(1)), Ok(Some(keys(1))));
        assert_eq!(consumers(state, 1), 1);
        // The same ones again, then others: the old ones are free for whoever has their secrets.
        set(state, 1, 1).unwrap();
        set(state, 1, 2).unwrap();
        assert_eq!((SESSION.keys(state, &account(1)), consumers(state, 1)), (Ok(Some(keys(2))), 1));
        set(state, 2, 1).unwrap();
        assert_eq!(KEY_OWNER.get(state, &(KEY_TYPE_VOTE, keys(1).grandpa.to_vec())), Ok(Some(account(2))));
        assert_eq!(KEY_OWNER.get(state, &(KEY_TYPE_VRF, keys(2).vrf.to_vec())), Ok(Some(account(1))));

        call(state, 1, Call::purge_keys).unwrap();
        assert_eq!((SESSION.keys(state, &account(1)), consumers(state, 1)), (Ok(None), 0));
        assert_eq!(call(state, 1, Call::purge_keys), Err(Error::NoKeys));
        set(state, 3, 2).unwrap();
    });
}

#[test]
fn keys_are_proved_by_both_secrets_for_this_account() {
    with_accounts(|state| {
        let right = proof(1, account(1));
        let mut wrong = vec![
            vec![],
            right[..127].to_vec(),
            [&right[..], &[0]].concat(),
            proof(1, account(2)),
            proof(2, account(1)),
            [&right[..64], &proof(2, account(1))[64..]].concat(),
            [&proof(2, account(1))[..64], &right[64..]].concat(),
            [&right[64..], &right[..64]].concat(),
        ];
        wrong.extend((0..128).step_by(9).map(|at| {
            let mut flipped = right.clone();
            flipped[at] ^= 1;
            flipped
        }));
        for proof in wrong {
            assert_eq!(
                call(state, 1, Call::set_keys { keys: keys(1), proof: proof.clone() }),
                Err(Error::InvalidProof),
                "{proof:?}"
            );
        }
        let swapped = SessionKeys { grandpa: keys(1).vrf, vrf: keys(1).grandpa };
        assert_eq!(
            call(state, 1, Call::set_keys { keys: swapped, proof: right.clone() }),
            Err(Error::InvalidProof)
        );
        assert_eq!(call(state, 1, Call::set_keys { keys: keys(1), proof: right }), Ok(()));
    });
}

/// What polkadot-sdk signs (`sp_core::proof_of_possession`), so that its nodes and ours can make proofs for each other.
#[test]
fn the_statement_is_that_of_substrate() {
    assert_eq!(signature::possession_statement(&account(7)), [&b"POP_"[..], &[7; 32]].concat());
}

#[test]
fn a_key_has_one_owner() {
    with_accounts(|state| {
        set(state, 1, 1).unwrap();
        assert_eq!(set(state, 2, 1), Err(Error::DuplicatedKey));
        let half = SessionKeys { vrf: keys(1).vrf, ..keys(2) };
        let proof = [&proof(2, account(2))[..64], &proof(1, account(2))[64..]].concat();
        assert_eq!(call(state, 2, Call::set_keys { keys: half, proof }), Err(Error::DuplicatedKey));
    });
}

#[test]
fn an_account_that_does_not_exist_has_no_keys() {
    with_accounts(|state| {
        assert_eq!(set(state, 9, 9), Err(Error::NoAccount));
        let registered = SESSION.genesis_keys(state, &[(account(9), keys(9))]);
        assert_eq!(registered, Err(KeysError::NoAccount(account(9))));
    });
}

#[test]
fn genesis_registers_keys_once() {
    with_accounts(|state| {
        SESSION.genesis_keys(state, &[(account(1), keys(1)), (account(2), keys(2))]).unwrap();
        SESSION.try_state(state).unwrap();
        assert_eq!((SESSION.keys(state, &account(2)), consumers(state, 2)), (Ok(Some(keys(2))), 1));
        let mut genesis = |who, keys| SESSION.genesis_keys(state, &[(account(who), keys)]).unwrap_err();
        assert_eq!(genesis(1, keys(3)), KeysError::Twice(account(1)));
        assert_eq!(genesis(3, keys(1)), KeysError::Duplicated(account(3), account(1)));
        let bad = SessionKeys { vrf: [255; 32], ..keys(3) };
        assert_eq!(genesis(3, bad), KeysError::BadKey(account(3), "VRF key"));
    });
}

proptest! {
    /// Whoever does what in which order: `try_state` holds, keys never have two owners, and consumers are counted.
    #[test]
    fn calls_in_any_order_keep_the_books(calls in prop::collection::vec((1..=5u8, 0..=5u8), 1..12)) {
        with_accounts(|state| {
            let mut model: [u8; 6] = [0; 6];
            for (who, number) in calls {
                let slot = usize::from(who);
                let result = if number == 0 { call(state, who, Call::purge_keys) } else { set(state, who, number) };
                let expected = match number {
                    0 if model[slot] == 0 => Err(Error::NoKeys),
                    0 => Ok(()),
                    _ if model.iter().enumerate().any(|(other, has)| other != slot && *has == number) => {
                        Err(Error::DuplicatedKey)
                    }
                    _ => Ok(()),
                };
                assert_eq!(result, expected);
                if expected.is_ok() {
                    model[slot] = number;
                }
                for who in 1..=5u8 {
                    let has = model[usize::from(who)];
                    assert_eq!(SESSION.keys(state, &account(who)), Ok((has > 0).then(|| keys(has))));
                    assert_eq!(consumers(state, who), u32::from(has > 0));
                }
            }
        });
    }
}
