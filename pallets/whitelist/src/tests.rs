use alloc::{boxed::Box, vec, vec::Vec};

use basalt_pallet_balances::Balances;
use basalt_pallet_system::System;
use basalt_primitives::{AccountId32, Digest, ModuleError, RuntimeVersion};
use basalt_state::{Memory, Overlay, StateWrite};
use basalt_support::{BlockEnv, BlockLimits, CallFailure};
use parity_scale_codec::Decode;
use scale_info::TypeInfo;

use super::*;

const CHOOSER: Origin = Origin::Signed(AccountId32([1; 32]));
const DISPATCHER: Origin = Origin::Signed(AccountId32([2; 32]));
const LIMITS: BlockLimits = BlockLimits {
    weight_max: Weight::MAX,
    weight_normal_max: Weight::MAX,
    weight_base: Weight::zero(),
    weight_base_transaction: Weight::zero(),
    bytes_max: u32::MAX,
    bytes_normal_max: u32::MAX,
};
const SYSTEM: System = System { index: 0, limits: LIMITS, ss58_prefix: 42, version: RuntimeVersion::default };
const WHITELIST: Whitelist<Toy> = Whitelist {
    index: 25,
    preimages: Preimages {
        index: 20,
        balances: Balances { index: 2, system: SYSTEM, existential_deposit: 10 },
        deposit_base: 1,
        deposit_per_byte: 1,
    },
    chooser: |origin| *origin == CHOOSER,
    dispatcher: |origin| *origin == DISPATCHER,
    calls: PhantomData,
};

/// Writes if root calls it, and says how it goes.
#[derive(Debug, Clone, PartialEq, Encode, Decode, TypeInfo)]
struct Toy(bool);

impl RuntimeCall for Toy {
    fn info(&self) -> DispatchInfo {
        DispatchInfo::normal(Weight::new(1_000, 0))
    }

    fn dispatch(self, origin: Origin, ctx: &mut Context<'_, '_>) -> CallResult {
        ctx.layered(|ctx| {
            origin.root()?;
            ctx.put(b"written", vec![]);
            if self.0 { Ok(PostInfo::default()) } else { Err(DispatchError::Exhausted.into()) }
        })
    }
}

fn with_context(body: impl FnOnce(&mut Context<'_, '_>)) {
    let base = Memory::default();
    let mut state = Overlay::new(&base);
    let env = BlockEnv { number: 1, parent_hash: H256::zero(), digest: Digest::default(), author: None };
    body(&mut Context::new(&mut state, &env, Some(0)));
    assert_eq!(WHITELIST.try_state(&state), Ok(()));
    assert_eq!(WHITELIST.preimages.try_state(&state), Ok(()));
}

fn call(ctx: &mut Context<'_, '_>, origin: &Origin, call: Call<Toy>) -> Result<(), DispatchError> {
    match ctx.layered(|ctx| WHITELIST.dispatch(call, origin.clone(), ctx)) {
        Ok(_) => Ok(()),
        Err(CallFailure { failure: Failure::Dispatch(error), .. }) => Err(error),
        Err(other) => panic!("{other:?}"),
    }
}

fn hash(call: &Toy) -> H256 {
    H256(blake2_256(&call.encode()))
}

fn error(error: Error) -> DispatchError {
    DispatchError::Module(ModuleError { index: 25, error: [error as u8, 0, 0, 0] })
}

fn run(toy: Toy) -> Call<Toy> {
    Call::dispatch_whitelisted_call_with_preimage { call: Box::new(toy) }
}

#[test]
fn a_call_on_the_whitelist_is_run_as_root_once() {
    for succeeds in [true, false] {
        with_context(|ctx| {
            let toy = Toy(succeeds);
            assert_eq!(call(ctx, &DISPATCHER, run(toy.clone())), Err(error(Error::CallIsNotWhitelisted)));
            let add = Call::whitelist_call { call_hash: hash(&toy) };
            assert_eq!(call(ctx, &DISPATCHER, add.clone()), Err(DispatchError::BadOrigin));
            assert_eq!(call(ctx, &CHOOSER, add.clone()), Ok(()));
            assert_eq!(call(ctx, &CHOOSER, add), Err(error(Error::CallAlreadyWhitelisted)));
            assert_eq!(call(ctx, &CHOOSER, run(toy.clone())), Err(DispatchError::BadOrigin));
            assert_eq!(call(ctx, &DISPATCHER, run(toy.clone())), Ok(()));
            assert_eq!(ctx.get(b"written").unwrap().is_some(), succeeds);
            assert_eq!(call(ctx, &DISPATCHER, run(toy)), Err(error(Error::CallIsNotWhitelisted)));
        });
    }
}

#[test]
fn a_preimage_is_looked_up_and_weighed() {
    with_context(|ctx| {
        let toy = Toy(true);
        let call_hash = hash(&toy);
        let with = |call_encoded_len, weight| Call::dispatch_whitelisted_call {
            call_hash,
            call_encoded_len,
            call_weight_witness: Weight::new(weight, 0),
        };
        assert_eq!(call(ctx, &DISPATCHER, with(1, 1_000)), Err(error(Error::CallIsNotWhitelisted)));
        call(ctx, &CHOOSER, Call::whitelist_call { call_hash }).unwrap();
        assert_eq!(call(ctx, &DISPATCHER, with(1, 1_000)), Err(error(Error::UnavailablePreImage)));
        let note = |bytes: Vec<u8>| basalt_pallet_preimage::Call::note_preimage { bytes };
        WHITELIST.preimages.dispatch(note(toy.encode()), Origin::Root, ctx).unwrap();
        assert_eq!(call(ctx, &DISPATCHER, with(2, 1_000)), Err(error(Error::UnavailablePreImage)));
        assert_eq!(call(ctx, &DISPATCHER, with(1, 999)), Err(error(Error::InvalidCallWeightWitness)));
        assert_eq!(call(ctx, &DISPATCHER, with(1, 1_000)), Ok(()));
        assert_eq!(WHITELIST.preimages.len(ctx, &call_hash), Ok(None), "nobody needs it any more");

        let nonsense = H256(blake2_256(&[7]));
        call(ctx, &CHOOSER, Call::whitelist_call { call_hash: nonsense }).unwrap();
        WHITELIST.preimages.dispatch(note(vec![7]), Origin::Root, ctx).unwrap();
        let run = Call::dispatch_whitelisted_call {
            call_hash: nonsense,
            call_encoded_len: 1,
            call_weight_witness: Weight::MAX,
        };
        assert_eq!(call(ctx, &DISPATCHER, run), Err(error(Error::UndecodableCall)));
        call(ctx, &CHOOSER, Call::remove_whitelisted_call { call_hash: nonsense }).unwrap();
        assert_eq!(
            call(ctx, &CHOOSER, Call::remove_whitelisted_call { call_hash: nonsense }),
            Err(error(Error::CallIsNotWhitelisted))
        );
    });
}

#[test]
fn bytes_and_names_are_those_that_clients_know() {
    assert_eq!(run(Toy(true)).encode(), [3, 1]);
    let info = PostDispatchInfo { actual_weight: None, pays_fee: Pays::Yes };
    assert_eq!(
        Event::WhitelistedCallDispatched { call_hash: H256::zero(), result: Ok(info) }.encode().len(),
        36
    );
    let path = |ty: scale_info::Type| ty.path.segments.join("::");
    assert_eq!(path(Call::<Toy>::type_info()), "pallet_whitelist::pallet::Call");
    assert_eq!(path(PostDispatchInfo::type_info()), "frame_support::dispatch::PostDispatchInfo");
}

use basalt_primitives::Pays;
