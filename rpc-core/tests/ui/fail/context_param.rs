use rpc_core::{Context, service};

#[service]
trait Chat {
    async fn join(&self, #[param(rename = "context")] cx: &Context);
}

fn main() {}
