//! A tokio runtime with settings for many connections.

use tokio::runtime::Builder;

/// Returns the builder of a multi-thread runtime for a server with hundreds of busy connections. All settings can still
/// be changed before the runtime is built.
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
/// One setting differs from `#[tokio::main]`: `global_queue_interval` is 2.
///
/// A worker queues up to 256 tasks for itself. Further tasks overflow into a queue that all workers share. A worker
/// that has tasks in its own queue polls the shared queue only after a number of tasks: by default after as many tasks
/// as take 200 µs, at least 2. With hundreds of busy connections for each worker, the tasks in the shared queue wait
/// long while the worker polls its own tasks again and again. With the interval 2 the worker takes every second task
/// from the shared queue. That is fair to both queues, and costs nothing while the shared queue is empty.
///
/// The table has the time of the slowest call of a hundred, in ms (medians of four measurements), with 1,000 busy
/// connections. Each connection has one call at a time, whose handler works for 5 or 50 µs. The processor time for each
/// call was the same in all rows.
///
/// | | 5 µs, 1 worker | 2 workers | 50 µs, 1 worker | 2 workers |
/// |---|---|---|---|---|
/// | tokio's default | 153 | 63 | 310 | 125 |
/// | `global_queue_interval(4)` | 131 | 56 | 347 | 149 |
/// | `global_queue_interval(2)`, this runtime | 65 | 44 | 145 | 90 |
/// | `global_queue_interval(1)` | calls that wait for seconds | | | |
/// | current-thread runtime | 47 | | 88 | |
///
/// With fewer than 256 busy connections for each worker the setting makes no difference. On one processor, or with one
/// process for each processor, a current-thread runtime is best, since it has only one queue. On a current-thread
/// runtime declare long work as `#[method(blocking)]`, not as `#[method(spawn)]`. `event_interval` made no difference.
pub fn runtime() -> Builder {
    let mut builder = Builder::new_multi_thread();
    builder.enable_all().global_queue_interval(2);
    builder
}
