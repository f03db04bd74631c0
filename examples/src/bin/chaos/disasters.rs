//! What really ends sessions, and what looks like it.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use rpc_client::Client;
use rpc_core::CloseCode;
use tokio::time::{sleep, timeout};

use crate::Result;
use crate::books::{Books, Event, FaultKind};
use crate::proxy::Proxy;
use crate::random::Random;
use crate::server::{KEEP, Life};

/// The time between two disasters.
const PAUSE: Duration = Duration::from_millis(1700);

/// How long it may take until all clients have another session, however bad the network is.
const PATIENCE: Duration = Duration::from_secs(20);

#[derive(Debug, Clone, Copy)]
enum Disaster {
    /// The server stops, and another one begins.
    Restart,
    /// The server stops in the middle of everything, and another one begins.
    Crash,
    /// All clients are kicked.
    Kick,
    /// The network is away for longer than the server keeps sessions.
    Outage,
    /// The clients begin other sessions.
    Renew,
    /// The clients make other links beside those that work.
    Move,
}

const ALL: [Disaster; 6] = [
    Disaster::Restart,
    Disaster::Crash,
    Disaster::Kick,
    Disaster::Outage,
    Disaster::Renew,
    Disaster::Move,
];

/// One who brings disasters, each in its turn, in a random order.
pub(crate) struct Bringer {
    pub(crate) life: Life,
    pub(crate) lives: u64,
    pub(crate) clients: Arc<Vec<Client>>,
    pub(crate) proxy: Proxy,
    pub(crate) books: Arc<Books>,
    pub(crate) random: Random,
}

impl Bringer {
    /// Brings disasters until the books say that it is over.
    pub(crate) async fn run(mut self) -> Result<Life> {
        let mut left = Vec::new();
        loop {
            sleep(PAUSE).await;
            if self.books.is_over() {
                return Ok(self.life);
            }
            if left.is_empty() {
                left = ALL.to_vec();
            }
            let disaster = left.swap_remove(self.random.below(left.len() as u64) as usize);
            self = self.bring(disaster).await?;
        }
    }

    async fn bring(mut self, disaster: Disaster) -> Result<Self> {
        match disaster {
            Disaster::Restart => {
                self.books.count(Event::Restart, 1);
                let next = self.next_life().await?;
                let old = std::mem::replace(&mut self.life, next);
                old.shut_down(self.random.millis(500)).await;
                self.proxy.moves_to(self.life.address);
            }
            Disaster::Crash => {
                self.books.count(Event::Crash, 1);
                let next = self.next_life().await?;
                self.proxy.moves_to(next.address);
                std::mem::replace(&mut self.life, next).crash();
            }
            Disaster::Kick => {
                self.books.count(Event::Kick, 1);
                self.life.server.kick(|_| true, CloseCode::RESTARTING, "as planned");
            }
            Disaster::Outage => {
                self.books.count(Event::Outage, 1);
                self.proxy.set_out(true);
                sleep(KEEP + Duration::from_millis(300)).await;
                self.proxy.set_out(false);
            }
            Disaster::Renew => {
                self.books.count(Event::Renewal, 1);
                let renewed = join_all(self.clients.iter().map(Client::new_session));
                match timeout(PATIENCE, renewed).await {
                    Ok(renewed) if renewed.iter().all(Result::is_ok) => {}
                    other => {
                        let text = format!("clients have no other sessions: {other:?}");
                        self.books.fault(FaultKind::Stuck, text);
                    }
                }
            }
            Disaster::Move => {
                self.books.count(Event::Moved, 1);
                self.clients.iter().for_each(Client::reconnect_now);
            }
        }
        Ok(self)
    }

    async fn next_life(&mut self) -> Result<Life> {
        self.lives += 1;
        Life::begin(&self.books, self.lives, self.random.fork()).await
    }
}
