use rpc_core::service;

#[service]
trait Chat
where
    Self: Clone,
{
    async fn join(&self);
}

fn main() {}
