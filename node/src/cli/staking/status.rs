//! `basalt staking status`.

use basalt_pallet_staking::types::StakingLedger;
use basalt_primitives::AccountId;
use clap::Args;
use parity_scale_codec::Encode;
use serde_json::{Value, json};

use super::{
    Report,
    clock::Clock,
    error::StakingError,
    read::{Role, Staker, Terms},
    send::Desk,
    stake::payee_text,
    table::percent,
};
use crate::cli::tx::{Address, Chain, Node, NodeFlags};

/// Flags of `staking status`.
#[derive(Debug, Args)]
pub(crate) struct StatusArgs {
    /// The account: an SS58 address, 0x and 64 hex digits, or a development name such as //Bob.
    #[arg(value_name = "ADDRESS")]
    account: Address,

    #[command(flatten)]
    node: NodeFlags,
}

impl StatusArgs {
    pub(super) async fn run(&self) -> Result<Report, StakingError> {
        let node = Node::connect(&self.node.url).await?;
        let mut desk = Desk::open(&node).await?;
        let who = self.account.on(&desk.chain)?;
        let staker = desk.staker(&who).await?;
        let Desk { chain, terms, clock, .. } = &desk;
        Ok(if self.node.json {
            json(&staker, &who, chain, terms, clock).to_string().into()
        } else {
            text(&staker, &who, chain, terms, clock).into()
        })
    }
}

/// For people.
pub(super) fn text(staker: &Staker, who: &AccountId, chain: &Chain, terms: &Terms, clock: &Clock) -> String {
    let show = |amount| chain.token.show(amount);
    let mut lines = vec![chain.address(who)];
    let mut line = |name: &str, text: String| lines.push(format!("{:<11}{text}", format!("{name}:")));
    line("Free", show(staker.info.data.free));
    match &staker.ledger {
        None => line("At stake", "nothing".to_owned()),
        Some(ledger) => {
            line("At stake", show(ledger.active));
            for (amount, when) in unlocking(ledger, terms, clock) {
                line("Unbonding", format!("{}, {when}", show(amount)));
            }
            line("Rewards", format!("go {}", payee_text(&staker.payee, chain)));
        }
    }
    match &staker.role {
        Role::Idle => line("Role", "none: neither validates nor nominates".to_owned()),
        Role::Nominator(targets) => {
            let names: Vec<String> = targets.iter().map(|target| chain.address(target)).collect();
            line("Role", format!("nominates {}", names.join(", ")));
        }
        Role::Validator(prefs) => {
            let closed = if prefs.blocked { ", accepts no nominations" } else { "" };
            line("Role", format!("offers to validate, commission {}{closed}", percent(prefs.commission)));
        }
    }
    if let Some(keys) = &staker.keys {
        line("Keys", const_hex::encode_prefixed(keys.encode()));
    }
    if let Some(power) = staker.power {
        line("Now", format!("validates in epoch {}, with the power {power}", terms.epoch.index));
    }
    if let Some(next) = &staker.next {
        let when = clock.when(terms.epoch.index.saturating_add(1));
        line("Next", format!("validates from {when}, backed by {}", show(next.total)));
    }
    let stands = matches!(staker.role, Role::Validator(_));
    if stands && staker.power.is_none() && staker.next.is_none() {
        let text = terms.fixed().map_or_else(
            || {
                format!(
                    "not elected yet; what is done now counts from {}",
                    clock.when(clock.active_from(terms.epoch.index))
                )
            },
            ToOwned::to_owned,
        );
        line("Next", text);
    }
    lines.join("\n  ")
}

/// What is on its way out, and from when on it is free.
fn unlocking(ledger: &StakingLedger, terms: &Terms, clock: &Clock) -> Vec<(u128, String)> {
    let chunk = |chunk: &basalt_pallet_staking::types::UnlockChunk| {
        let when = if chunk.era <= terms.current_era {
            "free: `basalt staking withdraw`".to_owned()
        } else {
            format!("free from {}", clock.when(terms.free_from(chunk.era)))
        };
        (chunk.value, when)
    };
    ledger.unlocking.iter().map(chunk).collect()
}

/// For scripts. Amounts are text in the smallest unit, since JavaScript's numbers are too short for them.
pub(super) fn json(staker: &Staker, who: &AccountId, chain: &Chain, terms: &Terms, clock: &Clock) -> Value {
    let ledger = staker.ledger.as_ref();
    let unlocking = ledger.map_or(&[][..], |ledger| &ledger.unlocking).iter().map(|chunk| {
        let epoch = terms.free_from(chunk.era);
        json!({
            "amount": chunk.value.to_string(),
            "era": chunk.era,
            "free": chunk.era <= terms.current_era,
            "freeFrom": { "epoch": epoch, "block": clock.first_of(epoch) },
        })
    });
    let (role, commission, blocked, targets) = match &staker.role {
        Role::Idle => ("idle", None, None, None),
        Role::Validator(prefs) => ("validator", Some(percent(prefs.commission)), Some(prefs.blocked), None),
        Role::Nominator(targets) => (
            "nominator",
            None,
            None,
            Some(targets.iter().map(|target| chain.address(target)).collect::<Vec<_>>()),
        ),
    };
    json!({
        "address": chain.address(who),
        "free": staker.info.data.free.to_string(),
        "total": ledger.map_or(0, |ledger| ledger.total).to_string(),
        "active": staker.active().to_string(),
        "unlocking": unlocking.collect::<Vec<_>>(),
        "payee": ledger.map(|_| payee_text(&staker.payee, chain)),
        "role": role,
        "commission": commission,
        "blocked": blocked,
        "targets": targets,
        "keys": staker.keys.map(|keys| const_hex::encode_prefixed(keys.encode())),
        "power": staker.power.map(|power| power.to_string()),
        "validates": staker.power.is_some(),
        "elected": staker.next.is_some(),
        "epoch": { "index": terms.epoch.index, "first": terms.epoch.first, "length": terms.epoch.length },
        "token": { "symbol": chain.token.symbol(), "decimals": chain.token.decimals() },
    })
}
