//! The services that the two ends offer to each other.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use rpc_core::{Base64, Context, ErrorObject, Streaming, service};
use tokio::sync::mpsc::UnboundedSender;

use crate::{chunks, items};

#[service]
pub(crate) trait Cases {
    async fn add(&self, a: i64, b: i64) -> i64;

    #[subscription]
    fn items_down(&self) -> Streaming<u64>;

    async fn items_up(&self, items: Streaming<u64>) -> Result<(), ErrorObject>;

    #[subscription]
    fn chunks_down(&self) -> Streaming<Base64>;

    async fn chunks_up(&self, chunks: Streaming<Base64>) -> Result<(), ErrorObject>;

    /// Items, or bytes of chunks.
    fn taken(&self) -> u64;

    /// Puts the caller into the group of those who hear.
    fn listen(&self, cx: &Context) -> Result<(), ErrorObject>;

    /// Has all of them hear a number.
    async fn publish(&self, cx: &Context, value: u64) -> Result<u64, ErrorObject>;
}

#[service]
pub(crate) trait Hears {
    #[notification]
    fn hear(&self, value: u64);
}

#[derive(Default)]
pub(crate) struct Service {
    taken: AtomicU64,
}

/// Where a client hears.
pub(crate) struct Heard(pub(crate) UnboundedSender<u64>);

impl Cases for Service {
    async fn add(&self, a: i64, b: i64) -> i64 {
        a.wrapping_add(b)
    }

    fn items_down(&self) -> Streaming<u64> {
        items()
    }

    async fn items_up(&self, mut items: Streaming<u64>) -> Result<(), ErrorObject> {
        while let Some(item) = items.next().await {
            item.map_err(failed)?;
            self.taken.fetch_add(1, Relaxed);
        }
        Ok(())
    }

    fn chunks_down(&self) -> Streaming<Base64> {
        chunks()
    }

    async fn chunks_up(&self, mut chunks: Streaming<Base64>) -> Result<(), ErrorObject> {
        while let Some(chunk) = chunks.next().await {
            self.taken.fetch_add(chunk.map_err(failed)?.len() as u64, Relaxed);
        }
        Ok(())
    }

    fn taken(&self) -> u64 {
        self.taken.load(Relaxed)
    }

    fn listen(&self, cx: &Context) -> Result<(), ErrorObject> {
        cx.peer().join_group("all").map_err(failed)
    }

    async fn publish(&self, cx: &Context, value: u64) -> Result<u64, ErrorObject> {
        let heard = HearsClient::new(cx.group("all")).hear(value).await;
        heard.map(|heard| heard as u64).map_err(failed)
    }
}

impl Hears for Heard {
    fn hear(&self, value: u64) {
        // Who does not listen any more has ended.
        let _ended = self.0.send(value);
    }
}

fn failed(error: impl std::error::Error) -> ErrorObject {
    ErrorObject::new(1, error.to_string())
}
