//! A line for each call, by `layers::AccessLog` and the ordinary subscriber.

mod support;

use std::time::Duration;

use rpc_core::layers::{AccessLog, Layers};
use rpc_core::{CallError, Context, ErrorObject, Peer, Router};
use support::Raw;
use support::log::Log;
use tracing::Level;
use tracing::subscriber::DefaultGuard;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{LevelFilter, Targets};

fn listen(level: LevelFilter) -> (Log, DefaultGuard) {
    let log = Log::default();
    let guard = tracing::subscriber::set_default(log.subscriber(level));
    (log, guard)
}

/// The lines of the access log, without the name of the peer, which is in all.
fn lines(log: &Log, peer: &Peer) -> Vec<String> {
    let text = log.text();
    let lines = text.lines().filter_map(|line| line.split_once(" INFO rpc_core::access: "));
    let peer = format!(" peer={:?}", peer.id());
    lines.map(|(_, line)| line.replacen(&peer, "", 1)).collect()
}

fn within(layer: AccessLog) -> (Raw, Peer) {
    let services = Router::new()
        .method("sleep", |_: Context, (ms,): (u64,)| async move {
            tokio::time::sleep(Duration::from_millis(ms)).await;
            Ok(ms)
        })
        .method("fail", |_: Context, (code,): (i64,)| async move {
            Err::<(), _>(ErrorObject::new(code, "a secret\n"))
        })
        .method("panic", |_: Context, (): ()| async { panics() })
        .notification("note", |_: Context, _: (u8,)| async {});
    Raw::connect_within(services, Layers::new().layer(layer))
}

fn panics() -> Result<(), ErrorObject> {
    panic!("as a test")
}

#[tokio::test(start_paused = true)]
async fn each_call_is_a_line_when_it_has_ended() {
    let (log, _guard) = listen(LevelFilter::INFO);
    let (mut raw, peer) = within(AccessLog::new());
    raw.play(
        r#"
--> {"jsonrpc":"2.0","id":1,"method":"sleep","params":[1500]}
<-- {"jsonrpc":"2.0","id":1,"result":1500}
--> {"jsonrpc":"2.0","id":2,"method":"fail","params":[7]}
<-- {"jsonrpc":"2.0","id":2,"error":{"code":7,"message":"a secret\n"}}
--> {"jsonrpc":"2.0","id":3,"method":"fail","params":["s3cr3t"]}
<-- {"jsonrpc":"2.0","id":3,"error":{"code":-32602,"message":"parameter 1: invalid type: string \"s3cr3t\", expected i64","data":{"kind":"invalid_params","violations":[{"path":"[0]","message":"invalid type: string \"s3cr3t\", expected i64"}]}}}
--> {"jsonrpc":"2.0","id":4,"method":"panic"}
<-- {"jsonrpc":"2.0","id":4,"error":{"code":-32603,"message":"internal error"}}
--> {"jsonrpc":"2.0","method":"note","params":[1]}
--> {"jsonrpc":"2.0","id":5,"method":"sleep","params":[60000],"timeoutMs":250}
<-- {"jsonrpc":"2.0","id":5,"error":{"code":-32012,"message":"the deadline ran out","data":{"kind":"deadline"}}}
--> {"jsonrpc":"2.0","id":6,"method":"for\nged"}
<-- {"jsonrpc":"2.0","id":6,"error":{"code":-32601,"message":"no method `for\\nged`"}}
--> {"jsonrpc":"2.0","id":7,"method":"sleep","params":[1],"timeoutMs":0}
<-- {"jsonrpc":"2.0","id":7,"error":{"code":-32012,"message":"the deadline ran out","data":{"kind":"deadline"}}}
"#,
    )
    .await;
    assert_eq!(
        lines(&log, &peer),
        [
            r#"served method="sleep" outcome="ok" duration=1.5s"#,
            r#"served method="fail" outcome="7" duration=0ns"#,
            r#"served method="fail" outcome="-32602" duration=0ns"#,
            r#"served method="panic" outcome="panicked" duration=0ns"#,
            r#"served method="note" outcome="ok" duration=0ns"#,
            r#"served method="sleep" outcome="timeout" duration=250ms"#,
            r#"refused method="_OTHER" outcome="-32601""#,
            r#"refused method="sleep" outcome="timeout""#,
        ]
    );
    assert!(!log.text().contains("secret") && !log.text().contains("s3cr3t"), "{}", log.text());
}

#[tokio::test(start_paused = true)]
async fn calls_that_are_made_are_lines_too() {
    let (log, _guard) = listen(LevelFilter::INFO);
    let (mut raw, peer) = within(AccessLog::new());
    let call = peer.call::<u8>("age", ()).timeout(Duration::from_secs(2)).start();
    raw.receive().await;
    assert!(matches!(call.await, Err(CallError::Timeout { .. })));
    drop(peer.call::<u8>("a\nb", ()).start());
    assert_eq!(
        lines(&log, &peer),
        [
            r#"called method="age" outcome="timeout" duration=2s"#,
            r#"called method="a\\nb" outcome="cancelled" duration=0ns"#,
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_flood_does_not_fill_the_log() {
    let (log, _guard) = listen(LevelFilter::INFO);
    let (mut raw, peer) = within(AccessLog::new().at_most(2));
    let mut call = async |id: u32| {
        raw.send(&format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"sleep","params":[0]}}"#)).await;
        raw.receive().await;
    };
    for id in 0..50 {
        call(id).await;
    }
    assert_eq!(lines(&log, &peer).len(), 2);
    tokio::time::advance(Duration::from_secs(1)).await;
    call(50).await;
    let last = lines(&log, &peer).pop().unwrap();
    assert_eq!(last, r#"served method="sleep" outcome="ok" duration=0ns left_out=48"#);
}

/// It is not even counted: of the two lines of this second both are left, and nothing was left out.
#[tokio::test(start_paused = true)]
async fn where_it_is_turned_off_a_call_costs_nothing() {
    let off = [
        Targets::new().with_default(Level::WARN),
        Targets::new().with_default(Level::TRACE).with_target("rpc_core::access", LevelFilter::OFF),
        Targets::new().with_default(Level::TRACE).with_target("rpc_core::access", Level::WARN),
    ];
    for off in off {
        let log = Log::default();
        let (mut raw, peer) = within(AccessLog::new().at_most(2));
        let mut answer = async |request: &str| {
            raw.send(&format!(r#"{{"jsonrpc":"2.0","id":1,{request}}}"#)).await;
            while raw.receive().await.contains("method\":\"age") {}
        };
        let filtered = off.with_subscriber(log.subscriber(LevelFilter::TRACE));
        let guard = tracing::subscriber::set_default(filtered);
        answer(r#""method":"sleep","params":[0]"#).await;
        answer(r#""method":"panic""#).await;
        answer(r#""method":"nothing""#).await;
        drop(peer.call::<u8>("age", ()).start());
        drop(guard);
        assert!(!log.text().contains("rpc_core::access"), "{}", log.text());
        let _guard = tracing::subscriber::set_default(log.subscriber(LevelFilter::INFO));
        answer(r#""method":"sleep","params":[1]"#).await;
        answer(r#""method":"sleep","params":[2]"#).await;
        assert_eq!(
            lines(&log, &peer),
            [1, 2].map(|ms| format!(r#"served method="sleep" outcome="ok" duration={ms}ms"#))
        );
    }
}
