//! How long something took, again and again.

use std::time::Duration;

use serde_json::json;

/// Times, of which the median and the slowest are told.
#[derive(Default)]
pub struct Times(Vec<Duration>);

impl Times {
    /// Adds one.
    pub fn push(&mut self, time: Duration) {
        self.0.push(time);
    }

    /// Returns the median, and what all but one of a hundred do not exceed.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        let mut sorted: Vec<_> = self.0.iter().map(Duration::as_nanos).collect();
        sorted.sort_unstable();
        let quantile = |percent: usize| {
            sorted.get((sorted.len() * percent / 100).min(sorted.len().saturating_sub(1)))
        };
        json!({ "count": sorted.len(), "median_ns": quantile(50), "p99_ns": quantile(99) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_of_the_sorted_times() {
        let mut times = Times::default();
        (0..100).rev().for_each(|time| times.push(Duration::from_nanos(time)));
        assert_eq!(times.to_json(), json!({ "count": 100, "median_ns": 50, "p99_ns": 99 }));
    }
}
