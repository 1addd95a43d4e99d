//! Chains of the toy runtime with certificates that anybody can make.

use std::sync::Arc;

use basalt_chain::{BlockId, BuildRequest, BuiltBlock, Chain, ForkChoice, ImportOptions, Justification};
use basalt_db::{Config, Db, Durability, Pruning};
use basalt_network::{BlockRequest, BlockResponse, Fields, Start};
use basalt_primitives::{AccountId, Block, Digest, DigestItem, H256, Header};
use basalt_runtime_api::{InherentData, ValidatorSet};
use basalt_sync::{Importer, Server, Verify};
use basalt_verifier::Verifier;
use parity_scale_codec::Encode;
use tempfile::TempDir;

use crate::toy::{Toy, set_of};

/// A chain in a directory that goes away.
pub(crate) struct Node {
    pub(crate) chain: Arc<Chain>,
    _dir: TempDir,
}

impl Node {
    pub(crate) fn new(large: bool) -> Self {
        let dir = tempfile::tempdir().unwrap();
        // As much history as the smallest nodes keep.
        let config = Config { pruning: Pruning::Keep(8), cache_bytes: 1 << 20, durability: Durability::Off };
        let db = Db::open(dir.path(), config).unwrap();
        let verifier = Arc::new(Verifier::new(1024));
        let chain = Chain::open(db, Arc::new(Toy { large }), b"kit", Default::default(), verifier).unwrap();
        Self { chain, _dir: dir }
    }

    pub(crate) fn with(blocks: u32, large: bool) -> Self {
        let node = Self::new(large);
        for _ in 0..blocks {
            node.grow();
        }
        node
    }

    /// Makes the next block, and makes it final.
    pub(crate) fn grow(&self) -> BlockId {
        let built = self.build();
        let id = built.id();
        let options = ImportOptions {
            fork_choice: ForkChoice::Best,
            finalize: true,
            justification: Some(certificate(id)),
            ..Default::default()
        };
        self.chain.import_built(built, options).unwrap();
        id
    }

    pub(crate) fn build(&self) -> BuiltBlock {
        let parent = self.chain.best();
        let number = parent.number + 1;
        let account = AccountId::from([number as u8; 32]);
        let digest = Digest { logs: vec![DigestItem::PreRuntime(ENGINE, account.encode())] };
        self.chain
            .build(BuildRequest {
                parent: parent.hash,
                digest,
                author: Some(account),
                inherents: InherentData::at(u64::from(number) * 1000),
                candidates: &mut std::iter::empty(),
                deadline: None,
            })
            .unwrap()
    }

    pub(crate) fn importer(&self) -> Importer {
        Importer { chain: self.chain.clone(), verify: verify(), author }
    }

    pub(crate) fn server(&self) -> Server {
        Server { chain: self.chain.clone(), proposed: Arc::new(|_| None) }
    }

    pub(crate) fn answer(&self, first: u32, count: u32) -> BlockResponse {
        let request = BlockRequest { start: Start::Number(first), count, fields: Fields::ALL };
        self.server().answer(&request).unwrap()
    }

    /// The state as the root in the header of the last final block.
    pub(crate) fn root(&self) -> H256 {
        self.chain.header(&self.chain.finalized().hash).unwrap().unwrap().state_root
    }
}

pub(crate) fn certificate(id: BlockId) -> Justification {
    certificate_by(set_of(id.number), id)
}

pub(crate) fn certificate_by(set: u64, id: BlockId) -> Justification {
    Justification { engine: ENGINE, data: (set, id.hash).encode() }
}

pub(crate) fn verify() -> Verify {
    Arc::new(|set: &ValidatorSet, justification: &Justification, id: &BlockId| {
        match *justification == certificate_by(set.id, *id) {
            true => Ok(()),
            false => Err(format!("not signed by the set {}", set.id)),
        }
    })
}

const ENGINE: [u8; 4] = *b"test";

pub(crate) fn author(header: &Header) -> Option<AccountId> {
    header.digest.logs.iter().find_map(|item| match item {
        DigestItem::PreRuntime(ENGINE, data) => Some(AccountId::from(<[u8; 32]>::try_from(&data[..]).ok()?)),
        _ => None,
    })
}

/// The answer with another certificate at one place.
pub(crate) fn certify(answer: &mut BlockResponse, place: usize, by: Justification) {
    let Justification { engine, data } = by;
    answer.blocks[place].justification = Some(basalt_network::Justification { engine, data });
}

/// The answer with another header at one place, which has the certificate that belongs to it.
pub(crate) fn change(answer: &mut BlockResponse, place: usize, change: impl FnOnce(&mut Header)) {
    let block = &mut answer.blocks[place];
    let header = block.header.as_mut().unwrap();
    change(header);
    let id = BlockId { hash: header.hash(), number: header.number };
    block.hash = id.hash;
    certify(answer, place, certificate(id));
}

pub(crate) fn blocks(node: &Node) -> Vec<Block> {
    let numbers = 0..=node.chain.finalized().number;
    numbers
        .map(|number| {
            let hash = node.chain.hash_at(number).unwrap().unwrap();
            Block::clone(node.chain.contents(&hash).unwrap().unwrap().block())
        })
        .collect()
}
