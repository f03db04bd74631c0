//! Streams without end, of which a while is measured.

use std::cell::Cell;
use std::pin::pin;
use std::time::Duration;

use futures_util::future::{Either, select};
use tokio::time::sleep;

use crate::measured::Running;
use crate::{CHUNK, Checked, Ends, Measured, Peer};

/// Checks and counts the pieces that a client has taken in.
#[derive(Debug, Default)]
pub struct Taken {
    /// The number that must come next; any may be the first.
    next: Cell<Option<u64>>,
    total: Cell<u64>,
}

impl Taken {
    /// Counts a number, which must be one more than the last one.
    ///
    /// # Errors
    /// The number is not the next one.
    pub fn item(&self, item: u64) -> Checked {
        if let Some(next) = self.next.get().filter(|&next| next != item) {
            return Err(format!("{item} came instead of {next}").into());
        }
        self.next.set(Some(item + 1));
        self.total.set(self.total.get() + 1);
        Ok(())
    }

    /// Counts the bytes of a chunk.
    ///
    /// # Errors
    /// The chunk is too short or too long.
    pub fn chunk(&self, length: usize) -> Checked {
        if length != CHUNK {
            return Err(format!("a chunk of {length} bytes").into());
        }
        self.bytes(length);
        Ok(())
    }

    /// Counts bytes that come without bounds between chunks.
    pub fn bytes(&self, length: usize) {
        self.total.set(self.total.get() + length as u64);
    }

    pub(crate) fn total(&self) -> u64 {
        self.total.get()
    }

    /// Whether the number before this one has come.
    pub(crate) fn is_at(&self, next: u64) -> bool {
        self.next.get() == Some(next)
    }
}

/// Measures a stream of the server. The first number of the case is the warm-up in milliseconds.
pub(crate) async fn down<P: Peer>(
    ends: &Ends<'_>,
    stream: impl AsyncFn(&P, &Taken) -> Checked,
) -> Checked<Measured> {
    let peer = P::connect(ends.address).await?;
    let taken = Taken::default();
    let measured = measure(ends, async || Ok(taken.total()));
    whichever(stream(&peer, &taken), measured).await
}

/// Measures a stream of this client. The server counts the pieces.
pub(crate) async fn up<P: Peer>(
    ends: &Ends<'_>,
    stream: impl AsyncFn(&P) -> Checked,
) -> Checked<Measured> {
    let peer = P::connect(ends.address).await?;
    let measured = measure(ends, async || peer.taken().await);
    whichever(stream(&peer), measured).await
}

async fn measure(ends: &Ends<'_>, total: impl AsyncFn() -> Checked<u64>) -> Checked<Measured> {
    let [before, during] = ends.numbers.map(Duration::from_millis);
    sleep(before).await;
    let begin = total().await?;
    let running = Running::begin(ends)?;
    sleep(during).await;
    let end = total().await?;
    running.end(end - begin)
}

/// The stream has no end of its own: if it ends nevertheless, that is why nothing was measured.
async fn whichever(
    stream: impl Future<Output = Checked>,
    measured: impl Future<Output = Checked<Measured>>,
) -> Checked<Measured> {
    let ended = async {
        match stream.await {
            Ok(()) => Err("a stream has ended".into()),
            Err(error) => Err(error),
        }
    };
    // What is measured comes first: a stream that is always ready uses up the runtime's budget of a poll.
    match select(pin!(measured), pin!(ended)).await {
        Either::Left((measured, _)) => measured,
        Either::Right((ended, _)) => ended,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_in_order_from_any_on() {
        let taken = Taken::default();
        taken.item(7).unwrap();
        taken.item(8).unwrap();
        assert!(taken.item(8).is_err());
        assert!(taken.item(10).is_err());
        assert!(taken.is_at(9));
        assert_eq!(taken.total(), 2);
    }

    #[test]
    fn a_chunk_is_whole() {
        let taken = Taken::default();
        taken.chunk(CHUNK).unwrap();
        assert!(taken.chunk(CHUNK - 1).is_err());
        assert_eq!(taken.total(), CHUNK as u64);
    }
}
