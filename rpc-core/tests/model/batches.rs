//! Batches that are sent while the futures of their members are polled and dropped on other threads.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rpc_core::layers::{Layer, Layers};
use rpc_core::transport::EndpointConfig;
use rpc_core::{Call, CallError, Context, Fate, Limits, Router};
use shuttle::future::block_on;
use shuttle::thread::{self, JoinHandle};

use crate::pair::{Pair, WIDE, adder, check, offering, poll_once};
use crate::support::rest::Lives;

/// How often the far end ran something, and how many handlers of it there are.
#[derive(Clone, Default)]
struct Ran {
    begun: Arc<AtomicUsize>,
    alive: Arc<AtomicUsize>,
}

impl Ran {
    fn services(&self) -> Router {
        let (begun, alive) = (self.begun.clone(), self.alive.clone());
        adder()
            .method("run", move |_: Context, (): ()| {
                begun.fetch_add(1, Ordering::SeqCst);
                std::future::ready(Ok(()))
            })
            .method("stay", move |_: Context, (): ()| {
                let lives = Lives::new(&alive);
                async move {
                    std::future::pending::<()>().await;
                    drop(lives);
                    Ok(())
                }
            })
            .notification("note", |_: Context, (): ()| std::future::ready(()))
    }

    /// As many calls of `run` were answered; and nothing of what was dropped is left, at either end.
    fn agrees_with(&self, answered: usize, pair: Pair) {
        pair.comes_to_rest();
        let ran = (self.begun.load(Ordering::SeqCst), self.alive.load(Ordering::SeqCst));
        assert_eq!(ran, (answered, 0), "runs, and handlers of calls that were dropped");
        pair.end();
    }
}

/// Awaits a call of `run`: how often it must have run for what it is told to be true.
fn awaits(call: Call<()>) -> JoinHandle<usize> {
    thread::spawn(move || match block_on(call) {
        Ok(()) => 1,
        Err(CallError::Cancelled { fate: Fate::NotSent }) => 0,
        Err(error) => panic!("{error}"),
    })
}

fn polled_and_dropped_while_sent(near: EndpointConfig) {
    let ran = Ran::default();
    let pair = Pair::connect(near, offering(ran.services()), WIDE);
    let batch = pair.near.batch();
    let stays = || batch.call::<()>("stay", ()).no_timeout();
    let [polled, also] = [(); 2].map(|()| batch.call::<()>("run", ()).no_timeout());
    let (dropped, given_up) = (stays(), stays());
    let polled = [polled, also].map(awaits);
    let drops = thread::spawn(move || drop(dropped));
    block_on(batch.send()).unwrap();
    drop(given_up);
    drops.join().unwrap();
    let answered = polled.into_iter().map(|polled| polled.join().unwrap()).sum();
    ran.agrees_with(answered, pair);
}

/// Told to be not sent it never ran; dropped it is left out or cancelled, and forgotten.
#[test]
fn members_that_are_polled_and_dropped_while_their_batch_is_sent_are_told_the_truth() {
    check(|| polled_and_dropped_while_sent(offering(Router::new())));
}

/// The same through a layer, where two of those futures stand one behind the other.
#[test]
fn members_that_go_through_a_layer_are_told_the_truth_as_well() {
    struct Passes;
    impl Layer for Passes {}
    check(|| {
        let layers = Layers::new().layer(Passes);
        polled_and_dropped_while_sent(
            offering(Router::new()).with(|config| config.layers = layers),
        );
    });
}

/// It leaves in parts, some of which wait for room; whoever sends it may have enough before they find it.
#[test]
fn members_of_a_batch_whose_sending_is_given_up_do_not_wait() {
    check(|| {
        let ran = Ran::default();
        let mut limits = Limits::client();
        (limits.batch, limits.queue) = (1, 1);
        let near = EndpointConfig::new(Router::new(), limits);
        let pair = Pair::connect(near, offering(ran.services()), 1);
        let batch = pair.near.batch();
        let polled = [(); 3].map(|()| {
            let run = batch.call::<()>("run", ()).no_timeout();
            batch.notify("note", ()).unwrap(); // until what is before it is out
            awaits(run)
        });
        let dropped = batch.call::<()>("stay", ()).no_timeout();
        let drops = thread::spawn(move || drop(dropped));
        drop(poll_once(batch.send()));
        drops.join().unwrap();
        let answered = polled.into_iter().map(|polled| polled.join().unwrap()).sum();
        ran.agrees_with(answered, pair);
    });
}
