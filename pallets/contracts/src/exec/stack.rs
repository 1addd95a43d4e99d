//! The frames, and how one of them runs.

use alloc::{string::String, string::ToString, vec::Vec};
use core::cell::RefCell;

use basalt_contracts_vm::{self as vm, Ended, Entry, Machine, SourceError, Trap};
use basalt_primitives::{AccountId, Balance, H256, Moment, Weight};
use basalt_state::StateError;
use basalt_support::{Context, RuntimeCall};

use super::{ExecError, Fault, Terms, now};
use crate::{
    CODE_INFO_OF, CONTRACT_INFO_OF, Contracts, Error, Event, FRAMES_NESTED_MAX, NONCE, PRISTINE_CODE, costs,
    deposit::DepositMeter,
    gas::GasMeter,
    host::Running,
    transient::{Transient, TransientFrame},
    types::{CodeInfo, ContractInfo, Determinism, ExecReturnValue, Origin, ReturnFlags},
};

/// One call that has not ended: of a contract, of its constructor, or of other code on its behalf.
pub(crate) struct Frame {
    /// On whose behalf the code runs.
    pub(crate) account: AccountId,
    pub(crate) record: Record,
    pub(crate) entry: Entry,
    /// Whether the contract is being made: it has no record in the state yet, and nobody can call it.
    pub(crate) constructing: bool,
    /// Who called whoever runs this code as its own.
    pub(crate) delegate: Option<Delegate>,
    pub(crate) value: Balance,
    /// What it was called with; `None` once it passed that on.
    pub(crate) input: Option<Vec<u8>>,
    pub(crate) gas: GasMeter,
    /// What the machine has left, as of the last time the host looked.
    pub(crate) fuel: u64,
    pub(crate) deposit: DepositMeter,
    pub(crate) transient: TransientFrame,
    /// Whether the contract may be called again by what it calls right now.
    pub(crate) allows_reentry: bool,
    pub(crate) read_only: bool,
}

/// Code that runs as another's own.
pub(crate) struct Delegate {
    pub(crate) code_hash: H256,
    pub(crate) caller: Origin,
}

/// What a frame knows of its contract's record.
pub(crate) enum Record {
    /// All of it; `changed` if the state does not know yet.
    Known { info: ContractInfo, changed: bool },
    /// Another frame of the same contract changed it.
    Stale,
    /// The contract removed itself.
    Terminated,
}

impl Record {
    fn known_mut(&mut self) -> Option<&mut ContractInfo> {
        match self {
            Self::Known { info, .. } => Some(info),
            Self::Stale | Self::Terminated => None,
        }
    }

    fn mark_changed(&mut self) {
        if let Self::Known { changed, .. } = self {
            *changed = true;
        }
    }
}

/// Why the host ended a run.
#[derive(Debug)]
pub(crate) enum End {
    Returned { flags: u32, data: Vec<u8> },
    Terminated,
    Failed(Fault),
}

impl<F: Into<Fault>> From<F> for End {
    fn from(fault: F) -> Self {
        Self::Failed(fault.into())
    }
}

/// What is needed to push a frame.
pub(crate) struct Push {
    pub(crate) account: AccountId,
    pub(crate) record: Record,
    pub(crate) entry: Entry,
    pub(crate) delegate: Option<Delegate>,
    pub(crate) value: Balance,
    pub(crate) input: Vec<u8>,
    pub(crate) gas_limit: Weight,
    pub(crate) deposit_limit: Balance,
    pub(crate) read_only: bool,
}

/// A nested call, as a contract asks for it.
pub(crate) struct NestedCall {
    pub(crate) to: AccountId,
    pub(crate) value: Balance,
    pub(crate) input: Vec<u8>,
    pub(crate) gas_limit: Weight,
    pub(crate) deposit_limit: Balance,
    pub(crate) allows_reentry: bool,
    pub(crate) read_only: bool,
}

/// Why a frame's layer is dropped.
enum Undone {
    Reverted(ExecReturnValue),
    Failed(ExecError),
}

impl<F: Into<ExecError>> From<F> for Undone {
    fn from(error: F) -> Self {
        Self::Failed(error.into())
    }
}

/// All frames of one top-level call.
pub(crate) struct Stack<'a, C> {
    pub(crate) contracts: &'a Contracts<C>,
    machine: &'a dyn Machine,
    pub(crate) origin: Origin,
    determinism: Determinism,
    frames: Vec<Frame>,
    /// Of the whole call.
    gas: GasMeter,
    deposit: DepositMeter,
    pub(crate) transient: Transient,
    /// The number of contracts ever made: in the state, and counting those of this call.
    nonce: Option<(u64, u64)>,
    now: Option<Moment>,
    /// What contracts say, if somebody wants to know.
    pub(crate) debug: Option<Vec<u8>>,
    /// Room for a raw storage key, so that a host call does not allocate one.
    pub(crate) key: Vec<u8>,
}

impl<'a, C> Stack<'a, C> {
    pub(super) fn new(
        contracts: &'a Contracts<C>,
        machine: &'a dyn Machine,
        origin: Origin,
        terms: &Terms,
        gas: GasMeter,
        deposit: DepositMeter,
    ) -> Self {
        Self {
            contracts,
            machine,
            origin,
            determinism: terms.determinism,
            frames: Vec::new(),
            gas,
            deposit,
            transient: Transient::default(),
            nonce: None,
            now: None,
            debug: terms.debug.then(Vec::new),
            key: Vec::new(),
        }
    }

    /// Gas, deposits and what was said, once all has ended.
    pub(super) fn finish(self) -> (GasMeter, DepositMeter, Vec<u8>) {
        (self.gas, self.deposit, self.debug.unwrap_or_default())
    }

    /// The frame that runs.
    pub(crate) fn top(&mut self) -> &mut Frame {
        self.frames
            .last_mut()
            .expect("only called while a frame runs, and frames end in the order they began")
    }

    /// All frames, the first one first.
    pub(crate) fn frames(&self) -> &[Frame] {
        &self.frames
    }

    /// The gas of the frame that runs, or of the whole call.
    pub(crate) fn gas(&mut self) -> &mut GasMeter {
        self.frames.last_mut().map_or(&mut self.gas, |frame| &mut frame.gas)
    }

    /// Who called the frame that runs.
    pub(crate) fn caller(&self) -> Origin {
        let (below, top) = match self.frames.as_slice() {
            [.., below, top] => (Origin::Signed(below.account), top),
            [top] => (self.origin, top),
            [] => return self.origin,
        };
        top.delegate.as_ref().map_or(below, |delegate| delegate.caller)
    }

    /// The time of the block.
    pub(crate) fn now(&mut self, ctx: &Context<'_, '_>) -> Result<Moment, StateError> {
        if let Some(now) = self.now {
            return Ok(now);
        }
        let now = now(ctx)?;
        self.now = Some(now);
        Ok(now)
    }

    /// How many contracts were ever made.
    pub(crate) fn nonce(&mut self, ctx: &Context<'_, '_>) -> Result<u64, StateError> {
        if let Some((_, nonce)) = self.nonce {
            return Ok(nonce);
        }
        let nonce = NONCE.get_or_default(ctx)?;
        self.nonce = Some((nonce, nonce));
        Ok(nonce)
    }

    pub(super) fn set_nonce(&mut self, nonce: u64) {
        if let Some((_, current)) = &mut self.nonce {
            *current = nonce;
        }
    }

    /// What is known of code, after paying for its bytes.
    pub(crate) fn load_code(&mut self, ctx: &Context<'_, '_>, hash: &H256) -> Result<CodeInfo, Fault> {
        let info = CODE_INFO_OF.get(ctx, hash)?.ok_or(Error::CodeNotFound)?;
        self.gas().charge(costs::load_code(info.code_len))?;
        Ok(info)
    }

    /// The record of the contract that runs.
    pub(crate) fn record(&mut self, ctx: &Context<'_, '_>) -> Result<&mut ContractInfo, Fault> {
        let frame = self.top();
        reload(ctx, frame)?;
        frame.record.known_mut().ok_or_else(|| Error::ContractNotFound.into())
    }

    /// [`Stack::record`], to be changed.
    pub(crate) fn record_mut(&mut self, ctx: &Context<'_, '_>) -> Result<&mut ContractInfo, Fault> {
        let frame = self.top();
        reload(ctx, frame)?;
        frame.record.mark_changed();
        frame.record.known_mut().ok_or_else(|| Error::ContractNotFound.into())
    }

    /// Makes a frame the one that runs.
    pub(super) fn push(
        &mut self,
        ctx: &mut Context<'_, '_>,
        code: &CodeInfo,
        push: Push,
    ) -> Result<(), Fault> {
        let relaxed = self.determinism == Determinism::Relaxed && push.entry == Entry::Call;
        if code.determinism == Determinism::Relaxed && !relaxed {
            return Err(Error::Indeterministic.into());
        }
        let below = self.frames.last_mut();
        let constructing = push.entry == Entry::Deploy
            || push.delegate.is_some() && below.as_ref().is_some_and(|below| below.constructing);
        let transient = self.transient.begin(below.as_ref().map(|below| &below.transient));
        let (gas, deposit) = match below {
            Some(below) => (&mut below.gas, &below.deposit),
            None => (&mut self.gas, &self.deposit),
        };
        let frame = Frame {
            account: push.account,
            record: push.record,
            entry: push.entry,
            constructing,
            delegate: push.delegate,
            value: push.value,
            input: Some(push.input),
            gas: gas.nested(push.gas_limit),
            fuel: 0,
            deposit: deposit.nested(push.deposit_limit),
            transient,
            allows_reentry: true,
            read_only: push.read_only,
        };
        self.flush(ctx);
        self.frames.push(frame);
        Ok(())
    }

    /// Writes the record of the frame that runs, if it changed, and if the contract has one in the state at all: what
    /// another frame of the same contract is to see, it reads there.
    fn flush(&mut self, ctx: &mut Context<'_, '_>) {
        let Some((frame, below)) = self.frames.split_last_mut() else { return };
        if frame.constructing {
            return;
        }
        if let Record::Known { info, changed: changed @ true } = &mut frame.record {
            CONTRACT_INFO_OF.put(ctx, &frame.account, info);
            *changed = false;
            forget(below, &frame.account);
        }
    }

    /// Fails if one more frame would be too many.
    pub(super) fn check_depth(&self) -> Result<(), Error> {
        if self.frames.len() > FRAMES_NESTED_MAX as usize {
            return Err(Error::MaxCallDepthReached);
        }
        Ok(())
    }

    /// Removes the frame that ran. If it ended well, what it did becomes its caller's.
    fn pop(&mut self, ctx: &mut Context<'_, '_>, keep: bool) -> Result<(), Fault> {
        let Some(mut frame) = self.frames.pop() else { return Ok(()) };
        if !keep {
            if frame.entry == Entry::Deploy
                && let Some((_, nonce)) = &mut self.nonce
            {
                // A constructor gives its number back, one number, as in Substrate.
                *nonce = nonce.saturating_sub(1);
            }
            self.transient.roll_back(&frame.transient);
        }
        let prices = &self.contracts.deposits;
        let Some(below) = self.frames.last_mut() else {
            self.gas.absorb(&frame.gas);
            if keep {
                settle_record(ctx, &mut frame)?;
                self.deposit.absorb(frame.deposit, frame.account, prices, frame.record.known_mut());
                if let Record::Known { info, changed: true } = &frame.record {
                    CONTRACT_INFO_OF.put(ctx, &frame.account, info);
                }
                if let Some((stored, nonce)) = self.nonce
                    && stored != nonce
                {
                    NONCE.put(ctx, &nonce);
                }
            }
            return Ok(());
        };
        below.gas.absorb(&frame.gas);
        if !keep {
            return Ok(());
        }
        settle_record(ctx, &mut frame)?;
        below.transient.absorb(&frame.transient);
        below.deposit.absorb(frame.deposit, frame.account, prices, frame.record.known_mut());
        if below.account == frame.account {
            // The same contract: its record is written when this one ends.
            below.record = frame.record;
        } else if let Record::Known { info, changed: true } = &frame.record {
            CONTRACT_INFO_OF.put(ctx, &frame.account, info);
            forget(&mut self.frames, &frame.account);
        }
        Ok(())
    }
}

impl<'a, C: RuntimeCall> Stack<'a, C> {
    /// The first frame of a call.
    pub(super) fn call_first(
        &mut self,
        ctx: &mut Context<'_, '_>,
        to: AccountId,
        value: Balance,
        input: Vec<u8>,
    ) -> Result<ExecReturnValue, ExecError> {
        self.push_and_call(ctx, to, value, input, Weight::zero(), 0, false)
    }

    /// A contract calls another.
    pub(crate) fn call(
        &mut self,
        ctx: &mut Context<'_, '_>,
        call: NestedCall,
    ) -> Result<ExecReturnValue, ExecError> {
        // First of all, so that a contract that calls itself is caught by it.
        self.top().allows_reentry = call.allows_reentry;
        let read_only = call.read_only || self.top().read_only;
        let denied = self.frames.iter().any(|frame| frame.account == call.to && !frame.allows_reentry);
        let result = if denied {
            Err(Error::ReentranceDenied.into())
        } else {
            let NestedCall { to, value, input, gas_limit, deposit_limit, .. } = call;
            self.push_and_call(ctx, to, value, input, gas_limit, deposit_limit, read_only)
        };
        self.top().allows_reentry = true;
        result
    }

    #[expect(clippy::too_many_arguments, reason = "they are those of both callers")]
    fn push_and_call(
        &mut self,
        ctx: &mut Context<'_, '_>,
        to: AccountId,
        value: Balance,
        input: Vec<u8>,
        gas_limit: Weight,
        deposit_limit: Balance,
        read_only: bool,
    ) -> Result<ExecReturnValue, ExecError> {
        self.check_depth()?;
        self.flush(ctx);
        let info = CONTRACT_INFO_OF.get(ctx, &to)?.ok_or(Error::ContractNotFound)?;
        let code_hash = info.code_hash;
        let code = self.load_code(ctx, &code_hash)?;
        let record = Record::Known { info, changed: false };
        let push = Push {
            account: to,
            record,
            entry: Entry::Call,
            delegate: None,
            value,
            input,
            gas_limit,
            deposit_limit,
            read_only,
        };
        self.push(ctx, &code, push)?;
        self.run(ctx, code_hash, &code)
    }

    /// A contract runs other code as its own.
    pub(crate) fn delegate_call(
        &mut self,
        ctx: &mut Context<'_, '_>,
        code_hash: H256,
        input: Vec<u8>,
    ) -> Result<ExecReturnValue, ExecError> {
        let code = self.load_code(ctx, &code_hash)?;
        self.check_depth()?;
        let info = self.record(ctx)?.clone();
        let caller = self.caller();
        let frame = self.top();
        let changed = frame.constructing;
        let push = Push {
            account: frame.account,
            record: Record::Known { info, changed },
            entry: Entry::Call,
            delegate: Some(Delegate { code_hash, caller }),
            value: frame.value,
            input,
            gas_limit: Weight::zero(),
            deposit_limit: 0,
            read_only: frame.read_only,
        };
        self.push(ctx, &code, push)?;
        self.run(ctx, code_hash, &code)
    }

    /// Runs the frame on top in a layer of its own, and removes it.
    pub(super) fn run(
        &mut self,
        ctx: &mut Context<'_, '_>,
        code_hash: H256,
        code: &CodeInfo,
    ) -> Result<ExecReturnValue, ExecError> {
        let outcome = ctx.layer(|ctx| self.attempt(ctx, code_hash, code));
        self.pop(ctx, outcome.is_ok())?;
        match outcome {
            Ok(output) | Err(Undone::Reverted(output)) => Ok(output),
            Err(Undone::Failed(error)) => Err(error),
        }
    }

    fn attempt(
        &mut self,
        ctx: &mut Context<'_, '_>,
        code_hash: H256,
        code: &CodeInfo,
    ) -> Result<ExecReturnValue, Undone> {
        let contracts = self.contracts;
        let caller = self.caller();
        let entry = self.top().entry;
        if entry == Entry::Deploy {
            self.begin_instance(ctx, code_hash, code)?;
        }
        self.transfer_value(ctx, &caller)?;
        let output =
            self.execute(ctx, code_hash, code).map_err(|fault| ExecError { in_code: true, fault })?;
        if output.did_revert() {
            return Err(Undone::Reverted(output));
        }
        let first = self.frames.len() == 1;
        let prices = &contracts.deposits;
        let frame = self.top();
        settle_record(ctx, frame)?;
        if first {
            frame.deposit.enforce(prices, frame.record.known_mut())?;
        }
        let event = match (&frame.delegate, entry) {
            (Some(delegate), _) => {
                Event::DelegateCalled { contract: frame.account, code_hash: delegate.code_hash }
            }
            (None, entry) => {
                if entry == Entry::Deploy && matches!(frame.record, Record::Terminated) {
                    return Err(Error::TerminatedInConstructor.into());
                }
                frame.deposit.enforce_own_limit(prices, frame.record.known_mut())?;
                match (entry, caller) {
                    (Entry::Deploy, Origin::Signed(deployer)) => {
                        Event::Instantiated { deployer, contract: frame.account }
                    }
                    _ => Event::Called { caller, contract: frame.account },
                }
            }
        };
        ctx.emit(contracts.index, &event);
        Ok(output)
    }

    /// Moves the value that comes with a call. Code that runs as another's own has got it with the call before.
    fn transfer_value(&mut self, ctx: &mut Context<'_, '_>, caller: &Origin) -> Result<(), Fault> {
        let frame = self.top();
        let (to, value) = (frame.account, frame.value);
        if frame.delegate.is_some() || value == 0 {
            return Ok(());
        }
        match caller {
            Origin::Root => Err(basalt_primitives::DispatchError::RootNotAllowed.into()),
            Origin::Signed(from) => self.transfer(ctx, from, &to, value),
        }
    }

    /// Moves value; the payer's account lives on.
    pub(crate) fn transfer(
        &self,
        ctx: &mut Context<'_, '_>,
        from: &AccountId,
        to: &AccountId,
        value: Balance,
    ) -> Result<(), Fault> {
        if value == 0 || from == to {
            return Ok(());
        }
        self.contracts.balances.transfer(ctx, from, to, value, true).map_err(|failure| match failure {
            basalt_support::Failure::Dispatch(_) => Error::TransferFailed.into(),
            basalt_support::Failure::State(_) => failure.into(),
        })
    }

    /// Runs the code of the frame on top.
    fn execute(
        &mut self,
        ctx: &mut Context<'_, '_>,
        code_hash: H256,
        code: &CodeInfo,
    ) -> Result<ExecReturnValue, Fault> {
        let machine = self.machine;
        let policy = self.contracts.policy(code.determinism);
        let frame = self.top();
        let (entry, fuel) = (frame.entry, frame.gas.fuel());
        frame.fuel = fuel;
        // Source and host both look at the state, never at the same time; a nested run has a cell of its own.
        let world = RefCell::new((&mut *self, ctx));
        let unread = RefCell::new(None);
        let source = || {
            let failed = |error: StateError| {
                let text = error.to_string();
                unread.replace(Some(error));
                SourceError(text)
            };
            let world = world.try_borrow().map_err(|_| busy()).map_err(failed)?;
            match PRISTINE_CODE.get(&*world.1, &code_hash).map_err(failed)? {
                Some(code) => Ok(code.0),
                None => Err(failed(StateError::Machine(String::from("code has a record, but is not there")))),
            }
        };
        let mut host = Running::new(&world);
        let code = vm::Code { hash: code_hash, source: &source };
        let run = machine.run(&code, &policy, entry, fuel, &mut host);
        let end = host.into_end();
        let run = match (run, end) {
            (_, Some(End::Failed(fault))) if fault.is_of_node() => return Err(fault),
            (Err(error), _) => {
                let unread = unread.into_inner();
                return Err(unread.unwrap_or_else(|| StateError::Machine(error.to_string())).into());
            }
            (Ok(_), Some(End::Failed(fault))) => return Err(fault),
            (Ok(_), Some(End::Terminated)) => {
                return Ok(ExecReturnValue { flags: ReturnFlags::default(), data: Vec::new() });
            }
            (Ok(_), Some(End::Returned { flags, data })) => {
                if flags & !ReturnFlags::REVERT.0 != 0 {
                    return Err(Error::InvalidCallFlags.into());
                }
                return Ok(ExecReturnValue { flags: ReturnFlags(flags), data });
            }
            (Ok(run), None) => run,
        };
        let frame = self.top();
        let burnt = frame.gas.burn(frame.fuel.saturating_sub(run.fuel_left));
        match run.ended {
            Ended::Trapped(Trap::OutOfFuel) => Err(Error::OutOfGas.into()),
            Ended::Trapped(Trap::StackOverflow | Trap::Other) => Err(Error::ContractTrapped.into()),
            Ended::NoConstructor => Err(Error::CodeRejected.into()),
            Ended::Halted => {
                Err(StateError::Machine(String::from("a run was halted, but not by its host")).into())
            }
            Ended::Returned => {
                burnt?;
                Ok(ExecReturnValue { flags: ReturnFlags::default(), data: Vec::new() })
            }
        }
    }
}

/// A machine asked for code in the middle of a host call.
fn busy() -> StateError {
    StateError::Machine(String::from("code was asked for during a call of the host"))
}

/// What these frames know of a contract's record is no longer so.
fn forget(frames: &mut [Frame], account: &AccountId) {
    for frame in frames.iter_mut().filter(|frame| frame.account == *account) {
        frame.record = Record::Stale;
    }
}

/// Reads a record that another frame changed.
fn reload(ctx: &Context<'_, '_>, frame: &mut Frame) -> Result<(), Fault> {
    if matches!(frame.record, Record::Stale) {
        let info = CONTRACT_INFO_OF.get(ctx, &frame.account)?.ok_or(Error::ContractNotFound)?;
        frame.record = Record::Known { info, changed: false };
    }
    Ok(())
}

/// Makes sure that a record is there to be changed by what the frame stored.
fn settle_record(ctx: &Context<'_, '_>, frame: &mut Frame) -> Result<(), Fault> {
    if frame.deposit.changes_record() {
        reload(ctx, frame)?;
        frame.record.mark_changed();
    }
    Ok(())
}
