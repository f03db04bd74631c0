//! Streams, from both their ends: a source whose items count up, and a taker that counts along.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::{Arc, Mutex};
use std::task::{Poll, Waker};
use std::time::Duration;

use futures_util::{Stream, StreamExt, stream};
use rpc_core::{ErrorObject, Lag, StreamError, Streaming};
use serde::{Deserialize, Serialize};

use super::books::{Books, Flow, ON_PURPOSE, Source, Taker, Token};
use super::seeds::Random;

/// The number of an item, and something that makes it longer.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Item(pub u64, pub String);

/// What a stream is like.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Shape {
    pub flow: Token,
    pub count: u64,
    pub fails: bool,
    pub pace: Pace,
    pub lag: Option<bool>,
}

/// How the items of a source come.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub enum Pace {
    AtOnce,
    /// So many milliseconds apart, by a timer.
    Timed(u64),
    /// By a channel that another task fills.
    Channel,
    /// When the [bells](Bells) ring.
    Rung,
    /// None comes, nor an end: whoever has enough leaves.
    Never,
}

impl Shape {
    pub fn of(random: &mut Random, flow: Token, lossy: bool) -> Self {
        Self {
            flow,
            count: random.pick(&[0, 1, 2, 5, 12, 40]),
            fails: random.once_in(4),
            pace: random.pick(&[
                Pace::AtOnce,
                Pace::AtOnce,
                Pace::Timed(1),
                Pace::Channel,
                Pace::Rung,
            ]),
            lag: (lossy && random.once_in(3)).then(|| random.once_in(2)),
        }
    }

    /// Makes the stream.
    pub fn stream(self, books: &Arc<Books>, what: &'static str, counted: bool) -> Streaming<Item> {
        books.write(|pages| {
            let flow = pages.flows.entry(self.flow).or_default();
            (flow.what, flow.lossy, flow.counted) = (what, self.lag.is_some(), counted);
        });
        let made = Made { books: books.clone(), flow: self.flow };
        let streaming = match self.pace {
            Pace::AtOnce => Streaming::try_new(self.items(made)),
            Pace::Timed(ms) => Streaming::try_new(self.items(made).then(move |item| async move {
                tokio::time::sleep(Duration::from_millis(ms)).await;
                item
            })),
            Pace::Channel => self.channel(made),
            Pace::Rung => {
                let bells = books.clone();
                Streaming::try_new(self.items(made).then(move |item| {
                    let bells = bells.clone();
                    async move { bells.bells.wait(item).await }
                }))
            }
            Pace::Never => {
                let never = stream::pending::<Item>().map(move |item| {
                    let _ = &made;
                    item
                });
                Streaming::new(never)
            }
        };
        match self.lag {
            None => streaming,
            Some(true) => streaming.lag(Lag::DropOldest, 2),
            Some(false) => streaming.lag(Lag::DropNewest, 2),
        }
    }

    /// All items, and after them how it ends.
    fn items(&self, made: Made) -> impl Stream<Item = Result<Item, ErrorObject>> + Send + use<> {
        let (count, fails) = (self.count, self.fails);
        stream::unfold((0, made), move |(number, made)| async move {
            if number < count {
                made.one();
                let item = Item(number, "x".repeat((number * 37 % 120) as usize));
                return Some((Ok(item), (number + 1, made)));
            }
            let is_last = number == count && fails;
            made.end(if fails { Source::Failed } else { Source::Done });
            let error = ErrorObject::new(ON_PURPOSE, "the source failed");
            is_last.then(|| (Err(error), (number + 1, made)))
        })
    }

    fn channel(&self, made: Made) -> Streaming<Item> {
        let (sender, stream) = Streaming::channel(1);
        let mut items = Box::pin(self.items(made));
        tokio::spawn(async move {
            while let Some(item) = items.next().await {
                match item {
                    Ok(item) => {
                        if sender.send(item).await.is_err() {
                            return;
                        }
                    }
                    Err(error) => return sender.fail(error),
                }
                tokio::task::yield_now().await;
            }
        });
        stream
    }
}

/// Whom to wake, as a broadcast or a timer keeps it: they ring for streams that are gone as well, in whose
/// places others are by then.
#[derive(Default)]
pub struct Bells(Mutex<VecDeque<Waker>>);

impl Bells {
    /// Gives `item` when it was rung.
    fn wait<T>(&self, item: T) -> impl Future<Output = T> + use<'_, T> {
        let (mut item, mut asked) = (Some(item), false);
        poll_fn(move |cx| {
            if std::mem::replace(&mut asked, true) {
                return Poll::Ready(item.take().expect("it is ready once"));
            }
            let mut wakers = self.0.lock().unwrap();
            wakers.push_back(cx.waker().clone());
            if wakers.len() > 30 {
                wakers.pop_front();
            }
            Poll::Pending
        })
    }

    fn ring(&self) {
        let wakers = self.0.lock().unwrap().clone();
        wakers.iter().for_each(Waker::wake_by_ref);
    }

    /// Rings now and then.
    pub async fn ring_on(books: Arc<Books>, mut random: Random) {
        loop {
            tokio::time::sleep(random.millis(5)).await;
            books.bells.ring();
        }
    }
}

/// A source, as the books see it.
struct Made {
    books: Arc<Books>,
    flow: Token,
}

impl Made {
    fn change(&self, change: impl FnOnce(&mut Flow)) {
        self.books.write(|pages| change(pages.flows.entry(self.flow).or_default()));
    }

    fn one(&self) {
        self.change(|flow| flow.made += 1);
    }

    fn end(&self, how: Source) {
        self.change(|flow| {
            if flow.source == Source::Open {
                flow.source = how;
            }
        });
    }
}

impl Drop for Made {
    fn drop(&mut self) {
        self.end(Source::Dropped);
    }
}

/// Takes a stream as `random` says: to its end, slowly, or not all of it.
pub async fn take(
    books: Arc<Books>,
    flow: Token,
    mut stream: Streaming<Item>,
    mut random: Random,
) -> u64 {
    let mut taking = Taking { books, flow, ended: false };
    taking.end(Taker::Waits, false);
    let leaves_after = random.once_in(4).then(|| random.below(10));
    let is_slow = random.once_in(3);
    let mut got = 0;
    loop {
        if leaves_after.is_some_and(|after| got >= after) {
            taking.end(Taker::Left, true);
            return got;
        }
        if is_slow {
            tokio::time::sleep(random.millis(4)).await;
        }
        // Of one that is told no end nothing more may come.
        let next = tokio::time::timeout(Duration::from_secs(5), stream.next());
        let next = if taking.is_counted() { Ok(stream.next().await) } else { next.await };
        let Ok(next) = next else {
            taking.end(Taker::Left, true);
            return got;
        };
        match next {
            Some(Ok(Item(number, _))) => {
                taking.item(number);
                got += 1;
            }
            Some(Err(StreamError::Gap { missed })) => taking.gap(missed),
            Some(Err(error)) => {
                taking.error(error);
                if let Some(more) = stream.next().await {
                    taking.fault(format!("{more:?} after its end"));
                }
                return got;
            }
            None => {
                taking.end(Taker::Done, true);
                return got;
            }
        }
    }
}

/// Someone who takes a stream, as the books see it.
struct Taking {
    books: Arc<Books>,
    flow: Token,
    ended: bool,
}

impl Taking {
    fn change<R>(&self, change: impl FnOnce(&mut Flow) -> R) -> R {
        self.books.write(|pages| change(pages.flows.entry(self.flow).or_default()))
    }

    fn is_counted(&self) -> bool {
        self.books.read(|pages| pages.flows.get(&self.flow).is_none_or(|flow| flow.counted))
    }

    fn fault(&self, what: String) {
        let what = self.change(|flow| format!("stream {}: {what}: {flow:?}", self.flow));
        self.books.fault(what);
    }

    fn item(&self, number: u64) {
        let (known, is_told) = self.change(|flow| {
            let known = flow.known;
            flow.known = number + 1;
            (known, flow.counted || !flow.lossy)
        });
        if known > number || (known < number && is_told) {
            self.fault(format!("item {number} where {known} was due"));
        }
    }

    fn gap(&self, missed: u64) {
        let is_due = self.change(|flow| {
            flow.known += missed;
            flow.missed += missed;
            flow.lossy || !flow.counted
        });
        if !is_due || missed == 0 {
            self.fault(format!("a gap of {missed}"));
        }
    }

    fn error(&mut self, error: StreamError) {
        let how = match error {
            StreamError::Remote(error) if error.code == ON_PURPOSE => Taker::Failed,
            StreamError::Cancelled => Taker::Cancelled,
            StreamError::Closed { .. } => Taker::Closed,
            other => {
                self.fault(format!("{other:?}"));
                Taker::Left
            }
        };
        self.end(how, true);
    }

    fn end(&mut self, how: Taker, ended: bool) {
        self.ended = ended;
        self.change(|flow| flow.taker = how);
    }
}

impl Drop for Taking {
    fn drop(&mut self) {
        if !self.ended {
            self.change(|flow| flow.taker = Taker::Left);
        }
    }
}
