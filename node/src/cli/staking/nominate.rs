//! `basalt staking nominate`.

use basalt_pallet_staking::{Call, MAX_NOMINATIONS, VALIDATORS};
use basalt_primitives::AccountId;
use basalt_runtime::RuntimeCall;
use clap::Args;
use serde_json::json;

use super::{
    Report,
    error::StakingError,
    read::Role,
    send::{Desk, Plan},
    stake::{amount, at_least, bonding, members},
};
use crate::cli::tx::{Address, Node, SenderFlags};

/// Flags of `staking nominate`.
#[derive(Debug, Args)]
pub(crate) struct NominateArgs {
    /// The validators to back, at most 16: `basalt staking validators` lists them. They replace those named before.
    #[arg(value_name = "ADDRESS", required = true)]
    targets: Vec<Address>,

    /// Bond this much first, or more.
    #[arg(long, value_name = "AMOUNT", allow_hyphen_values = true)]
    bond: Option<String>,

    #[command(flatten)]
    sender: SenderFlags,
}

impl NominateArgs {
    pub(super) async fn run(&self) -> Result<Report, StakingError> {
        let node = Node::connect(&self.sender.node.url).await?;
        let mut desk = Desk::open(&node).await?;
        let targets = self.targets(&mut desk).await?;
        let pair = self.sender.pair(&node).await?;
        let who = pair.account_id();
        let account = desk.chain.address(&who);
        let staker = desk.staker(&who).await?;
        let more = self.bond.as_ref().map(|text| amount(&desk, "--bond", text)).transpose()?;
        if staker.ledger.is_none() && more.is_none() {
            return Err(StakingError::NotBonded { account });
        }
        let value = more.unwrap_or(0);
        let stake = staker.active().saturating_add(value);
        at_least(&desk, "a nominator", desk.terms.least_nominator, &account, stake)?;

        let (mut steps, mut calls) = match more {
            Some(value) => bonding(&desk, &staker, value, None),
            None => (Vec::new(), Vec::new()),
        };
        let names: Vec<String> = targets.iter().map(|target| desk.chain.address(target)).collect();
        steps.push(format!("back with {}: {}", desk.show(stake), names.join(", ")));
        let call = Call::nominate { targets: targets.iter().map(|target| (*target).into()).collect() };
        calls.push(RuntimeCall::Staking(call));
        let mut remarks = vec![desk.counts_from()];
        if matches!(staker.role, Role::Validator(_)) {
            remarks.push("Warning: this ends that the account offers to validate".to_owned());
        }
        let plan = Plan { steps, calls, bonded: value };
        let sent = plan.send(&desk, &self.sender, &pair, &staker, &remarks).await?;
        let (from, json) = sent.counts_from(&desk);
        let mut lines = vec![format!("Stake:   {}", desk.show(stake))];
        lines.extend(from.map(|from| format!("Counts:  from {from}")));
        let members = members([
            ("account", json!(account)),
            ("targets", json!(names)),
            ("active", json!(stake.to_string())),
            ("countsFrom", json),
        ]);
        let count = targets.len();
        let heading = format!("Nominated {count} validator{}", if count == 1 { "" } else { "s" });
        Ok(sent.report(&heading, lines, members))
    }

    /// Those who are named, if each can be nominated.
    async fn targets(&self, desk: &mut Desk<'_>) -> Result<Vec<AccountId>, StakingError> {
        let (given, most) = (self.targets.len(), MAX_NOMINATIONS);
        if given > most as usize {
            return Err(StakingError::TooManyTargets { given, most });
        }
        let mut targets: Vec<AccountId> = Vec::with_capacity(given);
        for address in &self.targets {
            let target = address.on(&desk.chain)?;
            let text = desk.chain.address(&target);
            if targets.contains(&target) {
                return Err(StakingError::NamedTwice { target: text });
            }
            let prefs = desk.state.ask(|state| {
                let stands = VALIDATORS.contains(state, &target)?;
                Ok(if stands { Some(VALIDATORS.get_or_default(state, &target)?) } else { None })
            });
            match prefs.await? {
                None => return Err(StakingError::NotAValidator { target: text }),
                Some(prefs) if prefs.blocked => return Err(StakingError::Blocked { target: text }),
                Some(_) => targets.push(target),
            }
        }
        Ok(targets)
    }
}
