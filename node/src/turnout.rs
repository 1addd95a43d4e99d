//! Who votes, for Prometheus.

use basalt_consensus_bft::Status;
use basalt_runtime_api::ValidatorSet;
use prometheus::{IntGaugeVec, Opts, Registry};

/// In how many of the last certificates the vote of each validator was.
#[derive(Clone)]
pub(crate) struct TurnoutFigures {
    votes: IntGaugeVec,
    certificates: IntGaugeVec,
}

impl TurnoutFigures {
    /// Nobody was seen yet.
    ///
    /// # Errors
    ///
    /// If a name is none for Prometheus: a mistake in this program.
    pub(crate) fn new() -> Result<Self, prometheus::Error> {
        let gauges = |name, help| IntGaugeVec::new(Opts::new(name, help), &["validator"]);
        Ok(Self {
            votes: gauges(
                "basalt_votes_seen",
                "Certificates of the last ones that have the vote of the validator.",
            )?,
            certificates: gauges("basalt_certificates_seen", "How many certificates these are.")?,
        })
    }

    /// Adds these figures to all others.
    ///
    /// # Errors
    ///
    /// If the registry has some of these names.
    pub(crate) fn register(&self, registry: &Registry) -> Result<(), prometheus::Error> {
        registry.register(Box::new(self.votes.clone()))?;
        registry.register(Box::new(self.certificates.clone()))
    }

    /// What is seen now, of those who validate.
    pub(crate) fn set(&self, status: &Status, set: &ValidatorSet) {
        // Who left is seen no more.
        self.votes.reset();
        self.certificates.reset();
        for (key, _, seen) in &status.validators {
            let Some(member) = set.validators.iter().find(|member| member.vote_key == *key) else { continue };
            let label = member.account.to_string();
            self.votes.with_label_values(&[&label]).set(seen.turnout.votes.into());
            self.certificates.with_label_values(&[&label]).set(seen.turnout.certificates.into());
        }
    }
}
