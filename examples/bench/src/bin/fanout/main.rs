//! Measures messages to many clients: an event of a topic beside a push to a group, and a change of a live value beside
//! the whole value. The clients are a process of their own; the numbers are those of the server.
//!
//! ```text
//! ulimit -n 25000; cargo run --release -p bench --bin fanout
//! ```
//!
//! It prints ratios, and times which decide nothing. With fewer descriptors there are fewer clients.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program that talks to people")]

mod clients;
mod server;
mod told;

use std::process::ExitCode;

use bench::Checked;
use server::{Kind, Told};

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let result = match *arguments {
        [] => {
            async {
                events(10_000).await?;
                values(1_000).await
            }
            .await
        }
        ["--quick"] => {
            async {
                events(500).await?;
                values(100).await
            }
            .await
        }
        ["events"] => events(10_000).await,
        ["values"] => values(1_000).await,
        // The process that it starts.
        ["clients", url, kind, clients] => clients::run(url, kind, clients).await,
        _ => Err("usage: fanout [--quick | events | values]".into()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("fanout: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn events(clients: usize) -> Checked<()> {
    let clients = within_descriptors(clients);
    let group = server::tell(Kind::Group, clients).await?;
    let topic = server::tell(Kind::Topic, clients).await?;
    println!("an event of 100 bytes to {clients} clients, CPU of the server for each");
    row("push to a group", &group, &group);
    row("event of a topic", &topic, &group);
    Ok(())
}

async fn values(clients: usize) -> Checked<()> {
    let clients = within_descriptors(clients);
    let whole = server::tell(Kind::Whole, clients).await?;
    let live = server::tell(Kind::Live, clients).await?;
    println!(
        "a value of 100 KB of which 1 % changes, to {clients} clients, CPU of the server and bytes for each"
    );
    row("the whole value", &whole, &whole);
    row("what has changed", &live, &whole);
    Ok(())
}

fn row(what: &str, told: &Told, to: &Told) {
    let [micros, of] = [told, to].map(|told| told.cpu_ns as f64 / 1e3 / told.count as f64);
    let [bytes, of_bytes] = [told, to].map(|told| told.bytes as f64 / told.count as f64);
    println!(
        "{what:20} {micros:8.2} µs {:6.3}   {bytes:9.0} B {:6.3}",
        micros / of,
        bytes / of_bytes
    );
}

/// Returns `wanted`, or less if a process may have fewer descriptors.
fn within_descriptors(wanted: usize) -> usize {
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"));
    let most = line.and_then(|line| line.split_whitespace().next()?.parse::<usize>().ok());
    most.unwrap_or(1000).saturating_sub(100).min(wanted)
}
