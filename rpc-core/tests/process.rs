//! A child process as the other end: started, watched, and ended in good order.
#![cfg(unix)]

mod support;

use std::time::Duration;

use rpc_core::transport::{Endpoint, EndpointConfig, Framing, Process};
use rpc_core::types::ClosedBy;
use rpc_core::{CallError, CloseCode, CloseReason, Context, Fate, Limits, Peer, Router};
use support::log::Log;
use tokio::process::Command;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};
use tracing_subscriber::filter::LevelFilter;

/// A script as the other end.
struct Child {
    peer: Peer,
    pid: u32,
    connection: JoinHandle<CloseReason>,
    /// The number of the process that has said that it is ready.
    ready: Option<u32>,
}

fn start(script: &str, limits: &Limits) -> Child {
    let double = |_: Context, (number,): (i64,)| async move { Ok(2 * number) };
    start_with(script, None, Router::new().method("double", double), limits)
}

fn start_with(script: &str, inner: Option<&str>, router: Router, limits: &Limits) -> Child {
    let mut command = Command::new("sh");
    command.args(["-c", script]).envs(inner.map(|inner| ("INNER", inner)));
    let config = EndpointConfig::new(router, limits.clone());
    let endpoint = Endpoint::new(config.with(|config| config.answers_malformed = false));
    let process = Process::spawn(command, Framing::Lines, limits).unwrap();
    let (peer, pid) = (endpoint.peer(), process.id().unwrap());
    let connection = tokio::spawn(endpoint.connect(process));
    Child { peer, pid, connection, ready: None }
}

/// Tells that a script is ready, and its number.
const READY: &str = r#"printf '{"jsonrpc":"2.0","method":"ready","params":[%s]}\n' $$"#;

/// Starts the script `INNER` beside another one.
const START_INNER: &str = "sh -c \"$INNER\" < /dev/null &";

/// Returns a script that leaves the pipes when it is ready.
fn inner(at_term: &str, then: &str) -> String {
    format!("trap '{at_term}' TERM; {READY}; exec > /dev/null 2>&1; {then}")
}

/// Starts a script and waits until it or what it starts is ready.
async fn start_and_wait(script: &str, inner: &str, close: Duration) -> Child {
    let mut limits = Limits::client();
    limits.close = close;
    let (tell, mut told) = mpsc::unbounded_channel();
    let ready = move |_: Context, (pid,): (u32,)| {
        let _ = tell.send(pid);
        std::future::ready(())
    };
    let router = Router::new().notification("ready", ready);
    let child = start_with(script, Some(inner), router, &limits);
    let ready = timeout(Duration::from_secs(60), told.recv()).await.expect("it is ready");
    Child { ready, ..child }
}

async fn ended(script: &str) -> CloseReason {
    start(script, &Limits::client()).connection.await.unwrap()
}

/// Waits until there is no such process any more, not even one that waits to be reaped.
async fn gone(pid: u32) {
    let path = format!("/proc/{pid}");
    let gone = async {
        while std::path::Path::new(&path).exists() {
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(Duration::from_secs(60), gone).await.expect("the process is gone");
}

#[tokio::test]
async fn how_a_process_ends_is_the_reason() {
    for (script, by, reason) in [
        ("exit 0", ClosedBy::Peer, "the process exited with code 0"),
        ("exit 3", ClosedBy::Link, "the process exited with code 3"),
        ("kill -9 $$", ClosedBy::Link, "the process was ended by signal 9"),
        ("printf '{\"jsonrpc\"'; exit 3", ClosedBy::Link, "the process exited with code 3"),
        (
            "printf '{\"jsonrpc\"'",
            ClosedBy::Link,
            "the process exited with code 0, and the stream ended in the middle of a message",
        ),
    ] {
        let closed = ended(script).await;
        assert_eq!((closed.by, closed.reason.as_str()), (by, reason), "{script}");
    }
}

#[tokio::test]
async fn a_call_that_a_process_does_not_survive_says_so() {
    let child = start("read call; exit 7", &Limits::client());
    let error = child.peer.call::<()>("hello", ()).await.unwrap_err();
    let CallError::Closed { reason, fate, .. } = error else { panic!("{error}") };
    assert_eq!(
        (reason.reason.as_str(), fate),
        ("the process exited with code 7", Fate::MaybeExecuted)
    );
}

/// It is not the failure to write that is told, but why.
#[tokio::test]
async fn a_process_that_ends_while_it_is_written_to_is_found_by_its_exit() {
    for _ in 0..20 {
        let child = start("exit 5", &Limits::client());
        let mut calls = Vec::new();
        for number in 0..100 {
            calls.push(child.peer.call::<()>("hello", (number,)).start());
            tokio::task::yield_now().await;
        }
        assert_eq!(child.connection.await.unwrap().reason, "the process exited with code 5");
        for call in calls {
            assert!(matches!(call.await, Err(CallError::Closed { .. })));
        }
    }
}

#[tokio::test]
async fn both_ends_call() {
    // It asks in return, and answers with what it was told.
    let script = r#"
        read call
        echo '{"jsonrpc":"2.0","id":"a","method":"double","params":[21]}'
        read answer
        id=$(echo "$call" | sed 's/.*"id":\([0-9]*\).*/\1/')
        result=$(echo "$answer" | sed 's/.*"result":\([0-9]*\).*/\1/')
        echo '{"jsonrpc":"2.0","id":'$id',"result":'$result'}'
        cat
    "#;
    let child = start(script, &Limits::client());
    assert_eq!(child.peer.call::<i64>("answer", ()).await.unwrap(), 42);
    child.peer.close(CloseCode::NORMAL, "");
    assert_eq!(child.connection.await.unwrap().to_string(), "closed by this end with code 1000");
    gone(child.pid).await;
}

/// It learns of the close by the end of its input, and has time to do what it wants then.
#[tokio::test]
async fn a_close_waits_for_the_process() {
    let file = std::env::temp_dir().join(format!("rpc-core-process-{}", std::process::id()));
    let script = format!("cat > /dev/null; sleep 0.2; echo saved > {}", file.display());
    let child = start(&script, &Limits::client());
    child.peer.close(CloseCode::NORMAL, "");
    child.connection.await.unwrap();
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "saved\n");
    std::fs::remove_file(file).unwrap();
}

#[tokio::test]
async fn a_process_that_does_not_end_is_killed() {
    let mut limits = Limits::client();
    limits.close = Duration::from_millis(300);
    let child = start("trap '' TERM INT HUP; exec sleep 1000", &limits);
    let since = Instant::now();
    child.peer.close(CloseCode::NORMAL, "");
    child.connection.await.unwrap();
    assert!(since.elapsed() >= limits.close);
    gone(child.pid).await;
}

/// It does not end with its input, but has a word when it is told to end.
#[tokio::test]
async fn a_process_is_told_to_end_before_it_is_killed() {
    let file = std::env::temp_dir().join(format!("rpc-core-told-{}", std::process::id()));
    let at_term = format!("echo told > {}; exit 0", file.display());
    let script = format!("trap '{at_term}' TERM; {READY}; while :; do sleep 0.01; done");
    let child = start_and_wait(&script, "", Duration::from_secs(8)).await;
    child.peer.close(CloseCode::NORMAL, "");
    child.connection.await.unwrap();
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "told\n");
    std::fs::remove_file(file).unwrap();
    gone(child.pid).await;
}

/// As `npx` and `sh -c` do, it has started another process, which is left when it ends.
#[tokio::test]
async fn what_a_process_has_started_ends_with_it() {
    for (script, then) in [
        // It ends with its input, and leaves the other one behind.
        ("cat > /dev/null", "exec sleep 1000"),
        // Neither of them ends before it must.
        ("trap '' TERM; cat > /dev/null; sleep 1000", "sleep 1000; sleep 1000"),
    ] {
        let script = format!("{START_INNER} {script}");
        let child = start_and_wait(&script, &inner("", then), Duration::from_millis(300)).await;
        child.peer.close(CloseCode::NORMAL, "");
        child.connection.await.unwrap();
        gone(child.ready.unwrap()).await;
        gone(child.pid).await;
    }
}

/// A server behind `npx` may have something to save when `npx` has ended.
#[tokio::test]
async fn a_close_waits_for_what_a_process_has_started() {
    let file = std::env::temp_dir().join(format!("rpc-core-group-{}", std::process::id()));
    let at_term = format!("sleep 0.2; echo saved > {}; exit", file.display());
    let inner = inner(&at_term, "while :; do sleep 0.01; done");
    let script = format!("{START_INNER} cat > /dev/null");
    let child = start_and_wait(&script, &inner, Duration::from_secs(8)).await;
    child.peer.close(CloseCode::NORMAL, "");
    child.connection.await.unwrap();
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "saved\n");
    std::fs::remove_file(file).unwrap();
}

#[tokio::test]
async fn a_process_that_is_lost_takes_what_it_has_started_along() {
    let inner = inner("", "exec sleep 1000");
    let script = format!("{START_INNER} exec sleep 1000");
    let child = start_and_wait(&script, &inner, Duration::from_secs(5)).await;
    child.connection.abort();
    gone(child.ready.unwrap()).await;
    let script = format!("{START_INNER} read line; exit 3");
    let child = start_and_wait(&script, &inner, Duration::from_secs(5)).await;
    assert!(child.peer.call::<()>("die", ()).await.is_err());
    assert_eq!(child.connection.await.unwrap().reason, "the process exited with code 3");
    gone(child.ready.unwrap()).await;
}

#[tokio::test]
async fn a_process_that_floods_does_not_keep_its_close() {
    let mut limits = Limits::client();
    limits.close = Duration::from_millis(300);
    let child = start("exec yes '{\"jsonrpc\":\"2.0\",\"method\":\"x\"}'", &limits);
    child.peer.close(CloseCode::NORMAL, "");
    child.connection.await.unwrap();
    gone(child.pid).await;
}

#[tokio::test]
async fn a_dropped_connection_kills_its_process() {
    let child = start("exec sleep 1000", &Limits::client());
    child.connection.abort();
    gone(child.pid).await;
}

#[tokio::test]
async fn a_process_that_closes_its_output_is_no_end() {
    let child = start("exec >&-; exec sleep 1000", &Limits::client());
    let closed = child.connection.await.unwrap();
    assert_eq!(closed.reason, "the process goes on, but it has closed its standard output");
    gone(child.pid).await;
}

#[tokio::test]
async fn a_process_that_never_reads_is_ended() {
    let mut limits = Limits::client();
    (limits.slow_reader, limits.close) = (Duration::from_millis(100), Duration::from_millis(100));
    let child = start("exec sleep 1000", &limits);
    while child.peer.notify("news", ("x".repeat(10_000),)).await.is_ok() {}
    assert_eq!(child.connection.await.unwrap().code, Some(CloseCode::SLOW_READER));
    gone(child.pid).await;
}

#[tokio::test]
async fn a_program_that_is_not_there_is_named() {
    let limits = Limits::client();
    let command = Command::new("/no/such\nprogram");
    let error = Process::spawn(command, Framing::Lines, &limits).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::NotFound);
    assert!(error.to_string().starts_with(r"cannot start `/no/such\nprogram`: "), "{error}");
}

#[tokio::test]
async fn what_it_says_to_its_standard_error_is_logged() {
    let lines = Log::default();
    let _guard = tracing::subscriber::set_default(lines.subscriber(LevelFilter::INFO));
    ended("echo 'one\ttwo' >&2; printf last >&2").await;
    let said = async {
        while !lines.text().contains("last") {
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(Duration::from_secs(60), said).await.expect("it is logged");
    let text = lines.text();
    assert!(text.contains(r"one\ttwo") && text.contains("program=\"sh\""), "{text}");
}
