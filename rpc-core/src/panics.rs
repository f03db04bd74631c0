//! What is said of panics that harm nobody, and that a peer may cause at will.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::panic::{self, PanicHookInfo};
use std::pin::pin;
use std::thread_local;

use crate::current;
use crate::harmless::Harmless;
use crate::invalid::start;
use crate::seldom::Seldom;
use crate::sync::{Mutex, PoisonError};

thread_local! {
    /// Whether what this thread runs is left behind if it panics, where no connection tells.
    static CAUGHT: Cell<bool> = const { Cell::new(false) };
}

/// Has panics of handlers, streams, hooks and whatever else of the application's runs for a connection told by
/// [`tracing`], at the level `error`: of those from one line of the program one in ten seconds, with how many were
/// left out (`left_out`); of its text the first 1,024 bytes, with line breaks and control characters escaped. All others are for the hook that there was before.
///
/// Such a panic ends one call and nothing else, so whoever finds one can cause as many as it has time for; and
/// what a program has unless it says otherwise prints each, with all of its stack if `RUST_BACKTRACE` is set,
/// which takes milliseconds and fills a disk. To be called at the start of a server that strangers reach, once.
///
/// ```
/// rpc_core::set_panic_hook();
/// ```
pub fn set_panic_hook() {
    let before = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        if current::is_any() || CAUGHT.try_with(Cell::get).unwrap_or_default() {
            tell(info);
        } else {
            before(info);
        }
    }));
}

/// So many bytes of a panic's text are told.
const TEXT: usize = 1024;

/// File, line and column.
type Place = (String, u32, u32);

fn tell(info: &PanicHookInfo<'_>) {
    static SELDOM: Mutex<BTreeMap<Place, Seldom>> = Mutex::new(BTreeMap::new());
    let at = info.location().map(|at| (at.file().to_owned(), at.line(), at.column()));
    let at = at.unwrap_or_default();
    let left_out = {
        let mut seldom = SELDOM.lock().unwrap_or_else(PoisonError::into_inner);
        seldom.entry(at.clone()).or_insert_with(Seldom::new).may_say()
    };
    if let Some(left_out) = left_out {
        let (file, line, column) = at;
        let text = info.payload_as_str().unwrap_or(NO_TEXT);
        tracing::error!(left_out, at = %format_args!("{file}:{line}:{column}"), "a panic: {}", shown(text));
    }
}

const NO_TEXT: &str = "no text";

/// The text of a panic, which may repeat what a peer sent, and as much of it.
fn shown(text: &str) -> String {
    start(Harmless(text), TEXT)
}

/// Runs something whose panic is caught. For this crate and those beside it.
pub fn caught<R>(run: impl FnOnce() -> R) -> R {
    struct Restore(bool);
    impl Drop for Restore {
        fn drop(&mut self) {
            CAUGHT.with(|caught| caught.set(self.0));
        }
    }
    let _restore = Restore(CAUGHT.with(|caught| caught.replace(true)));
    run()
}

/// The same of a future, whichever threads poll it.
pub async fn caught_future<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    std::future::poll_fn(|cx| caught(|| future.as_mut().poll(cx))).await
}
