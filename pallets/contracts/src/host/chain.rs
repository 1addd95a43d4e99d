//! The rest of the chain: its calls, its extensions, and other chains, of which there are none.

use alloc::format;

use basalt_support::{Origin, RuntimeCall, recorded};
use parity_scale_codec::DecodeLimit;

use super::{End, HostCall, SUCCESS, append_message, code, extension, memory};
use crate::{Error, costs};

/// How deep an encoded call may nest: as deep as anything that contracts pass.
const DECODE_DEPTH_MAX: u32 = 256;

impl<C: RuntimeCall> HostCall<'_, '_, '_, '_, C> {
    /// Makes a call of the runtime in the contract's name.
    pub(super) fn call_runtime(&mut self) -> Result<u32, End> {
        self.charge(costs::copy(self.word(1)))?;
        let call = C::decode_all_with_depth_limit(DECODE_DEPTH_MAX, &mut self.bytes(0, 1)?)
            .map_err(|_| Error::DecodingFailed)?;
        let weight = call.info().weight;
        self.charge(weight)?;
        if !(self.stack.contracts.callable)(&call) {
            self.explain("contracts may not make this call");
            return Ok(code::CALL_RUNTIME_FAILED);
        }
        let origin = Origin::Signed(self.stack.top().account);
        let (post, result) = recorded(call.dispatch(origin, self.ctx))?;
        let actual = post.actual_weight.map_or(weight, |actual| actual.min(weight));
        self.stack.top().gas.adjust(weight, actual);
        Ok(match result {
            Ok(()) => SUCCESS,
            Err(error) => {
                self.explain(&format!("{error}"));
                code::CALL_RUNTIME_FAILED
            }
        })
    }

    /// Tells a dry run why something failed.
    fn explain(&mut self, why: &str) {
        if let Some(buffer) = &mut self.stack.debug {
            append_message(buffer, format!("call of the runtime failed: {why}\n").as_bytes());
        }
    }

    /// There is no other chain, and no machine for its messages: nothing is decoded.
    pub(super) fn xcm_execute(&mut self) -> Result<u32, End> {
        self.charge(costs::copy(self.word(1)))?;
        self.bytes(0, 1)?;
        Ok(code::XCM_EXECUTION_FAILED)
    }

    /// There is no other chain: nothing is decoded.
    pub(super) fn xcm_send(&mut self) -> Result<u32, End> {
        self.charge(costs::copy(self.word(2)))?;
        memory::array::<1>(self.memory, self.word(0))?;
        self.bytes(1, 2)?;
        Ok(code::XCM_SEND_FAILED)
    }

    /// The upper half of the first argument names an extension, the lower half one of its functions.
    pub(super) fn call_chain_extension(&mut self) -> Result<u32, End> {
        let id = self.word(0);
        let extensions = self.stack.contracts.extensions;
        let extension = extensions.iter().find(|extension| u32::from(extension.id()) == id >> 16);
        let extension = extension.ok_or(Error::NoChainExtension)?;
        let words = core::array::from_fn(|at| self.word(at + 1));
        let caller = self.stack.caller();
        let mut environment = extension::Environment {
            function: (id & 0xFFFF) as u16,
            words,
            caller,
            frame: self.stack.top(),
            ctx: self.ctx,
            memory: self.memory,
        };
        match extension.call(&mut environment) {
            Ok(extension::Answer::Word(word)) => Ok(word),
            Ok(extension::Answer::End { flags, data }) => Err(End::Returned { flags: flags.0, data }),
            Err(error) => Err(error.0.into()),
        }
    }
}
