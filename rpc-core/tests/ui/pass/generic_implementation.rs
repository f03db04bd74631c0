//! An implementation may be generic; its trait may not.

use std::fmt::Display;

use rpc_core::service;

#[service]
trait Greeter {
    async fn greet(&self) -> String;
}

struct Named<T>(T);

impl<T: Display + Send + Sync + 'static> Greeter for Named<T> {
    async fn greet(&self) -> String {
        format!("hello, {}", self.0)
    }
}

#[test]
fn an_implementation_may_be_generic() {
    let _ = GreeterServer::new(Named("Ada")).clone();
    let _ = GreeterServer::shared(std::sync::Arc::new(Named(7)));
}
