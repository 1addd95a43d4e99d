//! How much gas is left, frame by frame.

#[cfg(test)]
mod tests;

use basalt_primitives::Weight;

use crate::{Error, costs::INSTRUCTION};

/// The gas of one frame, or of the whole call.
///
/// Besides what is left it knows the least that ever was left: some costs come back, and a call that was given no more
/// than it used in the end would have stopped on the way.
#[derive(Debug, Clone)]
pub(crate) struct GasMeter {
    limit: Weight,
    left: Weight,
    /// The least that was left when something came back.
    lowest: Weight,
}

impl GasMeter {
    pub(crate) const fn new(limit: Weight) -> Self {
        Self { limit, left: limit, lowest: limit }
    }

    /// What is left.
    pub(crate) const fn left(&self) -> Weight {
        self.left
    }

    /// What was used in the end.
    pub(crate) const fn consumed(&self) -> Weight {
        self.limit.saturating_sub(self.left)
    }

    /// The limit that the same call needs.
    pub(crate) const fn required(&self) -> Weight {
        self.limit.saturating_sub(self.lowest.min(self.left))
    }

    /// Takes gas for something that is about to happen. Takes nothing if too little is left.
    pub(crate) fn charge(&mut self, amount: Weight) -> Result<(), Error> {
        self.left = self.left.checked_sub(&amount).ok_or(Error::OutOfGas)?;
        Ok(())
    }

    /// Gives back what `charged` was more than `actual`. What was more than charged is the host's mistake, and free.
    pub(crate) fn adjust(&mut self, charged: Weight, actual: Weight) {
        self.lowest = self.lowest.min(self.left);
        self.left = self.left.saturating_add(charged.saturating_sub(actual)).min(self.limit);
    }

    /// The fuel that what is left buys.
    pub(crate) const fn fuel(&self) -> u64 {
        self.left.ref_time / INSTRUCTION
    }

    /// Takes gas for fuel that the machine has used.
    pub(crate) fn burn(&mut self, fuel: u64) -> Result<(), Error> {
        self.charge(Weight::new(fuel.saturating_mul(INSTRUCTION), 0))
    }

    /// A meter for a frame, with a part of what is left: all of it where `request` is zero, at most all where it is more.
    pub(crate) fn nested(&mut self, request: Weight) -> Self {
        let part = |request: u64, left: u64| if request == 0 { left } else { request.min(left) };
        let limit = Weight::new(
            part(request.ref_time, self.left.ref_time),
            part(request.proof_size, self.left.proof_size),
        );
        self.left = self.left.saturating_sub(limit);
        Self::new(limit)
    }

    /// Takes back what a frame has left.
    pub(crate) fn absorb(&mut self, nested: &Self) {
        let before = self.left.saturating_add(nested.limit);
        self.lowest = self.lowest.min(before.saturating_sub(nested.required()));
        self.left = self.left.saturating_add(nested.left);
    }
}
