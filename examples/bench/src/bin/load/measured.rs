//! What a run has found: how many calls, and what the server used for them.

use std::time::Instant;

use bench::{Checked, Times, usage};
use serde_json::json;

/// A run from its begin to its end; what the server does before is not in it.
pub(crate) struct Running {
    pid: Option<String>,
    cpu: u64,
    began: Instant,
}

/// A run that has ended well.
#[derive(Default)]
pub(crate) struct Measured {
    /// Calls, or messages that were pushed: each one checked.
    pub(crate) count: u64,
    pub(crate) wall_ns: u64,
    /// Of the server; 0 if it was not said which process that is.
    pub(crate) cpu_ns: u64,
    /// Bytes that the server holds for the connections.
    pub(crate) resident: u64,
    /// The time of each call, with `--latency`.
    pub(crate) times: Option<Times>,
}

impl Running {
    pub(crate) fn begin(pid: Option<&str>) -> Checked<Self> {
        let cpu = pid.map(usage::cpu_nanoseconds).transpose()?.unwrap_or_default();
        Ok(Self { pid: pid.map(str::to_owned), cpu, began: Instant::now() })
    }

    pub(crate) fn end(self, count: u64) -> Checked<Measured> {
        let wall_ns = u64::try_from(self.began.elapsed().as_nanos())?;
        let cpu = self.pid.as_deref().map(usage::cpu_nanoseconds).transpose()?;
        let cpu_ns = cpu.unwrap_or_default() - self.cpu;
        Ok(Measured { count, wall_ns, cpu_ns, ..Measured::default() })
    }
}

impl Measured {
    pub(crate) fn to_json(&self) -> serde_json::Value {
        json!({
            "count": self.count,
            "wall_ns": self.wall_ns,
            "cpu_ns": self.cpu_ns,
            "resident": self.resident,
            "times": self.times.as_ref().map(Times::to_json),
        })
    }
}
