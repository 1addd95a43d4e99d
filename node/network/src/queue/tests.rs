use proptest::prelude::*;

use super::*;

fn limits(messages_max: usize, bytes_max: usize) -> QueueLimits {
    QueueLimits { messages_max, bytes_max }
}

fn peer(seed: u8) -> PeerId {
    PeerId::of_secret(&[seed; 32]).unwrap()
}

#[test]
fn what_is_larger_than_the_queue_comes_back_and_drops_nothing() {
    let mut queue = DropOldest::new(limits(10, 100));
    assert!(queue.push('a', 100).is_empty());
    assert_eq!(queue.push('b', 101), ['b']);
    assert_eq!(queue.pop(), Some('a'));
}

#[test]
fn peers_are_read_in_turn() {
    let mut queue = FairQueue::new(limits(100, 100));
    (0..50).for_each(|n| drop(queue.push(peer(1), n, 1)));
    (0..3).for_each(|n| drop(queue.push(peer(2), 100 + n, 1)));
    let first: Vec<i32> = (0..6).filter_map(|_| queue.pop()).map(|(_, n)| n).collect();
    assert_eq!(first, [0, 100, 1, 101, 2, 102]);
}

#[test]
fn what_a_removed_peer_sent_is_gone() {
    let mut queue = FairQueue::new(limits(10, 10));
    queue.push(peer(1), 'a', 1);
    queue.push(peer(2), 'b', 1);
    assert_eq!(queue.remove(&peer(1)), ['a']);
    assert_eq!(queue.pop(), Some((peer(2), 'b')));
    assert_eq!(queue.pop(), None);
}

proptest! {
    #[test]
    fn a_queue_keeps_the_newest_that_fit(
        lengths in prop::collection::vec(0usize..40, 0..200),
        pops in prop::collection::vec(any::<bool>(), 200),
        messages_max in 1usize..20,
        bytes_max in 1usize..100,
    ) {
        let mut queue = DropOldest::new(limits(messages_max, bytes_max));
        let mut model: Vec<(usize, usize)> = Vec::new();
        for (n, length) in lengths.into_iter().enumerate() {
            let dropped = queue.push(n, length);
            if length > bytes_max {
                prop_assert_eq!(dropped, vec![n]);
            } else {
                model.push((n, length));
                let mut gone = Vec::new();
                while model.len() > messages_max || model.iter().map(|(_, l)| l).sum::<usize>() > bytes_max {
                    gone.push(model.remove(0).0);
                }
                prop_assert_eq!(dropped, gone);
            }
            if pops[n] {
                let expected = (!model.is_empty()).then(|| model.remove(0).0);
                prop_assert_eq!(queue.pop(), expected);
            }
            prop_assert_eq!(queue.len(), model.len());
            prop_assert_eq!(queue.bytes(), model.iter().map(|(_, l)| l).sum::<usize>());
        }
    }

    #[test]
    fn a_fair_queue_loses_nothing_but_what_it_returns(
        pushes in prop::collection::vec((0u8..4, any::<bool>()), 0..200),
    ) {
        let mut queue = FairQueue::new(limits(5, 5));
        let mut inside = 0usize;
        for (n, (id, pop)) in pushes.into_iter().enumerate() {
            inside += 1;
            inside -= queue.push(peer(id + 1), n, 1).len();
            if pop {
                prop_assert!(queue.pop().is_some());
                inside -= 1;
            }
        }
        prop_assert!(inside <= 20);
        prop_assert_eq!(std::iter::from_fn(|| queue.pop()).count(), inside);
    }
}
