//! All curves.

use super::{Curve, Point};
use crate::probe::{Load, Probe};
use crate::programs::Server;
use crate::row::Unit;

/// A point whose cost is counted beside the least.
fn beside(label: &'static str, words: &'static str, count: u64, pieces: f64) -> Point {
    beside_of(Server::Reference, label, words, count, pieces)
}

fn beside_of(
    server: Server,
    label: &'static str,
    words: &'static str,
    count: u64,
    pieces: f64,
) -> Point {
    let load = Load { words, count, warm_up: 0 };
    let least = Some(Probe::Instructions(Server::Floor, load));
    Point { label, ours: Probe::Instructions(server, load), least, pieces }
}

/// A point of what the least does not have.
fn alone(label: &'static str, words: &'static str, count: u64, pieces: f64) -> Point {
    let load = Load { words, count, warm_up: 0 };
    Point { label, ours: Probe::Instructions(Server::Roomy, load), least: None, pieces }
}

/// Connections that are held idle, after some that made the server set up what all of them share.
fn held(label: &'static str, count: u64) -> Point {
    let load = Load { words: "idle", count, warm_up: 10 };
    let resident = |server| Probe::Resident(server, load);
    Point {
        label,
        ours: resident(Server::Roomy),
        least: Some(resident(Server::Floor)),
        pieces: 1.0,
    }
}

pub(super) fn curves() -> Vec<Curve> {
    let counted =
        |name, title, shape, points| Curve { name, title, shape, unit: Unit::Instructions, points };
    vec![
        counted(
            "outstanding",
            "Outstanding calls on a connection",
            "it falls until the wake-ups and system calls are shared by many, and stays there.",
            vec![
                beside("1", "call --window 1", 4000, 1.0),
                beside("4", "call --window 4", 8000, 1.0),
                beside("16", "call --window 16", 8000, 1.0),
                beside("64", "call --window 64", 20_000, 1.0),
                beside("256", "call --window 256", 20_000, 1.0),
                beside("1,024", "call --window 1024", 40_000, 1.0),
                beside("4,096", "call --window 4096", 80_000, 1.0),
            ],
        ),
        counted(
            "connections",
            "Busy connections, one call outstanding on each",
            "flat: a connection knows nothing of the others.",
            vec![
                beside("10", "call --connections 10", 10_000, 1.0),
                beside("100", "call --connections 100", 10_000, 1.0),
                beside("1,000", "call --connections 1000", 10_000, 1.0),
                // As many as come to whole calls for each connection.
                beside_of(Server::Roomy, "10,000", "call --connections 10000", 20_000, 1.0),
            ],
        ),
        Curve {
            name: "idle",
            title: "Idle connections, resident memory for each",
            shape: "it falls to what one needs, as the pages that all share are counted for few.",
            unit: Unit::Bytes,
            points: vec![held("100", 100), held("1,000", 1000), held("9,900", 9900)],
        },
        counted(
            "bytes",
            "Length of an echoed message",
            "flat while the envelope is the larger part, then a straight line in the bytes; ours flatter than the \
             least, which reads a value twice.",
            vec![
                beside("80", "call --method echo --bytes 80", 2000, 1.0),
                beside("1,024", "call --method echo --bytes 1024", 2000, 1.0),
                beside("4,096", "call --method echo --bytes 4096", 2000, 1.0),
                beside("16,384", "call --method echo --bytes 16384", 1000, 1.0),
                beside("65,536", "call --method echo --bytes 65536", 500, 1.0),
                beside("262,144", "call --method echo --bytes 262144", 200, 1.0),
                beside("1,048,576", "call --method echo --bytes 1048576", 50, 1.0),
                beside_of(
                    Server::Roomy,
                    "4,194,304",
                    "call --method echo --bytes 4194304",
                    20,
                    1.0,
                ),
            ],
        ),
        counted(
            "batch",
            "Members of a batch, for each member",
            "it falls as the members share a message, and stays there from about 30 on.",
            vec![
                beside("1", "batch --burst 1", 2000, 1.0),
                beside("10", "batch --burst 10", 1000, 10.0),
                beside("30", "batch --burst 30", 1000, 30.0),
                beside("100", "batch --burst 100", 500, 100.0),
            ],
        ),
        counted(
            "members",
            "Members of a group that is published to, for each message",
            "it falls as the members share the reading and writing of the text, and stays there.",
            vec![
                beside("1", "fanout --connections 1", 500, 1.0),
                beside("10", "fanout --connections 10", 500, 10.0),
                beside("100", "fanout --connections 100", 200, 100.0),
                beside("300", "fanout --connections 300", 100, 300.0),
            ],
        ),
        counted(
            "groups",
            "Groups that a connection is in, for each message to one of them",
            "flat: a message finds the members of its group, and asks no other.",
            vec![
                alone("1", "fanout --groups 1", 2000, 1.0),
                alone("100", "fanout --groups 100", 2000, 1.0),
                alone("10,000", "fanout --groups 10000", 2000, 1.0),
            ],
        ),
        counted(
            "subscriptions",
            "Busy subscriptions of a connection, for each item",
            "flat, or falling: the streams that are ready share the turns.",
            vec![
                alone("1", "items --streams 1", 20_000, 1.0),
                alone("10", "items --streams 10", 20_000, 1.0),
                alone("100", "items --streams 100", 20_000, 1.0),
                alone("1,000", "items --streams 1000", 20_000, 1.0),
                alone("10,000", "items --streams 10000", 40_000, 1.0),
            ],
        ),
        counted(
            "subscribers",
            "Connections with a busy subscription each, for each item",
            "flat: a connection knows nothing of the others.",
            vec![
                alone("1", "items --connections 1", 20_000, 1.0),
                alone("100", "items --connections 100", 20_000, 1.0),
                alone("1,000", "items --connections 1000", 20_000, 1.0),
                alone("10,000", "items --connections 10000", 40_000, 1.0),
            ],
        ),
        counted(
            "layers",
            "Layers around a call",
            "a straight line: each layer is a future in a box, and looks at the outcome.",
            [0, 1, 2, 4, 8]
                .into_iter()
                .zip(["0", "1", "2", "4", "8"])
                .map(|(layers, label)| {
                    beside_of(Server::Layers(layers), label, "call --window 256", 20_000, 1.0)
                })
                .collect(),
        ),
        counted(
            "nesting",
            "Calls within calls, for each level",
            "flat: a call that waits for another costs nothing meanwhile.",
            vec![
                alone("2", "nest --depth 2", 1000, 2.0),
                alone("10", "nest --depth 10", 400, 10.0),
                alone("100", "nest --depth 100", 40, 100.0),
                alone("500", "nest --depth 500", 10, 500.0),
            ],
        ),
    ]
}
