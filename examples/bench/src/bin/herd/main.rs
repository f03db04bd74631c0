//! Many clients at once come back: after a planned restart of their server, after its process was killed, and after a
//! cut of all their links.
//!
//! ```text
//! ulimit -n 20000; cargo run --release -p bench --bin herd
//! ```
//!
//! It counts, and fails if a count is wrong; the times that it prints decide nothing. With fewer descriptors there are
//! fewer clients.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program that talks to people")]

mod clients;
mod cut;
mod killed;
mod process;
mod restart;
mod server;
mod wire;

use std::process::ExitCode;

use bench::Checked;
use peak_alloc::PeakAlloc;

/// The allocator that counts the heap: the process of the server reports the count.
#[global_allocator]
static HEAP: PeakAlloc = PeakAlloc;

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let result = match *arguments {
        [] => all().await,
        // The processes that it starts.
        ["server", port] => server::run(port).await,
        ["wire", from, to] => wire::run(from, to).await,
        _ => Err("usage: herd".into()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("herd: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn all() -> Checked<()> {
    restart::check().await?;
    killed::check().await?;
    cut::check().await
}

/// Returns `wanted`, or less if a process may have fewer descriptors than `each` for each.
fn within_descriptors(wanted: usize, each: usize) -> usize {
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"));
    let most = line.and_then(|line| line.split_whitespace().next()?.parse::<usize>().ok());
    (most.unwrap_or(1000).saturating_sub(100) / each).min(wanted)
}

/// An error unless `holds`.
fn ensure(holds: bool, what: impl std::fmt::Display) -> Checked<()> {
    if holds { Ok(()) } else { Err(what.to_string().into()) }
}
