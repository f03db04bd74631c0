//! What every change must keep: what can be counted, so that it says the same on a busy machine.

use bench::Checked;

use crate::counted::{self, End, Items};
use crate::probe::Load;
use crate::programs::{Programs, Server};
use crate::rows::MANY;
use crate::rows::sessions::{self, ALLOCATIONS};
use crate::tools;

/// Our instructions for each call with 256 outstanding, to the least; both are built and counted in
/// the same run, so that neither compiler nor machine is in it. The least reads a request with serde_json,
/// which takes far more than our own reading of usual requests: so ours may be less than the least.
const INSTRUCTIONS: f64 = 0.75;

/// Calls in batches. They are few in each, so that a turn of the counted server has time for all of them.
const BATCHES: Load = Load { words: "batch --burst 10", count: 3000, warm_up: 0 };

/// Our instructions for each batch, to the least, which reads a member and answers it in one go. How many turns are too
/// short for their batch depends on the machine: hence some room.
const BATCH_INSTRUCTIONS: f64 = 2.1;

/// Our system calls that send, for each call with 256 outstanding.
const SENDS: f64 = 0.02;

/// Instructions of both ends together, for each byte of a chunk of a stream, which goes as bytes. A client has to mask what
/// it sends. The counter takes each byte of a long copy for an instruction, and there is one such copy.
const PER_CHUNK_BYTE: [(&str, f64); 2] = [("down", 1.6), ("up", 3.3)];

/// Instructions of an end that hands calls on, to those of one that decodes the calls and makes them anew: of two numbers,
/// where the rest of a call takes nearly all, and of a document of 1 KiB each way.
const FORWARDED: [(&str, f64); 2] = [("add", 1.15), ("order", 0.35)];

/// By how much the ratios of two counts of the same tree may differ where one call is outstanding: each turn has one
/// message then, and how the two processes take turns is not the same each time.
const DIFFERS: f64 = 0.01;

/// Our instructions for a small item of a stream, to a call of the least.
const ITEMS: [ItemLimit; 4] = [
    ItemLimit { items: Items::Together, end: End::Sender, count: 100_000, most: 0.16 },
    ItemLimit { items: Items::Together, end: End::Receiver, count: 100_000, most: 0.14 },
    ItemLimit { items: Items::Alone, end: End::Sender, count: 20_000, most: 0.55 },
    ItemLimit { items: Items::Alone, end: End::Receiver, count: 20_000, most: 0.72 },
];

/// The limit of an item at one end of a stream.
struct ItemLimit {
    items: Items,
    end: End,
    /// How many are counted.
    count: u64,
    most: f64,
}

pub(crate) fn run() -> Checked {
    tools::check()?;
    let programs = Programs::build_ours()?;
    let ours = counted::instructions(&programs, Server::Reference, MANY)?;
    let least = counted::instructions(&programs, Server::Floor, MANY)?;
    let sends = counted::sends(&programs, Server::Reference, MANY)?;
    let ratio = ours / least;
    println!(
        "instructions per call: {ours:.0}, the least {least:.0}, ratio {ratio:.3} (at most {INSTRUCTIONS})"
    );
    println!("sends per call: {sends:.4} (at most {SENDS})");
    if ratio > INSTRUCTIONS {
        return Err("a call takes too many instructions".into());
    }
    if sends > SENDS {
        return Err("a call takes too many sends".into());
    }
    batches(&programs)?;
    items(&programs, least)?;
    chunks(&programs)?;
    forwarding(&programs)?;
    with_session(&programs)
}

/// Chunks of a stream of bytes, in each direction: a long message is copied, masked and looked at as seldom as can be.
fn chunks(programs: &Programs) -> Checked {
    for (way, most) in PER_CHUNK_BYTE {
        let counted = counted::of_chunk_bytes(programs, way)?;
        println!("instructions per byte of a chunk, {way}: {counted:.2} (at most {most})");
        if counted > most {
            return Err("a byte of a chunk takes too many instructions".into());
        }
    }
    Ok(())
}

/// Calls that an end hands on, to those that it decodes and makes anew.
fn forwarding(programs: &Programs) -> Checked {
    for (call, most) in FORWARDED {
        let direct = counted::forwarding(programs, "direct", call)?;
        let forward = counted::forwarding(programs, "forward", call)? - direct;
        let handler = counted::forwarding(programs, "handler", call)? - direct;
        let ratio = forward / handler;
        println!(
            "instructions of an end that hands on `{call}`: {forward:.0}, that decodes and calls: {handler:.0}, \
             ratio {ratio:.3} (at most {most})"
        );
        if ratio > most {
            return Err("a call that is handed on takes too many instructions".into());
        }
    }
    Ok(())
}

/// The items of a stream, to a call of the least.
fn items(programs: &Programs, least: f64) -> Checked {
    for ItemLimit { items, end, count, most } in ITEMS {
        let instructions = counted::item_instructions(programs, items, end, count)?;
        let ratio = instructions / least;
        println!(
            "instructions per item, {items:?}, {end:?}: {instructions:.0}, ratio {ratio:.3} (at most {most})"
        );
        if ratio > most {
            return Err("an item of a stream takes too many instructions".into());
        }
    }
    Ok(())
}

/// A batch, to the least.
fn batches(programs: &Programs) -> Checked {
    let instructions = |server| counted::instructions(programs, server, BATCHES);
    let (ours, least) = (instructions(Server::Reference)?, instructions(Server::Floor)?);
    let ratio = ours / least;
    println!(
        "instructions per batch of 10: {ours:.0}, the least {least:.0}, ratio {ratio:.3} (at most {BATCH_INSTRUCTIONS})"
    );
    if ratio > BATCH_INSTRUCTIONS {
        return Err("a batch takes too many instructions".into());
    }
    Ok(())
}

/// A call with a session, to the same without.
fn with_session(programs: &Programs) -> Checked {
    for (load, outstanding) in sessions::CALLS.into_iter().zip(["one call", "256 calls"]) {
        let instructions = |server| counted::instructions(programs, server, load);
        let (with, without) = (instructions(Server::Sessions)?, instructions(Server::Ours)?);
        let ratio = with / without;
        println!(
            "instructions with a session, {outstanding} at once: {with:.0}, without {without:.0}, ratio {ratio:.3} \
             (at most {} and {DIFFERS})",
            sessions::INSTRUCTIONS
        );
        if ratio > sessions::INSTRUCTIONS + DIFFERS {
            return Err("a call with a session takes too many instructions".into());
        }
        let allocations = |server| counted::allocations(programs, server, load);
        let (with, without) = (allocations(Server::Sessions)?, allocations(Server::Ours)?);
        println!(
            "allocations with a session, {outstanding} at once: {with:.2}, without {without:.2} \
             (at most {ALLOCATIONS} more)"
        );
        if with - without > ALLOCATIONS {
            return Err("a call with a session takes too many allocations".into());
        }
    }
    Ok(())
}
