//! What becomes of a notification that waited for room, as the one who sends it is told.

mod support;

use std::pin::Pin;
use std::task::{Context as Task, Poll, Waker};

use rpc_core::layers::{CallFuture, CallNext, Layers};
use rpc_core::transport::EndpointConfig;
use rpc_core::{Limits, Notify, NotifyError, Peer, Router, memory};
use support::Raw;
use support::ends::settle;
use support::layers::{Around, Log};

fn poll(notify: &mut Notify) -> Poll<Result<(), NotifyError>> {
    Pin::new(notify).poll(&mut Task::from_waker(Waker::noop()))
}

/// A layer that notes what became of notifications.
fn logged(log: Log) -> Layers {
    Layers::new().layer(Around(move |request, next: CallNext| {
        let (log, called) = (log.clone(), next.call(request));
        CallFuture::from_future(async move {
            let outcome = called.await;
            log.add(match &outcome {
                Ok(_) => "sent".to_owned(),
                Err(error) => error.to_string(),
            });
            outcome
        })
    }))
}

/// A peer whose queue and pipe are soon full, with a layer that logs what became of notifications, or none.
fn narrow(log: Option<&Log>) -> (Raw, Peer) {
    let mut limits = Limits::client();
    limits.queue = 1;
    let mut config = EndpointConfig::new(Router::new(), limits);
    config.keepalive = false;
    config.layers = log.cloned().map_or_else(Layers::new, logged);
    let (near, far) = memory::transports(1);
    let endpoint = rpc_core::transport::Endpoint::new(config);
    let peer = endpoint.peer();
    tokio::spawn(endpoint.connect(near));
    (Raw::over(far), peer)
}

/// It was sent, and its handler may have run: whoever was told `Closed`, and a layer even `NotSent`, may
/// have sent it once more.
#[tokio::test(start_paused = true)]
async fn one_that_was_sent_before_the_end_is_told_so_however_late_it_is_asked_for() {
    let log = Log::default();
    for layer in [None, Some(&log)] {
        let (mut raw, peer) = narrow(layer);
        let mut notes: Vec<_> = (0..6).map(|n| peer.notify("note", (n,))).collect();
        let early: Vec<_> = notes.iter_mut().map(poll).collect();
        assert!(early[5].is_pending(), "it waits for room");
        for n in 0..6 {
            assert!(raw.receive().await.contains(&format!("[{n}]")));
        }
        raw.close().await;
        peer.closed().await;
        for (mut note, early) in notes.into_iter().zip(early) {
            if early.is_pending() {
                assert_eq!(poll(&mut note), Poll::Ready(Ok(())));
            }
        }
    }
    let outcomes = log.take();
    assert!(
        outcomes.len() == 6 && outcomes.iter().all(|outcome| outcome == "sent"),
        "{outcomes:?}"
    );
}

/// And one that was not is not.
#[tokio::test(start_paused = true)]
async fn one_that_still_waited_at_the_end_is_told_that_it_was_not_sent() {
    for layer in [None, Some(&Log::default())] {
        let (mut raw, peer) = narrow(layer);
        let mut notes: Vec<_> = (0..8).map(|n| peer.notify("note", (n,))).collect();
        let mut told: Vec<_> = notes.iter_mut().map(poll).collect();
        assert!(raw.receive().await.contains("[0]"));
        settle().await;
        raw.close().await;
        peer.closed().await;
        for (note, told) in notes.iter_mut().zip(&mut told) {
            if told.is_pending() {
                *told = poll(note);
            }
        }
        let closed = |told: &&_| matches!(told, Poll::Ready(Err(NotifyError::Closed { .. })));
        let of_those = told.iter().filter(closed).count();
        assert!(of_those >= 3, "the pipe held one, and the queue one: {told:?}");
        let entered = told.iter().take_while(|told| **told == Poll::Ready(Ok(()))).count();
        assert_eq!(entered + of_those, 8, "in their order: {told:?}");
    }
}
