//! What must hold, looked at in every step.

use std::{
    collections::{BTreeMap, BTreeSet},
    hash::{DefaultHasher, Hash, Hasher},
    time::Duration,
};

use basalt_chain::BlockId;
use basalt_consensus_bft::{Message, SlotStep};
use basalt_primitives::H256;

use crate::keys::published;

/// Where somebody signs once: key, height, round, step.
type Place = ([u8; 32], u64, u32, SlotStep);

/// What was signed there.
type Content = (Option<H256>, Option<u32>);

/// Events that `--trace` keeps.
const TRACE_MAX: usize = 2_000_000;

/// What has happened so far, as far as it must not be contradicted.
#[derive(Default)]
pub(crate) struct Check {
    decided: BTreeMap<u32, H256>,
    published: BTreeMap<Place, Content>,
    /// Votes that a node had before it at once: node, life, place.
    heard: BTreeMap<(usize, u32, Place), Content>,
    /// Who must be found out by whom: node, life, height, key.
    guilty: BTreeSet<(usize, u32, u64, [u8; 32])>,
    found: BTreeSet<(usize, u32, u64, [u8; 32])>,
    /// Equivocations that were found by somebody who had to.
    pub(crate) caught: usize,
    /// Offences that were brought to the chain.
    pub(crate) reported: usize,
    /// What does not hold.
    pub(crate) violations: Vec<String>,
    hasher: DefaultHasher,
    /// The events in words, if they are wanted.
    pub(crate) trace: Option<Vec<String>>,
}

impl Check {
    /// Nothing has happened; `trace` keeps the events in words.
    pub(crate) fn new(trace: bool) -> Self {
        Self { trace: trace.then(Vec::new), ..Self::default() }
    }

    /// Something does not hold.
    pub(crate) fn violated(&mut self, what: String) {
        self.note(Duration::ZERO, usize::MAX, || format!("VIOLATED: {what}"));
        self.violations.push(what);
    }

    /// Something happened: a part of the trace's hash.
    pub(crate) fn hash(&mut self, now: Duration, node: usize, what: &[u8]) {
        (now, node, what).hash(&mut self.hasher);
    }

    /// In words.
    pub(crate) fn note(&mut self, now: Duration, node: usize, what: impl FnOnce() -> String) {
        if let Some(trace) = &mut self.trace
            && trace.len() < TRACE_MAX
        {
            let place = if node == usize::MAX { "-".to_owned() } else { node.to_string() };
            trace.push(format!("{:>12.3} {place:>2} {}", now.as_micros() as f64 / 1000.0, what()));
        }
    }

    /// Names all that has happened.
    pub(crate) fn trace_hash(&self) -> u64 {
        self.hasher.finish()
    }

    /// An honest node decided, or took over, a block.
    pub(crate) fn decided(&mut self, node: usize, block: &BlockId) {
        let known = *self.decided.entry(block.number).or_insert(block.hash);
        if known != block.hash {
            self.violated(format!(
                "two blocks are final at height {}: {known:?} and, on node {node}, {:?}",
                block.number, block.hash
            ));
        }
    }

    /// How many heights somebody honest decided.
    pub(crate) fn heights(&self) -> u32 {
        self.decided.last_key_value().map_or(0, |(height, _)| *height)
    }

    /// An honest node publishes.
    pub(crate) fn publish(&mut self, node: usize, message: &Message) {
        let Some((place, content)) = published(message) else { return };
        let known = *self.published.entry(place).or_insert(content);
        if known != content {
            let (_, height, round, step) = place;
            self.violated(format!(
                "node {node} is honest and signed twice at height {height}, round {round}, {step:?}: {known:?} and \
                 {content:?}"
            ));
        }
    }

    /// An honest node gets, while it decides this very height and round, what a Byzantine one signed.
    pub(crate) fn hear(&mut self, node: usize, life: u32, message: &Message) {
        let Some((place, content)) = published(message) else { return };
        let known = *self.heard.entry((node, life, place)).or_insert(content);
        if known != content {
            self.guilty.insert((node, life, place.1, place.0));
        }
    }

    /// It finds somebody out.
    pub(crate) fn punish(&mut self, node: usize, life: u32, height: u64, key: [u8; 32]) {
        self.found.insert((node, life, height, key));
    }

    /// It decides: who signed twice before its eyes must have been found out.
    pub(crate) fn judge(&mut self, node: usize, life: u32, height: u64) {
        let from = (node, life, height, [0; 32]);
        let to = (node, life, height, [255; 32]);
        let guilty: Vec<_> = self.guilty.range(from..=to).copied().collect();
        for one in guilty {
            if self.found.contains(&one) {
                self.caught += 1;
            } else {
                self.violated(format!(
                    "node {node} had two messages before it that contradict each other at height {height}, and did \
                     not say who signed them"
                ));
            }
        }
    }
}
