//! The time that the processor has spent in two processes.

use std::fs;

use bench::Checked;

/// Microseconds of the processor.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Spent {
    pub(crate) server: f64,
    pub(crate) client: f64,
}

impl Spent {
    /// Reads the clocks of the server and of this process.
    pub(crate) fn now(server: u32) -> Checked<Self> {
        Ok(Self { server: of(&server.to_string())?, client: of("self")? })
    }

    pub(crate) fn since(self, before: Self) -> Self {
        Self { server: self.server - before.server, client: self.client - before.client }
    }

    pub(crate) fn for_each_of(self, count: usize) -> Self {
        Self { server: self.server / count as f64, client: self.client / count as f64 }
    }

    /// Returns the median of each.
    pub(crate) fn median(all: &[Self]) -> Self {
        let median = |of: fn(&Self) -> f64| {
            let mut sorted: Vec<f64> = all.iter().map(of).collect();
            sorted.sort_by(f64::total_cmp);
            sorted.get(sorted.len() / 2).copied().unwrap_or_default()
        };
        Self { server: median(|spent| spent.server), client: median(|spent| spent.client) }
    }
}

/// Returns what all threads of a process have spent, as the scheduler of Linux counts it.
fn of(process: &str) -> Checked<f64> {
    let mut nanoseconds = 0.0;
    for thread in fs::read_dir(format!("/proc/{process}/task"))? {
        // A thread may have ended meanwhile.
        let Ok(text) = fs::read_to_string(thread?.path().join("schedstat")) else { continue };
        let spent = text.split_whitespace().next().ok_or("no time in `schedstat`")?;
        nanoseconds += spent.parse::<f64>()?;
    }
    Ok(nanoseconds / 1000.0)
}
