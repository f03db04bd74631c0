//! A value of a megabyte that is of another type than what was asked for: what is said of it is short, and it
//! is read once, as each time costs as much as all of it.

mod support;

use std::cell::Cell;
use std::sync::mpsc;

use rpc_core::{CallError, Limits, Router, StreamError};
use serde::{Deserialize, Deserializer};
use support::Raw;
use support::log::Log;
use tracing_subscriber::filter::LevelFilter;

/// A number, and how often one was asked for.
#[derive(Debug, PartialEq)]
struct Counted(u8);

thread_local!(static READ: Cell<usize> = const { Cell::new(0) });

impl<'de> Deserialize<'de> for Counted {
    fn deserialize<D: Deserializer<'de>>(de: D) -> Result<Self, D::Error> {
        READ.set(READ.get() + 1);
        u8::deserialize(de).map(Self)
    }
}

/// Text of a megabyte, as JSON, that takes most time to be shown: all of it is escaped.
fn long() -> String {
    format!("[\"{}\"]", "\\u0007".repeat(1_000_000 / 6))
}

#[track_caller]
fn is_short(why: &str) {
    assert_eq!(READ.replace(0), 1, "it is read once");
    assert!(why.len() <= 350, "{} bytes", why.len());
    assert!(why.contains("invalid type: string") && why.contains("expected u8"), "{why}");
}

#[tokio::test(start_paused = true)]
async fn a_long_result_of_another_type_is_an_error_of_few_words() {
    let (mut raw, peer) = Raw::connect(Router::new(), Limits::client());
    let call = peer.call::<Vec<Counted>>("m", ()).start();
    raw.receive().await;
    raw.send(&format!(r#"{{"jsonrpc":"2.0","id":1,"result":{}}}"#, long())).await;
    let Err(CallError::Decode(why)) = call.await else { panic!("it does not fit") };
    is_short(why.message());
}

#[tokio::test(start_paused = true)]
async fn a_long_item_of_another_type_is_an_error_of_few_words() {
    let (mut raw, peer) = Raw::connect(Router::new(), Limits::client());
    let items = peer.subscribe::<Vec<Counted>>("ticks", "stop", ()).start();
    raw.receive().await;
    raw.send(r#"{"jsonrpc":"2.0","id":1,"result":"s"}"#).await;
    let mut items = items.await.unwrap();
    raw.notify("ticks", &format!(r#"{{"subscription":"s","result":{}}}"#, long())).await;
    let Some(Err(StreamError::Decode(why))) = items.next().await else { panic!("it does not fit") };
    is_short(why.message());
}

/// By default a megabyte is more than is kept of reports, and is dropped before anyone reads it.
#[tokio::test(start_paused = true)]
async fn a_long_report_of_another_type_is_few_words_in_the_log() {
    let log = Log::default();
    let _guard = tracing::subscriber::set_default(log.subscriber(LevelFilter::DEBUG));
    for (window, read) in [(64 * 1024, 0), (4 << 20, 1)] {
        let mut limits = Limits::client();
        limits.stream_window = window;
        let (mut raw, peer) = Raw::connect(Router::new(), limits);
        let (tell, told) = mpsc::channel();
        let listener = move |done: Vec<Counted>| tell.send(done.len()).unwrap();
        let call = peer.call::<u8>("build", ()).on_progress(listener).start();
        raw.receive().await;
        for value in [&*long(), "[]"] {
            raw.notify("$/progress", &format!(r#"{{"token":1,"value":{value}}}"#)).await;
        }
        raw.send(r#"{"jsonrpc":"2.0","id":1,"result":1}"#).await;
        assert_eq!(call.await, Ok(1));
        assert_eq!(told.try_iter().collect::<Vec<_>>(), [0], "the next one is heard");
        assert_eq!((READ.get(), peer.stats().counters.dropped), (read, 1 - read as u64));
    }
    let text = log.text();
    let (_, why) = text.split_once("progress of another type why=").expect("it is logged");
    is_short(why.lines().next().unwrap());
}
