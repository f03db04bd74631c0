//! How far a call has come: asked for, reported in order, and all of it before the answer.

mod support;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use rpc_core::transport::{EndpointConfig, Hello};
use rpc_core::{CallError, Context, Dialect, Fate, Limits, Progress, Router, memory, service};
use support::Raw;
use tokio::sync::Notify;

#[service]
trait Builder {
    /// Reports each step.
    async fn build(&self, steps: u32, progress: Progress<u32>) -> String;

    /// The token for its progress has another name.
    async fn index(&self, #[param(rename = "token")] progress: Progress<String>, path: &str)
    -> u32;

    /// Reports a step whenever it is told to.
    async fn slowly(&self, steps: u32, progress: Progress<u32>) -> String;
}

#[derive(Default)]
struct Works {
    go: Arc<Notify>,
}

impl Builder for Works {
    async fn build(&self, steps: u32, progress: Progress<u32>) -> String {
        (1..=steps).for_each(|step| progress.report(&step));
        if progress.is_wanted() { "watched".into() } else { "built".into() }
    }

    async fn index(&self, progress: Progress<String>, path: &str) -> u32 {
        progress.report(&path.to_owned());
        7
    }

    async fn slowly(&self, steps: u32, progress: Progress<u32>) -> String {
        for step in 1..=steps {
            self.go.notified().await;
            progress.report(&step);
        }
        self.go.notified().await;
        "built".into()
    }
}

type Seen<T> = Arc<Mutex<Vec<T>>>;

fn into<T: Send + 'static>(seen: &Seen<T>) -> impl FnMut(T) + Send + use<T> {
    let seen = seen.clone();
    move |value| seen.lock().unwrap().push(value)
}

#[tokio::test(start_paused = true)]
async fn all_progress_is_told_before_the_answer_and_only_to_who_asks() {
    let (peer, _far) = memory::pair(Router::new(), BuilderServer::new(Works::default()));
    let stub = BuilderClient::new(peer.clone());
    let seen = Seen::default();
    assert_eq!(stub.build(3).on_progress(into(&seen)).await.unwrap(), "watched");
    assert_eq!(*seen.lock().unwrap(), [1, 2, 3]);
    assert_eq!(stub.build(3).await.unwrap(), "built");
    // Started long before anyone looks.
    let early = stub.build(3).on_progress(into(&seen)).start();
    tokio::time::sleep(Duration::from_millis(10)).await;
    early.await.unwrap();
    assert_eq!(*seen.lock().unwrap(), [1, 2, 3, 1, 2, 3]);
    // Of reports that nobody looks at the latest are kept.
    seen.lock().unwrap().clear();
    let early = stub.build(1000).on_progress(into(&seen)).start();
    tokio::time::sleep(Duration::from_millis(10)).await;
    early.await.unwrap();
    assert_eq!(*seen.lock().unwrap(), (937..=1000).collect::<Vec<_>>());
    // In a batch, and without a trait.
    seen.lock().unwrap().clear();
    let batch = peer.batch();
    let first = BuilderClient::new(&batch).build(1).on_progress(into(&seen));
    let second = batch.call::<String>("build", (2,)).on_progress(into(&seen));
    batch.send().await.unwrap();
    second.await.unwrap();
    first.await.unwrap();
    assert_eq!(*seen.lock().unwrap(), [1, 2, 1]);
}

#[tokio::test(start_paused = true)]
async fn a_method_without_a_trait_reports_through_its_context() {
    let services = Router::new().method("build", |cx: Context, (): ()| async move {
        cx.progress().report(&(1, "of", 2));
        Ok(())
    });
    let (peer, _far) = memory::pair(Router::new(), services);
    let seen = Seen::<(u8, String, u8)>::default();
    peer.call::<()>("build", ()).on_progress(into(&seen)).await.unwrap();
    assert_eq!(*seen.lock().unwrap(), [(1, "of".into(), 2)]);
    // What is not of the listener's type is left out.
    let others = Seen::<u8>::default();
    peer.call::<()>("build", ()).on_progress(into(&others)).await.unwrap();
    assert!(others.lock().unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn tokens_come_beside_the_params_and_among_them() {
    let services = Router::new().service(BuilderServer::new(Works::default()));
    let (mut raw, _) = Raw::connect(services, Limits::server());
    raw.play(
        r#"
--> {"jsonrpc":"2.0","id":1,"method":"build","params":[1],"progressToken":"t"}
<-- {"jsonrpc":"2.0","method":"$/progress","params":{"token":"t","value":1}}
<-- {"jsonrpc":"2.0","id":1,"result":"watched"}
--> {"jsonrpc":"2.0","id":2,"method":"build","params":{"steps":1,"workDoneToken":7}}
<-- {"jsonrpc":"2.0","method":"$/progress","params":{"token":7,"value":1}}
<-- {"jsonrpc":"2.0","id":2,"result":"watched"}
--> {"jsonrpc":"2.0","id":3,"method":"build","params":{"_meta":{"progressToken":"m"},"steps":1}}
<-- {"jsonrpc":"2.0","method":"$/progress","params":{"token":"m","value":1}}
<-- {"jsonrpc":"2.0","id":3,"result":"watched"}
--> {"jsonrpc":"2.0","id":4,"method":"build","params":{"steps":1,"progress":8}}
<-- {"jsonrpc":"2.0","method":"$/progress","params":{"token":8,"value":1}}
<-- {"jsonrpc":"2.0","id":4,"result":"watched"}
--> {"jsonrpc":"2.0","id":5,"method":"index","params":{"path":"/","token":"x"}}
<-- {"jsonrpc":"2.0","method":"$/progress","params":{"token":"x","value":"/"}}
<-- {"jsonrpc":"2.0","id":5,"result":7}
--> {"jsonrpc":"2.0","id":6,"method":"build","params":{"steps":1,"progress":null}}
<-- {"jsonrpc":"2.0","id":6,"result":"built"}
--> {"jsonrpc":"2.0","id":7,"method":"build","params":{"steps":1,"progress":[]}}
<-- {"jsonrpc":"2.0","id":7,"error":{"code":-32602,"message":"a token for progress must be a string or a number, and not too long"}}
--> {"jsonrpc":"2.0","id":8,"method":"build","params":{"steps":1,"progress":1,"workDoneToken":1}}
<-- {"jsonrpc":"2.0","id":8,"error":{"code":-32602,"message":"a token for progress is given twice"}}
--> {"jsonrpc":"2.0","id":9,"method":"build","params":[1,7]}
<-- {"jsonrpc":"2.0","id":9,"error":{"code":-32602,"message":"takes 1 params (steps), got 2"}}
"#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_plain_end_reports_only_in_the_words_of_a_dialect() {
    for (dialect, reports) in [(Dialect::JsonRpc, false), (Dialect::Lsp, true)] {
        let builds = |cx: Context, (): ()| async move {
            let progress = cx.progress::<u8>();
            progress.report(&50);
            Ok(progress.is_wanted())
        };
        let services = Router::new().method("build", builds);
        let config = EndpointConfig::new(services, Limits::server()).with(|config| {
            config.dialect = dialect;
            config.hello = Hello::Never;
        });
        let (mut raw, _peer) = Raw::connect_to_stranger(config);
        raw.send(r#"{"jsonrpc":"2.0","id":1,"method":"build","progressToken":"t"}"#).await;
        if reports {
            let report =
                r#"{"jsonrpc":"2.0","method":"$/progress","params":{"token":"t","value":50}}"#;
            assert_eq!(raw.receive().await, report);
        }
        let answer = format!(r#"{{"jsonrpc":"2.0","id":1,"result":{reports}}}"#);
        assert_eq!(raw.receive().await, answer);
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_asks_with_its_own_id() {
    let (mut raw, peer) = Raw::connect(Router::new(), Limits::client());
    let seen = Seen::<u32>::default();
    let call = BuilderClient::new(peer.clone()).build(9).no_timeout().on_progress(into(&seen));
    let call = tokio::spawn(call);
    let request = r#"{"jsonrpc":"2.0","method":"build","params":[9],"id":1,"progressToken":1}"#;
    assert_eq!(raw.receive().await, request);
    for report in [
        r#"{"token":1,"value":5}"#,
        r#"{"token":2,"value":6}"#,
        r#"{"token":"1","value":7}"#,
        r#"{"token":1}"#,
        r#"[1,8]"#,
        r#"{"token":1,"value":9}"#,
    ] {
        let message = format!(r#"{{"jsonrpc":"2.0","method":"$/progress","params":{report}}}"#);
        raw.send(&message).await;
    }
    raw.send(r#"{"jsonrpc":"2.0","id":1,"result":"built"}"#).await;
    assert_eq!(call.await.unwrap().unwrap(), "built");
    assert_eq!(*seen.lock().unwrap(), [5, 8, 9]);
    assert_eq!(peer.stats().counters.malformed, 1);
}

/// What it would be read as was not measured.
#[tokio::test(start_paused = true)]
async fn a_report_that_would_be_read_as_another_is_left_out() {
    let (mut raw, peer) = Raw::connect(Router::new(), Limits::client());
    let seen = Seen::<serde_json::Value>::default();
    let call = peer.call::<()>("build", ()).no_timeout().on_progress(into(&seen)).start();
    raw.receive().await;
    for value in [r#"[{"$serde_json::private::RawValue":"[1]"}]"#, "5"] {
        raw.send(&format!(
            r#"{{"jsonrpc":"2.0","method":"$/progress","params":{{"token":1,"value":{value}}}}}"#
        ))
        .await;
    }
    raw.send(r#"{"jsonrpc":"2.0","id":1,"result":null}"#).await;
    call.await.unwrap();
    assert_eq!(*seen.lock().unwrap(), [5]);
    assert_eq!(peer.stats().counters.dropped, 1);
}

/// Works whose steps are told when to be done.
fn told() -> (BuilderClient, Arc<Notify>) {
    let go = Arc::<Notify>::default();
    let works = Works { go: go.clone() };
    let (peer, _) = memory::pair(Router::new(), BuilderServer::new(works));
    (BuilderClient::new(peer), go)
}

#[tokio::test(start_paused = true)]
async fn progress_puts_the_deadline_off_if_asked_and_not_for_ever() {
    let second = Duration::from_secs(1);
    let (stub, go) = told();
    let call = stub.slowly(100).timeout(3 * second).extend_on_progress(20 * second);
    let call = tokio::spawn(call);
    for _ in 0..9 {
        tokio::time::sleep(2 * second).await;
        assert!(!call.is_finished());
        go.notify_one();
    }
    tokio::time::sleep(3 * second).await;
    let fate = Fate::MaybeExecuted;
    assert_eq!(
        call.await.unwrap(),
        Err(CallError::Timeout { fate, heard: None }),
        "20 s is the most"
    );

    // Without progress it is the timeout that counts, and without being asked for progress is nothing.
    let silent = stub.slowly(1).timeout(3 * second).extend_on_progress(20 * second);
    let started = tokio::time::Instant::now();
    assert!(matches!(silent.await, Err(CallError::Timeout { .. })));
    assert_eq!(started.elapsed().as_secs(), 3);
    let call = tokio::spawn(stub.slowly(9).timeout(3 * second).on_progress(drop::<u32>));
    tokio::time::sleep(2 * second).await;
    go.notify_one();
    tokio::time::sleep(2 * second).await;
    assert!(matches!(call.await.unwrap(), Err(CallError::Timeout { .. })));
}

#[tokio::test(start_paused = true)]
async fn the_other_end_is_told_the_hard_maximum() {
    let (mut raw, peer) = Raw::connect(Router::new(), Limits::client());
    let second = Duration::from_secs(1);
    let _call = peer.call::<()>("m", ()).timeout(second).extend_on_progress(9 * second).start();
    let request = r#"{"jsonrpc":"2.0","method":"m","id":1,"timeoutMs":9000,"progressToken":1}"#;
    assert_eq!(raw.receive().await, request);
}

#[tokio::test(start_paused = true)]
async fn while_the_caller_does_not_read_the_latest_report_waits_alone() {
    let mut limits = Limits::server();
    limits.queue = 1;
    let services = Router::new().service(BuilderServer::new(Works::default()));
    let (mut raw, peer) = Raw::connect_with(services, limits, 64);
    raw.send(r#"{"jsonrpc":"2.0","id":1,"method":"build","params":[1000],"progressToken":1}"#)
        .await;
    tokio::time::sleep(Duration::from_millis(10)).await;
    assert!(peer.stats().queue_bytes < 1000, "{}", peer.stats().queue_bytes);
    let mut last = String::new();
    let answer = loop {
        let message = raw.receive().await;
        if message.contains("result") {
            break message;
        }
        last = message;
    };
    assert_eq!(
        last,
        r#"{"jsonrpc":"2.0","method":"$/progress","params":{"token":1,"value":1000}}"#
    );
    assert!(answer.contains("watched"));
}

#[tokio::test(start_paused = true)]
async fn what_is_reported_after_the_answer_goes_nowhere() {
    let services = Router::new().method("leak", |cx: Context, (): ()| async move {
        let progress = cx.progress::<u32>();
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(1)).await;
            progress.report(&1);
        });
        Ok(())
    });
    let (mut raw, _) = Raw::connect(services, Limits::server());
    raw.play(
        r#"
--> {"jsonrpc":"2.0","id":1,"method":"leak","progressToken":1}
<-- {"jsonrpc":"2.0","id":1,"result":null}
"#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_report_that_cannot_be_sent_is_counted() {
    let mut limits = Limits::server();
    limits.message_out = 200;
    let services = Router::new().method("boast", |cx: Context, (): ()| async move {
        cx.progress().report(&"x".repeat(200));
        cx.progress().report(&1);
        Ok(())
    });
    let (mut raw, peer) = Raw::connect(services, limits);
    raw.play(
        r#"
--> {"jsonrpc":"2.0","id":1,"method":"boast","progressToken":1}
<-- {"jsonrpc":"2.0","method":"$/progress","params":{"token":1,"value":1}}
<-- {"jsonrpc":"2.0","id":1,"result":null}
"#,
    )
    .await;
    assert_eq!(peer.stats().counters.dropped, 1);
}

/// The handler goes on, so nothing but the room itself brings the report that waited for it.
#[tokio::test(start_paused = true)]
async fn a_report_that_waited_is_sent_when_there_is_room() {
    let mut limits = Limits::server();
    limits.queue = 1;
    let services = Router::new().method("work", |cx: Context, (): ()| async move {
        let progress = cx.progress();
        progress.report(&"x".repeat(1000));
        progress.report(&"last".to_owned());
        std::future::pending::<()>().await;
        Ok(())
    });
    let (mut raw, _) = Raw::connect_with(services, limits, 64);
    raw.send(r#"{"jsonrpc":"2.0","id":1,"method":"work","progressToken":1}"#).await;
    tokio::time::sleep(Duration::from_millis(10)).await;
    assert!(raw.receive().await.contains("xxx"));
    assert!(raw.receive().await.contains("last"));
}

/// Room came by a call that was taken back, which nobody looks for: the later report passed the one that waited.
#[tokio::test(start_paused = true)]
async fn a_report_never_passes_one_that_waits_for_room() {
    let mut limits = Limits::server();
    limits.queue = 400;
    let services = Router::new().method("work", |cx: Context, (): ()| async move {
        let progress = cx.progress();
        let call = cx.peer().call::<()>("other", ("x".repeat(500),)).start();
        progress.report(&1);
        drop(call);
        progress.report(&2);
        Ok(())
    });
    let (mut raw, _) = Raw::connect(services, limits);
    raw.send(r#"{"jsonrpc":"2.0","id":1,"method":"work","progressToken":1}"#).await;
    for value in [1, 2] {
        let report: serde_json::Value = serde_json::from_str(&raw.receive().await).unwrap();
        assert_eq!(report["params"]["value"], value);
    }
    assert!(raw.receive().await.contains("result"));
}

#[tokio::test(start_paused = true)]
async fn reports_that_nobody_looks_at_are_bounded_in_bytes() {
    let mut limits = Limits::client();
    limits.stream_window = 100;
    let (mut raw, peer) = Raw::connect(Router::new(), limits);
    let seen = Seen::<String>::default();
    let call = peer.call::<()>("build", ()).on_progress(into(&seen)).start();
    raw.receive().await;
    for step in 0..9 {
        let value = format!("{step}{}", "x".repeat(40));
        raw.send(&format!(
            r#"{{"jsonrpc":"2.0","method":"$/progress","params":{{"token":1,"value":"{value}"}}}}"#
        ))
        .await;
    }
    raw.send(r#"{"jsonrpc":"2.0","id":1,"result":null}"#).await;
    tokio::time::sleep(Duration::from_millis(10)).await;
    call.await.unwrap();
    let first: Vec<_> = seen.lock().unwrap().iter().map(|value| value[..1].to_owned()).collect();
    assert_eq!(first, ["7", "8"]);
}
