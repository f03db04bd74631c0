//! The cases, and the figures that are shown of each.

/// Chunks are counted by their bytes.
const CHUNK: u64 = 64 * 1024;

/// Milliseconds in each direction, for a round trip of 100.
const LONG: u64 = 50;

pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) title: &'static str,
    /// The name by which the programs know it, and its two numbers.
    pub(crate) plays: &'static str,
    pub(crate) numbers: [u64; 2],
    /// Of a line between both ends; 0 if there is none.
    pub(crate) delay_ms: u64,
    /// How much of what was counted is one piece.
    pub(crate) piece: u64,
    pub(crate) figures: &'static [Figure],
}

#[derive(Clone, Copy)]
pub(crate) enum Figure {
    ServerCpu,
    ClientCpu,
    /// Pieces in a second.
    Rate,
    /// MB in a second, of what is counted by its bytes.
    Megabytes,
    ServerBytes,
    ClientBytes,
}

use Figure::{ClientBytes, ClientCpu, Megabytes, Rate, ServerBytes, ServerCpu};

pub(crate) fn all(quick: bool) -> Vec<Case> {
    let less = if quick { 10 } else { 1 };
    // Quick or not, windows need some round trips to grow; the whole looks at the seconds 3 to 10.
    let long = if quick { [1000, 1000] } else { [3000, 7000] };
    let mut cases = calls(less);
    cases.extend(streams(less, long));
    cases.extend(many(less));
    cases
}

fn case(name: &'static str, title: &'static str, plays: &'static str, numbers: [u64; 2]) -> Case {
    Case {
        name,
        title,
        plays,
        numbers,
        delay_ms: 0,
        piece: 1,
        figures: &[ServerCpu, ClientCpu, Rate],
    }
}

fn calls(less: u64) -> Vec<Case> {
    vec![
        case("w1", "call, 1 at a time", "call", [1, 5000 / less]),
        case("w16", "call, 16 at once", "call", [16, 20_000 / less]),
        case("w256", "call, 256 at once", "call", [256, 40_000 / less]),
    ]
}

fn streams(less: u64, long: [u64; 2]) -> Vec<Case> {
    let while_ms = [500 / less.min(5), 2000 / less];
    let chunks = |name, title, plays| Case {
        piece: CHUNK,
        figures: &[ServerCpu, ClientCpu, Megabytes],
        ..case(name, title, plays, while_ms)
    };
    let far = |name, title, plays| Case {
        piece: CHUNK,
        delay_ms: LONG,
        figures: &[Megabytes],
        ..case(name, title, plays, long)
    };
    vec![
        case("items-down", "small items from the server", "items-down", while_ms),
        case("items-up", "small items from the client", "items-up", while_ms),
        chunks("chunks-down", "chunks of 64 KiB from the server", "chunks-down"),
        chunks("chunks-up", "chunks of 64 KiB from the client", "chunks-up"),
        far("far-down", "the same from the server, round trip of 100 ms", "chunks-down"),
        far("far-up", "the same from the client, round trip of 100 ms", "chunks-up"),
    ]
}

fn many(less: u64) -> Vec<Case> {
    let cpu: &[Figure] = &[ServerCpu, ClientCpu];
    vec![
        Case {
            figures: cpu,
            ..case("push", "push to 1,000, 16 at a time", "push", [1000, 20 / less])
        },
        Case {
            figures: cpu,
            ..case("connect", "connect, first call, close", "connect", [50, 1000 / less])
        },
        Case {
            figures: &[ServerBytes, ClientBytes],
            ..case("idle", "idle connection", "idle", [50, 1000])
        },
    ]
}
