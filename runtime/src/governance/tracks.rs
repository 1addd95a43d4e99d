//! The tracks: how long each kind of decision takes, and how much agreement it needs.

use basalt_pallet_referenda::{Curve, FixedI64, TrackId, TrackInfo};
use basalt_primitives::Perbill;

use super::{DAYS, HOURS};
use crate::UNIT;

/// A line from `ceil` percent, down to `floor` percent at `length` percent of the period.
const fn line(length: u32, floor: u32, ceil: u32) -> Curve {
    Curve::LinearDecreasing {
        length: Perbill::from_percent(length),
        floor: Perbill::from_percent(floor),
        ceil: Perbill::from_percent(ceil),
    }
}

const fn reciprocal(factor: i64, x_offset: i64, y_offset: i64) -> Curve {
    Curve::Reciprocal { factor: FixedI64(factor), x_offset: FixedI64(x_offset), y_offset: FixedI64(y_offset) }
}

/// All votes at first, 80 % after a seventh of the period, half in the end.
const APPROVAL_OF_WEIGHT: Curve = reciprocal(222_222_222, 333_333_333, 333_333_333);
/// All votes at first, 96 % after a 42nd of the period, half in the end.
const APPROVAL_OF_EXPERTS: Curve = reciprocal(270_899_167, 389_830_508, 305_084_746);
/// Half of all tokens at first, 20 % after a 42nd of the period, 10 % in the end.
const SUPPORT_OF_EXPERTS: Curve = reciprocal(10_803_324, 26_315_789, 89_473_684);
/// Half of all tokens at first, 10 % after a quarter of the period, nothing in the end.
const SUPPORT_OF_PARAMETERS: Curve = reciprocal(49_586_777, 90_909_091, -45_454_545);
/// Half of all tokens at first, 1 % after three sevenths of the period, nothing in the end.
const SUPPORT_OF_ADMINS: Curve = reciprocal(7_892_829, 15_544_041, -7_772_021);
/// Half of all tokens at first, 1 % after two sevenths of the period, nothing in the end.
const SUPPORT_OF_SPENDERS: Curve = reciprocal(4_149_097, 8_230_453, -4_115_226);

const ADMIN: TrackInfo = TrackInfo {
    name: "",
    max_deciding: 10,
    decision_deposit: 500 * UNIT,
    prepare_period: 2 * HOURS,
    decision_period: 14 * DAYS,
    confirm_period: 3 * HOURS,
    min_enactment_period: HOURS / 6,
    min_approval: line(60, 50, 100),
    min_support: SUPPORT_OF_ADMINS,
};

/// The tracks, by their ids.
pub const TRACKS: &[(TrackId, TrackInfo)] = &[
    (
        0,
        TrackInfo {
            name: "root",
            max_deciding: 1,
            decision_deposit: 10_000 * UNIT,
            prepare_period: 2 * HOURS,
            decision_period: 14 * DAYS,
            confirm_period: DAYS,
            min_enactment_period: DAYS,
            min_approval: APPROVAL_OF_WEIGHT,
            min_support: line(100, 0, 50),
        },
    ),
    (
        1,
        TrackInfo {
            name: "whitelisted_caller",
            max_deciding: 10,
            decision_deposit: 1_000 * UNIT,
            prepare_period: HOURS / 2,
            decision_period: 14 * DAYS,
            confirm_period: HOURS / 6,
            min_enactment_period: HOURS / 6,
            min_approval: APPROVAL_OF_EXPERTS,
            min_support: SUPPORT_OF_EXPERTS,
        },
    ),
    (10, TrackInfo { name: "staking_admin", ..ADMIN }),
    (
        11,
        TrackInfo {
            name: "treasurer",
            decision_deposit: 1_000 * UNIT,
            min_enactment_period: DAYS,
            min_approval: APPROVAL_OF_WEIGHT,
            min_support: line(100, 0, 50),
            ..ADMIN
        },
    ),
    (
        12,
        TrackInfo {
            name: "parameter_admin",
            confirm_period: DAYS,
            min_approval: APPROVAL_OF_WEIGHT,
            min_support: SUPPORT_OF_PARAMETERS,
            ..ADMIN
        },
    ),
    (14, TrackInfo { name: "general_admin", ..ADMIN }),
    (
        20,
        TrackInfo {
            name: "referendum_canceller",
            max_deciding: 20,
            decision_deposit: 1_000 * UNIT,
            decision_period: 7 * DAYS,
            ..ADMIN
        },
    ),
    (
        21,
        TrackInfo {
            name: "referendum_killer",
            max_deciding: 20,
            decision_deposit: 5_000 * UNIT,
            decision_period: 14 * DAYS,
            ..ADMIN
        },
    ),
    (
        32,
        TrackInfo {
            name: "small_spender",
            max_deciding: 20,
            decision_deposit: 20 * UNIT,
            prepare_period: 4 * HOURS,
            confirm_period: 12 * HOURS,
            min_enactment_period: HOURS,
            min_support: SUPPORT_OF_SPENDERS,
            ..ADMIN
        },
    ),
    (
        33,
        TrackInfo {
            name: "medium_spender",
            max_deciding: 20,
            decision_deposit: 200 * UNIT,
            prepare_period: 4 * HOURS,
            confirm_period: DAYS,
            min_enactment_period: DAYS,
            min_approval: line(82, 50, 100),
            ..ADMIN
        },
    ),
];
