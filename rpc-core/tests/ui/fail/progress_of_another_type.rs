use rpc_core::{Progress, service};

#[service]
trait Builder {
    async fn build(&self, progress: Progress<u32>);
}

fn listen(builder: BuilderClient) {
    drop(builder.build().on_progress(|progress: String| drop(progress)));
}

fn main() {}
