//! A progress may stand anywhere, is not in the stub, and gives the call its type.

use rpc_core::{Batch, Call, Context, ErrorObject, Progress, Streaming, service};

#[service(dyn)]
pub trait Builder {
    fn begin(&self, progress: Progress<(u8, u8)>);
    async fn build(
        &self,
        progress: rpc_core::Progress<u32>,
        cx: &Context,
        token: &str,
        #[param(rename = "percent")] value: u8,
    ) -> Result<u64, ErrorObject>;
    async fn watch(&self, progress: Progress<u32>) -> Streaming<String>;
    #[method(spawn, timeout = "2s")]
    async fn both(&self, chunks: Streaming<String>, progress: Progress<String>) -> u64;
}

fn typed(builder: &BuilderClient) -> Call<u64, ErrorObject, u32> {
    builder.build("a", 1).on_progress(|step| assert!(step < 10))
}

fn batched(batch: &Batch) -> Call<u64, ErrorObject, u32> {
    BuilderClient::new(batch).build("a", 1)
}

fn main() {
    let _ = (typed, batched);
}
