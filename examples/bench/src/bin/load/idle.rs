//! Opens connections and holds them: what does the server keep for each?

use std::process::Command;
use std::time::Duration;

use bench::{Checked, usage};

use crate::args::Options;
use crate::call::Caller;
use crate::measured::{Measured, Running};
use crate::work::Work;

/// Long enough for a server to give back what it used.
const QUIET: Duration = Duration::from_secs(3);

pub(crate) fn run(options: &Options) -> Checked<Measured> {
    let pid = options.pid.as_deref();
    let resident = || pid.map_or(Ok(0), usage::resident_bytes);
    // What the first connections make the server set up once is not theirs.
    let mut callers = open(options.warm_up, options)?;
    let before = resident()?;
    let running = Running::begin(pid)?;
    callers.append(&mut open(options.count, options)?);
    let resident = resident()?.saturating_sub(before);
    if let Some(then) = &options.then {
        then_run(then)?;
    }
    Ok(Measured { resident, ..running.end(options.count)? })
}

/// Whatever else is to be known of the server while it holds the connections.
fn then_run(words: &str) -> Checked {
    let mut words = words.split_whitespace();
    let mut command = Command::new(words.next().ok_or("--then needs a command")?);
    let output = command.args(words).output().map_err(|error| format!("{command:?}: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("{command:?}: {}", String::from_utf8_lossy(&output.stderr)).into())
}

/// Opens connections, and waits until they have been quiet for long.
///
/// Each has made one call, so that the server has served it.
fn open(count: u64, options: &Options) -> Checked<Vec<Caller>> {
    if count == 0 {
        return Ok(Vec::new());
    }
    let add = Work::Sum { method: "add".to_owned() };
    let open = |_| {
        let mut caller = Caller::open(options)?;
        caller.call_once(&add)?;
        if options.bytes > 0 {
            caller.call_once(&Work::echo(options.bytes))?;
        }
        Ok(caller)
    };
    let callers = (0..count).map(open).collect();
    std::thread::sleep(QUIET);
    callers
}
