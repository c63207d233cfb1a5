//! Panics of the program's own code that must go no further, and many values whose drops may panic.

use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs `work`. Its panic has been reported by the panic hook, and is forgotten.
pub(crate) fn contain(work: impl FnOnce()) {
    if let Err(payload) = catch_unwind(AssertUnwindSafe(work)) {
        // It may panic once more when it is dropped; what comes of that is leaked.
        if let Err(second) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
            std::mem::forget(second);
        }
    }
}
