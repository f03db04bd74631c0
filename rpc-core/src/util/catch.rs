//! Runs code of the application whose panics must not harm the caller.

use std::any::Any;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::thread_local;

use crate::util::escaped::Escaped;
use crate::util::excerpt::start;

thread_local! {
    /// Whether the panics of the code that runs on this thread are caught, for code that runs outside of a connection.
    static IS_CAUGHT: Cell<bool> = const { Cell::new(false) };
}

/// Returns whether the panics of the code that runs on this thread are caught.
pub(crate) fn is_caught() -> bool {
    IS_CAUGHT.try_with(Cell::get).unwrap_or_default()
}

/// Runs code whose panic the caller catches. The panic hook then reports a panic in one line.
pub fn caught<R>(run: impl FnOnce() -> R) -> R {
    struct Restore(bool);
    impl Drop for Restore {
        fn drop(&mut self) {
            IS_CAUGHT.with(|is_caught| is_caught.set(self.0));
        }
    }
    let _restore = Restore(IS_CAUGHT.with(|is_caught| is_caught.replace(true)));
    run()
}

/// Runs a future as `caught` runs a function, on all threads that poll the future.
pub async fn caught_future<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    std::future::poll_fn(|cx| caught(|| future.as_mut().poll(cx))).await
}

/// Drops a value of the application, whose destructor may panic.
pub(crate) fn drop_quietly<T>(value: T) {
    quietly(|| drop(value));
}

/// Runs code that drops values of the application, whose destructors may panic.
pub(crate) fn quietly(run: impl FnOnce()) {
    if let Err(panic) = catch_unwind(AssertUnwindSafe(run)) {
        // The panic payload is leaked, since dropping the payload may panic again.
        std::mem::forget(panic);
    }
}

/// How many bytes of a panic's text are reported.
const TEXT: usize = 1024;

/// Returns the text of a panic, shortened: the text may repeat a long value that a peer has sent.
pub(crate) fn text(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| payload.downcast_ref::<&str>().copied());
    start(Escaped(text.unwrap_or("no text")), TEXT)
}
