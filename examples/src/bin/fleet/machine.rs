//! The machine that an agent runs on, as the operating system tells it.

use std::hint::black_box;
use std::path::Path;
use std::time::{Duration, Instant};

use sysinfo::{Disks, MINIMUM_CPU_UPDATE_INTERVAL, ProcessesToUpdate, System};

use crate::contract::{Disk, FleetError, Process, Report, Vitals};

/// Takes a look at the machine; it blocks for a fifth of a second, in which use of the processors
/// is measured.
pub(crate) fn report(busiest: usize) -> Result<Report, sysinfo::Error> {
    let mut system = System::new()?;
    system.refresh_processes(ProcessesToUpdate::All, true);
    std::thread::sleep(MINIMUM_CPU_UPDATE_INTERVAL);
    system.refresh_processes(ProcessesToUpdate::All, true);
    system.refresh_memory();

    let mut processes: Vec<_> = system.processes().values().map(process).collect();
    processes.sort_by(|a, b| b.cpu.total_cmp(&a.cpu).then(b.memory.cmp(&a.memory)));
    processes.truncate(busiest);
    Ok(Report {
        host: System::host_name()?,
        load: System::load_average()?.one,
        memory_used: system.used_memory(),
        memory_total: system.total_memory(),
        disks: disks()?,
        uptime: System::uptime()?,
        busiest: processes,
    })
}

/// Processes that want to run, over the last minute.
pub(crate) fn load() -> Result<f64, sysinfo::Error> {
    Ok(System::load_average()?.one)
}

/// Measures the machine again and again: the use of the processors is what it was between two looks.
#[derive(Default)]
pub(crate) struct Gauge {
    system: Option<System>,
}

impl Gauge {
    /// Takes a look. The first look finds no use of the processors.
    pub(crate) fn read(&mut self) -> Result<Vitals, sysinfo::Error> {
        let system = match &mut self.system {
            Some(system) => system,
            none => none.insert(System::new()?),
        };
        system.refresh_cpu_usage();
        system.refresh_memory();
        let memory = 100.0 * system.used_memory() as f64 / system.total_memory().max(1) as f64;
        Ok(Vitals {
            cpu: tenths(f64::from(system.global_cpu_usage())),
            memory: tenths(memory),
            load: tenths(System::load_average()?.one),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            task: None,
        })
    }
}

/// Rounds to what a page shows, so that what stays the same is not sent again.
pub(crate) fn tenths(value: f64) -> f32 {
    ((value * 10.0).round() / 10.0) as f32
}

/// Keeps a processor busy.
pub(crate) fn spin(time: Duration) {
    let begun = Instant::now();
    while black_box(begun.elapsed()) < time {}
}

/// The processes with this name.
pub(crate) fn find(name: &str) -> Result<Vec<Process>, FleetError> {
    let mut system = System::new().map_err(|_| none(name, 0))?;
    system.refresh_processes(ProcessesToUpdate::All, true);
    let processes = system.processes().values();
    let found: Vec<_> = processes.map(process).filter(|process| process.name == name).collect();
    if found.is_empty() { Err(none(name, system.processes().len())) } else { Ok(found) }
}

fn none(name: &str, running: usize) -> FleetError {
    FleetError::NoProcess { name: name.to_owned(), running }
}

fn process(process: &sysinfo::Process) -> Process {
    Process {
        pid: process.pid().as_u32(),
        name: process.name().to_string_lossy().into_owned(),
        cpu: process.cpu_usage(),
        memory: process.memory(),
    }
}

/// The disks, the root first.
fn disks() -> Result<Vec<Disk>, sysinfo::Error> {
    let disks = Disks::new_with_refreshed_list()?;
    let mut disks: Vec<_> = disks.iter().filter(|disk| disk.total_space() > 0).collect();
    disks.sort_by_key(|disk| disk.mount_point() != Path::new("/"));
    let disk = |disk: &sysinfo::Disk| Disk {
        mount: disk.mount_point().to_string_lossy().into_owned(),
        free: disk.available_space(),
        total: disk.total_space(),
    };
    Ok(disks.into_iter().map(disk).collect())
}
