//! Instances that wait for the next run of their code, so that it need not make one.
//!
//! A run may change three things of its instance: the contents of its memory, the size of its memory, and its globals that can
//! be set, all of which the rewritten module exports. Tables and segments stay, since contracts have the Wasm of 1.0. An
//! instance is kept only if its run ended well and left the memory as large as it was; then contents and globals become what
//! they were before the first run, and no run can tell such an instance from a new one.

use std::sync::{
    Mutex, PoisonError, TryLockError,
    atomic::{AtomicU64, Ordering},
};

use wasmtime::{Error, Global, Instance, Memory, Store, TypedFunc, Val};

use super::compiled::{PAGE_BYTES, State};

/// How much of a memory is cleared by writing zeros; with more, an instance is not kept. Contracts begin with two pages.
pub(super) const RESIDENT_BYTES: usize = 2 * PAGE_BYTES;

/// Instances that wait, of all codes: some for each of many threads, and few enough to look through.
const KEPT_MAX: u32 = 128;

/// Globals of a contract that are put back one by one: compilers make one to three.
pub(super) const GLOBALS_MAX: usize = 8;

/// Contents of a memory before the first run.
pub(super) struct Image {
    bytes: usize,
    /// What is not zero, and where.
    parts: Vec<(usize, Box<[u8]>)>,
}

impl Image {
    /// The unit in which is looked for what is not zero.
    const CHUNK_BYTES: usize = 64;

    pub(super) fn of(memory: &[u8]) -> Self {
        let mut parts: Vec<(usize, Vec<u8>)> = Vec::new();
        for (at, chunk) in (0..).step_by(Self::CHUNK_BYTES).zip(memory.chunks(Self::CHUNK_BYTES)) {
            if chunk.iter().all(|byte| *byte == 0) {
                continue;
            }
            match parts.last_mut() {
                Some((start, part)) if *start + part.len() == at => part.extend(chunk),
                _ => parts.push((at, chunk.to_vec())),
            }
        }
        let parts = parts.into_iter().map(|(at, part)| (at, part.into())).collect();
        Self { bytes: memory.len(), parts }
    }

    /// Makes a memory what it was; `false` if it cannot.
    fn restore(&self, memory: &mut [u8]) -> bool {
        if memory.len() != self.bytes || self.bytes > RESIDENT_BYTES {
            return false;
        }
        memory.fill(0);
        self.parts.iter().all(|(at, part)| {
            let place = memory.get_mut(*at..).and_then(|rest| rest.get_mut(..part.len()));
            place.map(|place| place.copy_from_slice(part)).is_some()
        })
    }
}

/// An instance, and what a run needs of it.
pub(super) struct Ready {
    pub(super) store: Store<State>,
    pub(super) memory: Memory,
    pub(super) fuel: Global,
    pub(super) stack: Global,
    pub(super) start: Option<TypedFunc<(), ()>>,
    pub(super) call: TypedFunc<(), ()>,
    pub(super) deploy: TypedFunc<(), ()>,
    /// What a run may change, [`Ready::fuel`] apart, which each run sets; `None` if it is too much to put back.
    globals: Option<Vec<(Global, Val)>>,
}

impl Ready {
    /// Of a new instance, which the store holds.
    pub(super) fn new(mut store: Store<State>, instance: &Instance, names: &Names) -> Result<Self, Error> {
        let missing = |name: &str| Error::msg(format!("a rewritten module has no {name}"));
        let memory = instance.get_memory(&mut store, names.memory).ok_or_else(|| missing(names.memory))?;
        let mut global = |name: &str| instance.get_global(&mut store, name).ok_or_else(|| missing(name));
        let (fuel, stack) = (global(names.fuel)?, global(names.stack)?);
        let mut globals = Vec::new();
        for name in names.globals.iter().flatten() {
            globals.push(global(name)?);
        }
        let start = match names.start {
            Some(name) => Some(instance.get_typed_func(&mut store, name)?),
            None => None,
        };
        let call = instance.get_typed_func(&mut store, names.call)?;
        let deploy = instance.get_typed_func(&mut store, names.deploy)?;
        let globals = names.globals.as_ref().map(|_| {
            globals.push(stack);
            globals.into_iter().map(|global| (global, global.get(&mut store))).collect()
        });
        Ok(Self { store, memory, fuel, stack, start, call, deploy, globals })
    }

    /// Makes it what it was before its first run; `false` if it cannot.
    fn restore(&mut self, image: &Image) -> bool {
        let Some(globals) = &self.globals else { return false };
        image.restore(self.memory.data_mut(&mut self.store))
            && globals.iter().all(|(global, value)| global.set(&mut self.store, *value).is_ok())
    }
}

/// What a rewritten module exports.
pub(super) struct Names {
    pub(super) memory: &'static str,
    pub(super) fuel: &'static str,
    pub(super) stack: &'static str,
    pub(super) start: Option<&'static str>,
    pub(super) call: &'static str,
    pub(super) deploy: &'static str,
    /// The contract's own globals that can be set; `None` if they are more than [`GLOBALS_MAX`].
    pub(super) globals: Option<Vec<String>>,
}

/// The instances that wait, the one that was used last at the end.
pub(super) struct Kept {
    idle: Mutex<Vec<(u64, Box<Ready>)>>,
    most: usize,
    codes: AtomicU64,
    /// Runs in an instance that was kept.
    reused: AtomicU64,
}

impl Kept {
    /// Of a pool of so many instances.
    pub(super) fn new(instances: u32) -> Self {
        Self {
            idle: Mutex::default(),
            most: instances.min(KEPT_MAX) as usize,
            codes: AtomicU64::new(0),
            reused: AtomicU64::new(0),
        }
    }

    /// A number for one more code.
    pub(super) fn enter(&self) -> u64 {
        self.codes.fetch_add(1, Ordering::Relaxed)
    }

    pub(super) fn reused(&self) -> u64 {
        self.reused.load(Ordering::Relaxed)
    }

    /// An instance of this code, if one waits. Nobody waits for another thread here: a new instance takes a microsecond.
    pub(super) fn take(&self, code: u64) -> Option<Box<Ready>> {
        let mut idle = self.idle.try_lock().ok()?;
        let at = idle.iter().rposition(|(of, _)| *of == code)?;
        self.reused.fetch_add(1, Ordering::Relaxed);
        Some(idle.remove(at).1)
    }

    /// Keeps an instance whose run ended well, if it can be made what it was.
    pub(super) fn keep(&self, code: u64, mut ready: Box<Ready>, image: &Image) {
        if !ready.restore(image) {
            return;
        }
        let oldest = match self.idle.try_lock() {
            Ok(mut idle) => {
                let oldest = (idle.len() >= self.most).then(|| idle.remove(0));
                idle.push((code, ready));
                oldest
            }
            Err(TryLockError::WouldBlock | TryLockError::Poisoned(_)) => None,
        };
        // Given back to the pool when others may go on.
        drop(oldest);
    }

    #[cfg(test)]
    pub(super) fn waiting(&self) -> usize {
        self.idle.lock().map_or(0, |idle| idle.len())
    }

    /// Gives all back to the pool; `false` if there are none.
    pub(super) fn give_back(&self) -> bool {
        let idle = std::mem::take(&mut *self.idle.lock().unwrap_or_else(PoisonError::into_inner));
        !idle.is_empty()
    }

    /// Gives back those of a code that is no longer known.
    pub(super) fn forget(&self, code: u64) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let forgotten: Vec<_> = idle.extract_if(.., |(of, _)| *of == code).collect();
        drop(idle);
        drop(forgotten);
    }
}
