//! Methods that outlive their connection.

use rpc_core::{Context, Service, service};

#[service]
trait Jobs {
    #[method(detached)]
    async fn run(&self, cx: &Context, name: &str) -> Result<String, rpc_core::ErrorObject>;
    #[method(detached, ordered, timeout = "1h")]
    async fn all(&self);
    #[notification(detached)]
    async fn tidy(&self);
}

struct None;

impl Jobs for None {
    async fn run(&self, cx: &Context, name: &str) -> Result<String, rpc_core::ErrorObject> {
        Ok(format!("{} {name}", cx.method()))
    }
    async fn all(&self) {}
    async fn tidy(&self) {}
}

fn main() {
    let server = JobsServer::new(None);
    assert!(server.methods().iter().all(|method| method.flags.detached));
}
