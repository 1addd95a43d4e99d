//! Stand in for the crate of XCM types, of which there are no values here.
//!
//! ink! names three types of `staging-xcm`, a crate under the GPL, in the signatures of `xcm_execute` and `xcm_send`. These
//! have the same names and no values, so whoever calls these functions learns it from the compiler.
#![no_std]

use core::marker::PhantomData;
use parity_scale_codec::{Encode, Output};

/// What no one can make.
#[derive(Clone, Copy, Debug)]
enum Never {}

/// The type of a cross-chain message that executes `Call`s.
#[derive(Debug)]
pub struct VersionedXcm<Call> {
    never: Never,
    _call: PhantomData<Call>,
}

impl<Call> Encode for VersionedXcm<Call> {
    fn encode_to<T: Output + ?Sized>(&self, _: &mut T) {
        match self.never {}
    }
}

/// The type of a message's destination.
#[derive(Debug)]
pub struct VersionedLocation {
    never: Never,
}

impl Encode for VersionedLocation {
    fn encode_to<T: Output + ?Sized>(&self, _: &mut T) {
        match self.never {}
    }
}

/// The version of XCM whose hash type ink! names.
pub mod v4 {
    /// The identity of a message sent.
    pub type XcmHash = [u8; 32];
}
