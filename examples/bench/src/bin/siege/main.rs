//! What one hostile client takes from another: the latency of a client that behaves, before an attack and during
//! it (G13: no more than twice as long, and 10 ms).
//!
//! ```text
//! cargo run --release -p examples --bin reference_server -- --listen 127.0.0.1:8080
//! cargo run --release -p bench --bin siege -- ws://127.0.0.1:8080
//! ```
//!
//! It only says what it has measured: on a machine with few processors, clients and server take from each other
//! what no server can give back.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program that talks to another")]

mod attacks;
mod canary;

use std::process::ExitCode;
use std::time::Duration;

use attacks::ATTACKS;
use bench::Checked;
use canary::Canary;
use rpc_client::Client;
use tokio::runtime::Builder;
use tokio::time::timeout;

const BEFORE: Duration = Duration::from_secs(2);
const DURING: Duration = Duration::from_secs(4);

fn main() -> ExitCode {
    let Some(url) = std::env::args().nth(1) else {
        eprintln!("usage: siege URL, of a reference server");
        return ExitCode::from(2);
    };
    match run(&url) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("siege: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(url: &str) -> Checked<()> {
    println!("{:38} {:>17} {:>17}", "p50 and p99 of a call, in ms", "before", "during");
    for attack in &ATTACKS {
        let canary = Canary::start(url)?;
        std::thread::sleep(BEFORE);
        let before = canary.take()?;
        Builder::new_current_thread().enable_all().build()?.block_on(async {
            let client = Client::builder().connect(url).await?;
            // It never ends by itself, unless the server has closed the connection.
            let _ = timeout(DURING, (attack.wage)(&client.peer())).await;
            Checked::Ok(())
        })?;
        let during = canary.take()?;
        let far =
            if during.p99 > 2 * before.p99 + Duration::from_millis(10) { "  too long" } else { "" };
        println!("{:38} {before:>17} {during:>17}{far}", attack.name);
        canary.end()?;
    }
    Ok(())
}
