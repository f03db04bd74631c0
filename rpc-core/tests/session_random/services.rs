//! What both ends offer, and write into the books when they do it.

use std::sync::Arc;
use std::time::Duration;

use rpc_core::{Context, ErrorObject, Progress, Streaming, service};
use tokio::time::sleep;

use super::books::{Books, Token};

#[service(namespace = "w")]
pub trait Work {
    async fn echo(&self, token: Token, ms: u64) -> Token;
    async fn long(&self, token: Token, text: String) -> String;
    async fn steps(&self, token: Token, count: u64, progress: Progress<u64>) -> Token;
    /// Counts the items, which must be the numbers from 0.
    async fn sum(&self, token: Token, items: Streaming<u64>) -> Result<u64, ErrorObject>;
    /// Gives the numbers from 0.
    #[subscription]
    async fn items(&self, count: u64, ms: u64) -> Streaming<u64>;
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

    async fn long(&self, token: Token, text: String) -> String {
        self.books.runs(token);
        text
    }

    async fn steps(&self, token: Token, count: u64, progress: Progress<u64>) -> Token {
        self.books.runs(token);
        for step in 1..=count {
            progress.report(&step);
            sleep(Duration::from_millis(20)).await;
        }
        token
    }

    async fn sum(&self, token: Token, mut items: Streaming<u64>) -> Result<u64, ErrorObject> {
        self.books.runs(token);
        let mut count = 0;
        while let Some(item) = items.next().await {
            let item = item.map_err(|error| ErrorObject::new(77, error.to_string()))?;
            if item != count {
                self.books.fault(format!("sum {token} took {item} instead of {count}"));
            }
            count = item + 1;
        }
        Ok(count)
    }

    async fn items(&self, count: u64, ms: u64) -> Streaming<u64> {
        let (sender, stream) = Streaming::channel(2);
        tokio::spawn(async move {
            for item in 0..count {
                if sender.send(item).await.is_err() {
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
