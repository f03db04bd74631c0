//! Clients that stay connected over a network that does not: a test of the promises of sessions.
//!
//! A proxy in between cuts, stalls, chops and delays what it carries, at random. Meanwhile both ends call each other,
//! notify each other and send each other streams, and the server pushes to a group. Now and then a session is really
//! lost: the server restarts or crashes, a client is kicked, the network is away for longer than sessions are kept.
//!
//! ```text
//! clients ──▶ proxy: cut, stall, chop, merge, delay, deliver late ──▶ server
//!    │                                                                  │
//!    └──────────────▶ books: what was asked, what was done ◀────────────┘
//! ```
//!
//! Both ends write down what they asked for and what they did. At the end the books must agree: nothing was done twice,
//! no gap was silent, and each failed call tells the truth about whether it may have run. Within one TCP connection
//! nothing is lost in the middle and nothing changes its order, since TCP allows neither. What does change its order are
//! links: the bytes of an old link reach the server after the client has made another link (`late` in the table).
//!
//! The same seed plans the same cuts and the same work. The two meet as the clock of the machine has it, so two runs
//! differ.
//!
//! `chaos` runs for 15 seconds; `chaos --seconds 300 --seed 7` for longer.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program that talks to people")]

mod actors;
mod args;
mod books;
mod client;
mod contract;
mod disasters;
mod judge;
mod proxy;
mod random;
mod run;
mod server;
mod streams;
mod table;
mod work;

use std::process::ExitCode;

use args::Args;

type Result<T, E = Box<dyn std::error::Error + Send + Sync>> = std::result::Result<T, E>;

#[tokio::main]
async fn main() -> ExitCode {
    let args = match Args::from_env() {
        Ok(Some(args)) => args,
        Ok(None) => {
            println!("{}", args::HELP);
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            eprintln!("chaos: {error}\n\n{}", args::HELP);
            return ExitCode::from(2);
        }
    };
    println!("chaos for {} s with seed {}", args.time.as_secs(), args.seed);
    let faults = match run::run(&args).await {
        Ok(faults) => faults,
        Err(error) => {
            eprintln!("chaos: {error}");
            return ExitCode::FAILURE;
        }
    };
    for fault in faults.iter().take(20) {
        eprintln!("chaos: {fault}");
    }
    if faults.is_empty() {
        println!("the books agree");
        ExitCode::SUCCESS
    } else {
        eprintln!("chaos: the books do not agree in {} places; seed {}", faults.len(), args.seed);
        ExitCode::FAILURE
    }
}
