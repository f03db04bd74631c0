//! What two ends make of a link that breaks, stalls, delays or loses messages.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use rpc_core::memory::{self, Faults};
use rpc_core::transport::{Accepted, Endpoint, EndpointConfig, SessionMode};
use rpc_core::{CallError, Context, Fate, Limits, Peer, Router};

type Outcome = Result<u32, CallError>;

/// Two ends over a link that holds `capacity` bytes each way. The far end counts the runs of its method `add`.
struct Ends {
    peer: Peer,
    far: Peer,
    faults: Faults,
    runs: Arc<AtomicU32>,
}

impl Ends {
    fn new(capacity: usize) -> Self {
        let runs = Arc::<AtomicU32>::default();
        let count = runs.clone();
        let services = Router::new().method("add", move |_: Context, (a, b): (u32, u32)| {
            count.fetch_add(1, Ordering::Relaxed);
            async move { Ok(a + b) }
        });
        let (left, right) = memory::transports(capacity);
        let faults = left.faults();
        let near = Endpoint::new(EndpointConfig::new(Router::new(), Limits::client()));
        let far = Endpoint::new(EndpointConfig::new(services, Limits::server()));
        let (peer, far_peer) = (near.peer(), far.peer());
        tokio::spawn(near.connect(left));
        tokio::spawn(far.connect(right));
        Self { peer, far: far_peer, faults, runs }
    }

    /// Calls `add` in a task; the message has left when this returns.
    async fn call(&self) -> tokio::task::JoinHandle<Outcome> {
        let call = tokio::spawn(self.peer.call::<u32>("add", (1, 2)).into_future());
        settle().await;
        call
    }

    fn runs(&self) -> u32 {
        self.runs.load(Ordering::Relaxed)
    }
}

async fn settle() {
    tokio::time::sleep(Duration::from_millis(1)).await;
}

fn fate_of_closed(outcome: &Outcome) -> Fate {
    match outcome {
        Err(CallError::Closed { fate, .. }) => *fate,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_whose_request_is_lost_with_the_link_may_have_run() {
    let ends = Ends::new(64 * 1024);
    ends.faults.outgoing().stall();
    let call = ends.call().await;
    assert!(!call.is_finished());
    ends.faults.cut();
    assert_eq!(fate_of_closed(&call.await.unwrap()), Fate::MaybeExecuted);
    ends.far.closed().await;
    assert_eq!(ends.runs(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_call_whose_answer_is_lost_with_the_link_may_have_run() {
    let ends = Ends::new(64 * 1024);
    ends.faults.incoming().stall();
    let call = ends.call().await;
    assert_eq!(ends.runs(), 1);
    ends.faults.cut();
    assert_eq!(fate_of_closed(&call.await.unwrap()), Fate::MaybeExecuted);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_found_no_room_in_the_link_is_not_sent() {
    let ends = Ends::new(1);
    ends.faults.outgoing().stall();
    let (first, second) = (ends.call().await, ends.call().await);
    ends.faults.cut();
    assert_eq!(fate_of_closed(&first.await.unwrap()), Fate::MaybeExecuted);
    assert_eq!(fate_of_closed(&second.await.unwrap()), Fate::NotSent);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_the_medium_took_half_of_is_not_sent() {
    let ends = Ends::new(64 * 1024);
    ends.faults.outgoing().cut_sending_at(20);
    let call = ends.call().await;
    assert!(ends.faults.is_cut());
    assert_eq!(fate_of_closed(&call.await.unwrap()), Fate::NotSent);
    ends.far.closed().await;
    assert_eq!(ends.runs(), 0);
}

/// Whatever the byte, and whichever way: one answer or a close, and what is not sent has not run.
#[tokio::test(start_paused = true)]
async fn a_cut_at_each_byte_tells_the_truth() {
    type Cut = fn(&Faults, u64);
    let cuts: [Cut; 4] = [
        |faults, byte| faults.outgoing().cut_at(byte),
        |faults, byte| faults.incoming().cut_at(byte),
        |faults, byte| faults.outgoing().cut_sending_at(byte),
        |faults, byte| faults.incoming().cut_sending_at(byte),
    ];
    for (number, cut) in cuts.into_iter().enumerate() {
        let mut seen = Vec::new();
        for byte in 0.. {
            let ends = Ends::new(64 * 1024);
            cut(&ends.faults, byte);
            let outcome = ends.call().await.await.unwrap();
            let at = format!("cut {number} at {byte}: {outcome:?}, {} runs", ends.runs());
            match &outcome {
                Ok(sum) => assert_eq!((*sum, ends.runs()), (3, 1), "{at}"),
                closed => {
                    let fate = fate_of_closed(closed);
                    assert!(ends.runs() == 0 || fate == Fate::MaybeExecuted, "{at}");
                    seen.push((fate, ends.runs()));
                }
            }
            if !ends.faults.is_cut() {
                break;
            }
            ends.far.closed().await;
        }
        seen.dedup();
        // At byte 0 of what is read the link is broken before the call is made. At the end of the request the
        // link breaks when the request is read.
        let expected: &[_] = match number {
            0 => &[(Fate::NotSent, 0), (Fate::MaybeExecuted, 0), (Fate::MaybeExecuted, 1)],
            1 => &[(Fate::NotSent, 0), (Fate::MaybeExecuted, 1)],
            2 => &[(Fate::NotSent, 0)],
            _ => &[(Fate::MaybeExecuted, 1)],
        };
        assert_eq!(seen, expected, "cut {number}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_lost_request_and_a_lost_answer_end_at_the_deadline() {
    for (is_request, runs) in [(true, 0), (false, 1)] {
        let ends = Ends::new(64 * 1024);
        let direction = if is_request { ends.faults.outgoing() } else { ends.faults.incoming() };
        direction.drop_next(1);
        let outcome = ends.peer.call::<u32>("add", (1, 2)).await;
        let Err(CallError::Timeout { fate, .. }) = outcome else { panic!("{outcome:?}") };
        assert_eq!((fate, ends.runs()), (Fate::MaybeExecuted, runs));
        assert_eq!(ends.peer.call::<u32>("add", (3, 4)).await.unwrap(), 7, "the link works");
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_takes_the_delays_of_both_directions() {
    let ends = Ends::new(64 * 1024);
    ends.faults.outgoing().delay(Duration::from_millis(300));
    ends.faults.incoming().delay(Duration::from_millis(200));
    let start = tokio::time::Instant::now();
    assert_eq!(ends.peer.call::<u32>("add", (1, 2)).await.unwrap(), 3);
    assert_eq!(start.elapsed(), Duration::from_millis(500));
}

#[tokio::test(start_paused = true)]
async fn a_stalled_link_goes_on_where_it_stopped() {
    let ends = Ends::new(1);
    ends.faults.stall();
    let calls = [ends.call().await, ends.call().await, ends.call().await];
    assert_eq!(ends.runs(), 0);
    ends.faults.resume();
    for call in calls {
        assert_eq!(call.await.unwrap().unwrap(), 3);
    }
}

/// Each end has more to send than it may keep, all the time. What the other end acknowledges makes room, which is taken
/// at once by what waits: calls at one end, results at the other.
#[tokio::test(start_paused = true)]
async fn an_end_with_much_to_send_over_a_long_way_does_not_take_the_other_for_a_slow_reader() {
    let echo = |_: Context, (text,): (String,)| async move { Ok(text) };
    let config = |services, mut limits: Limits, sessions| {
        limits.queue = 16 * 1024;
        let mut config = EndpointConfig::new(services, limits);
        config.sessions = sessions;
        config
    };
    let near = Endpoint::new(config(Router::new(), Limits::client(), SessionMode::Ask));
    let services = Router::new().method("echo", echo);
    let far = Endpoint::new(config(services, Limits::server(), SessionMode::Grant));
    far.set_extended(false);
    let (left, right) = memory::transports(64 * 1024);
    left.faults().outgoing().delay(Duration::from_millis(300));
    let peer = near.peer();
    let mut connection = near.without_link();
    connection.attach(left, true);
    tokio::spawn(connection);
    tokio::spawn(async move {
        if let Accepted::Fresh(connection) = far.accept(right, |_, _| true).await {
            connection.await;
        }
    });
    let text = "x".repeat(1000);
    let callers: Vec<_> = (0..64)
        .map(|_| {
            let (peer, text) = (peer.clone(), text.clone());
            tokio::spawn(async move {
                for _ in 0..10 {
                    let echoed = peer.call::<String>("echo", (&text,)).no_timeout().await.unwrap();
                    assert_eq!(echoed, text);
                }
            })
        })
        .collect();
    let began = tokio::time::Instant::now();
    for caller in callers {
        caller.await.unwrap();
    }
    assert!(began.elapsed() > Limits::client().slow_reader, "the queue was full for that long");
}
