//! Chooses an address of a host that has several: the address that answers first wins, as in Happy Eyeballs
//! (RFC 8305).
//!
//! The addresses are not tried strictly one after the other, because some networks announce IPv6 and do not route it.
//! An attempt to such an address gets no answer and would take all the time. This file knows no sockets.

use std::error::Error;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::time::timeout;

/// How long an attempt runs alone before the next attempt starts beside it (RFC 8305, section 5).
const NEXT: Duration = Duration::from_millis(250);

/// Sorts addresses into the order of the attempts, and leaves out repeated ones. The family that the resolver
/// prefers goes first, then the families take turns.
pub(crate) fn in_turns(addresses: impl IntoIterator<Item = SocketAddr>) -> Vec<SocketAddr> {
    let mut left: Vec<SocketAddr> = Vec::new();
    for address in addresses {
        if !left.contains(&address) {
            left.push(address);
        }
    }
    let mut turns: Vec<SocketAddr> = Vec::with_capacity(left.len());
    while !left.is_empty() {
        let last = turns.last().map(SocketAddr::is_ipv4);
        let other = left.iter().position(|address| Some(address.is_ipv4()) != last);
        turns.push(left.remove(other.unwrap_or(0)));
    }
    turns
}

/// Connects to one of `addresses`, which are tried in this order: the next address 250 ms after the one
/// before, or as soon as an attempt fails. The first attempt that succeeds wins, and the others are dropped.
/// If this future is dropped, all attempts are.
///
/// # Errors
/// All attempts have failed, or there are no addresses.
pub(crate) async fn connect<T, F>(
    addresses: &[SocketAddr],
    attempt: impl Fn(SocketAddr) -> F,
) -> Result<T, Failures>
where
    F: Future<Output = io::Result<T>>,
{
    let mut left = addresses.iter().copied();
    let mut failures = Failures(Vec::new());
    let mut attempts = FuturesUnordered::new();
    loop {
        let next = left.next();
        let is_last = left.len() == 0;
        attempts.extend(next.map(|address| {
            let attempt = attempt(address);
            async move { attempt.await.map_err(|error| (address, error)) }
        }));
        let ended = match timeout(NEXT, attempts.next()).await {
            Err(_) if is_last => attempts.next().await,
            Err(_) => continue,
            Ok(ended) => ended,
        };
        match ended {
            Some(Ok(connected)) => return Ok(connected),
            Some(Err(failure)) => failures.0.push(failure),
            None => return Err(failures),
        }
    }
}

/// The addresses that failed, each with its error, in the order in which they failed.
#[derive(Debug)]
pub(crate) struct Failures(Vec<(SocketAddr, io::Error)>);

impl fmt::Display for Failures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("its name has no address");
        }
        for (at, (address, error)) in self.0.iter().enumerate() {
            let before = if at == 0 { "" } else { "; " };
            write!(f, "{before}{address}: {error}")?;
        }
        Ok(())
    }
}

impl Error for Failures {}

/// The kind of the error is the kind of the last failure.
impl From<Failures> for io::Error {
    fn from(failures: Failures) -> Self {
        let last = failures.0.last().map(|(_, error)| error.kind());
        Self::new(last.unwrap_or(io::ErrorKind::NotFound), failures)
    }
}

#[cfg(test)]
mod tests;
