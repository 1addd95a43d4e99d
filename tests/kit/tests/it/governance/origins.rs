//! The table of who may call what is what calls do.

use basalt_pallet_origins::Origin as TrackOrigin;
use basalt_primitives::DispatchError;
use basalt_runtime::{
    ORIGINS,
    governance::{MAY_CALL, may_call},
};
use basalt_runtime_api::Runtime as _;
use basalt_support::{CallFailure, Failure};
use basalt_test_kit::measure;
use frame_metadata::{RuntimeMetadata, RuntimeMetadataPrefixed};
use parity_scale_codec::Decode;

use crate::weights::{all_worst_cases, world};

#[test]
fn an_origin_of_a_track_may_make_the_calls_of_the_table_and_no_others() {
    let world = world();
    let mut made = 0;
    for (_, call) in all_worst_cases(&world) {
        for origin in TrackOrigin::ALL {
            let as_origin = ORIGINS.origin(origin);
            let done = measure(&world.ledger.state, &world.ledger.env(), as_origin, call.clone());
            let refused = matches!(
                done.result,
                Err(CallFailure { failure: Failure::Dispatch(DispatchError::BadOrigin), .. })
            );
            assert_eq!(may_call(origin, &call), !refused, "{origin:?} {call:?}: {done:?}");
            made += usize::from(!refused);
        }
    }
    assert!(made > 10, "the table is not empty");
}

#[test]
fn the_table_names_calls_that_there_are_and_the_page_shows_it() {
    let bytes = world().ledger.runtime.metadata(14).unwrap();
    let metadata = RuntimeMetadataPrefixed::decode(&mut bytes.as_slice()).unwrap().1;
    let RuntimeMetadata::V14(v14) = metadata else { panic!("not version 14") };
    let mut named = std::collections::BTreeSet::new();
    for pallet in &v14.pallets {
        let Some(calls) = &pallet.calls else { continue };
        let scale_info::TypeDef::Variant(variants) = &v14.types.resolve(calls.ty.id).unwrap().type_def else {
            panic!("calls are an enum")
        };
        named.extend(variants.variants.iter().map(|variant| format!("{}.{}", pallet.name, variant.name)));
    }
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/govern.md")).unwrap();
    assert_eq!(MAY_CALL.len(), TrackOrigin::ALL.len());
    for (origin, permissions) in MAY_CALL {
        let calls: Vec<_> = permissions.iter().map(|(name, _)| format!("`{name}`")).collect();
        assert!(permissions.iter().all(|(name, _)| named.contains(*name)), "{origin:?}");
        let row = format!(
            "| `{origin:?}` | {} |",
            if calls.is_empty() { "nothing yet".into() } else { calls.join(", ") }
        );
        assert!(page.contains(&row), "docs/govern.md lacks the line {row}");
    }
}
