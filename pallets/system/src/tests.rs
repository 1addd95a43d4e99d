use alloc::{borrow::ToOwned, string::String, vec, vec::Vec};

use basalt_primitives::{DigestItem, DispatchEventInfo, ModuleError};
use basalt_state::{Memory, Overlay};
use basalt_support::{BlockEnv, BlockRecord, BlockSummary, CallFailure, Failure, Receipt};
use parity_scale_codec::DecodeAll;
use scale_info::MetaType;

use super::*;

fn default_of(metadata: &PalletMetadata, item: &str) -> Vec<u8> {
    metadata.storage.iter().find(|entry| entry.name == item).expect("the item is declared").default.clone()
}

fn constant(metadata: &PalletMetadata, name: &str) -> Vec<u8> {
    metadata.constants.iter().find(|constant| constant.name == name).expect("it is declared").value.clone()
}

const ALICE: AccountId = basalt_primitives::AccountId32([1; 32]);

const LIMITS: BlockLimits = BlockLimits {
    weight_max: Weight::new(2_000, 200),
    weight_normal_max: Weight::new(1_500, 150),
    weight_base: Weight::new(100, 0),
    weight_base_transaction: Weight::new(10, 0),
    bytes_max: 1_000,
    bytes_normal_max: 750,
};

fn version() -> RuntimeVersion {
    RuntimeVersion { spec_name: "test".to_owned(), spec_version: 7, ..RuntimeVersion::default() }
}

const SYSTEM: System = System { index: 0, limits: LIMITS, ss58_prefix: 42, version };

fn env(number: BlockNumber) -> BlockEnv {
    BlockEnv {
        number,
        parent_hash: H256::repeat_byte(number as u8),
        digest: Digest { logs: vec![DigestItem::PreRuntime(*b"test", vec![1])] },
        author: None,
    }
}

fn with_context<R>(body: impl FnOnce(&mut Context<'_, '_>) -> R) -> R {
    let base = Memory::default();
    let mut state = Overlay::new(&base);
    let env = env(1);
    body(&mut Context::new(&mut state, &env, Some(0)))
}

fn events_of(ctx: &Context<'_, '_>) -> Vec<Event> {
    let of_system = |event: basalt_support::EventRef<'_>| {
        assert_eq!(event.bytes[0], SYSTEM.index);
        Event::decode_all(&mut &event.bytes[1..]).expect("the pallet wrote it")
    };
    ctx.events().iter().map(of_system).collect()
}

fn dispatch_error(result: Result<impl core::fmt::Debug, impl Into<CallFailure>>) -> DispatchError {
    match result.map_err(Into::into) {
        Err(CallFailure { failure: Failure::Dispatch(error), .. }) => error,
        other => panic!("not a dispatch error: {other:?}"),
    }
}

#[test]
fn an_account_is_born_with_its_first_provider_and_dies_with_its_last() {
    with_context(|ctx| {
        SYSTEM.inc_providers(ctx, &ALICE).unwrap();
        SYSTEM.inc_providers(ctx, &ALICE).unwrap();
        SYSTEM.inc_nonce(ctx, &ALICE).unwrap();
        SYSTEM.dec_providers(ctx, &ALICE).unwrap();
        assert_eq!(SYSTEM.nonce(ctx, &ALICE), Ok(1));
        SYSTEM.dec_providers(ctx, &ALICE).unwrap();
        assert_eq!(
            events_of(ctx),
            [Event::NewAccount { account: ALICE }, Event::KilledAccount { account: ALICE }]
        );
        assert_eq!(SYSTEM.account(ctx, &ALICE), Ok(AccountInfo::default()));
        assert_eq!(ACCOUNT.contains(ctx, &ALICE), Ok(false));
    });
}

#[test]
fn a_consumer_needs_a_provider_and_keeps_the_last_one() {
    with_context(|ctx| {
        assert_eq!(dispatch_error(SYSTEM.inc_consumers(ctx, &ALICE)), DispatchError::NoProviders);
        SYSTEM.inc_sufficients(ctx, &ALICE).unwrap();
        assert_eq!(dispatch_error(SYSTEM.inc_consumers(ctx, &ALICE)), DispatchError::NoProviders);
        SYSTEM.inc_providers(ctx, &ALICE).unwrap();
        for _ in 0..CONSUMERS_MAX {
            SYSTEM.inc_consumers(ctx, &ALICE).unwrap();
        }
        assert_eq!(dispatch_error(SYSTEM.inc_consumers(ctx, &ALICE)), DispatchError::TooManyConsumers);
        assert_eq!(dispatch_error(SYSTEM.dec_providers(ctx, &ALICE)), DispatchError::ConsumerRemaining);
        for _ in 0..CONSUMERS_MAX {
            SYSTEM.dec_consumers(ctx, &ALICE).unwrap();
        }
        SYSTEM.dec_providers(ctx, &ALICE).unwrap();
        assert!(SYSTEM.account(ctx, &ALICE).unwrap().exists(), "it is still sufficient");
        SYSTEM.dec_sufficients(ctx, &ALICE).unwrap();
        assert_eq!(
            events_of(ctx),
            [Event::NewAccount { account: ALICE }, Event::KilledAccount { account: ALICE }]
        );
    });
}

#[test]
fn a_nonce_at_its_limit_is_refused_instead_of_wrapping() {
    with_context(|ctx| {
        let info = AccountInfo { nonce: Nonce::MAX, providers: 1, ..AccountInfo::default() };
        ACCOUNT.put(ctx, &ALICE, &info);
        let error = dispatch_error(SYSTEM.inc_nonce(ctx, &ALICE));
        assert_eq!(error, DispatchError::Arithmetic(basalt_primitives::ArithmeticError::Overflow));
        assert_eq!(SYSTEM.nonce(ctx, &ALICE), Ok(Nonce::MAX));
    });
}

#[test]
fn a_block_knows_the_hash_of_block_0_and_of_the_last_4096_blocks() {
    let base = Memory::default();
    let mut state = Overlay::new(&base);
    let last = BLOCK_HASH_COUNT + 5;
    for number in 1..=last {
        let env = env(number);
        SYSTEM.begin_block(&mut Context::new(&mut state, &env, None)).unwrap();
        if number == BLOCK_HASH_COUNT + 1 {
            assert_eq!(BLOCK_HASH.iter(&state).count() as u32, BLOCK_HASH_COUNT + 1, "block 0 to 4,096");
        }
    }
    let mut known: Vec<_> = BLOCK_HASH.iter(&state).map(|entry| entry.unwrap()).collect();
    known.sort_unstable();
    let heights: Vec<_> = known.iter().map(|(height, _)| *height).collect();
    let expected: Vec<_> = [0].into_iter().chain(last - BLOCK_HASH_COUNT..last).collect();
    assert_eq!(heights, expected);
    assert!(known.iter().all(|(height, hash)| *hash == H256::repeat_byte((height + 1) as u8)));
    assert_eq!(NUMBER.get_or_default(&state), Ok(last));
    assert_eq!(PARENT_HASH.get_or_default(&state), Ok(env(last).parent_hash));
    assert_eq!(DIGEST.get_or_default(&state), Ok(env(last).digest));
    assert_eq!(SYSTEM.try_state(&state), Ok(()));
}

#[test]
fn block_0_cannot_be_executed() {
    let base = Memory::default();
    let mut state = Overlay::new(&base);
    let env = env(0);
    let result = SYSTEM.begin_block(&mut Context::new(&mut state, &env, None));
    assert!(matches!(result, Err(Fatal::Broken { pallet: "System", .. })), "{result:?}");
}

fn event(event: &Event, topics: Vec<H256>) -> basalt_support::Event {
    let mut bytes = vec![SYSTEM.index];
    event.encode_to(&mut bytes);
    basalt_support::Event { bytes, topics }
}

/// The outer enum of a runtime with this pallet alone.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
enum RuntimeEvent {
    #[codec(index = 0)]
    System(Event),
}

#[test]
fn the_events_of_a_block_decode_as_records_with_phase_and_topics() {
    let new = Event::NewAccount { account: ALICE };
    let killed = Event::KilledAccount { account: ALICE };
    let receipt = |events: Vec<basalt_support::Event>| Receipt {
        result: Ok(()),
        info: DispatchEventInfo::default(),
        fee: 0,
        tip: 0,
        events: events.into_iter().collect(),
    };
    let topics = vec![H256::repeat_byte(1), H256::repeat_byte(2)];
    let receipts = [
        receipt(vec![event(&new, topics.clone()), event(&killed, vec![])]),
        receipt(vec![]),
        receipt(vec![event(&killed, vec![])]),
    ];
    let initialization = [event(&Event::CodeUpdated, vec![])].into_iter().collect();
    let finalization = [event(&new, vec![])].into_iter().collect();
    let record = BlockRecord { initialization: &initialization, receipts: &receipts, bytes: 0 };
    let summary = BlockSummary {
        weight_normal: Weight::new(1, 2),
        weight_operational: Weight::new(3, 4),
        weight_mandatory: Weight::new(5, 6),
        weight_normal_max: LIMITS.weight_normal_max,
        transactions: 3,
        bytes: 0,
    };
    let base = Memory::default();
    let mut state = Overlay::new(&base);
    SYSTEM.finish_block(&mut state, &record, &finalization, &summary).unwrap();

    let records = events::<RuntimeEvent>().get(&state).unwrap().unwrap();
    let expected = |phase, event: &Event, topics: &[H256]| EventRecord {
        phase,
        event: RuntimeEvent::System(event.clone()),
        topics: topics.to_vec(),
    };
    assert_eq!(
        records,
        [
            expected(Phase::Initialization, &Event::CodeUpdated, &[]),
            expected(Phase::ApplyExtrinsic(0), &new, &topics),
            expected(Phase::ApplyExtrinsic(0), &killed, &[]),
            expected(Phase::ApplyExtrinsic(2), &killed, &[]),
            expected(Phase::Finalization, &new, &[]),
        ]
    );
    assert_eq!(EVENT_COUNT.get_or_default(&state), Ok(5));
    let used = BLOCK_WEIGHT.get_or_default(&state).unwrap();
    assert_eq!(
        (used.normal, used.operational, used.mandatory),
        (Weight::new(1, 2), Weight::new(3, 4), Weight::new(5, 6))
    );
    let raw = state.get(&EVENTS.key()).unwrap().unwrap();
    // Five records; Initialization; pallet 0, CodeUpdated; no topics; ApplyExtrinsic(0) …
    assert_eq!(raw[..10], [20, 2, 0, 2, 0, 0, 0, 0, 0, 0]);
}

#[test]
fn genesis_names_the_runtime() {
    let base = Memory::default();
    let mut state = Overlay::new(&base);
    SYSTEM.genesis(&mut state, &version());
    let upgrade = LAST_RUNTIME_UPGRADE.get(&state).unwrap().unwrap();
    assert_eq!((upgrade.spec_version, upgrade.spec_name.as_str()), (7, "test"));
    assert_eq!(upgrade.encode(), [&[7 << 2, 4 << 2][..], b"test"].concat());
    assert_eq!(SYSTEM.try_state(&state), Ok(()));
}

#[test]
fn remarks_change_nothing_and_tell_their_hash_if_asked() {
    with_context(|ctx| {
        let signed = || Origin::Signed(ALICE);
        SYSTEM.dispatch(Call::remark { remark: b"hi".to_vec() }, signed(), ctx).unwrap();
        assert_eq!(events_of(ctx), []);
        SYSTEM.dispatch(Call::remark_with_event { remark: b"hi".to_vec() }, signed(), ctx).unwrap();
        assert_eq!(events_of(ctx), [Event::Remarked { sender: ALICE, hash: H256(blake2_256(b"hi")) }]);
        let bare = SYSTEM.dispatch(Call::remark { remark: vec![] }, Origin::None, ctx);
        assert_eq!(dispatch_error(bare), DispatchError::BadOrigin);
    });
}

#[test]
fn only_root_writes_raw_storage_and_nobody_replaces_the_runtime() {
    with_context(|ctx| {
        let set = || Call::set_storage { items: vec![(b"k".to_vec(), b"v".to_vec())] };
        let kill = || Call::kill_storage { keys: vec![b"k".to_vec()] };
        let code = || Call::set_code { code: vec![0] };
        for call in [set(), kill(), code()] {
            let refused = SYSTEM.dispatch(call, Origin::Signed(ALICE), ctx);
            assert_eq!(dispatch_error(refused), DispatchError::BadOrigin);
        }
        SYSTEM.dispatch(set(), Origin::Root, ctx).unwrap();
        assert_eq!(ctx.get(b"k"), Ok(Some(b"v".to_vec())));
        SYSTEM.dispatch(kill(), Origin::Root, ctx).unwrap();
        assert_eq!(ctx.get(b"k"), Ok(None));
        let native = dispatch_error(SYSTEM.dispatch(code(), Origin::Root, ctx));
        assert_eq!(native, DispatchError::Module(ModuleError { index: 0, error: [2, 0, 0, 0] }));
    });
}

#[test]
fn calls_and_events_have_the_bytes_that_clients_send_and_read() {
    assert_eq!(Call::remark { remark: vec![9] }.encode(), [0, 4, 9]);
    assert_eq!(Call::set_code { code: vec![9] }.encode(), [2, 4, 9]);
    assert_eq!(Call::set_storage { items: vec![(vec![1], vec![2])] }.encode(), [4, 4, 4, 1, 4, 2]);
    assert_eq!(Call::kill_storage { keys: vec![vec![1]] }.encode(), [5, 4, 4, 1]);
    assert_eq!(Call::remark_with_event { remark: vec![9] }.encode(), [7, 4, 9]);
    let info = DispatchEventInfo { weight: Weight::new(1, 2), ..DispatchEventInfo::default() };
    assert_eq!(Event::ExtrinsicSuccess { dispatch_info: info }.encode(), [0, 4, 8, 0, 0]);
    let failed = Event::ExtrinsicFailed { dispatch_error: DispatchError::BadOrigin, dispatch_info: info };
    assert_eq!(failed.encode(), [1, 2, 4, 8, 0, 0]);
    assert_eq!(Event::CodeUpdated.encode(), [2]);
    assert_eq!(Event::NewAccount { account: ALICE }.encode()[..2], [3, 1]);
    assert_eq!(Event::KilledAccount { account: ALICE }.encode()[..2], [4, 1]);
    assert_eq!(Event::Remarked { sender: ALICE, hash: H256::zero() }.encode().len(), 65);
    assert_eq!(Event::Remarked { sender: ALICE, hash: H256::zero() }.encode()[0], 5);
    assert_eq!(Error::Unauthorized.encode(), [8]);
}

#[test]
fn an_account_encodes_to_80_bytes_in_substrates_order() {
    let data = AccountData { free: 5, reserved: 6, frozen: 7, flags: ExtraFlags::default() };
    let info = AccountInfo { nonce: 1, consumers: 2, providers: 3, sufficients: 4, data };
    let mut expected: Vec<u8> = [1u32, 2, 3, 4].iter().flat_map(|n| n.to_le_bytes()).collect();
    expected.extend([5u128, 6, 7, 1 << 127].iter().flat_map(|n| n.to_le_bytes()));
    assert_eq!(info.encode(), expected);
    assert_eq!((expected.len(), AccountInfo::max_encoded_len()), (80, 80));
    assert_eq!(AccountInfo::decode_all(&mut &expected[..]), Ok(info));
    assert!(AccountInfo::decode_all(&mut &expected[..79]).is_err(), "it has one length");
    expected.push(0);
    assert!(AccountInfo::decode_all(&mut &expected[..]).is_err(), "and no other");
}

/// Who adds to a free balance without reading the account relies on it.
#[test]
fn the_free_balance_stands_where_it_is_said_to_stand() {
    let mut info =
        AccountInfo { nonce: 1, consumers: 2, providers: 3, sufficients: 4, ..AccountInfo::default() };
    info.data = AccountData { free: u128::MAX - 1, reserved: 6, frozen: 7, flags: ExtraFlags::default() };
    let addition = basalt_state::Addition { offset: AccountInfo::FREE_OFFSET, delta: 1 };
    let after = addition.apply(b"", Some(info.encode())).unwrap();
    info.data.free += 1;
    assert_eq!(AccountInfo::decode_all(&mut &after[..]), Ok(info));
}

fn path<T: TypeInfo>() -> String {
    T::type_info().path.segments.join("::")
}

#[test]
fn type_paths_are_the_ones_that_clients_look_up() {
    assert_eq!(path::<Call>(), "frame_system::pallet::Call");
    assert_eq!(path::<Event>(), "frame_system::pallet::Event");
    assert_eq!(path::<Error>(), "frame_system::pallet::Error");
    assert_eq!(path::<AccountInfo>(), "frame_system::AccountInfo");
    assert_eq!(path::<AccountData>(), "pallet_balances::types::AccountData");
    assert_eq!(path::<ExtraFlags>(), "pallet_balances::types::ExtraFlags");
    assert_eq!(path::<EventRecord<u8>>(), "frame_system::EventRecord");
    assert_eq!(path::<Phase>(), "frame_system::Phase");
    assert_eq!(path::<LastRuntimeUpgradeInfo>(), "frame_system::LastRuntimeUpgradeInfo");
    assert_eq!(path::<BlockWeights>(), "frame_system::limits::BlockWeights");
    assert_eq!(path::<limits::WeightsPerClass>(), "frame_system::limits::WeightsPerClass");
    assert_eq!(path::<BlockLength>(), "frame_system::limits::BlockLength");
    assert_eq!(path::<PerDispatchClass<u32>>(), "frame_support::dispatch::PerDispatchClass");
    assert_eq!(path::<RuntimeDbWeight>(), "sp_weights::RuntimeDbWeight");
    let parameters: Vec<(&str, Option<MetaType>)> =
        EventRecord::<u8>::type_info().type_params.iter().map(|p| (p.name, p.ty)).collect();
    assert_eq!(parameters, [("E", Some(meta_type::<u8>())), ("T", Some(meta_type::<H256>()))]);
}

#[test]
fn metadata_carries_the_defaults_and_constants_that_clients_decode() {
    let metadata = SYSTEM.metadata();
    assert_eq!(default_of(&metadata, "Account"), AccountInfo::default().encode());
    assert_eq!(default_of(&metadata, "BlockHash"), [0; 32]);
    assert_eq!(default_of(&metadata, "Events"), [0]);
    assert_eq!(default_of(&metadata, "ExtrinsicCount"), [0]);
    assert_eq!(constant(&metadata, "SS58Prefix"), [42, 0]);
    assert_eq!(constant(&metadata, "BlockHashCount"), 4_096u32.to_le_bytes());
    assert_eq!(constant(&metadata, "Version"), version().encode());
    let weights = BlockWeights::decode_all(&mut &constant(&metadata, "BlockWeights")[..]).unwrap();
    assert_eq!(weights.max_block, LIMITS.weight_max);
    assert_eq!(weights.per_class.normal.max_total, Some(LIMITS.weight_normal_max));
    assert_eq!(weights.per_class.normal.max_extrinsic, Some(Weight::new(1_390, 150)));
    assert_eq!(weights.per_class.mandatory.max_total, None);
    let length = BlockLength::decode_all(&mut &constant(&metadata, "BlockLength")[..]).unwrap();
    assert_eq!((length.max.normal, length.max.operational, length.max.mandatory), (750, 1_000, 1_000));
    assert!(metadata.storage.iter().all(|entry| !entry.docs.is_empty()));
    assert!(metadata.constants.iter().all(|constant| !constant.docs.is_empty()));
}

#[test]
fn try_state_names_what_is_wrong() {
    let broken = |info: AccountInfo| {
        let base = Memory::default();
        let mut state = Overlay::new(&base);
        ACCOUNT.put(&mut state, &ALICE, &info);
        SYSTEM.try_state(&state)
    };
    assert!(broken(AccountInfo { consumers: 1, sufficients: 1, ..AccountInfo::default() }).is_err());
    assert!(broken(AccountInfo::default()).is_err());
    assert_eq!(broken(AccountInfo { nonce: 1, ..AccountInfo::default() }), Ok(()));
    assert_eq!(broken(AccountInfo { providers: 1, consumers: 1, ..AccountInfo::default() }), Ok(()));
}

#[test]
fn remarks_and_raw_writes_weigh_their_bytes() {
    let weight = |call: &Call| SYSTEM.info(call).weight.ref_time;
    let short = weight(&Call::remark { remark: vec![0; 10] });
    let long = weight(&Call::remark { remark: vec![0; 1_010] });
    assert_eq!(long - short, 1_000 * weight::BYTE.ref_time);
    let one = weight(&Call::kill_storage { keys: vec![vec![]] });
    let two = weight(&Call::kill_storage { keys: vec![vec![], vec![]] });
    assert_eq!(two - one, weight::WRITE.ref_time);
}
