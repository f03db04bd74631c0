//! One session whose link is cut a thousand times, at random bytes, under load of both directions: nothing shows.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use rpc_core::memory;
use rpc_core::transport::{Connection, ConnectionEvent, SessionMode};
use rpc_core::{CloseReason, Limits};
use tokio::time::{Instant, sleep, sleep_until};

use super::checks;
use super::link::End;
use super::network::Network;
use super::plan::{DEADLINE, Plan};
use super::run::Run;
use super::seeds::Random;

const CUTS: u64 = 1000;

/// More than the largest message, and what the two ends say of the session before.
const BYTES: u64 = 2_000;

pub fn plan(seed: u64) -> Plan {
    let plan = Plan::of(seed);
    let mut limits = Limits::server();
    limits.call_deadline = DEADLINE;
    limits.ack_after = Duration::from_millis(200);
    let (client, server, mode) = (limits.clone(), limits, SessionMode::Ask);
    let (actors, longest) = (3, BYTES / 2);
    Plan { client, server, mode, actors, longest, is_cruel: false, renews: false, ..plan }
}

/// Returns what was wrong.
pub async fn of(mut plan: Plan) -> Vec<String> {
    let run = Run::begin(&mut plan, carry);
    let network = run.network.clone();
    while !network.is_over.load(Ordering::Relaxed) {
        sleep(Duration::from_millis(10)).await;
    }
    let mut faults = run.end().await;
    // Some links are cut before the session is resumed over them.
    checks::judge_one_session(&network.books, CUTS / 2, &mut faults);
    faults
}

/// Carries the client, whose links are cut, until it ends.
async fn carry(
    network: Arc<Network>,
    mut connection: Connection,
    mut random: Random,
) -> CloseReason {
    let mut cuts = 0;
    let mut next = Some(Instant::now());
    loop {
        tokio::select! {
            biased; // the same each time
            event = connection.next_event() => match event {
                ConnectionEvent::Up { resumed, ended, .. } => network.is_up(resumed, ended),
                ConnectionEvent::Lost { ended, .. } => {
                    network.has_lost(ended);
                    cuts += 1;
                    if cuts == CUTS {
                        network.is_over.store(true, Ordering::Relaxed);
                    }
                    next = Some(Instant::now() + random.millis(20));
                }
                ConnectionEvent::AskedToMove => {
                    network.books.write(|pages| pages.moves += 1);
                    next = Some(Instant::now());
                }
                ConnectionEvent::Closed(reason) => return reason,
                other => panic!("{other:?} is new"),
            },
            () = sleep_until(next.unwrap_or_else(Instant::now)), if next.is_some() => {
                next = None;
                let (near, far) = memory::transports(64 * 1024);
                let (near, far) = (End::new(near, true), End::new(far, true));
                if cuts < CUTS {
                    cut(&near, cuts, &mut random);
                }
                let is_announced = connection.wants_to_resume();
                network.join(&mut connection, (near, far), is_announced, true, &mut random);
            }
        }
    }
}

/// Chooses where a link is cut. Both ends must know of the session after the first link, and a session of which nothing
/// gets through three times in a row is given up: each third link lets a message through.
fn cut(end: &End, cuts: u64, random: &mut Random) {
    let (faults, byte) = (end.faults(), random.below(BYTES));
    let way = if random.once_in(2) { faults.outgoing() } else { faults.incoming() };
    match random.below(2) {
        _ if cuts.is_multiple_of(3) => way.cut_at(BYTES + byte),
        0 => way.cut_at(byte),
        _ => way.cut_sending_at(byte),
    }
}
