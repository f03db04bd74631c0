//! News for whoever listens.

use futures_util::{Stream, stream};
use rpc_core::{ErrorCode, ErrorObject, Result};
use tokio::sync::broadcast::{self, error::RecvError};

/// What is published here is heard by all who listen, from then on.
pub(crate) struct Feed<T>(broadcast::Sender<T>);

impl<T: Clone> Default for Feed<T> {
    fn default() -> Self {
        Self(broadcast::Sender::new(1000))
    }
}

impl<T: Clone + Send + 'static> Feed<T> {
    pub(crate) fn publish(&self, news: T) {
        // An error says that nobody listens.
        let _ = self.0.send(news);
    }

    /// All news from now on. Who is too slow for them hears that, and no more.
    pub(crate) fn listen(&self) -> impl Stream<Item = Result<T>> + Send + 'static {
        stream::unfold(self.0.subscribe(), |mut news| async move {
            match news.recv().await {
                Ok(item) => Some((Ok(item), news)),
                Err(RecvError::Lagged(missed)) => Some((Err(too_slow(missed)), news)),
                Err(RecvError::Closed) => None,
            }
        })
    }
}

fn too_slow(missed: u64) -> ErrorObject {
    ErrorObject::new(ErrorCode::INTERNAL, format!("too slow: {missed} are missing"))
}
