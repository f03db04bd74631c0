//! The programs of the system that are needed; who lacks one is told what to install.

use std::process::{Command, Stdio};

use bench::Checked;

const TOOLS: [(&str, &str); 7] = [
    ("taskset", "util-linux"),
    ("setpriv", "util-linux"),
    ("kill", "procps"),
    ("timeout", "coreutils"),
    ("valgrind", "valgrind"),
    ("vgdb", "valgrind"),
    ("strace", "strace"),
];

/// All are there, and so are two cores.
pub(crate) fn check() -> Checked {
    let missing: Vec<_> = TOOLS.iter().filter(|(tool, _)| !is_there(tool)).collect();
    if let Some((tool, package)) = missing.first() {
        return Err(format!("`{tool}` is missing: install the package `{package}`").into());
    }
    let two_cores = Command::new("taskset").args(["-c", "1", "true"]).output()?;
    if !two_cores.status.success() {
        return Err("cores 0 and 1 are needed, one for each end".into());
    }
    if cfg!(debug_assertions) {
        return Err("run it with --release: anything else says nothing".into());
    }
    Ok(())
}

fn is_there(tool: &str) -> bool {
    let mut command = Command::new(tool);
    command.arg("--version").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    // `kill` may be one that has no version to tell: that it starts is enough.
    command.status().is_ok()
}
