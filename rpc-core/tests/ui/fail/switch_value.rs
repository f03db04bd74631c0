use rpc_core::service;

#[service(empty_params = "no")]
trait Chat {
    #[method(allow_unknown("x"))]
    async fn join(&self);
}

fn main() {}
