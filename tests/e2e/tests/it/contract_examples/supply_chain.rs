//! Goods from hand to hand.

use serde_json::json;

use crate::chain::{Chain, address, bundle, events};

#[test]
fn a_batch_goes_from_hand_to_hand_and_its_history_stays() {
    let chain = Chain::start();
    let goods = &chain.instantiate(&[&bundle("supply_chain.contract")]);
    let document = |number: u8| const_hex::encode_prefixed([number; 32]);
    let [farm, mill] = ["//Bob", "//Charlie"].map(address);
    let produced = chain.call("//Bob", &[goods, "produce", &document(1)]);
    let step = json!({ "id": 0, "by": farm, "step": "Produced", "document": document(1) });
    assert_eq!(events(&produced), [("Stepped", &step)]);
    assert_eq!(produced["returned"], json!({ "Ok": 0 }));

    // Nobody gets it who was not offered it, and nobody gives what they do not have.
    chain.refuses("//Charlie", &[goods, "accept", "0", &document(2)], "NotOffered");
    chain.refuses("//Charlie", &[goods, "offer", "0", "Some(//Charlie)"], "NotHolder");
    chain.refuses("//Bob", &[goods, "offer", "1", "None"], "BatchNotFound");
    let offered = chain.call("//Bob", &[goods, "offer", "0", "Some(//Charlie)"]);
    assert_eq!(events(&offered), [("Offered", &json!({ "id": 0, "to": { "Some": mill } }))]);
    chain.call("//Bob", &[goods, "offer", "0", "None"]);
    chain.refuses("//Charlie", &[goods, "accept", "0", &document(2)], "NotOffered");
    chain.call("//Bob", &[goods, "offer", "0", "Some(//Charlie)"]);
    chain.refuses("//Dave", &[goods, "accept", "0", &document(2)], "NotOffered");
    chain.call("//Charlie", &[goods, "accept", "0", &document(2)]);
    chain.refuses("//Bob", &[goods, "record", "0", &document(3)], "NotHolder");
    chain.call("//Charlie", &[goods, "record", "0", &document(3)]);
    let consumed = chain.call("//Charlie", &[goods, "consume", "0", &document(4)]);
    chain.refuses("//Charlie", &[goods, "consume", "0", &document(4)], "Consumed");
    chain.refuses("//Charlie", &[goods, "offer", "0", "Some(//Dave)"], "Consumed");

    let batch = format!("producer: {farm}, holder: {mill}, offered_to: None, entries: 4, consumed: true");
    assert!(chain.query(&[goods, "batch", "0"]).contains(&batch));
    let history: Vec<String> =
        ["0", "1", "2", "3"].iter().map(|place| chain.query(&[goods, "entry", "0", place])).collect();
    for (entry, step) in history.iter().zip(["Produced", "Accepted", "Recorded", "Consumed"]) {
        assert!(entry.contains(&format!("step: {step}")), "{history:?}");
    }
    let last = format!("by: {mill}, block: {}, document: {}", consumed["block"]["number"], document(4));
    assert!(history[3].contains(&last), "{history:?}");
    assert_eq!(chain.query(&[goods, "entry", "0", "4"]), "None");
}
