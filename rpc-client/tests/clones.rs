//! One builder makes many clients.

use rpc_client::{Client, ConnectError};
use rpc_core::{CallError, Context, ErrorCode, Router};
use rpc_server::Server;

fn named(name: &'static str) -> Router {
    Router::new().method(name, move |_: Context, (): ()| async move { Ok(name) })
}

#[tokio::test]
async fn clones_share_their_services_and_add_their_own() {
    // Asks the client which of three methods it has.
    let ask = |cx: Context, (): ()| async move {
        let mut found = String::new();
        for name in ["a", "b", "c"] {
            match cx.peer().call::<String>(name, ()).await {
                Ok(answer) => found.push_str(&answer),
                Err(CallError::Remote(error)) => {
                    assert_eq!(error.code, ErrorCode::METHOD_NOT_FOUND);
                }
                Err(error) => panic!("{error}"),
            }
        }
        Ok(found)
    };
    let server = Server::builder().service(Router::new().method("ask", ask));
    let server = server.bind("127.0.0.1:0").await.unwrap().spawn();

    let base = Client::builder().service(named("a")).header("x-tenant", "blue");
    let (with_b, with_c) = (base.clone().service(named("b")), base.clone().service(named("c")));
    let twice = base.clone().service(named("a"));
    for (builder, expected) in [(base.clone(), "a"), (with_b, "ab"), (with_c, "ac"), (base, "a")] {
        let client = builder.connect(server.url()).await.unwrap();
        assert_eq!(client.peer().call::<String>("ask", ()).await.unwrap(), expected);
    }
    let error = twice.connect(server.url()).await.unwrap_err();
    assert_eq!(error.to_string(), "not every method can be offered: `a` is offered twice");
}

#[tokio::test]
async fn a_mistake_is_told_by_every_clone() {
    let builder = Client::builder().header("host", "a").header("x-good", "good");
    for builder in [builder.clone(), builder] {
        let error = builder.connect("ws://127.0.0.1:1").await.unwrap_err();
        assert!(matches!(error, ConnectError::Header(_)), "{error}");
    }
}
