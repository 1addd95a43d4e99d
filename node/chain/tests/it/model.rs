//! Random trees of blocks, random finality and restarts, against whole states in memory.

use std::collections::HashMap;

use basalt_chain::{BlockId, Chain, ChainError, ChainEvent, ForkChoice, ImportOptions};
use basalt_db::Pruning;
use basalt_executor::Executor;
use basalt_primitives::{H256, Header};
use basalt_runtime_api::BlockEnv;
use basalt_state::{Memory, StateRead};
use basalt_tree::{Tree, key_hash, value_hash};
use proptest::{collection::vec, prelude::*};
use tokio::sync::broadcast::Receiver;

use crate::{
    kit::{Kit, author, build, genesis},
    toy::{ALICE, Call, Toy, nonce_key, signed, verified},
};

const KEEP: u32 = 3;

#[derive(Debug, Clone)]
enum Op {
    /// A block on one of those that may have children.
    Extend {
        parent: prop::sample::Index,
        calls: Vec<Call>,
        choice: ForkChoice,
        import: Import,
    },
    /// One of the unfinalised blocks becomes final.
    Finalize {
        block: prop::sample::Index,
    },
    /// A block is imported and final at once.
    Decide {
        parent: prop::sample::Index,
        calls: Vec<Call>,
    },
    Restart,
}

#[derive(Debug, Clone, Copy)]
enum Import {
    /// As built here.
    Built,
    /// As if it came from somebody else.
    Foreign,
}

fn call() -> impl Strategy<Value = Call> {
    let key = (0u8..8).prop_map(|key| vec![b'k', key]);
    let sum = (0u8..3).prop_map(|key| vec![b's', key]);
    prop_oneof![
        4 => (key.clone(), vec(any::<u8>(), 0..3)).prop_map(|(key, value)| Call::Put(key, value)),
        2 => key.prop_map(Call::Remove),
        2 => (sum, 0i128..1000).prop_map(|(key, delta)| Call::Add(key, delta)),
        1 => Just(Call::Fail),
    ]
}

fn op() -> impl Strategy<Value = Op> {
    let choice = prop_oneof![
        4 => Just(ForkChoice::Longest),
        1 => Just(ForkChoice::Best),
        1 => Just(ForkChoice::Keep)
    ];
    let import = prop_oneof![Just(Import::Built), Just(Import::Foreign)];
    prop_oneof![
        12 => (any::<prop::sample::Index>(), vec(call(), 0..5), choice, import)
            .prop_map(|(parent, calls, choice, import)| Op::Extend { parent, calls, choice, import }),
        2 => any::<prop::sample::Index>().prop_map(|block| Op::Finalize { block }),
        2 => (any::<prop::sample::Index>(), vec(call(), 0..5))
            .prop_map(|(parent, calls)| Op::Decide { parent, calls }),
        1 => Just(Op::Restart),
    ]
}

/// What is known of one block, whole.
struct Block {
    id: BlockId,
    parent: H256,
    state: Memory,
    header: Header,
}

struct Model {
    blocks: HashMap<H256, Block>,
    /// Alive and not final, in the order in which they came.
    pending: Vec<H256>,
    /// From genesis up.
    finalized: Vec<BlockId>,
    best: BlockId,
    lost: Vec<H256>,
}

impl Model {
    fn new(chain: &Chain) -> Self {
        let id = genesis(chain);
        let header = chain.header(&id.hash).unwrap().unwrap();
        let state = Memory([(b"genesis".to_vec(), crate::kit::GENESIS.to_vec())].into());
        let block = Block { id, parent: H256::zero(), state, header };
        Self {
            blocks: [(id.hash, block)].into(),
            pending: Vec::new(),
            finalized: vec![id],
            best: id,
            lost: Vec::new(),
        }
    }

    fn last_final(&self) -> BlockId {
        *self.finalized.last().unwrap()
    }

    /// From the finalised block, without it, up to this one.
    fn path(&self, hash: &H256) -> Vec<BlockId> {
        let mut path = Vec::new();
        let mut at = *hash;
        while at != self.last_final().hash {
            path.insert(0, self.blocks[&at].id);
            at = self.blocks[&at].parent;
        }
        path
    }

    /// Blocks that may have children, but no longer branches than four.
    fn parent(&self, index: &prop::sample::Index) -> H256 {
        let mut parents = vec![self.last_final().hash];
        parents.extend(self.pending.iter().filter(|hash| self.path(hash).len() < 4));
        *index.get(&parents)
    }

    fn finalize(&mut self, hash: &H256) {
        let path = self.path(hash);
        let keeps = |model: &Self, other: &H256| model.path(other).starts_with(&path);
        if !keeps(self, &self.best.hash.clone()) {
            // The highest above, of several the first; the block itself if there is none.
            let mut above: Vec<BlockId> = Vec::new();
            for other in &self.pending {
                if keeps(self, other) {
                    above.push(self.blocks[other].id);
                }
            }
            let height = above.iter().map(|id| id.number).max().unwrap();
            self.best = *above.iter().find(|id| id.number == height).unwrap();
        }
        let (kept, gone): (Vec<H256>, Vec<H256>) =
            self.pending.iter().partition(|other| *other != hash && keeps(self, other));
        let path_hashes: Vec<H256> = path.iter().map(|id| id.hash).collect();
        self.lost.extend(gone.iter().filter(|other| !path_hashes.contains(other)));
        self.pending = kept;
        self.finalized.extend(path);
    }

    /// Everything that can be asked of the chain.
    fn check(&self, chain: &Chain) {
        assert_eq!(chain.best(), self.best);
        assert_eq!(chain.finalized(), self.last_final());
        let mut canonical = self.finalized.clone();
        canonical.extend(self.path(&self.best.hash));
        for (number, id) in (0..).zip(&canonical) {
            assert_eq!(chain.hash_at(number).unwrap(), Some(id.hash));
        }
        assert_eq!(chain.hash_at(self.best.number + 1).unwrap(), None);

        for hash in self.pending.iter().chain(self.finalized.iter().map(|id| &id.hash)) {
            let block = &self.blocks[hash];
            assert_eq!(chain.header(hash).unwrap().as_ref(), Some(&block.header));
            assert!(chain.body(hash).unwrap().is_some());
            if block.id.number + KEEP < self.last_final().number {
                assert!(matches!(chain.state_at(hash), Err(ChainError::Pruned(pruned)) if pruned == *hash));
                continue;
            }
            self.check_state(chain, block);
        }
        for hash in &self.lost {
            assert!(matches!(chain.state_at(hash), Err(ChainError::UnknownBlock(_))));
            assert_eq!(chain.header(hash).unwrap(), None);
            assert_eq!(chain.body(hash).unwrap(), None);
        }
    }

    fn check_state(&self, chain: &Chain, block: &Block) {
        let view = chain.state_at(&block.id.hash).unwrap();
        assert_eq!(view.block(), block.id);
        let mut read = Memory::default();
        let mut at = Vec::new();
        while let Some(key) = view.next_key(&at).unwrap() {
            read.0.insert(key.clone(), view.get(&key).unwrap().expect("listed keys have values"));
            at = key;
        }
        assert_eq!(read, block.state, "the state after {:?}", block.id);

        let mut keys: Vec<Vec<u8>> = block.state.0.keys().cloned().collect();
        keys.push(b"nothing here".to_vec());
        for (key, value, proof) in chain.prove(&block.id.hash, &keys).unwrap() {
            assert_eq!(value.as_ref(), block.state.0.get(&key));
            proof.verify(&block.header.state_root.0, &key, value.as_deref()).unwrap();
        }
    }
}

/// Follows the chain by its events alone.
struct Follower {
    events: Receiver<ChainEvent>,
    /// The head's branch, from genesis.
    branch: Vec<BlockId>,
    finalized: usize,
}

impl Follower {
    fn new(chain: &Chain, model: &Model) -> Self {
        let mut branch = model.finalized.clone();
        branch.extend(model.path(&model.best.hash));
        Self { events: chain.subscribe(), branch, finalized: model.finalized.len() }
    }

    fn follow(&mut self, model: &Model) {
        while let Ok(event) = self.events.try_recv() {
            match event {
                ChainEvent::Imported { id, parent } => assert_eq!(model.blocks[&id.hash].parent, parent),
                ChainEvent::NewBest { id, retracted, enacted } => {
                    let common = self.branch.len() - retracted.len();
                    assert!(common >= self.finalized, "what is final stays");
                    assert_eq!(self.branch[common..], retracted[..]);
                    self.branch.truncate(common);
                    self.branch.extend(enacted.iter());
                    assert_eq!(self.branch.last(), Some(&id));
                }
                ChainEvent::Finalized { ids, dropped } => {
                    let end = self.finalized + ids.len();
                    assert_eq!(self.branch[self.finalized..end], ids[..]);
                    self.finalized = end;
                    assert!(dropped.iter().all(|hash| model.lost.contains(hash)));
                }
            }
        }
        let mut expected = model.finalized.clone();
        expected.extend(model.path(&model.best.hash));
        assert_eq!(self.branch, expected);
        assert_eq!(self.finalized, model.finalized.len());
    }
}

/// Adds a block to both.
fn extend(
    kit: &Kit,
    model: &mut Model,
    parent: H256,
    calls: &[Call],
    options: &ImportOptions,
    import: Import,
) {
    let below = &model.blocks[&parent];
    let nonce = below.state.0.get(&nonce_key(&ALICE.account_id()));
    let nonce = nonce.map_or(0, |bytes| u32::from_le_bytes(bytes[..].try_into().unwrap()));
    let transactions = (nonce..).zip(calls).map(|(nonce, call)| signed(nonce, call.clone())).collect();
    let built = build(&kit.chain, &parent, transactions).unwrap();
    let block = built.block().clone();
    let id = built.id();

    let imported = match import {
        Import::Built => kit.chain.import_built(built, options.clone()).unwrap(),
        Import::Foreign => kit.chain.import(block.clone(), options.clone()).unwrap(),
    };
    assert_eq!(imported.id, id);
    assert_eq!(imported.known, model.blocks.contains_key(&id.hash));
    if imported.known {
        if options.fork_choice == ForkChoice::Best {
            model.best = id;
        }
    } else {
        let mut state = below.state.clone();
        let env = BlockEnv::of(&block.header, Some(author()));
        let body: Vec<_> = block.extrinsics.iter().map(|bytes| verified(bytes.0.clone())).collect();
        let (executed, _) = Executor::default().execute(&Toy, &below.state, &env, &body).unwrap();
        state.apply(&executed.changes);
        let leaves = state.0.iter().map(|(key, value)| (key_hash(key), value_hash(value)));
        assert_eq!(block.header.state_root.0, Tree::build(leaves).root());
        model.blocks.insert(id.hash, Block { id, parent, state, header: block.header });
        model.pending.push(id.hash);
        let wins = match options.fork_choice {
            ForkChoice::Longest => id.number > model.best.number,
            ForkChoice::Best => true,
            ForkChoice::Keep => false,
        };
        if wins {
            model.best = id;
        }
    }
    if options.finalize {
        model.finalize(&id.hash);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..Default::default() })]

    #[test]
    fn any_tree_of_blocks_reads_like_the_states_it_was_made_of(ops in vec(op(), 1..40)) {
        let mut kit = Kit::keeping(Pruning::Keep(KEEP));
        let mut model = Model::new(&kit.chain);
        let mut follower = Follower::new(&kit.chain, &model);
        for op in ops {
            match op {
                Op::Extend { parent, calls, choice, import } => {
                    let parent = model.parent(&parent);
                    let options = ImportOptions {
                        author: Some(author()),
                        fork_choice: choice,
                        ..Default::default()
                    };
                    extend(&kit, &mut model, parent, &calls, &options, import);
                }
                Op::Decide { parent, calls } => {
                    let parent = model.parent(&parent);
                    let options = ImportOptions { finalize: true, ..Default::default() };
                    extend(&kit, &mut model, parent, &calls, &options, Import::Built);
                }
                Op::Finalize { block } => {
                    let hash = if model.pending.is_empty() {
                        model.last_final().hash
                    } else {
                        *block.get(&model.pending)
                    };
                    if model.pending.contains(&hash) {
                        model.finalize(&hash);
                    }
                    kit.chain.finalize(&hash, None).unwrap();
                }
                Op::Restart => {
                    kit = kit.reopen();
                    follower.events = kit.chain.subscribe();
                    // Which of two siblings came first is not written down: both orders are right afterwards.
                    model.pending.sort_by_key(|hash| (model.blocks[hash].id.number, *hash));
                }
            }
            follower.follow(&model);
            model.check(&kit.chain);
        }
    }
}
