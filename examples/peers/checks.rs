//! How our client's checks against foreign servers are run and told.

#![allow(clippy::print_stdout, reason = "a line for each check")]

use std::fmt::Debug;
use std::time::Duration;

use tokio::time::timeout;

/// What a check comes to.
pub(crate) type Checked = std::result::Result<(), Box<dyn std::error::Error>>;

/// Runs a check, which must end soon, and prints a line; whether it passed.
pub(crate) async fn check(peer: &str, name: &str, test: impl Future<Output = Checked>) -> bool {
    let result = timeout(Duration::from_secs(10), test).await;
    let result = result.unwrap_or_else(|_| Err("hangs".into()));
    match &result {
        Ok(()) => println!("ok      {peer}: {name}"),
        Err(error) => println!("FAILED  {peer}: {name}: {error}"),
    }
    result.is_ok()
}

/// Whether both are the same.
pub(crate) fn equal<T: PartialEq + Debug>(found: T, expected: T) -> Checked {
    if found == expected { Ok(()) } else { Err(format!("{found:?} is not {expected:?}").into()) }
}
