//! Streams whose type says which errors they end with, at both ends.

mod support;

use futures_util::{StreamExt, stream};
use rpc_core::types::Untyped;
use rpc_core::{
    CallError, Context, ErrorCode, ErrorObject, Limits, Router, RpcError, StreamError,
    StreamSender, Streaming, memory, service,
};
use support::Raw;

#[service]
trait Feed {
    /// As a result, which may fail by itself.
    async fn listen(&self, room: &str) -> Result<Streaming<u32, FeedError>, ChatError>;
    /// Without a result of its own, and from a channel.
    async fn numbers(&self) -> Streaming<u32, FeedError>;
    /// Passed on from the caller, under the types of both.
    async fn echo(&self, cx: &Context) -> Result<Streaming<u32, FeedError>, ChatError>;
    /// As a parameter.
    async fn upload(&self, values: Streaming<u32, FeedError>) -> String;
    #[subscription(spawn)]
    async fn spawned(&self) -> Streaming<u32, FeedError>;
    /// As it was: any error, and none of them typed.
    async fn plain(&self) -> Streaming<u32>;
}

#[derive(Debug, Clone, PartialEq, thiserror::Error, RpcError)]
enum FeedError {
    #[error("lost at {at}")]
    #[rpc(code = 7)]
    Lost { at: u32 },
}

#[derive(Debug, PartialEq, thiserror::Error, RpcError)]
#[error("no room")]
#[rpc(code = 1)]
struct ChatError;

struct Wire;

fn lost() -> Streaming<u32, FeedError> {
    Streaming::try_new(stream::iter([Ok(1), Err(FeedError::Lost { at: 2 })]))
}

impl Feed for Wire {
    async fn listen(&self, room: &str) -> Result<Streaming<u32, FeedError>, ChatError> {
        if room.is_empty() { Err(ChatError) } else { Ok(lost()) }
    }

    async fn numbers(&self) -> Streaming<u32, FeedError> {
        let (sender, stream) = Streaming::channel(1);
        tokio::spawn(async move {
            let sender: StreamSender<u32, FeedError> = sender;
            sender.send(1).await.unwrap();
            sender.fail(FeedError::Lost { at: 2 });
        });
        stream
    }

    async fn echo(&self, cx: &Context) -> Result<Streaming<u32, FeedError>, ChatError> {
        FeedClient::new(cx.peer()).listen("their own").await.map_err(|_| ChatError)
    }

    async fn upload(&self, mut values: Streaming<u32, FeedError>) -> String {
        let mut told = String::new();
        while let Some(value) = values.next().await {
            match value {
                Ok(value) => told += &format!("{value} "),
                Err(StreamError::Method(FeedError::Lost { at })) => told += &format!("lost {at}"),
                Err(other) => told += &format!("{other:?}"),
            }
        }
        told
    }

    async fn spawned(&self) -> Streaming<u32, FeedError> {
        lost()
    }

    async fn plain(&self) -> Streaming<u32> {
        Streaming::try_new(stream::iter([Ok(1), Err(FeedError::Lost { at: 2 })]))
    }
}

fn wire() -> FeedClient {
    let (peer, _) = memory::pair(FeedServer::new(Wire), FeedServer::new(Wire));
    FeedClient::new(peer)
}

async fn all(stream: Streaming<u32, FeedError>) -> Vec<Result<u32, StreamError<FeedError>>> {
    stream.take(2).collect().await
}

const ENDS: [Result<u32, StreamError<FeedError>>; 2] =
    [Ok(1), Err(StreamError::Method(FeedError::Lost { at: 2 }))];

#[tokio::test(start_paused = true)]
async fn the_taker_gets_the_error_back_that_the_type_names() {
    let feed = wire();
    assert_eq!(all(feed.listen("lobby").await.unwrap()).await, ENDS);
    assert_eq!(feed.listen("").await.unwrap_err(), CallError::Method(ChatError));
    assert_eq!(all(feed.numbers().await.unwrap()).await, ENDS);
    assert_eq!(all(feed.spawned().await.unwrap()).await, ENDS);
    assert_eq!(all(feed.echo().await.unwrap()).await, ENDS);
}

#[tokio::test(start_paused = true)]
async fn a_parameter_names_its_error_as_well() {
    assert_eq!(wire().upload(lost()).await.unwrap(), "1 lost 2");
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_names_no_error_ends_as_it_did() {
    let error = FeedError::Lost { at: 2 }.to_error_object();
    let plain = wire().plain().await.unwrap();
    let items: Vec<Result<u32, StreamError>> = plain.take(2).collect().await;
    assert_eq!(items, [Ok(1), Err(StreamError::Remote(error))]);
    // Whoever knows better says so, and may take it back.
    let plain = wire().plain().await.unwrap();
    assert_eq!(all(plain.typed::<Untyped>().typed::<FeedError>()).await, ENDS);
}

#[tokio::test(start_paused = true)]
async fn the_wire_is_the_same_with_the_type_and_without() {
    for method in ["listen", "plain"] {
        let (mut raw, _peer) =
            Raw::connect(Router::new().service(FeedServer::new(Wire)), Limits::server());
        let params = if method == "listen" { r#","params":["x"]"# } else { "" };
        raw.send(&format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}"{params}}}"#)).await;
        let id = raw.receive().await;
        let id = id.rsplit('"').nth(1).unwrap();
        let item = |rest| {
            format!(
                r#"{{"jsonrpc":"2.0","method":"{method}","params":{{"subscription":"{id}",{rest}}}}}"#
            )
        };
        assert_eq!(raw.receive().await, item(r#""result":1"#));
        let error = r#""error":{"code":7,"message":"lost at 2","data":{"at":2}}"#;
        assert_eq!(raw.receive().await, item(error));
    }
}

/// As with the typed error of a call: reserved codes are the protocol's.
#[tokio::test(start_paused = true)]
async fn an_error_that_is_not_of_the_type_stays_an_error_object() {
    let reserved = ErrorObject::new(ErrorCode::BUSY, "sad");
    for error in
        [ErrorObject::new(8, "other"), ErrorObject::new(7, "without data"), reserved.clone()]
    {
        let sent = error.clone();
        let offers = Router::new().subscription("feed", "stop", move |_: Context, (): ()| {
            let items = [Err::<u32, _>(sent.clone())];
            async move { Ok(Streaming::try_new(stream::iter(items))) }
        });
        let (peer, _) = memory::pair(Router::new(), offers);
        let feed = peer.subscribe::<u32>("feed", "stop", ()).await.unwrap();
        let last = feed.typed::<FeedError>().next().await;
        assert_eq!(last, Some(Err(StreamError::Remote(error))));
    }
    // Also where the type would take any code.
    let offers = Router::new().subscription("feed", "stop", move |_: Context, (): ()| {
        let items = [Err::<u32, _>(reserved.clone())];
        async move { Ok(Streaming::try_new(stream::iter(items))) }
    });
    let (peer, _) = memory::pair(Router::new(), offers);
    let feed = peer.subscribe::<u32>("feed", "stop", ()).await.unwrap();
    let last = feed.typed::<ErrorObject>().next().await;
    assert!(matches!(last, Some(Err(StreamError::Remote(_)))), "{last:?}");
}

#[tokio::test]
async fn a_stream_error_tells_what_its_own_error_tells() {
    let error: StreamError<FeedError> = StreamError::Method(FeedError::Lost { at: 2 });
    assert_eq!(error.to_string(), "lost at 2");
    assert_eq!(lost().skip(1).next().await, Some(Err(error)));
}
