//! What both ends offer, and write into the books when they do it.

use std::sync::{Arc, Weak};
use std::time::Duration;

use futures_util::StreamExt;
use rpc_core::{Context, ErrorObject, Progress, RpcError, Streaming, service};

use super::books::{Books, Token};
use super::ends::World;
use super::flows::{self, Item, Shape};
use super::seeds::Random;
use super::steps;

/// The error that is the method's own; its code is [`ON_PURPOSE`](super::books::ON_PURPOSE).
#[derive(Debug, Clone, PartialEq, thiserror::Error, RpcError)]
pub enum Refusal {
    #[error("on purpose")]
    #[rpc(code = 77)]
    OnPurpose,
}

#[service(namespace = "w")]
pub trait Work {
    /// At once.
    fn quick(&self, token: Token) -> Token;
    async fn nap(&self, token: Token, ms: u64) -> Token;
    async fn refuse(&self, token: Token) -> Result<Token, Refusal>;
    /// Of so many bytes, which may be more than may be sent.
    async fn big(&self, token: Token, bytes: usize) -> String;
    /// Calls back, in some way, so many levels deep.
    async fn nest(&self, cx: &Context, token: Token, depth: u64, seed: u64) -> Token;
    async fn steps(&self, token: Token, count: u64, progress: Progress<u64>) -> Token;
    /// Under a key.
    async fn pay(&self, token: Token, ms: u64) -> Token;
    #[notification]
    async fn note(&self, token: Token, ms: u64);
    #[subscription(unsubscribe = "w.stop_items")]
    async fn items(&self, token: Token, shape: Shape) -> Streaming<Item>;
    /// Takes all, or not all, of a stream.
    async fn sum(&self, token: Token, flow: Token, seed: u64, items: Streaming<Item>) -> Token;
    /// Answers at once, and gives the stream to a task.
    async fn leave(&self, token: Token, flow: Token, seed: u64, items: Streaming<Item>) -> Token;
    /// Gives back what comes.
    async fn echo(&self, token: Token, back: Token, items: Streaming<Item>) -> Streaming<Item>;
}

pub fn of(world: &Arc<World>) -> WorkServer<Works> {
    WorkServer::new(Works { world: Arc::downgrade(world), books: world.books.clone() })
}

pub struct Works {
    world: Weak<World>,
    books: Arc<Books>,
}

impl Works {
    async fn after(&self, token: Token, ms: u64) -> Token {
        let run = self.books.runs(token);
        tokio::time::sleep(Duration::from_millis(ms)).await;
        run.ends();
        token
    }

    fn counted(&self) -> bool {
        self.world.upgrade().is_some_and(|world| world.negotiated)
    }
}

impl Work for Works {
    fn quick(&self, token: Token) -> Token {
        self.books.runs(token).ends();
        token
    }

    async fn nap(&self, token: Token, ms: u64) -> Token {
        self.after(token, ms).await
    }

    async fn refuse(&self, token: Token) -> Result<Token, Refusal> {
        self.books.runs(token).ends();
        Err(Refusal::OnPurpose)
    }

    async fn big(&self, token: Token, bytes: usize) -> String {
        self.books.runs(token).ends();
        "x".repeat(bytes)
    }

    async fn nest(&self, cx: &Context, token: Token, depth: u64, seed: u64) -> Token {
        let run = self.books.runs(token);
        if let Some(world) = self.world.upgrade().filter(|_| depth > 0) {
            steps::nested(&world, cx.peer(), depth - 1, &mut Random::new(seed)).await;
        }
        run.ends();
        token
    }

    async fn steps(&self, token: Token, count: u64, progress: Progress<u64>) -> Token {
        let run = self.books.runs(token);
        for step in 0..count {
            progress.report(&step);
            if step % 3 == 2 {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        }
        run.ends();
        token
    }

    async fn pay(&self, token: Token, ms: u64) -> Token {
        self.after(token, ms).await
    }

    async fn note(&self, token: Token, ms: u64) {
        self.after(token, ms).await;
    }

    async fn items(&self, token: Token, shape: Shape) -> Streaming<Item> {
        let run = self.books.runs(token);
        let stream = shape.stream(&self.books, "items", self.counted());
        run.ends();
        stream
    }

    async fn sum(&self, token: Token, flow: Token, seed: u64, items: Streaming<Item>) -> Token {
        let run = self.books.runs(token);
        flows::take(self.books.clone(), flow, items, Random::new(seed)).await;
        run.ends();
        token
    }

    async fn leave(&self, token: Token, flow: Token, seed: u64, items: Streaming<Item>) -> Token {
        let run = self.books.runs(token);
        if let Some(world) = self.world.upgrade() {
            let books = self.books.clone();
            world.spawn(async move {
                flows::take(books, flow, items, Random::new(seed)).await;
            });
        }
        run.ends();
        token
    }

    async fn echo(&self, token: Token, back: Token, items: Streaming<Item>) -> Streaming<Item> {
        let run = self.books.runs(token);
        let items = items.map(|item| item.map_err(|error| ErrorObject::new(77, error.to_string())));
        let counted = self.counted();
        self.books.write(|pages| {
            let flow = pages.flows.entry(back).or_default();
            (flow.what, flow.counted, flow.passes_on) = ("back", counted, true);
        });
        run.ends();
        Streaming::try_new(items)
    }
}
