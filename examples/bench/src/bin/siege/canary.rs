//! A client that makes small calls at an even pace, in a thread of its own.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use bench::Checked;
use rpc_client::Client;
use tokio::runtime::Builder;
use tokio::time::{MissedTickBehavior, interval};

/// Longer than a call may take: they are made one after the other, so late ones would make others late.
const PACE: Duration = Duration::from_millis(20);

/// The latencies of half, and of 99 of a hundred calls.
pub(crate) struct Latency {
    p50: Duration,
    pub(crate) p99: Duration,
}

pub(crate) struct Canary {
    taken: Arc<Mutex<Vec<Duration>>>,
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Checked<()>>,
}

impl Canary {
    pub(crate) fn start(url: &str) -> Checked<Self> {
        let (taken, stop) = (Arc::<Mutex<Vec<_>>>::default(), Arc::<AtomicBool>::default());
        let (url, all, stopped) = (url.to_owned(), taken.clone(), stop.clone());
        let thread = std::thread::spawn(move || {
            Builder::new_current_thread().enable_all().build()?.block_on(async {
                let client = Client::builder().connect(&url).await?;
                let mut pace = interval(PACE);
                pace.set_missed_tick_behavior(MissedTickBehavior::Burst);
                while !stopped.load(Ordering::Relaxed) {
                    // From when it was due: who is kept waiting makes fewer calls, which are to count all the same.
                    let due: Instant = pace.tick().await.into_std();
                    let sum: i64 = client.peer().call("add", (1, 2)).await?;
                    assert_eq!(sum, 3);
                    all.lock().unwrap().push(due.elapsed());
                }
                Ok(())
            })
        });
        Ok(Self { taken, stop, thread })
    }

    /// The latency since this was asked last.
    pub(crate) fn take(&self) -> Checked<Latency> {
        let mut all = std::mem::take(&mut *self.taken.lock().unwrap());
        all.sort_unstable();
        let at = |part: usize| all.get(all.len() * part / 100).copied();
        let (p50, p99) = at(50).zip(at(99)).ok_or("no call of the canary was answered")?;
        Ok(Latency { p50, p99 })
    }

    pub(crate) fn end(self) -> Checked<()> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().expect("its sums are right")
    }
}

impl fmt::Display for Latency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = |time: Duration| time.as_secs_f64() * 1000.0;
        f.pad(&format!("{:.2} {:.2}", ms(self.p50), ms(self.p99)))
    }
}
