//! Other contracts: calling them, making them, and the end of this one.

use alloc::vec::Vec;

use basalt_primitives::Weight;
use basalt_support::RuntimeCall;

use super::{End, HostCall, SENTINEL, SUCCESS, code, length_of, memory};
use crate::{
    Contracts, Error, costs,
    exec::{ExecError, NestedCall, NestedInstantiate},
    types::ExecReturnValue,
};

/// How a contract wants a call to be made.
mod flags {
    pub(super) const FORWARD_INPUT: u32 = 1;
    pub(super) const CLONE_INPUT: u32 = 1 << 1;
    pub(super) const TAIL_CALL: u32 = 1 << 2;
    pub(super) const ALLOW_REENTRY: u32 = 1 << 3;
    pub(super) const READ_ONLY: u32 = 1 << 4;
    pub(super) const ALL: u32 = (1 << 5) - 1;
}

/// A call as the versions of `call` have it in common. Fields that end in `_at` say which argument points there.
struct CallArguments {
    flags: u32,
    callee_at: usize,
    gas_limit: Weight,
    /// Where the pointer to a limit is, if this version has one.
    deposit_at: Option<usize>,
    value_at: usize,
    input_at: usize,
    output_at: usize,
}

/// An instantiation as the versions of `instantiate` have it in common.
struct InstantiateArguments {
    gas_limit: Weight,
    deposit_at: Option<usize>,
    value_at: usize,
    input_at: usize,
    address_at: usize,
    output_at: usize,
    salt_at: usize,
}

impl<C: RuntimeCall> HostCall<'_, '_, '_, '_, C> {
    pub(super) fn call_v0(&mut self) -> Result<u32, End> {
        self.call(CallArguments {
            flags: flags::ALLOW_REENTRY,
            callee_at: 0,
            gas_limit: Weight::new(self.word64(2), 0),
            deposit_at: None,
            value_at: 3,
            input_at: 5,
            output_at: 7,
        })
    }

    pub(super) fn call_v1(&mut self) -> Result<u32, End> {
        self.call(CallArguments {
            flags: self.word(0),
            callee_at: 1,
            gas_limit: Weight::new(self.word64(2), 0),
            deposit_at: None,
            value_at: 3,
            input_at: 4,
            output_at: 6,
        })
    }

    pub(super) fn call_v2(&mut self) -> Result<u32, End> {
        self.call(CallArguments {
            flags: self.word(0),
            callee_at: 1,
            gas_limit: Weight::new(self.word64(2), self.word64(3)),
            deposit_at: Some(4),
            value_at: 5,
            input_at: 6,
            output_at: 8,
        })
    }

    fn call(&mut self, arguments: CallArguments) -> Result<u32, End> {
        let flags = known(arguments.flags)?;
        self.charge(costs::CALL)?;
        let input = self.callee_input(flags, arguments.input_at)?;
        let to = self.account_at(arguments.callee_at)?;
        let deposit_limit = self.deposit_limit(arguments.deposit_at)?;
        let value = self.balance_at(arguments.value_at)?;
        let read_only = flags & flags::READ_ONLY != 0;
        if value > 0 {
            if read_only || self.stack.top().read_only {
                return Err(Error::StateChangeDenied.into());
            }
            self.charge(costs::TRANSFER)?;
        }
        let call = NestedCall {
            to,
            value,
            input,
            gas_limit: arguments.gas_limit,
            deposit_limit,
            allows_reentry: flags & flags::ALLOW_REENTRY != 0,
            read_only,
        };
        let outcome = self.stack.call(self.ctx, call);
        self.called(flags, outcome, arguments.output_at)
    }

    pub(super) fn delegate_call(&mut self) -> Result<u32, End> {
        let flags = known(self.word(0))?;
        self.charge(costs::DELEGATE_CALL)?;
        let input = self.callee_input(flags, 2)?;
        if flags & (flags::ALLOW_REENTRY | flags::READ_ONLY) != 0 {
            return Err(Error::InvalidCallFlags.into());
        }
        let code_hash = self.hash_at(1)?;
        let outcome = self.stack.delegate_call(self.ctx, code_hash, input);
        self.called(flags, outcome, 4)
    }

    /// What the callee is called with.
    fn callee_input(&mut self, flags: u32, input_at: usize) -> Result<Vec<u8>, End> {
        if flags & flags::CLONE_INPUT != 0 {
            let frame = self.stack.top();
            let input = frame.input.as_ref().ok_or(Error::InputForwarded)?;
            frame.gas.charge(costs::copy(length_of(input)))?;
            return Ok(input.clone());
        }
        if flags & flags::FORWARD_INPUT != 0 {
            return Ok(self.stack.top().input.take().ok_or(Error::InputForwarded)?);
        }
        self.charge(costs::copy(self.word(input_at + 1)))?;
        Ok(self.bytes(input_at, input_at + 1)?.to_vec())
    }

    /// The limit that an argument points to; zero if there is none.
    fn deposit_limit(&self, at: Option<usize>) -> Result<u128, Error> {
        match at {
            Some(at) if self.word(at) != SENTINEL => self.balance_at(at),
            _ => Ok(0),
        }
    }

    /// How a call ended, as its caller sees it.
    fn called(
        &mut self,
        flags: u32,
        outcome: Result<ExecReturnValue, ExecError>,
        output_at: usize,
    ) -> Result<u32, End> {
        let output = match outcome {
            Ok(output) => output,
            Err(error) => return Ok(Contracts::<C>::code_of(error)?),
        };
        if flags & flags::TAIL_CALL != 0 {
            return Err(End::Returned { flags: output.flags.0, data: output.data });
        }
        self.output(&output, output_at)
    }

    /// Hands over what a callee returned, if it is wanted.
    fn output(&mut self, output: &ExecReturnValue, output_at: usize) -> Result<u32, End> {
        let (out, length) = (self.word(output_at), self.word(output_at + 1));
        if memory::wanted(out) {
            memory::check_answer(self.memory, length, &output.data)?;
            self.charge(costs::copy(length_of(&output.data)))?;
            memory::answer(self.memory, out, length, &output.data)?;
        }
        Ok(if output.did_revert() { code::CALLEE_REVERTED } else { SUCCESS })
    }

    pub(super) fn instantiate_v0(&mut self) -> Result<u32, End> {
        self.instantiate(InstantiateArguments {
            gas_limit: Weight::new(self.word64(2), 0),
            deposit_at: None,
            value_at: 3,
            input_at: 5,
            address_at: 7,
            output_at: 9,
            salt_at: 11,
        })
    }

    pub(super) fn instantiate_v1(&mut self) -> Result<u32, End> {
        self.instantiate(InstantiateArguments {
            gas_limit: Weight::new(self.word64(1), 0),
            deposit_at: None,
            value_at: 2,
            input_at: 3,
            address_at: 5,
            output_at: 7,
            salt_at: 9,
        })
    }

    pub(super) fn instantiate_v2(&mut self) -> Result<u32, End> {
        self.instantiate(InstantiateArguments {
            gas_limit: Weight::new(self.word64(1), self.word64(2)),
            deposit_at: Some(3),
            value_at: 4,
            input_at: 5,
            address_at: 7,
            output_at: 9,
            salt_at: 11,
        })
    }

    fn instantiate(&mut self, arguments: InstantiateArguments) -> Result<u32, End> {
        let (input_at, salt_at) = (arguments.input_at, arguments.salt_at);
        self.charge(costs::INSTANTIATE)?;
        self.charge(costs::address(self.word(input_at + 1), self.word(salt_at + 1)))?;
        let deposit_limit = self.deposit_limit(arguments.deposit_at)?;
        let value = self.balance_at(arguments.value_at)?;
        let code_hash = self.hash_at(0)?;
        let input = self.bytes(input_at, input_at + 1)?.to_vec();
        let salt = memory::read(self.memory, self.word(salt_at), self.word(salt_at + 1))?;
        let gas_limit = arguments.gas_limit;
        let request = NestedInstantiate { code_hash, value, input, salt, gas_limit, deposit_limit };
        let (address, output) = match self.stack.instantiate(self.ctx, request) {
            Ok(made) => made,
            Err(error) => return Ok(Contracts::<C>::code_of(error)?),
        };
        let (out, length) = (self.word(arguments.address_at), self.word(arguments.address_at + 1));
        if !output.did_revert() && memory::wanted(out) {
            memory::answer(self.memory, out, length, &address.0)?;
        }
        self.output(&output, arguments.output_at)
    }

    pub(super) fn transfer(&mut self) -> Result<u32, End> {
        self.charge(costs::TRANSFER)?;
        let to = self.account_at(0)?;
        let value = self.balance_at(2)?;
        let from = self.stack.top().account;
        match self.stack.transfer(self.ctx, &from, &to, value) {
            Ok(()) => Ok(SUCCESS),
            Err(fault) if fault.is_of_node() => Err(fault.into()),
            Err(_) => Ok(code::TRANSFER_FAILED),
        }
    }

    pub(super) fn terminate(&mut self) -> Result<u64, End> {
        self.charge(costs::TERMINATE)?;
        let beneficiary = self.account_at(0)?;
        let dependencies = self.stack.record(self.ctx)?.delegate_dependencies.0.len() as u64;
        self.charge(costs::TERMINATE_DEPENDENCY.saturating_mul(dependencies))?;
        self.stack.terminate(self.ctx, beneficiary)?;
        Err(End::Terminated)
    }

    pub(super) fn set_code_hash(&mut self) -> Result<u32, End> {
        self.charge(costs::SET_CODE_HASH)?;
        let hash = self.hash_at(0)?;
        match self.stack.set_code_hash(self.ctx, hash) {
            Ok(()) => Ok(SUCCESS),
            Err(fault) => Ok(Contracts::<C>::code_of(fault.into())?),
        }
    }

    pub(super) fn lock_dependency(&mut self) -> Result<u32, End> {
        self.charge(costs::DEPENDENCY)?;
        let hash = self.hash_at(0)?;
        self.stack.lock_dependency(self.ctx, hash)?;
        Ok(SUCCESS)
    }

    pub(super) fn unlock_dependency(&mut self) -> Result<u32, End> {
        self.charge(costs::DEPENDENCY)?;
        let hash = self.hash_at(0)?;
        self.stack.unlock_dependency(self.ctx, hash)?;
        Ok(SUCCESS)
    }
}

/// The flags, if all are known.
const fn known(flags: u32) -> Result<u32, Error> {
    if flags & !flags::ALL == 0 { Ok(flags) } else { Err(Error::InvalidCallFlags) }
}
