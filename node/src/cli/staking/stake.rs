//! `basalt staking bond`, `unbond`, `withdraw` and `chill`.

use basalt_pallet_staking::{Call, types::RewardDestination};
use basalt_primitives::Balance;
use basalt_runtime::{BALANCES, RuntimeCall};
use clap::Args;
use serde_json::{Map, Value, json};

use super::{
    Report,
    error::StakingError,
    read::{Role, Staker, Terms},
    send::{Desk, Plan},
};
use crate::cli::tx::{Address, Chain, Node, SenderFlags, TxError};

/// Where rewards go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Payee {
    /// To the stake.
    Staked,
    /// To the account.
    Stash,
    /// Nowhere.
    None,
    /// To another account.
    Account(Address),
}

impl std::str::FromStr for Payee {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "staked" => Ok(Self::Staked),
            "stash" => Ok(Self::Stash),
            "none" => Ok(Self::None),
            _ => text
                .parse()
                .map(Self::Account)
                .map_err(|why| format!("{why}; or write staked, stash or none")),
        }
    }
}

impl Payee {
    pub(super) fn on(self, chain: &Chain) -> Result<RewardDestination, TxError> {
        Ok(match self {
            Self::Staked => RewardDestination::Staked,
            Self::Stash => RewardDestination::Stash,
            Self::None => RewardDestination::None,
            Self::Account(address) => RewardDestination::Account(address.on(chain)?),
        })
    }
}

/// Where rewards go, for people.
pub(super) fn payee_text(payee: &RewardDestination, chain: &Chain) -> String {
    match payee {
        RewardDestination::Staked => "to the stake".to_owned(),
        RewardDestination::Stash | RewardDestination::Controller => "to the account".to_owned(),
        RewardDestination::Account(account) => format!("to {}", chain.address(account)),
        RewardDestination::None => "nowhere".to_owned(),
    }
}

/// An amount of a flag or argument.
pub(super) fn amount(desk: &Desk<'_>, flag: &'static str, text: &str) -> Result<Balance, TxError> {
    desk.chain.token.parse(text).map_err(|error| TxError::Amount { flag, error })
}

/// The calls that bond an amount, whether or not something is bonded already, and what they do.
pub(super) fn bonding(
    desk: &Desk<'_>,
    staker: &Staker,
    value: Balance,
    payee: Option<RewardDestination>,
) -> (Vec<String>, Vec<RuntimeCall>) {
    let (mut steps, mut calls) = (Vec::new(), Vec::new());
    if staker.ledger.is_none() {
        let payee = payee.unwrap_or_default();
        let goes = payee_text(&payee, &desk.chain);
        steps.push(format!("bond {}; rewards go {goes}", desk.show(value)));
        calls.push(Call::bond { value, payee });
    } else {
        if value > 0 {
            let sum = desk.show(staker.active().saturating_add(value));
            steps.push(format!("bond {} more, which makes {sum}", desk.show(value)));
            calls.push(Call::bond_extra { max_additional: value });
        }
        if let Some(payee) = payee.filter(|payee| *payee != staker.payee) {
            steps.push(format!("send rewards {}", payee_text(&payee, &desk.chain)));
            calls.push(Call::set_payee { payee });
        }
    }
    (steps, calls.into_iter().map(RuntimeCall::Staking).collect())
}

/// Flags of `staking bond`.
#[derive(Debug, Args)]
pub(crate) struct BondArgs {
    /// How much: tokens of the chain as a decimal number (1.5 or 1.5UNIT), or its smallest unit (15planck). If something is
    /// bonded already, this comes on top.
    #[arg(value_name = "AMOUNT", allow_hyphen_values = true)]
    amount: String,

    /// Where rewards go: `staked` (they are bonded), `stash` (to the account), `none`, or an address [default: staked, or
    /// as before].
    #[arg(long, value_name = "WHERE")]
    payee: Option<Payee>,

    #[command(flatten)]
    sender: SenderFlags,
}

impl BondArgs {
    pub(super) async fn run(&self) -> Result<Report, StakingError> {
        let node = Node::connect(&self.sender.node.url).await?;
        let mut desk = Desk::open(&node).await?;
        let value = amount(&desk, "AMOUNT", &self.amount)?;
        let payee = self.payee.map(|payee| payee.on(&desk.chain)).transpose()?;
        let pair = self.sender.pair(&node).await?;
        let who = pair.account_id();
        let staker = desk.staker(&who).await?;
        let sum = staker.active().saturating_add(value);
        at_least(&desk, "a stake", BALANCES.existential_deposit, &desk.chain.address(&who), sum)?;
        let (steps, calls) = bonding(&desk, &staker, value, payee);
        if calls.is_empty() {
            return Err(StakingError::Zero);
        }
        let mut remarks = Vec::new();
        if staker.role == Role::Idle {
            remarks.push(format!(
                "It earns nothing before it stands behind a validator: next, `basalt staking nominate` ({}) or `basalt \
                 validator setup` ({})",
                at_least_text(&desk, desk.terms.least_nominator),
                at_least_text(&desk, desk.terms.least_validator)
            ));
        } else {
            remarks.push(desk.counts_from());
        }
        let plan = Plan { steps, calls, bonded: value };
        let sent = plan.send(&desk, &self.sender, &pair, &staker, &remarks).await?;
        let (from, json) = sent.counts_from(&desk);
        let mut lines = vec![format!("At stake: {}", desk.show(sum))];
        if staker.role != Role::Idle {
            lines.extend(from.map(|from| format!("Counts:  from {from}")));
        }
        let members = members([
            ("account", json!(desk.chain.address(&who))),
            ("bonded", json!(value.to_string())),
            ("active", json!(sum.to_string())),
            ("countsFrom", if staker.role == Role::Idle { Value::Null } else { json }),
        ]);
        Ok(sent.report(&format!("Bonded {}", desk.show(value)), lines, members))
    }
}

/// Flags of `staking unbond`.
#[derive(Debug, Args)]
pub(crate) struct UnbondArgs {
    /// How much, or `all`, which ends validating and nominating, too.
    #[arg(value_name = "AMOUNT|all", allow_hyphen_values = true)]
    amount: String,

    #[command(flatten)]
    sender: SenderFlags,
}

impl UnbondArgs {
    pub(super) async fn run(&self) -> Result<Report, StakingError> {
        let node = Node::connect(&self.sender.node.url).await?;
        let mut desk = Desk::open(&node).await?;
        let pair = self.sender.pair(&node).await?;
        let who = pair.account_id();
        let account = desk.chain.address(&who);
        let staker = desk.staker(&who).await?;
        let Some(ledger) = &staker.ledger else { return Err(StakingError::NotBonded { account }) };
        let value = match self.amount.as_str() {
            "all" => ledger.active,
            text => amount(&desk, "AMOUNT", text)?,
        };
        let Some(rest) = ledger.active.checked_sub(value) else {
            let (active, amount) = (desk.show(ledger.active), desk.show(value));
            return Err(StakingError::UnbondTooMuch { account, active, amount });
        };
        // The chain leaves no stake below the existential deposit.
        let rest = if rest < BALANCES.existential_deposit { 0 } else { rest };
        let value = ledger.active - rest;
        if value == 0 {
            return Err(StakingError::Zero);
        }
        let (mut steps, mut calls) = (Vec::new(), Vec::new());
        if rest == 0 && staker.role != Role::Idle {
            steps.push("stop validating and nominating".to_owned());
            calls.push(RuntimeCall::Staking(Call::chill));
        } else if let Some((what, least)) = least(&staker, &desk.terms) {
            at_least(&desk, what, least, &account, rest)?;
        }
        steps.push(format!("take {} out of the stake, which leaves {}", desk.show(value), desk.show(rest)));
        calls.push(RuntimeCall::Staking(Call::unbond { value }));
        let epoch = desk.clock.epoch.index.saturating_add(desk.terms.bonding);
        let free = if desk.clock.runs() { desk.clock.when(epoch) } else { format!("epoch {epoch}") };
        let remarks =
            [format!("It stays bonded, and can be slashed, until it is free to withdraw: from {free}")];
        let plan = Plan { steps, calls, bonded: 0 };
        let sent = plan.send(&desk, &self.sender, &pair, &staker, &remarks).await?;
        let lines = vec![
            format!("At stake: {}", desk.show(rest)),
            format!("Free:    from {free}; then `basalt staking withdraw`"),
        ];
        let members = members([
            ("account", json!(account)),
            ("unbonded", json!(value.to_string())),
            ("active", json!(rest.to_string())),
            ("freeFrom", json!({ "epoch": epoch, "block": desk.clock.first_of(epoch) })),
        ]);
        Ok(sent.report(&format!("Unbonding {}", desk.show(value)), lines, members))
    }
}

/// Flags of commands that only need to know whose stake is meant.
#[derive(Debug, Args)]
pub(crate) struct WithdrawArgs {
    #[command(flatten)]
    sender: SenderFlags,
}

impl WithdrawArgs {
    pub(super) async fn run(&self) -> Result<Report, StakingError> {
        let node = Node::connect(&self.sender.node.url).await?;
        let mut desk = Desk::open(&node).await?;
        let pair = self.sender.pair(&node).await?;
        let who = pair.account_id();
        let account = desk.chain.address(&who);
        let staker = desk.staker(&who).await?;
        let Some(ledger) = &staker.ledger else { return Err(StakingError::NotBonded { account }) };
        let value = staker.free_in(desk.terms.current_era);
        if value == 0 {
            let next = match ledger.unlocking.first() {
                None => "unbond something first: basalt staking unbond AMOUNT".to_owned(),
                Some(chunk) => format!(
                    "{} will be in {}",
                    desk.show(chunk.value),
                    desk.clock.when(desk.terms.free_from(chunk.era))
                ),
            };
            return Err(StakingError::NothingToWithdraw { account, next });
        }
        let steps = vec![format!("free {}", desk.show(value))];
        let calls = vec![RuntimeCall::Staking(Call::withdraw_unbonded { num_slashing_spans: 0 })];
        let plan = Plan { steps, calls, bonded: 0 };
        let sent = plan.send(&desk, &self.sender, &pair, &staker, &[]).await?;
        let members = members([("account", json!(account)), ("withdrawn", json!(value.to_string()))]);
        Ok(sent.report(&format!("Withdrew {}", desk.show(value)), Vec::new(), members))
    }
}

/// Flags of `staking chill`.
#[derive(Debug, Args)]
pub(crate) struct ChillArgs {
    #[command(flatten)]
    sender: SenderFlags,
}

impl ChillArgs {
    pub(super) async fn run(&self) -> Result<Report, StakingError> {
        let node = Node::connect(&self.sender.node.url).await?;
        let mut desk = Desk::open(&node).await?;
        let pair = self.sender.pair(&node).await?;
        let who = pair.account_id();
        let account = desk.chain.address(&who);
        let staker = desk.staker(&who).await?;
        let step = match &staker.role {
            Role::Validator(_) => "stop offering to validate",
            Role::Nominator(_) => "stop nominating",
            Role::Idle => return Err(StakingError::NothingToChill { account }),
        };
        let mut remarks = vec![desk.counts_from()];
        if staker.power.is_some() || staker.next.is_some() {
            remarks.push("Until then it validates: keep the node running, or it counts as absent".to_owned());
        }
        let calls = vec![RuntimeCall::Staking(Call::chill)];
        let plan = Plan { steps: vec![step.to_owned()], calls, bonded: 0 };
        let sent = plan.send(&desk, &self.sender, &pair, &staker, &remarks).await?;
        let (from, json) = sent.counts_from(&desk);
        let lines = from.map(|from| format!("Counts:  from {from}")).into_iter().collect();
        let members = members([("account", json!(account)), ("countsFrom", json)]);
        Ok(sent.report("Chilled: the stake stays bonded, and stands behind nobody", lines, members))
    }
}

/// What an account must keep at stake for what it does.
fn least(staker: &Staker, terms: &Terms) -> Option<(&'static str, Balance)> {
    match staker.role {
        Role::Validator(_) => Some(("a validator", terms.least_validator)),
        Role::Nominator(_) => Some(("a nominator", terms.least_nominator)),
        Role::Idle => None,
    }
}

/// Refuses a stake below the least.
pub(super) fn at_least(
    desk: &Desk<'_>,
    what: &'static str,
    least: Balance,
    account: &str,
    have: Balance,
) -> Result<(), StakingError> {
    let Some(missing) = least.checked_sub(have).filter(|missing| *missing > 0) else { return Ok(()) };
    Err(StakingError::BelowLeast {
        what,
        least: desk.show(least),
        account: account.to_owned(),
        have: desk.show(have),
        remedy: format!("that is {} too little", desk.show(missing)),
    })
}

fn at_least_text(desk: &Desk<'_>, least: Balance) -> String {
    format!("at least {}", desk.show(least.max(BALANCES.existential_deposit)))
}

/// Members of a result in JSON.
pub(super) fn members<const N: usize>(members: [(&str, Value); N]) -> Map<String, Value> {
    members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}
