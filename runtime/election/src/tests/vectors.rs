//! The published cases of `sp-npos-elections` (polkadot-sdk, Apache-2.0: `src/tests.rs`): inputs and results. Self votes
//! are own stake here, and amounts are exact where there they are ratios.

use alloc::{vec, vec::Vec};

use basalt_primitives::Balance;

use super::Named;

const MAX: Balance = u64::MAX as Balance;

/// `phragmen_core_poc_works`, `phragmen_poc_works`, `float_phragmen_poc_works` before equalising.
#[test]
fn three_candidates() {
    let case = Named::new(&[(1, 0), (2, 0), (3, 0)], &[(10, &[1, 2]), (20, &[1, 3]), (30, &[2, 3])]);
    let (winners, shares) = case.phragmen(2);
    assert_eq!(winners, [(3, 35), (2, 25)]);
    assert_eq!(shares, [(0, 2, 10), (1, 3, 20), (2, 2, 15), (2, 3, 15)]);
}

/// `phragmen_core_test_without_edges`.
#[test]
fn votes_for_nobody() {
    let case = Named::new(&[(1, 0), (2, 0), (3, 0)], &[(10, &[]), (20, &[]), (30, &[])]);
    assert_eq!(case.phragmen(2), (vec![(1, 0), (2, 0)], vec![]));
}

/// `balancing_core_works`, before balancing: who wins in which round does not depend on it.
#[test]
fn five_candidates() {
    let case = Named::new(
        &[(1, 0), (2, 0), (3, 0), (4, 0), (5, 0)],
        &[(10, &[1, 2]), (20, &[1, 3]), (30, &[1, 2, 3, 4]), (40, &[1, 3, 4, 5]), (50, &[2, 4, 5])],
    );
    let order: Vec<u64> = case.phragmen(4).0.iter().map(|(name, _)| *name).collect();
    assert_eq!(order, [4, 1, 2, 3]);
}

/// `phragmen_poc_2_works`: there checked against floats; voters vote for one who does not stand, too.
#[test]
fn equal_votes() {
    let candidates = [(10, 0), (20, 0), (30, 0)];
    let case = Named::new(&candidates, &[(500, &[10, 20, 30]), (500, &[10, 20, 40])]);
    let (winners, shares) = case.phragmen(2);
    assert_eq!(winners, [(10, 500), (20, 500)]);
    assert_eq!(shares, [(0, 10, 250), (0, 20, 250), (1, 10, 250), (1, 20, 250)]);

    // `phragmen_poc_3_works`.
    let case = Named::new(&candidates, &[(50, &[10, 20, 30]), (1000, &[10, 20, 40])]);
    let (winners, shares) = case.phragmen(2);
    assert_eq!(winners, [(10, 525), (20, 525)]);
    assert_eq!(shares, [(0, 10, 25), (0, 20, 25), (1, 10, 500), (1, 20, 500)]);
}

/// `phragmen_accuracy_on_large_scale_only_candidates`.
#[test]
fn large_own_stakes() {
    let own = [(1, MAX - 1), (2, MAX - 4), (3, MAX - 5), (4, MAX - 3), (5, MAX - 2)];
    let (winners, shares) = Named::new(&own, &[]).phragmen(2);
    assert_eq!(winners, [(1, 18_446_744_073_709_551_614), (5, 18_446_744_073_709_551_613)]);
    assert_eq!(shares, []);
}

/// `phragmen_accuracy_on_large_scale_voters_and_candidates`.
#[test]
fn large_own_stakes_and_votes() {
    let own = [(1, MAX - 1), (2, MAX - 4), (3, MAX - 5), (4, MAX - 3), (5, MAX - 2)];
    let (winners, shares) = Named::new(&own, &[(MAX - 10, &[1, 3, 5]), (MAX, &[2, 4])]).phragmen(2);
    assert_eq!(winners, [(2, 36_893_488_147_419_103_226), (1, 36_893_488_147_419_103_219)]);
    assert_eq!(shares, [(0, 1, MAX - 10), (1, 2, MAX)]);
}

/// `phragmen_accuracy_on_small_scale_self_vote`.
#[test]
fn small_own_stakes() {
    let own = [(40, 0), (10, 1), (20, 2), (30, 1)];
    assert_eq!(Named::new(&own, &[]).phragmen(3).0, [(20, 2), (10, 1), (30, 1)]);
}

/// `phragmen_accuracy_on_small_scale_no_self_vote`: a vote of nothing, too.
#[test]
fn small_votes() {
    let voters: [(Balance, &[u64]); 4] = [(1, &[10]), (2, &[20]), (1, &[30]), (0, &[40])];
    let case = Named::new(&[(40, 0), (10, 0), (20, 0), (30, 0)], &voters);
    assert_eq!(case.phragmen(3).0, [(20, 2), (10, 1), (30, 1)]);
}

/// `phragmen_large_scale_test`.
#[test]
fn stakes_of_all_sizes() {
    let own = [
        (2, 1),
        (4, 100),
        (6, 1_000_000),
        (8, 100_000_000_001_000),
        (10, 100_000_000_002_000),
        (12, 100_000_000_003_000),
        (14, 400_000_000_000_000),
        (16, 400_000_000_001_000),
        (18, 18_000_000_000_000_000),
        (20, 20_000_000_000_000_000),
        (22, 500_000_000_000_100_000),
        (24, 500_000_000_000_200_000),
    ];
    let all: Vec<u64> = own.iter().map(|(name, _)| *name).collect();
    let (winners, _) = Named::new(&own, &[(990_000_000_000_000_000, &all)]).phragmen(2);
    assert_eq!(winners.iter().map(|(name, _)| *name).collect::<Vec<_>>(), [24, 22]);
}

/// `phragmen_large_scale_test_2`.
#[test]
fn a_vote_far_above_own_stakes() {
    let case = Named::new(&[(2, 4_000_000), (4, 4_000_000)], &[(1_000_000_000_000_000_000, &[2, 4])]);
    let (winners, shares) = case.phragmen(2);
    assert_eq!(winners, [(2, 500_000_000_005_000_000), (4, 500_000_000_003_000_000)]);
    assert_eq!(shares, [(0, 2, 500_000_000_001_000_000), (0, 4, 499_999_999_999_000_000)]);
}

/// `phragmen_linear_equalize`: there checked against floats.
#[test]
fn a_row_of_votes() {
    let candidates = [11, 21, 31, 41, 51, 61, 71].map(|name| (name, 0));
    let case = Named::new(
        &candidates,
        &[
            (2000, &[11]),
            (1000, &[11, 21]),
            (1000, &[21, 31]),
            (1000, &[31, 41]),
            (1000, &[41, 51]),
            (1000, &[51, 61]),
            (1000, &[61, 71]),
        ],
    );
    let (winners, shares) = case.phragmen(2);
    assert_eq!(winners, [(11, 3000), (31, 2000)]);
    assert_eq!(shares, [(0, 11, 2000), (1, 11, 1000), (2, 31, 1000), (3, 31, 1000)]);
}

/// `elect_has_no_entry_barrier`: nobody stands behind the last one.
#[test]
fn a_seat_without_stake() {
    let case = Named::new(&[(10, 0), (20, 0), (30, 0)], &[(10, &[10]), (10, &[20])]);
    assert_eq!(case.phragmen(3).0, [(10, 10), (20, 10), (30, 0)]);
}

/// `phragmen_self_votes_should_be_kept`.
#[test]
fn own_stake_counts() {
    let case = Named::new(&[(5, 5), (10, 10), (20, 20), (30, 0)], &[(8, &[10, 20])]);
    let (winners, shares) = case.phragmen(2);
    assert_eq!(winners, [(20, 24), (10, 14)]);
    assert_eq!(shares, [(0, 10, 4), (0, 20, 4)]);
}

/// `duplicate_target_is_ignored`: who gets the rest of a stake that does not divide.
#[test]
fn a_target_named_twice() {
    let voters: [(Balance, &[u64]); 3] = [(100, &[1, 1, 2, 3]), (100, &[2, 3]), (50, &[1, 1, 2])];
    let (winners, shares) = Named::new(&[(1, 0), (2, 0), (3, 0)], &voters).phragmen(2);
    assert_eq!(winners, [(2, 140), (3, 110)]);
    assert_eq!(shares, [(0, 2, 45), (0, 3, 55), (1, 2, 45), (1, 3, 55), (2, 2, 50)]);

    // `duplicate_target_is_ignored_when_winner`.
    let voters: [(Balance, &[u64]); 2] = [(100, &[1, 1, 2, 3]), (100, &[1, 2])];
    let (winners, shares) = Named::new(&[(1, 0), (2, 0), (3, 0)], &voters).phragmen(2);
    assert_eq!(winners, [(1, 100), (2, 100)]);
    assert_eq!(shares, [(0, 1, 50), (0, 2, 50), (1, 1, 50), (1, 2, 50)]);
}
