use alloc::{vec, vec::Vec};

use basalt_pallet_system::System;
use basalt_primitives::{AccountId32, Digest, ModuleError, RuntimeVersion};
use basalt_state::{Memory, Overlay};
use basalt_support::{BlockEnv, BlockLimits, CallFailure};
use parity_scale_codec::DecodeAll;
use proptest::prelude::*;

use super::*;

const ALICE: AccountId = AccountId32([1; 32]);
const BOB: AccountId = AccountId32([2; 32]);
const START: Balance = 1_000_000;
const LIMITS: BlockLimits = BlockLimits {
    weight_max: Weight::MAX,
    weight_normal_max: Weight::MAX,
    weight_base: Weight::zero(),
    weight_base_transaction: Weight::zero(),
    bytes_max: u32::MAX,
    bytes_normal_max: u32::MAX,
};
const SYSTEM: System = System { index: 0, limits: LIMITS, ss58_prefix: 42, version: RuntimeVersion::default };
const PREIMAGES: Preimages = Preimages {
    index: 20,
    balances: Balances { index: 2, system: SYSTEM, existential_deposit: 10 },
    deposit_base: 100,
    deposit_per_byte: 2,
};

/// A runtime's call.
#[derive(Debug, Clone, PartialEq, Encode, Decode, TypeInfo)]
struct Toy(Vec<u8>);

impl RuntimeCall for Toy {
    fn info(&self) -> DispatchInfo {
        DispatchInfo::normal(Weight::zero())
    }

    fn dispatch(self, _: Origin, _: &mut Context<'_, '_>) -> CallResult {
        Ok(PostInfo::default())
    }
}

fn with_context<R>(body: impl FnOnce(&mut Context<'_, '_>) -> R) -> R {
    let base = Memory::default();
    let mut state = Overlay::new(&base);
    PREIMAGES.balances.genesis(&mut state, &[(ALICE, START), (BOB, START)]).unwrap();
    let env = BlockEnv { number: 1, parent_hash: H256::zero(), digest: Digest::default(), author: None };
    let result = body(&mut Context::new(&mut state, &env, Some(0)));
    assert_eq!(PREIMAGES.try_state(&state), Ok(()));
    assert_eq!(PREIMAGES.balances.try_state_with(&state, 0), Ok(()));
    result
}

fn call(ctx: &mut Context<'_, '_>, origin: Origin, call: Call) -> Result<Pays, DispatchError> {
    match ctx.layered(|ctx| PREIMAGES.dispatch(call, origin, ctx)) {
        Ok(post) => Ok(post.pays_fee),
        Err(CallFailure { failure: Failure::Dispatch(error), .. }) => Err(error),
        Err(other) => panic!("{other:?}"),
    }
}

fn error(error: Error) -> DispatchError {
    DispatchError::Module(ModuleError { index: 20, error: [error as u8, 0, 0, 0] })
}

fn note(ctx: &mut Context<'_, '_>, who: AccountId, bytes: &[u8]) -> Result<Pays, DispatchError> {
    call(ctx, Origin::Signed(who), Call::note_preimage { bytes: bytes.to_vec() })
}

fn held(ctx: &Context<'_, '_>, who: AccountId) -> Balance {
    PREIMAGES.balances.balance_on_hold(ctx, PREIMAGES.reason(), &who).unwrap()
}

fn hash(bytes: &[u8]) -> H256 {
    H256(blake2_256(bytes))
}

#[test]
fn who_keeps_bytes_pays_for_them_until_they_are_taken_back() {
    with_context(|ctx| {
        let id = hash(b"hello");
        assert_eq!(note(ctx, ALICE, b"hello"), Ok(Pays::Yes));
        assert_eq!((held(ctx, ALICE), PREIMAGES.len(ctx, &id)), (110, Ok(Some(5))));
        assert_eq!(PREIMAGES.fetch(ctx, &id, Some(5)), Ok(Some(b"hello".to_vec())));
        assert_eq!(PREIMAGES.fetch(ctx, &id, Some(4)), Ok(None));
        assert_eq!(note(ctx, BOB, b"hello"), Err(error(Error::AlreadyNoted)));
        let unnote = Call::unnote_preimage { hash: id };
        assert_eq!(call(ctx, Origin::Signed(BOB), unnote.clone()), Err(error(Error::NotAuthorized)));
        assert_eq!(call(ctx, Origin::Signed(ALICE), unnote.clone()), Ok(Pays::Yes));
        assert_eq!((held(ctx, ALICE), PREIMAGES.len(ctx, &id)), (0, Ok(None)));
        assert_eq!(call(ctx, Origin::Signed(ALICE), unnote), Err(error(Error::NotNoted)));
        let told: Vec<_> = ctx
            .events()
            .iter()
            .filter(|event| event.bytes[0] == 20)
            .map(|event| Event::decode_all(&mut &event.bytes[1..]).unwrap())
            .collect();
        assert_eq!(told, [Event::Noted { hash: id }, Event::Cleared { hash: id }]);
    });
}

#[test]
fn what_is_requested_is_free_and_stays() {
    with_context(|ctx| {
        let id = hash(b"hello");
        let request = Call::request_preimage { hash: id };
        assert_eq!(call(ctx, Origin::Signed(ALICE), request.clone()), Err(DispatchError::BadOrigin));
        assert_eq!(call(ctx, Origin::Root, request.clone()), Ok(Pays::Yes));
        assert_eq!(note(ctx, ALICE, b"hello"), Ok(Pays::No));
        assert_eq!(held(ctx, ALICE), 0);
        // Free it is once, not as often as one likes.
        assert_eq!(note(ctx, ALICE, b"hello"), Err(error(Error::AlreadyNoted)));
        let unnote = Call::unnote_preimage { hash: id };
        assert_eq!(call(ctx, Origin::Signed(ALICE), unnote.clone()), Err(error(Error::NotAuthorized)));
        let unrequest = Call::unrequest_preimage { hash: id };
        assert_eq!(call(ctx, Origin::Root, request), Ok(Pays::Yes));
        assert_eq!(call(ctx, Origin::Root, unrequest.clone()), Ok(Pays::Yes));
        assert_eq!(PREIMAGES.len(ctx, &id), Ok(Some(5)));
        assert_eq!(call(ctx, Origin::Root, unrequest.clone()), Ok(Pays::Yes));
        assert_eq!(PREIMAGES.len(ctx, &id), Ok(None));
        assert_eq!(call(ctx, Origin::Root, unrequest), Err(error(Error::NotRequested)));

        // Bytes that somebody pays for stay when they are requested, and go back to whose they are.
        note(ctx, BOB, b"mine").unwrap();
        let mine = hash(b"mine");
        PREIMAGES.request(ctx, &mine).unwrap();
        call(ctx, Origin::Signed(BOB), Call::unnote_preimage { hash: mine }).unwrap();
        assert_eq!((held(ctx, BOB), PREIMAGES.len(ctx, &mine)), (0, Ok(Some(4))));
        PREIMAGES.unrequest(ctx, &mine).unwrap();
        assert_eq!(PREIMAGES.len(ctx, &mine), Ok(None));
    });
}

#[test]
fn wrong_calls_have_errors_of_their_own() {
    with_context(|ctx| {
        let big = vec![0; PREIMAGE_BYTES_MAX as usize + 1];
        assert_eq!(note(ctx, ALICE, &big), Err(error(Error::TooBig)));
        let update = |hashes| Call::ensure_updated { hashes };
        assert_eq!(call(ctx, Origin::Signed(ALICE), update(vec![])), Err(error(Error::TooFew)));
        let many = vec![H256::zero(); HASHES_MAX as usize + 1];
        assert_eq!(call(ctx, Origin::Signed(ALICE), update(many)), Err(error(Error::TooMany)));
        assert_eq!(call(ctx, Origin::Signed(ALICE), update(vec![H256::zero()])), Ok(Pays::Yes));
        let poor = AccountId32([9; 32]);
        assert!(matches!(note(ctx, poor, b"x"), Err(DispatchError::Token(_))));
        assert_eq!(
            call(ctx, Origin::None, Call::note_preimage { bytes: vec![] }),
            Err(DispatchError::BadOrigin)
        );
    });
}

#[test]
fn calls_are_stored_whole_when_they_are_short() {
    with_context(|ctx| {
        let short = Toy(vec![7; 126]);
        let bounded = PREIMAGES.bound(ctx, &short).unwrap();
        assert_eq!((bounded.hash(), bounded.lookup_len()), (None, 0));
        assert_eq!(PREIMAGES.peek::<Toy>(ctx, &bounded), Ok(Ok((short, 0))));

        let long = Toy(vec![7; 127]);
        let bounded = PREIMAGES.bound(ctx, &long).unwrap();
        let id = hash(&long.encode());
        assert_eq!(bounded, Bounded::Lookup { hash: id, len: 129 });
        assert_eq!(PREIMAGES.peek::<Toy>(ctx, &bounded), Ok(Ok((long.clone(), 129))));
        assert_eq!(PREIMAGES.peek::<Toy>(ctx, &Bounded::Legacy { hash: id }), Ok(Ok((long, 129))));
        PREIMAGES.drop(ctx, &bounded).unwrap();
        assert_eq!(PREIMAGES.peek::<Toy>(ctx, &bounded), Ok(Err(PeekError::Unavailable)));
        let nonsense = Bounded::Inline(InlineCall::try_from(vec![9]).unwrap());
        assert_eq!(PREIMAGES.peek::<Toy>(ctx, &nonsense), Ok(Err(PeekError::Undecodable)));
    });
}

#[test]
fn bytes_and_names_are_those_that_clients_know() {
    assert_eq!(Call::note_preimage { bytes: vec![5] }.encode(), [0, 4, 5]);
    assert_eq!(Call::unnote_preimage { hash: H256::zero() }.encode()[0], 1);
    assert_eq!(Call::ensure_updated { hashes: vec![] }.encode(), [4, 0]);
    let inline = Bounded::Inline(InlineCall::try_from(vec![1, 2]).unwrap());
    assert_eq!(inline.encode(), [1, 8, 1, 2]);
    assert_eq!(Bounded::Lookup { hash: H256::zero(), len: 1 }.encode()[0], 2);
    let too_long = (1u8, vec![0u8; 129]).encode();
    assert!(Bounded::decode_all(&mut too_long.as_slice()).is_err());
    let path = |ty: Type| ty.path.segments.join("::");
    assert_eq!(path(Bounded::type_info()), "frame_support::traits::preimages::Bounded");
    assert_eq!(path(RequestStatus::type_info()), "pallet_preimage::RequestStatus");
    assert_eq!(path(Ticket::type_info()), "frame_support::traits::tokens::fungible::HoldConsideration");
    assert_eq!(path(Call::type_info()), "pallet_preimage::pallet::Call");
    assert_eq!(path(HoldReason::type_info()), "pallet_preimage::pallet::HoldReason");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 200, ..ProptestConfig::default() })]

    /// Whatever is called: bytes, statuses and deposits fit together (`with_context` checks it).
    #[test]
    fn deposits_and_bytes_never_get_lost(steps in proptest::collection::vec((0u8..4, 0u8..3, 0u8..3), 1..40)) {
        with_context(|ctx| {
            for (kind, who, which) in steps {
                let bytes = vec![which; 3 + usize::from(which)];
                let hash = hash(&bytes);
                let origin = match who {
                    0 => Origin::Root,
                    1 => Origin::Signed(ALICE),
                    _ => Origin::Signed(BOB),
                };
                let _ = call(ctx, origin, match kind {
                    0 => Call::note_preimage { bytes },
                    1 => Call::unnote_preimage { hash },
                    2 => Call::request_preimage { hash },
                    _ => Call::unrequest_preimage { hash },
                });
                assert_eq!(PREIMAGES.check(ctx), Ok(Ok(())));
            }
        });
    }
}
