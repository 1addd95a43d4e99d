//! A contract's memory, as what it is: bytes that anybody may have put there.

use alloc::vec::Vec;

use basalt_primitives::H256;
use parity_scale_codec::{Compact, Decode};

use super::{SENTINEL, length_of};
use crate::Error;

/// So many bytes from there.
pub(super) fn read(memory: &[u8], pointer: u32, length: u32) -> Result<&[u8], Error> {
    let start = pointer as usize;
    start.checked_add(length as usize).and_then(|end| memory.get(start..end)).ok_or(Error::OutOfBounds)
}

/// An array from there.
pub(super) fn array<const N: usize>(memory: &[u8], pointer: u32) -> Result<[u8; N], Error> {
    memory.get(pointer as usize..).and_then(|tail| tail.first_chunk()).copied().ok_or(Error::OutOfBounds)
}

/// A value of fixed size: what begins outside of memory is out of bounds, what ends outside does not decode.
pub(super) fn fixed<const N: usize>(memory: &[u8], pointer: u32) -> Result<[u8; N], Error> {
    let tail = memory.get(pointer as usize..).ok_or(Error::OutOfBounds)?;
    tail.first_chunk().copied().ok_or(Error::DecodingFailed)
}

/// Puts bytes there.
pub(super) fn write(memory: &mut [u8], pointer: u32, bytes: &[u8]) -> Result<(), Error> {
    let start = pointer as usize;
    let place = start.checked_add(bytes.len()).and_then(|end| memory.get_mut(start..end));
    place.ok_or(Error::OutOfBounds)?.copy_from_slice(bytes);
    Ok(())
}

/// Whether an answer fits into the capacity that stands at `length`.
pub(super) fn check_answer(memory: &[u8], length: u32, answer: &[u8]) -> Result<(), Error> {
    let capacity = u32::from_le_bytes(fixed(memory, length)?);
    if capacity < length_of(answer) { Err(Error::OutputBufferTooSmall) } else { Ok(()) }
}

/// Puts an answer at `out` and then its length at `length`, where the capacity stands.
pub(super) fn answer(memory: &mut [u8], out: u32, length: u32, answer: &[u8]) -> Result<(), Error> {
    check_answer(memory, length, answer)?;
    write(memory, out, answer)?;
    write(memory, length, &length_of(answer).to_le_bytes())
}

/// [`answer`], unless it is not wanted.
pub(super) fn wanted(out: u32) -> bool {
    out != SENTINEL
}

/// A SCALE vector of hashes, with nothing behind it.
pub(super) fn hashes(bytes: &[u8], most: u32) -> Result<Vec<H256>, Error> {
    let mut rest = bytes;
    let Compact(count) = Compact::<u32>::decode(&mut rest).map_err(|_| Error::DecodingFailed)?;
    let (hashes, left_over) = rest.as_chunks::<32>();
    if hashes.len() != count as usize || !left_over.is_empty() {
        return Err(Error::DecodingFailed);
    }
    if count > most {
        return Err(Error::TooManyTopics);
    }
    Ok(hashes.iter().copied().map(H256).collect())
}
