use rpc_core::service;

#[service]
trait Chat {
    #[method(detached, spawn)]
    async fn render(&self) -> String;
}

fn main() {}
