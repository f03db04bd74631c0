use rpc_core::service;

#[service]
trait Jobs {
    #[method(detached, stop_while_away)]
    async fn run(&self);
}

fn main() {}
