//! Batches whose members are polled or dropped while they are sent.
//!
//! A member was looked at when its batch took it up, and joined to its call when the message was
//! written. One that was polled in between was told to be not sent, and ran; one that was dropped in
//! between was never cancelled, and kept for as long as the connection lived.

mod support;

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context as Task, Poll, Waker};
use std::time::Duration;

use rpc_core::{Call, CallError, Context, Fate, Limits, Peer, Router};
use support::Raw;
use support::ends::{ends, settle};
use support::rest::{Lives, at_rest, held, settles};

/// How often something ran, and how many of it run now.
#[derive(Clone, Default)]
struct Ran {
    begun: Arc<AtomicUsize>,
    alive: Arc<AtomicUsize>,
}

impl Ran {
    fn begun(&self) -> usize {
        self.begun.load(Ordering::SeqCst)
    }

    fn services(&self) -> Router {
        let [inc, stay] = [(); 2].map(|()| self.clone());
        Router::new()
            .method("inc", move |_: Context, (n,): (u64,)| {
                inc.begun.fetch_add(1, Ordering::SeqCst);
                std::future::ready(Ok(n + 1))
            })
            .method("stay", move |_: Context, (_,): (u64,)| {
                stay.begun.fetch_add(1, Ordering::SeqCst);
                let lives = Lives::new(&stay.alive);
                async move {
                    std::future::pending::<()>().await;
                    drop(lives);
                    Ok(0_u64)
                }
            })
    }
}

fn poll_once<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    Pin::new(future).poll(&mut Task::from_waker(Waker::noop()))
}

/// A batch in the middle of its sending: its first part waits for room, and it has taken up the next one.
struct Halfway<S> {
    raw: Raw,
    peer: Peer,
    send: S,
    members: Vec<Call<u64>>,
}

async fn halfway(method: &str) -> Halfway<impl Future<Output = ()>> {
    let mut limits = Limits::client();
    (limits.batch, limits.queue) = (1, 200);
    let (raw, peer) = Raw::connect_with(Router::new(), limits, 1);
    for _ in 0..3 {
        peer.notify("fills", ("the queue and the pipe".repeat(10),)).await.unwrap();
        if poll_once(&mut peer.notify("probe", ())).is_pending() {
            break;
        }
    }
    let batch = peer.batch();
    batch.notify("waits", ()).unwrap();
    let members = (0..3).map(|n| batch.call::<u64>(method, (n,)).no_timeout()).collect();
    let mut send = Box::pin(async move { batch.send().await.unwrap() });
    assert!(poll_once(&mut send).is_pending(), "its first part waits for room");
    Halfway { raw, peer, send, members }
}

/// What the raw end is sent until nothing more comes, each answered if it is a call.
async fn all_that_comes(raw: &mut Raw) -> Vec<String> {
    let mut seen = Vec::new();
    while let Ok(text) = tokio::time::timeout(Duration::from_millis(50), raw.receive()).await {
        seen.push(text);
    }
    seen
}

/// Who asks for an answer while the batch is being sent gets it, or the truth: it was not sent.
#[tokio::test(start_paused = true)]
async fn a_member_that_is_polled_while_its_batch_is_sent_is_told_what_became_of_it() {
    for polled in 0..3 {
        let Halfway { mut raw, peer, send, mut members } = halfway("inc").await;
        let early = poll_once(&mut members[polled]);
        let (sent, seen) = tokio::join!(send, all_that_comes(&mut raw));
        let () = sent;
        let reached = seen.iter().any(|text| text.contains(&format!(r#""params":[{polled}]"#)));
        match early {
            Poll::Pending => assert!(reached, "member {polled} waits for an answer: {seen:?}"),
            Poll::Ready(Err(error)) => {
                assert_eq!(error.fate(), Some(Fate::NotSent));
                assert!(!reached, "member {polled} was told `NotSent`: {seen:?}");
            }
            Poll::Ready(Ok(answer)) => panic!("nobody answers, but {answer}"),
        }
        drop(members);
        settle().await;
        assert_eq!(peer.stats().pending, 0);
    }
}

/// Who drops a member while the batch is being sent has it left out, or cancelled.
#[tokio::test(start_paused = true)]
async fn a_member_that_is_dropped_while_its_batch_is_sent_is_left_out_or_cancelled() {
    for dropped in 0..3 {
        let Halfway { mut raw, peer, send, mut members } = halfway("stay").await;
        drop(members.remove(dropped));
        let (sent, seen) = tokio::join!(send, all_that_comes(&mut raw));
        let () = sent;
        let reached = seen.iter().any(|text| text.contains(&format!(r#""params":[{dropped}]"#)));
        let cancels = seen.iter().filter(|text| text.contains("$/cancelRequest")).count();
        assert_eq!(cancels, usize::from(reached), "member {dropped}: {seen:?}");
        assert_eq!(peer.stats().pending, 2, "the others still wait");
        drop(members);
        settle().await;
        assert_eq!(peer.stats().pending, 0);
    }
}

/// The future of `send` is dropped halfway: what it did not send fails, and says so.
#[tokio::test(start_paused = true)]
async fn members_of_a_batch_whose_sending_is_given_up_are_told_so() {
    let Halfway { mut raw, peer, send, members } = halfway("inc").await;
    let waiting = members.into_iter().map(tokio::spawn).collect::<Vec<_>>();
    tokio::task::yield_now().await;
    drop(send);
    for member in waiting {
        let member = tokio::time::timeout(Duration::from_secs(5), member);
        let told = member.await.expect("nobody waits for ever").unwrap();
        assert_eq!(told, Err(CallError::Cancelled { fate: Fate::NotSent }));
    }
    let seen = all_that_comes(&mut raw).await;
    assert!(!seen.iter().any(|text| text.contains("inc")), "{seen:?}");
    assert_eq!(peer.stats().pending, 0);
}

/// The same on threads that really meet: what was told to be not sent never ran.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_polled_on_another_thread_while_their_batch_is_sent_never_ran_if_they_say_so() {
    let ran = Ran::default();
    let (peer, far) = ends((Router::new(), Limits::client()), (ran.services(), Limits::server()));
    let mut answered = 0;
    for round in 0..3_000 {
        let batch = peer.batch();
        let mut calls: Vec<_> = (0..4).map(|n| batch.call::<u64>("inc", (n,))).collect();
        let polls = std::thread::spawn(move || {
            (0..round % 50).for_each(|_| std::hint::spin_loop());
            let early: Vec<_> = calls.iter_mut().map(poll_once).collect();
            (calls, early)
        });
        batch.send().await.unwrap();
        let (calls, early) = polls.join().unwrap();
        for (call, early) in calls.into_iter().zip(early) {
            let outcome = match early {
                Poll::Ready(outcome) => outcome,
                Poll::Pending => call.await,
            };
            match outcome {
                Ok(_) => answered += 1,
                Err(error) => assert_eq!(error.fate(), Some(Fate::NotSent), "{error}"),
            }
        }
    }
    at_rest(&[&peer, &far]).await;
    assert_eq!(ran.begun(), answered, "what ran was answered, the rest was not sent");
}

/// Nor does one that was dropped there run on, or stay behind in either table.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_dropped_on_another_thread_while_their_batch_is_sent_leave_nothing() {
    let ran = Ran::default();
    let (peer, far) = ends((Router::new(), Limits::client()), (ran.services(), Limits::server()));
    for round in 0..3_000 {
        let batch = peer.batch();
        let calls: Vec<_> = (0..4).map(|n| batch.call::<u64>("stay", (n,)).no_timeout()).collect();
        let drops = std::thread::spawn(move || {
            (0..round % 50).for_each(|_| std::hint::spin_loop());
            drop(calls);
        });
        batch.send().await.unwrap();
        drops.join().unwrap();
    }
    settles(|| held(&peer) + held(&far) == 0).await;
    assert_eq!(ran.alive.load(Ordering::SeqCst), 0, "of {} that began", ran.begun());
}

/// A deadline that is over before it began is `NotSent`, in a batch as alone.
#[tokio::test(start_paused = true)]
async fn members_whose_deadline_is_over_are_not_sent() {
    let (mut raw, peer) = Raw::connect(Router::new(), Limits::client());
    let alone = peer.call::<u8>("alone", ()).timeout(Duration::ZERO).await;
    let late = CallError::Timeout { fate: Fate::NotSent, heard: None };
    assert_eq!(alone, Err(late.clone()));
    let batch = peer.batch();
    let over = batch.call::<u8>("over", ()).timeout(Duration::ZERO);
    let kept = batch.call::<u8>("kept", ()).no_timeout();
    let also = batch.call::<u8>("also", ()).timeout(Duration::ZERO);
    batch.send().await.unwrap();
    let sent = raw.receive().await;
    assert!(sent.contains("kept") && !sent.contains("over") && !sent.contains("also"), "{sent}");
    assert_eq!((over.await, also.await), (Err(late.clone()), Err(late.clone())));
    raw.send(r#"[{"jsonrpc":"2.0","id":1,"result":7}]"#).await;
    assert_eq!(kept.await, Ok(7));
    // All of them: there is nothing to say.
    let batch = peer.batch();
    let over = batch.call::<u8>("over", ()).timeout(Duration::ZERO);
    batch.send().await.unwrap();
    assert_eq!(over.await, Err(late));
    assert!(raw.is_silent().await);
    assert_eq!(peer.stats().pending, 0);
}

/// Within a handler whose own deadline is over by then, the same.
#[tokio::test(start_paused = true)]
async fn members_of_a_handler_whose_deadline_is_over_are_not_sent() {
    let services = Router::new().method("ask", |cx: Context, (): ()| async move {
        let batch = cx.peer().batch();
        let question = batch.call::<u8>("question", ());
        // The clock goes on, and the handler is not stopped before it has its turn.
        poll_fn(|cx| {
            let advance = std::pin::pin!(tokio::time::advance(Duration::from_secs(2)));
            let _ = advance.poll(cx);
            Poll::Ready(())
        })
        .await;
        batch.send().await.unwrap();
        drop(question.await);
        Ok(())
    });
    let (mut raw, peer) = Raw::connect(services, Limits::server());
    raw.send(r#"{"jsonrpc":"2.0","id":1,"method":"ask","timeoutMs":1000}"#).await;
    let answer = raw.receive().await;
    assert!(!answer.contains("question"), "{answer}");
    assert_eq!(peer.stats().pending, 0);
}
