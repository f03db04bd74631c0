//! What returns a `Streaming`, alone or in a `Result`, is a subscription, in the stub over a peer.

use rpc_core::{Call, Context, ErrorObject, Peer, Streaming, service};

mod local {
    pub type Result<T> = std::result::Result<T, rpc_core::ErrorObject>;
}

/// A type of that name without a parameter is one like any other.
mod other {
    #[derive(serde::Serialize, serde::Deserialize)]
    pub struct Streaming;
}

#[service]
trait Ticker {
    async fn plain(&self) -> Streaming<u32>;
    fn sync(&self, cx: &Context, room: &str) -> Streaming<Option<u32>>;
    async fn by_path(&self) -> rpc_core::Streaming<u32>;
    async fn given(&self) -> Result<Streaming<u32>, ErrorObject>;
    async fn of_the_crate(&self) -> rpc_core::Result<Streaming<u32>>;
    async fn of_an_alias(&self) -> local::Result<rpc_core::Streaming<u32>>;
    async fn with_body(&self) -> Streaming<u32> {
        Streaming::channel(1).1
    }
    #[cfg(any())]
    async fn gone(&self) -> Streaming<NoSuchType>;
    #[subscription]
    async fn marked(&self) -> Streaming<u32>;
    async fn r#loop(&self) -> Streaming<()>;
    async fn no_stream(&self) -> other::Streaming;
}

type Calls = (
    Call<Streaming<u32>>,
    Call<Streaming<Option<u32>>>,
    Call<Streaming<u32>>,
    Call<Streaming<u32>, ErrorObject>,
    Call<Streaming<u32>, ErrorObject>,
    Call<Streaming<u32>, ErrorObject>,
    Call<Streaming<u32>>,
    Call<Streaming<u32>>,
    Call<Streaming<()>>,
    Call<other::Streaming>,
);

fn calls(ticker: &TickerClient<Peer>) -> Calls {
    (
        ticker.plain(),
        ticker.sync("lobby"),
        ticker.by_path(),
        ticker.given(),
        ticker.of_the_crate(),
        ticker.of_an_alias(),
        ticker.with_body(),
        ticker.marked(),
        ticker.r#loop(),
        ticker.no_stream(),
    )
}
