//! What a caller is not told, and the log is: the method, the peer, and why.
//!
//! In a process of its own: the log is one for all of it, and each test looks for its own methods.

mod support;

use std::sync::OnceLock;
use std::time::Duration;

use futures_util::stream;
use rpc_core::{
    CloseCode, Context, ErrorObject, Limits, Peer, Router, StreamError, Streaming, memory, service,
};
use support::Raw;
use support::log::Log;
use tokio::runtime::Handle;
use tracing_subscriber::filter::LevelFilter;

/// The log of this process.
fn log() -> &'static Log {
    static LOG: OnceLock<Log> = OnceLock::new();
    LOG.get_or_init(|| {
        let log = Log::default();
        tracing::subscriber::set_global_default(log.subscriber(LevelFilter::TRACE)).unwrap();
        log
    })
}

/// The lines about how this method failed.
fn of(log: &Log, method: &str) -> Vec<String> {
    let about = |line: &&str| {
        line.contains("rpc_core::service::failure_log:")
            && line.contains(&format!("method={method:?}"))
    };
    log.text().lines().filter(about).map(str::to_owned).collect()
}

/// The one line about this method, which names the peer.
fn one(log: &Log, method: &str, peer: &Peer) -> String {
    let [line] = of(log, method).try_into().expect("one line");
    assert!(line.contains(&format!("peer={:?}", peer.id())), "{line}");
    line
}

/// Asks its caller for something, which fails, and passes that on.
fn asking(method: &'static str) -> Router {
    Router::new().method(method, |cx: Context, (): ()| async move {
        Ok(cx.peer().call::<u32>("age", ()).timeout(Duration::from_secs(1)).await?)
    })
}

/// What the caller of `method` gets, and the other end as `method` saw it.
async fn caught_by(caller: Router, served: Router, method: &str) -> (ErrorObject, Peer) {
    let (peer, other) = memory::pair(caller, served);
    let error = peer.call::<u32>(method, ()).await.unwrap_err();
    (error.into(), other)
}

fn assert_internal(error: &ErrorObject) {
    assert_eq!(*error, ErrorObject::internal(), "the caller is told nothing");
}

#[tokio::test]
async fn a_result_of_another_type_is_told_without_its_value() {
    let log = log();
    let caller = Router::new().method("age", |_: Context, (): ()| async { Ok("s3cr3t\n") });
    let (error, peer) = caught_by(caller, asking("a.decode"), "a.decode").await;
    assert_internal(&error);
    let line = one(log, "a.decode", &peer);
    let cause = "cannot read the answer: invalid type: string, expected u32";
    assert!(line.contains(" WARN ") && line.contains(cause), "{line}");
    assert!(!line.contains("s3cr3t"), "{line}");
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_not_answered_is_told() {
    let log = log();
    let caller = Router::new().method("age", |_: Context, (): ()| async {
        std::future::pending::<()>().await;
        Ok(1)
    });
    let (error, peer) = caught_by(caller, asking("a.timeout"), "a.timeout").await;
    assert_internal(&error);
    let line = one(log, "a.timeout", &peer);
    assert!(line.contains("no answer in time (may have run)"), "{line}");
}

#[tokio::test]
async fn a_peer_that_has_closed_is_told_with_its_reason_made_harmless() {
    let log = log();
    let (gone, other) = memory::pair(Router::new(), Router::new());
    other.close(CloseCode::NORMAL, "bye\n2026 ERROR forged \u{1b}[2J");
    gone.closed().await;
    let served = Router::new().method("a.closed", move |_: Context, (): ()| {
        let gone = gone.clone();
        async move { Ok(gone.call::<u32>("age", ()).await?) }
    });
    let (error, peer) = caught_by(Router::new(), served, "a.closed").await;
    assert_internal(&error);
    let line = one(log, "a.closed", &peer);
    assert!(line.contains(r"closed by the other end with code 1000: bye\"), "{line}");
    assert!(line.contains("forged") && !line.contains('\u{1b}'), "{line}");
}

/// Only its beginning: it may be as long as a message.
#[tokio::test]
async fn a_call_that_could_not_be_written_is_told_in_few_words() {
    struct Wordy;
    impl serde::Serialize for Wordy {
        fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            Err(serde::ser::Error::custom("word ".repeat(10_000)))
        }
    }
    let log = log();
    let served = Router::new().method("a.encode", |cx: Context, (): ()| async move {
        Ok(cx.peer().call::<u32>("age", (Wordy,)).await?)
    });
    let (error, peer) = caught_by(Router::new(), served, "a.encode").await;
    assert_internal(&error);
    let line = one(log, "a.encode", &peer);
    assert!(line.contains("word word") && line.len() < 600, "{line}");
}

#[tokio::test]
async fn what_the_other_end_answered_is_passed_on_and_needs_no_line() {
    let log = log();
    let caller = Router::new().method("age", |_: Context, (): ()| async {
        Err::<u32, _>(ErrorObject::new(7, "none of your business"))
    });
    let (error, _) = caught_by(caller, asking("a.remote"), "a.remote").await;
    assert_eq!(error.code, 7);
    assert_eq!(of(log, "a.remote"), [""; 0]);
}

#[tokio::test]
async fn of_many_one_line_in_ten_seconds_is_a_warning() {
    let log = log();
    let caller = Router::new().method("age", |_: Context, (): ()| async { Ok("old") });
    let (peer, _other) = memory::pair(caller, asking("a.often"));
    for _ in 0..5 {
        peer.call::<u32>("a.often", ()).await.unwrap_err();
    }
    let lines = of(log, "a.often");
    assert_eq!(lines.len(), 5);
    assert_eq!(lines.iter().filter(|line| line.contains(" WARN ")).count(), 1, "{lines:?}");
}

async fn ask(peer: Peer) -> rpc_core::Result<u32> {
    Ok(peer.call::<u32>("age", ()).await?)
}

#[service(namespace = "w")]
trait Wherever {
    #[method(spawn)]
    async fn spawned(&self, cx: &Context) -> rpc_core::Result<u32>;
    #[method(detached)]
    async fn detached(&self, cx: &Context) -> rpc_core::Result<u32>;
    #[method(blocking)]
    fn blocking(&self, cx: &Context) -> rpc_core::Result<u32>;
    async fn scoped(&self, cx: &Context) -> rpc_core::Result<u32>;
    async fn items(&self, cx: &Context) -> Streaming<u32>;
    async fn named(&self, first: u32, second: Option<u32>);
    #[notification]
    async fn said(&self, word: u32);
    async fn panics(&self, text: String) -> u32;
    async fn unwritable(&self) -> Unwritable;
}

struct Here;

impl Wherever for Here {
    async fn spawned(&self, cx: &Context) -> rpc_core::Result<u32> {
        ask(cx.peer()).await
    }

    async fn detached(&self, cx: &Context) -> rpc_core::Result<u32> {
        ask(cx.peer()).await
    }

    fn blocking(&self, cx: &Context) -> rpc_core::Result<u32> {
        Handle::current().block_on(ask(cx.peer()))
    }

    async fn scoped(&self, cx: &Context) -> rpc_core::Result<u32> {
        tokio::spawn(cx.scope(ask(cx.peer()))).await.unwrap()
    }

    async fn items(&self, cx: &Context) -> Streaming<u32> {
        Streaming::try_new(stream::once(ask(cx.peer())))
    }

    async fn named(&self, _first: u32, _second: Option<u32>) {}

    async fn said(&self, _word: u32) {}

    async fn panics(&self, text: String) -> u32 {
        panic!("{text}")
    }

    async fn unwritable(&self) -> Unwritable {
        Unwritable
    }
}

/// Panics where it is written.
#[derive(Debug, serde::Deserialize)]
struct Unwritable;

impl serde::Serialize for Unwritable {
    fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        panic!("cannot be written")
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wherever_a_handler_runs_its_method_is_named() {
    let log = log();
    let caller = || Router::new().method("age", |_: Context, (): ()| async { Ok("old") });
    for method in ["w.spawned", "w.detached", "w.blocking", "w.scoped"] {
        let served = Router::new().service(WhereverServer::new(Here));
        let (error, peer) = caught_by(caller(), served, method).await;
        assert_internal(&error);
        assert!(one(log, method, &peer).contains("cannot read the answer"), "{method}");
    }
}

#[tokio::test]
async fn a_stream_names_the_method_that_gave_it() {
    let log = log();
    let caller = Router::new().method("age", |_: Context, (): ()| async { Ok("old") });
    let served = Router::new().service(WhereverServer::new(Here));
    let (peer, other) = memory::pair(caller, served);
    let mut items = WhereverClient::new(peer).items().await.unwrap();
    let Some(Err(StreamError::Remote(error))) = items.next().await else { panic!("an item") };
    assert_internal(&error);
    assert!(one(log, "w.items", &other).contains("cannot read the answer"));
}

#[tokio::test]
async fn params_that_do_not_fit_are_told_by_parameter_and_without_the_value() {
    let log = log();
    let served = Router::new()
        .service(WhereverServer::new(Here))
        .method("r.closure", |_: Context, (_,): (u32,)| async { Ok(()) });
    let (mut raw, peer) = Raw::connect(served, Limits::server());
    let why = r#"why="invalid type: string, expected u32""#;
    for (method, params, parts) in [
        ("w.named", r#"["s3cr3t\n"]"#, ["param=\"first\"", why]),
        ("r.closure", r#"["s3cr3t"]"#, ["params refused", why]),
        ("w.named", r#"{"s3cr3t":1}"#, ["params refused", r#"why="unknown parameter""#]),
        (
            "w.named",
            r#"[1,2,"s3cr3t"]"#,
            ["params refused", "takes 2 params (first, second), got 3"],
        ),
    ] {
        let before = of(log, method).len();
        raw.send(&format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{params}}}"#))
            .await;
        assert!(raw.receive().await.contains("-32602"));
        let lines = of(log, method).split_off(before);
        let [line] = &lines[..] else { panic!("{lines:?}") };
        assert!(line.contains("DEBUG") && line.contains("params refused"), "{line}");
        assert!(line.contains(peer.id()) && !line.contains("s3cr3t"), "{line}");
        assert!(parts.iter().all(|part| line.contains(part)), "{line}");
    }
    raw.send(r#"{"jsonrpc":"2.0","method":"w.said","params":["s3cr3t"]}"#).await;
    raw.send(r#"{"jsonrpc":"2.0","id":2,"method":"nothing"}"#).await;
    raw.receive().await;
    let line = one(log, "w.said", &peer);
    for part in ["notification failed", "code=-32602", "param=\"word\"", why] {
        assert!(line.contains(part), "{line}");
    }
    assert!(!line.contains("s3cr3t"), "{line}");
}

#[tokio::test]
async fn a_panic_is_told_with_its_text_made_harmless() {
    let log = log();
    let (peer, other) =
        memory::pair(Router::new(), Router::new().service(WhereverServer::new(Here)));
    let client = WhereverClient::new(peer);
    assert_internal(&client.panics("a\n2026 ERROR b \u{1b}[2J".into()).await.unwrap_err().into());
    let line = one(log, "w.panics", &other);
    assert!(line.contains("DEBUG") && line.contains("panicked"), "{line}");
    assert!(line.contains("2026 ERROR b") && !line.contains('\u{1b}'), "{line}");

    assert_internal(&client.unwritable().await.unwrap_err().into());
    assert!(one(log, "w.unwritable", &other).contains("cannot be written"));
}
