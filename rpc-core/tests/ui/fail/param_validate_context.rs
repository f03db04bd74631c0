use rpc_core::{Context, service};

#[service]
trait Chat {
    async fn join(&self, #[param(validate)] cx: &Context);
}

fn main() {}
