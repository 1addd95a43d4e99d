//! `basalt staking validators`.

use std::collections::BTreeMap;

use basalt_pallet_session::CURRENT_SET;
use basalt_pallet_staking::{
    ACTIVE_ERA, ERAS_REWARD_POINTS, ERAS_STAKERS_OVERVIEW, ERAS_VALIDATOR_PREFS, LEDGER, VALIDATORS,
    types::{EraRewardPoints, PagedExposureMetadata, ValidatorPrefs},
};
use basalt_primitives::{AccountId, Balance, Perbill};
use basalt_runtime::SESSION;
use basalt_state::{StateError, StateRead};
use clap::Args;
use serde_json::{Value, json};

use super::{
    Report,
    clock::Clock,
    error::StakingError,
    read::Terms,
    send::Desk,
    table::{percent, table},
};
use crate::cli::tx::{Chain, Node, NodeFlags};

/// Flags of `staking validators`.
#[derive(Debug, Args)]
pub(crate) struct ValidatorsArgs {
    #[command(flatten)]
    node: NodeFlags,
}

/// One who validates now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Active {
    pub(super) account: AccountId,
    /// The weight of its votes.
    pub(super) power: u64,
    /// What stands behind it, if it was elected.
    pub(super) exposure: Option<PagedExposureMetadata>,
    pub(super) prefs: ValidatorPrefs,
    /// What it earned in this epoch so far, as a part of what all did.
    pub(super) points: u32,
    /// Whether it validates in the next epoch, too.
    pub(super) stays: bool,
}

/// One who offers to validate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Waiting {
    pub(super) account: AccountId,
    pub(super) prefs: ValidatorPrefs,
    /// Its own stake.
    pub(super) own: Balance,
    /// Whether it validates in the next epoch.
    pub(super) comes: bool,
}

/// Who validates, who will, and who would.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Validators {
    /// Heaviest first.
    pub(super) active: Vec<Active>,
    /// Those in the next set first, then by own stake.
    pub(super) waiting: Vec<Waiting>,
}

impl Validators {
    pub(super) fn read(state: &impl StateRead) -> Result<Self, StateError> {
        let set = CURRENT_SET.get_or_default(state)?;
        let next: Vec<AccountId> = SESSION.next(state)?.iter().map(|one| one.account).collect();
        let era = ACTIVE_ERA.get(state)?.map(|era| era.index);
        let points = match era {
            Some(era) => ERAS_REWARD_POINTS.get_or_default(state, &era)?,
            None => EraRewardPoints::default(),
        };
        let offers: BTreeMap<AccountId, ValidatorPrefs> = VALIDATORS.iter(state).collect::<Result<_, _>>()?;
        let mut active = Vec::with_capacity(set.validators.len());
        for one in set.validators {
            let (exposure, prefs) = match era {
                Some(era) => (
                    ERAS_STAKERS_OVERVIEW.get(state, &era, &one.account)?,
                    ERAS_VALIDATOR_PREFS.get_or_default(state, &era, &one.account)?,
                ),
                None => (None, ValidatorPrefs::default()),
            };
            active.push(Active {
                account: one.account,
                power: one.power,
                exposure,
                prefs,
                points: points.individual.get(&one.account).copied().unwrap_or(0),
                stays: next.contains(&one.account),
            });
        }
        let mut waiting = Vec::new();
        for (account, prefs) in offers {
            if active.iter().any(|one| one.account == account) {
                continue;
            }
            let own = LEDGER.get(state, &account)?.map_or(0, |ledger| ledger.active);
            waiting.push(Waiting { account, prefs, own, comes: next.contains(&account) });
        }
        active.sort_by_key(|one| (std::cmp::Reverse(one.power), one.account));
        waiting.sort_by_key(|one| (!one.comes, std::cmp::Reverse(one.own), one.account));
        Ok(Self { active, waiting })
    }

    pub(super) fn text(&self, chain: &Chain, terms: &Terms, clock: &Clock) -> String {
        let show = |amount: Balance| chain.token.show(amount);
        let total: u128 = self.active.iter().map(|one| u128::from(one.power)).sum();
        let mut lines = vec![heading(self, terms, clock)];
        let rows: Vec<_> = self
            .active
            .iter()
            .map(|one| {
                let share =
                    u128::from(one.power).saturating_mul(1_000_000_000).checked_div(total).unwrap_or(0);
                // Two decimals are enough to compare by.
                let share = Perbill::from_parts(u32::try_from(share / 100_000).unwrap_or(0) * 100_000);
                let exposure = one.exposure.as_ref();
                [
                    chain.address(&one.account),
                    percent(share),
                    exposure.map_or_else(|| "-".to_owned(), |found| show(found.total)),
                    exposure.map_or_else(|| "-".to_owned(), |found| show(found.own)),
                    exposure.map_or_else(|| "-".to_owned(), |found| found.nominator_count.to_string()),
                    percent(one.prefs.commission),
                    one.points.to_string(),
                    if one.stays { "stays" } else { "leaves" }.to_owned(),
                ]
            })
            .collect();
        let columns =
            ["validates now", "power", "backed by", "own", "nominators", "commission", "points", "next"];
        lines.extend(table(columns, &rows));
        if !self.waiting.is_empty() {
            let rows: Vec<_> = self
                .waiting
                .iter()
                .map(|one| {
                    [
                        chain.address(&one.account),
                        show(one.own),
                        percent(one.prefs.commission),
                        if one.prefs.blocked { "closed" } else { "open" }.to_owned(),
                        if one.comes { "comes" } else { "waits" }.to_owned(),
                    ]
                })
                .collect();
            lines.push(String::new());
            lines.extend(table(["offers to validate", "own", "commission", "nominations", "next"], &rows));
        }
        lines.join("\n")
    }

    pub(super) fn json(&self, chain: &Chain, terms: &Terms, clock: &Clock) -> Value {
        let active = self.active.iter().map(|one| {
            json!({
                "address": chain.address(&one.account),
                "power": one.power.to_string(),
                "total": one.exposure.map(|found| found.total.to_string()),
                "own": one.exposure.map(|found| found.own.to_string()),
                "nominators": one.exposure.map(|found| found.nominator_count),
                "commission": percent(one.prefs.commission),
                "blocked": one.prefs.blocked,
                "points": one.points,
                "next": one.stays,
            })
        });
        let waiting = self.waiting.iter().map(|one| {
            json!({
                "address": chain.address(&one.account),
                "own": one.own.to_string(),
                "commission": percent(one.prefs.commission),
                "blocked": one.prefs.blocked,
                "next": one.comes,
            })
        });
        json!({
            "block": clock.head,
            "epoch": { "index": terms.epoch.index, "first": terms.epoch.first, "length": terms.epoch.length },
            "era": terms.active_era,
            "seats": terms.seats,
            "fixed": terms.fixed(),
            "validators": active.collect::<Vec<_>>(),
            "waiting": waiting.collect::<Vec<_>>(),
            "token": { "symbol": chain.token.symbol(), "decimals": chain.token.decimals() },
        })
    }
}

fn heading(validators: &Validators, terms: &Terms, clock: &Clock) -> String {
    if validators.active.is_empty() {
        return "Nobody validates on this chain: one node makes its blocks".to_owned();
    }
    match terms.fixed() {
        Some(why) => format!("Block #{}; {why}", clock.head),
        None => format!(
            "Block #{} of epoch {}, {} seats; next {}",
            clock.head,
            terms.epoch.index,
            terms.seats,
            clock.when(terms.epoch.index.saturating_add(1))
        ),
    }
}

impl ValidatorsArgs {
    pub(super) async fn run(&self) -> Result<Report, StakingError> {
        let node = Node::connect(&self.node.url).await?;
        let mut desk = Desk::open(&node).await?;
        desk.fetch_validators().await?;
        let validators = desk.state.ask(Validators::read).await?;
        let Desk { chain, terms, clock, .. } = &desk;
        Ok(if self.node.json {
            validators.json(chain, terms, clock).to_string().into()
        } else {
            validators.text(chain, terms, clock).into()
        })
    }
}

impl Desk<'_> {
    /// Fetches in few questions what [`Validators::read`] asks for one by one.
    async fn fetch_validators(&mut self) -> Result<(), StakingError> {
        let (set, offers) = self
            .state
            .ask(|state| {
                let offers: Vec<(AccountId, ValidatorPrefs)> =
                    VALIDATORS.iter(state).collect::<Result<_, _>>()?;
                Ok((CURRENT_SET.get_or_default(state)?, offers))
            })
            .await?;
        let mut keys: Vec<Vec<u8>> = offers.iter().map(|(who, _)| LEDGER.key(who).to_vec()).collect();
        if let Some(era) = self.terms.active_era {
            for one in &set.validators {
                keys.push(ERAS_STAKERS_OVERVIEW.key(&era, &one.account).to_vec());
                keys.push(ERAS_VALIDATOR_PREFS.key(&era, &one.account).to_vec());
            }
        }
        Ok(self.state.fetch(keys).await?)
    }
}
