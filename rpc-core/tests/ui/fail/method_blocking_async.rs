use rpc_core::service;

#[service]
trait Chat {
    #[method(blocking)]
    async fn render(&self) -> String;
}

fn main() {}
