//! Calls and notifications by themselves, and the end of the connection under them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;
use std::time::Duration;

use futures_util::FutureExt;
use rpc_core::{CallError, CloseCode, Context, Router};
use shuttle::future::block_on;
use shuttle::thread;

use crate::pair::{Pair, WIDE, add, adder, check, offering, pass};

/// Two ends, of which the far one has `add`.
fn connect(capacity: usize) -> Pair {
    Pair::connect(offering(Router::new()), offering(adder()), capacity)
}

#[test]
fn a_call_made_while_the_connection_closes_is_resolved() {
    check(|| {
        let pair = connect(WIDE);
        let (caller, closer) = (pair.near.clone(), pair.near.clone());
        let calls = thread::spawn(move || {
            for _ in 0..2 {
                match block_on(add(&caller)) {
                    Ok(sum) => assert_eq!(sum, 3),
                    Err(CallError::Closed { .. }) => {}
                    Err(error) => panic!("{error}"),
                }
            }
        });
        let close = thread::spawn(move || closer.close(CloseCode::NORMAL, "enough"));
        calls.join().unwrap();
        close.join().unwrap();
        pair.end();
    });
}

#[test]
fn an_answer_a_deadline_and_a_drop_that_meet_leave_nothing_behind() {
    check(|| {
        let pair = connect(WIDE);
        let callers: Vec<_> = (0..3)
            .map(|number| {
                let peer = pair.near.clone();
                thread::spawn(move || match number {
                    0 => match block_on(peer.call::<u64>("add", (1, 2)).timeout(Duration::ZERO)) {
                        Ok(sum) => assert_eq!(sum, 3),
                        Err(CallError::Timeout { .. }) => {}
                        Err(error) => panic!("{error}"),
                    },
                    1 => {
                        let mut call = add(&peer);
                        let once = std::future::poll_fn(|cx| Poll::Ready(call.poll_unpin(cx)));
                        drop(block_on(once));
                    }
                    _ => assert_eq!(block_on(add(&peer)).unwrap(), 3),
                })
            })
            .collect();
        callers.into_iter().for_each(|caller| caller.join().unwrap());
        pair.end();
    });
}

/// The answer, the deadline and whoever has enough, all at the same time. Nothing of that disturbs the
/// call behind them, and a late answer is no stray.
#[test]
fn a_deadline_that_comes_with_the_answer_resolves_a_call_once() {
    const DEADLINE: Duration = Duration::from_secs(1);
    check(|| {
        let pair = connect(WIDE);
        let (waits, drops) = (pair.near.clone(), pair.near.clone());
        let waits = thread::spawn(move || match block_on(add(&waits).timeout(DEADLINE)) {
            Ok(sum) => assert_eq!(sum, 3),
            Err(CallError::Timeout { .. }) => {}
            Err(error) => panic!("{error}"),
        });
        let dropped = add(&drops).timeout(DEADLINE).start();
        let drops = thread::spawn(move || drop(dropped));
        let timer = pair.timer.clone();
        let clock = thread::spawn(move || pass(DEADLINE, &timer));
        clock.join().unwrap();
        // It may have begun when the clock had moved: then only the answer can end it.
        waits.join().unwrap();
        drops.join().unwrap();
        assert_eq!(block_on(add(&pair.near)).unwrap(), 3);
        pair.end();
    });
}

/// The pipe takes one message at a time, so that each waits for room.
#[test]
fn bytes_of_the_queue_are_counted_right_and_nobody_is_forgotten() {
    check(|| {
        let notes = Arc::new(AtomicUsize::new(0));
        let counted = notes.clone();
        let services = adder().notification("note", move |_: Context, (): ()| {
            counted.fetch_add(1, Ordering::SeqCst);
            std::future::ready(())
        });
        let pair = Pair::connect(offering(Router::new()), offering(services), 1);
        let senders: Vec<_> = (0..3)
            .map(|_| {
                let peer = pair.near.clone();
                thread::spawn(move || {
                    block_on(peer.notify("note", ())).unwrap();
                    assert_eq!(block_on(add(&peer)).unwrap(), 3);
                })
            })
            .collect();
        senders.into_iter().for_each(|sender| sender.join().unwrap());
        assert_eq!(notes.load(Ordering::SeqCst), 3);
        pair.end();
    });
}

#[test]
fn both_ends_may_close_at_once() {
    check(|| {
        let pair = connect(WIDE);
        let far = pair.far.clone();
        let close = thread::spawn(move || far.close(CloseCode::GOING_AWAY, "me, too"));
        let waiting = {
            let peer = pair.near.clone();
            thread::spawn(move || block_on(peer.closed()))
        };
        pair.near.close(CloseCode::NORMAL, "enough");
        close.join().unwrap();
        waiting.join().unwrap();
        pair.end();
    });
}
