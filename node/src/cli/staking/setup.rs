//! `basalt validator setup`.

use std::path::PathBuf;

use basalt_keystore::{KeyType, Keystore};
use basalt_pallet_session::{self as session, SessionKeys};
use basalt_pallet_staking::{COUNTER_FOR_VALIDATORS, Call, types::ValidatorPrefs};
use basalt_primitives::{AccountId, Perbill};
use basalt_runtime::{BALANCES, RuntimeCall};
use clap::Args;
use parity_scale_codec::{Decode, Encode};
use serde_json::json;

use super::{
    Report,
    error::StakingError,
    read::{Role, Staker},
    send::{Desk, Plan, check_balance},
    stake::{Payee, amount, at_least, bonding, members},
    table::{parse_percent, percent},
};
use crate::cli::{
    key::open_keystore,
    tx::{Node, SenderFlags},
};

/// Flags of `validator setup`.
#[derive(Debug, Args)]
pub(crate) struct SetupArgs {
    /// How much to put at stake: an amount. If something is bonded already, this comes on top.
    #[arg(long, value_name = "AMOUNT", allow_hyphen_values = true)]
    bond: Option<String>,

    /// What to keep of the rewards before nominators get their part: a percentage [default: as before, or the least that
    /// the chain allows].
    #[arg(long, value_name = "PERCENT", allow_hyphen_values = true)]
    commission: Option<String>,

    /// Whether others may not nominate it [default: as before, or false].
    #[arg(long, value_name = "true|false", num_args = 0..=1, default_missing_value = "true")]
    blocked: Option<bool>,

    /// Where rewards go: `staked` (they are bonded), `stash` (to the account), `none`, or an address [default: staked, or
    /// as before].
    #[arg(long, value_name = "WHERE")]
    payee: Option<Payee>,

    /// Make new keys even if the registered ones are there.
    #[arg(long)]
    rotate: bool,

    /// Put the keys into this folder, instead of asking the node at --url to make them.
    #[arg(long, value_name = "FOLDER", conflicts_with_all = ["chain", "base_path"])]
    keystore_path: Option<PathBuf>,

    /// Put the keys into the keystore of a node of this chain on this machine: a preset, or a chain specification file.
    #[arg(long, value_name = "PRESET|FILE")]
    chain: Option<String>,

    /// Where that node keeps its data [default: $XDG_DATA_HOME/basalt or ~/.local/share/basalt].
    #[arg(short = 'd', long, value_name = "FOLDER", requires = "chain")]
    base_path: Option<PathBuf>,

    #[command(flatten)]
    sender: SenderFlags,
}

/// Where the keys are.
enum Place {
    /// At the node that is asked.
    Node,
    /// In this folder.
    Folder(Keystore),
}

/// Keys to sign blocks with.
struct Chosen {
    keys: SessionKeys,
    /// The proof to register them with; none if they are registered.
    proof: Option<Vec<u8>>,
}

impl SetupArgs {
    pub(super) async fn run(&self) -> Result<Report, StakingError> {
        let place = self.place()?;
        let node = Node::connect(&self.sender.node.url).await?;
        let mut desk = Desk::open(&node).await?;
        let pair = self.sender.pair(&node).await?;
        let who = pair.account_id();
        let account = desk.chain.address(&who);
        let staker = desk.staker(&who).await?;
        let prefs = self.prefs(&desk, &staker)?;
        let more = self.bond.as_ref().map(|text| amount(&desk, "--bond", text)).transpose()?;
        if staker.ledger.is_none() && more.is_none() {
            return Err(StakingError::NotBonded { account });
        }
        let value = more.unwrap_or(0);
        let stake = staker.active().saturating_add(value);
        let least = desk.terms.least_validator.max(BALANCES.existential_deposit);
        at_least(&desk, "a validator", least, &account, stake)?;
        // Before keys are made for nothing; the fee is checked later.
        check_balance(&desk, &account, &staker, value, 0)?;

        let payee = self.payee.map(|payee| payee.on(&desk.chain)).transpose()?;
        let (mut steps, mut calls) = bonding(&desk, &staker, value, payee);
        let chosen = self.keys(&place, &node, &who, staker.keys).await?;
        if let Some(proof) = chosen.proof {
            let [votes, randomness] = chosen.keys.raw().map(|(key, _)| const_hex::encode_prefixed(key));
            steps.push(format!(
                "register new keys, which are in {}: {votes} (votes), {randomness} (randomness)",
                self.name(&place)
            ));
            calls.push(RuntimeCall::Session(session::Call::set_keys { keys: chosen.keys, proof }));
        }
        if staker.role != Role::Validator(prefs) {
            let nominations = if prefs.blocked { "nobody may nominate it" } else { "others may nominate it" };
            steps.push(format!(
                "offer to validate for a commission of {}; {nominations}",
                percent(prefs.commission)
            ));
            calls.push(RuntimeCall::Staking(Call::validate { prefs }));
        }
        if calls.is_empty() {
            return Err(StakingError::NothingToDo { account });
        }
        let mut remarks = vec![desk.counts_from()];
        if desk.terms.fixed().is_none() {
            remarks.push(self.chances(&mut desk, &staker).await?);
        }
        if matches!(staker.role, Role::Nominator(_)) {
            remarks.push("Warning: this ends that the account nominates others".to_owned());
        }
        let plan = Plan { steps, calls, bonded: value };
        let sent = plan.send(&desk, &self.sender, &pair, &staker, &remarks).await?;
        let (from, counts_from) = sent.counts_from(&desk);
        let mut lines = vec![
            format!("Stake:   {}", desk.show(stake)),
            format!("Terms:   commission {}", percent(prefs.commission)),
            format!("Keys:    {}", const_hex::encode_prefixed(chosen.keys.encode())),
        ];
        lines.extend(from.map(|from| format!("Active:  from {from}, if elected")));
        lines.push(format!(
            "Next:    keep that node running with --validator; see how it goes with `basalt staking status {account}`"
        ));
        let members = members([
            ("account", json!(account)),
            ("active", json!(stake.to_string())),
            ("commission", json!(percent(prefs.commission))),
            ("blocked", json!(prefs.blocked)),
            ("keys", json!(const_hex::encode_prefixed(chosen.keys.encode()))),
            ("countsFrom", counts_from),
        ]);
        Ok(sent.report(&format!("{account} offers to validate"), lines, members))
    }

    fn place(&self) -> Result<Place, StakingError> {
        Ok(match (&self.keystore_path, &self.chain) {
            (Some(path), _) => Place::Folder(Keystore::open(path)?),
            (None, Some(chain)) => {
                let keystore =
                    open_keystore(chain, self.base_path.as_deref()).map_err(StakingError::Place)?;
                Place::Folder(keystore)
            }
            (None, None) => Place::Node,
        })
    }

    /// For people.
    fn name(&self, place: &Place) -> String {
        match place {
            Place::Node => format!("the keystore of the node at {}", self.sender.node.url),
            Place::Folder(keystore) => keystore.folder().display().to_string(),
        }
    }

    /// The terms, each as before unless a flag says otherwise.
    fn prefs(&self, desk: &Desk<'_>, staker: &Staker) -> Result<ValidatorPrefs, StakingError> {
        let before = match &staker.role {
            Role::Validator(prefs) => *prefs,
            Role::Nominator(_) | Role::Idle => {
                ValidatorPrefs { commission: desk.terms.least_commission, blocked: false }
            }
        };
        let commission = match &self.commission {
            None => before.commission,
            Some(text) => parse_percent(text).ok_or_else(|| StakingError::Commission(text.clone()))?,
        };
        let least: Perbill = desk.terms.least_commission;
        if commission < least {
            let (given, least) = (percent(commission), percent(least));
            return Err(StakingError::CommissionTooLow { given, least });
        }
        Ok(ValidatorPrefs { commission, blocked: self.blocked.unwrap_or(before.blocked) })
    }

    /// The registered keys if they are there, and new ones otherwise.
    async fn keys(
        &self,
        place: &Place,
        node: &Node,
        who: &AccountId,
        registered: Option<SessionKeys>,
    ) -> Result<Chosen, StakingError> {
        let registered = registered.filter(|_| !self.rotate);
        let no_keys = |why: String| StakingError::NoKeysOverRpc { url: self.sender.node.url.clone(), why };
        match place {
            Place::Folder(keystore) => {
                if let Some(keys) = registered
                    && keystore.has(KeyType::Vote, &keys.grandpa)?
                    && keystore.has(KeyType::Vrf, &keys.vrf)?
                {
                    return Ok(Chosen { keys, proof: None });
                }
                let keys = SessionKeys {
                    grandpa: keystore.generate(KeyType::Vote)?,
                    vrf: keystore.generate(KeyType::Vrf)?,
                };
                let proof = keystore.prove_possession(&keys.grandpa, &keys.vrf, who)?;
                Ok(Chosen { keys, proof: Some(proof) })
            }
            Place::Node => {
                if let Some(keys) = registered
                    && node
                        .has_session_keys(keys.encode())
                        .await
                        .map_err(|error| no_keys(error.to_string()))?
                {
                    return Ok(Chosen { keys, proof: None });
                }
                let (bytes, proof) =
                    node.rotate_keys(who).await.map_err(|error| no_keys(error.to_string()))?;
                let keys = SessionKeys::decode(&mut &bytes[..])
                    .map_err(|error| no_keys(format!("what it answered are no keys: {error}")))?;
                Ok(Chosen { keys, proof: Some(proof) })
            }
        }
    }

    /// How many want how many seats.
    async fn chances(&self, desk: &mut Desk<'_>, staker: &Staker) -> Result<String, StakingError> {
        let others = desk.state.ask(|state| COUNTER_FOR_VALIDATORS.get_or_default(state)).await?;
        let all = others.saturating_add(u32::from(!matches!(staker.role, Role::Validator(_))));
        let seats = desk.terms.seats;
        Ok(if all <= seats {
            format!("{all} of at most {seats} validators stand, this one included: all are elected")
        } else {
            format!(
                "{all} stand for {seats} seats, this one included: more stake behind it, own or nominated, makes it likelier"
            )
        })
    }
}
