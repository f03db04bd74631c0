//! Counts, which say the same on a busy machine: instructions, system calls, allocations and allocated bytes.
//!
//! Each is the difference of two runs, so that start and end of the server, the handshake and the
//! first calls are not in it. Counts hardly depend on what else the machine does.

use std::fs;
use std::path::Path;

use bench::Checked;

use crate::probe::{Calls, Load};
use crate::programs::{Client, Programs, Server};
use crate::server::{FIRST_CORE, Running, SECOND_CORE, run};

/// The calls of the first run, if the second has more; what comes before the calls is in both.
const FIRST: u64 = 1000;

/// The connections of the first run.
const FIRST_CONNECTIONS: u64 = 50;

/// The chunks of the first run, after which the windows have their size, and how many more the second run has.
const FIRST_CHUNKS: u64 = 200;
const MORE_CHUNKS: u64 = 400;

/// The calls through an end between caller and target in the first run, and how many more the second run has.
const FIRST_FORWARDED: u64 = 512;
const MORE_FORWARDED: u64 = 2048;

/// Bytes of a chunk.
const CHUNK: f64 = 65_536.0;

/// Instructions of a server in user space, for each call.
pub(crate) fn instructions(programs: &Programs, server: Server, load: Load) -> Checked<f64> {
    under(programs, "callgrind", server, load, collected)
}

/// Allocations of a server for each call.
pub(crate) fn allocations(programs: &Programs, server: Server, load: Load) -> Checked<f64> {
    under(programs, "dhat", server, load, blocks)
}

/// Returns the number that a tool has found for a server, for each call.
fn under(
    programs: &Programs,
    tool: &str,
    server: Server,
    load: Load,
    read: fn(&Path) -> Checked<u64>,
) -> Checked<f64> {
    let log = programs.scratch.join("valgrind.log");
    let wrapper = valgrind(tool, &log);
    let count = |calls| {
        let words = [&*wrapper, &programs.server(server)].concat();
        once(&words, |running| run(SECOND_CORE, &load.words(programs, &running.url, calls)))?;
        read(&log)
    };
    difference(FIRST, load.count, count)
}

/// Instructions of a client in user space, for each call to a server.
pub(crate) fn client_instructions(
    programs: &Programs,
    client: Client,
    server: Server,
    calls: Calls,
) -> Checked<f64> {
    let log = programs.scratch.join("valgrind.log");
    let wrapper = valgrind("callgrind", &log);
    let running = Running::start(SECOND_CORE, &programs.server(server))?;
    let count = |count| {
        let calls = Calls { count, ..calls }.words(programs, client, &running.url, 0);
        run(FIRST_CORE, &[&*wrapper, &calls].concat())?;
        collected(&log)
    };
    difference(FIRST, calls.count, count)
}

/// Instructions of both ends in user space, for each byte of chunks that go this way.
pub(crate) fn of_chunk_bytes(programs: &Programs, way: &str) -> Checked<f64> {
    let log = programs.scratch.join("valgrind.log");
    let count = |chunks: u64| {
        let mut words = [valgrind("callgrind", &log), programs.own("chunks")].concat();
        words.extend([way.to_owned(), chunks.to_string()]);
        run(FIRST_CORE, &words)?;
        collected(&log)
    };
    Ok(difference(FIRST_CHUNKS, MORE_CHUNKS, count)? / CHUNK)
}

/// Instructions in user space of all ends, for each call that goes this way from its caller to its target.
pub(crate) fn forwarding(programs: &Programs, way: &str, call: &str) -> Checked<f64> {
    let log = programs.scratch.join("valgrind.log");
    let count = |calls: u64| {
        let mut words = [valgrind("callgrind", &log), programs.own("forwarding")].concat();
        words.extend([way.to_owned(), call.to_owned(), calls.to_string()]);
        run(FIRST_CORE, &words)?;
        collected(&log)
    };
    difference(FIRST_FORWARDED, MORE_FORWARDED, count)
}

/// An end of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Sender,
    Receiver,
}

/// How the items of a stream leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Items {
    /// Those that are ready leave in one message.
    Together,
    /// Each leaves in a message of its own.
    Alone,
}

impl Items {
    fn word(self) -> &'static str {
        match self {
            Self::Together => "together",
            Self::Alone => "alone",
        }
    }
}

/// Instructions of an end of a stream in user space, for each item.
pub(crate) fn item_instructions(
    programs: &Programs,
    items: Items,
    of: End,
    count: u64,
) -> Checked<f64> {
    let log = programs.scratch.join("valgrind.log");
    let wrapper = valgrind("callgrind", &log);
    let words = |end, own: &[&str]| {
        let mut words = if end == of { wrapper.clone() } else { Vec::new() };
        words.extend(programs.own("items"));
        words.extend(own.iter().map(|&word| word.to_owned()));
        words
    };
    let count_of = |count: u64| {
        let running = Running::start(FIRST_CORE, &words(End::Sender, &["server"]))?;
        let client = ["client", items.word(), &running.url, &count.to_string()];
        run(SECOND_CORE, &words(End::Receiver, &client))?;
        running.stop()?;
        collected(&log)
    };
    difference(FIRST, count, count_of)
}

/// System calls that write, for each call.
pub(crate) fn sends(programs: &Programs, server: Server, load: Load) -> Checked<f64> {
    let log = programs.scratch.join("strace.log");
    // With `--output` it would not let itself be stopped, but for `-I2`.
    let wrapper = ["strace", "-f", "-c", "-I2", "--trace=sendto,sendmsg,sendmmsg,write,writev"];
    let mut wrapper = wrapper.map(str::to_owned).to_vec();
    wrapper.push(format!("--output={}", log.display()));
    let count = |calls| {
        let words = [&*wrapper, &programs.server(server)].concat();
        once(&words, |running| run(SECOND_CORE, &load.words(programs, &running.url, calls)))?;
        total(&log)
    };
    difference(FIRST, load.count, count)
}

/// Bytes that are allocated for each connection, with what an allocator needs to know of them.
pub(crate) fn heap(programs: &Programs, server: Server, load: Load) -> Checked<f64> {
    let log = programs.scratch.join("valgrind.log");
    let snapshot = programs.scratch.join("massif");
    let wrapper = valgrind("massif", &log);
    let count = |connections| {
        let words = [&*wrapper, &programs.server(server)].concat();
        once(&words, |running| {
            let mut words = load.words(programs, &running.url, connections);
            let then = format!("vgdb --pid={} snapshot {}", running.pid(), snapshot.display());
            words.extend(["--then".to_owned(), then]);
            run(SECOND_CORE, &words)
        })?;
        allocated(&snapshot)
    };
    difference(FIRST_CONNECTIONS, load.count, count)
}

fn valgrind(tool: &str, log: &Path) -> Vec<String> {
    let [tool, output] = [format!("--tool={tool}"), format!("--{tool}-out-file=/dev/null")];
    vec!["valgrind".to_owned(), tool, output, format!("--log-file={}", log.display())]
}

/// Starts a server, has it called, and stops it.
fn once<T>(words: &[String], call: impl FnOnce(&Running) -> Checked<T>) -> Checked<T> {
    let running = Running::start(FIRST_CORE, words)?;
    let called = call(&running)?;
    running.stop()?;
    Ok(called)
}

fn difference(first: u64, more: u64, count: impl Fn(u64) -> Checked<u64>) -> Checked<f64> {
    let first = first.min(more);
    let (least, most) = (count(first)?, count(first + more)?);
    Ok(most.saturating_sub(least) as f64 / more as f64)
}

/// `==1== Collected : 12345`.
fn collected(log: &Path) -> Checked<u64> {
    let text = fs::read_to_string(log)?;
    let line = text.lines().find_map(|line| line.split_once("Collected :"));
    let (_, number) = line.ok_or_else(|| format!("valgrind says: {text}"))?;
    Ok(number.trim().parse()?)
}

/// `==1== Total:     12,345 bytes in 67 blocks`.
fn blocks(log: &Path) -> Checked<u64> {
    let text = fs::read_to_string(log)?;
    let line = text.lines().find_map(|line| line.split_once("Total:")).map(|(_, line)| line);
    let number = line.and_then(|line| line.trim().strip_suffix(" blocks")?.rsplit(' ').next());
    let number = number.ok_or_else(|| format!("valgrind says: {text}"))?;
    Ok(number.replace(',', "").parse()?)
}

/// The fourth column of the last line, which is the total; nothing at all if there was no call.
fn total(log: &Path) -> Checked<u64> {
    let text = fs::read_to_string(log)?;
    let Some(line) = text.lines().find(|line| line.trim_end().ends_with("total")) else {
        return if text.trim().is_empty() {
            Ok(0)
        } else {
            Err(format!("strace says: {text}").into())
        };
    };
    let calls = line.split_whitespace().nth(3).ok_or("no column of calls")?;
    Ok(calls.parse()?)
}

/// `mem_heap_B=106370` and, for what is around each piece, `mem_heap_extra_B=2486`.
fn allocated(snapshot: &Path) -> Checked<u64> {
    let text = fs::read_to_string(snapshot)?;
    let bytes = |name| text.lines().rev().find_map(|line: &str| line.strip_prefix(name));
    let both = bytes("mem_heap_B=").zip(bytes("mem_heap_extra_B="));
    let (heap, extra) = both.ok_or_else(|| format!("massif says: {text}"))?;
    Ok(heap.parse::<u64>()? + extra.parse::<u64>()?)
}
