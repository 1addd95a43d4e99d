//! The state after one block.

use std::sync::Arc;

use basalt_db::{BlockId, Db};
use basalt_primitives::BlockNumber;
use basalt_state::{Condition, Key, StateError, StateRead, Value};

use crate::layer::{Layer, Sought};

#[cfg(test)]
mod tests;

/// The state after one block, whatever happens to the chain meanwhile: changes of unfinalised blocks over the state
/// of a finalised one. Cheap to clone.
///
/// It stays exact when more blocks become final, until its base leaves the history that the database keeps: then
/// reads answer [`StateError::Pruned`], whose text clients look for.
#[derive(Clone)]
pub struct StateView {
    block: BlockId,
    /// The finalised block below.
    base: BlockNumber,
    /// Oldest first.
    layers: Arc<[Arc<Layer>]>,
    db: Arc<Db>,
}

impl StateView {
    pub(crate) fn new(
        block: BlockId,
        base: BlockNumber,
        layers: impl IntoIterator<Item = Arc<Layer>>,
        db: Arc<Db>,
    ) -> Self {
        Self { block, base, layers: layers.into_iter().collect(), db }
    }

    /// The state after a block that stands on this one's, and changes this in it.
    pub(crate) fn above(&self, block: BlockId, changes: Arc<Layer>) -> Self {
        let layers = self.layers.iter().cloned().chain([changes]).collect();
        Self { block, base: self.base, layers, db: self.db.clone() }
    }

    /// The block whose state this is.
    pub fn block(&self) -> BlockId {
        self.block
    }

    /// The database knows heights; clients know hashes.
    fn named(&self, error: StateError) -> StateError {
        match error {
            StateError::Pruned(_) => StateError::Pruned(format!("{:?}", self.block.hash)),
            other => other,
        }
    }
}

impl StateRead for StateView {
    fn get(&self, key: &[u8]) -> Result<Option<Value>, StateError> {
        match change(&self.layers, key) {
            Some(value) => Ok(value.cloned()),
            None => self.db.get_at(self.base, key).map_err(|error| self.named(error)),
        }
    }

    fn holds(&self, key: &[u8], condition: &Condition) -> Result<bool, StateError> {
        match change(&self.layers, key) {
            // No copy for a question that most payments ask.
            Some(value) => Ok(condition.met_by(value.map(Vec::as_slice))),
            None => {
                let value = self.db.get_at(self.base, key).map_err(|error| self.named(error))?;
                Ok(condition.met_by(value.as_deref()))
            }
        }
    }

    fn next_key(&self, key: &[u8]) -> Result<Option<Key>, StateError> {
        next_key(&self.layers, key, |key| self.db.next_key_at(self.base, key))
            .map_err(|error| self.named(error))
    }
}

impl std::fmt::Debug for StateView {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StateView")
            .field("block", &self.block)
            .field("base", &self.base)
            .field("layers", &self.layers.len())
            .finish_non_exhaustive()
    }
}

/// What the newest layer that touches `key` says: `Some(None)` if it removes it, `None` if none touches it.
fn change<'a>(layers: &'a [Arc<Layer>], key: &[u8]) -> Option<Option<&'a Value>> {
    if layers.is_empty() {
        return None;
    }
    let sought = Sought::new(key);
    layers.iter().rev().find_map(|layer| layer.find(sought))
}

/// The smallest key above `key` that is there in the end.
fn next_key(
    layers: &[Arc<Layer>],
    key: &[u8],
    base: impl Fn(&[u8]) -> Result<Option<Key>, StateError>,
) -> Result<Option<Key>, StateError> {
    if layers.is_empty() {
        return base(key);
    }
    let mut below = base(key)?;
    let mut after = key;
    loop {
        let above =
            layers.iter().filter_map(|layer| layer.iter_after(after).next()).map(|(key, _)| key).min();
        let Some(above) = above else { return Ok(below) };
        // The stored key comes first, and no layer touches it.
        if below.as_ref().is_some_and(|stored| stored.as_slice() < above) {
            return Ok(below);
        }
        if change(layers, above).flatten().is_some() {
            return Ok(Some(above.to_vec()));
        }
        // Removed: go on behind it, below as well if it was stored there.
        if below.as_ref().is_some_and(|stored| stored.as_slice() == above) {
            below = base(above)?;
        }
        after = above;
    }
}
