//! Why nobody takes the items of a channel any more, for those who send them.

mod support;

use std::error::Error;
use std::future::poll_fn;
use std::task::Poll;

use futures_util::stream::{self, FusedStream};
use futures_util::{FutureExt, SinkExt};
use rpc_core::transport::{Endpoint, EndpointConfig, Hello};
use rpc_core::types::{ClosedBy, StreamEnd};
use rpc_core::{
    CloseCode, CloseReason, Context, ErrorObject, Lag, Limits, Peer, Router, SendError,
    StreamError, StreamSender, Streaming, TrySendError, service,
};
use support::ends::{ends_of, settle};
use tokio::sync::mpsc;

#[service]
trait Uploads {
    /// Takes one item and answers.
    async fn first(&self, items: Streaming<String>) -> String;
    /// Takes none, and does not answer.
    async fn keep(&self, items: Streaming<String>);
}

struct Takes;

impl Uploads for Takes {
    async fn first(&self, mut items: Streaming<String>) -> String {
        items.next().await.unwrap().unwrap()
    }

    async fn keep(&self, items: Streaming<String>) {
        std::future::pending::<()>().await;
        drop(items);
    }
}

/// The taker's peer and that of the one who sends, what is taken, and who sends it.
async fn feed(
    lag: fn() -> Lag<String>,
    change: fn(&mut Limits),
) -> (Peer, Peer, Streaming<String>, StreamSender<String>) {
    let (senders, mut made) = mpsc::unbounded_channel();
    let services = Router::new().subscription("feed", "stop", move |_: Context, (): ()| {
        let (sender, stream) = Streaming::channel(1);
        senders.send(sender).unwrap();
        async move { Ok(stream.lag(lag(), 2)) }
    });
    let mut limits = Limits::server();
    change(&mut limits);
    let near = EndpointConfig::new(Router::new(), Limits::client())
        .with(|config| config.hello = Hello::Always);
    let (near, far) = ends_of(near, EndpointConfig::new(services, limits), 1 << 16);
    let taken = near.subscribe("feed", "stop", ()).await.unwrap();
    (near, far, taken, made.recv().await.unwrap())
}

/// Sends until nobody takes it.
async fn refused(sender: &StreamSender<String>) -> StreamEnd {
    let end = sender.closed().await;
    assert!(sender.is_closed());
    let error = sender.send("late".to_owned()).await.unwrap_err();
    assert_eq!(error, SendError { item: "late".to_owned(), end: end.clone() });
    assert_eq!(error.to_string(), end.to_string());
    end
}

#[tokio::test(start_paused = true)]
async fn the_taker_that_unsubscribes_has_stopped_the_stream() {
    let (_near, _far, taken, sender) = feed(|| Lag::Wait, |_| ()).await;
    sender.send("one".to_owned()).await.unwrap();
    assert!(!sender.is_closed());
    drop(taken);
    assert_eq!(refused(&sender).await, StreamEnd::Stopped);
    // So has one that is not sent anywhere.
    let (sender, stream) = Streaming::channel(1);
    drop(stream);
    assert_eq!(refused(&sender).await, StreamEnd::Stopped);
}

#[tokio::test(start_paused = true)]
async fn the_end_of_the_connection_is_told_with_its_reason() {
    let closes: [fn(&Peer, &Peer); 2] = [
        |near, _| near.close(CloseCode::new(4000), "home"),
        |_, far| far.kick(CloseCode::FORBIDDEN, "revoked"),
    ];
    for close in closes {
        let (near, far, _taken, sender) = feed(|| Lag::Wait, |_| ()).await;
        sender.send("one".to_owned()).await.unwrap();
        settle().await;
        close(&near, &far);
        let reason = far.closed().await;
        assert_eq!(refused(&sender).await, StreamEnd::Closed { reason });
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_goes_with_a_call_hears_of_the_end_of_the_connection_too() {
    let (near, far) = ends_of(
        EndpointConfig::new(Router::new(), Limits::client())
            .with(|config| config.hello = Hello::Always),
        EndpointConfig::new(Router::new().service(UploadsServer::new(Takes)), Limits::server()),
        1 << 16,
    );
    // Known to be over when the answer comes.
    let (sender, stream) = Streaming::channel(1);
    let first = UploadsClient::new(near.clone()).first(stream).start();
    sender.send("one".to_owned()).await.unwrap();
    assert_eq!(first.await.unwrap(), "one");
    assert_eq!(refused(&sender).await, StreamEnd::Stopped);
    let (sender, stream) = Streaming::channel(1);
    let keep = UploadsClient::new(near.clone()).keep(stream).start();
    settle().await;
    // It begins when the connection is closed already, or nearly.
    let (late, stream) = Streaming::channel(1);
    near.close(CloseCode::NORMAL, "enough");
    let late_call = UploadsClient::new(near.clone()).keep(stream).start();
    assert!(keep.await.is_err() && late_call.await.is_err());
    let reason = near.closed().await;
    assert_eq!(refused(&sender).await, StreamEnd::Closed { reason: reason.clone() });
    assert_eq!(refused(&late).await, StreamEnd::Closed { reason });
    drop(far);

    // There never is a connection.
    let endpoint = Endpoint::new(EndpointConfig::new(Router::new(), Limits::client()));
    endpoint.set_extended(true);
    let (sender, stream) = Streaming::channel(1);
    let never = UploadsClient::new(endpoint.peer()).keep(stream).start();
    drop(endpoint);
    assert!(never.await.is_err());
    let StreamEnd::Closed { reason } = refused(&sender).await else { panic!("it has no link") };
    assert_eq!(reason.to_string(), "link lost: the connection was never made");
}

#[tokio::test(start_paused = true)]
async fn who_sends_hears_with_what_error_the_stream_has_ended() {
    let (_near, _far, mut taken, sender) = feed(|| Lag::Wait, |_| ()).await;
    let error = ErrorObject::new(7, "feed lost");
    sender.clone().fail(error.clone());
    assert_eq!(refused(&sender).await, StreamEnd::Failed(error));
    assert!(taken.next().await.unwrap().is_err());

    let (_near, _far, mut taken, sender) =
        feed(|| Lag::Wait, |limits| limits.message_out = 1024).await;
    sender.send("x".repeat(2000)).await.unwrap();
    let StreamEnd::Failed(error) = refused(&sender).await else { panic!("it is too large") };
    assert!(error.message.contains("message_out"), "{error}");
    assert!(taken.next().await.unwrap().is_err());
}

/// The place of the error is not one of the items', so nobody has to wait for it.
#[tokio::test]
async fn a_full_channel_fails_at_once_and_behind_its_items() {
    let (sender, mut taken) = Streaming::<u8>::channel(2);
    let (second, third) = (sender.clone(), sender.clone());
    sender.try_send(1).unwrap();
    sender.try_send(2).unwrap();
    assert_eq!(sender.try_send(3), Err(TrySendError::Full(3)));
    sender.fail(ErrorObject::new(7, "first"));
    second.fail(ErrorObject::new(7, "second"));
    // What is sent later does not come before the error, nor after it.
    assert_eq!(taken.next().await, Some(Ok(1)));
    third.try_send(4).unwrap();
    assert_eq!(taken.next().await, Some(Ok(2)));
    let error = ErrorObject::new(7, "first");
    assert_eq!(taken.next().await, Some(Err(StreamError::Remote(error.clone()))));
    assert!(taken.is_terminated());
    assert_eq!(taken.next().await, None);
    let ended = third.try_send(5).unwrap_err();
    assert_eq!((ended.is_full(), ended.to_string()), (false, StreamEnd::Failed(error).to_string()));
    assert_eq!(ended.into_item(), 5);
}

#[tokio::test]
async fn a_channel_ends_with_its_last_sender_whether_or_not_one_has_failed() {
    let (sender, mut taken) = Streaming::<u8>::channel(1);
    let other = sender.clone();
    sender.try_send(1).unwrap();
    drop(sender);
    assert_eq!(taken.next().await, Some(Ok(1)));
    assert_eq!(taken.next().now_or_never(), None);
    assert!(!taken.is_terminated());
    drop(other);
    assert_eq!(taken.next().await, None);
    assert!(taken.is_terminated());
}

#[tokio::test(start_paused = true)]
async fn a_stream_of_the_other_end_has_terminated_when_it_has_ended() {
    let (_near, _far, mut taken, sender) = feed(|| Lag::Wait, |_| ()).await;
    sender.send("one".to_owned()).await.unwrap();
    drop(sender);
    assert!(taken.next().await.unwrap().is_ok() && !taken.is_terminated());
    assert_eq!(taken.next().await, None);
    assert!(taken.is_terminated());
    assert_eq!(taken.next().await, None);
}

/// Passing on a stream that was read to its end asks its source no more: that may panic then.
#[tokio::test(start_paused = true)]
async fn a_stream_that_was_read_to_its_end_may_be_passed_on() {
    let services = Router::new().subscription("feed", "stop", |_: Context, (): ()| async move {
        let mut ended = false;
        let mut stream = Streaming::new(stream::poll_fn(move |_| {
            assert!(!std::mem::replace(&mut ended, true), "asked behind its end");
            Poll::Ready(None::<u8>)
        }));
        assert_eq!(stream.next().await, None);
        assert_eq!(stream.next().await, None);
        Ok(stream)
    });
    let (peer, _other) = rpc_core::memory::pair(Router::new(), services);
    let mut taken = peer.subscribe::<u8>("feed", "stop", ()).await.unwrap();
    assert_eq!(taken.next().await, None);
}

#[tokio::test(start_paused = true)]
async fn a_sink_waits_for_room_and_tells_why_nobody_takes_items() {
    let (sender, mut taken) = Streaming::<u8>::channel(1);
    let other = sender.clone();
    let mut sink = sender.clone();
    sink.feed(1).await.unwrap();
    assert!(sink.feed(2).now_or_never().is_none(), "there is no room");
    let second = tokio::spawn(async move {
        SinkExt::send(&mut sink, 3).await.unwrap();
        sink
    });
    settle().await;
    assert!(!second.is_finished());
    assert_eq!(taken.next().await, Some(Ok(1)));
    let mut sink = second.await.unwrap();
    assert_eq!(taken.next().await, Some(Ok(3)));

    // Room that is reserved and not used is given back when the sink is closed, or dropped.
    poll_fn(|cx| sink.poll_ready_unpin(cx)).await.unwrap();
    assert!(other.try_send(4).unwrap_err().is_full());
    sink.close().await.unwrap();
    other.try_send(4).unwrap();
    assert_eq!(taken.next().await, Some(Ok(4)));
    poll_fn(|cx| sink.poll_ready_unpin(cx)).await.unwrap();
    drop(sink);
    other.try_send(5).unwrap();

    // The end is told when room is reserved, while the sink waits, and before the item is put there.
    let (mut waits, mut has_room) = (sender.clone(), sender.clone());
    let mut waiting = Box::pin(waits.feed(6));
    assert!(waiting.as_mut().now_or_never().is_none());
    assert_eq!(taken.next().await, Some(Ok(5)));
    assert_eq!(waiting.await, Ok(()));
    assert_eq!(taken.next().await, Some(Ok(6)));
    poll_fn(|cx| has_room.poll_ready_unpin(cx)).await.unwrap();
    let mut waiting = Box::pin(waits.feed(7));
    assert!(waiting.as_mut().now_or_never().is_none());
    drop(taken);
    assert_eq!(waiting.await, Err(StreamEnd::Stopped));
    assert_eq!(has_room.start_send_unpin(8), Err(StreamEnd::Stopped));
    assert_eq!(has_room.feed(9).await, Err(StreamEnd::Stopped));
}

#[tokio::test(start_paused = true)]
async fn a_taker_too_slow_for_the_policy_is_named_as_the_reason() {
    let (near, far, _taken, sender) = feed(|| Lag::Disconnect, |_| ()).await;
    let end = loop {
        if let Err(SendError { end, .. }) = sender.send("x".repeat(1000)).await {
            break end;
        }
    };
    let StreamEnd::Closed { reason } = &end else { panic!("{end}") };
    assert_eq!(reason.code, Some(CloseCode::SLOW_READER));
    assert_eq!(end.to_string(), "closed by this end with code 4008: reads a stream too slowly");
    assert_eq!(far.closed().await, *reason);
    drop(near);
}

#[test]
fn an_item_that_was_not_sent_is_an_error_that_does_not_show_it() {
    let reason = CloseReason::new(ClosedBy::Peer, CloseCode::NORMAL, "bye");
    let error = SendError { item: "s3cret", end: StreamEnd::Closed { reason } };
    let tried = TrySendError::Ended(error.clone());
    for shown in [format!("{error:?}"), format!("{tried:?}")] {
        assert!(shown.contains("bye") && !shown.contains("s3cret"), "{shown}");
    }
    assert_eq!(tried.to_string(), error.to_string());
    let full = TrySendError::Full("s3cret");
    assert_eq!(format!("{full:?}: {full}"), "Full(..): the channel of the stream is full");
    let error: Box<dyn Error + Send + Sync> = error.into();
    assert_eq!(error.to_string(), "closed by the other end with code 1000: bye");
    assert_eq!(StreamEnd::Stopped.to_string(), "nobody takes the items of the stream any more");
}
