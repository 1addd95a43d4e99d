use basalt_primitives::{AccountId, Digest, DigestItem, H256, Header};

use crate::{EngineError, EngineHandle, INSTANT, NIMBUS, Shutdown, author_item, author_of};

fn header(logs: Vec<DigestItem>) -> Header {
    Header { digest: Digest { logs }, ..Header::default() }
}

#[test]
fn the_author_is_read_back_from_the_header() {
    let author = AccountId::from([7; 32]);
    let other = DigestItem::PreRuntime(*b"othr", vec![1; 32]);
    assert_eq!(author_of(&header(vec![other.clone(), author_item(INSTANT, &author)])), Some(author));
    assert_eq!(author_of(&header(vec![other.clone(), author_item(NIMBUS, &author)])), Some(author));
    assert_eq!(author_of(&header(vec![other])), None);
    assert_eq!(author_of(&header(vec![DigestItem::PreRuntime(INSTANT, vec![1; 31])])), None);
    assert_eq!(author_of(&header(vec![DigestItem::Seal(INSTANT, vec![1; 32])])), None);
}

#[tokio::test]
async fn an_engine_that_does_not_seal_on_request_says_so() {
    let (handle, mut commands) = EngineHandle::new();
    let refuse = async {
        for _ in 0..2 {
            commands.recv().await.unwrap().refuse("bft");
        }
    };
    let ask = async {
        let created = handle.create_block(true, true, None).await;
        assert!(matches!(created, Err(EngineError::Unsupported { engine: "bft" })));
        let done = handle.finalize_block(H256::zero()).await;
        assert!(matches!(done, Err(EngineError::Unsupported { engine: "bft" })));
    };
    tokio::join!(refuse, ask);
}

#[tokio::test]
async fn an_engine_that_is_gone_answers_as_stopped() {
    let (handle, commands) = EngineHandle::new();
    drop(commands);
    assert!(matches!(handle.finalize_block(H256::zero()).await, Err(EngineError::Stopped)));

    let (handle, mut commands) = EngineHandle::new();
    let forget = async { drop(commands.recv().await) };
    let (answer, ()) = tokio::join!(handle.finalize_block(H256::zero()), forget);
    assert!(matches!(answer, Err(EngineError::Stopped)));
}

#[tokio::test]
async fn dropping_the_stop_stops_too() {
    let (stop, mut shutdown) = Shutdown::new();
    let mut other = shutdown.clone();
    stop.stop();
    shutdown.requested().await;
    drop(stop);
    other.requested().await;
}
