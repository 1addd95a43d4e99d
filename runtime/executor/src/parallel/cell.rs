//! What is known of one key during a block: what is committed, and what transactions ahead of their turn have written.

use std::collections::VecDeque;

use basalt_runtime_api::TouchKind;
use basalt_state::{Addition, Change, Condition, Key, StateError, Value};
use smallvec::SmallVec;

use super::sync::Mutex;

/// A transaction's place in the list that is being worked through. Unlike its index in the block it is never guessed.
pub(crate) type Slot = u32;

/// Who wrote a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Version {
    slot: Slot,
    /// Whether it was run again at its turn: what it wrote the first time is another version.
    again: bool,
}

impl Version {
    /// Written before any transaction that is run ahead: the state below the block, or what ran in sequence.
    pub(crate) const BELOW: Self = Self { slot: Slot::MAX, again: false };

    pub(crate) fn first(slot: Slot) -> Self {
        Self { slot, again: false }
    }

    pub(crate) fn again(slot: Slot) -> Self {
        Self { slot, again: true }
    }
}

/// Additions to a value, by place: none, often one, and more for a value with several numbers that are added to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Additions(SmallVec<[Addition; 1]>);

impl Additions {
    fn add(&mut self, addition: Addition) {
        for earlier in &mut self.0 {
            if let Some(both) = earlier.and(addition) {
                *earlier = both;
                return;
            }
        }
        self.0.push(addition);
        // Equal sets of additions compare as equal, in whatever order they came.
        self.0.sort_unstable_by_key(|addition| (addition.offset, addition.delta));
    }

    fn add_all(&mut self, others: &Self) {
        others.0.iter().for_each(|addition| self.add(*addition));
    }

    fn apply(&self, key: &[u8], value: Option<Value>) -> Result<Option<Value>, StateError> {
        self.0.iter().try_fold(value, |value, addition| addition.apply(key, value).map(Some))
    }

    /// Whether a condition holds for the value with these additions.
    fn meet(&self, key: &[u8], value: Option<&[u8]>, condition: &Condition) -> Result<bool, StateError> {
        match (self.0.as_slice(), value) {
            ([], value) => Ok(condition.met_by(value)),
            ([one], Some(_)) if one.offset == condition.offset => {
                Ok(condition.before(one).is_some_and(|before| before.met_by(value)))
            }
            _ => Ok(condition.met_by(self.apply(key, value.map(<[u8]>::to_vec))?.as_deref())),
        }
    }
}

/// A key that some transaction of the block was interested in.
pub(crate) struct Cell {
    pub(crate) key: Key,
    inner: Mutex<Inner>,
}

struct Inner {
    /// The value in the state below, or the one that was committed last; `None` until it was asked for.
    base: Option<Option<Value>>,
    version: Version,
    /// What was committed on top of `base`.
    added: Additions,
    /// Whether anything was committed at all.
    written: bool,
    /// What transactions have written ahead of their turn, by slot.
    pending: Pending,
    /// Who updates it last, of those that are planned.
    updater: Option<Slot>,
    /// Who credits it after that.
    credits: SmallVec<[Slot; 4]>,
}

/// What a reader sees: either that, or that the state below has to be asked first.
pub(crate) enum Look<T> {
    Seen(T),
    Unknown,
}

/// A value as a reader sees it, and by what to tell whether it still does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stamp {
    version: Version,
    added: Additions,
}

impl Cell {
    pub(crate) fn new(key: Key) -> Self {
        let inner = Inner {
            base: None,
            version: Version::BELOW,
            added: Additions::default(),
            written: false,
            pending: Pending::None,
            updater: None,
            credits: SmallVec::new(),
        };
        Self { key, inner: Mutex::new(inner) }
    }

    /// What the state below says, for a cell that did not know.
    pub(crate) fn learn(&self, value: Option<Value>) {
        let mut inner = self.inner.lock();
        if inner.base.is_none() {
            inner.base = Some(value);
        }
    }

    /// The value that a transaction at this slot sees.
    pub(crate) fn value(&self, slot: Slot) -> Result<Look<(Option<Value>, Stamp)>, StateError> {
        let inner = self.inner.lock();
        let mut added = Additions::default();
        let (value, version) = match inner.below(slot, &mut added) {
            Some((at, Change::Put(value))) => (Some(value.clone()), Version::first(at)),
            Some((at, _)) => (None, Version::first(at)),
            None => match &inner.base {
                None => return Ok(Look::Unknown),
                Some(base) => {
                    added.add_all(&inner.added);
                    (base.clone(), inner.version)
                }
            },
        };
        let value = added.apply(&self.key, value)?;
        Ok(Look::Seen((value, Stamp { version, added })))
    }

    /// Whether a condition holds for what a transaction at this slot sees, but for additions that are not committed: who
    /// adds to a number under a condition seldom changes whether it holds for others, and there may be many of them. At
    /// its turn nothing before a transaction is pending, and the answer is exact.
    pub(crate) fn holds(&self, slot: Slot, condition: &Condition) -> Result<Look<bool>, StateError> {
        let inner = self.inner.lock();
        match (inner.pending.last_whole(slot), &inner.base) {
            (Some((_, Change::Put(value))), _) => Ok(Look::Seen(condition.met_by(Some(value)))),
            (Some(_), _) => Ok(Look::Seen(false)),
            (None, Some(base)) => inner.added.meet(&self.key, base.as_deref(), condition).map(Look::Seen),
            (None, None) => Ok(Look::Unknown),
        }
    }

    /// Whether there is a value after what the block has changed, as a transaction at this slot sees it; `None` if the
    /// block has changed nothing.
    pub(crate) fn changed(&self, slot: Slot) -> Option<bool> {
        let inner = self.inner.lock();
        match inner.pending.below(slot).next() {
            Some((_, change)) => Some(!matches!(change, Change::Remove)),
            None if !inner.written => None,
            None => Some(!inner.added.0.is_empty() || !matches!(inner.base, Some(None))),
        }
    }

    /// Whether the committed value is still what somebody saw.
    pub(crate) fn is_still(&self, stamp: &Stamp) -> bool {
        let inner = self.inner.lock();
        inner.version == stamp.version && inner.added == stamp.added
    }

    /// Shows to those after it what a transaction wrote ahead of its turn.
    pub(crate) fn publish(&self, slot: Slot, change: Change) {
        self.inner.lock().pending.insert(slot, change);
    }

    /// Takes back what a transaction wrote ahead of its turn.
    pub(crate) fn withdraw(&self, slot: Slot) {
        self.inner.lock().pending.take(slot);
    }

    /// Commits what a transaction wrote ahead of its turn. Everything before it is committed.
    pub(crate) fn settle(&self, slot: Slot) {
        let mut inner = self.inner.lock();
        if let Some(change) = inner.pending.take(slot) {
            inner.commit(change, Version::first(slot));
        }
    }

    /// Commits a change. Everything before it is committed.
    pub(crate) fn commit(&self, change: Change, version: Version) {
        self.inner.lock().commit(change, version);
    }

    /// Notes that the transaction at `slot` will update this key, and says for whom it has to wait: for who updates it,
    /// and for all who credit it after that.
    pub(crate) fn plan_update(&self, slot: Slot, wait_for: &mut SmallVec<[(Slot, TouchKind); 8]>) {
        let mut inner = self.inner.lock();
        wait_for.extend(inner.updater.replace(slot).map(|updater| (updater, TouchKind::Update)));
        wait_for.extend(inner.credits.drain(..).map(|crediter| (crediter, TouchKind::Credit)));
    }

    /// Notes that the transaction at `slot` will credit this key.
    pub(crate) fn plan_credit(&self, slot: Slot) {
        self.inner.lock().credits.push(slot);
    }

    /// The final value, if anything was committed. `below` reads the state below the block.
    pub(crate) fn into_written(
        self,
        below: impl FnOnce(&[u8]) -> Result<Option<Value>, StateError>,
    ) -> Result<Option<(Key, Option<Value>)>, StateError> {
        let inner = self.inner.into_inner();
        if !inner.written {
            return Ok(None);
        }
        let base = match inner.base {
            Some(base) => base,
            None => below(&self.key)?,
        };
        let value = inner.added.apply(&self.key, base)?;
        Ok(Some((self.key, value)))
    }
}

impl Inner {
    /// The last whole value written ahead below `slot`; what was added to it on the way goes into `added`.
    fn below(&self, slot: Slot, added: &mut Additions) -> Option<(Slot, &Change)> {
        for (at, change) in self.pending.below(slot) {
            match change {
                Change::Add(addition) => added.add(*addition),
                change => return Some((*at, change)),
            }
        }
        None
    }

    fn commit(&mut self, change: Change, version: Version) {
        self.written = true;
        match change {
            Change::Add(addition) => return self.added.add(addition),
            Change::Put(value) => self.base = Some(Some(value)),
            Change::Remove => self.base = Some(None),
        }
        self.version = version;
        self.added = Additions::default();
    }
}

/// What transactions have written ahead of their turn: most often one of them, or none.
#[derive(Default)]
enum Pending {
    #[default]
    None,
    One((Slot, Change)),
    Many(Box<Queue>),
}

/// Several, by slot.
struct Queue {
    changes: VecDeque<(Slot, Change)>,
    /// How many are whole values, or removals.
    whole: u32,
}

fn is_whole(change: &Change) -> bool {
    !matches!(change, Change::Add(_))
}

impl Pending {
    fn insert(&mut self, slot: Slot, change: Change) {
        match self {
            Self::None => *self = Self::One((slot, change)),
            Self::One(_) => {
                if let Self::One(first) = std::mem::take(self) {
                    let whole = u32::from(is_whole(&first.1));
                    *self = Self::Many(Box::new(Queue { changes: VecDeque::from([first]), whole }));
                    self.insert(slot, change);
                }
            }
            Self::Many(queue) => {
                queue.whole += u32::from(is_whole(&change));
                let at = queue.changes.partition_point(|(other, _)| *other < slot);
                queue.changes.insert(at, (slot, change));
            }
        }
    }

    fn take(&mut self, slot: Slot) -> Option<Change> {
        match self {
            Self::One((other, _)) if *other == slot => match std::mem::take(self) {
                Self::One((_, change)) => Some(change),
                _ => None,
            },
            Self::Many(queue) => {
                let at = queue.changes.binary_search_by_key(&slot, |(other, _)| *other).ok()?;
                let (_, change) = queue.changes.remove(at)?;
                queue.whole -= u32::from(is_whole(&change));
                Some(change)
            }
            _ => None,
        }
    }

    /// Those below `slot`, the last one first.
    fn below(&self, slot: Slot) -> impl Iterator<Item = &(Slot, Change)> {
        let (one, many) = match self {
            Self::None => (None, None),
            Self::One(one) => (Some(one), None),
            Self::Many(queue) => (None, Some(queue.changes.iter().rev())),
        };
        one.into_iter().chain(many.into_iter().flatten()).filter(move |(at, _)| *at < slot)
    }

    /// The last whole value, or removal, below `slot`.
    fn last_whole(&self, slot: Slot) -> Option<&(Slot, Change)> {
        match self {
            // There may be very many additions.
            Self::Many(queue) if queue.whole == 0 => None,
            _ => self.below(slot).find(|(_, change)| is_whole(change)),
        }
    }
}
