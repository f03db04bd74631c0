//! All rows, in the order of the table.

use bench::Checked;

use crate::machine;
use crate::probe::{Calls, Load, Probe, Quantile};
use crate::programs::{Client, Server};
use crate::row::{Row, Target, Unit};

pub(crate) mod sessions;

/// Files that the connections of the rows with a thousand need, and some more.
const FILES: u64 = 2048;

/// Connections that are held idle, if there may be so many open files.
const IDLE: u64 = 5000;

/// 256 calls outstanding: the case that is also counted in `--gate`.
pub(crate) const MANY: Load = load("call --window 256", 20_000, 0);

/// `quick` makes fewer calls.
pub(crate) fn all(quick: bool) -> Checked<Vec<Row>> {
    let files = machine::open_files()?;
    if files < FILES {
        return Err(format!("raise the limit on open files to {FILES}: `ulimit -n {FILES}`").into());
    }
    let less = if quick { 5 } else { 1 };
    let idle = if quick { 1000 } else { IDLE.min(files - 200) };
    let mut rows = few_and_many(less);
    rows.extend(counted());
    rows.extend(other_calls(less));
    rows.extend(pushes_and_connections(less));
    rows.extend(memory(idle));
    rows.extend(clients(less));
    rows.extend(events(less));
    rows.extend(sessions::all(less));
    Ok(rows)
}

const fn load(words: &'static str, count: u64, warm_up: u64) -> Load {
    Load { words, count, warm_up }
}

/// Processor time of a server.
fn server(name: &'static str, title: &'static str, ours: Server, load: Load, target: f64) -> Row {
    let cpu = |server| Probe::Cpu(server, load);
    Row {
        name,
        title,
        unit: Unit::Nanoseconds,
        target: Target::Ratio(target),
        ours: cpu(ours),
        least: cpu(Server::Floor),
        jsonrpsee: Some(cpu(Server::Jsonrpsee)),
    }
}

/// How long a call takes while a server is busy.
fn latency(name: &'static str, title: &'static str, load: Load, quantile: Quantile) -> Row {
    let probe = |server| Probe::Latency(server, load, quantile);
    Row {
        name,
        title,
        unit: Unit::Nanoseconds,
        target: Target::Ratio(1.1),
        ours: probe(Server::Reference),
        least: probe(Server::Floor),
        jsonrpsee: Some(probe(Server::Jsonrpsee)),
    }
}

fn few_and_many(less: u64) -> Vec<Row> {
    let add = |name, title, words, count| {
        server(name, title, Server::Reference, load(words, count / less, count / 50), 1.3)
    };
    let untimed = |row| Row { target: Target::None, ..row };
    vec![
        untimed(add("w1", "server, 1 outstanding, CPU", "call --window 1", 10_000)),
        untimed(add("w16", "server, 16 outstanding, CPU", "call --window 16", 100_000)),
        add("w256", "server, 256 outstanding, CPU", "call --window 256", 300_000),
    ]
}

fn counted() -> Vec<Row> {
    let instructions = |name, title, load, target| {
        let probe = |server| Probe::Instructions(server, load);
        Row {
            name,
            title,
            unit: Unit::Instructions,
            target: Target::Ratio(target),
            ours: probe(Server::Reference),
            least: probe(Server::Floor),
            jsonrpsee: Some(probe(Server::Jsonrpsee)),
        }
    };
    let sends = |server| Probe::Sends(server, MANY);
    let one = load("call --window 1", 2000, 0);
    let some = load("call --window 16", 8000, 0);
    vec![
        instructions("instructions-w1", "server, 1 outstanding, instructions", one, 1.1),
        instructions("instructions-w16", "server, 16 outstanding, instructions", some, 1.2),
        instructions("instructions-w256", "server, 256 outstanding, instructions", MANY, 1.3),
        Row {
            name: "sends",
            title: "server, 256 outstanding, sends per call",
            unit: Unit::Sends,
            target: Target::Absolute(0.02),
            ours: sends(Server::Reference),
            least: sends(Server::Floor),
            jsonrpsee: Some(sends(Server::Jsonrpsee)),
        },
    ]
}

fn other_calls(less: u64) -> Vec<Row> {
    let pause = load("call --method pause --window 256", 200_000 / less, 4000);
    let batch = load("batch --burst 100", 3000 / less, 50);
    let thousand = load("call --connections 1000", 50_000 / less, 2000);
    let long = load("call --method echo --bytes 65536", 4000 / less, 50);
    let timed = load("call --connections 1000 --latency", 50_000 / less, 2000);
    let longer = load("call --method echo --bytes 1048576", 400 / less, 5);
    let drive = load("drive --window 256", 200_000 / less, 4000);
    let reference = Server::Reference;
    vec![
        server("pause", "handler that suspends once, 256 outstanding", Server::Ours, pause, 1.6),
        server("batch", "batch of 100", reference, batch, 1.25),
        server("thousand", "1,000 connections, 1 outstanding each", reference, thousand, 1.1),
        latency("latency", "1,000 connections, latency of a call", timed, Quantile::Median),
        latency("latency-p99", "1,000 connections, latency of a call, p99", timed, Quantile::Last),
        server("echo-64k", "echo, message of 64 KiB", reference, long, 1.15),
        server("echo-1m", "echo, message of 1 MiB", reference, longer, 1.15),
        Row {
            least: Probe::Client(Client::Ours, Calls { window: 256, count: 200_000 / less }),
            jsonrpsee: None,
            ..server(
                "drive",
                "server calls client, 256 outstanding, to our client calling",
                Server::Ours,
                drive,
                1.1,
            )
        },
    ]
}

fn pushes_and_connections(less: u64) -> Vec<Row> {
    let tick = load("fanout --connections 1000", 50 / less, 3);
    let burst = load("fanout --connections 1000 --burst 16", 25 / less, 2);
    // Its calls run beside each other, also those that come one after the other.
    let unordered = Load { words: "fanout --connections 1000 --burst 16 --unordered", ..burst };
    let connect = load("connect", 1500 / less, 50);
    let reference = Server::Reference;
    vec![
        server("tick", "push to 1,000, one at a time", reference, tick, 1.1),
        Row {
            jsonrpsee: Some(Probe::Cpu(Server::Jsonrpsee, unordered)),
            ..server("burst", "push to 1,000, 16 at a time", reference, burst, 1.3)
        },
        server("connect", "connect, first call, close", reference, connect, 1.1),
    ]
}

fn memory(connections: u64) -> Vec<Row> {
    let row = |name, title, probe: fn(Server, Load) -> Probe, load, target| Row {
        name,
        title,
        unit: Unit::Bytes,
        target,
        ours: probe(Server::Reference, load),
        least: probe(Server::Floor, load),
        jsonrpsee: Some(probe(Server::Jsonrpsee, load)),
    };
    let most = Target::Absolute(8.0 * 1024.0);
    let (some, after) = (load("idle", 500, 0), load("idle --bytes 262144", 200, 0));
    let many = load("idle", connections, 50);
    let many_after = load("idle --bytes 262144", 1000, 50);
    let [title, after_title] =
        ["idle connection, allocated", "idle connection 3 s after a message of 256 KiB, allocated"];
    let [resident, after_resident] = [
        "idle connection, resident, with what the allocator keeps",
        "idle connection 3 s after a message of 256 KiB, resident",
    ];
    vec![
        row("idle", title, Probe::Heap, some, most),
        row("idle-after-large", after_title, Probe::Heap, after, most),
        row("idle-resident", resident, Probe::Resident, many, Target::None),
        row("idle-after-large-resident", after_resident, Probe::Resident, many_after, Target::None),
    ]
}

/// Both ends without a WebSocket, to the same two with one.
fn events(less: u64) -> Vec<Row> {
    let row = |name, title, window, count: u64, target| {
        let ends = [(Client::Sse, Server::Sse), (Client::Ours, Server::Ours)];
        let calls = Calls { window, count: count / less };
        let [ours, least] = ends.map(|(client, server)| Probe::Ends(client, server, calls));
        Row { name, title, unit: Unit::Nanoseconds, target, ours, least, jsonrpsee: None }
    };
    vec![
        row("sse-w1", "both ends over SSE and POST, 1 outstanding, CPU", 1, 5000, Target::None),
        row(
            "sse-w256",
            "both ends over SSE and POST, 256 outstanding, CPU",
            256,
            200_000,
            Target::Ratio(3.0),
        ),
    ]
}

fn clients(less: u64) -> Vec<Row> {
    let client = |name, title, window, count: u64, target| {
        let probe = |client| Probe::Client(client, Calls { window, count: count / less });
        Row {
            name,
            title,
            unit: Unit::Nanoseconds,
            target: Target::Ratio(target),
            ours: probe(Client::Ours),
            least: probe(Client::Minimal),
            jsonrpsee: Some(probe(Client::Jsonrpsee)),
        }
    };
    vec![
        client("client-w1", "client, 1 outstanding, CPU", 1, 10_000, 1.1),
        client("client-w16", "client, 16 outstanding, CPU", 16, 100_000, 1.3),
        client("client-w256", "client, 256 outstanding, CPU", 256, 200_000, 1.3),
    ]
}
