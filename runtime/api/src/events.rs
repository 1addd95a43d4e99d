//! What transactions and hooks tell of what they did.

use alloc::vec::Vec;
use core::fmt;

use basalt_primitives::H256;
use parity_scale_codec::{Decode, Encode, Error, Input, Output};
use smallvec::SmallVec;

/// An event as a pallet left it, on its own.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Event {
    /// Pallet index, variant index, fields.
    pub bytes: Vec<u8>,
    /// Topics for filters; contracts use them.
    pub topics: Vec<H256>,
}

/// The same, as part of [`Events`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode)]
pub struct EventRef<'a> {
    /// Pallet index, variant index, fields.
    pub bytes: &'a [u8],
    /// Topics for filters; contracts use them.
    pub topics: &'a [H256],
}

/// Events in their order, one after the other in one piece of memory: made on one thread and freed on another, which is
/// dear for each piece. Encoded as a `Vec<Event>`.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Events {
    bytes: Vec<u8>,
    topics: Vec<H256>,
    /// Where each of them ends. Room for what a transfer tells: a withdrawal, what it does, the fee, how it ended.
    ends: SmallVec<[End; 5]>,
}

/// Where an event ends among the bytes, and among the topics.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
struct End {
    bytes: u32,
    topics: u32,
}

impl Events {
    /// No events, and room for some.
    pub fn with_capacity(bytes: usize) -> Self {
        Self { bytes: Vec::with_capacity(bytes), ..Self::default() }
    }

    /// Adds an event: the index of its pallet, the event, and by what filters find it.
    pub fn push(&mut self, pallet_index: u8, event: &impl Encode, topics: &[H256]) {
        self.bytes.push(pallet_index);
        event.encode_to(&mut self.bytes);
        self.end(topics);
    }

    fn end(&mut self, topics: &[H256]) {
        self.topics.extend_from_slice(topics);
        // Weight and block length keep what one transaction tells far below four gigabytes.
        let short = |length: usize| u32::try_from(length).unwrap_or(u32::MAX);
        self.ends.push(End { bytes: short(self.bytes.len()), topics: short(self.topics.len()) });
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Drops all but the first.
    pub fn truncate(&mut self, count: usize) {
        self.ends.truncate(count);
        let End { bytes, topics } = self.ends.last().copied().unwrap_or_default();
        self.bytes.truncate(bytes as usize);
        self.topics.truncate(topics as usize);
    }

    /// All of them, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = EventRef<'_>> {
        let mut start = End::default();
        self.ends.iter().map(move |&end| {
            let bytes = self.bytes.get(start.bytes as usize..end.bytes as usize).unwrap_or_default();
            let topics = self.topics.get(start.topics as usize..end.topics as usize).unwrap_or_default();
            start = end;
            EventRef { bytes, topics }
        })
    }

    /// The last one.
    pub fn last(&self) -> Option<EventRef<'_>> {
        self.iter().last()
    }

    /// Bytes and topics of all.
    pub fn sizes(&self) -> (usize, usize) {
        (self.bytes.len(), self.topics.len())
    }
}

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl FromIterator<Event> for Events {
    fn from_iter<I: IntoIterator<Item = Event>>(events: I) -> Self {
        let mut all = Self::default();
        for event in events {
            all.bytes.extend_from_slice(&event.bytes);
            all.end(&event.topics);
        }
        all
    }
}

impl Encode for Events {
    fn encode_to<O: Output + ?Sized>(&self, out: &mut O) {
        self.iter().collect::<Vec<_>>().encode_to(out);
    }
}

impl Decode for Events {
    fn decode<I: Input>(input: &mut I) -> Result<Self, Error> {
        Ok(Vec::<Event>::decode(input)?.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;

    #[test]
    fn events_in_one_piece_are_those_that_went_in() {
        let one = H256::repeat_byte(1);
        let list = vec![
            Event { bytes: vec![3, 1, 0], topics: vec![] },
            Event { bytes: vec![4, 9], topics: vec![one, one] },
            Event { bytes: vec![5], topics: vec![one] },
        ];
        let mut events = Events::default();
        events.push(3, &1u16, &[]);
        events.push(4, &9u8, &[one, one]);
        events.push(5, &(), &[one]);
        assert_eq!(events, list.iter().cloned().collect());
        assert_eq!(events.encode(), list.encode());
        assert_eq!(Events::decode(&mut &list.encode()[..]), Ok(events.clone()));
        assert_eq!(events.last(), Some(EventRef { bytes: &[5], topics: &[one] }));

        events.truncate(1);
        events.push(4, &9u8, &[one, one]);
        assert_eq!(events, list[..2].iter().cloned().collect());
        events.truncate(0);
        assert_eq!((events.len(), events.sizes(), events.last()), (0, (0, 0), None));
    }
}
