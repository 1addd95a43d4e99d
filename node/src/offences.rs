//! Brings to the chain what this validator found out: evidence of others that signed twice.
//!
//! ```text
//! engine ─► evidence ─► file ─► report, a transaction ─► own pool ─► all others
//!                        ▲                     │
//!                        └── until the chain says that it knows, also after a restart
//! ```
//!
//! Whoever sees the evidence reports it: the pools and the chain keep one of it.

use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use basalt_chain::{Chain, ChainError};
use basalt_pool::{PoolErrorKind, PoolHandle};
use basalt_primitives::{
    BlockNumber, InvalidTransaction, TransactionValidityError,
    votes::{Evidence, Place},
};
use basalt_runtime_api::{Head, ValidateError};
use parity_scale_codec::{DecodeAll, Encode};
use tokio::sync::watch;

/// The name of the file in a chain's folder.
const FILE: &str = "evidence";

/// Evidence that waits until the chain knows it. More than this at once says that a third of a large set is at war.
const WAITING_MAX: usize = 256;

/// A report that is in the pool and in no block after so many is sent once more.
const PATIENCE_BLOCKS: BlockNumber = 64;

/// A piece of evidence that the chain does not know yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Waiting {
    evidence: Evidence,
    /// Sent again if it still waits at this height.
    next: BlockNumber,
}

/// What of the evidence waits, and what was seen of it.
#[derive(Debug, Default)]
struct Desk {
    waiting: Vec<Waiting>,
    /// Of what the engine holds: so that it is taken once.
    seen: BTreeSet<Evidence>,
}

/// What the chain says about a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    /// It would take it.
    Wanted,
    /// Not yet.
    Later,
    /// It knows, or does not want to know any more.
    Done,
}

/// What names an offence: one report of it is enough.
fn offence(evidence: &Evidence) -> (Place, [u8; 32], u8) {
    let kind = match evidence.contradiction {
        basalt_primitives::votes::Contradiction::Proposals(..) => 0,
        basalt_primitives::votes::Contradiction::Prevotes(..) => 1,
        basalt_primitives::votes::Contradiction::Precommits(..) => 2,
    };
    (evidence.place, evidence.key, kind)
}

impl Desk {
    /// With what waited when the node was stopped.
    fn restored(evidence: Vec<Evidence>) -> Self {
        let mut desk = Self::default();
        for one in evidence {
            desk.add(one);
        }
        desk
    }

    /// Takes what the engine holds now. Says whether anything is new.
    fn take(&mut self, found: &[Evidence]) -> bool {
        let new: Vec<_> = found.iter().filter(|one| !self.seen.contains(one)).copied().collect();
        self.seen = found.iter().copied().collect();
        // Each is added, so not `any`, which stops at the first.
        let mut added = false;
        for one in new {
            added |= self.add(one);
        }
        added
    }

    fn add(&mut self, evidence: Evidence) -> bool {
        let known = self.waiting.iter().any(|one| offence(&one.evidence) == offence(&evidence));
        if known || self.waiting.len() >= WAITING_MAX {
            return false;
        }
        self.waiting.push(Waiting { evidence, next: 0 });
        true
    }

    /// Goes through all that waits, by what the chain says at this height: forgets what it knows, and returns what is to be
    /// sent now. Says whether anything was forgotten.
    fn go_through(
        &mut self,
        height: BlockNumber,
        mut ask: impl FnMut(&Evidence) -> Answer,
    ) -> (Vec<Evidence>, bool) {
        let before = self.waiting.len();
        let mut send = Vec::new();
        self.waiting.retain_mut(|one| match ask(&one.evidence) {
            Answer::Done => false,
            Answer::Later => true,
            Answer::Wanted => {
                if one.next <= height {
                    one.next = height.saturating_add(PATIENCE_BLOCKS);
                    send.push(one.evidence);
                }
                true
            }
        });
        (send, self.waiting.len() != before)
    }

    /// The pool had no room for it: it is sent with the next block.
    fn again(&mut self, evidence: &Evidence) {
        for one in self.waiting.iter_mut().filter(|one| one.evidence == *evidence) {
            one.next = 0;
        }
    }

    fn evidence(&self) -> Vec<Evidence> {
        self.waiting.iter().map(|one| one.evidence).collect()
    }
}

/// Reports what the engine finds, until the engine ends.
pub(crate) fn report(
    chain: Arc<Chain>,
    pool: PoolHandle,
    found: watch::Receiver<Vec<Evidence>>,
    folder: &Path,
) {
    let file = folder.join(FILE);
    tokio::spawn(async move {
        let desk = Desk::restored(restore(&file));
        Reporter { chain, pool, file, desk }.run(found).await;
    });
}

struct Reporter {
    chain: Arc<Chain>,
    pool: PoolHandle,
    file: PathBuf,
    desk: Desk,
}

impl Reporter {
    async fn run(mut self, mut found: watch::Receiver<Vec<Evidence>>) {
        let mut heads = self.pool.subscribe_head();
        loop {
            let all = found.borrow_and_update().clone();
            if self.desk.take(&all) {
                self.save();
            }
            self.work().await;
            tokio::select! {
                changed = found.changed() => if changed.is_err() { return },
                changed = heads.changed(), if !self.desk.waiting.is_empty() => if changed.is_err() { return },
            }
        }
    }

    async fn work(&mut self) {
        if self.desk.waiting.is_empty() {
            return;
        }
        let chain = Arc::clone(&self.chain);
        let answers = |evidence: &Evidence| {
            ask(&chain, evidence).unwrap_or_else(|error| {
                tracing::warn!(%error, "whether the chain knows of an offence could not be read");
                Answer::Later
            })
        };
        let (send, forgotten) = self.desk.go_through(self.chain.best().number, answers);
        if forgotten {
            self.save();
        }
        for evidence in send {
            let Some(bytes) = self.chain.runtime().report(&evidence) else { continue };
            match self.pool.submit(bytes).await {
                Ok(hash) => {
                    let key = const_hex::encode(evidence.key);
                    let Place { height, round, .. } = evidence.place;
                    tracing::warn!(
                        height,
                        round,
                        ?hash,
                        "validator 0x{key} signed twice: reported to the chain"
                    );
                }
                // Somebody else was first.
                Err(error)
                    if matches!(
                        error.kind,
                        PoolErrorKind::SameBare | PoolErrorKind::AlreadyImported | PoolErrorKind::Banned
                    ) => {}
                Err(error) => {
                    tracing::warn!(%error, "a report of an offence waits");
                    self.desk.again(&evidence);
                }
            }
        }
    }

    fn save(&self) {
        let (file, evidence) = (&self.file, self.desk.evidence());
        if let Err(error) = tokio::task::block_in_place(|| keep(file, &evidence)) {
            let file = file.display();
            tracing::warn!(%error, "{file} was not written: evidence is lost if the node stops before it is on the chain");
        }
    }
}

/// What the chain says about a report at its head.
fn ask(chain: &Chain, evidence: &Evidence) -> Result<Answer, ChainError> {
    let best = chain.best();
    let state = chain.state_at(&best.hash)?;
    let runtime = chain.runtime();
    let Some(bytes) = runtime.report(evidence) else { return Ok(Answer::Done) };
    let Ok(transaction) = runtime.inspect(bytes) else { return Ok(Answer::Done) };
    match runtime.validate(&transaction, &Head { number: best.number, hash: best.hash, state: &state }) {
        Ok(_) => Ok(Answer::Wanted),
        Err(ValidateError::State(error)) => Err(ChainError::State(error)),
        Err(ValidateError::Refused(refusal)) => Ok(match refusal.error {
            TransactionValidityError::Invalid(InvalidTransaction::Future) => Answer::Later,
            _ => Answer::Done,
        }),
    }
}

/// What waited when the node was stopped. A file that cannot be read costs the evidence in it, which others have too.
fn restore(file: &Path) -> Vec<Evidence> {
    let told = |what: String| {
        tracing::warn!("{} is not used: {what}; delete it", file.display());
        Vec::new()
    };
    match fs::read(file) {
        Ok(bytes) => Vec::<Evidence>::decode_all(&mut &bytes[..])
            .unwrap_or_else(|_| told(format!("its {} bytes are no evidence", bytes.len()))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        Err(error) => told(error.to_string()),
    }
}

/// Replaces the file, or removes it when nothing waits.
fn keep(file: &Path, evidence: &Vec<Evidence>) -> io::Result<()> {
    if evidence.is_empty() {
        return match fs::remove_file(file) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        };
    }
    let new = file.with_extension("new");
    fs::write(&new, evidence.encode())?;
    fs::File::open(&new)?.sync_all()?;
    fs::rename(&new, file)
}

#[cfg(test)]
mod tests {
    use basalt_primitives::{
        H256,
        votes::{Contradiction, Signed},
    };

    use super::*;

    fn evidence(height: u64, salt: u8) -> Evidence {
        let vote = |block: Option<H256>| Signed { content: block, signature: [salt; 64] };
        let contradiction = Contradiction::Prevotes(vote(None), vote(Some(H256([salt; 32]))));
        Evidence { place: Place { set_id: 0, height, round: 0 }, key: [1; 32], contradiction }
    }

    #[test]
    fn each_offence_is_sent_once_and_again_only_after_long() {
        let mut desk = Desk::default();
        assert!(desk.take(&[evidence(1, 1), evidence(2, 1)]));
        assert!(!desk.take(&[evidence(1, 1), evidence(2, 1)]), "the engine still holds them");
        assert!(
            !desk.take(&[evidence(1, 1), evidence(2, 1), evidence(2, 7)]),
            "the same offence, proved otherwise"
        );
        let wanted = |_: &Evidence| Answer::Wanted;
        assert_eq!(desk.go_through(10, wanted), (vec![evidence(1, 1), evidence(2, 1)], false));
        for height in 10..10 + PATIENCE_BLOCKS {
            assert_eq!(desk.go_through(height, wanted), (vec![], false), "{height}");
        }
        // The chain learns of the first one.
        let answer = |one: &Evidence| if one.place.height == 1 { Answer::Done } else { Answer::Wanted };
        assert_eq!(desk.go_through(10 + PATIENCE_BLOCKS, answer), (vec![evidence(2, 1)], true));
        desk.again(&evidence(2, 1));
        assert_eq!(desk.go_through(11 + PATIENCE_BLOCKS, |_| Answer::Later), (vec![], false));
        assert_eq!(desk.go_through(12 + PATIENCE_BLOCKS, wanted), (vec![evidence(2, 1)], false));
        assert_eq!(desk.go_through(13 + PATIENCE_BLOCKS, |_| Answer::Done), (vec![], true));
        assert!(desk.waiting.is_empty());
        assert!(!desk.take(&[evidence(1, 1), evidence(2, 1)]), "what is known is not taken again");
    }

    #[test]
    fn what_waits_survives_a_restart_and_a_broken_file_is_no_reason_to_stop() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(FILE);
        assert_eq!(restore(&file), []);
        let both = vec![evidence(1, 1), evidence(2, 1)];
        keep(&file, &both).unwrap();
        assert_eq!(restore(&file), both);
        let mut desk = Desk::restored(restore(&file));
        assert_eq!(desk.go_through(0, |_| Answer::Wanted).0, both, "sent again after a restart");
        fs::write(&file, b"garbage").unwrap();
        assert_eq!(restore(&file), []);
        keep(&file, &vec![]).unwrap();
        assert!(!file.exists());
        keep(&file, &vec![]).unwrap();
    }

    #[test]
    fn only_so_much_waits() {
        let many: Vec<_> = (0..WAITING_MAX as u64 + 10).map(|height| evidence(height, 1)).collect();
        let mut desk = Desk::default();
        assert!(desk.take(&many));
        assert_eq!(desk.waiting.len(), WAITING_MAX);
    }
}
