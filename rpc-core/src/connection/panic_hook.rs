//! Log lines for panics that the connection catches, since a peer may cause many of them.

use std::panic::{self, PanicHookInfo};

use crate::service::current;
use crate::util::catch::{is_caught, text};
use crate::util::log_throttle::LogThrottleEach;

/// Sets a panic hook that logs panics of the application's code that a connection runs: handlers, streams, layers and
/// hooks. Other panics go to the hook that was set before.
///
/// A panic is logged with [`tracing`] at the level `error`, at most once in ten seconds for each source line.
/// `left_out` counts the panics that were not logged. The log has the first 1,024 bytes of the panic's message, with
/// line breaks and control characters escaped.
///
/// Call it once, at the start of a server that strangers can reach. A panic in a handler ends one call and nothing
/// else, so a peer that finds a panic can repeat it at will. The default hook prints each panic, with a backtrace if
/// `RUST_BACKTRACE` is set: that takes milliseconds and can fill a disk.
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
