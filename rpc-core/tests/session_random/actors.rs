//! What both ends do: one thing after the other for each actor, and all actors together.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rpc_core::{Base64, Peer};
use tokio::time::{Instant, sleep, timeout};

use super::books::{Asked, Books};
use super::plan::DEADLINE;
use super::seeds::Random;
use super::services::WorkClient;
use super::streams;

#[derive(Clone)]
pub struct Actor {
    pub peer: Peer,
    pub books: Arc<Books>,
    /// Set when no more is to be begun.
    pub is_over: Arc<AtomicBool>,
    /// The session of the server; empty at the client.
    pub session: String,
    /// The most bytes of a value that is sent.
    pub longest: u64,
}

impl Actor {
    pub fn work(&self) -> WorkClient {
        WorkClient::new(self.peer.clone())
    }

    fn goes_on(&self) -> bool {
        !self.is_over.load(Ordering::Relaxed) && !self.peer.is_closed()
    }

    /// Does one thing after the other.
    pub async fn act(self, mut random: Random) {
        while self.goes_on() {
            sleep(random.millis(150)).await;
            let mut own = random.fork();
            let step = self.step(&mut own);
            if random.once_in(6) {
                // The caller does not wait.
                let _ = timeout(random.millis(60), step).await;
            } else {
                step.await;
            }
        }
    }

    async fn step(&self, random: &mut Random) {
        let what = random.below(12);
        let began = self.books.begin(format!("{what} {}", self.session));
        match what {
            0..4 => self.echo(random).await,
            4 => self.long(random).await,
            5 => self.steps(random).await,
            6 | 7 => streams::subscribe(self, random).await,
            8 => streams::sum(self, random).await,
            9 => self.batch(random).await,
            10 => self.several(random).await,
            _ => self.twice(random).await,
        }
        drop(began);
    }

    async fn echo(&self, random: &mut Random) {
        let token = self.books.token();
        let ms = if random.once_in(3) { random.below(2000) } else { random.below(20) };
        let call = self.work().echo(token, ms);
        let (call, within) = match random.below(6) {
            0 => {
                let time = random.millis(500);
                (call.timeout(time), Some(time))
            }
            1 => (call.no_timeout(), None),
            _ => (call, Some(DEADLINE)),
        };
        let asked = Asked::new("echo", within);
        let books = self.books.clone();
        books.ask(token, asked, |answer| *answer == token, call.into_future()).await;
    }

    /// A call that may run more than once.
    async fn twice(&self, random: &mut Random) {
        let token = self.books.token();
        let call = self.work().echo(token, random.below(300)).idempotent();
        let asked = Asked { may_run_twice: true, ..Asked::new("twice", Some(DEADLINE)) };
        let books = self.books.clone();
        books.ask(token, asked, |answer| *answer == token, call.into_future()).await;
    }

    async fn long(&self, random: &mut Random) {
        let token = self.books.token();
        let length = random.below(self.longest);
        let bytes: Base64 = (0..length).map(|at| (at ^ token) as u8).collect();
        let call = self.work().long(token, bytes.clone());
        let asked = Asked::new("long", Some(DEADLINE));
        self.books.clone().ask(token, asked, |answer| *answer == bytes, call.into_future()).await;
    }

    async fn steps(&self, random: &mut Random) {
        let token = self.books.token();
        let (books, mut last) = (self.books.clone(), 0);
        let call = self.work().steps(token, 1 + random.below(20)).on_progress(move |step: u64| {
            if step <= last {
                books.fault(format!("step {step} behind {last}"));
            }
            last = step;
        });
        let asked = Asked::new("steps", Some(DEADLINE));
        let books = self.books.clone();
        books.ask(token, asked, |answer| *answer == token, call.into_future()).await;
    }

    async fn batch(&self, random: &mut Random) {
        let batch = self.peer.batch();
        let calls: Vec<_> = (0..1 + random.below(4))
            .map(|_| {
                let token = self.books.token();
                let call = batch.call::<u64>("w.echo", (token, random.below(50)));
                let asked = Asked::new("batch", Some(DEADLINE));
                let books = self.books.clone();
                let expected = move |answer: &u64| *answer == token;
                Box::pin(books.ask(token, asked, expected, call.into_future()))
            })
            .collect();
        let send = batch.send();
        let all = futures_util::future::join_all(calls);
        let _ = futures_util::future::join(send, all).await;
    }

    /// Begins some calls, and gives up one of them.
    async fn several(&self, random: &mut Random) {
        let calls = (0..2 + random.below(6)).map(|_| {
            let (actor, mut random) = (self.clone(), random.fork());
            Box::pin(async move {
                if random.once_in(3) {
                    let _ = timeout(random.clone().millis(50), actor.echo(&mut random)).await;
                } else {
                    actor.echo(&mut random).await;
                }
            })
        });
        futures_util::future::join_all(calls.collect::<Vec<_>>()).await;
    }

    /// Sends notifications with numbers, without a gap in the numbers.
    pub async fn note(self, mut random: Random) {
        let mut number = 0;
        while self.goes_on() {
            sleep(random.millis(60)).await;
            for _ in 0..=random.below(4) {
                let padding = "x".repeat(random.below(300) as usize);
                let note = self.work().note(self.session.clone(), number + 1, padding);
                if note.await.is_err() {
                    return;
                }
                number += 1;
                if self.session.is_empty() {
                    let now = Some(Instant::now());
                    self.books.write(|pages| (pages.noted, pages.noted_at) = (number, now));
                }
            }
        }
    }
}

/// How long the actors may go on when no more is to be begun.
pub const REST: Duration = Duration::from_secs(60);
