//! Makes TypeScript of a model.
//!
//! `schema_typescript MODEL server|client [PACKAGE] [--model]`: the file is one that `rpc_core::schema::Model::to_json`
//! wrote, and the module is for this end. Prints the module, and what a reader should know to stderr. With `--model` it
//! prints the module that has the model instead, by which a page compares itself with the server.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program that talks to people")]

use std::process::ExitCode;
use std::{env, fs};

use rpc_core::schema::{End, Model, TypeScript};

/// The npm package of the runtime.
const PACKAGE: &str = "two-way-json-rpc";

const USAGE: &str = "usage: schema_typescript MODEL server|client [PACKAGE] [--model]";

fn main() -> ExitCode {
    let (options, args): (Vec<_>, Vec<_>) =
        env::args().skip(1).partition(|argument| argument == "--model");
    match run(&args) {
        Ok(module) if !options.is_empty() => {
            print!("{}", module.model);
            ExitCode::SUCCESS
        }
        Ok(module) => {
            print!("{}", module.code);
            module.notes.iter().for_each(|note| eprintln!("note: {note}"));
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("schema_typescript: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &[String]) -> Result<TypeScript, String> {
    let (file, end, package) = match args {
        [file, end] => (file, end, PACKAGE),
        [file, end, package] => (file, end, &**package),
        _ => return Err(USAGE.to_owned()),
    };
    let end = match &**end {
        "server" => End::Server,
        "client" => End::Client,
        other => return Err(format!("an end is `server` or `client`, not `{other}`")),
    };
    let told = |error: &dyn std::fmt::Display| format!("{file}: {error}");
    let text = fs::read_to_string(file).map_err(|error| told(&error))?;
    let model = Model::from_json(&text).map_err(|error| told(&error))?;
    model.typescript(end, package).map_err(|error| told(&error))
}
