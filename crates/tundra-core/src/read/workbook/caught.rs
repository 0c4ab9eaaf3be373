//! Panics of other people's code that are taken for what they are, damage to a file.
//!
//! Start at [`caught`]. What is caught is told by whoever catches it, so that the message that a panic
//! prints is left out: nobody should read a list of functions above a sentence about his file.

use std::{
    cell::Cell,
    panic::{self, AssertUnwindSafe},
    sync::Once,
    thread,
};

thread_local! {
    /// Whether a panic of this thread is told by somebody else.
    static IS_TOLD: Cell<bool> = const { Cell::new(false) };
}

static HOOK: Once = Once::new();

/// Calls into code that panics where a file is damaged. Nothing of it may be used after that but to be
/// dropped.
pub(super) fn caught<T>(call: impl FnOnce() -> T) -> thread::Result<T> {
    HOOK.call_once(|| {
        let print = panic::take_hook();
        panic::set_hook(Box::new(move |panic| {
            if !IS_TOLD.get() {
                print(panic);
            }
        }));
    });
    let was_told = IS_TOLD.replace(true);
    let done = panic::catch_unwind(AssertUnwindSafe(call));
    IS_TOLD.set(was_told);
    done
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_a_result_and_the_next_one_is_told_again() {
        assert_eq!(caught(|| 7).unwrap(), 7);
        assert!(caught(|| ()).is_ok() && !IS_TOLD.get());
        let panicked = caught(|| {
            if IS_TOLD.get() {
                panic::panic_any(7_u8);
            }
        });
        assert_eq!(panicked.unwrap_err().downcast_ref(), Some(&7_u8));
        assert!(!IS_TOLD.get());
    }
}
