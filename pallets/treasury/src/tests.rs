use alloc::{boxed::Box, vec::Vec};

use basalt_pallet_system::System;
use basalt_primitives::{AccountId32, Digest, H256, ModuleError, RuntimeVersion};
use basalt_state::{Memory, Overlay};
use basalt_support::{BlockEnv, BlockLimits, CallFailure};
use parity_scale_codec::DecodeAll;

use super::*;

const POT: AccountId = AccountId32([9; 32]);
const ALICE: AccountId = AccountId32([1; 32]);
const NEW: AccountId = AccountId32([5; 32]);
const LIMITS: BlockLimits = BlockLimits {
    weight_max: Weight::MAX,
    weight_normal_max: Weight::MAX,
    weight_base: Weight::zero(),
    weight_base_transaction: Weight::zero(),
    bytes_max: u32::MAX,
    bytes_normal_max: u32::MAX,
};
const SYSTEM: System = System { index: 0, limits: LIMITS, ss58_prefix: 42, version: RuntimeVersion::default };
const BALANCES: Balances = Balances { index: 2, system: SYSTEM, existential_deposit: 10 };
const TREASURY: Treasury = Treasury {
    index: 26,
    balances: BALANCES,
    account: POT,
    spend_period: |_| Ok(10),
    spend_period_default: 10,
    burn: |_| Ok(Permill::from_percent(10)),
    burn_default: Permill::from_percent(10),
    payout_period: 20,
    spend_limit: |_, origin| {
        Ok(match origin {
            Origin::Root => Some(Balance::MAX),
            Origin::Pallet { .. } => Some(100),
            _ => None,
        })
    },
    rejecter: |origin| *origin == Origin::Root,
};

struct Chain(Memory, BlockNumber);

impl Chain {
    fn new() -> Self {
        let base = Memory::default();
        let mut state = Overlay::new(&base);
        BALANCES.genesis(&mut state, &[(POT, 1_010), (ALICE, 100)]).unwrap();
        let mut memory = Memory::default();
        memory.apply(&state.into_change_set().unwrap());
        Self(memory, 1)
    }

    fn run<R>(&mut self, body: impl FnOnce(&mut Context<'_, '_>) -> R) -> (R, Vec<Event>) {
        let env =
            BlockEnv { number: self.1, parent_hash: H256::zero(), digest: Digest::default(), author: None };
        let mut state = Overlay::new(&self.0);
        let mut ctx = Context::new(&mut state, &env, None);
        let result = body(&mut ctx);
        let told = ctx.events().iter().filter(|event| event.bytes[0] == 26);
        let told = told.map(|event| Event::decode_all(&mut &event.bytes[1..]).unwrap()).collect();
        let changes = state.into_change_set().unwrap();
        self.0.apply(&changes);
        assert_eq!(TREASURY.try_state(&self.0), Ok(()));
        assert_eq!(BALANCES.try_state_with(&self.0, 0), Ok(()));
        (result, told)
    }

    fn call(&mut self, origin: Origin, call: Call) -> Result<(), DispatchError> {
        self.run(|ctx| match ctx.layered(|ctx| TREASURY.dispatch(call, origin, ctx)) {
            Ok(_) => Ok(()),
            Err(CallFailure { failure: Failure::Dispatch(error), .. }) => Err(error),
            Err(other) => panic!("{other:?}"),
        })
        .0
    }

    fn block(&mut self, number: BlockNumber) -> Vec<Event> {
        self.1 = number;
        self.run(|ctx| TREASURY.service(ctx).unwrap()).1
    }

    fn free(&self, who: AccountId) -> Balance {
        BALANCES.free_balance(&self.0, &who).unwrap()
    }
}

fn error(error: Error) -> DispatchError {
    DispatchError::Module(ModuleError { index: 26, error: [error as u8, 0, 0, 0] })
}

fn local(amount: Balance) -> Call {
    Call::spend_local { amount, beneficiary: NEW.into() }
}

fn spend(amount: Balance, valid_from: Option<BlockNumber>) -> Call {
    Call::spend { asset_kind: Box::new(()), amount, beneficiary: Box::new(NEW.into()), valid_from }
}

const SMALL: Origin = Origin::Pallet { index: 24, origin: Vec::new() };
const SIGNED: Origin = Origin::Signed(ALICE);

#[test]
fn what_was_approved_is_paid_at_the_end_of_the_period_as_long_as_it_lasts() {
    let mut chain = Chain::new();
    for amount in [600, 500, 5, 40] {
        chain.call(Origin::Root, local(amount)).unwrap();
    }
    assert_eq!(chain.block(9), []);
    let award = |proposal_index, award| Event::Awarded { proposal_index, award, account: NEW };
    // 600 are paid; 500 are too many; 5 are paid, as there is an account now; so are 40.
    assert_eq!(
        chain.block(10),
        [
            Event::Spending { budget_remaining: 1_000 },
            award(0, 600),
            award(2, 5),
            award(3, 40),
            Event::UpdatedInactive { reactivated: 0, deactivated: 355 },
            Event::Rollover { rollover_balance: 355 },
        ]
    );
    assert_eq!(APPROVALS.get(&chain.0), Ok(Some([1].into())));
    assert_eq!(INACTIVE_ISSUANCE.get(&chain.0), Ok(Some(355)));
    // Nothing is burnt while somebody waits.
    chain.call(Origin::Root, Call::remove_approval { proposal_id: 1 }).unwrap();
    let told = chain.block(20);
    assert!(told.contains(&Event::Burnt { burnt_funds: 35 }), "{told:?}");
    assert_eq!((chain.free(POT), chain.free(NEW)), (330, 645));
    assert_eq!(INACTIVE_ISSUANCE.get(&chain.0), Ok(Some(320)));
}

#[test]
fn a_spend_is_collected_once_and_in_time() {
    let mut chain = Chain::new();
    chain.call(SMALL, spend(100, Some(5))).unwrap();
    let (payout, check) = (|| Call::payout { index: 0 }, || Call::check_status { index: 0 });
    assert_eq!(chain.call(SIGNED, payout()), Err(error(Error::EarlyPayout)));
    chain.1 = 5;
    assert_eq!(chain.call(SIGNED, check()), Err(error(Error::NotAttempted)));
    chain.call(SIGNED, payout()).unwrap();
    assert_eq!(chain.free(NEW), 100);
    assert_eq!(chain.call(SIGNED, payout()), Err(error(Error::AlreadyAttempted)));
    assert_eq!(chain.call(Origin::Root, Call::void_spend { index: 0 }), Err(error(Error::AlreadyAttempted)));
    chain.call(SIGNED, check()).unwrap();
    assert_eq!(chain.call(SIGNED, payout()), Err(error(Error::InvalidIndex)));

    chain.call(SMALL, spend(100, None)).unwrap();
    chain.1 = 25;
    assert_eq!(chain.call(SIGNED, Call::payout { index: 1 }), Err(error(Error::SpendExpired)));
    chain.call(SIGNED, Call::check_status { index: 1 }).unwrap();
    chain.call(SMALL, spend(100, None)).unwrap();
    chain.call(Origin::Root, Call::void_spend { index: 2 }).unwrap();
    chain.call(Origin::Root, spend(5_000, None)).unwrap();
    assert_eq!(chain.call(SIGNED, Call::payout { index: 3 }), Err(error(Error::PayoutError)));
    assert_eq!(chain.free(NEW), 100);
}

#[test]
fn who_may_spend_may_spend_so_much() {
    let mut chain = Chain::new();
    for call in [local(1), spend(1, None)] {
        assert_eq!(chain.call(SIGNED, call), Err(DispatchError::BadOrigin));
    }
    for call in [local(101), spend(101, None)] {
        assert_eq!(chain.call(SMALL, call), Err(error(Error::InsufficientPermission)));
    }
    for call in [Call::remove_approval { proposal_id: 0 }, Call::void_spend { index: 0 }] {
        assert_eq!(chain.call(SMALL, call), Err(DispatchError::BadOrigin));
    }
    chain.1 = 30;
    assert_eq!(chain.call(Origin::Root, spend(1, Some(10))), Err(error(Error::SpendExpired)));
    let gone = Call::remove_approval { proposal_id: 0 };
    assert_eq!(chain.call(Origin::Root, gone), Err(error(Error::ProposalNotApproved)));
    for _ in 0..APPROVALS_MAX {
        chain.call(SMALL, local(1)).unwrap();
    }
    assert_eq!(chain.call(SMALL, local(1)), Err(error(Error::TooManyApprovals)));
}

#[test]
fn bytes_and_names_are_those_that_clients_know() {
    let bytes = local(1).encode();
    assert_eq!(bytes[..3], [3, 4, 0]);
    let bytes = spend(1, None).encode();
    assert_eq!((bytes[..3].to_vec(), bytes.len()), ([5, 4, 0].to_vec(), 36));
    assert_eq!(Call::void_spend { index: 1 }.encode(), [8, 1, 0, 0, 0]);
    let path = |ty: scale_info::Type| ty.path.segments.join("::");
    assert_eq!(path(Call::type_info()), "pallet_treasury::pallet::Call");
    assert_eq!(path(SpendStatus::type_info()), "pallet_treasury::SpendStatus");
}
