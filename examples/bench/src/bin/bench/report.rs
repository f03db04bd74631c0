//! Writes what was measured: a table, a chart, and all numbers.

use std::fs;
use std::path::{Path, PathBuf};

use bench::Checked;
use serde_json::{Value, json};

use crate::args::Options;
use crate::machine::Machine;
use crate::programs::Programs;
use crate::row::{Measured, Unit};
use crate::{chart, table};

/// Some rows alone are printed only: a table with holes would replace a whole one.
pub(crate) fn write(rows: &[Measured], programs: &Programs, options: &Options) -> Checked {
    if options.only.0.is_some() {
        return Ok(());
    }
    let directory = directory(programs, options.quick);
    let machine = Machine::this()?;
    fs::create_dir_all(&directory)?;
    fs::write(directory.join("table.md"), table::markdown(rows, &machine, options.rounds))?;
    fs::write(directory.join("chart.svg"), chart::svg(rows, &machine))?;
    fs::write(directory.join("raw.json"), raw(rows, &machine)?)?;
    Ok(())
}

/// What was measured in a hurry does not replace what was not.
fn directory(programs: &Programs, quick: bool) -> PathBuf {
    if quick {
        programs.scratch.join("quick")
    } else {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("results")
    }
}

/// A row is a line, so that what has changed can be seen.
fn raw(rows: &[Measured], machine: &Machine) -> Checked<String> {
    let rows: Vec<_> = rows.iter().map(|measured| row(measured).to_string()).collect();
    let machine = serde_json::to_string(machine)?;
    Ok(format!("{{\"machine\":{machine},\n\"rows\":[\n{}\n]}}\n", rows.join(",\n")))
}

fn row(measured: &Measured) -> Value {
    json!({
        "name": measured.row.name,
        "unit": unit(measured.row.unit),
        "ours": measured.ours,
        "least": measured.least,
        "jsonrpsee": measured.jsonrpsee,
    })
}

const fn unit(unit: Unit) -> &'static str {
    match unit {
        Unit::Nanoseconds => "ns per call",
        Unit::Instructions => "instructions per call",
        Unit::Allocations => "allocations per call",
        Unit::Sends => "sends per call",
        Unit::Bytes => "bytes per connection",
    }
}
