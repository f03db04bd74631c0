//! Says what breaks between two versions of a model.
//!
//! `schema_diff OLD NEW`, each a file that `rpc_core::schema::Model::to_json` wrote. Prints a line for each change.
//! Exits 0 if nothing breaks, 1 if something does, and 2 if there is nothing to compare.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program that talks to people")]

use std::process::ExitCode;
use std::{env, fs};

use rpc_core::schema::Model;

fn main() -> ExitCode {
    let files: Vec<_> = env::args().skip(1).collect();
    let [old, new] = &*files else {
        eprintln!("usage: schema_diff OLD NEW");
        return ExitCode::from(2);
    };
    match read(old).and_then(|old| Ok(old.diff(&read(new)?))) {
        Ok(diff) => {
            print!("{diff}");
            ExitCode::from(u8::from(diff.breaks()))
        }
        Err(error) => {
            eprintln!("schema_diff: {error}");
            ExitCode::from(2)
        }
    }
}

fn read(file: &str) -> Result<Model, String> {
    let text = fs::read_to_string(file).map_err(|error| format!("{file}: {error}"))?;
    Model::from_json(&text).map_err(|error| format!("{file}: {error}"))
}
