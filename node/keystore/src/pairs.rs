//! What is done with a key.

use core::fmt;

use basalt_primitives::{MultiSignature, keys::Pair, signature::SR25519_CONTEXT};
use schnorrkel::{Keypair, SecretKey, vrf::VRFSigningTranscript};

/// A vote key. Wiped when dropped.
///
/// It signs whatever it is given: a validator signs through [`VoteSigner`](crate::VoteSigner) instead.
#[derive(Clone)]
pub struct VotePair {
    pair: Pair,
    public: [u8; 32],
}

impl VotePair {
    pub(crate) fn new(pair: Pair, public: [u8; 32]) -> Self {
        Self { pair, public }
    }

    /// The public key.
    pub fn public(&self) -> [u8; 32] {
        self.public
    }

    /// The Ed25519 signature of `message`. The same message always has the same one.
    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        match self.pair.sign(message) {
            MultiSignature::Ed25519(signature) => signature,
            MultiSignature::Sr25519(_) | MultiSignature::Ecdsa(_) => unreachable!("a vote key is Ed25519"),
        }
    }
}

impl fmt::Debug for VotePair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VotePair(0x{})", const_hex::encode(self.public))
    }
}

/// A VRF key. Wiped when dropped.
#[derive(Clone)]
pub struct VrfPair(Keypair);

/// What a VRF gives for an input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VrfSignature {
    /// Determined by key and input: there is no second one to choose from.
    pub output: [u8; 32],
    /// Shows that this is the output.
    pub proof: [u8; 64],
}

impl VrfPair {
    /// From a pair that is sr25519.
    pub(crate) fn new(pair: &Pair) -> Self {
        let secret = SecretKey::from_bytes(&pair.secret()).expect("an sr25519 secret has these 64 bytes");
        Self(secret.to_keypair())
    }

    /// The public key.
    pub fn public(&self) -> [u8; 32] {
        self.0.public.to_bytes()
    }

    /// The sr25519 signature of `message`, in the context of Substrate's signatures: none of its VRF proofs is one.
    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.0.sign_simple(SR25519_CONTEXT, message).to_bytes()
    }

    /// Output and proof for an input, which the caller writes into the transcript.
    pub fn vrf_sign(&self, input: impl VRFSigningTranscript) -> VrfSignature {
        let (output, proof, _) = self.0.vrf_sign(input);
        VrfSignature { output: output.to_preout().to_bytes(), proof: proof.to_bytes() }
    }
}

impl fmt::Debug for VrfPair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VrfPair(0x{})", const_hex::encode(self.public()))
    }
}
