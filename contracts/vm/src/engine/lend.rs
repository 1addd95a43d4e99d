//! Lends a host to an engine for the length of one run.
//!
//! An engine keeps what its host functions use in a store whose type may not borrow, so the host cannot be in there. It is put
//! into a slot of the running thread instead, for as long as the run lasts.
#![expect(
    unsafe_code,
    reason = "a borrow is kept where its lifetime cannot be written; argued at the two places"
)]

use std::{cell::Cell, ptr::NonNull};

use crate::Host;

thread_local! {
    /// The host of the innermost run of this thread; empty while that host is at work.
    static LENT: Cell<Option<NonNull<dyn Host>>> = const { Cell::new(None) };
}

/// Puts back what was there before, however the scope ends.
struct Restore(Option<NonNull<dyn Host>>);

impl Drop for Restore {
    fn drop(&mut self) {
        LENT.set(self.0);
    }
}

/// Runs `run`, inside which [`with`] reaches `host`.
pub(crate) fn lend<R>(host: &mut dyn Host, run: impl FnOnce() -> R) -> R {
    let host: NonNull<dyn Host + '_> = NonNull::from(host);
    // SAFETY: only the lifetime changes. The pointer is in `LENT` alone, and `Restore` takes it out before `lend`, and with it
    // the borrow of `host`, ends, also by a panic; nothing can forget `_restore`. A thread's slot is its own, so no other
    // thread sees it.
    let host = unsafe { std::mem::transmute::<NonNull<dyn Host + '_>, NonNull<dyn Host + 'static>>(host) };
    let _restore = Restore(LENT.replace(Some(host)));
    run()
}

/// Gives the host of the innermost run of this thread to `work`: `None` if there is none, or if it is at work already.
pub(super) fn with<R>(work: impl FnOnce(&mut dyn Host) -> R) -> Option<R> {
    let mut host = LENT.take()?;
    let _restore = Restore(Some(host));
    // SAFETY: it was made from a `&mut` that is borrowed until `lend` returns, which has this call inside it, and `lend` does
    // not use it meanwhile. It was taken out of the slot, so until `_restore` puts it back no second reference can be made:
    // a nested `lend` brings its own host and leaves the slot empty, as it found it.
    Some(work(unsafe { host.as_mut() }))
}
