//! A handler that passes on the failure of a call as an error of its own: `from_call` of `RpcError`.

mod support;

use std::error::Error;

use rpc_core::{
    CallError, CloseCode, Context, ErrorCode, ErrorObject, Fate, Peer, Router, RpcError, memory,
    service,
};
use serde::{Deserialize, Serialize};
use support::log::Log;
use tracing_subscriber::filter::LevelFilter;

/// What the handlers call.
#[service(namespace = "stock")]
trait Stock {
    async fn take(&self, count: u32) -> Result<u32, StockError>;
    async fn order(&self) -> Result<u32, ShopError>;
    async fn count(&self) -> u32;
}

#[derive(Debug, Clone, PartialEq, thiserror::Error, Serialize, Deserialize, RpcError)]
enum StockError {
    #[error("only {left} left")]
    #[rpc(code = 1)]
    Few { left: u32 },
}

/// The error of handlers that tell their callers what has happened.
#[derive(Debug, PartialEq, thiserror::Error, RpcError)]
enum ShopError {
    #[error("closed")]
    #[rpc(code = 10)]
    Closed,
    #[error(transparent)]
    #[rpc(code = 11)]
    Stock(#[from] StockError),
    #[error("the stock does not answer")]
    #[rpc(code = 12, from_call)]
    Upstream,
}

/// The error of handlers that tell nothing.
#[derive(Debug, thiserror::Error, RpcError)]
enum QuietError {
    #[error("no")]
    #[rpc(code = 20)]
    No,
    #[error("a call has failed")]
    #[rpc(from_call)]
    Call(#[source] CallError),
}

struct Shelf;

impl Stock for Shelf {
    async fn take(&self, count: u32) -> Result<u32, StockError> {
        if count > 3 { Err(StockError::Few { left: 3 }) } else { Ok(count) }
    }

    async fn order(&self) -> Result<u32, ShopError> {
        Err(ShopError::Closed)
    }

    async fn count(&self) -> u32 {
        3
    }
}

#[service(namespace = "shop")]
trait Shop {
    async fn buy(&self, cx: &Context, count: u32) -> Result<u32, ShopError>;
    async fn order(&self, cx: &Context) -> Result<u32, ShopError>;
    async fn count(&self, cx: &Context) -> Result<u32, ShopError>;
    async fn hush(&self, cx: &Context, count: u32) -> Result<u32, ShopError>;
    async fn quiet(&self, cx: &Context, is_open: bool) -> Result<u32, QuietError>;
}

struct Counter;

impl Shop for Counter {
    async fn buy(&self, cx: &Context, count: u32) -> Result<u32, ShopError> {
        Ok(StockClient::new(cx.peer()).take(count).await?)
    }

    async fn order(&self, cx: &Context) -> Result<u32, ShopError> {
        Ok(StockClient::new(cx.peer()).order().await?)
    }

    async fn count(&self, cx: &Context) -> Result<u32, ShopError> {
        Ok(StockClient::new(cx.peer()).count().await?)
    }

    async fn hush(&self, cx: &Context, count: u32) -> Result<u32, ShopError> {
        let stock = StockClient::new(cx.peer());
        Ok(stock.take(count).await.map_err(CallError::untyped)?)
    }

    async fn quiet(&self, cx: &Context, is_open: bool) -> Result<u32, QuietError> {
        if !is_open {
            return Err(QuietError::No);
        }
        Ok(cx.peer().call("stock.nowhere", ()).await?)
    }
}

/// The log of this thread, on which all of it runs; the caller, and the shop as it sees the caller.
fn shop(stock: Router) -> (ShopClient, Peer) {
    let (peer, other) = memory::pair(stock, ShopServer::new(Counter));
    (ShopClient::new(peer), other)
}

fn open() -> (ShopClient, Peer) {
    shop(Router::new().service(StockServer::new(Shelf)))
}

fn logged() -> (Log, tracing::subscriber::DefaultGuard) {
    let log = Log::default();
    let guard = tracing::subscriber::set_default(log.subscriber(LevelFilter::TRACE));
    (log, guard)
}

#[tokio::test]
async fn the_error_of_the_called_method_is_the_handlers_own_or_becomes_it() {
    let (log, _guard) = logged();
    let (shop, _) = open();
    assert_eq!(shop.buy(2).await, Ok(2));
    assert_eq!(shop.order().await, Err(CallError::Method(ShopError::Closed)));
    let few = StockError::Few { left: 3 };
    assert_eq!(shop.buy(7).await, Err(CallError::Method(ShopError::Stock(few))));
    assert_eq!(shop.count().await, Ok(3));
    assert!(!log.text().contains("has failed"), "its caller was told: {}", log.text());
}

#[tokio::test]
async fn any_other_failure_becomes_the_marked_variant_and_the_log_has_the_cause() {
    let (log, _guard) = logged();
    let (shop, _) = shop(Router::new());
    for result in [shop.buy(1).await, shop.order().await, shop.count().await] {
        assert_eq!(result, Err(CallError::Method(ShopError::Upstream)));
    }
    let log = log.text();
    let line = log.lines().find(|line| line.contains(r#"method="shop.buy""#)).unwrap();
    assert!(line.contains("a call that the handler made has failed"), "{line}");
    assert!(line.contains("no method `stock.take` (code -32601)"), "{line}");
}

#[tokio::test]
async fn a_handler_need_not_pass_on_the_errors_of_what_it_calls() {
    let (log, _guard) = logged();
    let (shop, _) = open();
    assert_eq!(shop.hush(7).await, Err(CallError::Method(ShopError::Upstream)));
    assert!(log.text().contains("only 3 left (code 1)"), "{}", log.text());
}

#[tokio::test]
async fn a_variant_without_a_code_tells_its_caller_nothing() {
    let (log, _guard) = logged();
    let (shop, _) = open();
    let error = shop.quiet(true).await.unwrap_err();
    let CallError::Remote(error) = error else { panic!("{error:?}") };
    assert_eq!(error, ErrorObject::internal());
    assert!(log.text().contains("no method `stock.nowhere`"), "{}", log.text());
    let error = shop.quiet(false).await.unwrap_err();
    assert!(matches!(error, CallError::Method(QuietError::No)), "{error:?}");

    // It is no error of its own to the other end, whatever that sends.
    assert_eq!(QuietError::CODES.len(), 1);
    assert!(QuietError::from_error_object(&ErrorObject::internal()).is_none());
    let kept = QuietError::from(CallError::<ShopError>::Busy.untyped());
    assert_eq!(kept.source().unwrap().to_string(), "busy: not executed");
}

impl From<ShopError> for QuietError {
    fn from(_: ShopError) -> Self {
        Self::No
    }
}

/// What does not fit repeats what it was: a password, perhaps.
#[tokio::test]
async fn the_log_does_not_repeat_params_that_were_refused() {
    let (log, _guard) = logged();
    let stock = Router::new().method("stock.nowhere", |_: Context, (): ()| async move {
        Err::<u32, _>(ErrorObject::invalid_params(
            "parameter `key`: invalid type: string \"s3cret\"",
        ))
    });
    let (shop, _) = shop(stock);
    assert!(shop.quiet(true).await.is_err());
    let text = log.text();
    assert!(text.contains("(code -32602)") && !text.contains("s3cret"), "{text}");
}

#[test]
fn a_failure_is_taken_apart_and_put_together_again() {
    let few = || CallError::Method(StockError::Few { left: 3 });
    assert_eq!(few().into_method(), Ok(StockError::Few { left: 3 }));
    assert_eq!(few().untyped().typed::<StockError>(), few());
    assert_eq!(few().map_method(|StockError::Few { left }| left), CallError::Method(3));
    let others = [
        CallError::Remote(ErrorObject::new(ErrorCode::METHOD_NOT_FOUND, "no method")),
        CallError::Timeout { fate: Fate::NotSent, heard: None },
        CallError::Unanswered { why: "it left it out".into(), fate: Fate::MaybeExecuted },
        CallError::Cancelled { fate: Fate::MaybeExecuted },
        CallError::Busy,
        CallError::Encode("too long".into()),
        CallError::Decode("no number".into()),
    ];
    for rest in others {
        let typed: CallError<StockError> = rest.clone().typed();
        assert_eq!(typed.clone().untyped(), rest);
        assert_eq!(typed.clone().into_method(), Err(rest.clone()));
        assert_eq!(typed.map_method(|_| ()).into_method(), Err(rest));
    }
}

#[tokio::test]
async fn a_call_by_name_may_have_the_typed_error_of_its_method() {
    let (peer, other) = memory::pair(Router::new(), StockServer::new(Shelf));
    let call = peer.call::<u32>("stock.take", (7,)).await;
    let error = call.map_err(CallError::typed::<StockError>).unwrap_err();
    assert_eq!(error, CallError::Method(StockError::Few { left: 3 }));
    other.close(CloseCode::NORMAL, "");
}
