//! Clients that stay connected, while processes are killed, stopped and continued: the operating system's own faults.

mod children;
mod drops;
mod killed;
mod stopped;

use std::time::Duration;

use tokio::time::timeout;

/// Waits for what should be there soon; the time only ends a test that hangs.
async fn soon<T>(future: impl Future<Output = T>) -> T {
    timeout(Duration::from_secs(40), future).await.expect("hangs")
}
