//! A method that the other end may lack.

use rpc_core::{CallError, Context, ErrorObject, Router, RpcError, memory, service};

#[service(namespace = "chat")]
trait Chat {
    /// Older servers do not have it.
    #[method(optional)]
    async fn who_is(&self, user: &str) -> Result<Option<u8>, Unknown>;
    #[method(optional, idempotent, timeout = "2s")]
    async fn touch(&self);
    async fn version(&self) -> u8;
}

#[derive(Debug, PartialEq, thiserror::Error, RpcError)]
#[error("unknown")]
#[rpc(code = 1)]
struct Unknown;

struct Rooms;

impl Chat for Rooms {
    async fn who_is(&self, user: &str) -> Result<Option<u8>, Unknown> {
        match user {
            "Ada" => Ok(Some(7)),
            "Bob" => Ok(None),
            _ => Err(Unknown),
        }
    }
    async fn touch(&self) {}
    async fn version(&self) -> u8 {
        1
    }
}

fn client(served: Router) -> ChatClient {
    ChatClient::new(memory::pair(Router::new(), served).0)
}

#[tokio::test]
async fn what_the_method_returns_is_some_even_if_that_is_nothing() {
    let chat = client(Router::new().service(ChatServer::new(Rooms)));
    assert_eq!(chat.who_is("Ada").await, Ok(Some(Some(7))));
    assert_eq!(chat.who_is("Bob").await, Ok(Some(None)));
    assert_eq!(chat.who_is("Eve").await, Err(CallError::Method(Unknown)));
    assert_eq!(chat.touch().await, Ok(Some(())));
}

#[tokio::test]
async fn a_method_that_is_missing_is_none_only_if_it_may_be() {
    let chat = client(Router::new());
    assert_eq!((chat.who_is("Ada").await, chat.touch().await), (Ok(None), Ok(None)));
    assert!(matches!(chat.version().await, Err(CallError::Remote(error)) if error.code == -32601));
}

#[tokio::test]
async fn other_errors_stay_errors() {
    let refuses = |_: Context, (): ()| async { Err::<(), _>(ErrorObject::new(-32013, "no")) };
    let chat = client(Router::new().method("chat.touch", refuses));
    assert!(matches!(chat.touch().await, Err(CallError::Remote(error)) if error.code == -32013));
}

#[tokio::test]
async fn in_a_batch_the_same_holds() {
    let (peer, _) = memory::pair(Router::new(), Router::new());
    let batch = peer.batch();
    let touched = ChatClient::new(&batch).touch();
    batch.send().await.unwrap();
    assert_eq!(touched.await, Ok(None));
}

#[test]
fn the_table_says_so() {
    let optional = ChatClient::METHODS.iter().map(|method| method.flags.optional);
    assert!(optional.eq([true, true, false]));
}
