//! From transactions to a finished block, and from a finished block to what it does. Neither writes anything.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use basalt_executor::Report;
use basalt_primitives::{
    AccountId, Block, BlockNumber, Digest, DigestItem, DispatchClass, H256, Header, Moment, OpaqueExtrinsic,
    TransactionValidityError, hashing::blake2_256,
};
use basalt_runtime_api::{BlockEnv, InherentData, Runtime, Transaction, ValidateError, Verified};
use basalt_tree::{TreeDiff, ordered_root};
use parity_scale_codec::{DecodeAll, Encode};

use crate::{
    BlockId, Chain, ChainError, ImportError, StageTimes,
    error::executed,
    layer::Layer,
    limits::{BLOCK_BYTES_MAX, DIGEST_BYTES_MAX},
    view::StateView,
};

/// What a block without a known time is checked against: far beyond any clock, and far from overflowing when a
/// tolerance is added.
const NO_TIME: InherentData = InherentData::at(Moment::MAX / 2);

/// What an engine wants in a new block.
pub struct BuildRequest<'a> {
    /// The block to build on: the finalised one or one above it.
    pub parent: H256,
    /// `PreRuntime` items of the engine.
    pub digest: Digest,
    /// Who earns the author's share of fees.
    pub author: Option<AccountId>,
    /// What inherents are made of.
    pub inherents: InherentData,
    /// Transactions, the best first; those of one sender in the order of their nonces.
    pub candidates: &'a mut dyn Iterator<Item = Verified>,
    /// When to stop taking candidates. It decides only where this builder cuts, never what a block does.
    pub deadline: Option<Instant>,
}

/// A block that was executed here, with all that it does: made by [`Chain::build`] or [`Chain::execute`], and kept by
/// [`Chain::import_built`] without a second execution.
#[derive(Debug)]
pub struct BuiltBlock {
    pub(crate) id: BlockId,
    pub(crate) block: Arc<Block>,
    /// Of its extrinsics.
    pub(crate) hashes: Arc<[H256]>,
    pub(crate) changes: Arc<Layer>,
    pub(crate) diff: TreeDiff,
    pub(crate) refused: Vec<(H256, TransactionValidityError)>,
    pub(crate) run: Run,
    inherents: usize,
    full: bool,
}

/// How a block was run, so far.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) execution: Report,
    pub(crate) times: StageTimes,
    pub(crate) built_here: bool,
}

impl BuiltBlock {
    /// Which block it is.
    pub fn id(&self) -> BlockId {
        self.id
    }

    /// Header and body.
    pub fn block(&self) -> &Block {
        &self.block
    }

    /// How many transactions it holds besides inherents.
    pub fn transactions(&self) -> usize {
        self.block.extrinsics.len() - self.inherents
    }

    /// Candidates that were invalid on top of what came before them, with the reason.
    pub fn refused(&self) -> &[(H256, TransactionValidityError)] {
        &self.refused
    }

    /// Whether candidates were left out since the block was full, or its time was over.
    pub fn is_full(&self) -> bool {
        self.full
    }
}

/// A block that somebody made, read.
pub(crate) struct Offered {
    pub(crate) id: BlockId,
    pub(crate) block: Block,
    sizes: Result<(), ImportError>,
    content: Result<Content, ImportError>,
    /// All its transactions, if their signatures are found good already.
    pub(crate) verified: Option<Vec<Verified>>,
    /// How long that took.
    pub(crate) verify: Duration,
}

/// What a body holds.
struct Content {
    transactions: Vec<Arc<Transaction>>,
    inherents: usize,
}

/// What a block stands on.
pub(crate) struct Parent {
    pub(crate) number: BlockNumber,
    pub(crate) state: StateView,
}

/// A block that was executed, and whose root was not compared yet.
pub(crate) struct Ran {
    pub(crate) id: BlockId,
    pub(crate) block: Block,
    pub(crate) hashes: Arc<[H256]>,
    pub(crate) changes: Arc<Layer>,
    pub(crate) run: Run,
    inherents: usize,
}

impl Offered {
    /// Its transactions, if nothing is wrong with them so far.
    pub(crate) fn transactions(&self) -> Option<&[Arc<Transaction>]> {
        self.content.as_ref().ok().map(|content| &content.transactions[..])
    }
}

/// How to import a block.
#[derive(Debug, Clone, Default)]
pub struct ImportOptions {
    /// Who made it, as the engine reads the header. Ignored for blocks that are executed already.
    pub author: Option<AccountId>,
    /// Whether it may become the head.
    pub fork_choice: ForkChoice,
    /// Whether it, and with it all below it, becomes final in the same commit.
    pub finalize: bool,
    /// What proves its finality to others.
    pub justification: Option<basalt_db::Justification>,
    /// This node's time, for blocks that claim to be new. Ignored for blocks that are executed already.
    pub now: Option<InherentData>,
}

/// Whether a block becomes the head.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ForkChoice {
    /// If it is higher than the head; of two at one height the first stays.
    #[default]
    Longest,
    /// Yes: the engine has decided.
    Best,
    /// No, unless it becomes final.
    Keep,
}

/// Reads a block that somebody sent. Its length is checked before anything is decoded.
///
/// # Errors
///
/// [`ImportError::TooLarge`], [`ImportError::Undecodable`].
pub fn decode_block(bytes: &[u8]) -> Result<Block, ImportError> {
    if bytes.len() > BLOCK_BYTES_MAX {
        return Err(ImportError::TooLarge { bytes: bytes.len() });
    }
    Block::decode_all(&mut &bytes[..]).map_err(|error| ImportError::Undecodable(error.to_string()))
}

/// The commitment to a body: every extrinsic with its length before it, in order.
pub fn extrinsics_root(body: &[OpaqueExtrinsic]) -> H256 {
    let encoded: Vec<Vec<u8>> = body.iter().map(Encode::encode).collect();
    H256(ordered_root(encoded.iter().map(Vec::as_slice)))
}

impl Chain {
    /// Makes a block, without importing it.
    ///
    /// # Errors
    ///
    /// [`ChainError::UnknownBlock`] if the parent is neither the finalised block nor above it; else what execution
    /// fails with.
    pub fn build(&self, request: BuildRequest<'_>) -> Result<BuiltBlock, ChainError> {
        let BuildRequest { parent, digest, author, inherents, candidates, deadline } = request;
        if !digest.logs.iter().all(|item| matches!(item, DigestItem::PreRuntime(..))) {
            return Err(ChainError::BadRequest(
                "before execution a digest holds PreRuntime items only".into(),
            ));
        }
        let (header, state) = self.parent(&parent)?.ok_or(ChainError::UnknownBlock(parent))?;
        let number = header.number.checked_add(1).ok_or_else(|| {
            ChainError::BadRequest("the chain has as many blocks as there are numbers".into())
        })?;
        let env = BlockEnv { number, parent_hash: parent, digest, author };
        let inherents = self.inherents(&inherents)?;
        // What others would refuse must not leave this node.
        self.runtime
            .check_inherents_on(&inherents, &state)
            .map_err(ChainError::State)?
            .map_err(|error| ChainError::BadRequest(error.to_string()))?;
        let inherent_count = inherents.len();
        let stop = || deadline.is_some_and(|deadline| Instant::now() >= deadline);
        let mut clock = Stopwatch::start();
        let mut times = StageTimes::default();
        let built = self
            .executor
            .build(self.runtime.as_ref(), &state, &env, inherents, candidates, &stop)
            .map_err(|error| match executed(error) {
                ChainError::Import(error) => ChainError::BadRequest(format!("its inherents fail: {error}")),
                other => other,
            })?;
        times.execute = clock.lap();

        let extrinsics: Vec<OpaqueExtrinsic> =
            built.included.iter().map(|transaction| OpaqueExtrinsic(transaction.bytes.clone())).collect();
        let diff = self.diff(&parent, &built.executed.changes)?;
        let mut digest = env.digest;
        digest.logs.extend(built.executed.digest.logs);
        let header = Header {
            parent_hash: parent,
            number,
            state_root: H256(diff.root()),
            extrinsics_root: extrinsics_root(&extrinsics),
            digest,
        };
        let block = Block { header, extrinsics };
        // What others would refuse unread must not leave this node.
        check_sizes(&block).map_err(|error| ChainError::BadRequest(error.to_string()))?;
        let id = BlockId { hash: block.hash(), number };
        times.root = clock.lap();
        Ok(BuiltBlock {
            id,
            block: Arc::new(block),
            hashes: built.included.iter().map(|transaction| transaction.hash).collect(),
            changes: Arc::new(built.executed.changes.into()),
            diff,
            refused: built.refused,
            run: Run { execution: built.report, times, built_here: true },
            inherents: inherent_count,
            full: built.full,
        })
    }

    /// Checks and executes a block that somebody made, without importing it. Several at one height, or on several
    /// branches, may be executed at the same time.
    ///
    /// # Errors
    ///
    /// [`ChainError::Import`] says what is wrong with the block; everything else is this node's own trouble.
    pub fn execute(
        &self,
        block: Block,
        author: Option<AccountId>,
        now: Option<InherentData>,
    ) -> Result<BuiltBlock, ChainError> {
        let offered = self.read(block);
        let parent = self.stands_on(&offered)?;
        let ran = self.run(offered, parent, author, now)?;
        self.rooted(ran)
    }

    /// All that can be said of a block without its parent. What is wrong with it is kept: another fault comes first.
    pub(crate) fn read(&self, block: Block) -> Offered {
        let mut clock = Stopwatch::start();
        let id = BlockId { hash: block.hash(), number: block.header.number };
        let sizes = check_sizes(&block);
        let content = match &sizes {
            Ok(()) => content(self.runtime.as_ref(), &block),
            // Too long to look into.
            Err(error) => Err(error.clone()),
        };
        Offered { id, block, sizes, content, verified: None, verify: clock.lap() }
    }

    /// The block's parent and the state after it.
    pub(crate) fn stands_on(&self, offered: &Offered) -> Result<Parent, ChainError> {
        offered.sizes.clone()?;
        let header = &offered.block.header;
        match self.parent(&header.parent_hash)? {
            Some((parent, state)) => Ok(Parent { number: parent.number, state }),
            None => Err(self.no_parent(header)?),
        }
    }

    /// Checks all of a block but its state root, and executes it.
    pub(crate) fn run(
        &self,
        offered: Offered,
        parent: Parent,
        author: Option<AccountId>,
        now: Option<InherentData>,
    ) -> Result<Ran, ChainError> {
        let mut clock = Stopwatch::start();
        let Offered { id, block, sizes, content, verified, verify } = offered;
        sizes?;
        let header = &block.header;
        let expected = parent.number.saturating_add(1);
        if header.number != expected || parent.number == expected {
            return Err(ImportError::WrongNumber { got: header.number, expected }.into());
        }
        let Content { transactions, inherents } = content?;
        let transactions = match verified {
            Some(verified) => verified,
            None => self.verify(&parent.state, transactions)?,
        };
        self.runtime.check_inherents(&transactions, &now.unwrap_or(NO_TIME)).map_err(ImportError::from)?;
        self.runtime
            .check_inherents_on(&transactions, &parent.state)
            .map_err(ChainError::State)?
            .map_err(ImportError::from)?;

        let mut times = StageTimes { verify: verify + clock.lap(), ..StageTimes::default() };
        let env = BlockEnv::of(header, author);
        let (result, execution) = self
            .executor
            .execute(self.runtime.as_ref(), &parent.state, &env, &transactions)
            .map_err(executed)?;
        check_digest(header, env.digest, result.digest)?;
        times.execute = clock.lap();
        Ok(Ran {
            id,
            hashes: transactions.iter().map(|transaction| transaction.hash).collect(),
            block,
            changes: Arc::new(result.changes.into()),
            run: Run { execution, times, built_here: false },
            inherents,
        })
    }

    /// Compares the root of the state that a block led to with what its header says.
    pub(crate) fn rooted(&self, ran: Ran) -> Result<BuiltBlock, ChainError> {
        let mut clock = Stopwatch::start();
        let Ran { id, block, hashes, changes, mut run, inherents } = ran;
        let header = &block.header;
        let diff = self.diff(&header.parent_hash, &changes)?;
        let expected = H256(diff.root());
        if header.state_root != expected {
            return Err(ImportError::WrongStateRoot { got: header.state_root, expected }.into());
        }
        run.times.root = clock.lap();
        let block = Arc::new(block);
        Ok(BuiltBlock { id, block, hashes, changes, diff, refused: Vec::new(), run, inherents, full: false })
    }

    /// Our own inherents, which no one has to sign.
    fn inherents(&self, data: &InherentData) -> Result<Vec<Verified>, ChainError> {
        self.runtime
            .inherents(data)
            .into_iter()
            .map(|bytes| match self.runtime.inspect(bytes) {
                Ok(inherent) if inherent.signed.is_none() => {
                    Ok(Verified::assume(Arc::new(inherent), H256::zero()))
                }
                Ok(_) => Err(ChainError::BadRequest("the runtime made a signed inherent".into())),
                Err(refusal) => Err(ChainError::BadRequest(format!(
                    "the runtime refuses its own inherent: {}: {}",
                    refusal.error, refusal.detail
                ))),
            })
            .collect()
    }

    pub(crate) fn verify(
        &self,
        state: &StateView,
        transactions: Vec<Arc<Transaction>>,
    ) -> Result<Vec<Verified>, ChainError> {
        let hashes: Vec<H256> = transactions.iter().map(|transaction| transaction.hash).collect();
        let BlockId { hash, number } = state.block();
        let verdicts = self.verifier.verify(self.runtime.as_ref(), number, hash, state, transactions, true);
        (0..)
            .zip(hashes)
            .zip(verdicts)
            .map(|((index, hash), verdict)| match verdict {
                Ok(verified) => Ok(verified),
                Err(ValidateError::Refused(refusal)) => {
                    Err(ChainError::Import(ImportError::BadTransaction {
                        index,
                        hash,
                        error: refusal.error,
                        detail: refusal.detail,
                    }))
                }
                Err(ValidateError::State(error)) => Err(ChainError::State(error)),
            })
            .collect()
    }
}

/// Time from one lap to the next. What it shows goes into reports only.
pub(crate) struct Stopwatch(Instant);

impl Stopwatch {
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }

    pub(crate) fn lap(&mut self) -> Duration {
        let now = Instant::now();
        now.duration_since(std::mem::replace(&mut self.0, now))
    }
}

fn check_sizes(block: &Block) -> Result<(), ImportError> {
    let bytes = block.header.digest.encoded_size();
    if bytes > DIGEST_BYTES_MAX {
        return Err(ImportError::DigestTooLarge { bytes });
    }
    let bytes = block.encoded_size();
    if bytes > BLOCK_BYTES_MAX {
        return Err(ImportError::TooLarge { bytes });
    }
    Ok(())
}

/// What a body holds, if it is the header's.
fn content(runtime: &dyn Runtime, block: &Block) -> Result<Content, ImportError> {
    let Block { header, extrinsics } = block;
    let expected = extrinsics_root(extrinsics);
    if header.extrinsics_root != expected {
        return Err(ImportError::WrongExtrinsicsRoot { got: header.extrinsics_root, expected });
    }
    let transactions = inspect(runtime, extrinsics)?;
    let inherents = inherents_at_the_front(&transactions)?;
    Ok(Content { transactions, inherents })
}

/// Decodes the transactions of a body.
fn inspect(runtime: &dyn Runtime, body: &[OpaqueExtrinsic]) -> Result<Vec<Arc<Transaction>>, ImportError> {
    (0..)
        .zip(body)
        .map(|(index, extrinsic)| match runtime.inspect(extrinsic.0.clone()) {
            Ok(transaction) => Ok(Arc::new(transaction)),
            Err(refusal) => Err(ImportError::BadTransaction {
                index,
                hash: H256(blake2_256(&extrinsic.encode())),
                error: refusal.error,
                detail: refusal.detail,
            }),
        })
        .collect()
}

/// How many inherents open the block. None may stand elsewhere. What else is bare, the runtime takes or refuses: some
/// transactions prove themselves.
fn inherents_at_the_front(transactions: &[Arc<Transaction>]) -> Result<usize, ImportError> {
    let is_inherent = |transaction: &Transaction| {
        transaction.signed.is_none() && transaction.info.class == DispatchClass::Mandatory
    };
    let front = transactions.iter().take_while(|transaction| is_inherent(transaction)).count();
    match (0..).zip(transactions).skip(front).find(|(_, transaction)| is_inherent(transaction)) {
        Some((index, transaction)) => Err(ImportError::LateInherent { index, hash: transaction.hash }),
        None => Ok(front),
    }
}

/// A header's digest is: what the engine put in, what execution added, seals. In this order.
fn check_digest(header: &Header, before: Digest, added: Digest) -> Result<(), ImportError> {
    let logs = &header.digest.logs;
    let seals = logs.iter().rev().take_while(|item| matches!(item, DigestItem::Seal(..))).count();
    let got = &logs[..logs.len() - seals];
    let mut expected = before;
    expected.logs.extend(added.logs);
    if got == expected.logs {
        Ok(())
    } else {
        Err(ImportError::WrongDigest { got: Digest { logs: got.to_vec() }, expected })
    }
}
