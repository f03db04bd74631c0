use rpc_core::service;

#[service]
trait Chat {
    #[method(rename = "enter")]
    async fn join(&self);
}

fn main() {}
