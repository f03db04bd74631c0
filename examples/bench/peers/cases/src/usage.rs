//! What the system says of a process: processor time and memory.
//!
//! Both are read while the process runs, so that its start is not in them.

use std::fs;
use std::path::Path;
use std::time::Duration;

use crate::Checked;

/// A running thread's time is added up at its next switch or timer tick; this outlasts a tick.
const TICK: Duration = Duration::from_millis(10);

/// Nanoseconds of processor time, over all threads of a process (`self` or a number).
///
/// Waits a moment first, so that the time of what has just ended is in it.
///
/// # Errors
/// There is no such process, or the system keeps no such statistics.
pub fn cpu_nanoseconds(process: &str) -> Checked<u64> {
    std::thread::sleep(TICK);
    let tasks = format!("/proc/{process}/task");
    let tasks = fs::read_dir(&tasks).map_err(|error| format!("{tasks}: {error}"))?;
    tasks.map(|task| of_thread(&task?.path())).sum()
}

fn of_thread(task: &Path) -> Checked<u64> {
    let path = task.join("schedstat");
    let text = match fs::read_to_string(&path) {
        // A thread may end after it was found.
        Err(_) if !task.exists() => return Ok(0),
        text => text.map_err(|error| format!("{}: {error}: it needs Linux", path.display()))?,
    };
    let nanoseconds = text.split_whitespace().next().ok_or("an empty schedstat")?;
    Ok(nanoseconds.parse()?)
}

/// Bytes that are resident, exactly: what `status` says lags behind.
///
/// # Errors
/// There is no such process, or it belongs to someone else.
pub fn resident_bytes(process: &str) -> Checked<u64> {
    let path = format!("/proc/{process}/smaps_rollup");
    let text = fs::read_to_string(&path).map_err(|error| format!("{path}: {error}"))?;
    let line = text.lines().find_map(|line| line.strip_prefix("Rss:")).ok_or("no `Rss:`")?;
    let kib = line.trim().strip_suffix(" kB").ok_or("`Rss:` is not in kB")?;
    Ok(kib.trim().parse::<u64>()? * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_uses_both() {
        assert!(cpu_nanoseconds("self").unwrap() > 0);
        assert!(resident_bytes("self").unwrap() > 64 * 1024);
    }

    #[test]
    fn a_process_that_is_not_there_is_an_error() {
        assert!(cpu_nanoseconds("0").is_err());
        assert!(resident_bytes("0").is_err());
    }
}
