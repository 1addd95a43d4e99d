use basalt_primitives::{AccountId32, Digest, H256, ModuleError};
use basalt_state::{Memory, Overlay};
use basalt_support::{BlockEnv, CallFailure, Failure};
use parity_scale_codec::DecodeAll;

use super::*;

#[derive(Debug, Clone, PartialEq, Encode, Decode, TypeInfo)]
enum Set {
    Speed(Option<u32>),
}

impl ParameterSet for Set {
    type Key = u8;
    type Value = u32;

    fn into_parts(self) -> (u8, Option<u32>) {
        let Self::Speed(value) = self;
        (0, value)
    }

    fn is_in_bounds(&self) -> bool {
        let Self::Speed(value) = self;
        value.is_none_or(|value| (10..=20).contains(&value))
    }

    fn of_parts(key: u8, value: u32) -> Option<Self> {
        (key == 0).then_some(Self::Speed(Some(value)))
    }
}

const PARAMETERS: Parameters<Set> =
    Parameters { index: 27, admin: |origin| *origin == Origin::Root, set: PhantomData };

#[test]
fn a_parameter_is_what_was_set_within_its_bounds() {
    let base = Memory::default();
    let mut state = Overlay::new(&base);
    let env = BlockEnv { number: 1, parent_hash: H256::zero(), digest: Digest::default(), author: None };
    let mut ctx = Context::new(&mut state, &env, Some(0));
    let mut set = |origin: Origin, value| {
        let call = Call::set_parameter { key_value: Set::Speed(value) };
        let result = match ctx.layered(|ctx| PARAMETERS.dispatch(call, origin, ctx)) {
            Ok(_) => Ok(()),
            Err(CallFailure { failure: Failure::Dispatch(error), .. }) => Err(error),
            Err(other) => panic!("{other:?}"),
        };
        assert_eq!(PARAMETERS.try_state(&ctx), Ok(()));
        (result, PARAMETERS.get(&ctx, &0).unwrap())
    };
    let out = DispatchError::Module(ModuleError { index: 27, error: [0; 4] });
    let somebody = Origin::Signed(AccountId32([1; 32]));
    assert_eq!(set(somebody, Some(15)), (Err(DispatchError::BadOrigin), None));
    assert_eq!(set(Origin::Root, Some(21)), (Err(out), None));
    assert_eq!(set(Origin::Root, Some(9)), (Err(out), None));
    assert_eq!(set(Origin::Root, Some(20)), (Ok(()), Some(20)));
    assert_eq!(set(Origin::Root, Some(10)), (Ok(()), Some(10)));
    assert_eq!(set(Origin::Root, None), (Ok(()), None));
    let told: alloc::vec::Vec<_> = ctx
        .events()
        .iter()
        .map(|event| Event::<u8, u32>::decode_all(&mut &event.bytes[1..]).unwrap())
        .collect();
    let updated = |old_value, new_value| Event::Updated { key: 0, old_value, new_value };
    assert_eq!(told, [updated(None, Some(20)), updated(Some(20), Some(10)), updated(Some(10), None)]);
}
