//! The time that a client takes to send what it has kept, beside the time of the same messages sent plainly.

use std::time::{Duration, Instant};

use bench::{Checked, PileClient, Times};
use rpc_client::Client;

use crate::cut::Steady;
use crate::wire::Wire;

/// The text of a notification, in bytes.
const TEXT: usize = 8 * 1024;

/// The number of messages. With the overhead of each message they stay below the 1 MiB that a client keeps.
const MESSAGES: u64 = 120;

/// A pile of notifications on the server.
struct Pile {
    on_server: PileClient,
    text: String,
    /// The bytes that were there before.
    before: u64,
}

impl Pile {
    async fn new(client: &Client) -> Checked<Self> {
        let on_server = PileClient::new(client.peer());
        let before = on_server.height().await?;
        Ok(Self { on_server, text: "x".repeat(TEXT), before })
    }

    async fn send(&self) -> Checked {
        for _ in 0..MESSAGES {
            self.on_server.put(&self.text).await?;
        }
        Ok(())
    }

    /// Waits until all is there. Returns how long that took, for each MiB.
    async fn is_there(&mut self, began: Instant) -> Checked<Duration> {
        let height = self.on_server.height().await?;
        let took = began.elapsed();
        let bytes = MESSAGES * TEXT as u64;
        if height != self.before + bytes {
            return Err(format!("{} bytes of {bytes} have come", height - self.before).into());
        }
        self.before = height;
        Ok(took.mul_f64(f64::from(1 << 20) / bytes as f64))
    }
}

/// From the hello of the server, behind which the client sends again what it has kept.
pub(crate) async fn replayed(wire: &Wire, count: u64) -> Checked<Times> {
    let mut steady = Steady::connect(wire).await?;
    let mut pile = Pile::new(&steady.client).await?;
    let mut times = Times::default();
    for _ in 0..count {
        // Over the next link the server says what it has, so that nothing is kept.
        steady.cut(wire).await?;
        steady.resumed().await?;
        wire.set_swallows(true);
        let before = wire.swallowed();
        pile.send().await?;
        while wire.swallowed() < before + MESSAGES * TEXT as u64 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        wire.set_swallows(false);
        steady.cut(wire).await?;
        steady.resumed().await?;
        times.push(pile.is_there(wire.greeted()?).await?);
    }
    Ok(times)
}

/// Over a link that works, without a session.
pub(crate) async fn sent(wire: &Wire, count: u64) -> Checked<Times> {
    let client = Client::builder().connect(&wire.url).await?;
    let mut pile = Pile::new(&client).await?;
    let mut times = Times::default();
    for _ in 0..count {
        let began = Instant::now();
        pile.send().await?;
        times.push(pile.is_there(began).await?);
    }
    Ok(times)
}
