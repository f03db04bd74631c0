//! What stands on the command line.

use std::time::Duration;

use lexopt::prelude::*;
use rpc_core::Limits;
use tracing_subscriber::filter::LevelFilter;

pub(crate) const HELP: &str = "\
usage: reference_server --listen ADDRESS [options]
  --listen ADDRESS        where to listen, such as 127.0.0.1:0 for any port that is free
  --allow-origin ORIGIN   lets pages from there connect; may be repeated
  --schema                answers `rpc.discover`
  --sessions              lets sessions outlive their links
  --forward               hands `back.…` on to the caller itself
  --sse                   lets clients connect by server-sent events and POST as well
  --limit NAME=VALUE      sets a limit by its name, such as queue=65536 or ping=2s; may be repeated
  --max-level LEVEL       what to log to stderr: off, error, warn, info (default), debug, trace";

/// How long running handlers may go on after a signal, unless `--limit grace=…` says otherwise:
/// whoever stops this server waits for it.
const GRACE: Duration = Duration::from_secs(3);

/// What is to be done.
#[derive(Debug)]
pub(crate) enum Command {
    Help,
    Serve(Box<Options>),
}

/// How to serve.
#[derive(Debug)]
pub(crate) struct Options {
    pub(crate) listen: String,
    pub(crate) origins: Vec<String>,
    pub(crate) schema: bool,
    pub(crate) sessions: bool,
    pub(crate) forward: bool,
    pub(crate) sse: bool,
    /// They agree with each other.
    pub(crate) limits: Limits,
    pub(crate) level: LevelFilter,
}

impl Command {
    pub(crate) fn from_env() -> Result<Self, lexopt::Error> {
        let mut parser = lexopt::Parser::from_env();
        let mut listen = None;
        let mut origins = Vec::new();
        let mut limits = Limits::server();
        limits.grace = GRACE;
        let mut schema = false;
        let mut sessions = false;
        let mut forward = false;
        let mut sse = false;
        let mut level = LevelFilter::INFO;
        while let Some(arg) = parser.next()? {
            match arg {
                Long("help") | Short('h') => return Ok(Self::Help),
                Long("listen") => listen = Some(parser.value()?.string()?),
                Long("allow-origin") => origins.push(parser.value()?.string()?),
                Long("schema") => schema = true,
                Long("sessions") => sessions = true,
                Long("forward") => forward = true,
                Long("sse") => sse = true,
                Long("limit") => set(&mut limits, &parser.value()?.string()?)?,
                Long("max-level") => level = parser.value()?.parse()?,
                other => return Err(other.unexpected()),
            }
        }
        limits.check().map_err(|error| format!("--limit: {error}"))?;
        let listen = listen.ok_or("--listen ADDRESS is needed")?;
        let options = Options { listen, origins, schema, sessions, forward, sse, limits, level };
        Ok(Self::Serve(Box::new(options)))
    }
}

fn set(limits: &mut Limits, limit: &str) -> Result<(), lexopt::Error> {
    let (name, value) = limit.split_once('=').ok_or_else(|| format!("--limit {limit}: no `=`"))?;
    limits.set(name, value).map_err(|error| format!("--limit {limit}: {error}").into())
}
