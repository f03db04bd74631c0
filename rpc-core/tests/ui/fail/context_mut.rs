use rpc_core::{Context, service};

#[service]
trait Chat {
    async fn join(&self, cx: &mut Context);
}

fn main() {}
