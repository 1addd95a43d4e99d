//! A target with a mistake that chance alone does not find.

use super::*;

/// Fails on what begins with four letters, and tells how many of them were right.
fn letters(input: &[u8], seen: &mut Seen) {
    let right = input.iter().zip(b"fuzz").take_while(|(given, letter)| given == letter).count();
    seen.note(&[right as u64]);
    assert!(right < 4, "found\nat length {}", input.len());
}

const LETTERS: Target = Target { name: "letters", run: letters, describe: |_| String::new(), bytes_max: 64 };

#[test]
fn a_mistake_behind_four_right_guesses_is_found_and_made_short() {
    let folder = tempfile::tempdir().unwrap();
    let mut fuzzer = Fuzzer::new(&LETTERS, 1, Some(folder.path())).unwrap();
    let summary = fuzzer.cases(2_000_000).unwrap();
    let failure = summary.failure.expect("the mistake");
    assert_eq!(failure.input, b"fuzz");
    assert_eq!(failure.message, "found\nat length 4");
    assert_eq!(fs::read(failure.file.unwrap()).unwrap(), b"fuzz");
    assert!(summary.corpus >= 4 && summary.behaviours >= 4, "{} {}", summary.corpus, summary.behaviours);
    // What was learnt stays.
    let again = Fuzzer::new(&LETTERS, 2, Some(folder.path())).unwrap();
    assert_eq!(again.summary().behaviours, summary.behaviours);
}

#[test]
fn the_same_seed_does_the_same() {
    let run = |seed| Fuzzer::new(&LETTERS, seed, None).unwrap().cases(3_000).unwrap();
    assert_eq!(run(5), run(5));
}
