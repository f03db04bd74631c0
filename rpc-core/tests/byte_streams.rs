//! Streams of bytes as readers and writers: the whole of the bytes arrives, or an error.

mod support;

use std::io::{self, ErrorKind};

use futures_util::{FutureExt, StreamExt, stream};
use rpc_core::memory::Pipe;
use rpc_core::transport::SessionMode;
use rpc_core::transport::{Accepted, Connection, ConnectionEvent, Endpoint, EndpointConfig};
use rpc_core::{
    Base64, ByteWriter, CloseCode, ErrorObject, Limits, Peer, Router, RpcError, SizedBase64,
    StreamError, Streaming, memory, service,
};
use support::Raw;
use support::ends::settle;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt};
use tokio::sync::mpsc;

#[derive(Debug, PartialEq, thiserror::Error, RpcError)]
#[error("the disk is broken")]
#[rpc(code = 5)]
struct Broken;

#[service]
trait Files {
    /// The bytes that the test writes.
    async fn download(&self) -> Streaming<Base64, Broken>;
    /// The same; the length is told first.
    async fn sized(&self, length: u64) -> Streaming<SizedBase64, Broken>;
    /// Returns what came, or why not all came.
    async fn upload(&self, file: Streaming<Base64>) -> Result<usize, ErrorObject>;
    /// The same of a file that tells its length.
    async fn upload_sized(&self, file: Streaming<SizedBase64>) -> Result<u64, ErrorObject>;
}

/// Gives the test the writer of each stream.
struct Disk(mpsc::UnboundedSender<ByteWriter<Broken>>);

impl Disk {
    fn open(&self) -> Streaming<Base64, Broken> {
        let (sender, stream) = Streaming::channel(1);
        self.0.send(sender.into_writer()).unwrap();
        stream
    }
}

fn told(error: &io::Error) -> ErrorObject {
    ErrorObject::new(1, format!("{:?}: {error}", error.kind()))
}

impl Files for Disk {
    async fn download(&self) -> Streaming<Base64, Broken> {
        self.open()
    }
    async fn sized(&self, length: u64) -> Streaming<SizedBase64, Broken> {
        self.open().sized(length)
    }
    async fn upload(&self, file: Streaming<Base64>) -> Result<usize, ErrorObject> {
        let mut bytes = Vec::new();
        file.into_reader().read_to_end(&mut bytes).await.map_err(|error| told(&error))
    }
    async fn upload_sized(&self, file: Streaming<SizedBase64>) -> Result<u64, ErrorObject> {
        let (mut file, mut bytes) = (file.into_reader(), Vec::new());
        file.read_to_end(&mut bytes).await.map_err(|error| told(&error))?;
        let length = file.length().await.map_err(|error| told(&error))?;
        assert_eq!(length, Some(bytes.len() as u64));
        Ok(bytes.len() as u64)
    }
}

type Writers = mpsc::UnboundedReceiver<ByteWriter<Broken>>;

fn services() -> (Router, Writers) {
    let (writers, made) = mpsc::unbounded_channel();
    (Router::new().service(FilesServer::new(Disk(writers))), made)
}

fn files() -> (FilesClient, Peer, Writers) {
    let (services, made) = services();
    let (near, far) = memory::pair(Router::new(), services);
    (FilesClient::new(near), far, made)
}

/// Bytes that are not the same anywhere near each other.
fn bytes(count: usize) -> Vec<u8> {
    (0..count as u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 13) as u8).collect()
}

async fn fails<R: AsyncReadExt + Unpin>(reader: &mut R) -> io::Error {
    let first = reader.read_to_end(&mut Vec::new()).await.unwrap_err();
    let again = reader.read(&mut [0]).await.unwrap_err();
    assert_eq!((again.kind(), again.to_string()), (first.kind(), first.to_string()), "for ever");
    first
}

#[tokio::test(start_paused = true)]
async fn what_is_written_at_one_end_is_read_at_the_other() {
    let (files, _far, mut writers) = files();
    for count in [0, 1, 47_999, 48_000, 48_001, 300_000] {
        let sent = bytes(count);
        let mut reader = files.download().await.unwrap().into_reader();
        let mut writer = writers.recv().await.unwrap();
        let write = async {
            writer.write_all(&sent).await.unwrap();
            writer.shutdown().await.unwrap();
        };
        let mut read = Vec::new();
        let (taken, ()) = tokio::join!(reader.read_to_end(&mut read), write);
        assert_eq!((taken.unwrap(), read == sent), (count, true));
        assert_eq!(reader.read(&mut [0]).await.unwrap(), 0, "the end stays the end");
        assert_eq!(reader.length().await.unwrap(), None);
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_written_becomes_items_of_one_frame_each() {
    let (sender, items) = Streaming::<Base64>::channel(9);
    let mut writer = sender.into_writer();
    writer.write_all(&bytes(48_001)).await.unwrap();
    writer.flush().await.unwrap();
    writer.flush().await.unwrap();
    writer.write_all(&bytes(7)).await.unwrap();
    writer.shutdown().await.unwrap();
    let lengths: Vec<_> = items.map(|item| item.unwrap().len()).collect().await;
    assert_eq!(lengths, [48_000, 1, 7]);
    let error = writer.write_all(b"more").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::BrokenPipe);
    writer.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_writer_that_is_dropped_is_an_error_and_not_the_end() {
    let (files, _far, mut writers) = files();
    let mut reader = files.download().await.unwrap().into_reader();
    let mut writer = writers.recv().await.unwrap();
    writer.write_all(b"abc").await.unwrap();
    writer.flush().await.unwrap();
    writer.write_all(b"not flushed").await.unwrap();
    drop(writer);
    let mut read = [0; 3];
    reader.read_exact(&mut read).await.unwrap();
    assert_eq!(&read, b"abc");
    let error = fails(&mut reader).await;
    assert_eq!(error.kind(), ErrorKind::Other);
    assert!(error.to_string().contains("the sender has stopped before its end"), "{error}");

    let (sender, stream) = Streaming::channel(1);
    let mut writer = sender.into_writer();
    writer.write_all(b"abc").await.unwrap();
    let upload = files.upload(stream).start();
    drop(writer);
    let error = upload.await.unwrap_err().to_string();
    assert!(error.contains("Other: ") && error.contains("before its end"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn an_error_of_the_stream_is_found_in_the_error_of_the_reader() {
    let (files, _far, mut writers) = files();
    let mut reader = files.download().await.unwrap().into_reader();
    writers.recv().await.unwrap().fail(Broken);
    let error = reader.read(&mut [0]).await.unwrap_err();
    assert_eq!((error.kind(), error.to_string()), (ErrorKind::Other, "the disk is broken".into()));
    let inner = error.get_ref().unwrap().downcast_ref::<StreamError<Broken>>();
    assert_eq!(inner, Some(&StreamError::Method(Broken)));
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_ends_is_an_error_at_both_ends() {
    let (files, far, mut writers) = files();
    let mut reader = files.download().await.unwrap().into_reader();
    let mut writer = writers.recv().await.unwrap();
    writer.write_all(b"abc").await.unwrap();
    writer.flush().await.unwrap();
    settle().await;
    far.close(CloseCode::NORMAL, "enough");
    assert_eq!(fails(&mut reader).await.kind(), ErrorKind::ConnectionAborted);
    let error = writer.write(b"d").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionAborted, "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_is_dropped_stops_the_writer() {
    let (files, _far, mut writers) = files();
    let reader = files.download().await.unwrap().into_reader();
    let mut writer = writers.recv().await.unwrap();
    let mut write = tokio::spawn(async move { writer.write_all(&bytes(1_000_000)).await });
    settle().await;
    assert!((&mut write).now_or_never().is_none(), "the windows are full");
    drop(reader);
    assert_eq!(write.await.unwrap().unwrap_err().kind(), ErrorKind::BrokenPipe);
}

#[tokio::test(start_paused = true)]
async fn a_length_is_told_first_and_holds() {
    let (files, _far, mut writers) = files();
    for (length, written, kind) in [
        (0, 0, None),
        (100_000, 100_000, None),
        (100_000, 99_999, Some("99999 of the 100000 bytes that were announced")),
        (1, 0, Some("0 of the 1 bytes that were announced")),
        (100_000, 100_001, Some("more than the 100000 bytes that were announced")),
        (0, 1, Some("more than the 0 bytes that were announced")),
    ] {
        let mut reader = files.sized(length).await.unwrap().into_reader();
        assert_eq!(reader.length().await.unwrap(), Some(length), "before any byte");
        let mut writer = writers.recv().await.unwrap();
        tokio::spawn(async move {
            let _ = writer.write_all(&bytes(written)).await;
            let _ = writer.shutdown().await;
        });
        let Some(why) = kind else {
            let mut read = Vec::new();
            reader.read_to_end(&mut read).await.unwrap();
            assert!(read == bytes(written));
            continue;
        };
        let error = fails(&mut reader).await;
        assert_eq!(error.kind(), ErrorKind::Other);
        assert!(error.to_string().contains(why), "{error}");
    }
    for (length, expected) in [(3, Ok(3)), (4, Err("3 of the 4")), (2, Err("more than the 2"))] {
        let file = Streaming::new(stream::iter([Base64::from(b"ab"), Base64::from(b"c")]));
        match (files.upload_sized(file.sized(length)).await, expected) {
            (Ok(stored), expected) => assert_eq!(Ok(stored), expected),
            (Err(error), Err(why)) => assert!(error.to_string().contains(why), "{error}"),
            (Err(error), Ok(_)) => panic!("{error}"),
        }
    }
}

/// A peer without these checks of its own.
#[tokio::test(start_paused = true)]
async fn a_length_that_a_peer_does_not_keep_is_an_error() {
    for (items, kind, why) in [
        (r#"[3,"YWI=","Yw=="]"#, None, ""),
        (r#"[3,"","YWJj",""]"#, None, ""),
        (r#"[0]"#, None, ""),
        (r#"[4,"YWI=","Yw=="]"#, Some("UnexpectedEof"), "the stream has ended after 3 of 4 bytes"),
        (r#"[]"#, Some("UnexpectedEof"), "ended before the length"),
        (r#"[2,"YWI=","Yw=="]"#, Some("InvalidData"), "more than the 2 bytes"),
        (r#"["YWI="]"#, Some("InvalidData"), "bytes came before their length"),
        (r#"[2,2,"YWI="]"#, Some("InvalidData"), "a length came among the bytes"),
        (r#"[-2,"YWI="]"#, Some("InvalidData"), "cannot read the item"),
        (r#"[2,"-"]"#, Some("InvalidData"), "cannot read the item"),
    ] {
        let (mut raw, _peer) = Raw::connect(services().0, Limits::server());
        raw.greet().await;
        raw.send(r#"{"jsonrpc":"2.0","id":1,"method":"upload_sized","params":[{"$stream":"s"}]}"#)
            .await;
        let items: Vec<serde_json::Value> = serde_json::from_str(items).unwrap();
        for (at, item) in items.iter().enumerate() {
            let seq = at + 1;
            raw.notify("$/item", &format!(r#"{{"subscription":"s","seq":{seq},"result":{item}}}"#))
                .await;
        }
        raw.notify("$/item", r#"{"subscription":"s","done":true}"#).await;
        let answer = raw.receive().await;
        match kind {
            None => assert!(answer.contains(r#""result":"#), "{items:?}: {answer}"),
            Some(kind) => {
                assert!(answer.contains(kind) && answer.contains(why), "{items:?}: {answer}");
            }
        }
    }
}

/// The wire holds nothing but JSON-RPC: an integer, then base64 text.
#[tokio::test(start_paused = true)]
async fn a_plain_peer_is_sent_the_length_and_then_text() {
    let services =
        Router::new().subscription("file", "stop", |_: rpc_core::Context, (): ()| async {
            Ok(Streaming::new(stream::iter([Base64::from(b"abc")])).sized(3))
        });
    let (mut raw, _peer) = Raw::connect(services, Limits::server());
    raw.send(r#"{"jsonrpc":"2.0","id":1,"method":"file"}"#).await;
    let answer: serde_json::Value = serde_json::from_str(&raw.receive().await).unwrap();
    for result in ["3", r#""YWJj""#] {
        let item = raw.receive().await;
        let expected = format!(
            r#"{{"jsonrpc":"2.0","method":"file","params":{{"subscription":{},"result":{result}}}}}"#,
            answer["result"]
        );
        support::assert_same(&item, &expected);
    }
}

#[tokio::test(start_paused = true)]
async fn an_empty_item_is_not_the_end() {
    let items = ["", "a", "", "", "b\n", ""].map(|text| Base64::from(text.as_bytes()));
    let mut lines = Streaming::<Base64>::new(stream::iter(items)).into_reader().lines();
    assert_eq!(lines.next_line().await.unwrap().as_deref(), Some("ab"));
    assert_eq!(lines.next_line().await.unwrap(), None);
}

#[tokio::test(start_paused = true)]
async fn a_reader_becomes_a_stream() {
    for (count, expected) in [
        (0, &[][..]),
        (1, &[1]),
        (48_000, &[48_000]),
        (48_001, &[48_000, 1]),
        (140_000, &[48_000, 48_000, 44_000]),
    ] {
        let file = io::Cursor::new(bytes(count));
        let items: Vec<_> =
            Streaming::<Base64>::from_reader(file).map(Result::unwrap).collect().await;
        let lengths: Vec<_> = items.iter().map(|item| item.len()).collect();
        assert_eq!(lengths, expected);
        let all: Vec<_> = items.iter().flat_map(|item| item.to_vec()).collect();
        assert!(all == bytes(count));
    }
}

/// What a slow reader has read is not kept until there is more.
#[tokio::test(start_paused = true)]
async fn what_was_read_is_sent_before_the_reader_waits() {
    let (mut pipe, end) = tokio::io::duplex(1000);
    let mut items = Streaming::<Base64>::from_reader(end);
    for part in [&b"a"[..], b"bc"] {
        pipe.write_all(part).await.unwrap();
        assert_eq!(&*items.next().await.unwrap().unwrap(), part);
        assert!(items.next().now_or_never().is_none());
    }
    drop(pipe);
    assert_eq!(items.next().await, None);
}

#[tokio::test(start_paused = true)]
async fn an_error_of_a_reader_is_an_error_of_its_stream() {
    struct Disk;
    impl tokio::io::AsyncRead for Disk {
        fn poll_read(
            self: std::pin::Pin<&mut Self>,
            _: &mut std::task::Context<'_>,
            _: &mut tokio::io::ReadBuf<'_>,
        ) -> std::task::Poll<io::Result<()>> {
            std::task::Poll::Ready(Err(io::Error::other("/secret/path")))
        }
    }
    let (files, _far, _) = files();
    let file = Streaming::from_reader(b"abc".chain(Disk));
    let error = files.upload(file).await.unwrap_err().to_string();
    assert!(error.contains("Other: internal error") && !error.contains("secret"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn reads_and_writes_that_are_given_up_lose_nothing() {
    let (files, _far, mut writers) = files();
    let mut reader = files.download().await.unwrap().into_reader();
    let mut writer = writers.recv().await.unwrap();
    let sent = bytes(500_000);
    let (expected, mut read) = (sent.clone(), Vec::new());
    let write = tokio::spawn(async move {
        let mut rest = &sent[..];
        while !rest.is_empty() {
            match writer.write(rest).now_or_never() {
                Some(count) => rest = &rest[count.unwrap()..],
                None => tokio::task::yield_now().await,
            }
        }
        writer.shutdown().await.unwrap();
    });
    loop {
        let mut buffer = [0; 1000];
        match reader.read(&mut buffer).now_or_never() {
            Some(Ok(0)) => break,
            Some(count) => read.extend_from_slice(&buffer[..count.unwrap()]),
            None => tokio::task::yield_now().await,
        }
    }
    write.await.unwrap();
    assert!(read == expected);
}

/// A file of a third peer passes through with its length, and so does its error.
#[tokio::test(start_paused = true)]
async fn a_stream_of_another_peer_can_be_sized() {
    #[service]
    trait Relay {
        async fn relayed(&self, length: u64) -> Streaming<SizedBase64, Broken>;
    }
    struct Between(FilesClient);
    impl Relay for Between {
        async fn relayed(&self, length: u64) -> Streaming<SizedBase64, Broken> {
            self.0.download().await.unwrap().sized(length)
        }
    }
    let (origin, _far, mut writers) = files();
    let (near, _between) = memory::pair(Router::new(), RelayServer::new(Between(origin)));
    let relay = RelayClient::new(near);
    for fails_at_last in [false, true] {
        let mut reader = relay.relayed(3).await.unwrap().into_reader();
        let mut writer = writers.recv().await.unwrap();
        writer.write_all(b"abc").await.unwrap();
        writer.flush().await.unwrap();
        if fails_at_last {
            writer.fail(Broken);
            let error = fails(&mut reader).await;
            assert_eq!(error.to_string(), "the disk is broken");
        } else {
            writer.shutdown().await.unwrap();
            let mut read = String::new();
            reader.read_to_string(&mut read).await.unwrap();
            assert_eq!(read, "abc");
        }
    }
}

async fn carry(mut connection: Connection, mut links: mpsc::UnboundedReceiver<Pipe>) {
    loop {
        tokio::select! {
            event = connection.next_event() => if let ConnectionEvent::Closed(_) = event { return },
            Some(link) = links.recv() => connection.attach(link, true),
        }
    }
}

/// Each link is lost amid the bytes, in both directions.
#[tokio::test(start_paused = true)]
async fn a_session_carries_the_bytes_over_links_that_break() {
    let (services, mut writers) = services();
    let mut server = EndpointConfig::new(services, Limits::server());
    server.sessions = SessionMode::Grant;
    let mut client = EndpointConfig::new(Router::new(), Limits::client());
    client.sessions = SessionMode::Ask;
    client.answers_malformed = false;
    let endpoint = Endpoint::new(client);
    let files = FilesClient::new(endpoint.peer());
    let (links, incoming) = mpsc::unbounded_channel();
    tokio::spawn(carry(endpoint.without_link(), incoming));
    let link = || {
        let (near, far) = memory::transports(64 * 1024);
        links.send(near).unwrap();
        let endpoint = Endpoint::new(server.clone());
        endpoint.set_extended(false);
        tokio::spawn(async move {
            if let Accepted::Fresh(connection) = endpoint.accept(far, |_, _| true).await {
                drop(connection.await);
            }
        });
    };
    link();

    let sent = bytes(600_000);
    let mut reader = files.sized(sent.len() as u64).await.unwrap().into_reader();
    let mut down = writers.recv().await.unwrap();
    let (sender, file) = Streaming::channel(1);
    let mut up = sender.into_writer();
    let stored = files.upload_sized(file.sized(sent.len() as u64)).start();
    let mut read = Vec::new();
    let write = async {
        for part in sent.chunks(40_000) {
            down.write_all(part).await.unwrap();
            up.write_all(part).await.unwrap();
            // What is on its way over the link before is lost, and comes again.
            link();
        }
        down.shutdown().await.unwrap();
        up.shutdown().await.unwrap();
    };
    let (taken, ()) = tokio::join!(reader.read_to_end(&mut read), write);
    assert_eq!(taken.unwrap(), sent.len());
    assert!(read == sent);
    assert_eq!(stored.await.unwrap(), sent.len() as u64);
}
