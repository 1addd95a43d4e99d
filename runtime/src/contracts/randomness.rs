//! The chain's randomness for contracts.
//!
//! | function | input        | output                                                                    |
//! |----------|--------------|---------------------------------------------------------------------------|
//! | 0        | none         | seed of the current block, the block's number, whether it is weak          |
//! | 1        | block, `u32` | the seed that this block brought, if it is one of the 256 newest           |
//! | 2        | epoch, `u32` | what the validators of this epoch are drawn by, if that is known           |
//! | 3        | none         | the current epoch: number, first block, blocks (0: it never ends)          |
//!
//! In ink!: `#[ink::chain_extension(extension = 12)]`, and for function 1, say,
//! `#[ink(function = 1, handle_status = false)] fn seed_of(block: u32) -> Option<Hash>;`.
//!
//! Who knows these when, and who can bias them by how much, is in the documentation of `basalt-pallet-randomness`. In short:
//! fix the deciding block before bets end, and end them before that block. Nobody can choose a seed; a proposer can give up
//! its block and its reward, and get another draw.

use basalt_pallet_contracts::{
    Error,
    extension::{Answer, ChainExtension, Environment, ExtensionError},
};
use basalt_pallet_randomness::OF_EPOCH;
use basalt_support::weight;
use parity_scale_codec::{DecodeAll, Encode};

use crate::{RANDOMNESS, SESSION};

/// The extension.
#[derive(Debug, Clone, Copy)]
pub struct ContractRandomness;

impl ChainExtension for ContractRandomness {
    fn id(&self) -> u16 {
        u16::from(RANDOMNESS.index)
    }

    fn call(&self, environment: &mut Environment<'_, '_, '_>) -> Result<Answer, ExtensionError> {
        // At most two values are read.
        environment.charge(weight::READ.saturating_mul(2))?;
        let answer = match environment.function() {
            0 => {
                let ctx = environment.context();
                (RANDOMNESS.seed(ctx)?, ctx.block_number(), RANDOMNESS.is_weak(ctx)?).encode()
            }
            1 => {
                let block = number(environment)?;
                RANDOMNESS.seed_of(environment.context(), block)?.encode()
            }
            2 => {
                let epoch = number(environment)?;
                OF_EPOCH.get(environment.context(), &epoch)?.encode()
            }
            3 => {
                let epoch = SESSION.epoch(environment.context())?;
                (epoch.index, epoch.first, epoch.length).encode()
            }
            _ => return Err(Error::NoChainExtension.into()),
        };
        environment.output(&answer, false)?;
        Ok(Answer::Word(0))
    }
}

fn number(environment: &mut Environment<'_, '_, '_>) -> Result<u32, ExtensionError> {
    u32::decode_all(&mut environment.input()?).map_err(|_| Error::DecodingFailed.into())
}
