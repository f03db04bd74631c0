//! Code of the application's, whose panics must not harm what calls that code.

use std::any::Any;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::thread_local;

use crate::util::escaped::Escaped;
use crate::util::excerpt::start;

thread_local! {
    /// Whether a panic of what this thread runs is caught, where no connection tells.
    static IS_CAUGHT: Cell<bool> = const { Cell::new(false) };
}

/// Whether a panic of what this thread runs is caught.
pub(crate) fn is_caught() -> bool {
    IS_CAUGHT.try_with(Cell::get).unwrap_or_default()
}

/// Runs something whose panic is caught by the caller: the hook of panics then tells of the panic in one line.
pub(crate) fn caught<R>(run: impl FnOnce() -> R) -> R {
    struct Restore(bool);
    impl Drop for Restore {
        fn drop(&mut self) {
            IS_CAUGHT.with(|is_caught| is_caught.set(self.0));
        }
    }
    let _restore = Restore(IS_CAUGHT.with(|is_caught| is_caught.replace(true)));
    run()
}

/// The same of a future, whichever threads poll it.
pub async fn caught_future<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    std::future::poll_fn(|cx| caught(|| future.as_mut().poll(cx))).await
}

/// Drops a value of the application's, whose destructor may panic.
pub(crate) fn drop_quietly<T>(value: T) {
    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| drop(value))) {
        // Whoever panics with a payload that panics when dropped gets it leaked.
        std::mem::forget(panic);
    }
}

/// So many bytes of a panic's text are told.
const TEXT: usize = 1024;

/// The text of a panic. It may repeat what a peer sent, and as much of it.
pub(crate) fn text(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| payload.downcast_ref::<&str>().copied());
    start(Escaped(text.unwrap_or("no text")), TEXT)
}
