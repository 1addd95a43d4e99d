//! The hashes that Substrate's formats use.

use xxhash_rust::const_xxh64::xxh64;

/// Unkeyed blake2b with an `N`-byte digest; `N` is at most 64.
fn blake2<const N: usize>(data: &[u8]) -> [u8; N] {
    let digest = blake2b_simd::Params::new().hash_length(N).hash(data);
    let mut out = [0; N];
    out.copy_from_slice(digest.as_bytes());
    out
}

/// `N / 8` runs of xxHash64 with the seeds 0, 1, …, little endian, one after the other. Not cryptographic.
const fn twox<const N: usize>(data: &[u8]) -> [u8; N] {
    let mut out = [0; N];
    let (words, _) = out.as_chunks_mut::<8>();
    let mut seed = 0;
    while seed < words.len() {
        words[seed] = xxh64(data, seed as u64).to_le_bytes();
        seed += 1;
    }
    out
}

/// blake2b with 64 bits: the ids of runtime APIs.
pub fn blake2_64(data: &[u8]) -> [u8; 8] {
    blake2(data)
}

/// blake2b with 128 bits.
pub fn blake2_128(data: &[u8]) -> [u8; 16] {
    blake2(data)
}

/// blake2b with 256 bits: blocks, extrinsics, accounts of ECDSA keys.
pub fn blake2_256(data: &[u8]) -> [u8; 32] {
    blake2(data)
}

/// blake2b with 512 bits: SS58 checksums.
pub fn blake2_512(data: &[u8]) -> [u8; 64] {
    blake2(data)
}

/// xxHash64 with seed 0. Not cryptographic.
pub const fn twox_64(data: &[u8]) -> [u8; 8] {
    twox(data)
}

/// xxHash64 with the seeds 0 and 1: storage prefixes. Not cryptographic.
pub const fn twox_128(data: &[u8]) -> [u8; 16] {
    twox(data)
}

/// xxHash64 with the seeds 0 to 3. Not cryptographic.
pub const fn twox_256(data: &[u8]) -> [u8; 32] {
    twox(data)
}
