//! `basalt staking rewards`.

use basalt_pallet_staking::{
    CLAIMED_REWARDS, Call, ERAS_REWARD_POINTS, ERAS_STAKERS_OVERVIEW, ERAS_STAKERS_PAGED,
    ERAS_VALIDATOR_PREFS, ERAS_VALIDATOR_REWARD, HISTORY_DEPTH,
    types::{EraIndex, Page, PagedExposureMetadata},
};
use basalt_primitives::{AccountId, Balance, multiply_divide};
use basalt_runtime::RuntimeCall;
use basalt_state::{StateError, StateRead};
use clap::Args;
use serde_json::{Value, json};

use super::{
    Report,
    error::StakingError,
    send::{Desk, Plan},
    stake::{members, payee_text},
    table::table,
};
use crate::cli::tx::{Address, Chain, Node, SenderFlags};

/// The most payments in one transaction: each may pay 512 nominators.
const PAYMENTS_MAX: usize = 8;

/// Flags of `staking rewards`.
#[derive(Debug, Args)]
pub(crate) struct RewardsArgs {
    /// Whose rewards: an address [default: the account that signs, by --from].
    #[arg(value_name = "ADDRESS")]
    account: Option<Address>,

    /// Over how many of the last epochs to look.
    #[arg(long, value_name = "COUNT", default_value_t = 7,
        value_parser = clap::value_parser!(u32).range(1..=i64::from(HISTORY_DEPTH)))]
    epochs: u32,

    /// Have what waits paid, the oldest first. Anybody may do that, for the fee.
    #[arg(long)]
    pay: bool,

    #[command(flatten)]
    sender: SenderFlags,
}

/// What an account has earned behind one validator in one era.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Earned {
    pub(super) era: EraIndex,
    pub(super) validator: AccountId,
    pub(super) page: Page,
    pub(super) amount: Balance,
    /// Whether it has been paid.
    pub(super) paid: bool,
}

impl RewardsArgs {
    pub(super) async fn run(&self) -> Result<Report, StakingError> {
        let node = Node::connect(&self.sender.node.url).await?;
        let mut desk = Desk::open(&node).await?;
        let pair = match (&self.account, self.pay) {
            (Some(_), false) => None,
            _ => Some(self.sender.pair(&node).await?),
        };
        let who = match (&self.account, &pair) {
            (Some(address), _) => address.on(&desk.chain)?,
            (None, Some(pair)) => pair.account_id(),
            (None, None) => return Err(crate::cli::tx::TxError::NoSender.into()),
        };
        let earned = self.earned(&mut desk, &who).await?;
        let account = desk.chain.address(&who);
        let Some(pair) = pair.filter(|_| self.pay) else {
            let payee = desk.staker(&who).await?.payee;
            return Ok(if self.sender.node.json {
                json(&earned, &account, &desk.chain).to_string().into()
            } else if earned.is_empty() {
                let epochs = self.epochs;
                format!("{account} earned nothing in the last {epochs} epochs that are over").into()
            } else {
                let heading = format!("{account}, rewards go {}", payee_text(&payee, &desk.chain));
                text(&heading, &earned, &desk.chain).into()
            });
        };
        let waits: Vec<&Earned> = earned.iter().filter(|one| !one.paid).take(PAYMENTS_MAX).collect();
        if waits.is_empty() {
            return Err(StakingError::NoRewards { account, eras: self.epochs });
        }
        let step = |one: &&Earned| {
            let validator = desk.chain.address(&one.validator);
            format!(
                "pay {} of epoch {} behind {validator}, and all others there",
                desk.show(one.amount),
                one.era
            )
        };
        let call = |one: &&Earned| {
            RuntimeCall::Staking(Call::payout_stakers_by_page {
                validator_stash: one.validator,
                era: one.era,
                page: one.page,
            })
        };
        let sum = waits.iter().fold(0, |sum: Balance, one| sum.saturating_add(one.amount));
        let plan = Plan {
            steps: waits.iter().map(step).collect(),
            calls: waits.iter().map(call).collect(),
            bonded: 0,
        };
        let signer = desk.staker(&pair.account_id()).await?;
        let sent = plan.send(&desk, &self.sender, &pair, &signer, &[]).await?;
        let members = members([
            ("account", json!(account)),
            ("paid", json!(sum.to_string())),
            ("payments", json!(waits.len())),
        ]);
        Ok(sent.report(&format!("Paid {} to {account}", desk.show(sum)), Vec::new(), members))
    }

    /// What the account has earned in the epochs that are over, the oldest first.
    async fn earned(&self, desk: &mut Desk<'_>, who: &AccountId) -> Result<Vec<Earned>, StakingError> {
        let Some(active) = desk.terms.active_era else { return Ok(Vec::new()) };
        let mut earned = Vec::new();
        for era in active.saturating_sub(self.epochs)..active {
            desk.state.fetch_all(ERAS_STAKERS_OVERVIEW.prefix(&era).to_vec()).await?;
            desk.state.fetch_all(ERAS_STAKERS_PAGED.prefix(&era).to_vec()).await?;
            earned.extend(desk.state.ask(|state| earned_in(state, era, who)).await?);
        }
        Ok(earned)
    }
}

/// What an account has earned in one era: as the chain will pay it.
pub(super) fn earned_in(
    state: &impl StateRead,
    era: EraIndex,
    who: &AccountId,
) -> Result<Vec<Earned>, StateError> {
    let Some(worth) = ERAS_VALIDATOR_REWARD.get(state, &era)? else { return Ok(Vec::new()) };
    let exposures: Vec<(AccountId, PagedExposureMetadata)> =
        ERAS_STAKERS_OVERVIEW.iter_prefix(state, &era).collect::<Result<_, _>>()?;
    let points = ERAS_REWARD_POINTS.get_or_default(state, &era)?;
    let mut earned = Vec::new();
    for (validator, exposure) in exposures {
        let own_points = points.individual.get(&validator).copied().unwrap_or(0);
        for page in 0..exposure.page_count.max(1) {
            let others = ERAS_STAKERS_PAGED.get(state, &era, &validator, &page)?.unwrap_or_default().others;
            let behind = others.iter().filter(|one| one.who == *who).map(|one| one.value);
            let behind = behind.fold(0, Balance::saturating_add);
            let validates = validator == *who && page == 0;
            if behind == 0 && !validates {
                continue;
            }
            let share = part(worth, own_points.into(), points.total.into());
            let commission =
                ERAS_VALIDATOR_PREFS.get_or_default(state, &era, &validator)?.commission.mul_floor(share);
            let rest = share.saturating_sub(commission);
            let mut amount = part(rest, behind, exposure.total);
            if validates {
                amount = amount.saturating_add(commission).saturating_add(part(
                    rest,
                    exposure.own,
                    exposure.total,
                ));
            }
            let paid = CLAIMED_REWARDS.get_or_default(state, &era, &validator)?.contains(&page);
            if amount > 0 {
                earned.push(Earned { era, validator, page, amount, paid });
            }
        }
    }
    Ok(earned)
}

/// `amount × of / whole`, rounded down.
fn part(amount: Balance, of: Balance, whole: Balance) -> Balance {
    multiply_divide(amount, of, whole).unwrap_or(0)
}

fn text(heading: &str, earned: &[Earned], chain: &Chain) -> String {
    let rows: Vec<_> = earned
        .iter()
        .map(|one| {
            [
                one.era.to_string(),
                chain.address(&one.validator),
                chain.token.show(one.amount),
                if one.paid { "paid" } else { "waits" }.to_owned(),
            ]
        })
        .collect();
    let waits =
        earned.iter().filter(|one| !one.paid).fold(0, |sum: Balance, one| sum.saturating_add(one.amount));
    let mut lines = vec![heading.to_owned()];
    lines.extend(table(["epoch", "behind", "amount", ""], &rows));
    if waits > 0 {
        lines.push(format!("{} wait: have them paid with --pay", chain.token.show(waits)));
    }
    lines.join("\n")
}

fn json(earned: &[Earned], account: &str, chain: &Chain) -> Value {
    let rows = earned.iter().map(|one| {
        json!({
            "era": one.era,
            "validator": chain.address(&one.validator),
            "page": one.page,
            "amount": one.amount.to_string(),
            "paid": one.paid,
        })
    });
    json!({ "address": account, "rewards": rows.collect::<Vec<_>>() })
}
