//! `#[service(dyn)]` has a trait beside it, whose `dyn` is an implementation like any other.
#![deny(warnings)]

use std::borrow::Cow;
use std::fmt::Debug;
use std::sync::Arc;

use rpc_core::{Context, ErrorObject, Service, Streaming, service};

#[service(dyn)]
pub trait Greeter: Debug {
    async fn greet(&self, name: &str, cx: &Context, how: Cow<'_, str>) -> String;
    async fn checked(&self, names: &[String]) -> Result<u32, ErrorObject>;
    async fn aliased(&self, number: u32) -> rpc_core::Result<u32>;
    fn version(&self) -> u32;
    async fn stream(&self) -> Streaming<u32>;
    #[notification]
    async fn r#loop(&self, times: &u32);
    #[cfg(any())]
    async fn gone(&self, of: NoSuchType);
    async fn with_body(&self, cx: &Context) -> u32 {
        let _ = cx;
        self.version()
    }
}

#[derive(Debug)]
struct Polite;

impl Greeter for Polite {
    async fn greet(&self, name: &str, _: &Context, how: Cow<'_, str>) -> String {
        format!("{how}, {name}")
    }
    async fn checked(&self, names: &[String]) -> Result<u32, ErrorObject> {
        // By one trait of two that are in scope.
        self.aliased(names.len() as u32 + self.version()).await
    }
    async fn aliased(&self, number: u32) -> rpc_core::Result<u32> {
        Ok(number)
    }
    fn version(&self) -> u32 {
        1
    }
    async fn stream(&self) -> Streaming<u32> {
        Streaming::channel(1).1
    }
    async fn r#loop(&self, _: &u32) {}
}

async fn calls(greeter: &dyn DynGreeter, cx: &Context) -> u32 {
    let name = String::from("Ada");
    greeter.greet(&name, cx, Cow::Borrowed(&name)).await;
    greeter.r#loop(&1).await;
    greeter.with_body(cx).await
}

#[test]
fn an_implementation_may_be_behind_a_dyn() {
    let greeter: Arc<dyn DynGreeter> = Arc::new(Polite);
    let server = GreeterServer::shared(greeter);
    assert_eq!(server.clone().methods().len(), GreeterServer::new(Polite).methods().len());
    let _ = calls;
}
