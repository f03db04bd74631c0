//! What stands on the command line.

use bench::Checked;
use lexopt::prelude::*;

const HELP: &str = "\
usage: load MODE ws://ADDRESS [options]
  call     calls on each connection, `window` outstanding
  batch    batches of `burst` calls, `window` of them outstanding
  connect  connects, calls, closes, again and again
  fanout   `connections` members of a group, to which `burst` values at a time are published
  items    `streams` subscriptions on each connection, as many items of all together as `count` says
  nest     calls that call back, `depth` of them within each other
  drive    has the server call back
  idle     opens connections and holds them; with --bytes each sends a message of that size first
  --count N        calls, batches, connections or bursts (1000)
  --warm-up N      as many before those that are measured (0)
  --window N       (1)
  --connections N  (1)
  --burst N        (1)
  --groups N       groups that each member of the fanout is in (1)
  --streams N      (1)
  --depth N        (1)
  --unordered      values of one burst may come in any order, as from a server that publishes
                   them beside each other
  --method NAME    add, pause or echo (add)
  --bytes N        of the message, with echo
  --latency        measures the time of each call; with a window of 1
  --session        asks for a session, and acknowledges what comes if the server grants one
  --then COMMAND   is run while the connections are idle
  --pid PID        the server, to measure what it uses";

/// What to do.
pub(crate) enum Mode {
    Call,
    Batch,
    Connect,
    Fanout,
    Items,
    Nest,
    Drive,
    Idle,
}

pub(crate) struct Options {
    pub(crate) mode: Mode,
    /// Host and port.
    pub(crate) address: String,
    pub(crate) count: u64,
    pub(crate) warm_up: u64,
    pub(crate) window: usize,
    pub(crate) connections: usize,
    pub(crate) burst: u64,
    pub(crate) groups: u64,
    pub(crate) streams: u64,
    pub(crate) depth: u64,
    pub(crate) unordered: bool,
    pub(crate) method: String,
    pub(crate) bytes: usize,
    pub(crate) latency: bool,
    pub(crate) session: bool,
    pub(crate) then: Option<String>,
    pub(crate) pid: Option<String>,
}

impl Options {
    pub(crate) fn from_env() -> Checked<Self> {
        Self::parse(lexopt::Parser::from_env()).map_err(|error| format!("{error}\n\n{HELP}").into())
    }

    fn parse(mut parser: lexopt::Parser) -> Result<Self, lexopt::Error> {
        let mode = mode(&parser.value()?.string()?)?;
        let mut options = Self::new(mode, parser.value()?.string()?)?;
        while let Some(arg) = parser.next()? {
            match arg {
                Long("count") => options.count = parser.value()?.parse()?,
                Long("warm-up") => options.warm_up = parser.value()?.parse()?,
                Long("window") => options.window = parser.value()?.parse()?,
                Long("connections") => options.connections = parser.value()?.parse()?,
                Long("burst") => options.burst = parser.value()?.parse()?,
                Long("groups") => options.groups = parser.value()?.parse()?,
                Long("streams") => options.streams = parser.value()?.parse()?,
                Long("depth") => options.depth = parser.value()?.parse()?,
                Long("unordered") => options.unordered = true,
                Long("method") => options.method = parser.value()?.string()?,
                Long("bytes") => options.bytes = parser.value()?.parse()?,
                Long("latency") => options.latency = true,
                Long("session") => options.session = true,
                Long("then") => options.then = Some(parser.value()?.string()?),
                Long("pid") => options.pid = Some(parser.value()?.string()?),
                other => return Err(other.unexpected()),
            }
        }
        if options.latency && options.window != 1 {
            return Err("`--latency` needs `--window 1`".into());
        }
        Ok(options)
    }

    fn new(mode: Mode, url: String) -> Result<Self, lexopt::Error> {
        let address = url.strip_prefix("ws://").ok_or("the address begins with ws://")?;
        Ok(Self {
            mode,
            address: address.trim_end_matches('/').to_owned(),
            count: 1000,
            warm_up: 0,
            window: 1,
            connections: 1,
            burst: 1,
            groups: 1,
            streams: 1,
            depth: 1,
            unordered: false,
            method: "add".to_owned(),
            bytes: 0,
            latency: false,
            session: false,
            then: None,
            pid: None,
        })
    }
}

fn mode(name: &str) -> Result<Mode, lexopt::Error> {
    Ok(match name {
        "call" => Mode::Call,
        "batch" => Mode::Batch,
        "connect" => Mode::Connect,
        "fanout" => Mode::Fanout,
        "items" => Mode::Items,
        "nest" => Mode::Nest,
        "drive" => Mode::Drive,
        "idle" => Mode::Idle,
        _ => return Err(format!("no mode `{name}`").into()),
    })
}
