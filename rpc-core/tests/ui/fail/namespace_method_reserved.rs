use rpc_core::service;

#[service(namespace = "$", separator = "/")]
trait Traces {
    #[notification]
    async fn set_trace(&self);
    async fn ping(&self);
}

fn main() {}
