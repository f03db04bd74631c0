//! What is said of panics that harm nobody, and that a peer may cause at will.

use std::panic::{self, PanicHookInfo};

use crate::service::current;
use crate::util::catch::{is_caught, text};
use crate::util::log_throttle::LogThrottleEach;

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
        if current::is_any() || is_caught() {
            tell(info);
        } else {
            before(info);
        }
    }));
}

/// File, line and column.
type SourceLocation = (String, u32, u32);

fn tell(info: &PanicHookInfo<'_>) {
    static THROTTLE: LogThrottleEach<SourceLocation> = LogThrottleEach::new();
    let at = info.location().map(|at| (at.file().to_owned(), at.line(), at.column()));
    let (file, line, column) = at.unwrap_or_default();
    if let Some(left_out) = THROTTLE.allow((file.clone(), line, column)) {
        tracing::error!(left_out, at = %format_args!("{file}:{line}:{column}"), "a panic: {}", text(info.payload()));
    }
}
