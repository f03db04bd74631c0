//! One run: two ends, what both do, and what is left of that.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use rpc_core::transport::{Connection, SessionMode};
use rpc_core::{CloseCode, CloseReason, Link, Peer};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{sleep, timeout};

use super::actors::{Actor, REST};
use super::checks;
use super::network::Network;
use super::plan::Plan;
use super::seeds::Random;

/// Returns what was wrong.
pub async fn of(mut plan: Plan) -> Vec<String> {
    let run = Run::begin(&mut plan, Network::carry);
    sleep(plan.lasts).await;
    run.end().await
}

pub struct Run {
    pub network: Arc<Network>,
    client: Peer,
    carrier: JoinHandle<CloseReason>,
    actors: JoinSet<()>,
    mode: SessionMode,
    faults: Vec<String>,
}

impl Run {
    /// Begins a run, in which `carry` carries the client and gives it links.
    pub fn begin<F>(
        plan: &mut Plan,
        carry: impl FnOnce(Arc<Network>, Connection, Random) -> F,
    ) -> Self
    where
        F: Future<Output = CloseReason> + Send + 'static,
    {
        let network = Network::begin(plan);
        let endpoint = network.client(plan);
        let client = endpoint.peer();
        let carrier = carry(network.clone(), endpoint.without_link(), plan.random.fork());
        let carrier = tokio::spawn(carrier);
        let actor = Actor {
            peer: client.clone(),
            books: network.books.clone(),
            is_over: network.is_over.clone(),
            session: String::new(),
            longest: plan.longest,
        };
        let mut actors = JoinSet::new();
        for _ in 0..plan.actors {
            actors.spawn(actor.clone().act(plan.random.fork()));
        }
        actors.spawn(actor.note(plan.random.fork()));
        actors.spawn(network.clone().disturb(plan.random.fork(), plan.is_cruel));
        Self { network, client, carrier, actors, mode: plan.mode, faults: Vec::new() }
    }

    /// Begins nothing more, and waits until all is over. Returns what was wrong.
    pub async fn end(mut self) -> Vec<String> {
        self.network.is_over.store(true, Ordering::Relaxed);
        self.settle_actors().await;
        self.settle_ends().await;
        self.close().await;
        checks::judge(&self.network.books, self.mode, &mut self.faults);
        self.faults
    }

    async fn settle_actors(&mut self) {
        let books = &self.network.books;
        if timeout(REST, finish(&mut self.actors)).await.is_err() {
            let waits = format!("{} actors wait for ever: {}", self.actors.len(), books.steps());
            self.faults.push(waits);
        }
        let mut actors = std::mem::take(&mut *self.network.actors.lock().unwrap());
        // Some wait for a session that the client has given up.
        if timeout(3 * REST, finish(&mut actors)).await.is_err() {
            let steps = books.steps();
            self.faults
                .push(format!("{} actors of the server wait for ever: {steps}", actors.len()));
        }
    }

    async fn settle_ends(&mut self) {
        if timeout(REST, at_rest(&self.client)).await.is_err() {
            self.faults.push(format!("the client is not at rest: {:?}", self.client.stats()));
        }
        for peer in &self.network.registry().peers() {
            if timeout(REST, at_rest_or_away(peer)).await.is_err() {
                self.faults.push(format!("the server is not at rest: {:?}", peer.stats()));
            }
        }
    }

    async fn close(&mut self) {
        self.client.close(CloseCode::NORMAL, "done");
        match timeout(REST, &mut self.carrier).await {
            Ok(Ok(reason)) if reason.code == Some(CloseCode::NORMAL) => {}
            Ok(Ok(reason)) => self.faults.push(format!("the client has ended: {reason}")),
            Ok(Err(_)) => self.faults.push("the client panicked".to_owned()),
            Err(_) => self.faults.push("the client does not end".to_owned()),
        }
        if timeout(3 * REST, self.network.settle()).await.is_err() {
            self.faults.push("the server has connections for ever".to_owned());
        }
        let registry = self.network.registry();
        let sessions = registry.sessions();
        let left = sessions.up + sessions.away + sessions.away_bytes;
        if left > 0 || !registry.is_empty() {
            self.faults.push(format!("the registry has peers for ever: {sessions:?}"));
        }
        if self.client.stats().queue_bytes > 0 {
            self.faults.push(format!("the client has a queue for ever: {:?}", self.client.stats()));
        }
    }
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
