//! A thousand cuts: streams and requests end anywhere, and nothing is lost or done twice.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::StreamExt;
use rpc_client::{Client, Fallback};
use rpc_core::{Context, Limits, Router, Streaming};
use rpc_server::Server;

use crate::proxy::Proxy;
use crate::support::{limits, soon, spawn};

const CUTS: u64 = 1000;

/// Which calls have run, and what was notified, in order.
#[derive(Default)]
struct Book {
    calls: Mutex<Vec<u64>>,
    notes: Mutex<Vec<u64>>,
}

fn service(book: &Arc<Book>) -> Router {
    let (of_call, of_note) = (book.clone(), book.clone());
    Router::new()
        .method("call", move |cx: Context, (number,): (u64,)| {
            of_call.calls.lock().unwrap().push(number);
            async move { Ok(cx.peer().call::<u64>("back", (number,)).await.unwrap_or(0)) }
        })
        .notification("note", move |_: Context, (number,): (u64,)| {
            of_note.notes.lock().unwrap().push(number);
            async {}
        })
        .subscription("ticks", "unsubscribe_ticks", |_: Context, (): ()| async {
            let ticks = futures_util::stream::iter(0_u64..).then(|tick| async move {
                tokio::time::sleep(Duration::from_micros(500)).await;
                tick
            });
            Ok(Streaming::new(ticks))
        })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_or_done_twice_by_a_thousand_cuts() {
    let book = Arc::<Book>::default();
    let long = Duration::from_secs(60);
    let server =
        Server::builder().service(service(&book)).sse(true).limits(limits(|l| l.mend = long));
    let server = spawn(server).await;
    let proxy = Proxy::start(&server).await;
    let mut of_client = Limits::client();
    of_client.mend = long;
    let answered = Arc::<AtomicU64>::default();
    let counted = answered.clone();
    let back = Router::new().method("back", move |_: Context, (number,): (u64,)| {
        counted.fetch_add(1, Ordering::Relaxed);
        async move { Ok(number + 1) }
    });
    let client = Client::builder().service(back).limits(of_client).fallback(Fallback::Always);
    let client = soon(client.connect(proxy.url())).await.unwrap();
    let peer = client.peer();
    let mut ticks = peer.subscribe::<u64>("ticks", "unsubscribe_ticks", ()).await.unwrap();
    let ticking = tokio::spawn(async move {
        for expected in 0_u64.. {
            match ticks.next().await {
                Some(Ok(tick)) => assert_eq!(tick, expected),
                Some(Err(error)) => panic!("{error}"),
                None => return expected,
            }
        }
        0
    });
    proxy.cut();
    proxy.cut_after(300..8300);
    let mut number = 0;
    while proxy.cuts() < CUTS {
        let calls = (number..number + 10).map(|number| {
            let (peer, call) = (peer.clone(), peer.call::<u64>("call", (number,)).no_timeout());
            async move {
                let note = peer.notify("note", (number,));
                let result = call.await;
                note.await.unwrap();
                (number, result)
            }
        });
        for (number, result) in futures_util::future::join_all(calls).await {
            assert_eq!(result.unwrap(), number + 1);
        }
        number += 10;
    }
    assert_eq!(answered.load(Ordering::Relaxed), number, "each call back ran once");
    proxy.cut_after(0..0);
    proxy.cut();
    assert_eq!(soon(peer.call::<u64>("call", (number,)).into_future()).await.unwrap(), number + 1);
    assert_eq!(server.stats().connections, 1, "it is the first link");
    let mut calls = book.calls.lock().unwrap().clone();
    calls.sort_unstable();
    assert_eq!(calls, (0..=number).collect::<Vec<_>>(), "each call ran once");
    let mut notes = book.notes.lock().unwrap().clone();
    notes.sort_unstable();
    assert_eq!(notes, (0..number).collect::<Vec<_>>(), "each notification arrived once");
    soon(client.close()).await;
    assert!(soon(ticking).await.unwrap_or(1) > 0);
}
