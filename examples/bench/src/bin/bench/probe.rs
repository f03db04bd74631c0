//! One number of one program: what is measured in a round.

use bench::Checked;

use crate::counted;
use crate::programs::{Client, Programs, Server};
use crate::server::{FIRST_CORE, Running, SECOND_CORE, run};

/// What to measure.
#[derive(Clone, Copy)]
pub(crate) enum Probe {
    /// Nanoseconds of a server's processor time for each call.
    Cpu(Server, Load),
    /// Instructions of a server for each call.
    Instructions(Server, Load),
    /// Allocations of a server for each call.
    Allocations(Server, Load),
    /// Instructions of a client for each call to this server.
    ClientInstructions(Client, Server, Calls),
    /// System calls of a server that send, for each call.
    Sends(Server, Load),
    /// Bytes that a server has allocated for each connection.
    Heap(Server, Load),
    /// Bytes that are resident for each connection: also what the allocator keeps.
    Resident(Server, Load),
    /// Nanoseconds of a client's processor time for each call.
    Client(Client, Calls),
    /// Nanoseconds of the processor time of both ends for each call.
    Ends(Client, Server, Calls),
    /// Nanoseconds that something takes.
    Time(Server, Measure),
    /// Nanoseconds that a call of the load takes.
    Latency(Server, Load, Quantile),
}

/// What the load does.
#[derive(Clone, Copy)]
pub(crate) struct Load {
    /// Mode and options.
    pub(crate) words: &'static str,
    pub(crate) count: u64,
    pub(crate) warm_up: u64,
}

/// What a client does.
#[derive(Clone, Copy)]
pub(crate) struct Calls {
    pub(crate) window: u64,
    pub(crate) count: u64,
}

/// A measurement by the program `resume`, which does one thing again and again.
#[derive(Clone, Copy)]
pub(crate) struct Measure {
    pub(crate) mode: &'static str,
    pub(crate) count: u64,
    pub(crate) quantile: Quantile,
}

/// Which of the times.
#[derive(Clone, Copy)]
pub(crate) enum Quantile {
    Median,
    /// All but one of a hundred do not exceed it.
    Last,
}

/// A probe whose server runs.
pub(crate) struct Ready<'a> {
    probe: Probe,
    programs: &'a Programs,
    running: Option<Running>,
}

impl Load {
    /// The words that start it, with as many calls.
    pub(crate) fn words(self, programs: &Programs, url: &str, count: u64) -> Vec<String> {
        let mut words = programs.load();
        let mut own = self.words.split_whitespace().map(str::to_owned);
        words.extend(own.next());
        words.push(url.to_owned());
        words.extend(own);
        words.extend(["--count".to_owned(), count.to_string()]);
        words.extend(["--warm-up".to_owned(), self.warm_up.to_string()]);
        words
    }

    fn measure(self, programs: &Programs, running: &Running, what: &str) -> Checked<f64> {
        let mut words = self.words(programs, &running.url, self.count);
        words.extend(["--pid".to_owned(), running.pid()]);
        per_call(&run(SECOND_CORE, &words)?, what)
    }
}

impl Calls {
    /// The words that start a client, which makes some calls to warm up.
    pub(crate) fn words(
        self,
        programs: &Programs,
        client: Client,
        url: &str,
        warm_up: u64,
    ) -> Vec<String> {
        let numbers = [self.window, self.count, warm_up].map(|number| number.to_string());
        [programs.client(client), vec![url.to_owned()], numbers.into()].concat()
    }
}

impl Measure {
    fn measure(self, programs: &Programs, url: &str) -> Checked<f64> {
        let own = [self.mode.to_owned(), url.to_owned(), self.count.to_string()];
        let measured = run(SECOND_CORE, &[programs.resume(), own.into()].concat())?;
        self.quantile.of(&measured)
    }
}

impl Quantile {
    /// Takes the time out of what a program has told of all times.
    fn of(self, times: &serde_json::Value) -> Checked<f64> {
        let time = match self {
            Self::Median => &times["median_ns"],
            Self::Last => &times["p99_ns"],
        };
        time.as_f64().ok_or_else(|| format!("not measured: {times}").into())
    }
}

impl Probe {
    /// Starts the server that serves all rounds, if there is one.
    pub(crate) fn ready(self, programs: &Programs) -> Checked<Ready<'_>> {
        let start = |core, server| Running::start(core, &programs.server(server));
        let running = match self {
            Self::Cpu(server, _)
            | Self::Ends(_, server, _)
            | Self::Time(server, _)
            | Self::Latency(server, ..) => Some(start(FIRST_CORE, server)?),
            Self::Client(..) => Some(start(SECOND_CORE, Server::Floor)?),
            Self::Instructions(..)
            | Self::Allocations(..)
            | Self::ClientInstructions(..)
            | Self::Sends(..)
            | Self::Heap(..)
            | Self::Resident(..) => None,
        };
        Ok(Ready { probe: self, programs, running })
    }

    /// More rounds would hardly say more: what is counted is the same in each.
    pub(crate) const fn most_rounds(self) -> usize {
        match self {
            Self::Instructions(..)
            | Self::Allocations(..)
            | Self::ClientInstructions(..)
            | Self::Sends(..)
            | Self::Heap(..) => 1,
            Self::Resident(..) => 3,
            Self::Cpu(..)
            | Self::Client(..)
            | Self::Ends(..)
            | Self::Time(..)
            | Self::Latency(..) => usize::MAX,
        }
    }
}

impl Ready<'_> {
    pub(crate) fn measure(&self) -> Checked<f64> {
        let programs = self.programs;
        match (self.probe, &self.running) {
            (Probe::Cpu(_, load), Some(running)) => load.measure(programs, running, "cpu_ns"),
            (Probe::Client(client, calls), Some(running)) => {
                let words = calls.words(programs, client, &running.url, calls.count / 10);
                per_call(&run(FIRST_CORE, &words)?, "cpu_ns")
            }
            (Probe::Ends(client, _, calls), Some(running)) => {
                let mut words = calls.words(programs, client, &running.url, calls.count / 10);
                words.push(running.pid());
                per_call(&run(SECOND_CORE, &words)?, "cpu_ns")
            }
            (Probe::Time(_, measure), Some(running)) => measure.measure(programs, &running.url),
            (Probe::Latency(_, load, quantile), Some(running)) => {
                let words = load.words(programs, &running.url, load.count);
                quantile.of(&run(SECOND_CORE, &words)?["times"])
            }
            (Probe::Resident(server, load), _) => resident(programs, server, load),
            (Probe::Heap(server, load), _) => counted::heap(programs, server, load),
            (Probe::Instructions(server, load), _) => counted::instructions(programs, server, load),
            (Probe::Allocations(server, load), _) => counted::allocations(programs, server, load),
            (Probe::ClientInstructions(client, server, calls), _) => {
                counted::client_instructions(programs, client, server, calls)
            }
            (Probe::Sends(server, load), _) => counted::sends(programs, server, load),
            (
                Probe::Cpu(..)
                | Probe::Client(..)
                | Probe::Ends(..)
                | Probe::Time(..)
                | Probe::Latency(..),
                None,
            ) => Err("no server was started".into()),
        }
    }
}

/// Of a server that has not served anything else.
fn resident(programs: &Programs, server: Server, load: Load) -> Checked<f64> {
    let running = Running::start(FIRST_CORE, &programs.server(server))?;
    load.measure(programs, &running, "resident")
}

fn per_call(measured: &serde_json::Value, what: &str) -> Checked<f64> {
    match (measured[what].as_f64(), measured["count"].as_f64()) {
        (Some(value), Some(count)) if count > 0.0 => Ok(value / count),
        _ => Err(format!("not measured: {measured}").into()),
    }
}
