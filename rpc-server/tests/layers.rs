//! Layers around a server, a client, and one connection of a server.

mod support;

use std::sync::{Arc, Mutex};

use rpc_client::Client;
use rpc_core::layers::{
    Authorize, CallFuture, CallNext, CallRequest, Layer, ServeNext, ServeRequest,
};
use rpc_core::types::Handler;
use rpc_core::{CallError, Context, Router};
use rpc_server::{Connecting, Rejection, Server};
use support::spawn;

/// Tells what goes through, and which way.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

impl Layer for Log {
    fn serve(&self, call: ServeRequest<'_>, next: ServeNext<'_>) -> Handler {
        self.0.lock().unwrap().push(format!("serves {}", call.method().name));
        next.serve(call)
    }

    fn call(&self, request: CallRequest, next: CallNext) -> CallFuture {
        self.0.lock().unwrap().push(format!("calls {}", request.method()));
        next.call(request)
    }
}

#[tokio::test]
async fn a_layer_of_a_server_or_a_client_is_around_all_that_it_serves_and_calls() {
    let (there, here) = (Log::default(), Log::default());
    let greet = Router::new().method("greet", |cx: Context, (): ()| async move {
        Ok(cx.peer().call::<String>("your_name", ()).await?)
    });
    let server = spawn(Server::builder().service(greet).layer(there.clone())).await;
    let me = Router::new().method("your_name", |_: Context, (): ()| async { Ok("Ada") });
    let client =
        Client::builder().service(me).layer(here.clone()).connect(&server.url()).await.unwrap();
    assert_eq!(client.peer().call::<String>("greet", ()).await.unwrap(), "Ada");
    assert_eq!(there.take(), ["serves greet", "calls your_name"]);
    assert_eq!(here.take(), ["calls greet", "serves your_name"]);
}

#[tokio::test]
async fn on_connect_may_put_a_layer_around_its_connection() {
    let log = Log::default();
    let told = log.clone();
    let secret = Router::new().method("secret", |_: Context, (): ()| async { Ok(7) });
    let builder = Server::builder().service(secret).on_connect(move |connecting: Connecting| {
        let log = told.clone();
        async move {
            if connecting.header("x-user").is_none() {
                connecting.layer(log);
                drop(connecting.peer().call::<()>("early", ()).start());
                connecting.layer(Authorize::new(|_, _| false));
            }
            Ok::<_, Rejection>(())
        }
    });
    let server = spawn(builder).await;
    let ada = Client::builder().header("x-user", "Ada").connect(&server.url()).await.unwrap();
    let anyone = Client::builder().connect(&server.url()).await.unwrap();
    assert_eq!(ada.peer().call::<u8>("secret", ()).await, Ok(7));
    let Err(CallError::Remote(denied)) = anyone.peer().call::<u8>("secret", ()).await else {
        panic!("it may not")
    };
    assert_eq!(denied.code, -32013);
    assert_eq!(log.take(), ["calls early", "serves secret"]);
}

/// Who keeps it keeps no connection.
#[tokio::test]
async fn a_layer_that_comes_after_the_hook_is_around_nothing() {
    let kept = Arc::new(Mutex::new(None));
    let keeps = kept.clone();
    let free = Router::new().method("free", |_: Context, (): ()| async { Ok(7) });
    let builder = Server::builder().service(free).on_connect(move |connecting: Connecting| {
        *keeps.lock().unwrap() = Some(connecting);
        async { Ok::<_, Rejection>(()) }
    });
    let server = spawn(builder).await;
    let client = Client::builder().connect(&server.url()).await.unwrap();
    let connecting = kept.lock().unwrap().take().unwrap();
    connecting.layer(Authorize::new(|_, _| false));
    assert_eq!(client.peer().call::<u8>("free", ()).await, Ok(7));
}
