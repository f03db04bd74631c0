//! Runs under many seeds: the numbers of a seed, and what is told of the seeds that fail.
//!
//! The clock is paused and there is one thread, so a seed does nearly the same each time.

use std::fmt::Display;
use std::sync::mpsc;
use std::time::Duration;

/// How many seeds are enough where nobody waits long for one.
pub const RUNS: u64 = 150;

/// Longer than any seed takes: one that spins never ends.
const PATIENCE: Duration = Duration::from_secs(60);

/// The same numbers in every run of a seed.
#[derive(Clone)]
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        let mut random = Self(seed.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
        // Seeds that are near each other begin alike.
        for _ in 0..4 {
            let _ = random.below(2);
        }
        random
    }

    /// A number below `end`.
    pub fn below(&mut self, end: u64) -> u64 {
        // xorshift64*
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) % end
    }

    /// True once in so many times.
    pub fn once_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }

    pub fn pick<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len() as u64) as usize]
    }

    pub fn millis(&mut self, end: u64) -> Duration {
        Duration::from_micros(self.below(end * 1000))
    }

    /// Another one, which goes its own way.
    pub fn fork(&mut self) -> Self {
        Self::new(self.below(1 << 31) << 20 | self.below(1 << 20))
    }
}

/// Runs `check`, which tells what went wrong, with the plan of each of so many seeds. The environment may say
/// otherwise: `NAME_RUNS` seeds from `NAME_FIRST` on, or `NAME_SEED` alone.
///
/// # Panics
/// If something went wrong. The text names each seed that failed.
pub fn run<P, F>(name: &str, runs: u64, plan: fn(u64) -> P, check: fn(P) -> F)
where
    P: Display + 'static,
    F: Future<Output = Vec<String>> + 'static,
{
    let variable = |what| variable(&format!("{name}_{what}"));
    let seeds = match (variable("SEED"), variable("FIRST").unwrap_or(0)) {
        (Some(seed), _) => seed..seed + 1,
        (None, first) => first..first + variable("RUNS").unwrap_or(runs),
    };
    let (mut failed, mut report) = (Vec::new(), String::new());
    for seed in seeds {
        let faults = faults(move || check(plan(seed)));
        if !faults.is_empty() {
            report += &format!("\nseed {seed}: {}\n    {}", plan(seed), faults.join("\n    "));
            failed.push(seed);
        }
    }
    assert!(failed.is_empty(), "run each by `{name}_SEED=…`: {failed:?}{report}");
}

fn variable(name: &str) -> Option<u64> {
    let value = std::env::var(name).ok()?;
    Some(value.parse().unwrap_or_else(|_| panic!("`{name}` is a number, not `{value}`")))
}

/// What went wrong.
fn faults<F>(check: impl FnOnce() -> F + Send + 'static) -> Vec<String>
where
    F: Future<Output = Vec<String>>,
{
    let (tell, told) = mpsc::channel();
    let run = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .expect("a runtime needs nothing that may be missing");
        drop(tell.send(runtime.block_on(check())));
    });
    match told.recv_timeout(PATIENCE) {
        Ok(faults) => faults,
        Err(mpsc::RecvTimeoutError::Timeout) => vec![format!("no end after {PATIENCE:?}")],
        Err(mpsc::RecvTimeoutError::Disconnected) => {
            drop(run.join());
            vec!["it panicked, see above".to_owned()]
        }
    }
}
