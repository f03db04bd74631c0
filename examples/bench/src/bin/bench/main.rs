//! Runs the whole benchmark: builds what it needs, measures row after row, writes the results.
//!
//! Servers have the first core, whoever calls them has the second. What is compared is measured in
//! turn, round after round, so that a machine that slows down slows down all of them; ratios are
//! taken within a round. What is counted (instructions, system calls) is the difference of two runs
//! of different length, so that the start of a program is not in it.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program that talks to people")]

mod args;
mod chart;
mod counted;
mod curves;
mod gate;
mod machine;
mod peers;
mod probe;
mod programs;
mod report;
mod row;
mod rows;
mod server;
mod spread;
mod svg;
mod table;
mod tools;

use std::process::ExitCode;

use args::{Command, Options};
use bench::Checked;
use programs::Programs;

fn main() -> ExitCode {
    let done = Command::from_env().and_then(|command| match command {
        Command::Help => {
            println!("{}", args::HELP);
            Ok(())
        }
        Command::Gate => gate::run(),
        Command::Measure(options) => measure(&options),
        Command::Peers(options) => peers::measure(&options),
        Command::Curves(options) => curves::measure(&options),
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error}");
            ExitCode::FAILURE
        }
    }
}

fn measure(options: &Options) -> Checked {
    tools::check()?;
    let chosen = rows::all(options.quick)?;
    let chosen: Vec<_> = chosen.into_iter().filter(|row| options.only.matches(row.name)).collect();
    if chosen.is_empty() {
        return Err("no row has such a name".into());
    }
    let programs = Programs::build()?;
    let mut measured = Vec::new();
    for row in chosen {
        let row = row.measure(&programs, options.rounds)?;
        println!("{}", table::line(&row));
        measured.push(row);
    }
    report::write(&measured, &programs, options)
}
