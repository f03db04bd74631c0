//! The numbers of a server as metrics.

use metrics::{counter, gauge};

use crate::stats::ServerStats;

impl ServerStats {
    /// Passes these numbers to the recorder of the facade `metrics`. Call `record` each time the metrics page is
    /// requested, or periodically. With the feature `metrics`.
    ///
    /// Gauges: `rpc.server.connections`, `rpc.server.guests`, `rpc.server.in_flight`,
    /// `rpc.server.detached`, `rpc.server.idempotent_running`, `rpc.server.idempotency_bytes`,
    /// `rpc.server.pending`, `rpc.server.subscriptions`, `rpc.server.groups`, `rpc.server.queue_bytes`.
    /// Counters, since the start of the server: `rpc.server.stray`, `rpc.server.dropped`, `rpc.server.skipped`,
    /// `rpc.server.malformed`, `rpc.server.unaddressed`, `rpc.server.stopped_notifications`, `rpc.server.refused_connections`, and
    /// `rpc.server.closed_connections` by `code`. The metrics have no other labels, so a program with several servers
    /// can record only one of them.
    ///
    /// [`layers::Metrics`](rpc_core::layers::Metrics) measures single calls.
    ///
    /// ```
    /// # #[tokio::main] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use std::time::Duration;
    /// use rpc_core::Router;
    /// use rpc_server::Server;
    ///
    /// let server = Server::builder().service(Router::new()).bind("127.0.0.1:0").await?.spawn();
    /// let observed = server.clone();
    /// let recording = tokio::spawn(async move {
    ///     let mut tick = tokio::time::interval(Duration::from_secs(10));
    ///     loop {
    ///         tick.tick().await;
    ///         observed.stats().record();
    ///     }
    /// });
    /// # recording.abort();
    /// # Ok(()) }
    /// ```
    pub fn record(&self) {
        for (name, value) in [
            ("rpc.server.connections", self.connections),
            ("rpc.server.guests", self.guests),
            ("rpc.server.in_flight", self.in_flight),
            ("rpc.server.detached", self.detached),
            ("rpc.server.idempotent_running", self.idempotent_running),
            ("rpc.server.idempotency_bytes", self.idempotency_bytes),
            ("rpc.server.pending", self.pending),
            ("rpc.server.subscriptions", self.subscriptions),
            ("rpc.server.groups", self.groups),
            ("rpc.server.queue_bytes", self.queue_bytes),
        ] {
            gauge!(name).set(value as f64);
        }
        for (name, value) in [
            ("rpc.server.stray", self.stray),
            ("rpc.server.dropped", self.dropped),
            ("rpc.server.skipped", self.skipped),
            ("rpc.server.malformed", self.malformed),
            ("rpc.server.unaddressed", self.unaddressed),
            ("rpc.server.stopped_notifications", self.stopped_notifications),
            ("rpc.server.refused_connections", self.refused),
        ] {
            counter!(name).absolute(value);
        }
        for (code, count) in &self.closes {
            counter!("rpc.server.closed_connections", "code" => code.clone()).absolute(*count);
        }
    }
}
