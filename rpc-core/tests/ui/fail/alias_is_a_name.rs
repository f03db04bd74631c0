use rpc_core::service;

#[service(namespace = "chat")]
trait Chat {
    #[method(aliases = ["chat.leave"])]
    async fn join(&self);
    async fn leave(&self);
}

fn main() {}
