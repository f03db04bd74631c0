//! Agents on machines that do not exist, so that one computer has a fleet to show. All else about them is real: each has
//! a connection of its own, is called, and asks.

use std::f64::consts::TAU;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use futures_util::stream;
use rpc_client::Client;
use rpc_core::{CallError, Progress, Streaming};

use crate::contract::{Disk, FleetClient, FleetError, Host, Process, Report, Task, Vitals};
use crate::machine::tenths;
use crate::{Result, agent};

const NAMES: [&str; 12] =
    ["ada", "bob", "cleo", "dora", "emil", "fay", "gus", "hana", "iris", "jack", "kira", "liam"];

/// How long an upgrade takes.
const UPGRADE: Duration = Duration::from_secs(5);
/// How long a fleet whose question was answered has no other one.
const CONTENT: Duration = Duration::from_secs(20);

const GIB: u64 = 1 << 30;

/// The agents of this process.
pub(super) struct MadeUp {
    agents: Vec<Client>,
    wishes: tokio::task::JoinHandle<()>,
}

impl MadeUp {
    pub(super) async fn close(self) {
        self.wishes.abort();
        join_all(self.agents.into_iter().map(Client::close)).await;
    }
}

/// Connects so many agents.
pub(super) async fn connect(url: &str, agents: usize) -> Result<MadeUp> {
    let mut clients = Vec::with_capacity(agents);
    let mut machines = Vec::with_capacity(agents);
    for nth in 0..agents {
        let name = NAMES.get(nth).map_or_else(|| format!("node-{nth:03}"), ToString::to_string);
        let machine = Machine::new(&name, nth);
        let client = agent::builder(machine.clone()).connect(agent::address(url, &name)).await?;
        machines.push((FleetClient::new(client.peer()), machine));
        clients.push(client);
    }
    Ok(MadeUp { agents: clients, wishes: tokio::spawn(wish(machines)) })
}

/// One agent after the other wants to upgrade itself, and asks before it does.
async fn wish(agents: Vec<(FleetClient, Machine)>) {
    // The last one first: the others are what people try the buttons on.
    for (fleet, machine) in agents.iter().rev().cycle() {
        let version = machine.next_version();
        let may = loop {
            match fleet.may_upgrade(&version).no_timeout().await {
                Err(CallError::Method(FleetError::NobodyLooks)) => {}
                answer => break answer.unwrap_or(false),
            }
        };
        if may {
            machine.upgrade().await;
        }
        tokio::time::sleep(CONTENT).await;
    }
}

/// A machine that does not exist.
#[derive(Clone)]
struct Machine {
    name: String,
    nth: f64,
    begun: Instant,
    now: Arc<Mutex<Now>>,
}

struct Now {
    patch: u32,
    task: Option<Task>,
}

impl Machine {
    fn new(name: &str, nth: usize) -> Self {
        let now = Arc::new(Mutex::new(Now { patch: 1, task: None }));
        Self { name: name.to_owned(), nth: nth as f64, begun: Instant::now(), now }
    }

    fn next_version(&self) -> String {
        version(self.now.lock().expect("nobody panics here").patch + 1)
    }

    fn set_task(&self, name: &str, percent: Option<u32>) {
        let task = percent.map(|percent| Task { name: name.to_owned(), percent });
        self.now.lock().expect("nobody panics here").task = task;
    }

    async fn upgrade(&self) {
        for percent in 0..100 {
            self.set_task("Upgrade", Some(percent));
            tokio::time::sleep(UPGRADE / 100).await;
        }
        self.set_task("", None);
        self.now.lock().expect("nobody panics here").patch += 1;
    }

    /// Waves, each machine its own, and more while it has a task.
    fn vitals(&self) -> Vitals {
        let (time, nth) = (self.begun.elapsed().as_secs_f64(), self.nth);
        let wave = |seconds: f64, part: f64| (time / seconds * TAU + nth * part).sin();
        let now = self.now.lock().expect("nobody panics here");
        let task =
            now.task.as_ref().map_or(0.0, |task| 45.0 * (f64::from(task.percent) / 8.0).min(1.0));
        let usual = 18.0 + 7.0 * (nth % 5.0);
        let cpu =
            usual + 9.0 * wave(17.0, 1.3) + 5.0 * wave(5.3, 2.1) + 3.0 * wave(1.9, 3.7) + task;
        let cpu = cpu.clamp(1.0, 99.0);
        Vitals {
            cpu: tenths(cpu),
            memory: tenths(
                (35.0 + 11.0 * (nth % 4.0) + 6.0 * wave(41.0, 2.9) + task / 5.0).min(97.0),
            ),
            load: tenths(cpu / 100.0 * 8.0),
            version: version(now.patch),
            task: now.task.clone(),
        }
    }
}

fn version(patch: u32) -> String {
    format!("2.4.{patch}")
}

/// Ends the task of a machine, also if the caller has cancelled it.
struct Working<'a>(&'a Machine);

impl Drop for Working<'_> {
    fn drop(&mut self) {
        self.0.set_task("", None);
    }
}

impl Host for Machine {
    async fn report(&self, busiest: usize) -> Report {
        let vitals = self.vitals();
        let total = 16 * GIB;
        let process = |(nth, name): (u32, &str)| Process {
            pid: 400 + 61 * nth + self.nth as u32,
            name: name.to_owned(),
            cpu: vitals.cpu / (nth as f32 + 1.5),
            memory: GIB / u64::from(nth + 1),
        };
        let names = ["postgres", "web", "worker", "redis", "cron"];
        Report {
            host: format!("{}.example.net", self.name),
            load: f64::from(vitals.load),
            memory_used: total / 1000 * (vitals.memory * 10.0) as u64,
            memory_total: total,
            disks: vec![Disk { mount: "/".to_owned(), free: 90 * GIB, total: 256 * GIB }],
            uptime: 86_400 * (3 + self.nth as u64) + self.begun.elapsed().as_secs(),
            busiest: (0..).zip(names).take(busiest).map(process).collect(),
        }
    }

    async fn load(&self) -> f64 {
        f64::from(self.vitals().load)
    }

    async fn find(&self, name: &str) -> Result<Vec<Process>, FleetError> {
        let running = self.report(usize::MAX).await.busiest;
        let count = running.len();
        let found: Vec<_> = running.into_iter().filter(|process| process.name == name).collect();
        if found.is_empty() {
            return Err(FleetError::NoProcess { name: name.to_owned(), running: count });
        }
        Ok(found)
    }

    async fn vitals(&self, every_ms: u64) -> Streaming<Vitals> {
        let every = Duration::from_millis(every_ms.max(50));
        // Machines are not in step.
        let first = every.mul_f64((self.nth * 0.618).fract());
        Streaming::new(stream::unfold((self.clone(), first), move |(machine, wait)| async move {
            tokio::time::sleep(wait).await;
            Some((machine.vitals(), (machine, every)))
        }))
    }

    async fn work(&self, seconds: u32, progress: Progress<u32>) {
        let _working = Working(self);
        for percent in 1..=100 {
            self.set_task("Job", Some(percent));
            progress.report(&percent);
            tokio::time::sleep(Duration::from_secs(u64::from(seconds)) / 100).await;
        }
    }

    async fn label(&self, _label: &str) {}
}
