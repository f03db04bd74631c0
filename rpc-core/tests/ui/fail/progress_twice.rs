use rpc_core::{Progress, service};

#[service]
trait Builder {
    async fn build(&self, one: Progress<u32>, other: Progress<u32>);
}

fn main() {}
