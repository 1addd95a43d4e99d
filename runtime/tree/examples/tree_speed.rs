//! How long the tree takes: `cargo run -p basalt-tree --features parallel --example tree_speed [million keys]`.
//!
//! Prints the time to build the tree, and per changed key (wall, best and median of several) the time to compute a diff,
//! with the keys and values hashed before and within, above no diff and above four, and to apply it.
#![expect(clippy::print_stdout, reason = "it is a program that prints figures")]
#![expect(clippy::disallowed_types, reason = "it measures time; nothing of it is consensus")]

use std::time::Instant;

use basalt_tree::{Change, Tree, TreeDiff, hash_changes, key_hash, ordered_root, value_hash};

fn key(i: u64) -> [u8; 80] {
    // As long as System.Account's: prefix, Blake2-128 and account.
    let mut key = [7; 80];
    key[72..].copy_from_slice(&i.to_le_bytes());
    key
}

fn value(i: u64, salt: u64) -> [u8; 80] {
    let mut value = [0; 80];
    value[..8].copy_from_slice(&i.to_le_bytes());
    value[72..].copy_from_slice(&salt.to_le_bytes());
    value
}

fn main() {
    let millions: u64 = std::env::args().nth(1).and_then(|arg| arg.parse().ok()).unwrap_or(1);
    let keys = millions * 1_000_000;
    let leaves: Vec<_> = (0..keys).map(|i| (key_hash(&key(i)), value_hash(&value(i, 0)))).collect();

    let start = Instant::now();
    let mut tree = Tree::build(leaves);
    println!("build {millions} M keys, unsorted: {:.2} s", start.elapsed().as_secs_f64());
    let sorted: Vec<_> = tree.leaves().map(|leaf| (leaf.key, leaf.value)).collect();
    let start = Instant::now();
    tree = Tree::build(sorted);
    println!("build {millions} M keys, sorted:   {:.2} s", start.elapsed().as_secs_f64());

    println!("µs per changed key (best/median)   update        hash+update   update on 4   apply");
    let mut salt = 0;
    for n in [1_000, 10_000, 50_000] {
        let mut times: [Vec<f64>; 4] = Default::default();
        for _ in 0..15 {
            salt += 1;
            // A stride that is prime to the number of keys: no key twice in a batch.
            let ids: Vec<u64> = (0..n).map(|i| (i * 7_919 + salt * 104_729) % keys).collect();
            let data: Vec<_> = ids.iter().map(|i| (key(*i), value(*i, salt))).collect();
            let data: Vec<(&[u8], Option<&[u8]>)> =
                data.iter().map(|(k, v)| (&k[..], Some(&v[..]))).collect();
            let mut time = |row: usize, start: Instant| {
                times[row].push(start.elapsed().as_secs_f64() * 1e6 / n as f64);
            };

            let changes: Vec<Change> = hash_changes(&data);
            let start = Instant::now();
            let diff = update(&tree, &[], &changes);
            time(0, start);

            let start = Instant::now();
            drop(update(&tree, &[], &hash_changes(&data)));
            time(1, start);

            let mut above: Vec<TreeDiff> = Vec::new();
            for salt in 0..4 {
                let diffs: Vec<&TreeDiff> = above.iter().collect();
                let other: Vec<Change> =
                    changes.iter().map(|(key, _)| (value_hash(key), Some([salt; 32]))).collect();
                above.push(update(&tree, &diffs, &other));
            }
            let diffs: Vec<&TreeDiff> = above.iter().collect();
            let start = Instant::now();
            drop(update(&tree, &diffs, &changes));
            time(2, start);

            let start = Instant::now();
            tree.apply(diff).expect("the diff was made on this tree");
            time(3, start);
        }
        print!("{n:>6} changes                    ");
        for row in &mut times {
            row.sort_by(f64::total_cmp);
            print!("{:>6.2}/{:<6.2} ", row[0], row[row.len() / 2]);
        }
        println!();
    }

    let view = tree.view(&[]).expect("no diffs");
    let start = Instant::now();
    let siblings: usize = (0..10_000).map(|i| view.prove(&key(i * 31)).siblings.len()).sum();
    println!("prove: {:.2} µs, {} siblings", start.elapsed().as_secs_f64() * 1e2, siblings / 10_000);

    let extrinsics: Vec<Vec<u8>> = (0..10_000_u64).map(|i| vec![i as u8; 140]).collect();
    let start = Instant::now();
    ordered_root(extrinsics.iter().map(|item| &item[..]));
    println!("ordered_root of 10,000 × 140 bytes: {:.2} ms", start.elapsed().as_secs_f64() * 1e3);
}

fn update(tree: &Tree, diffs: &[&TreeDiff], changes: &[Change]) -> TreeDiff {
    tree.view(diffs).expect("the diffs are in order").update(changes.iter().copied())
}
