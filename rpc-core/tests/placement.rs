//! Where handlers run, what happens when that is the wrong place, and what they leave to others.

mod support;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::{StreamExt, stream};
use rpc_core::transport::{Endpoint, EndpointConfig};
use rpc_core::{
    CallError, CloseCode, Context, ErrorObject, Limits, Peer, Router, Streaming, memory, service,
};
use support::warnings::Warnings;
use support::{Raw, assert_same};
use tokio::time::{Instant, sleep};

type Log = Arc<Mutex<Vec<String>>>;

fn note(log: &Log, line: impl Into<String>) {
    log.lock().unwrap().push(line.into());
}

fn lines(log: &Log) -> Vec<String> {
    std::mem::take(&mut *log.lock().unwrap())
}

#[service]
trait Jobs {
    #[method(detached)]
    async fn detached(&self, cx: &Context, ms: u64) -> u64;
    #[method(spawn)]
    async fn spawned(&self, ms: u64) -> u64;
    #[notification(detached)]
    async fn noted(&self, ms: u64);
    #[method(detached)]
    async fn panics(&self);
}

#[derive(Default)]
struct Logging(Log);

impl Logging {
    async fn run(&self, name: &str, ms: u64) {
        struct Stopped<'a>(&'a Log, &'a str);
        impl Drop for Stopped<'_> {
            fn drop(&mut self) {
                note(self.0, format!("{} stopped", self.1));
            }
        }
        let stopped = Stopped(&self.0, name);
        sleep(Duration::from_millis(ms)).await;
        std::mem::forget(stopped);
        note(&self.0, format!("{name} ended"));
    }
}

impl Jobs for Logging {
    async fn detached(&self, cx: &Context, ms: u64) -> u64 {
        let cx = cx.clone();
        let log = self.0.clone();
        tokio::spawn(async move {
            cx.cancelled().await;
            note(&log, "over");
        });
        self.run("detached", ms).await;
        ms
    }
    async fn spawned(&self, ms: u64) -> u64 {
        self.run("spawned", ms).await;
        ms
    }
    async fn noted(&self, ms: u64) {
        self.run("noted", ms).await;
    }
    async fn panics(&self) {
        panic!("secret");
    }
}

fn jobs() -> (Log, Raw, Peer) {
    let log = Log::default();
    let services = Router::new().service(JobsServer::new(Logging(log.clone())));
    let (raw, peer) = Raw::connect(services, Limits::server());
    (log, raw, peer)
}

#[tokio::test(start_paused = true)]
async fn a_detached_handler_goes_on_when_its_connection_ends() {
    for by_us in [true, false] {
        let (log, mut raw, peer) = jobs();
        raw.send(r#"{"jsonrpc":"2.0","id":1,"method":"detached","params":[300]}"#).await;
        raw.send(r#"{"jsonrpc":"2.0","id":2,"method":"spawned","params":[300]}"#).await;
        raw.send(r#"{"jsonrpc":"2.0","method":"noted","params":[300]}"#).await;
        assert!(raw.is_silent().await && lines(&log).is_empty());
        if by_us {
            peer.close(CloseCode::NORMAL, "");
        }
        drop(raw);
        peer.closed().await;
        sleep(Duration::from_millis(100)).await;
        assert_eq!(lines(&log), ["spawned stopped", "over"]);
        sleep(Duration::from_millis(200)).await;
        let mut ended = lines(&log);
        ended.sort();
        assert_eq!(ended, ["detached ended", "noted ended"]);
    }
}

#[tokio::test(start_paused = true)]
async fn there_are_so_many_detached_handlers_those_of_ended_connections_included() {
    let log = Log::default();
    let services = Router::new().service(JobsServer::new(Logging(log.clone())));
    let mut limits = Limits::server();
    limits.detached = 2;
    let mut config = EndpointConfig::new(services, limits);
    config.keepalive = false;
    let connect = || {
        let (near, far) = memory::transports(1 << 20);
        let endpoint = Endpoint::new(config.clone());
        let peer = endpoint.peer();
        tokio::spawn(endpoint.connect(near));
        (Raw::over(far), peer)
    };
    let (mut raw, _) = connect();
    raw.send(r#"{"jsonrpc":"2.0","id":1,"method":"detached","params":[30000]}"#).await;
    raw.send(r#"{"jsonrpc":"2.0","method":"noted","params":[20000]}"#).await;
    assert!(raw.is_silent().await);
    drop(raw);
    let (mut raw, peer) = connect();
    raw.play(
        r#"
--> {"jsonrpc":"2.0","id":1,"method":"detached","params":[1]}
<-- {"jsonrpc":"2.0","id":1,"error":{"code":-32009,"message":"busy: not executed, `detached` is reached","data":{"kind":"busy"}}}
--> {"jsonrpc":"2.0","method":"noted","params":[1]}
"#,
    )
    .await;
    assert!(raw.is_silent().await);
    assert_eq!((config.registry.detached(), peer.stats().counters.dropped), (2, 1));
    sleep(Duration::from_secs(25)).await;
    assert_eq!(config.registry.detached(), 1, "{:?}", lines(&log));
    raw.play(
        r#"
--> {"jsonrpc":"2.0","id":2,"method":"detached","params":[1]}
<-- {"jsonrpc":"2.0","id":2,"result":1}
"#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_detached_handler_answers_panics_and_is_cancelled_as_any_other() {
    let (log, mut raw, peer) = jobs();
    raw.play(
        r#"
--> {"jsonrpc":"2.0","id":1,"method":"detached","params":[10]}
<-- {"jsonrpc":"2.0","id":1,"result":10}
--> {"jsonrpc":"2.0","id":2,"method":"panics"}
<-- {"jsonrpc":"2.0","id":2,"error":{"code":-32603,"message":"internal error"}}
"#,
    )
    .await;
    assert_eq!(lines(&log), ["detached ended", "over"]);
    raw.send(r#"{"jsonrpc":"2.0","id":3,"method":"detached","params":[1000]}"#).await;
    assert!(raw.is_silent().await, "it has begun");
    raw.play(
        r#"
--> {"jsonrpc":"2.0","method":"$/cancelRequest","params":{"id":3}}
<-- {"jsonrpc":"2.0","id":3,"error":{"code":-32800,"message":"request cancelled","data":{"kind":"cancelled"}}}
--> {"jsonrpc":"2.0","id":4,"method":"detached","params":[1000],"timeoutMs":10}
<-- {"jsonrpc":"2.0","id":4,"error":{"code":-32012,"message":"the deadline ran out","data":{"kind":"deadline"}}}
"#,
    )
    .await;
    let mut ended = lines(&log);
    ended.sort();
    assert_eq!(ended, ["detached stopped", "detached stopped", "over", "over"]);
    assert_eq!(peer.stats().in_flight, 0);
}

#[tokio::test(start_paused = true)]
async fn its_deadline_stops_a_detached_handler_also_when_there_is_no_connection_any_more() {
    let (log, mut raw, peer) = jobs();
    raw.send(r#"{"jsonrpc":"2.0","id":1,"method":"detached","params":[1000],"timeoutMs":500}"#)
        .await;
    assert!(raw.is_silent().await);
    drop(raw);
    peer.closed().await;
    sleep(Duration::from_millis(300)).await;
    assert_eq!(lines(&log), ["over"]);
    sleep(Duration::from_millis(200)).await;
    assert_eq!(lines(&log), ["detached stopped"]);
}

/// Keeps this thread for longer than a handler may: what is tested is real time.
fn block() {
    std::thread::sleep(Duration::from_millis(150));
}

#[tokio::test]
async fn a_method_that_keeps_its_connection_is_told_of_once() {
    let (warnings, _guard) = Warnings::here();
    let services = || {
        Router::new()
            .method("slow", |_: Context, (): ()| async {
                block();
                Ok(())
            })
            .method("slow_later", |_: Context, (): ()| async {
                tokio::task::yield_now().await;
                block();
                Ok(())
            })
            .subscription("slow_stream", "end", |_: Context, (): ()| async {
                Ok(Streaming::new(stream::iter([1]).inspect(|_| block())))
            })
            .method("quick", |_: Context, (): ()| async { Ok(()) })
    };
    // Of one table, behind two connections.
    let services = Arc::new(services());
    for _ in 0..2 {
        let (left, right) = memory::transports(64 * 1024);
        let mut config = EndpointConfig::new(Router::new(), Limits::server());
        config.services = services.clone();
        tokio::spawn(Endpoint::new(config).connect(left));
        let client = Endpoint::new(EndpointConfig::new(Router::new(), Limits::client()));
        let peer = client.peer();
        tokio::spawn(client.connect(right));
        for method in ["quick", "slow", "slow_later", "quick"] {
            peer.call::<()>(method, ()).await.unwrap();
        }
        let stream = peer.subscribe::<u8>("slow_stream", "end", ()).await.unwrap();
        assert_eq!(stream.take(1).count().await, 1);
    }
    let told = warnings.take();
    assert_eq!(told.len(), 3, "{told:?}");
    for (line, method) in told.iter().zip(["slow", "slow_later", "slow_stream"]) {
        assert!(line.contains(&format!("method=\"{method}\"")), "{line}");
        assert!(line.contains("#[method(spawn)]"), "{line}");
    }
}

/// `cx.after_response` with a notification that says which.
fn tell_later(cx: &Context, log: &Log, name: &'static str) {
    let (peer, log) = (cx.peer(), log.clone());
    cx.after_response(async move {
        note(&log, name);
        let _ = peer.notify("later", (name,)).await;
    });
}

/// Methods that leave something for after their answer, whatever that is.
fn leaving(log: &Log) -> Router {
    let with = |run: fn(&Context, &Log)| {
        let log = log.clone();
        move |cx: Context, (ms,): (u64,)| {
            run(&cx, &log);
            async move {
                sleep(Duration::from_millis(ms)).await;
                Ok(ms)
            }
        }
    };
    let (streams, notes) = (log.clone(), log.clone());
    let one = |cx: &Context, log: &Log| tell_later(cx, log, "one");
    let noting = with(one);
    Router::new()
        .method("one", with(one))
        .method(
            "two",
            with(|cx, log| {
                for name in ["first", "second"] {
                    tell_later(cx, log, name);
                }
            }),
        )
        .method("fails", |cx: Context, (): ()| async move {
            tell_later(&cx, &Log::default(), "failed");
            Err::<(), _>(ErrorObject::new(1, "no"))
        })
        .method("panics", |cx: Context, (): ()| async move {
            tell_later(&cx, &Log::default(), "panicked");
            if true {
                panic!("secret");
            }
            Ok(())
        })
        .subscription("ticks", "untick", move |cx: Context, (): ()| {
            tell_later(&cx, &streams, "subscribed");
            async { Ok(Streaming::new(stream::pending::<u8>())) }
        })
        .notification("note", move |cx, params| {
            let run = noting(cx, params);
            let log = notes.clone();
            async move {
                let _ = run.await;
                note(&log, "ended");
            }
        })
}

#[tokio::test(start_paused = true)]
async fn what_is_left_for_later_comes_behind_the_answer_whatever_that_says() {
    let (mut raw, _peer) = Raw::connect(leaving(&Log::default()), Limits::server());
    raw.play(
        r#"
--> {"jsonrpc":"2.0","id":1,"method":"one","params":[0]}
<-- {"jsonrpc":"2.0","id":1,"result":0}
<-- {"jsonrpc":"2.0","method":"later","params":["one"]}
--> {"jsonrpc":"2.0","id":2,"method":"two","params":[5]}
<-- {"jsonrpc":"2.0","id":2,"result":5}
<-- {"jsonrpc":"2.0","method":"later","params":["first"]}
<-- {"jsonrpc":"2.0","method":"later","params":["second"]}
--> {"jsonrpc":"2.0","id":3,"method":"fails"}
<-- {"jsonrpc":"2.0","id":3,"error":{"code":1,"message":"no"}}
<-- {"jsonrpc":"2.0","method":"later","params":["failed"]}
--> {"jsonrpc":"2.0","id":4,"method":"panics"}
<-- {"jsonrpc":"2.0","id":4,"error":{"code":-32603,"message":"internal error"}}
<-- {"jsonrpc":"2.0","method":"later","params":["panicked"]}
--> {"jsonrpc":"2.0","id":5,"method":"one","params":[1000]}
--> {"jsonrpc":"2.0","method":"$/cancelRequest","params":{"id":5}}
<-- {"jsonrpc":"2.0","id":5,"error":{"code":-32800,"message":"request cancelled","data":{"kind":"cancelled"}}}
<-- {"jsonrpc":"2.0","method":"later","params":["one"]}
--> {"jsonrpc":"2.0","id":6,"method":"one","params":[1000],"timeoutMs":1}
<-- {"jsonrpc":"2.0","id":6,"error":{"code":-32012,"message":"the deadline ran out","data":{"kind":"deadline"}}}
<-- {"jsonrpc":"2.0","method":"later","params":["one"]}
"#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_a_member_of_a_batch_leaves_comes_behind_the_whole_batch() {
    let (mut raw, _peer) = Raw::connect(leaving(&Log::default()), Limits::server());
    raw.send(
        r#"[{"jsonrpc":"2.0","id":1,"method":"one","params":[0]},
            {"jsonrpc":"2.0","id":2,"method":"two","params":[50]}]"#,
    )
    .await;
    assert_same(
        &raw.receive().await,
        r#"[{"jsonrpc":"2.0","id":1,"result":0},{"jsonrpc":"2.0","id":2,"result":50}]"#,
    );
    for name in ["one", "first", "second"] {
        let later = format!(r#"{{"jsonrpc":"2.0","method":"later","params":["{name}"]}}"#);
        assert_same(&raw.receive().await, &later);
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_subscription_leaves_comes_behind_its_id_and_a_notification_behind_its_end() {
    let log = Log::default();
    let (mut raw, _peer) = Raw::connect(leaving(&log), Limits::server());
    raw.send(r#"{"jsonrpc":"2.0","id":1,"method":"ticks"}"#).await;
    assert!(raw.receive().await.contains("\"id\":1,\"result\""));
    assert!(raw.receive().await.contains("subscribed"));
    raw.send(r#"{"jsonrpc":"2.0","method":"note","params":[10]}"#).await;
    assert!(raw.receive().await.contains("later"));
    assert_eq!(lines(&log), ["subscribed", "ended", "one"]);
}

#[tokio::test(start_paused = true)]
async fn what_was_left_is_dropped_with_a_connection_that_ends_before_the_answer() {
    let log = Log::default();
    let (mut raw, peer) = Raw::connect(leaving(&log), Limits::server());
    let holders = Arc::strong_count(&log);
    raw.send(r#"{"jsonrpc":"2.0","id":1,"method":"one","params":[1000]}"#).await;
    raw.send(
        r#"[{"jsonrpc":"2.0","id":2,"method":"one","params":[0]},
            {"jsonrpc":"2.0","id":3,"method":"one","params":[1000]}]"#,
    )
    .await;
    assert!(raw.is_silent().await);
    assert_eq!(Arc::strong_count(&log), holders + 3, "each call has left something");
    drop(raw);
    peer.closed().await;
    sleep(Duration::from_secs(2)).await;
    assert_eq!(lines(&log), Vec::<String>::new());
    assert_eq!(Arc::strong_count(&log), holders);
}

#[tokio::test(start_paused = true)]
async fn what_is_left_when_the_call_is_over_starts_at_once() {
    let log = Log::default();
    let kept = Arc::new(Mutex::new(None));
    let keeper = kept.clone();
    let services = Router::new().method("keep", move |cx: Context, (): ()| {
        *keeper.lock().unwrap() = Some(cx);
        async { Ok(()) }
    });
    let (peer, _other) = memory::pair(Router::new(), services);
    peer.call::<()>("keep", ()).await.unwrap();
    let cx = kept.lock().unwrap().take().unwrap();
    tell_later(&cx, &log, "late");
    tokio::task::yield_now().await;
    assert_eq!(lines(&log), ["late"]);
    cx.peer().close(CloseCode::NORMAL, "");
    peer.closed().await;
    tell_later(&cx, &log, "too late");
    tokio::task::yield_now().await;
    assert_eq!(lines(&log), Vec::<String>::new());
}

/// A worker of the runtime begins with the task that was spawned last.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_things_that_are_left_start_in_their_order() {
    let log = Log::default();
    let starts = log.clone();
    let services = Router::new().method("many", move |cx: Context, (): ()| {
        for number in 0..5 {
            let log = starts.clone();
            cx.after_response(async move {
                note(&log, number.to_string());
                if number == 2 {
                    panic!("the others go on");
                }
                std::future::pending::<()>().await;
            });
        }
        async { Ok(()) }
    });
    let (peer, _other) = memory::pair(Router::new(), services);
    for _ in 0..20 {
        peer.call::<()>("many", ()).await.unwrap();
        while log.lock().unwrap().len() < 5 {
            tokio::task::yield_now().await;
        }
        assert_eq!(lines(&log), ["0", "1", "2", "3", "4"]);
    }
}

/// Two ends with one place each: `relay` calls `question` of the other from a task that it spawns,
/// and that calls `answer` here.
fn relaying(scoped: bool) -> (Peer, Peer) {
    let (left, right) = memory::transports(64 * 1024);
    let services = [
        Router::new().method("question", |cx: Context, (): ()| async move {
            let answer = cx.peer().call::<u32>("answer", ()).await;
            answer.map_err(|error| ErrorObject::new(1, error.to_string()))
        }),
        Router::new()
            .method("relay", move |cx: Context, (): ()| async move {
                let peer = cx.peer();
                let call = async move { peer.call::<u32>("question", ()).await };
                let task = if scoped { tokio::spawn(cx.scope(call)) } else { tokio::spawn(call) };
                Ok(task.await.unwrap()?)
            })
            .method("answer", |cx: Context, (): ()| async move {
                Ok(cx
                    .deadline()
                    .map_or(0, |deadline| deadline.duration_since(Instant::now()).as_secs() as u32))
            }),
    ];
    let mut limits = Limits::server();
    limits.inflight_requests = 1;
    let mut ends = [left, right].into_iter().zip(services).map(|(transport, services)| {
        let endpoint = Endpoint::new(EndpointConfig::new(services, limits.clone()));
        endpoint.set_extended(false);
        let peer = endpoint.peer();
        tokio::spawn(endpoint.connect(transport));
        peer
    });
    let (caller, relay) = (ends.next().unwrap(), ends.next().unwrap());
    drop(ends);
    (caller, relay)
}

#[tokio::test(start_paused = true)]
async fn a_scope_lends_the_place_of_its_handler_and_inherits_its_deadline() {
    let (caller, _relay) = relaying(true);
    let call = |peer: &Peer| peer.call::<u32>("relay", ()).timeout(Duration::from_secs(7));
    assert_eq!(call(&caller).await, Ok(7));
    assert_eq!(call(&caller).await, Ok(7), "the place was given back");
    let (caller, _relay) = relaying(false);
    let error = call(&caller).await.unwrap_err();
    assert!(matches!(error, CallError::Remote(_)), "{error:?}");
    assert!(error.to_string().contains("busy"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_scope_that_outlives_its_handler_keeps_the_deadline_and_lends_nothing() {
    let services = Router::new().method("leave", |cx: Context, (): ()| async move {
        let (peer, done) = (cx.peer(), cx.clone());
        let early = cx.scope(peer.call::<()>("early", ()));
        tokio::spawn(early);
        let peer = cx.peer();
        tokio::spawn(cx.scope(async move {
            done.cancelled().await;
            sleep(Duration::from_secs(1)).await;
            peer.call::<()>("late", ()).await
        }));
        sleep(Duration::from_millis(1)).await;
        Ok(())
    });
    let services = services
        .method("quick", |_: Context, (): ()| async { Ok(()) })
        .method("wait", |_: Context, (): ()| std::future::pending::<Result<(), ErrorObject>>());
    let mut limits = Limits::server();
    limits.inflight_requests = 1;
    let (mut raw, peer) = Raw::connect(services, limits);
    raw.send(r#"{"jsonrpc":"2.0","id":1,"method":"leave","timeoutMs":5000}"#).await;
    assert!(raw.receive().await.contains("\"early\",\"id\":1,\"timeoutMs\":5000"));
    assert!(raw.receive().await.contains("\"id\":1,\"result\":null"));
    let late = raw.receive().await;
    assert!(late.contains("\"late\",\"id\":2,\"timeoutMs\":3999"), "{late}");
    for id in [1, 2] {
        raw.send(&format!(r#"{{"jsonrpc":"2.0","id":{id},"result":null}}"#)).await;
    }
    assert!(raw.is_silent().await && peer.stats().in_flight == 0);
    raw.send(r#"{"jsonrpc":"2.0","id":2,"method":"quick"}"#).await;
    raw.send(r#"{"jsonrpc":"2.0","id":3,"method":"wait"}"#).await;
    raw.send(r#"{"jsonrpc":"2.0","id":4,"method":"wait"}"#).await;
    assert!(raw.receive().await.contains("\"id\":2,\"result\""), "there is one place");
    assert!(raw.receive().await.contains("\"id\":4,\"error\""), "and no more than one");
}

fn _is_send(cx: &Context) -> impl Send + use<> {
    cx.scope(async {})
}
