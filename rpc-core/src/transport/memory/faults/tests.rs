//! Each fault as the two ends of a bare link see it.

use std::future::{Future, poll_fn};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;

use crate::error::close::CloseCode;
use crate::memory::{Pipe, transports};
use crate::transport::{Received, Transport};

const SECOND: Duration = Duration::from_secs(1);

fn send(pipe: &mut Pipe, text: &'static str) {
    let cx = &mut Context::from_waker(Waker::noop());
    pipe.send(Bytes::from_static(text.as_bytes())).unwrap();
    assert!(pipe.poll_flush(cx).is_ready());
}

/// What a poll finds: a text, `closed`, `broken`, or nothing.
fn read(pipe: &mut Pipe, cx: &mut Context<'_>) -> Option<String> {
    match pipe.poll_receive(cx, usize::MAX) {
        Poll::Ready(received) => Some(shown(pipe, &received)),
        Poll::Pending => None,
    }
}

fn shown(pipe: &Pipe, received: &Received) -> String {
    match received {
        Received::Text => String::from_utf8_lossy(pipe.message()).into_owned(),
        Received::Closed { .. } => "closed".to_owned(),
        _ => "broken".to_owned(),
    }
}

fn poll(pipe: &mut Pipe) -> Option<String> {
    read(pipe, &mut Context::from_waker(Waker::noop()))
}

/// Whether there is room for a message: `None` if the link is broken.
fn room(pipe: &mut Pipe, cx: &mut Context<'_>) -> Option<bool> {
    match pipe.poll_ready(cx) {
        Poll::Ready(ready) => ready.ok().map(|()| true),
        Poll::Pending => Some(false),
    }
}

/// What comes next, and after how long.
async fn next(pipe: &mut Pipe) -> (String, Duration) {
    let start = Instant::now();
    let received = poll_fn(|cx| pipe.poll_receive(cx, usize::MAX)).await;
    (shown(pipe, &received), start.elapsed())
}

fn after(text: &str, time: Duration) -> (String, Duration) {
    (text.to_owned(), time)
}

/// Counts how often it is woken.
#[derive(Default)]
struct Count(AtomicU64);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

impl Count {
    fn woken(&self) -> bool {
        self.0.swap(0, Ordering::Relaxed) > 0
    }
}

#[test]
fn a_cut_loses_what_is_on_its_way_and_both_ends_see_it() {
    let (mut near, mut far) = transports(1000);
    let faults = near.faults();
    send(&mut near, "one");
    send(&mut far, "two");
    assert!(!faults.is_cut());
    far.faults().cut();
    assert!(faults.is_cut() && faults.incoming().is_cut());
    for pipe in [&mut near, &mut far] {
        let cx = &mut Context::from_waker(Waker::noop());
        assert_eq!(room(pipe, cx), None);
        assert_eq!(poll(pipe).as_deref(), Some("broken"));
        assert_eq!(pipe.accepted(), 1, "the medium took it");
    }
    // Not seen by a sender that was cut between `poll_ready` and `send`.
    send(&mut near, "three");
    assert_eq!(near.accepted(), 1);
}

#[test]
fn a_cut_loses_a_close_that_is_on_its_way() {
    let cx = &mut Context::from_waker(Waker::noop());
    let (mut near, mut far) = transports(1000);
    assert!(far.poll_close(cx, CloseCode::NORMAL, "").is_ready());
    near.faults().cut();
    assert_eq!(poll(&mut near).as_deref(), Some("broken"));
}

#[test]
fn a_cut_wakes_readers_and_writers() {
    let (mut near, mut far) = transports(1);
    let counts: [Arc<Count>; 2] = Default::default();
    let [near_waker, far_waker] = counts.clone().map(Waker::from);
    send(&mut near, "full");
    assert_eq!(room(&mut near, &mut Context::from_waker(&near_waker)), Some(false));
    near.faults().outgoing().stall();
    assert_eq!(read(&mut far, &mut Context::from_waker(&far_waker)), None);
    near.faults().cut();
    assert!(counts[0].woken(), "the writer");
    assert!(counts[1].woken(), "the reader, though the link is stalled");
    assert_eq!(poll(&mut far).as_deref(), Some("broken"));
    near.faults().stall();
    assert_eq!(poll(&mut far).as_deref(), Some("broken"), "a broken link stays broken");
}

/// Reads all of the messages of three bytes each, sent one way, up to the cut.
fn read_up_to(byte: u64, in_advance: bool) -> usize {
    let (mut near, mut far) = transports(1000);
    if in_advance {
        far.faults().incoming().cut_at(byte);
    }
    for text in ["abc", "def", "ghi"] {
        if !near.faults().is_cut() {
            send(&mut near, text);
        }
    }
    near.faults().outgoing().cut_at(byte);
    let mut read = 0;
    while let Some("abc" | "def" | "ghi") = poll(&mut far).as_deref() {
        read += 1;
    }
    assert_eq!(near.faults().is_cut(), byte < 10);
    if near.faults().is_cut() {
        assert_eq!(poll(&mut near).as_deref(), Some("broken"));
        assert_eq!(near.accepted(), if byte == 0 && in_advance { 0 } else { 3 });
    }
    read
}

#[test]
fn a_message_that_lies_across_the_cut_is_not_delivered() {
    let delivered: Vec<_> = (0..10).map(|byte| read_up_to(byte, byte % 2 == 0)).collect();
    assert_eq!(delivered, [0, 0, 0, 1, 1, 1, 2, 2, 2, 3]);
}

#[test]
fn a_link_breaks_when_the_last_byte_before_the_cut_is_read() {
    let (mut near, mut far) = transports(1000);
    near.faults().outgoing().cut_at(3);
    let count = Arc::<Count>::default();
    let waker = Waker::from(count.clone());
    assert_eq!(read(&mut near, &mut Context::from_waker(&waker)), None);
    send(&mut far, "other way");
    assert_eq!(poll(&mut near).as_deref(), Some("other way"), "these bytes do not count");
    assert_eq!(read(&mut near, &mut Context::from_waker(&waker)), None);
    send(&mut near, "abc");
    assert!(!near.faults().is_cut());
    count.woken();
    assert_eq!(poll(&mut far).as_deref(), Some("abc"));
    assert!(near.faults().is_cut() && count.woken());
    near.faults().cut_at(100);
    assert_eq!(poll(&mut far).as_deref(), Some("broken"));
}

#[test]
fn a_cut_at_a_byte_that_was_read_already_is_a_cut_now() {
    let (mut near, mut far) = transports(1000);
    send(&mut near, "abc");
    assert_eq!(poll(&mut far).as_deref(), Some("abc"));
    near.faults().incoming().cut_at(2);
    assert!(!near.faults().is_cut(), "the other direction");
    near.faults().outgoing().cut_at(4);
    assert!(!near.faults().is_cut());
    near.faults().outgoing().cut_at(2);
    assert!(near.faults().is_cut());
}

#[test]
fn a_message_that_reaches_beyond_a_cut_of_what_is_sent_is_not_accepted() {
    let cx = &mut Context::from_waker(Waker::noop());
    for (byte, accepted) in [(0, 0), (2, 0), (3, 1), (5, 1), (6, 2)] {
        let (mut near, mut far) = transports(1000);
        near.faults().outgoing().cut_sending_at(byte);
        for text in ["abc", "def", "ghi"] {
            if room(&mut near, cx).is_some() {
                let sent = near.send(Bytes::from_static(text.as_bytes()));
                assert_eq!(sent.is_err(), near.faults().is_cut());
            }
        }
        assert!(near.faults().is_cut());
        assert_eq!(near.accepted(), accepted, "up to {byte}");
        assert_eq!(poll(&mut far).as_deref(), Some("broken"), "what was accepted is lost");
    }
    let (mut near, _far) = transports(1000);
    send(&mut near, "abc");
    near.faults().cut_sending_at(3);
    assert!(!near.faults().is_cut(), "the byte is still to come");
    near.faults().cut_sending_at(2);
    assert!(near.faults().is_cut());
}

#[test]
fn a_stalled_direction_fills_up_and_goes_on_where_it_stopped() {
    let (mut near, mut far) = transports(6);
    let counts: [Arc<Count>; 2] = Default::default();
    let [near_waker, far_waker] = counts.clone().map(Waker::from);
    near.faults().outgoing().stall();
    let (near_cx, far_cx) =
        (&mut Context::from_waker(&near_waker), &mut Context::from_waker(&far_waker));
    for text in ["abc", "def"] {
        assert_eq!(room(&mut near, near_cx), Some(true));
        send(&mut near, text);
        assert_eq!(read(&mut far, far_cx), None);
    }
    assert_eq!(room(&mut near, near_cx), Some(false), "the link is full");
    send(&mut far, "back");
    assert_eq!(poll(&mut near).as_deref(), Some("back"), "the other direction moves");
    counts.iter().for_each(|count| _ = count.woken());

    far.faults().incoming().resume();
    assert!(counts[1].woken(), "the reader");
    assert_eq!(read(&mut far, far_cx).as_deref(), Some("abc"));
    assert!(counts[0].woken(), "the writer");
    assert_eq!(read(&mut far, far_cx).as_deref(), Some("def"));
    assert_eq!(room(&mut near, near_cx), Some(true));
}

#[test]
fn a_stalled_direction_hides_the_end() {
    let cx = &mut Context::from_waker(Waker::noop());
    for closes in [true, false] {
        let (mut near, mut far) = transports(1000);
        let faults = near.faults();
        faults.stall();
        send(&mut far, "last");
        assert!(!closes || far.poll_close(cx, CloseCode::NORMAL, "").is_ready());
        drop(far);
        assert_eq!(poll(&mut near), None);
        assert_eq!(room(&mut near, cx), Some(true), "nobody is told");
        send(&mut near, "lost");
        assert_eq!(near.accepted(), 1, "the medium took it");
        faults.resume();
        assert_eq!(poll(&mut near).as_deref(), Some("last"));
        assert_eq!(poll(&mut near).as_deref(), Some(if closes { "closed" } else { "broken" }));
        assert!(!faults.is_cut(), "that is no cut");
    }
}

#[tokio::test(start_paused = true)]
async fn delayed_messages_arrive_so_much_later_and_in_order() {
    let (mut near, mut far) = transports(1000);
    let faults = near.faults().outgoing();
    send(&mut near, "at once");
    faults.delay(3 * SECOND);
    send(&mut near, "slow");
    faults.delay(SECOND);
    send(&mut near, "quick");
    send(&mut far, "back");
    assert_eq!(next(&mut near).await, after("back", Duration::ZERO));
    assert_eq!(next(&mut far).await, after("at once", Duration::ZERO));
    assert_eq!(next(&mut far).await, after("slow", 3 * SECOND));
    assert_eq!(next(&mut far).await, after("quick", Duration::ZERO), "it overtakes nothing");

    send(&mut near, "again");
    tokio::time::sleep(SECOND / 4).await;
    assert_eq!(next(&mut far).await, after("again", SECOND * 3 / 4), "from when it was sent");
    faults.delay(Duration::ZERO);
    send(&mut near, "as before");
    assert_eq!(next(&mut far).await, after("as before", Duration::ZERO));
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_waits_already_is_woken_when_a_delayed_message_arrives() {
    let (mut near, mut far) = transports(1000);
    near.faults().delay(SECOND);
    let reader = tokio::spawn(async move { next(&mut far).await });
    tokio::task::yield_now().await;
    send(&mut near, "text");
    assert_eq!(reader.await.unwrap(), after("text", SECOND));
}

#[tokio::test(start_paused = true)]
async fn a_delayed_end_is_told_when_it_arrives() {
    let cx = &mut Context::from_waker(Waker::noop());
    for closes in [true, false] {
        let (mut near, mut far) = transports(1000);
        far.faults().outgoing().delay(SECOND);
        send(&mut far, "last");
        assert!(!closes || far.poll_close(cx, CloseCode::NORMAL, "").is_ready());
        drop(far);
        assert_eq!(room(&mut near, cx), Some(true), "nobody is told");
        assert_eq!(next(&mut near).await, after("last", SECOND));
        let end = if closes { "closed" } else { "broken" };
        assert_eq!(next(&mut near).await, after(end, Duration::ZERO));
    }
    let (mut near, far) = transports(1000);
    far.faults().outgoing().delay(SECOND);
    drop(far);
    assert_eq!(next(&mut near).await, after("broken", SECOND), "also without a message before");
}

#[tokio::test(start_paused = true)]
async fn a_cut_comes_before_what_is_delayed() {
    let (mut near, mut far) = transports(1000);
    let faults = near.faults();
    faults.delay(Duration::MAX);
    send(&mut near, "never");
    let mut reading = Box::pin(next(&mut far));
    let cx = &mut Context::from_waker(Waker::noop());
    assert!(reading.as_mut().poll(cx).is_pending());
    tokio::spawn(async move {
        tokio::time::sleep(SECOND).await;
        faults.cut();
    });
    assert_eq!(reading.await, after("broken", SECOND));
}

#[tokio::test(start_paused = true)]
async fn what_is_delayed_and_stalled_waits_for_both() {
    let (mut near, mut far) = transports(1000);
    let faults = near.faults();
    faults.delay(2 * SECOND);
    send(&mut near, "text");
    faults.stall();
    tokio::time::sleep(SECOND).await;
    assert_eq!(poll(&mut far), None);
    faults.resume();
    assert_eq!(next(&mut far).await, after("text", SECOND));
}

#[test]
fn dropped_messages_vanish_and_nobody_is_told() {
    let cx = &mut Context::from_waker(Waker::noop());
    let (mut near, mut far) = transports(1);
    far.faults().incoming().drop_next(2);
    for text in ["one", "two", "three"] {
        assert_eq!(room(&mut near, cx), Some(true), "what vanished takes no room");
        send(&mut near, text);
    }
    assert_eq!(near.accepted(), 3);
    assert_eq!(poll(&mut far).as_deref(), Some("three"));
    assert_eq!(poll(&mut far), None);
    send(&mut far, "back");
    assert_eq!(poll(&mut near).as_deref(), Some("back"), "the other direction loses nothing");

    near.faults().drop_next(5);
    near.faults().outgoing().drop_next(0);
    send(&mut near, "arrives");
    send(&mut far, "vanishes");
    assert_eq!(poll(&mut far).as_deref(), Some("arrives"));
    assert_eq!(poll(&mut near), None);
}

#[test]
fn lost_bytes_are_not_delivered_bytes() {
    let (mut near, mut far) = transports(1000);
    let faults = near.faults().outgoing();
    faults.cut_at(3);
    faults.drop_next(1);
    send(&mut near, "lost");
    send(&mut near, "abc");
    assert_eq!(poll(&mut far).as_deref(), Some("abc"));
    assert!(faults.is_cut());
}

#[test]
fn messages_are_not_in_the_debug_text_of_their_faults() {
    let (mut near, _far) = transports(1000);
    send(&mut near, "s3cret");
    let text = format!("{:?}", near.faults().outgoing());
    assert_eq!(text, "Faults { scope: Outgoing, is_cut: false, .. }");
}
