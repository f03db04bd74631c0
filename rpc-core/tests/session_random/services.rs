//! What both ends offer, and write into the books when they do it.

use std::sync::Arc;
use std::time::Duration;

use rpc_core::{Base64, Context, ErrorObject, Progress, Streaming, service};
use tokio::time::sleep;

use super::books::{Books, Token};

/// An item of a stream: its number, and bytes that go beside the text of some items.
pub type Item = (u64, Base64);

/// Returns the item with this number. Some items have bytes of this length.
pub fn item(number: u64, length: u64) -> Item {
    let length = if number % 8 == 5 { length } else { 0 };
    (number, (0..length).map(|at| (at ^ number) as u8).collect())
}

#[service(namespace = "w")]
pub trait Work {
    async fn echo(&self, token: Token, ms: u64) -> Token;
    async fn long(&self, token: Token, bytes: Base64) -> Base64;
    async fn steps(&self, token: Token, count: u64, progress: Progress<u64>) -> Token;
    /// Counts the items, whose numbers must be those from 0.
    async fn sum(
        &self,
        token: Token,
        length: u64,
        items: Streaming<Item>,
    ) -> Result<u64, ErrorObject>;
    /// Gives the items from number 0 on.
    #[subscription]
    async fn items(&self, count: u64, length: u64, ms: u64) -> Streaming<Item>;
    /// `session` is the sender's, if it is the server.
    #[notification]
    async fn note(&self, cx: &Context, session: String, number: u64, padding: String);
    #[notification]
    async fn pushed(&self, number: u64);
}

pub struct Works {
    pub books: Arc<Books>,
    pub is_server: bool,
}

impl Work for Works {
    async fn echo(&self, token: Token, ms: u64) -> Token {
        self.books.runs(token);
        sleep(Duration::from_millis(ms)).await;
        token
    }

    async fn long(&self, token: Token, bytes: Base64) -> Base64 {
        self.books.runs(token);
        bytes
    }

    async fn steps(&self, token: Token, count: u64, progress: Progress<u64>) -> Token {
        self.books.runs(token);
        for step in 1..=count {
            progress.report(&step);
            sleep(Duration::from_millis(20)).await;
        }
        token
    }

    async fn sum(
        &self,
        token: Token,
        length: u64,
        mut items: Streaming<Item>,
    ) -> Result<u64, ErrorObject> {
        self.books.runs(token);
        let mut count = 0;
        while let Some(next) = items.next().await {
            let next = next.map_err(|error| ErrorObject::new(77, error.to_string()))?;
            if next != item(count, length) {
                self.books.fault(format!("sum {token} took {next:?} instead of {count}"));
            }
            count = next.0 + 1;
        }
        Ok(count)
    }

    async fn items(&self, count: u64, length: u64, ms: u64) -> Streaming<Item> {
        let (sender, stream) = Streaming::channel(2);
        tokio::spawn(async move {
            for number in 0..count {
                if sender.send(item(number, length)).await.is_err() {
                    return;
                }
                sleep(Duration::from_millis(ms)).await;
            }
        });
        stream
    }

    async fn note(&self, cx: &Context, session: String, number: u64, padding: String) {
        let _ = padding;
        let session = if self.is_server { cx.peer().id().to_owned() } else { session };
        let from_client = self.is_server;
        let key = (session, from_client);
        self.books.write(|pages| pages.heard.entry(key).or_default().push(number));
    }

    async fn pushed(&self, number: u64) {
        self.books.write(|pages| pages.pushed.push(number));
    }
}
