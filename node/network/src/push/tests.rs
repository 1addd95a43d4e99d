use proptest::prelude::*;

use super::*;

fn queue(items: &[Outgoing]) -> DropOldest<Outgoing> {
    let mut queue = DropOldest::new(limits::TRANSACTIONS_QUEUE);
    items.iter().for_each(|item| drop(queue.push(item.clone(), 1)));
    queue
}

fn outgoing() -> impl Strategy<Value = Outgoing> {
    prop_oneof![
        (1usize..=limits::TRANSACTION_PUSH_BYTES_MAX, any::<u8>())
            .prop_map(|(length, byte)| Outgoing::Push(vec![byte; length].into())),
        any::<[u8; 32]>().prop_map(|hash| Outgoing::Announce(H256(hash))),
    ]
}

proptest! {
    #[test]
    fn all_that_is_queued_goes_out_in_order_in_messages_that_fit(
        items in prop::collection::vec(outgoing(), 0..100),
    ) {
        let mut queue = queue(&items);
        let mut sent = Vec::new();
        while let Some(message) = next_transactions(&mut queue) {
            prop_assert!(message.len() <= limits::TRANSACTIONS_MESSAGE_BYTES_MAX);
            match TransactionMessage::decode_all(&mut &message[..]).unwrap() {
                TransactionMessage::Push(pushed) => {
                    sent.extend(pushed.into_iter().map(|bytes| Outgoing::Push(bytes.into())));
                }
                TransactionMessage::Announce(hashes) => {
                    prop_assert!(hashes.len() <= limits::TRANSACTIONS_PER_ANNOUNCE_MAX);
                    sent.extend(hashes.into_iter().map(Outgoing::Announce));
                }
            }
        }
        prop_assert_eq!(sent, items);
    }
}

#[test]
fn a_thousand_small_ones_are_few_messages() {
    let mut queue = queue(&vec![Outgoing::Push(vec![1; 140].into()); 1_000]);
    let messages = std::iter::from_fn(|| next_transactions(&mut queue)).count();
    assert!(messages <= 3, "{messages}");
}

#[test]
fn what_an_honest_sender_may_send_at_once_is_less_than_what_is_taken() {
    for plane in Plane::ALL {
        let (takes, sends) = (plane.rate(), plane.rate().of_sender());
        assert!(sends.messages_burst < takes.messages_burst && sends.messages_per_s < takes.messages_per_s);
        assert!(sends.bytes_burst < takes.bytes_burst && sends.bytes_per_s < takes.bytes_per_s);
        // Else the longest message could never be sent.
        assert!(sends.bytes_burst >= (plane.message_bytes_max() + PREFIX_BYTES) as u64);
    }
}
