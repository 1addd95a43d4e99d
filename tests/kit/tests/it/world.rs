//! A chain with a few accounts, and short names for calls and events.

pub(crate) use basalt_pallet_balances as balances;
pub(crate) use basalt_pallet_contracts as contracts;
pub(crate) use basalt_pallet_sudo as sudo;
pub(crate) use basalt_pallet_system as system;
pub(crate) use basalt_pallet_timestamp as timestamp;
pub(crate) use basalt_pallet_transaction_payment as payment;
pub(crate) use basalt_pallet_utility as utility;

use basalt_executor::{ExecuteError, Executed};
use basalt_primitives::{
    AccountId, Balance, DispatchError, Header, InvalidTransaction, ModuleError, OpaqueExtrinsic,
    TransactionValidityError, Weight,
};
use basalt_runtime::{
    BALANCES, BalancesGenesis, GenesisConfig, RuntimeCall, RuntimeEvent, SYSTEM, SudoGenesis,
    TREASURY_ACCOUNT, UNIT,
};
use basalt_runtime_api::{Events, Receipt, Runtime as _};
use basalt_state::Overlay;
use basalt_test_kit::{Ledger, MODES, Sender, blocks_compared};
use parity_scale_codec::{Decode, DecodeAll, Encode};
use payment::RuntimeDispatchInfo;
use proptest::test_runner::Config as ProptestConfig;
use system::AccountInfo;

/// What Alice, Bob, Charlie and the author own at first; the treasury owns one [`UNIT`].
pub(crate) const START: Balance = 1_000 * UNIT;

/// A chain on which Alice has the sudo key and Ferdie makes the blocks.
pub(crate) struct World {
    pub(crate) ledger: Ledger,
    pub(crate) alice: Sender,
    pub(crate) bob: Sender,
    pub(crate) charlie: Sender,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with(&[])
    }

    /// With more accounts that own [`START`].
    pub(crate) fn with(others: &[AccountId]) -> Self {
        let rich = ["Alice", "Bob", "Charlie", "Ferdie"].map(|name| Sender::dev(name).account());
        let mut balances: Vec<_> =
            rich.iter().chain(others).map(|account| (*account, START.into())).collect();
        balances.push((TREASURY_ACCOUNT, UNIT.into()));
        let mut ledger = Ledger::new(&GenesisConfig {
            balances: BalancesGenesis { balances },
            sudo: SudoGenesis { key: Some(rich[0]) },
            ..GenesisConfig::default()
        });
        ledger.author = Some(rich[3]);
        let [alice, bob, charlie] = ["Alice", "Bob", "Charlie"].map(Sender::dev);
        Self { ledger, alice, bob, charlie }
    }

    pub(crate) fn by_alice(&mut self, call: &RuntimeCall) -> Vec<u8> {
        self.alice.sign(self.ledger.genesis_hash, call)
    }

    pub(crate) fn by_bob(&mut self, call: &RuntimeCall) -> Vec<u8> {
        self.bob.sign(self.ledger.genesis_hash, call)
    }

    pub(crate) fn by_charlie(&mut self, call: &RuntimeCall) -> Vec<u8> {
        self.charlie.sign(self.ledger.genesis_hash, call)
    }

    /// A valid block; its receipts without the inherent's.
    pub(crate) fn run(&mut self, signed: Vec<Vec<u8>>) -> Vec<Receipt> {
        let executed = self.ledger.block(signed).expect("the block is valid");
        executed.receipts.into_iter().skip(1).collect()
    }

    /// A valid block of one transaction.
    pub(crate) fn run_one(&mut self, signed: Vec<u8>) -> Receipt {
        self.run(vec![signed]).remove(0)
    }

    /// Why a block of these transactions is invalid, and which of them, the inherent not counted.
    pub(crate) fn refused(&mut self, signed: Vec<Vec<u8>>) -> (u32, InvalidTransaction) {
        reason(self.ledger.block(signed))
    }

    pub(crate) fn account(&self, who: AccountId) -> AccountInfo {
        SYSTEM.account(&self.ledger.state, &who).expect("a map can be read")
    }

    pub(crate) fn free(&self, who: AccountId) -> Balance {
        self.account(who).data.free
    }

    pub(crate) fn issuance(&self) -> Balance {
        BALANCES.total_issuance(&self.ledger.state).expect("a map can be read")
    }

    /// Answers a runtime API call on top of the last block.
    pub(crate) fn api<T: Decode>(&self, function: &str, arguments: &impl Encode) -> T {
        let header = Header { number: self.ledger.number, ..Header::default() };
        let mut state = Overlay::new(&self.ledger.state);
        let answer = self
            .ledger
            .runtime
            .call(function, &arguments.encode(), &header, &mut state)
            .expect("the function answers");
        T::decode_all(&mut answer.as_slice()).expect("the answer is what the metadata says")
    }

    pub(crate) fn query_info(&self, signed: &[u8]) -> RuntimeDispatchInfo {
        let length = signed.encoded_size() as u32;
        self.api("TransactionPaymentApi_query_info", &(OpaqueExtrinsic(signed.to_vec()), length))
    }

    /// What the hooks at the end of the last block told.
    pub(crate) fn final_events(&self) -> Vec<RuntimeEvent> {
        let records = system::events::<RuntimeEvent>()
            .get_or_default(&self.ledger.state)
            .expect("events decode by the type that the metadata names");
        records
            .into_iter()
            .filter(|record| record.phase == system::Phase::Finalization)
            .map(|record| record.event)
            .collect()
    }
}

/// Why a block is invalid, and which of its transactions, the inherent not counted.
pub(crate) fn reason(result: Result<Executed, ExecuteError>) -> (u32, InvalidTransaction) {
    match result.expect_err("the block is invalid") {
        ExecuteError::Invalid { index, error: TransactionValidityError::Invalid(error), .. } => {
            (index - 1, error)
        }
        other => panic!("{other}"),
    }
}

pub(crate) fn decoded(events: &Events) -> Vec<RuntimeEvent> {
    events.iter().map(|event| RuntimeEvent::decode_all(&mut &*event.bytes).expect("events decode")).collect()
}

/// The events of a receipt but the first (the fee's withdrawal) and the last two (the fee, and the outcome).
pub(crate) fn inner_events(receipt: &Receipt) -> Vec<RuntimeEvent> {
    let events = decoded(&receipt.events);
    let (first, rest) = events.split_first().expect("there are at least three events");
    assert!(matches!(first, RuntimeEvent::Balances(balances::pallet::Event::Withdraw { .. })), "{first:?}");
    let (rest, last) = rest.split_at(rest.len() - 2);
    assert!(matches!(last[0], RuntimeEvent::TransactionPayment(_)), "{last:?}");
    assert!(matches!(last[1], RuntimeEvent::System(_)), "{last:?}");
    rest.to_vec()
}

/// How many random cases a test tries: a few hundred, or as many as `PROPTEST_CASES` says.
pub(crate) fn config(cases: u32) -> ProptestConfig {
    let asked = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok());
    ProptestConfig { failure_persistence: None, cases: asked.unwrap_or(cases), ..ProptestConfig::default() }
}

/// Says now and then how many blocks this process has compared: shown with `--nocapture`, by `scripts/test.sh nightly`.
#[expect(clippy::print_stdout, reason = "a run at night is long, and says how far it is")]
pub(crate) fn tell_compared() {
    let blocks = blocks_compared();
    if blocks.is_multiple_of(500) {
        println!("{blocks} blocks compared in {} modes", MODES.len());
    }
}

// ---- Calls ------------------------------------------------------------------------------------------------------

pub(crate) fn transfer(to: AccountId, value: Balance) -> RuntimeCall {
    RuntimeCall::Balances(balances::Call::transfer_allow_death { dest: to.into(), value })
}

pub(crate) fn transfer_all(to: AccountId, keep_alive: bool) -> RuntimeCall {
    RuntimeCall::Balances(balances::Call::transfer_all { dest: to.into(), keep_alive })
}

pub(crate) fn set_balance(who: AccountId, new_free: Balance) -> RuntimeCall {
    RuntimeCall::Balances(balances::Call::force_set_balance { who: who.into(), new_free })
}

pub(crate) fn remark(bytes: usize) -> RuntimeCall {
    RuntimeCall::System(system::Call::remark { remark: vec![0; bytes] })
}

pub(crate) fn told_remark(text: &str) -> RuntimeCall {
    RuntimeCall::System(system::Call::remark_with_event { remark: text.into() })
}

pub(crate) fn batch(calls: Vec<RuntimeCall>) -> RuntimeCall {
    RuntimeCall::Utility(utility::Call::batch { calls })
}

pub(crate) fn batch_all(calls: Vec<RuntimeCall>) -> RuntimeCall {
    RuntimeCall::Utility(utility::Call::batch_all { calls })
}

pub(crate) fn force_batch(calls: Vec<RuntimeCall>) -> RuntimeCall {
    RuntimeCall::Utility(utility::Call::force_batch { calls })
}

pub(crate) fn as_derivative(index: u16, call: RuntimeCall) -> RuntimeCall {
    RuntimeCall::Utility(utility::Call::as_derivative { index, call: Box::new(call) })
}

pub(crate) fn as_root(call: RuntimeCall) -> RuntimeCall {
    RuntimeCall::Sudo(sudo::Call::sudo { call: Box::new(call) })
}

/// A remark that counts as this many microseconds of the block.
pub(crate) fn heavy(microseconds: u64) -> RuntimeCall {
    RuntimeCall::Sudo(sudo::Call::sudo_unchecked_weight {
        call: Box::new(remark(0)),
        weight: Weight::new(microseconds * 1_000_000, 0),
    })
}

// ---- Events -----------------------------------------------------------------------------------------------------

pub(crate) fn remarked(who: AccountId, text: &str) -> RuntimeEvent {
    let hash = basalt_primitives::H256(basalt_primitives::hashing::blake2_256(text.as_bytes()));
    RuntimeEvent::System(system::Event::Remarked { sender: who, hash })
}

pub(crate) fn moved(from: AccountId, to: AccountId, amount: Balance) -> RuntimeEvent {
    RuntimeEvent::Balances(balances::pallet::Event::Transfer { from, to, amount })
}

pub(crate) fn told_by_utility(event: utility::Event) -> RuntimeEvent {
    RuntimeEvent::Utility(event)
}

pub(crate) fn module(index: u8, error: u8) -> DispatchError {
    DispatchError::Module(ModuleError { index, error: [error, 0, 0, 0] })
}
