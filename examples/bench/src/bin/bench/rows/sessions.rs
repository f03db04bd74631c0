//! Rows of connections that outlive their links, to the same without a session.

use crate::probe::{Calls, Load, Measure, Probe, Quantile};
use crate::programs::{Client, Server};
use crate::row::{Row, Target, Unit};

use super::load;

/// Calls of a client that asks for a session, one outstanding or 256. A server that grants none is called in the same
/// way.
pub(crate) const CALLS: [Load; 2] =
    [load("call --window 1 --session", 4000, 0), load("call --window 256 --session", 20_000, 0)];

/// The most instructions of a call with a session, to the same without.
pub(crate) const INSTRUCTIONS: f64 = 1.05;

/// How many allocations more a call with a session makes. The memory of what is kept is not used again at once, so that
/// other memory is needed now and then.
pub(crate) const ALLOCATIONS: f64 = 0.1;

/// How much longer the first answer takes over a link that resumes than over a new one, in nanoseconds.
const RESUME: f64 = 2e6;

pub(super) fn all(less: u64) -> Vec<Row> {
    let [one, many] = CALLS;
    let mut rows = vec![
        instructions("session-w1", "server with a session, 1 outstanding, instructions", one),
        instructions("session-w256", "server with a session, 256 outstanding, instructions", many),
        allocations(
            "session-allocations-w1",
            "server with a session, 1 outstanding, allocations",
            one,
        ),
        allocations(
            "session-allocations-w256",
            "server with a session, 256 outstanding, allocations",
            many,
        ),
        client("session-client-w1", "client with a session, 1 outstanding, instructions", 1, 4000),
        client(
            "session-client-w256",
            "client with a session, 256 outstanding, instructions",
            256,
            20_000,
        ),
    ];
    rows.extend(links(less));
    rows
}

fn row(
    name: &'static str,
    title: &'static str,
    (unit, target): (Unit, Target),
    [ours, least]: [Probe; 2],
) -> Row {
    Row { name, title, unit, target, ours, least, jsonrpsee: None }
}

fn instructions(name: &'static str, title: &'static str, load: Load) -> Row {
    let probes = [Server::Sessions, Server::Ours].map(|server| Probe::Instructions(server, load));
    row(name, title, (Unit::Instructions, Target::Ratio(INSTRUCTIONS)), probes)
}

fn allocations(name: &'static str, title: &'static str, load: Load) -> Row {
    let probes = [Server::Sessions, Server::Ours].map(|server| Probe::Allocations(server, load));
    row(name, title, (Unit::Allocations, Target::More(ALLOCATIONS)), probes)
}

fn client(name: &'static str, title: &'static str, window: u64, count: u64) -> Row {
    let ends = [(Client::Session, Server::Sessions), (Client::Ours, Server::Ours)];
    let probe =
        |(client, server)| Probe::ClientInstructions(client, server, Calls { window, count });
    row(name, title, (Unit::Instructions, Target::Ratio(INSTRUCTIONS)), ends.map(probe))
}

/// Links that take the place of others.
fn links(less: u64) -> Vec<Row> {
    let probes = |[ours, least]: [&'static str; 2], count, quantile| {
        let measure = |mode| Measure { mode, count, quantile };
        [Probe::Time(Server::Sessions, measure(ours)), Probe::Time(Server::Ours, measure(least))]
    };
    let cuts = |quantile| probes(["cut", "connect"], 1000 / less, quantile);
    let kept = probes(["replay", "send"], 100 / less, Quantile::Median);
    let time = |target| (Unit::Nanoseconds, target);
    vec![
        row(
            "session-resume",
            "first answer after a cut under load, to connect and first call",
            time(Target::More(RESUME)),
            cuts(Quantile::Median),
        ),
        row(
            "session-resume-p99",
            "first answer after a cut under load, to connect and first call, p99",
            time(Target::None),
            cuts(Quantile::Last),
        ),
        row(
            "session-replay",
            "1 MiB that was kept and is sent again, to the same sent once",
            time(Target::Ratio(1.0)),
            kept,
        ),
    ]
}
