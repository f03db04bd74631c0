//! A stream may stand among the params of whatever is answered, by whatever path its type is named.

use rpc_core::{Call, Context, Streaming, service};

#[service(namespace = "files", by_name, dyn)]
pub trait Files {
    /// Alone, and not async.
    fn begin(&self, chunks: Streaming<String>);
    /// Beside others, wherever they stand.
    async fn upload(
        &self,
        name: &str,
        #[param(rename = "data")] chunks: rpc_core::Streaming<Vec<u8>>,
        cx: &Context,
        size: Option<u64>,
    ) -> Result<u64, rpc_core::ErrorObject>;
    /// And one comes back.
    async fn pipe(&self, streams: Streaming<String>, call: Streaming<u8>) -> Streaming<String>;
    #[method(spawn, timeout = "2s")]
    async fn spawned(&self, chunks: Streaming<String>) -> u64;
}

fn stub(files: FilesClient, chunks: Streaming<Vec<u8>>) -> Call<u64, rpc_core::ErrorObject> {
    files.upload("a", chunks, None)
}

fn main() {
    let _ = stub;
}
