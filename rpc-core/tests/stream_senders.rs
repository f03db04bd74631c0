//! Why nobody takes the items of a channel any more, for those who send them.

mod support;

use std::error::Error;

use rpc_core::{
    CloseCode, CloseReason, Context, Endpoint, EndpointConfig, ErrorObject, Hello, Lag, Limits,
    Peer, Router, SendError, StreamEnd, StreamSender, Streaming, service,
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
    let near = EndpointConfig {
        hello: Hello::Always,
        ..EndpointConfig::new(Router::new(), Limits::client())
    };
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
        EndpointConfig {
            hello: Hello::Always,
            ..EndpointConfig::new(Router::new(), Limits::client())
        },
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
    sender.clone().fail(error.clone()).await;
    assert_eq!(refused(&sender).await, StreamEnd::Failed(error));
    assert!(taken.next().await.unwrap().is_err());

    let (_near, _far, mut taken, sender) =
        feed(|| Lag::Wait, |limits| limits.message_out = 1024).await;
    sender.send("x".repeat(2000)).await.unwrap();
    let StreamEnd::Failed(error) = refused(&sender).await else { panic!("it is too large") };
    assert!(error.message.contains("message_out"), "{error}");
    assert!(taken.next().await.unwrap().is_err());
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
    let reason = CloseReason {
        by: rpc_core::ClosedBy::Peer,
        code: Some(CloseCode::NORMAL),
        reason: "bye".into(),
    };
    let error = SendError { item: "s3cret", end: StreamEnd::Closed { reason } };
    let shown = format!("{error:?}");
    assert!(shown.contains("bye") && !shown.contains("s3cret"), "{shown}");
    let error: Box<dyn Error + Send + Sync> = error.into();
    assert_eq!(error.to_string(), "closed by the other end with code 1000: bye");
    assert_eq!(StreamEnd::Stopped.to_string(), "nobody takes the items of the stream any more");
}
