//! What a validator must still know after a crash: its own votes, and all that led to them.
//!
//! ```text
//! magic "basaltw1" · head { height, genesis } · entry · entry · …         each: length u32 · crc32 u32 · SCALE
//! ```
//!
//! The log holds one height. The checksum covers the height and the place of the entry too, so what is left of an
//! earlier height behind a torn end never counts. What follows the first bad entry was never synced, so nobody relied on
//! it.

use arc_malachitebft_core_consensus::{Input, ProposedValue};
use arc_malachitebft_core_types::{Round, Timeout, TimeoutKind, Validity, ValueOrigin};
use basalt_primitives::{BlockNumber, H256, Header, OpaqueExtrinsic};
use parity_scale_codec::{Decode, DecodeAll, Encode};

use crate::{
    context::{Address, Candidate, Context, Height},
    limits::LOG_BYTES_MAX,
    wire::{self, Polka, SignedProposal, SignedVote},
};

mod file;
#[cfg(test)]
mod tests;

pub use file::FileStorage;

const MAGIC: [u8; 8] = *b"basaltw1";

/// Length and checksum.
const FRAME_BYTES: usize = 8;

/// Something that happened, in the order in which it must happen again.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum Entry {
    /// A vote counted, ours or another's.
    Vote(SignedVote),
    /// A proposal accepted, ours or another's.
    Proposal(SignedProposal),
    /// A certificate counted.
    Polka(Polka),
    /// A wait ended.
    Elapsed {
        /// Which wait.
        step: u8,
        /// Of which round.
        round: u32,
    },
    /// A block was executed.
    Executed {
        /// The block.
        header: Header,
        /// The round it was proposed in.
        round: u32,
        /// The round in which it had two thirds of the prevotes already.
        pol_round: Option<u32>,
        /// Who proposed it.
        proposer: [u8; 32],
        /// Whether it is valid.
        valid: bool,
    },
    /// The extrinsics of a block that was found valid: if all validators lose their power at once, somebody must still
    /// have them. The host passes over it.
    Body(H256, Vec<OpaqueExtrinsic>),
}

impl Entry {
    /// None if the core never asks to keep such a thing.
    pub(crate) fn of(input: &Input<Context>) -> Option<Self> {
        Some(match input {
            Input::Vote(vote) => Self::Vote(SignedVote::of(vote)),
            Input::Proposal(proposal) => Self::Proposal(SignedProposal::of(proposal)),
            Input::PolkaCertificate(polka) => Self::Polka(Polka::of(polka)),
            Input::TimeoutElapsed(timeout) => {
                let step = match timeout.kind {
                    TimeoutKind::Propose => 0,
                    TimeoutKind::Prevote => 1,
                    TimeoutKind::Precommit => 2,
                    TimeoutKind::Rebroadcast | TimeoutKind::FinalizeHeight(_) => return None,
                };
                Self::Elapsed { step, round: wire::round(timeout.round) }
            }
            Input::ProposedValue(value, _) => Self::Executed {
                header: (*value.value.header).clone(),
                round: wire::round(value.round),
                pol_round: value.valid_round.as_u32(),
                proposer: value.proposer.0,
                valid: value.validity.is_valid(),
            },
            Input::StartHeight(..)
            | Input::RoundCertificate(_)
            | Input::Propose(_)
            | Input::SyncValueResponse(_) => return None,
        })
    }

    /// What the core is told again. None for what is not of this height.
    pub(crate) fn into_input(self, at: Height) -> Option<Input<Context>> {
        match self {
            Self::Vote(vote) if vote.height == at.0 => Some(Input::Vote(vote.into_core())),
            Self::Proposal(proposal) if proposal.height == at.0 => {
                Some(Input::Proposal(proposal.into_core()))
            }
            Self::Polka(polka) if polka.height == at.0 => Some(Input::PolkaCertificate(polka.into_core())),
            Self::Elapsed { step, round } => {
                let kind = match step {
                    0 => TimeoutKind::Propose,
                    1 => TimeoutKind::Prevote,
                    2 => TimeoutKind::Precommit,
                    _ => return None,
                };
                Some(Input::TimeoutElapsed(Timeout::new(Round::new(round), kind)))
            }
            Self::Executed { header, round, pol_round, proposer, valid } => {
                let value = ProposedValue {
                    height: at,
                    round: Round::new(round),
                    valid_round: Round::from(pol_round),
                    proposer: Address(proposer),
                    value: Candidate::new(header),
                    validity: Validity::from_bool(valid),
                };
                Some(Input::ProposedValue(value, ValueOrigin::Consensus))
            }
            Self::Vote(_) | Self::Proposal(_) | Self::Polka(_) | Self::Body(..) => None,
        }
    }
}

/// Where the bytes of a log are kept. Nothing is durable before [`Storage::sync`] returns.
pub trait Storage: Send {
    /// All that is there.
    fn read(&mut self) -> std::io::Result<Vec<u8>>;
    /// Replaces all by these bytes.
    fn reset(&mut self, bytes: &[u8]) -> std::io::Result<()>;
    /// Cuts off what comes after so many bytes. What comes before them stays durable.
    fn truncate(&mut self, length: u64) -> std::io::Result<()>;
    /// Adds bytes at the end.
    fn append(&mut self, bytes: &[u8]) -> std::io::Result<()>;
    /// Makes all that was written durable.
    fn sync(&mut self) -> std::io::Result<()>;
}

/// Why the log cannot be used. The validator stops signing.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The disk.
    #[error(
        "the consensus log cannot be {what} ({error}); nothing is signed any more until the disk works again"
    )]
    Io {
        /// Read or written.
        what: &'static str,
        /// Why.
        error: std::io::Error,
    },
    /// Another chain's.
    #[error("the consensus log is of the chain with the genesis {0:?}; give each chain a folder of its own")]
    OtherChain(H256),
    /// Newer than this program.
    #[error(
        "the consensus log has the format {0:?}, which this version does not know; use the version that wrote it"
    )]
    OtherFormat([u8; 8]),
    /// Too much for one height.
    #[error(
        "the consensus log of one height has grown to {0} bytes, at most {LOG_BYTES_MAX} are possible; the validators \
         cannot agree: see `basalt why-not-final`"
    )]
    TooLarge(u64),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
struct Head {
    height: BlockNumber,
    genesis: H256,
}

/// What was found at the start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recovered {
    /// Of which height.
    pub height: BlockNumber,
    /// What happened there.
    pub entries: Vec<Entry>,
    /// Whether the end was cut off by a crash.
    pub torn: bool,
}

/// The log of one height.
pub struct Log<S> {
    storage: S,
    genesis: H256,
    height: BlockNumber,
    entries: u32,
    bytes: u64,
    unsynced: bool,
}

impl<S: Storage> Log<S> {
    /// Opens what is there, if it is of this chain.
    ///
    /// # Errors
    ///
    /// [`LogError`].
    pub fn open(mut storage: S, genesis: H256) -> Result<(Self, Option<Recovered>), LogError> {
        let bytes = storage.read().map_err(|error| LogError::Io { what: "read", error })?;
        let (recovered, whole) = match recover(&bytes, &genesis)? {
            Some((recovered, whole)) => (Some(recovered), whole),
            None => (None, bytes.len()),
        };
        let (height, entries) = recovered
            .as_ref()
            .map_or((0, 0), |found| (found.height, u32::try_from(found.entries.len()).unwrap_or(u32::MAX)));
        let bytes = u64::try_from(whole).unwrap_or(u64::MAX);
        let torn = recovered.as_ref().is_some_and(|found| found.torn);
        let mut log = Self { storage, genesis, height, entries, bytes, unsynced: torn };
        if torn {
            // What is appended must follow what is whole. That is not written again: our votes rest on it, and a crash in
            // between would lose it.
            log.storage.truncate(bytes).map_err(|error| LogError::Io { what: "written", error })?;
        }
        Ok((log, recovered))
    }

    /// Forgets all, and begins another height. Not synced: what is lost of it was relied on by nobody.
    ///
    /// # Errors
    ///
    /// [`LogError::Io`].
    pub fn begin(&mut self, height: BlockNumber) -> Result<(), LogError> {
        let mut bytes = MAGIC.to_vec();
        put(&mut bytes, 0, 0, &Head { height, genesis: self.genesis }.encode());
        self.storage.reset(&bytes).map_err(|error| LogError::Io { what: "written", error })?;
        self.height = height;
        self.entries = 0;
        self.bytes = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        self.unsynced = true;
        Ok(())
    }

    /// Of which height it is.
    pub fn height(&self) -> BlockNumber {
        self.height
    }

    /// Adds an entry. Not durable before [`Log::sync`].
    ///
    /// # Errors
    ///
    /// [`LogError::Io`], [`LogError::TooLarge`].
    pub fn append(&mut self, entry: &Entry) -> Result<(), LogError> {
        let mut bytes = Vec::new();
        self.entries = self.entries.saturating_add(1);
        put(&mut bytes, self.height, self.entries, &entry.encode());
        self.bytes = self.bytes.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        if self.bytes > LOG_BYTES_MAX {
            return Err(LogError::TooLarge(self.bytes));
        }
        self.storage.append(&bytes).map_err(|error| LogError::Io { what: "written", error })?;
        self.unsynced = true;
        Ok(())
    }

    /// Makes all entries durable.
    ///
    /// # Errors
    ///
    /// [`LogError::Io`]: nobody knows what is on disk, so nothing may be sent.
    pub fn sync(&mut self) -> Result<(), LogError> {
        if self.unsynced {
            self.storage.sync().map_err(|error| LogError::Io { what: "written", error })?;
            self.unsynced = false;
        }
        Ok(())
    }
}

fn checksum(height: BlockNumber, place: u32, payload: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&height.to_le_bytes());
    hasher.update(&place.to_le_bytes());
    hasher.update(payload);
    hasher.finalize()
}

fn put(bytes: &mut Vec<u8>, height: BlockNumber, place: u32, payload: &[u8]) {
    let length = u32::try_from(payload.len()).unwrap_or(u32::MAX);
    bytes.extend(length.to_le_bytes());
    bytes.extend(checksum(height, place, payload).to_le_bytes());
    bytes.extend(payload);
}

/// The payload at the start, and what follows it. None if it is not whole.
fn take(bytes: &[u8], height: BlockNumber, place: u32) -> Option<(&[u8], &[u8])> {
    let (frame, rest) = bytes.split_at_checked(FRAME_BYTES)?;
    let (length, sum) = frame.split_at(4);
    let length = u32::from_le_bytes(length.try_into().ok()?);
    let (payload, rest) = rest.split_at_checked(usize::try_from(length).ok()?)?;
    (sum == checksum(height, place, payload).to_le_bytes()).then_some((payload, rest))
}

/// What the bytes hold, and up to where they are whole.
fn recover(bytes: &[u8], genesis: &H256) -> Result<Option<(Recovered, usize)>, LogError> {
    let Some((magic, rest)) = bytes.split_at_checked(MAGIC.len()) else { return Ok(None) };
    if magic != MAGIC {
        let (name, version) = magic.split_at(MAGIC.len() - 1);
        // Anything else is what a crash has left of the first write of a height, before which nothing was sent.
        return if MAGIC.starts_with(name) && version[0].is_ascii_digit() {
            let mut found = [0; 8];
            found.copy_from_slice(magic);
            Err(LogError::OtherFormat(found))
        } else {
            Ok(None)
        };
    }
    let Some((head, mut rest)) = take(rest, 0, 0) else { return Ok(None) };
    let Ok(head) = Head::decode_all(&mut &head[..]) else { return Ok(None) };
    if head.genesis != *genesis {
        return Err(LogError::OtherChain(head.genesis));
    }
    let mut entries = Vec::new();
    let mut place = 1;
    while let Some((payload, after)) = take(rest, head.height, place) {
        let Ok(entry) = Entry::decode_all(&mut &payload[..]) else { break };
        entries.push(entry);
        rest = after;
        place += 1;
    }
    let whole = bytes.len() - rest.len();
    Ok(Some((Recovered { height: head.height, entries, torn: !rest.is_empty() }, whole)))
}
