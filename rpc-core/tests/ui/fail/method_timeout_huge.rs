use rpc_core::service;

#[service]
trait Chat {
    #[method(timeout = "99999999999999999h")]
    async fn join(&self);
}

fn main() {}
