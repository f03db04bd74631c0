//! What both ends do: each actor does one thing after the other, and all actors work at once.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{join, join_all};
use rpc_core::Peer;
use tokio::time::{sleep, timeout};

use crate::books::{AtWork, Books, Event, FaultKind, Repeat};
use crate::contract::WorkClient;
use crate::random::Random;
use crate::streams;
use crate::work::End;

/// The deadline of a call.
const DEADLINE: Duration = Duration::from_secs(5);

/// The names of the steps of an actor.
const STEPS: [&str; 11] = [
    "echo",
    "echo",
    "echo",
    "idempotent echo",
    "keyed echo",
    "long",
    "steps",
    "subscribe",
    "subscribe",
    "upload",
    "batch",
];

/// One who works for an end.
#[derive(Clone)]
pub(crate) struct Actor {
    /// The other end.
    pub(crate) peer: Peer,
    pub(crate) books: Arc<Books>,
    pub(crate) end: End,
    /// The client of the connection.
    pub(crate) client: usize,
}

impl Actor {
    /// Starts some actors, and one that sends notes. They end when the books say so, or with the connection.
    pub(crate) fn spawn(self, actors: usize, mut random: Random) {
        let whom = format!("{:?} on {}", self.end, self.peer.id());
        for _ in 0..actors {
            let (random, at_work) = (random.fork(), self.books.works(whom.clone()));
            tokio::spawn(self.clone().act(random, at_work));
        }
        let at_work = self.books.works(format!("{whom}, notes"));
        tokio::spawn(self.note(random, at_work));
    }

    pub(crate) fn work(&self) -> WorkClient {
        WorkClient::new(self.peer.clone())
    }

    fn goes_on(&self) -> bool {
        !self.books.is_over() && !self.peer.is_closed()
    }

    async fn act(self, mut random: Random, at_work: AtWork) {
        while self.goes_on() {
            sleep(random.millis(40)).await;
            let mut own = random.fork();
            let step = self.step(&mut own, &at_work);
            if random.once_in(6) {
                // The caller does not wait for the end.
                let _ = timeout(random.millis(60), step).await;
            } else {
                step.await;
            }
        }
    }

    async fn step(&self, random: &mut Random, at_work: &AtWork) {
        let step = random.below(11);
        at_work.at(STEPS[step as usize]);
        match step {
            0..3 => self.echo(Repeat::Never, random).await,
            3 => self.echo(Repeat::Idempotent, random).await,
            4 => self.echo(Repeat::Keyed, random).await,
            5 => self.long(random).await,
            6 => self.steps(random).await,
            7 | 8 => streams::subscribe(self, random, at_work).await,
            9 => streams::upload(self, random).await,
            _ => self.batch(random).await,
        }
    }

    async fn echo(&self, repeat: Repeat, random: &mut Random) {
        let token = self.books.asks("echo", repeat);
        let call = self.work().echo(token, random.below(200)).timeout(DEADLINE);
        let call = match repeat {
            Repeat::Never => call,
            Repeat::Idempotent => call.idempotent(),
            Repeat::Keyed => call.idempotency_key(format!("echo-{token}")),
        };
        self.books.settle(token, token, call.into_future()).await;
    }

    async fn long(&self, random: &mut Random) {
        let text = "x".repeat(random.below(40_000) as usize);
        let token = self.books.asks("long", Repeat::Never);
        let call = self.work().long(token, text.clone()).timeout(DEADLINE);
        self.books.settle(token, text, call.into_future()).await;
    }

    /// A call with progress, of which the last report must not be missing.
    async fn steps(&self, random: &mut Random) {
        let (count, mut last) = (random.between(1, 40), 0);
        let (books, token) = (self.books.clone(), self.books.asks("steps", Repeat::Never));
        let (told, steps) = std::sync::mpsc::channel();
        let call = self.work().steps(token, count).timeout(DEADLINE).on_progress(move |step| {
            books.count(Event::Report, 1);
            if step <= last {
                let text = format!("step {step} of call {token} came behind step {last}");
                books.fault(FaultKind::Double, text);
            }
            last = step;
            // The caller may be gone.
            let _ = told.send(step);
        });
        let is_answered = self.books.settle(token, token, call.into_future()).await;
        if is_answered && steps.iter().last() != Some(count) {
            let text = format!("call {token} was answered before its last report");
            self.books.fault(FaultKind::SilentGap, text);
        }
    }

    async fn batch(&self, random: &mut Random) {
        let batch = self.peer.batch();
        let calls: Vec<_> = (0..random.between(1, 5))
            .map(|_| {
                let token = self.books.asks("batch", Repeat::Never);
                let call = batch.call::<u64>("work.echo", (token, random.below(50)));
                self.books.settle(token, token, call.timeout(DEADLINE).into_future())
            })
            .collect();
        // The fates of the calls tell all.
        let _ = join(batch.send(), join_all(calls)).await;
    }

    /// Sends notes, with the numbers from 1.
    async fn note(self, mut random: Random, _at_work: AtWork) {
        let mut number = 0;
        while self.goes_on() {
            sleep(random.millis(40)).await;
            for _ in 0..random.between(1, 4) {
                let padding = "x".repeat(random.below(300) as usize);
                if self.work().note(number + 1, &padding).await.is_err() {
                    return;
                }
                number += 1;
                self.books.write(|pages| match self.end {
                    End::Client(client) => pages.clients[client].sent = number,
                    End::Server { .. } => pages.session(self.peer.id()).sent = number,
                });
            }
        }
    }

    /// Sends the last note of a client.
    pub(crate) async fn last_note(&self) {
        let number = self.books.write(|pages| {
            pages.clients[self.client].note_down("the last note".to_owned());
            pages.clients[self.client].sent += 1;
            pages.clients[self.client].sent
        });
        if let Err(error) = self.work().note(number, "").await {
            self.books.fault(FaultKind::Stuck, format!("the last note was not sent: {error}"));
        }
    }
}
