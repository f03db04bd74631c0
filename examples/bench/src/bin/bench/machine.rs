//! Where it was measured: numbers without that mean nothing.

use std::fs;
use std::process::Command;

use bench::Checked;
use serde::Serialize;

#[derive(Serialize)]
pub(crate) struct Machine {
    pub(crate) cpu: String,
    pub(crate) cores: usize,
    pub(crate) rustc: String,
    pub(crate) date: String,
}

impl Machine {
    pub(crate) fn this() -> Checked<Self> {
        let cpus = fs::read_to_string("/proc/cpuinfo")?;
        let model = cpus.lines().find_map(|line| line.strip_prefix("model name"));
        let cpu = model.map_or("unknown", |model| model.trim_start_matches([' ', '\t', ':']));
        Ok(Self {
            cpu: cpu.to_owned(),
            cores: std::thread::available_parallelism()?.get(),
            rustc: first_line("rustc", "--version")?,
            date: first_line("date", "--iso-8601")?,
        })
    }
}

impl std::fmt::Display for Machine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}, {} cores, {}, {}", self.cpu, self.cores, self.rustc, self.date)
    }
}

/// How many files this program and those that it starts may have open.
pub(crate) fn open_files() -> Checked<u64> {
    let limits = fs::read_to_string("/proc/self/limits")?;
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"));
    let soft = line.and_then(|line| line.split_whitespace().next()).ok_or("no limit on files")?;
    Ok(soft.parse().unwrap_or(u64::MAX)) // it may be `unlimited`
}

fn first_line(program: &str, arg: &str) -> Checked<String> {
    let output = Command::new(program).arg(arg).output()?;
    Ok(String::from_utf8(output.stdout)?.lines().next().unwrap_or_default().to_owned())
}
