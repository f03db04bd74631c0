//! A fleet of machines: a server that calls its clients.
//!
//! Agents connect to the server and offer [`Host`](contract::Host): how their machine is doing. An
//! operator connects as well and calls [`Fleet`](contract::Fleet): inside that one call the server
//! calls every agent, over the connections that they opened, and puts the answers together.
//!
//! ```text
//! operator ──survey──▶ server ──report──▶ agent ada
//!          ◀──table───        ──report──▶ agent bob
//!                             ──report──▶ agent eve  (too slow: named in the table)
//!
//! operator ──watch───▶ server ──load─────▶ agents     (again and again)
//!          ◀──loads─── ◀──loads─── ◀──loads───
//! ```
//!
//! Agents stay connected. If the link of an agent is cut, the session goes on over the next link, with the calls that are
//! under way. If the server restarts, the agents come back and enlist again.
//!
//! With `--web 127.0.0.1:8080` the same server has a page, which shows the fleet as it changes, calls agents through the
//! server, and is asked by them: [`console`].
//!
//! `fleet` alone runs all of them in one process; `fleet help` tells how to run them apart.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program that talks to people")]

mod agent;
mod args;
mod console;
mod contract;
mod line;
mod machine;
mod operator;
mod server;
mod table;
mod tour;

use std::process::ExitCode;

use args::Command;

type Result<T, E = Box<dyn std::error::Error + Send + Sync>> = std::result::Result<T, E>;

#[tokio::main]
async fn main() -> ExitCode {
    let command = match Command::from_env() {
        Ok(command) => command,
        Err(error) => {
            eprintln!("fleet: {error}\n\n{}", args::HELP);
            return ExitCode::from(2);
        }
    };
    let done = match command {
        Command::Help => {
            println!("{}", args::HELP);
            Ok(())
        }
        Command::Tour => tour::run().await,
        Command::Web { listen, agents, every } => console::run(&listen, agents, every).await,
        Command::Server { listen } => server::run(&listen).await,
        Command::Agent { url, name, delay } => agent::run(&url, &name, delay).await,
        Command::Survey { url } => operator::survey(&url).await,
        Command::Find { url, agent, process } => operator::find(&url, &agent, &process).await,
        Command::Watch { url, every } => operator::watch(&url, every).await,
        Command::Label { url, label } => operator::label(&url, &label).await,
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("fleet: {error}");
            ExitCode::FAILURE
        }
    }
}
