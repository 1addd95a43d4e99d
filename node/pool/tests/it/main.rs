//! The pool against a naive one, and its service against a toy chain.

mod errors;
mod model;
mod rules;
mod service;
#[path = "../../../verifier/tests/it/toy.rs"]
mod toy;

use std::sync::Arc;

use basalt_pool::Candidate;
use basalt_primitives::{MultiSignature, Nonce, ValidTransaction};
use basalt_runtime_api::{Runtime, Verified};
use parity_scale_codec::Encode;
use toy::{Order, Toy, Wire};

/// A transaction of a made-up sender whose signature nobody looks at, as the runtime would describe it.
fn candidate(sender: u8, order: Order, nonce_in_state: Nonce) -> Candidate {
    let validity =
        ValidTransaction { priority: order.tip, longevity: order.longevity, ..ValidTransaction::default() };
    let wire = Wire::Signed { signer: [sender; 32], signature: MultiSignature::Sr25519([0; 64]), order };
    let transaction = Toy.inspect(wire.encode()).expect("it was just encoded");
    let verified = Verified::assume(Arc::new(transaction), Default::default());
    Candidate { verified, validity, nonce: nonce_in_state }
}
