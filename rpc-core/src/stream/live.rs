//! A value that many watch.

use std::fmt;

use serde::Serialize;

use super::view::{View, Viewer};
use super::{Source, Streaming};
use crate::error::rpc_error::RpcError;
use crate::util::sync::Arc;

mod change;
mod changes;
mod published;
mod shared;
mod throttle;
mod watch;

pub use change::{Change, JsonPatch};
pub(super) use changes::LiveItems;
pub use watch::Watch;

use changes::Changes;
use shared::{Publisher, Shared};

/// A value that many watch: the state of a job, who is present, the rows of a dashboard.
///
/// The publisher changes the value in place. A handler of a subscription returns [`subscribe`](Self::subscribe). Each
/// watcher first gets the value, and then changes: what differs as a JSON Patch, or the whole value if that is shorter.
/// The value is serialised once for all watchers, when the first of them is ready for it. A watcher that is slow skips
/// to the newest value: what it has missed is merged into one change. The caller makes a [`Watch`] of the stream.
///
/// The publisher keeps the JSON text of the value, changes of no more bytes than that, and at most eight items for
/// watchers, none of which is longer than the value.
///
/// Clones publish the same value. When the last clone is dropped, the streams of the watchers end, after the latest
/// value.
///
/// A break of the link is bridged by the session. If a session was not resumed, a client that reconnects subscribes
/// anew, and its watch goes on with the value of that moment.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use std::collections::BTreeMap;
///
/// use rpc_core::{Change, Live, Router, Streaming, memory, service};
///
/// type Stock = BTreeMap<String, u32>;
///
/// #[service]
/// trait Shop {
///     async fn stock(&self) -> Streaming<Change<Stock>>;
/// }
/// struct Store {
///     stock: Live<Stock>,
/// }
/// impl Shop for Store {
///     async fn stock(&self) -> Streaming<Change<Stock>> {
///         self.stock.subscribe()
///     }
/// }
///
/// let stock = Live::new(Stock::from([("hats".into(), 3)]));
/// let (peer, _) = memory::pair(Router::new(), ShopServer::new(Store { stock: stock.clone() }));
/// let mut seen = ShopClient::new(peer).stock().await?.watch();
/// assert_eq!(seen.next().await, Some(Ok(Stock::from([("hats".into(), 3)]))));
///
/// stock.update(|stock| *stock.entry("hats".into()).or_default() -= 1);
/// assert_eq!(seen.next().await, Some(Ok(Stock::from([("hats".into(), 2)]))));
/// # Ok(()) }
/// ```
pub struct Live<T> {
    publisher: Arc<Publisher<T>>,
}

impl<T> Live<T> {
    /// Creates a live value without watchers.
    pub fn new(value: T) -> Self {
        Self { publisher: Arc::new(Publisher(Arc::new(Shared::new(value)))) }
    }

    /// Changes the value, and returns what `change` returns. Never waits for a watcher.
    ///
    /// `change` runs under a lock: while it runs, no watcher and no other clone reads the value. `change` must not use
    /// this live value. If it panics, the watchers get the value as it is then.
    pub fn update<R>(&self, change: impl FnOnce(&mut T) -> R) -> R {
        let shared = &self.publisher.0;
        // Also if `change` panics.
        let _noted = NoteChange(shared);
        change(&mut shared.lock().value)
    }

    /// Replaces the value, and returns the old value.
    pub fn set(&self, value: T) -> T {
        self.update(|present| std::mem::replace(present, value))
    }

    /// Reads the value. `read` must not use this live value.
    pub fn read<R>(&self, read: impl FnOnce(&T) -> R) -> R {
        read(&self.publisher.0.lock().value)
    }

    /// Returns the number of watchers.
    pub fn watchers(&self) -> usize {
        self.publisher.0.watchers.len()
    }

    /// Ends the streams of all watchers, after the latest value, as if the last handle were dropped. Later changes reach nobody.
    pub fn close(&self) {
        self.publisher.0.finish(Ok(()));
    }

    /// Ends the streams of all watchers with an error, after the latest value. Does nothing if the value has failed
    /// before. Later changes reach nobody.
    pub fn fail<F: RpcError>(&self, error: F) {
        self.publisher.0.finish(Err(error.to_error_object()));
    }
}

impl<T: Serialize + Send + 'static> Live<T> {
    /// Returns a stream of the value and its changes. The stream has no [`lag`](Streaming::lag): nothing is lost, since
    /// changes are merged.
    ///
    /// If the value cannot be written as JSON, the stream ends with an error (-32603), and the log has the reason.
    pub fn subscribe<E>(&self) -> Streaming<Change<T>, E> {
        self.changes(None)
    }

    /// Returns a stream of what `view` lets the watcher see of the value, after each change.
    ///
    /// `view` runs under the lock of the value, in the task of the watcher's connection. All watchers that see
    /// [all](View::All) share what was serialised once; a [part](View::Part) is serialised and compared for each
    /// watcher. While the value is [hidden](View::Hidden), nothing is sent, and the watcher keeps what it saw last: to
    /// take that away, show a part that is empty.
    ///
    /// ```
    /// use std::collections::BTreeMap;
    ///
    /// use rpc_core::{Change, Live, Streaming, View};
    ///
    /// type Accounts = BTreeMap<String, i64>;
    ///
    /// let accounts = Live::new(Accounts::new());
    /// let own = |user: String| -> Streaming<Change<Accounts>> {
    ///     accounts.subscribe_as(move |accounts: &Accounts| {
    ///         View::Part(accounts.get_key_value(&user).map(|(name, sum)| (name.clone(), *sum)).into_iter().collect())
    ///     })
    /// };
    /// # drop(own("Ada".into()));
    /// ```
    pub fn subscribe_as<E>(
        &self,
        view: impl FnMut(&T) -> View<T> + Send + 'static,
    ) -> Streaming<Change<T>, E> {
        self.changes(Some(Box::new(view)))
    }

    fn changes<E>(&self, view: Option<Viewer<T>>) -> Streaming<Change<T>, E> {
        let changes = Changes::new(self.publisher.0.clone(), view);
        Streaming::of(Source::Live(Box::new(changes)))
    }
}

/// Notes a change when it is dropped.
struct NoteChange<'a, T>(&'a Shared<T>);

impl<T> Drop for NoteChange<'_, T> {
    fn drop(&mut self) {
        self.0.note_change();
    }
}

impl<T> Clone for Live<T> {
    fn clone(&self) -> Self {
        Self { publisher: self.publisher.clone() }
    }
}

impl<T: Default> Default for Live<T> {
    fn default() -> Self {
        Self::new(T::default())
    }
}

impl<T> fmt::Debug for Live<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Live").field("watchers", &self.watchers()).finish_non_exhaustive()
    }
}
