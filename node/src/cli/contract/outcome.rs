//! Send a call of the contracts pallet, and tell what it did.

use std::collections::{BTreeMap, BTreeSet};

use basalt_contracts_codec::Metadata;
use basalt_pallet_contracts as contracts;
use basalt_pallet_system::{self as system, EventRecord, Phase};
use basalt_primitives::{AccountId, Balance, Weight, keys::Pair};
use basalt_runtime::{RuntimeCall, RuntimeEvent};
use serde_json::{Map, Value, json};

use super::{
    error::ContractError, failure::explain, locate::known, node::contract as record, sender::SenderFlags,
};
use crate::cli::tx::{Chain, Included, Node, Outcome, Ready, decode_all};

/// What is about to be sent.
pub(super) struct Plan<'a> {
    /// For people: what it does.
    pub(super) what: &'a str,
    pub(super) call: RuntimeCall,
    pub(super) gas_limit: Option<Weight>,
    /// The most that storage may cost, of calls that store something.
    pub(super) deposit_limit: Option<Balance>,
}

/// A transaction, and what became of it.
pub(super) struct Sent<'a> {
    chain: &'a Chain,
    sender: &'a SenderFlags,
    ready: Ready,
    included: Option<Included>,
    effects: Option<Effects>,
    /// The metadata of contracts that emitted events, as far as it is known on this machine.
    known: BTreeMap<AccountId, Metadata>,
}

/// What a transaction did to contracts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Effects {
    /// Contracts that it created.
    pub(super) instantiated: Vec<AccountId>,
    /// Events of contracts.
    emitted: Vec<Emitted>,
    /// What the sender was charged for storage.
    charged: Balance,
    /// What the sender got back.
    returned: Balance,
    /// What it weighed.
    weight: Weight,
}

/// An event of a contract.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Emitted {
    contract: AccountId,
    topics: Vec<[u8; 32]>,
    data: Vec<u8>,
}

impl Plan<'_> {
    /// Signs and sends it, and waits for what the flags say.
    pub(super) async fn send<'a>(
        self,
        node: &Node,
        chain: &'a Chain,
        sender: &'a SenderFlags,
        pair: &Pair,
    ) -> Result<Sent<'a>, ContractError> {
        let ready = sender.send.sign(node, chain, pair, &self.call).await?;
        let gas = self.gas_limit.map(|gas| format!(", gas at most {}", gas_text(gas))).unwrap_or_default();
        let deposit = self.deposit_limit.map(|most| format!(", deposit at most {}", chain.token.show(most)));
        sender.node.note(&format!(
            "{}: fee at most {}{}{gas}, nonce {}",
            self.what,
            chain.token.show(ready.fee),
            deposit.unwrap_or_default(),
            ready.nonce
        ));
        let included = sender.send.send(node, &sender.node, chain, &ready.signed).await?;
        let effects = match &included {
            Some(included) if included.outcome.is_ok() => {
                let events: Vec<EventRecord<RuntimeEvent>> =
                    decode_all("the events of a block", &node.events(included.block).await?)?;
                Some(Effects::of(&events, included.index, &pair.account_id()))
            }
            _ => None,
        };
        let emitted = effects.iter().flat_map(|effects| &effects.emitted);
        let mut found = BTreeMap::new();
        for account in emitted.map(|event| event.contract).collect::<BTreeSet<_>>() {
            // It may have ended since. Then its events are shown as bytes, which is no reason to fail.
            let code = record(node, chain, &account).await.map(|info| info.code_hash);
            if let Some(code) = code.ok().and_then(known) {
                found.insert(account, code.metadata);
            }
        }
        Ok(Sent { chain, sender, ready, included, effects, known: found })
    }
}

impl Effects {
    pub(super) fn of(events: &[EventRecord<RuntimeEvent>], index: u32, sender: &AccountId) -> Self {
        use contracts::Event;
        let mut effects = Self::default();
        for record in events.iter().filter(|record| record.phase == Phase::ApplyExtrinsic(index)) {
            match &record.event {
                RuntimeEvent::System(
                    system::Event::ExtrinsicSuccess { dispatch_info }
                    | system::Event::ExtrinsicFailed { dispatch_info, .. },
                ) => effects.weight = dispatch_info.weight,
                RuntimeEvent::Contracts(Event::Instantiated { contract, .. }) => {
                    effects.instantiated.push(*contract);
                    // What keeps the account alive is part of the deposit in dry runs; no event of its own says so.
                    effects.charge(basalt_runtime::BALANCES.existential_deposit);
                }
                RuntimeEvent::Contracts(Event::ContractEmitted { contract, data }) => {
                    let topics = record.topics.iter().map(|topic| topic.0).collect();
                    effects.emitted.push(Emitted { contract: *contract, topics, data: data.clone() });
                }
                RuntimeEvent::Contracts(Event::CodeStored { deposit_held, uploader, .. })
                    if uploader == sender =>
                {
                    effects.charge(*deposit_held);
                }
                RuntimeEvent::Contracts(Event::StorageDepositTransferredAndHeld { from, amount, .. })
                    if from == sender =>
                {
                    effects.charge(*amount);
                }
                RuntimeEvent::Contracts(Event::StorageDepositTransferredAndReleased {
                    to, amount, ..
                }) if to == sender => effects.give_back(*amount),
                RuntimeEvent::Contracts(Event::CodeRemoved { deposit_released, remover, .. })
                    if remover == sender =>
                {
                    effects.give_back(*deposit_released);
                }
                _ => {}
            }
        }
        effects
    }

    fn charge(&mut self, amount: Balance) {
        self.charged = self.charged.saturating_add(amount);
    }

    fn give_back(&mut self, amount: Balance) {
        self.returned = self.returned.saturating_add(amount);
    }
}

impl Sent<'_> {
    /// The contract that was created last: the outermost, since inner ones are done first.
    pub(super) fn instantiated(&self) -> Option<AccountId> {
        self.effects.as_ref().and_then(|effects| effects.instantiated.last().copied())
    }

    /// Why it failed, if it did.
    pub(super) fn failure(&self) -> Option<ContractError> {
        let included = self.included.as_ref()?;
        let Ok(Outcome { error: Some(error), fee }) = &included.outcome else { return None };
        Some(ContractError::Failed {
            hash: self.ready.signed.hash,
            number: included.number,
            why: explain(error, ""),
            fee: fee.map_or_else(String::new, |fee| format!("; it cost {}", self.chain.token.show(fee))),
        })
    }

    /// Lines for people. `metadata` is that of `contract`.
    pub(super) fn lines(&self, contract: Option<&AccountId>, metadata: Option<&Metadata>) -> Vec<String> {
        let hash = self.ready.signed.hash;
        let Some(included) = &self.included else {
            return vec![format!(
                "Sent:     {hash:#x}; see what becomes of it with `basalt tx status {hash:#x}`"
            )];
        };
        let token = &self.chain.token;
        let mut lines = Vec::new();
        if let Some(effects) = &self.effects {
            let events: Vec<String> =
                effects.emitted.iter().map(|event| self.event_text(event, contract, metadata)).collect();
            let mut heading = "Events:  ";
            for event in events {
                lines.push(format!("{heading} {event}"));
                heading = "         ";
            }
        }
        let (number, block) = (included.number, included.block);
        lines.push(format!("Block:    #{number} {block:#x} ({})", self.sender.send.wait.certainty()));
        lines.push(format!("Hash:     {hash:#x}"));
        match &included.outcome {
            Ok(Outcome { fee, .. }) => lines.push(format!("Fee:      {}", token.show(fee.unwrap_or(0)))),
            Err(why) => lines.push(format!("Outcome:  not known: {why}")),
        }
        if let Some(Effects { charged, returned, weight, .. }) = &self.effects {
            lines.push(match (charged, returned) {
                (0, 0) => "Deposit:  none".to_owned(),
                (charged, 0) => format!("Deposit:  {}", token.show(*charged)),
                (0, returned) => format!("Deposit:  {} came back", token.show(*returned)),
                (charged, returned) => {
                    format!("Deposit:  {}, and {} came back", token.show(*charged), token.show(*returned))
                }
            });
            // All of the transaction, not only what the contract used.
            lines.push(format!("Weight:   {}", gas_text(*weight)));
        }
        lines
    }

    /// The members of a result in JSON. Amounts are text in the smallest unit.
    pub(super) fn json(
        &self,
        contract: Option<&AccountId>,
        metadata: Option<&Metadata>,
    ) -> Map<String, Value> {
        let mut members = Map::new();
        members.insert("hash".to_owned(), json!(format!("{:#x}", self.ready.signed.hash)));
        members.insert("status".to_owned(), json!(self.sender.send.wait.state()));
        members.insert("nonce".to_owned(), json!(self.ready.nonce));
        members.extend(Included::json(self.included.as_ref()));
        let effects = self.effects.as_ref();
        let events: Option<Vec<Value>> = effects.map(|effects| {
            effects.emitted.iter().map(|event| self.event_json(event, contract, metadata)).collect()
        });
        members.insert("events".to_owned(), json!(events));
        members.insert("deposit".to_owned(), json!(effects.map(|effects| effects.charged.to_string())));
        members
            .insert("depositReturned".to_owned(), json!(effects.map(|effects| effects.returned.to_string())));
        members.insert("weight".to_owned(), json!(effects.map(|effects| gas_json(effects.weight))));
        members
    }

    /// The metadata that reads an event: what was given for the called contract, and for others what is known.
    fn reader<'s>(
        &'s self,
        event: &Emitted,
        contract: Option<&AccountId>,
        metadata: Option<&'s Metadata>,
    ) -> Option<&'s Metadata> {
        metadata.filter(|_| contract == Some(&event.contract)).or_else(|| self.known.get(&event.contract))
    }

    fn event_text(
        &self,
        event: &Emitted,
        contract: Option<&AccountId>,
        metadata: Option<&Metadata>,
    ) -> String {
        let raw = || const_hex::encode_prefixed(&event.data);
        let text = match self.reader(event, contract, metadata) {
            None => raw(),
            Some(metadata) => match metadata.decode_event(&event.topics, &event.data) {
                Ok(read) => read.display(self.chain.ss58_prefix).to_string(),
                Err(why) => format!("{} ({why})", raw()),
            },
        };
        if contract == Some(&event.contract) {
            text
        } else {
            format!("{text} of {}", self.chain.address(&event.contract))
        }
    }

    fn event_json(
        &self,
        event: &Emitted,
        contract: Option<&AccountId>,
        metadata: Option<&Metadata>,
    ) -> Value {
        let metadata = self.reader(event, contract, metadata);
        let read = metadata.and_then(|metadata| metadata.decode_event(&event.topics, &event.data).ok());
        json!({
            "contract": self.chain.address(&event.contract),
            "name": read.as_ref().map(|read| &read.label),
            "fields": read.as_ref().map(|read| read.json(self.chain.ss58_prefix)),
            "data": const_hex::encode_prefixed(&event.data),
            "topics": event.topics.iter().map(const_hex::encode_prefixed).collect::<Vec<_>>(),
        })
    }
}

/// Time on the reference machine, and bytes of proof where they count.
pub(super) fn gas_text(gas: Weight) -> String {
    let micros = gas.ref_time / 1_000_000;
    match gas.proof_size {
        0 => format!("{micros} µs"),
        proof_size => format!("{micros} µs and {proof_size} bytes of proof"),
    }
}

/// Text, since JavaScript's numbers are too short.
pub(super) fn gas_json(gas: Weight) -> Value {
    json!({ "refTime": gas.ref_time.to_string(), "proofSize": gas.proof_size.to_string() })
}
