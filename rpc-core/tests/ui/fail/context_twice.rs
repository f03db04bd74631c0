use rpc_core::{Context, service};

#[service]
trait Chat {
    async fn join(&self, cx: &Context, again: &Context);
}

fn main() {}
