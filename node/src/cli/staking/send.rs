//! Say what is about to be sent, send it, and say what became of it.

use basalt_pallet_utility as utility;
use basalt_primitives::{Balance, keys::Pair};
use basalt_runtime::{BALANCES, RuntimeCall};
use serde_json::{Map, Value, json};

use super::{
    Report,
    clock::Clock,
    error::{StakingError, explain},
    read::{Staker, Terms},
    snapshot::Snapshot,
};
use crate::cli::tx::{Chain, Included, Node, Outcome, Ready, SenderFlags, Shortfall, Spending};

/// Over how many blocks the time between blocks is measured.
const PACE_BLOCKS: u32 = 32;

/// What a command has found out before it does anything.
pub(super) struct Desk<'a> {
    pub(super) node: &'a Node,
    pub(super) chain: Chain,
    pub(super) state: Snapshot<'a>,
    pub(super) terms: Terms,
    pub(super) clock: Clock,
}

impl<'a> Desk<'a> {
    pub(super) async fn open(node: &'a Node) -> Result<Self, StakingError> {
        let chain = node.chain().await?;
        chain.check_runtime()?;
        let mut state = Snapshot::best(node).await?;
        let terms = state.ask(Terms::read).await?;
        let block_ms = pace(node, &mut state).await;
        let clock = Clock { head: state.number, epoch: terms.epoch, block_ms };
        Ok(Self { node, chain, state, terms, clock })
    }

    /// An account as a staker.
    pub(super) async fn staker(
        &mut self,
        who: &basalt_primitives::AccountId,
    ) -> Result<Staker, StakingError> {
        Ok(self.state.ask(|state| Staker::read(state, who)).await?)
    }

    /// An amount for people.
    pub(super) fn show(&self, amount: Balance) -> String {
        self.chain.token.show(amount)
    }

    /// From when on a change counts that is sent now: for people.
    pub(super) fn counts_from(&self) -> String {
        match self.terms.fixed() {
            Some(why) => format!("It changes no validators: {why}"),
            None => format!(
                "It counts from {}, if it is in a block of epoch {}",
                self.clock.when(self.clock.active_from(self.clock.epoch.index)),
                self.clock.epoch.index
            ),
        }
    }
}

/// The time between the last blocks, if the node still has their states.
async fn pace(node: &Node, state: &mut Snapshot<'_>) -> Option<u64> {
    let blocks = PACE_BLOCKS.min(state.number.checked_sub(1)?);
    let before = node.hash_at(state.number.checked_sub(blocks)?).await.ok()??;
    let now = |state: &mut Snapshot<'_>| state.number;
    let mut before = Snapshot::at(node, before).await.ok()?;
    let blocks = now(state).checked_sub(now(&mut before)).filter(|blocks| *blocks > 0)?;
    let read = |state: &super::snapshot::Known| basalt_pallet_timestamp::NOW.get_or_default(state);
    let (from, to) = (before.ask(read).await.ok()?, state.ask(read).await.ok()?);
    Some(to.checked_sub(from)? / u64::from(blocks))
}

/// What is about to be done.
pub(super) struct Plan {
    /// For people: what each call does.
    pub(super) steps: Vec<String>,
    /// All of them are done, or none.
    pub(super) calls: Vec<RuntimeCall>,
    /// What is taken from the free balance, beside fees.
    pub(super) bonded: Balance,
}

/// A transaction, and what became of it.
pub(super) struct Sent<'a> {
    chain: &'a Chain,
    sender: &'a SenderFlags,
    ready: Ready,
    pub(super) included: Option<Included>,
}

impl Plan {
    /// Shows what is about to happen, with its price, and does it.
    pub(super) async fn send<'a>(
        self,
        desk: &'a Desk<'_>,
        sender: &'a SenderFlags,
        pair: &Pair,
        staker: &Staker,
        remarks: &[String],
    ) -> Result<Sent<'a>, StakingError> {
        let Self { steps, calls, bonded } = self;
        let chain = &desk.chain;
        let ready = sender.send.sign(desk.node, chain, pair, &together(calls)).await?;
        let account = chain.address(&pair.account_id());
        sender.node.note(&format!(
            "For {account}, in one transaction (fee at most {}, nonce {}):",
            desk.show(ready.fee),
            ready.nonce
        ));
        for (step, place) in steps.iter().zip(1..) {
            sender.node.note(&format!("  {place}. {step}"));
        }
        for remark in remarks {
            sender.node.note(remark);
        }
        check_balance(desk, &account, staker, bonded, ready.fee)?;
        let included = sender.send.send(desk.node, &sender.node, chain, &ready.signed).await?;
        Ok(Sent { chain, sender, ready, included })
    }
}

/// Several calls as one that does all or nothing.
fn together(mut calls: Vec<RuntimeCall>) -> RuntimeCall {
    match (calls.len(), calls.pop()) {
        (1, Some(call)) => call,
        (_, last) => {
            calls.extend(last);
            RuntimeCall::Utility(utility::Call::batch_all { calls })
        }
    }
}

/// Refuses what the balance cannot bear. What is bonded leaves the free balance, of which the account keeps the least.
pub(super) fn check_balance(
    desk: &Desk<'_>,
    account: &str,
    staker: &Staker,
    bonded: Balance,
    fee: Balance,
) -> Result<(), StakingError> {
    let existential_deposit = BALANCES.existential_deposit;
    let spending = Spending { amount: bonded, fee, existential_deposit, allow_death: false };
    let Err(Shortfall::Sender { spendable, needed, .. }) = spending.check(&staker.info, &staker.info) else {
        return Ok(());
    };
    let remedy = match spendable.saturating_sub(fee) {
        0 => "give it more first".to_owned(),
        most if bonded == 0 => format!("give it {} more first", desk.show(needed.saturating_sub(most))),
        most => format!("bond at most {}", desk.show(most)),
    };
    Err(StakingError::NotEnough {
        account: account.to_owned(),
        spendable: desk.show(spendable),
        needed: desk.show(needed),
        amount: desk.show(bonded),
        fee: desk.show(fee),
        remedy,
    })
}

impl Sent<'_> {
    /// The result: `heading` and `lines` for people, `members` for scripts.
    pub(super) fn report(&self, heading: &str, lines: Vec<String>, members: Map<String, Value>) -> Report {
        let failure = self.failure();
        let text = if self.sender.node.json {
            let mut all = Map::new();
            all.insert("hash".to_owned(), json!(format!("{:#x}", self.ready.signed.hash)));
            all.insert("status".to_owned(), json!(self.sender.send.wait.state()));
            all.insert("nonce".to_owned(), json!(self.ready.nonce));
            all.extend(Included::json(self.included.as_ref()));
            all.extend(members);
            Some(Value::Object(all).to_string())
        } else {
            failure.is_none().then(|| self.text(heading, lines))
        };
        Report { text, failure }
    }

    fn text(&self, heading: &str, lines: Vec<String>) -> String {
        let hash = self.ready.signed.hash;
        let Some(included) = &self.included else {
            return format!("Sent {hash:#x}; see what becomes of it with `basalt tx status {hash:#x}`");
        };
        let mut all = vec![heading.to_owned()];
        all.extend(lines);
        let certainty = self.sender.send.wait.certainty();
        all.push(format!("Block:   #{} {:#x} ({certainty})", included.number, included.block));
        all.push(format!("Hash:    {hash:#x}"));
        match &included.outcome {
            Ok(Outcome { fee, .. }) => {
                all.push(format!("Fee:     {}", self.chain.token.show(fee.unwrap_or(0))));
            }
            Err(why) => all.push(format!("Outcome: not known: {why}")),
        }
        all.join("\n  ")
    }

    fn failure(&self) -> Option<StakingError> {
        let included = self.included.as_ref()?;
        let Ok(Outcome { error: Some(error), fee }) = &included.outcome else { return None };
        Some(StakingError::Failed {
            hash: self.ready.signed.hash,
            number: included.number,
            why: explain(error),
            fee: fee.map_or_else(String::new, |fee| format!("; it cost {}", self.chain.token.show(fee))),
        })
    }

    /// From when on it counts: for people, and the epoch with its first block for scripts.
    pub(super) fn counts_from(&self, desk: &Desk<'_>) -> (Option<String>, Value) {
        match (&self.included, desk.terms.fixed()) {
            (Some(included), None) => {
                let clock = Clock { head: included.number, ..desk.clock };
                let epoch = clock.active_from(clock.epoch_of(included.number));
                let json = json!({ "epoch": epoch, "block": clock.first_of(epoch) });
                (Some(clock.when(epoch)), json)
            }
            _ => (None, Value::Null),
        }
    }
}
