//! One run, and what must be true of it.

use std::collections::HashSet;
use std::sync::atomic::Ordering;
use std::time::Duration;

use rpc_core::{CloseCode, Link, Peer};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::actors::{Actor, REST};
use super::books::{Books, Came, Pages};
use super::network::Network;
use super::plan::Plan;

/// Returns what was wrong.
pub async fn of(mut plan: Plan) -> Vec<String> {
    let network = Network::begin(&plan);
    let endpoint = network.client(&plan);
    let client = endpoint.peer();
    let carrier = network.clone().carry(endpoint.without_link(), plan.random.fork());
    let carrier = tokio::spawn(carrier);
    let actor = Actor {
        peer: client.clone(),
        books: network.books.clone(),
        is_over: network.is_over.clone(),
        session: String::new(),
    };
    let mut actors = JoinSet::new();
    for _ in 0..plan.actors {
        actors.spawn(actor.clone().act(plan.random.fork()));
    }
    actors.spawn(actor.note(plan.random.fork()));
    actors.spawn(network.clone().disturb(plan.random.fork(), plan.is_cruel));
    sleep(plan.lasts).await;
    network.is_over.store(true, Ordering::Relaxed);

    let mut faults = Vec::new();
    if timeout(REST, finish(&mut actors)).await.is_err() {
        faults.push(format!("{} actors wait for ever: {}", actors.len(), network.books.steps()));
    }
    let mut actors = std::mem::take(&mut *network.actors.lock().unwrap());
    // Some wait for a session that the client has given up.
    if timeout(3 * REST, finish(&mut actors)).await.is_err() {
        let steps = network.books.steps();
        faults.push(format!("{} actors of the server wait for ever: {steps}", actors.len()));
    }
    if timeout(REST, at_rest(&client)).await.is_err() {
        faults.push(format!("the client is not at rest: {:?}", client.stats()));
    }
    for peer in &network.registry().peers() {
        if timeout(REST, at_rest_or_away(peer)).await.is_err() {
            faults.push(format!("the server is not at rest: {:?}", peer.stats()));
        }
    }
    client.close(CloseCode::NORMAL, "done");
    match timeout(REST, carrier).await {
        Ok(Ok(reason)) if reason.code == Some(CloseCode::NORMAL) => {}
        Ok(Ok(reason)) => faults.push(format!("the client has ended: {reason}")),
        Ok(Err(_)) => faults.push("the client panicked".to_owned()),
        Err(_) => faults.push("the client does not end".to_owned()),
    }
    if timeout(3 * REST, network.settle()).await.is_err() {
        faults.push("the server has connections for ever".to_owned());
    }
    if !network.registry().is_empty() {
        faults.push("the registry has peers for ever".to_owned());
    }
    judge(&network.books, &mut faults);
    faults
}

async fn finish(actors: &mut JoinSet<()>) {
    while let Some(ended) = actors.join_next().await {
        ended.expect("no actor panics");
    }
}

async fn at_rest(peer: &Peer) {
    while !is_at_rest(peer) {
        sleep(Duration::from_millis(100)).await;
    }
}

/// A session that the client has given up is kept for a time, with all that it holds. Its link may be stalled for ever,
/// until it is found dead.
async fn at_rest_or_away(peer: &Peer) {
    while !is_at_rest(peer) && peer.link() == Link::Up {
        sleep(Duration::from_millis(100)).await;
    }
}

fn is_at_rest(peer: &Peer) -> bool {
    let stats = peer.stats();
    let held = stats.pending + stats.in_flight + stats.subscriptions + stats.queue_bytes;
    held == 0 || peer.is_closed()
}

#[expect(clippy::print_stdout, reason = "who runs one seed wants to know what it did")]
fn judge(books: &Books, faults: &mut Vec<String>) {
    books.write(|pages| {
        faults.append(&mut pages.faults);
        judge_calls(pages, faults);
        judge_notes(pages, faults);
        let gaps = pages.pushed.windows(2).filter(|two| two[1] != two[0] + 1).count();
        if pages.pushed.windows(2).any(|two| two[1] <= two[0]) {
            faults.push("pushes came twice or in another order".to_owned());
        }
        if gaps as u64 > pages.fresh {
            faults.push(format!("{gaps} gaps among pushes in {} sessions", pages.fresh));
        }
        if std::env::var("SESSION_SEED").is_ok() {
            println!(
                "{} links, {} fresh, {} resumed, {} calls, {} items, {} gaps, {} notes, {} lost",
                pages.links,
                pages.fresh,
                pages.resumed,
                pages.calls.len(),
                pages.items,
                pages.gaps,
                pages.noted,
                pages.lost_notifications
            );
        }
    });
}

fn judge_calls(pages: &Pages, faults: &mut Vec<String>) {
    for (token, asked) in &pages.calls {
        let runs = pages.runs.get(token).copied().unwrap_or_default();
        let is_true = match &asked.came {
            Some(Came::Answer) if asked.may_run_twice => runs >= 1,
            Some(Came::Answer) => runs == 1,
            Some(Came::NotRun(_)) => runs == 0,
            Some(Came::MayHaveRun(_) | Came::Dropped) => runs <= 1 || asked.may_run_twice,
            None => false,
        };
        if !is_true {
            faults.push(format!("call {token} ran {runs} times: {asked:?}"));
        }
    }
}

fn judge_notes(pages: &Pages, faults: &mut Vec<String>) {
    let mut from_client = HashSet::new();
    for ((session, is_client), numbers) in &pages.heard {
        if let Some(two) = numbers.windows(2).find(|two| two[1] != two[0] + 1) {
            faults.push(format!("note {} behind {} in {session}, {is_client}", two[1], two[0]));
        }
        if !is_client && numbers[0] != 1 {
            faults.push(format!("the first note of {session} is {}", numbers[0]));
        }
        if *is_client && !numbers.iter().all(|number| from_client.insert(*number)) {
            faults.push("a note was taken in twice, in two sessions".to_owned());
        }
    }
    let missing = pages.noted - from_client.len().min(pages.noted as usize) as u64;
    let told = pages.lost_notifications + pages.dropped;
    if missing > told {
        faults.push(format!("{missing} notes are missing, and {told} are said to be lost"));
    }
    let is_of_last_session = pages.noted_at > pages.fresh_at;
    if pages.noted > 0 && is_of_last_session && !from_client.contains(&pages.noted) {
        faults.push(format!("the last note, {}, is missing", pages.noted));
    }
}
