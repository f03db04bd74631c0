use rpc_core::{Progress, service};

#[service]
trait Builder {
    #[notification]
    async fn build(&self, progress: Progress<u32>);
}

fn main() {}
