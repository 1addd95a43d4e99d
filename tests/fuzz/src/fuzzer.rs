//! Runs a target on many inputs.

use std::{
    any::Any,
    collections::HashSet,
    fs, io,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use basalt_primitives::hashing::blake2_256;

use crate::{Choices, Seen, Target, mutated};

/// Inputs that are kept: each showed something that none before it had.
const CORPUS_MAX: usize = 20_000;

/// Tries to make a failing input shorter.
const SHORTENING_TRIES: usize = 2_000;

/// An input on which the target panicked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// As short as it could be made.
    pub input: Vec<u8>,
    /// What the panic said.
    pub message: String,
    /// Where the input was written, if there is a folder.
    pub file: Option<PathBuf>,
}

/// What came of a run.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Summary {
    /// Inputs that ran.
    pub cases: u64,
    /// Inputs that showed something new.
    pub corpus: usize,
    /// Behaviours that were seen.
    pub behaviours: usize,
    /// The first failure; the run ends with it.
    pub failure: Option<Failure>,
}

/// A target and what was found of it.
#[derive(Debug)]
pub struct Fuzzer {
    target: Target,
    choices: Choices,
    corpus: Vec<Vec<u8>>,
    seen: HashSet<u64>,
    folder: Option<PathBuf>,
    cases: u64,
}

impl Fuzzer {
    /// Begins with what an earlier run left in `folder`/corpus, if there is one.
    ///
    /// # Errors
    ///
    /// If the folder cannot be made or read.
    pub fn new(target: &Target, seed: u64, folder: Option<&Path>) -> io::Result<Self> {
        let mut fuzzer = Self {
            target: *target,
            choices: Choices::new(seed),
            corpus: Vec::new(),
            seen: HashSet::new(),
            folder: folder.map(Path::to_owned),
            cases: 0,
        };
        let Some(folder) = folder else { return Ok(fuzzer) };
        for part in ["corpus", "failures"] {
            fs::create_dir_all(folder.join(part))?;
        }
        let mut files = fs::read_dir(folder.join("corpus"))?
            .map(|entry| entry.map(|entry| entry.path()))
            .collect::<io::Result<Vec<_>>>()?;
        files.sort();
        for file in files.iter().take(CORPUS_MAX) {
            let input = fs::read(file)?;
            let mut seen = Seen::default();
            // One that fails now is left to be found again.
            if run(target, &input, &mut seen).is_ok() && fuzzer.is_new(&seen) {
                fuzzer.corpus.push(input);
            }
        }
        Ok(fuzzer)
    }

    /// Runs so many cases.
    ///
    /// # Errors
    ///
    /// If something cannot be written.
    pub fn cases(&mut self, cases: u64) -> io::Result<Summary> {
        let end = self.cases.saturating_add(cases);
        self.until(|fuzzer| fuzzer.cases >= end)
    }

    /// Runs for so long, and says what there is to say every ten seconds.
    ///
    /// # Errors
    ///
    /// If something cannot be written.
    pub fn seconds(&mut self, seconds: u64, mut say: impl FnMut(&Summary)) -> io::Result<Summary> {
        let start = Instant::now();
        let mut said = start;
        self.until(|fuzzer| {
            if said.elapsed() >= Duration::from_secs(10) {
                said = Instant::now();
                say(&fuzzer.summary());
            }
            start.elapsed() >= Duration::from_secs(seconds)
        })
    }

    fn summary(&self) -> Summary {
        Summary { cases: self.cases, corpus: self.corpus.len(), behaviours: self.seen.len(), failure: None }
    }

    fn until(&mut self, mut done: impl FnMut(&Self) -> bool) -> io::Result<Summary> {
        while !done(self) {
            let input = self.input();
            let mut seen = Seen::default();
            self.cases += 1;
            if let Err(message) = run(&self.target, &input, &mut seen) {
                let failure = Some(self.failed(input, message)?);
                return Ok(Summary { failure, ..self.summary() });
            }
            if self.is_new(&seen) && self.corpus.len() < CORPUS_MAX {
                self.write("corpus", &input)?;
                self.corpus.push(input);
            }
        }
        Ok(self.summary())
    }

    /// The next input: by chance one in eight times, else one of the corpus, changed.
    fn input(&mut self) -> Vec<u8> {
        let choices = &mut self.choices;
        if self.corpus.is_empty() || choices.below(8) == 0 {
            let length = choices.below(self.target.bytes_max);
            return choices.bytes(length);
        }
        let (one, other) = (choices.below(self.corpus.len()), choices.below(self.corpus.len()));
        mutated(&self.corpus[one], &self.corpus[other], choices, self.target.bytes_max)
    }

    fn is_new(&mut self, seen: &Seen) -> bool {
        let before = self.seen.len();
        self.seen.extend(&seen.0);
        self.seen.len() > before
    }

    /// Leaves out what is not needed to fail in the same way, in ever smaller parts.
    fn failed(&self, input: Vec<u8>, message: String) -> io::Result<Failure> {
        let mut failure = Failure { input, message, file: None };
        let mut part = failure.input.len().div_ceil(2);
        let mut tries = 0;
        while part > 0 {
            let mut at = 0;
            while at < failure.input.len() && tries < SHORTENING_TRIES {
                tries += 1;
                let end = (at + part).min(failure.input.len());
                let shorter = [&failure.input[..at], &failure.input[end..]].concat();
                match run(&self.target, &shorter, &mut Seen::default()) {
                    Err(message) if first_line(&message) == first_line(&failure.message) => {
                        failure.input = shorter;
                        failure.message = message;
                    }
                    _ => at = end,
                }
            }
            part /= 2;
        }
        failure.file = self.write("failures", &failure.input)?;
        Ok(failure)
    }

    fn write(&self, part: &str, input: &[u8]) -> io::Result<Option<PathBuf>> {
        let Some(folder) = &self.folder else { return Ok(None) };
        let file = folder.join(part).join(const_hex::encode(&blake2_256(input)[..8]));
        fs::write(&file, input)?;
        Ok(Some(file))
    }
}

/// Assertions differ in their values from input to input, but not in what they say first.
fn first_line(message: &str) -> &str {
    message.lines().next().unwrap_or_default()
}

/// Runs the target once; the message of its panic.
fn run(target: &Target, input: &[u8], seen: &mut Seen) -> Result<(), String> {
    catch_unwind(AssertUnwindSafe(|| (target.run)(input, seen))).map_err(|payload| message(&*payload))
}

fn message(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<String>().cloned();
    text.or_else(|| payload.downcast_ref::<&str>().map(ToString::to_string)).unwrap_or_default()
}

#[cfg(test)]
mod tests;
