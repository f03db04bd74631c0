//! The load: calls a server, checks every answer, and prints one line of JSON.
//!
//! It is neutral: one thread, blocking sockets and a WebSocket framing of its own, so that no
//! library under test is on both ends. An answer that is wrong, lost, doubled or late ends it with
//! exit code 1 and a message.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program that talks to another")]

mod answers;
mod args;
mod batch;
mod call;
mod connect;
mod connection;
mod drive;
mod fanout;
mod frames;
mod idle;
mod items;
mod measured;
mod nest;
mod session;
mod work;

use std::process::ExitCode;

use args::{Mode, Options};
use bench::Checked;
use measured::Measured;

fn main() -> ExitCode {
    match Options::from_env().and_then(|options| run(&options)) {
        Ok(measured) => {
            println!("{}", measured.to_json());
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("load: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Checked<Measured> {
    match options.mode {
        Mode::Call => call::run(options),
        Mode::Batch => batch::run(options),
        Mode::Connect => connect::run(options),
        Mode::Fanout => fanout::run(options),
        Mode::Items => items::run(options),
        Mode::Nest => nest::run(options),
        Mode::Drive => drive::run(options),
        Mode::Idle => idle::run(options),
    }
}
