//! Implementations behind a `dyn`, where a server is told at run time which one it is.

use std::sync::Arc;

use rpc_core::{CallError, Context, ErrorObject, Router, Streaming, memory, service};

#[service(namespace = "greeter", dyn)]
trait Greeter {
    async fn greet(&self, cx: &Context, name: &str) -> Result<String, ErrorObject>;
    fn version(&self) -> u32;
    async fn letters(&self, name: &str) -> Streaming<char>;
}

struct Polite;

impl Greeter for Polite {
    async fn greet(&self, cx: &Context, name: &str) -> Result<String, ErrorObject> {
        tokio::task::yield_now().await;
        Ok(format!("{} {name}", cx.method()))
    }
    fn version(&self) -> u32 {
        1
    }
    async fn letters(&self, name: &str) -> Streaming<char> {
        Streaming::new(futures_util::stream::iter(name.chars().collect::<Vec<_>>()))
    }
}

struct Rude;

impl Greeter for Rude {
    async fn greet(&self, _: &Context, _: &str) -> Result<String, ErrorObject> {
        Err(ErrorObject::new(1, "no"))
    }
    fn version(&self) -> u32 {
        2
    }
    async fn letters(&self, _: &str) -> Streaming<char> {
        Streaming::new(futures_util::stream::empty())
    }
}

fn connect(greeter: Arc<dyn DynGreeter>) -> GreeterClient {
    let (peer, _) = memory::pair(Router::new(), GreeterServer::shared(greeter));
    GreeterClient::new(peer)
}

#[tokio::test(start_paused = true)]
async fn a_server_may_learn_at_run_time_what_it_serves() {
    let [polite, rude]: [Arc<dyn DynGreeter>; 2] = [Arc::new(Polite), Arc::new(Rude)];
    let (polite, rude) = (connect(polite), connect(rude));
    assert_eq!(polite.greet("Ada").await, Ok("greeter.greet Ada".to_owned()));
    assert_eq!(rude.greet("Ada").await, Err(CallError::Method(ErrorObject::new(1, "no"))));
    assert_eq!((polite.version().await, rude.version().await), (Ok(1), Ok(2)));
    let mut letters = polite.letters("Ada").await.unwrap();
    assert_eq!(letters.next().await, Some(Ok('A')));
}
