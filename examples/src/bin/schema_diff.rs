//! Says what breaks between two versions of a model.
//!
//! `schema_diff OLD NEW`, each a file that `rpc_core::schema::Model::to_json` wrote, or a document of OpenRPC. Prints a
//! line for each change. Exits 0 if nothing breaks, 1 if something does, and 2 if there is nothing to compare.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program that talks to people")]

use std::error::Error;
use std::process::ExitCode;
use std::{env, fs};

use rpc_core::schema::Model;
use serde_json::Value;

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
    let named = |error: Box<dyn Error>| format!("{file}: {error}");
    let text = fs::read_to_string(file).map_err(|error| named(error.into()))?;
    model(&text).map_err(named)
}

fn model(text: &str) -> Result<Model, Box<dyn Error>> {
    let document: Value = serde_json::from_str(text)?;
    if document.get("openrpc").is_some() {
        return Ok(Model::from_openrpc(&document)?);
    }
    Ok(Model::from_json(text)?)
}
