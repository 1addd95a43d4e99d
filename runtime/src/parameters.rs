//! What this chain may change by a vote without new code: each parameter with its type, bounds and default.
//!
//! A value out of its bounds is refused when a referendum that would set it is submitted, and again when it is enacted.

use core::ops::RangeInclusive;

use basalt_pallet_parameters::ParameterSet;
use basalt_primitives::{Balance, BlockNumber, Permill};
use basalt_state::{StateError, StateRead};
use parity_scale_codec::{Decode, Encode};
use scale_info::TypeInfo;

use crate::{MILLIUNIT, PARAMETERS, UNIT, governance::DAYS};

macro_rules! parameters {
    ($(
        $(#[doc = $about:literal])*
        $group:ident = $group_index:literal, $module:ident {
            $($(#[doc = $doc:literal])* $name:ident = $index:literal: $ty:ty = $default:expr, $bounds:expr;)*
        }
    )*) => {
        $(
            $(#[doc = $about])*
            pub mod $module {
                use super::*;

                $(
                    $(#[doc = $doc])*
                    #[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, TypeInfo)]
                    pub struct $name;

                    impl $name {
                        /// What it is unless somebody sets it.
                        pub const DEFAULT: $ty = $default;
                        /// What it may be.
                        pub const BOUNDS: RangeInclusive<$ty> = $bounds;

                        /// What it is.
                        pub fn get(state: &(impl StateRead + ?Sized)) -> Result<$ty, StateError> {
                            let key = RuntimeParametersKey::$group(ParametersKey::$name($name));
                            Ok(match PARAMETERS.get(state, &key)? {
                                Some(RuntimeParametersValue::$group(ParametersValue::$name(value))) => value,
                                _ => Self::DEFAULT,
                            })
                        }
                    }
                )*

                /// Parameters with their new values.
                #[derive(Debug, Clone, PartialEq, Encode, Decode, TypeInfo)]
                pub enum Parameters {
                    $($(#[doc = $doc])* #[codec(index = $index)] $name($name, Option<$ty>),)*
                }

                /// Parameters.
                #[derive(Debug, Clone, PartialEq, Encode, Decode, TypeInfo)]
                pub enum ParametersKey {
                    $($(#[doc = $doc])* #[codec(index = $index)] $name($name),)*
                }

                /// Values of parameters.
                #[derive(Debug, Clone, PartialEq, Encode, Decode, TypeInfo)]
                pub enum ParametersValue {
                    $($(#[doc = $doc])* #[codec(index = $index)] $name($ty),)*
                }
            }
        )*

        /// A parameter with its new value; none means the default.
        #[derive(Debug, Clone, PartialEq, Encode, Decode, TypeInfo)]
        pub enum RuntimeParameters {
            $($(#[doc = $about])* #[codec(index = $group_index)] $group($module::Parameters),)*
        }

        /// A parameter.
        #[derive(Debug, Clone, PartialEq, Encode, Decode, TypeInfo)]
        pub enum RuntimeParametersKey {
            $($(#[doc = $about])* #[codec(index = $group_index)] $group($module::ParametersKey),)*
        }

        /// A parameter's value.
        #[derive(Debug, Clone, PartialEq, Encode, Decode, TypeInfo)]
        pub enum RuntimeParametersValue {
            $($(#[doc = $about])* #[codec(index = $group_index)] $group($module::ParametersValue),)*
        }

        impl ParameterSet for RuntimeParameters {
            type Key = RuntimeParametersKey;
            type Value = RuntimeParametersValue;

            fn into_parts(self) -> (RuntimeParametersKey, Option<RuntimeParametersValue>) {
                match self {
                    $($(Self::$group($module::Parameters::$name(key, value)) => (
                        RuntimeParametersKey::$group($module::ParametersKey::$name(key)),
                        value.map(|value| {
                            RuntimeParametersValue::$group($module::ParametersValue::$name(value))
                        }),
                    ),)*)*
                }
            }

            fn is_in_bounds(&self) -> bool {
                match self {
                    $($(Self::$group($module::Parameters::$name(_, Some(value))) => {
                        $module::$name::BOUNDS.contains(value)
                    })*)*
                    _ => true,
                }
            }

            fn of_parts(key: RuntimeParametersKey, value: RuntimeParametersValue) -> Option<Self> {
                match (key, value) {
                    $($((
                        RuntimeParametersKey::$group($module::ParametersKey::$name(key)),
                        RuntimeParametersValue::$group($module::ParametersValue::$name(value)),
                    ) => Some(Self::$group($module::Parameters::$name(key, Some(value)))),)*)*
                    _ => None,
                }
            }
        }
    };
}

parameters! {
    /// How the chain decides.
    Governance = 0, of_governance {
        /// What is held for a referendum that somebody submits.
        SubmissionDeposit = 0: Balance = 10 * UNIT, UNIT..=10_000 * UNIT;
        /// For how many blocks the least conviction locks tokens.
        VoteLockingPeriod = 1: BlockNumber = 7 * DAYS, 60..=28 * DAYS;
        /// For how many blocks a referendum waits for its decision deposit.
        UndecidingTimeout = 2: BlockNumber = 14 * DAYS, DAYS / 24..=90 * DAYS;
    }
    /// How the chain spends.
    Treasury = 1, of_treasury {
        /// After how many blocks approved payments are made.
        SpendPeriod = 0: BlockNumber = DAYS, 60..=28 * DAYS;
        /// Which share of what is left is burnt then.
        Burn = 1: Permill = Permill::from_percent(0), Permill::from_percent(0)..=Permill::from_percent(10);
        /// The most that a referendum on the track `small_spender` may spend.
        SmallSpend = 2: Balance = 1_000 * UNIT, MILLIUNIT..=100_000 * UNIT;
        /// The most that a referendum on the track `medium_spender` may spend.
        MediumSpend = 3: Balance = 10_000 * UNIT, MILLIUNIT..=1_000_000 * UNIT;
    }
}
