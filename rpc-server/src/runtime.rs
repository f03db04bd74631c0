//! A tokio runtime with settings for many connections.

use tokio::runtime::Builder;

/// A multi-thread runtime as a server with hundreds of busy connections wants it; everything can
/// still be changed before it is built.
///
/// ```
/// use std::time::Duration;
/// use rpc_core::Router;
/// use rpc_server::Server;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// rpc_server::runtime().worker_threads(2).build()?.block_on(async {
///     let server = Server::builder().service(Router::new()).bind("127.0.0.1:0").await?.spawn();
///     server.shutdown(Duration::from_secs(30)).await;
///     Ok(())
/// })
/// # }
/// ```
///
/// One setting differs from those of `#[tokio::main]`: `global_queue_interval` is 2.
///
/// A worker queues 256 tasks for itself; more overflow into a queue shared by all workers, and
/// as long as there is work in its own a worker looks there once in so many tasks: by default in as
/// many as take it 200 µs, at least 2. With hundreds of busy connections for each worker those in
/// the shared queue wait long while others are served again and again. Looking there every second
/// time is fair to both, and costs nothing where the queue is empty.
///
/// Measured with 1,000 busy connections, each with one call at a time whose handler works for 5 or
/// 50 µs, the slowest call of a hundred took (medians of four, in ms; processor time for each call
/// was the same everywhere):
///
/// | | 5 µs, 1 worker | 2 workers | 50 µs, 1 worker | 2 workers |
/// |---|---|---|---|---|
/// | tokio's default | 153 | 63 | 310 | 125 |
/// | `global_queue_interval(4)` | 131 | 56 | 347 | 149 |
/// | `global_queue_interval(2)`, this | 65 | 44 | 145 | 90 |
/// | `global_queue_interval(1)` | calls that wait for seconds | | | |
/// | current-thread runtime | 47 | | 88 | |
///
/// With less than 256 busy connections for each worker it makes no difference. Who has one
/// processor, or one process for each, is best off with a current-thread runtime, which knows one
/// queue; there it is `#[method(blocking)]`, not `spawn`, that keeps long work from the connections.
/// `event_interval` made no difference.
pub fn runtime() -> Builder {
    let mut builder = Builder::new_multi_thread();
    builder.enable_all().global_queue_interval(2);
    builder
}
