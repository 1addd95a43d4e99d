//! What goes wrong, by name.

use clap::ValueEnum;

/// A kind of trouble. Which of those that are allowed happen in a run is drawn by its seed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, ValueEnum)]
pub enum Fault {
    /// Packets are lost.
    Loss,
    /// Packets come twice.
    Duplication,
    /// Packets overtake each other, and some take very long.
    Reorder,
    /// For a while some nodes do not hear some others, in one direction or in both.
    Partition,
    /// Nodes crash, also between two actions, and come back with what is durable.
    Crash,
    /// All nodes lose their power at once.
    PowerLoss,
    /// Clocks differ, and run at different speeds.
    ClockSkew,
    /// Proposes one block to one half and another to the other, and votes for both.
    EquivocatingProposer,
    /// Signs each vote twice, for something else.
    DoubleVoter,
    /// Says nothing.
    Silent,
    /// Says everything just before, or just after, the others stop waiting.
    Late,
    /// Gives the bodies of its blocks to one other node only.
    BodyWithholder,
    /// Proposes blocks whose execution gives another result than their headers say.
    WrongRoot,
    /// Puts randomness into its headers that is not its own.
    WrongVrf,
    /// Sends votes for rounds and heights far ahead.
    FutureRoundFlooder,
    /// Makes up certificates, and justifications of blocks that nobody decided.
    CertificateForger,
    /// Two nodes with one key, neither of which knows of the other.
    Twins,
}

impl Fault {
    /// Whether it is a validator that does it, and not the world.
    pub fn is_byzantine(self) -> bool {
        self >= Self::EquivocatingProposer
    }

    /// As on the command line.
    pub fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }
}
