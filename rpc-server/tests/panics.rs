//! Panics that a peer can cause are told seldom, all others as ever. In a process of its own, since it has one hook.

mod support;

use std::panic;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use rpc_client::Client;
use rpc_core::{CallError, Context, service, set_panic_hook};
use rpc_server::{Connecting, Server};
use support::{HANDSHAKE, Raw, soon, spawn};
use tracing_subscriber::filter::LevelFilter;

#[service]
trait Panics {
    fn here(&self);
    #[method(spawn)]
    async fn spawned(&self);
    #[method(detached)]
    async fn detached(&self);
    #[method(blocking)]
    fn blocking(&self);
    async fn afterwards(&self, cx: &Context);
}

struct Panicking;

impl Panics for Panicking {
    fn here(&self) {
        panic!("in the connection's task")
    }
    async fn spawned(&self) {
        panic!("in a task of its own")
    }
    async fn detached(&self) {
        panic!("in a task that stays")
    }
    fn blocking(&self) {
        panic!("on a thread of its own")
    }
    async fn afterwards(&self, cx: &Context) {
        cx.after_response(async { panic!("after the answer") });
    }
}

static PRINTED: AtomicUsize = AtomicUsize::new(0);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_panics_is_a_line_each() {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let writer = lines.clone();
    tracing_subscriber::fmt()
        .with_max_level(LevelFilter::ERROR)
        .with_writer(move || Lines(writer.clone()))
        .init();
    panic::set_hook(Box::new(|_| _ = PRINTED.fetch_add(1, Ordering::SeqCst)));
    set_panic_hook();

    let builder = Server::builder().service(PanicsServer::new(Panicking));
    let server = spawn(builder.on_connect(|connecting: Connecting| async move {
        assert!(connecting.header("x-panic").is_none(), "in a hook");
        Ok(())
    }))
    .await;
    let client = Client::builder().connect(server.url()).await.unwrap();
    for _ in 0..100 {
        for method in ["here", "spawned", "detached", "blocking"] {
            let failed = soon(client.peer().call::<()>(method, ())).await.unwrap_err();
            assert!(matches!(&failed, CallError::Remote(error) if error.code == -32603));
        }
        soon(client.peer().call::<()>("afterwards", ())).await.unwrap();
        let mut raw = Raw::connect(&server).await;
        raw.send(HANDSHAKE.replacen("Host", "X-Panic: 1\r\nHost", 1)).await;
        assert!(raw.rest().await.starts_with("HTTP/1.1 500 "));
    }
    let all = ["in the connection's task", "in a task of its own", "in a task that stays"];
    let all = all.into_iter().chain(["on a thread of its own", "after the answer", "in a hook"]);
    let said = || String::from_utf8(lines.lock().unwrap().clone()).unwrap();
    support::until(|| said().contains("after the answer")).await;
    for text in all {
        assert_eq!(said().matches(text).count(), 1, "{text}: {}", said());
    }
    assert_eq!(said().lines().count(), 6, "{}", said());
    assert_eq!(PRINTED.load(Ordering::SeqCst), 0);

    // What is nobody's call is told as it was before.
    let elsewhere = tokio::spawn(async { panic!("of the program itself") });
    assert!(elsewhere.await.is_err());
    assert_eq!(PRINTED.load(Ordering::SeqCst), 1);
}

struct Lines(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
