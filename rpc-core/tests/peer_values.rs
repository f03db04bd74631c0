//! What handlers keep on a connection.

use std::sync::Arc;

use rpc_core::{CloseCode, Context, ErrorObject, Router, memory};

#[derive(Debug, PartialEq)]
struct User(String);

fn server() -> Router {
    Router::new()
        .method("login", |cx: Context, (name,): (String,)| async move {
            Ok(cx.peer().set_value(User(name)).map(|before| before.0.clone()))
        })
        .method("logout", |cx: Context, (): ()| async move {
            Ok(cx.peer().take_value::<User>().is_some())
        })
        .method("whoami", |cx: Context, (): ()| async move {
            let user = cx.value::<User>().ok_or(ErrorObject::new(1, "not logged in"))?;
            Ok(user.0.clone())
        })
}

#[tokio::test(start_paused = true)]
async fn a_value_is_there_for_later_calls_of_its_connection_and_no_other() {
    let (ada, _server) = memory::pair(Router::new(), server());
    let (eve, _other) = memory::pair(Router::new(), server());
    assert_eq!(ada.call::<Option<String>>("login", ("Ada",)).await, Ok(None));
    assert_eq!(ada.call::<String>("whoami", ()).await, Ok("Ada".into()));
    assert!(eve.call::<String>("whoami", ()).await.is_err());
    assert_eq!(ada.call("login", ("Bob",)).await, Ok(Some("Ada".to_owned())));
    assert_eq!(ada.call("logout", ()).await, Ok(true));
    assert_eq!(ada.call("logout", ()).await, Ok(false));
    assert_eq!(ada.value::<User>(), None, "each end has its own");
}

/// `on_disconnect` asks whom it concerned.
#[tokio::test(start_paused = true)]
async fn a_value_lives_until_the_last_handle_is_gone() {
    let value = Arc::new(());
    let (client, server) = memory::pair(Router::new(), Router::new());
    server.set_value(value.clone());
    client.close(CloseCode::NORMAL, "");
    server.closed().await;
    assert!(server.value::<Arc<()>>().is_some());
    drop(server);
    tokio::task::yield_now().await;
    assert_eq!(Arc::strong_count(&value), 1);
}
