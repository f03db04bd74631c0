use rpc_core::{Progress, service};

#[service]
trait Agent {
    async fn build(&self, #[param(flatten)] progress: Progress<u8>);
}

fn main() {}
