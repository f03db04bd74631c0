//! The run of a plan, and whether in the end the books agree with each other and with what is left.

use std::sync::Arc;
use std::time::Duration;

use rpc_core::{CloseCode, Peer};
use tokio::runtime::Handle;
use tokio::time::{sleep, timeout};

use super::books::{Asked, Came, Flow, Noted, Pages, Runs, Source, Taker, Token};
use super::ends::World;
use super::flows::Bells;
use super::plan::Plan;
use super::{steps, to_many};

/// Nothing that goes on lets the books be for so long.
const STILL: Duration = Duration::from_secs(100);

/// What is late is at most so late.
const GRACE: Duration = Duration::from_secs(1);

/// Runs a plan; what went wrong.
pub async fn of(mut plan: Plan) -> Vec<String> {
    let world = World::begin(&mut plan);
    let books = world.books.clone();
    if plan.is_negotiated() {
        // Both have said hello when each has answered.
        for peer in peers(&world) {
            drop(peer.call::<u64>("w.quick", (books.token(),)).await);
        }
    }
    let bells = tokio::spawn(Bells::ring_on(books.clone(), plan.random.fork()));
    for _ in 0..plan.actors {
        let actor = steps::act(world.clone(), plan.random.fork(), plan.steps);
        world.spawn(actor);
    }
    let mut ends_early = false;
    if let Some((after, by_far, how)) = plan.ending {
        let (world, mut random) = (world.clone(), plan.random.fork());
        ends_early = true;
        let ending = world.clone();
        world.spawn(async move {
            sleep(after).await;
            steps::end(&ending, ending.any_link(&mut random).0, by_far, how);
        });
    }
    let mut faults = Vec::new();
    if !comes_to_rest(&world).await {
        faults.push(format!("someone waits for ever: {}", books.read(who_waits)));
        return faults;
    }
    let mut closed = false;
    for peer in peers(&world).filter(|peer| peer.is_closed()) {
        let reason = peer.closed().await;
        closed = true;
        if !ends_early && !to_many::is_of_limits(reason.code, &reason.reason) {
            faults.push(format!("closed for no reason: {reason:?}"));
        }
    }
    faults.extend(what_is_left(&world, closed || ends_early).await);
    for (number, link) in world.links().iter().enumerate() {
        link.caller(number % 2 == 0).close(CloseCode::NORMAL, "done");
    }
    for peer in peers(&world) {
        if timeout(Duration::from_secs(10), peer.closed()).await.is_err() {
            faults.push("a close takes more than its time".to_owned());
        }
    }
    bells.abort();
    faults.extend(nothing_is_left(world).await);
    books.read(|pages| faults.extend(disagreements(pages, !closed && !ends_early)));
    faults
}

fn peers(world: &World) -> impl Iterator<Item = &Peer> {
    world.links().iter().flat_map(|link| [&link.near, &link.far])
}

/// Waits until all that was begun has come to its end; not when nothing goes on any more.
async fn comes_to_rest(world: &Arc<World>) -> bool {
    let mut all = Box::pin(world.join());
    loop {
        let before = world.books.entries();
        if timeout(STILL, &mut all).await.is_ok() {
            return true;
        }
        if world.books.entries() == before {
            return false;
        }
    }
}

fn who_waits(pages: &Pages) -> String {
    let calls = pages.calls.iter().flat_map(|(token, all)| {
        let open = all.iter().filter(|asked| asked.came.is_none());
        open.map(move |asked| format!("{} {token} ({:?})", asked.what, pages.runs.get(token)))
    });
    let flows = pages.flows.iter().filter(|(_, flow)| flow.taker == Taker::Waits);
    let flows = flows.map(|(token, flow)| format!("taker of {token}: {flow:?}"));
    calls.chain(flows).collect::<Vec<_>>().join(", ")
}

/// Nobody wants anything any more: both ends' tables empty themselves, and nothing runs.
async fn what_is_left(world: &World, ended: bool) -> Vec<String> {
    let held = |peer: &Peer| {
        let stats = peer.stats();
        stats.pending + stats.in_flight + stats.subscriptions + stats.queue_bytes
    };
    let alive =
        || -> usize { world.books.read(|pages| pages.runs.values().map(|runs| runs.alive).sum()) };
    let is_empty = || peers(world).all(|peer| held(peer) == 0) && alive() == 0;
    // What is in a pipe is in neither table.
    sleep(Duration::from_millis(200)).await;
    for _ in 0..10_000 {
        if is_empty() {
            break;
        }
        sleep(Duration::from_millis(1)).await;
    }
    let mut faults = Vec::new();
    if !is_empty() {
        let stats: Vec<_> = peers(world).map(Peer::stats).collect();
        faults.push(format!("left over: {} run, {stats:?}", alive()));
    }
    for peer in peers(world).filter(|_| !ended) {
        let counters = peer.stats().counters;
        if (counters.stray, counters.malformed) != (0, 0) {
            faults.push(format!("what both ends send is well-formed and asked for: {counters:?}"));
        }
    }
    faults
}

/// All connections are closed.
async fn nothing_is_left(world: Arc<World>) -> Vec<String> {
    let mut faults = Vec::new();
    for peer in peers(&world) {
        let stats = peer.stats();
        if (stats.pending, stats.in_flight, stats.subscriptions, stats.queue_bytes) != (0, 0, 0, 0)
        {
            faults.push(format!("left over after the end: {stats:?}"));
        }
    }
    let registry = &world.registry;
    if (registry.len(), registry.group_count(), registry.detached()) != (0, 0, 0) {
        faults.push(format!(
            "{registry:?}, {} groups, {} detached",
            registry.group_count(),
            registry.detached()
        ));
    }
    let books = world.books.clone();
    drop(world);
    sleep(Duration::from_secs(1)).await;
    let tasks = Handle::current().metrics().num_alive_tasks();
    if tasks > 0 {
        faults.push(format!("{tasks} tasks are left"));
    }
    let sources = books.read(|pages| {
        let open = |flow: &&Flow| flow.source == Source::Open && !flow.passes_on;
        pages.flows.values().filter(open).map(|flow| format!("{flow:?}")).collect::<Vec<_>>()
    });
    if !sources.is_empty() {
        faults.push(format!("sources that nobody has dropped: {sources:?}"));
    }
    faults
}

/// Where what was told is not what was done. Of a run in which no connection ended early more is known.
fn disagreements(pages: &Pages, undisturbed: bool) -> Vec<String> {
    let mut faults = pages.faults.clone();
    let none = Runs::default();
    let runs = |token: &Token| pages.runs.get(token).unwrap_or(&none);
    for (token, all) in &pages.calls {
        let is_keyed = all.iter().any(|asked| asked.terms.keyed);
        let wrong = if is_keyed { once(all, runs(token)) } else { each(all, runs(token)) };
        let wrong = wrong.or_else(|| all.iter().find_map(|asked| untimely(asked, undisturbed)));
        if let Some(wrong) = wrong {
            faults.push(format!("{wrong}: {token}: {:?}, {all:?}", runs(token)));
        }
    }
    for (token, all) in &pages.notes {
        if let Some(wrong) = notified(all, runs(token), undisturbed) {
            faults.push(format!("{wrong}: notification {token}: {:?}, {all:?}", runs(token)));
        }
    }
    for (token, flow) in &pages.flows {
        if let Some(wrong) = streamed(flow, undisturbed) {
            faults.push(format!("{wrong}: stream {token}: {flow:?}"));
        }
    }
    faults
}

/// Each call that was answered was run once, each that was told to be not run was not, and any other at
/// most once.
fn each(all: &[Asked], runs: &Runs) -> Option<&'static str> {
    let [answered, open] = count(all);
    if runs.begun < answered {
        Some("answered and not run")
    } else if runs.begun > answered + open {
        Some("run, and the caller was told that it was not, or run twice")
    } else {
        None
    }
}

/// Of those under one key the first that is done is done for all.
fn once(all: &[Asked], runs: &Runs) -> Option<&'static str> {
    let [answered, open] = count(all);
    if runs.done > 1 {
        Some("done twice under a key")
    } else if answered > 0 && runs.done == 0 {
        Some("answered and not done")
    } else if answered + open == 0 && runs.begun > 0 {
        Some("run, and each caller was told that it was not")
    } else {
        None
    }
}

/// How many were answered, and of how many it is not known whether they were run.
fn count(all: &[Asked]) -> [usize; 2] {
    let is_answer = |asked: &&Asked| matches!(asked.came, Some(Came::Answer(_) | Came::Refused));
    let is_open = |asked: &&Asked| {
        matches!(asked.came, Some(Came::MayHaveRun(_) | Came::Late | Came::Dropped) | None)
    };
    [all.iter().filter(is_answer).count(), all.iter().filter(is_open).count()]
}

/// A call is resolved within its deadline, and not by its deadline if what it does takes no time.
fn untimely(asked: &Asked, undisturbed: bool) -> Option<&'static str> {
    if asked.came == Some(Came::Dropped) {
        return None;
    }
    let Some(until) = asked.until else { return Some("never resolved") };
    if asked.terms.within.is_some_and(|within| until - asked.since > within + GRACE) {
        return Some("resolved later than its deadline");
    }
    let late = match &asked.came {
        Some(Came::Late) => true,
        Some(Came::NotRun(why)) => why == "late",
        _ => false,
    };
    (late && undisturbed && asked.terms.has_time).then_some("waited for nothing until its deadline")
}

/// What entered the queue is run once if the connection lives, and what did not is not run.
fn notified(all: &[(&str, Noted)], runs: &Runs, undisturbed: bool) -> Option<&'static str> {
    let queues = all.iter().map(|(_, noted)| match noted {
        Noted::Entered(queues) => *queues,
        Noted::NotSent(_) | Noted::Dropped => 0,
    });
    let (entered, dropped) =
        (queues.sum::<usize>(), all.iter().filter(|(_, noted)| *noted == Noted::Dropped).count());
    if runs.begun > entered + dropped {
        Some("run, and its sender was told that it was not sent, or run twice")
    } else if undisturbed && runs.begun < entered {
        Some("entered and not run")
    } else {
        None
    }
}

/// A taker that came to an end knows of every item, and which end it was.
fn streamed(flow: &Flow, undisturbed: bool) -> Option<&'static str> {
    if flow.known > flow.made && !flow.passes_on {
        return Some("more items than were made");
    }
    let is_whole = flow.known == flow.made && flow.counted;
    match (&flow.taker, &flow.source) {
        (Taker::Waits, _) => Some("its taker waits for ever"),
        (Taker::Closed, _) if undisturbed => Some("told to be closed, and the connection was not"),
        (Taker::Done, source) if !flow.passes_on && *source != Source::Done => {
            Some("told to be done, and was not")
        }
        (Taker::Failed, source) if !flow.passes_on && *source != Source::Failed => {
            Some("told to have failed, and had not")
        }
        (Taker::Done | Taker::Failed, _) if !flow.passes_on && !is_whole && flow.counted => {
            Some("came to its end without all of its items, untold")
        }
        _ => None,
    }
}
