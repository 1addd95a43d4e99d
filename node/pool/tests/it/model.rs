//! The pool against a naive one: a plain list that is searched and sorted anew for every question.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet, HashMap},
};

use basalt_pool::{Effects, Inserted, Limits, Pool, PoolErrorKind, TransactionStatus};
use basalt_primitives::{AccountId, H256, Nonce};
use proptest::prelude::*;

use crate::{candidate, toy::Order};

const SENDERS: u8 = 4;

#[derive(Debug, Clone)]
enum Step {
    /// A nonce relative to the sender's next one, less one.
    Insert { sender: u8, nonce: Nonce, priority: u64, payload: usize, longevity: Option<u64> },
    /// A block with the best so many.
    Block { transactions: usize },
    /// A block of others in which this sender used nonces.
    Elsewhere { sender: u8, nonces: Nonce },
    /// A reorganisation takes the sender's last nonce back.
    Back { sender: u8 },
    /// The block maker refused one.
    Remove { place: prop::sample::Index },
}

fn step() -> impl Strategy<Value = Step> {
    let sender = 1..=SENDERS;
    prop_oneof![
        12 => (sender.clone(), 0_u32..7, 0_u64..40, 0_usize..4, prop::option::weighted(0.2, 1_u64..5)).prop_map(
            |(sender, nonce, priority, payload, longevity)| Step::Insert {
                sender, nonce, priority, payload: payload * 100, longevity,
            }
        ),
        2 => (0_usize..4).prop_map(|transactions| Step::Block { transactions }),
        1 => (sender.clone(), 1_u32..3).prop_map(|(sender, nonces)| Step::Elsewhere { sender, nonces }),
        1 => sender.prop_map(|sender| Step::Back { sender }),
        1 => any::<prop::sample::Index>().prop_map(|place| Step::Remove { place }),
    ]
}

#[derive(Debug, Clone, PartialEq)]
struct Held {
    hash: H256,
    sender: u8,
    nonce: Nonce,
    priority: u64,
    bytes: u64,
    sequence: u64,
    valid_till: u64,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Outcome {
    Ready,
    Future,
    AlreadyImported,
    Banned,
    Stale,
    PriorityTooLow,
    Full,
}

struct Naive {
    limits: Limits,
    number: u32,
    held: Vec<Held>,
    nonces: BTreeMap<u8, Nonce>,
    bans: HashMap<H256, u32>,
    sequence: u64,
}

impl Naive {
    fn queue<'a>(&self, held: &'a [Held], sender: u8) -> Vec<&'a Held> {
        let mut queue: Vec<_> = held.iter().filter(|held| held.sender == sender).collect();
        queue.sort_by_key(|held| held.nonce);
        queue
    }

    fn ready_of(&self, held: &[Held], sender: u8) -> Vec<Held> {
        let first = self.nonces[&sender];
        self.queue(held, sender)
            .into_iter()
            .zip(first..)
            .take_while(|(held, nonce)| held.nonce == *nonce)
            .map(|(held, _)| held.clone())
            .collect()
    }

    fn ready(&self) -> Vec<Held> {
        let mut queues: Vec<Vec<Held>> =
            (1..=SENDERS).map(|sender| self.ready_of(&self.held, sender)).collect();
        let mut ready = Vec::new();
        while let Some(queue) = queues
            .iter_mut()
            .filter(|queue| !queue.is_empty())
            .min_by_key(|queue| (Reverse(queue[0].priority), queue[0].sequence))
        {
            ready.push(queue.remove(0));
        }
        ready
    }

    fn is_ready(&self, held: &[Held], one: &Held) -> bool {
        self.ready_of(held, one.sender).contains(one)
    }

    fn victim(&self, held: &[Held], sender: u8) -> Option<Held> {
        let own = self.queue(held, sender);
        let bytes: u64 = own.iter().map(|held| held.bytes).sum();
        if own.len() > self.limits.sender_transactions_max || bytes > self.limits.sender_bytes_max {
            return own.last().map(|held| (*held).clone());
        }
        let bytes: u64 = held.iter().map(|held| held.bytes).sum();
        if held.len() <= self.limits.transactions_max && bytes <= self.limits.bytes_max {
            return None;
        }
        (1..=SENDERS)
            .filter_map(|sender| {
                let queue = self.queue(held, sender);
                let last = (*queue.last()?).clone();
                let floor = queue.iter().map(|held| held.priority).min()?;
                Some(((self.is_ready(held, &last), floor, Reverse(last.sequence)), last))
            })
            .min_by_key(|(key, _)| *key)
            .map(|(_, last)| last)
    }

    fn insert(&mut self, mut new: Held) -> Outcome {
        if self.held.iter().any(|held| held.hash == new.hash) {
            return Outcome::AlreadyImported;
        }
        if self.bans.contains_key(&new.hash) {
            return Outcome::Banned;
        }
        if new.nonce < self.nonces[&new.sender] {
            return Outcome::Stale;
        }
        let mut held = self.held.clone();
        let same = held.iter().position(|held| held.sender == new.sender && held.nonce == new.nonce);
        if let Some(same) = same {
            let old = held.remove(same);
            if new.priority * 10 < old.priority * 11 || new.priority <= old.priority {
                return Outcome::PriorityTooLow;
            }
        }
        self.sequence += 1;
        new.sequence = self.sequence;
        held.push(new.clone());
        let mut victims = 0;
        while let Some(victim) = self.victim(&held, new.sender) {
            if victim == new || victims == self.limits.evictions_max {
                return Outcome::Full;
            }
            held.retain(|held| *held != victim);
            victims += 1;
        }
        self.held = held;
        if self.is_ready(&self.held, &new) { Outcome::Ready } else { Outcome::Future }
    }

    fn remove_invalid(&mut self, bad: impl Fn(&Held) -> bool) {
        let until = self.number + self.limits.ban_blocks;
        for held in self.held.iter().filter(|held| bad(held)) {
            self.bans.insert(held.hash, until);
        }
        self.held.retain(|held| !bad(held));
    }

    fn block(&mut self, included: &[Held]) {
        self.number += 1;
        let number = self.number;
        self.bans.retain(|_, until| *until >= number);
        for one in included {
            self.bans.insert(one.hash, number + self.limits.ban_blocks);
            self.held.retain(|held| held.hash != one.hash);
            let next = self.nonces.entry(one.sender).or_default();
            *next = (*next).max(one.nonce + 1);
        }
        self.remove_invalid(|held| held.valid_till <= u64::from(number));
    }
}

fn outcome(result: Result<Inserted, basalt_pool::PoolError>) -> Outcome {
    match result {
        Ok(Inserted::Ready) => Outcome::Ready,
        Ok(Inserted::Future) => Outcome::Future,
        Err(error) => match error.kind {
            PoolErrorKind::AlreadyImported => Outcome::AlreadyImported,
            PoolErrorKind::Banned => Outcome::Banned,
            PoolErrorKind::Refused(_) => Outcome::Stale,
            PoolErrorKind::PriorityTooLow { .. } => Outcome::PriorityTooLow,
            PoolErrorKind::Full(_) => Outcome::Full,
            other => panic!("the pure pool never says {other}"),
        },
    }
}

fn account(sender: u8) -> AccountId {
    AccountId::from([sender; 32])
}

fn run(steps: Vec<Step>) -> Result<(), TestCaseError> {
    let limits = Limits { bans_max: 10_000, ..Limits::tiny() };
    let mut pool = Pool::new(limits.clone(), 0);
    let mut naive = Naive {
        limits: limits.clone(),
        number: 0,
        held: Vec::new(),
        nonces: (1..=SENDERS).map(|sender| (sender, 2)).collect(),
        bans: HashMap::new(),
        sequence: 0,
    };
    // What the effects so far say about each transaction.
    let mut told: HashMap<H256, TransactionStatus> = HashMap::new();

    for step in steps {
        let mut effects = Effects::new();
        match step.clone() {
            Step::Insert { sender, nonce, priority, payload, longevity } => {
                let nonce_in_state = naive.nonces[&sender];
                let order = Order {
                    nonce: nonce_in_state + nonce - 1,
                    tip: priority,
                    longevity: longevity.unwrap_or(u64::MAX),
                    payload: vec![0; payload],
                };
                let held = Held {
                    hash: H256::zero(),
                    sender,
                    nonce: order.nonce,
                    priority,
                    bytes: 0,
                    sequence: 0,
                    valid_till: u64::from(naive.number).saturating_add(order.longevity),
                };
                let candidate = candidate(sender, order, nonce_in_state);
                let transaction = &candidate.verified;
                let held =
                    Held { hash: transaction.hash, bytes: u64::from(transaction.encoded_len()), ..held };
                let expected = naive.insert(held);
                prop_assert_eq!(outcome(pool.insert(candidate, &mut effects)), expected);
            }
            Step::Block { transactions } => {
                let included: Vec<_> = naive.ready().into_iter().take(transactions).collect();
                let block = H256::repeat_byte(9);
                let hashes: Vec<_> = included.iter().map(|held| held.hash).collect();
                naive.block(&included);
                let touched = pool.on_block(naive.number, &[(block, hashes)], &mut effects);
                let senders: BTreeSet<_> = included.iter().map(|held| account(held.sender)).collect();
                prop_assert_eq!(touched, senders);
            }
            Step::Elsewhere { sender, nonces } => {
                let next = naive.nonces[&sender] + nonces;
                naive.nonces.insert(sender, next);
                naive.remove_invalid(|held| held.sender == sender && held.nonce < next);
                pool.set_nonce(&account(sender), next, &mut effects);
            }
            Step::Back { sender } => {
                let next = naive.nonces[&sender].saturating_sub(1).max(1);
                naive.nonces.insert(sender, next);
                pool.on_retracted(&naive.bans.drain().map(|(hash, _)| hash).collect::<Vec<_>>());
                pool.set_nonce(&account(sender), next, &mut effects);
            }
            Step::Remove { place } => {
                if !naive.held.is_empty() {
                    let hash = place.get(&naive.held).hash;
                    naive.remove_invalid(|held| held.hash == hash);
                    pool.remove_invalid(&[hash], &mut effects);
                }
            }
        }
        told.extend(effects);

        // The same transactions are offered in the same order.
        let expected: Vec<_> = naive.ready().iter().map(|held| held.hash).collect();
        let offered: Vec<_> = pool.ready().map(|verified| verified.hash).collect();
        prop_assert_eq!(&offered, &expected, "after {:?}", step);
        // Nothing is lost or doubled, and all counts are right.
        let status = pool.status();
        prop_assert_eq!(status.ready, expected.len());
        prop_assert_eq!(status.ready + status.future, naive.held.len());
        prop_assert_eq!(status.bytes, naive.held.iter().map(|held| held.bytes).sum::<u64>());
        for held in &naive.held {
            prop_assert!(pool.contains(&held.hash));
        }
        // The limits hold.
        prop_assert!(naive.held.len() <= limits.transactions_max && status.bytes <= limits.bytes_max);
        for sender in 1..=SENDERS {
            let queue = naive.queue(&naive.held, sender);
            prop_assert!(queue.len() <= limits.sender_transactions_max);
            prop_assert!(queue.iter().map(|held| held.bytes).sum::<u64>() <= limits.sender_bytes_max);
            if !queue.is_empty() {
                let ready = naive.ready_of(&naive.held, sender).len();
                let next = naive.nonces[&sender] + u32::try_from(ready).expect("there are few");
                prop_assert_eq!(pool.next_nonce(&account(sender)), Some(next));
            }
        }
        // Whoever only listens to the effects knows the same.
        let ready: BTreeSet<_> = expected.into_iter().collect();
        let heard: BTreeSet<_> = told
            .iter()
            .filter(|(_, status)| **status == TransactionStatus::Ready)
            .map(|(hash, _)| *hash)
            .collect();
        prop_assert_eq!(heard, ready);
        let waiting = told.values().filter(|status| **status == TransactionStatus::Future).count();
        prop_assert_eq!(waiting, status.future);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn the_pool_does_what_a_naive_pool_does(steps in prop::collection::vec(step(), 1..60)) {
        run(steps)?;
    }
}
