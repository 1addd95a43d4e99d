//! The bytes of a guard file. Pure.

use super::{Guard, Record, Step, Turn};

/// Bytes of a slot: what disks and file systems write at once, so that a torn write damages one slot only.
pub(super) const SLOT_BYTES: usize = 4096;
/// Bytes of a file.
pub(super) const FILE_BYTES: usize = 2 * SLOT_BYTES;

/// Name and version of the format.
const MAGIC: [u8; 8] = *b"bsltgrd1";
/// Where the checksum stands: at the end, so that a write of which only the beginning arrived is seen even if all that
/// matters was in it.
const CRC_AT: usize = SLOT_BYTES - 4;

/// One slot, or a whole file: two slots.
pub(super) type Slot = [u8; SLOT_BYTES];

/// What a slot says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Entry {
    /// Counts writes, from 0. Its parity is the slot's.
    pub(super) sequence: u64,
    /// Whose guard it is.
    pub(super) vote_key: [u8; 32],
    /// What was signed last.
    pub(super) guard: Guard,
}

impl Entry {
    /// Which slot it belongs into.
    pub(super) fn place(&self) -> usize {
        usize::from(!self.sequence.is_multiple_of(2))
    }

    pub(super) fn encode(&self) -> Slot {
        let mut writer = Writer { slot: [0; SLOT_BYTES], at: 0 };
        writer.put(&MAGIC);
        writer.put(&self.sequence.to_le_bytes());
        writer.put(&self.vote_key);
        match &self.guard.last {
            None => writer.put(&[0]),
            Some(Record { turn, hash }) => {
                writer.put(&[1]);
                writer.put(&turn.height.to_le_bytes());
                writer.put(&turn.round.to_le_bytes());
                writer.put(&[turn.step as u8]);
                writer.put(hash);
            }
        }
        let crc = crc32fast::hash(&writer.slot[..CRC_AT]);
        writer.at = CRC_AT;
        writer.put(&crc.to_le_bytes());
        writer.slot
    }

    /// What a slot says, if it is whole.
    fn decode(slot: &[u8]) -> Option<Self> {
        let slot: &Slot = slot.try_into().ok()?;
        let (body, crc) = slot.split_at(CRC_AT);
        if crc32fast::hash(body).to_le_bytes() != crc {
            return None;
        }
        let mut reader = Reader(body);
        if reader.take()? != MAGIC {
            return None;
        }
        let sequence = u64::from_le_bytes(reader.take()?);
        let vote_key = reader.take()?;
        let last = match reader.take()? {
            [0] => None,
            [1] => Some(Record {
                turn: Turn {
                    height: u64::from_le_bytes(reader.take()?),
                    round: u32::from_le_bytes(reader.take()?),
                    step: match reader.take()? {
                        [0] => Step::Proposal,
                        [1] => Step::Prevote,
                        [2] => Step::Precommit,
                        _ => return None,
                    },
                },
                hash: reader.take()?,
            }),
            _ => return None,
        };
        Some(Self { sequence, vote_key, guard: Guard { last } })
    }
}

/// The newest of what a file says, if it says anything. A shorter file has fewer slots.
pub(super) fn newest(file: &[u8]) -> Option<Entry> {
    let entries = file.chunks(SLOT_BYTES).zip(0..).filter_map(|(slot, place)| {
        // A slot that is whole but in the other's place was put there by nobody of us.
        Entry::decode(slot).filter(|entry| entry.place() == place)
    });
    entries.max_by_key(|entry| entry.sequence)
}

struct Writer {
    slot: Slot,
    at: usize,
}

impl Writer {
    fn put(&mut self, bytes: &[u8]) {
        let end = self.at + bytes.len();
        self.slot[self.at..end].copy_from_slice(bytes);
        self.at = end;
    }
}

struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (bytes, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*bytes)
    }
}
