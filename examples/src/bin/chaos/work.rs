//! The services: they do what they are asked for, and write it into the books.

use std::sync::Arc;
use std::time::Duration;

use futures_util::stream;
use rpc_core::{Context, ErrorObject, Progress, Streaming};
use tokio::time::sleep;

use crate::books::Books;
use crate::contract::{Member, Token, Work};

/// Who offers the services.
#[derive(Debug, Clone)]
pub(crate) enum End {
    /// The server, with the number of its process.
    Server { life: u64 },
    /// The client with this number.
    Client(usize),
}

#[derive(Clone)]
pub(crate) struct Worker {
    pub(crate) books: Arc<Books>,
    pub(crate) end: End,
}

impl Worker {
    fn begins(&self, token: Token) {
        self.books.begins(token);
    }

    /// The handler of the call has come to its end.
    fn ends(&self, token: Token) {
        let life = match self.end {
            End::Server { life } => life,
            End::Client(_) => 0,
        };
        self.books.ends(token, life);
    }
}

impl Work for Worker {
    async fn echo(&self, token: Token, ms: u64) -> Token {
        self.begins(token);
        sleep(Duration::from_millis(ms)).await;
        self.ends(token);
        token
    }

    async fn long(&self, token: Token, text: String) -> String {
        self.begins(token);
        self.ends(token);
        text
    }

    async fn steps(&self, token: Token, count: u64, progress: Progress<u64>) -> Token {
        self.begins(token);
        for step in 1..=count {
            progress.report(&step);
            sleep(Duration::from_millis(5)).await;
        }
        self.ends(token);
        token
    }

    async fn sum(&self, token: Token, mut items: Streaming<u64>) -> Result<u64, ErrorObject> {
        self.begins(token);
        let mut count = 0;
        while let Some(item) = items.next().await {
            let item = item.map_err(|error| ErrorObject::new(77, error.to_string()))?;
            self.books.item(item, count, "an item of an upload");
            count = item + 1;
        }
        self.ends(token);
        Ok(count)
    }

    async fn count(&self, up_to: u64, ms: u64) -> Streaming<u64> {
        Streaming::new(stream::unfold(0, move |next| async move {
            sleep(Duration::from_millis(ms)).await;
            (next < up_to).then_some((next, next + 1))
        }))
    }

    async fn note(&self, cx: &Context, number: u64, _padding: &str) {
        match self.end {
            End::Server { .. } => self.books.heard_client(cx.peer().id(), number),
            End::Client(client) => self.books.heard_server(client, number),
        }
    }
}

impl Member for Worker {
    async fn begun(&self, session: &str) {
        if let End::Client(client) = self.end {
            self.books.begun(client, session);
        }
    }

    async fn pushed(&self, number: u64) {
        if let End::Client(client) = self.end {
            self.books.pushed(client, number);
        }
    }
}
