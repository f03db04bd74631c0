use rpc_core::service;

#[service(rename_all = "camel")]
trait Chat {
    async fn join(&self);
}

fn main() {}
