//! What stands on the command line.

use std::time::Duration;

use lexopt::prelude::*;

pub(crate) const HELP: &str = "\
usage:
  chaos [--seconds N] [--seed N] [--clients N]     15 seconds, a random seed, 4 clients";

/// How long and how much.
#[derive(Debug)]
pub(crate) struct Args {
    pub(crate) time: Duration,
    pub(crate) seed: u64,
    pub(crate) clients: usize,
}

impl Args {
    /// Reads the arguments; `None` if help was asked for.
    pub(crate) fn from_env() -> Result<Option<Self>, lexopt::Error> {
        let mut parser = lexopt::Parser::from_env();
        let (mut seconds, mut seed, mut clients) = (15, None, 4);
        while let Some(arg) = parser.next()? {
            match arg {
                Long("help") | Short('h') => return Ok(None),
                Long("seconds") => seconds = parser.value()?.parse()?,
                Long("seed") => seed = Some(parser.value()?.parse()?),
                Long("clients") => clients = parser.value()?.parse()?,
                other => return Err(other.unexpected()),
            }
        }
        if seconds == 0 || clients == 0 {
            return Err("--seconds and --clients are at least 1".into());
        }
        let seed = match seed {
            Some(seed) => seed,
            None => u64::from(getrandom::u32().map_err(|error| error.to_string())?),
        };
        Ok(Some(Self { time: Duration::from_secs(seconds), seed, clients }))
    }
}
