//! The files that decide are free of tasks, clocks, locks and sockets: anyone can test them with
//! plain values, and put them on another runtime.

use std::fs;
use std::path::Path;

/// The sans-io files, as the crate's documentation marks them.
const PURE: &[&str] = &[
    "answer.rs",
    "args.rs",
    "batches.rs",
    "binary.rs",
    "call_error.rs",
    "calls.rs",
    "calls/ids.rs",
    "close.rs",
    "complaint.rs",
    "scan.rs",
    "scratch.rs",
    "deadlines.rs",
    "dialect.rs",
    "envelope.rs",
    "error.rs",
    "error_data.rs",
    "extras.rs",
    "goaway.rs",
    "harmless.rs",
    "hello.rs",
    "id.rs",
    "invalid.rs",
    "key.rs",
    "life.rs",
    "limits.rs",
    "method.rs",
    "notifications.rs",
    "ordered.rs",
    "once/table.rs",
    "once/table/marks.rs",
    "once/table/owner.rs",
    "once/table/pool.rs",
    "outbox.rs",
    "outgoing.rs",
    "outgoing/within.rs",
    "params.rs",
    "params/token.rs",
    "protocol.rs",
    "protocol/arguments.rs",
    "protocol/held.rs",
    "protocol/calling.rs",
    "protocol/ending.rs",
    "protocol/gathering.rs",
    "protocol/greeting.rs",
    "protocol/handling.rs",
    "protocol/lending.rs",
    "protocol/mcp.rs",
    "protocol/offering.rs",
    "protocol/parking.rs",
    "protocol/progress.rs",
    "protocol/receiving.rs",
    "protocol/sending.rs",
    "protocol/standing.rs",
    "protocol/subscribing.rs",
    "protocol/unanswered.rs",
    "protocol/wronging.rs",
    "rates.rs",
    "reserved.rs",
    "subscriptions/item.rs",
    "subscriptions/early.rs",
    "subscriptions/offered.rs",
    "subscriptions/taken.rs",
    "router_error.rs",
    "serving.rs",
    "stream_params.rs",
    "target.rs",
    "trace.rs",
    "stats.rs",
    "validate.rs",
    "websocket/frames.rs",
    "websocket/fragments.rs",
    "websocket/incoming.rs",
];

const IMPURE: &[&str] =
    &["tokio::", ".await", "Mutex", "Instant", "async ", "std::net", "Atomic", "tracing::"];

#[test]
fn the_pure_files_are_pure() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for file in PURE {
        let text = fs::read_to_string(source.join(file)).unwrap_or_else(|e| panic!("{file}: {e}"));
        for (number, line) in text.lines().enumerate() {
            let code = line.split("//").next().unwrap_or_default();
            for word in IMPURE {
                assert!(!code.contains(word), "{file}:{}: `{word}` in: {line}", number + 1);
            }
        }
    }
}
