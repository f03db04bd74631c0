//! What stands on the command line.

use bench::Checked;
use lexopt::prelude::*;

pub(crate) const HELP: &str = "\
usage: cargo run --release -p bench -- [options]
  --rounds N    of each measurement (7)
  --quick       3 rounds with small counts; says little, but says it soon
  --only NAME   the rows whose name begins like that; their results are printed, not kept
  --peers       beside tonic, tarpc, remoc, socketioxide and Node: 3 rounds take half an hour,
                --quick two minutes; the first time they are built and installed
  --curves      what a call costs as the work grows, counted: some minutes
  --gate        only what every change must keep: exits with 1 if it does not";

pub(crate) enum Command {
    Help,
    Gate,
    Measure(Options),
    Peers(Options),
    Curves(Options),
}

pub(crate) struct Options {
    pub(crate) rounds: usize,
    pub(crate) quick: bool,
    pub(crate) only: Only,
}

/// Which rows.
pub(crate) struct Only(pub(crate) Option<String>);

impl Command {
    pub(crate) fn from_env() -> Checked<Self> {
        let mut parser = lexopt::Parser::from_env();
        let mut options = Options { rounds: 7, quick: false, only: Only(None) };
        let (mut rounds, mut peers, mut curves) = (None, false, false);
        while let Some(arg) = parser.next()? {
            match arg {
                Long("help") | Short('h') => return Ok(Self::Help),
                Long("gate") => return Ok(Self::Gate),
                Long("peers") => peers = true,
                Long("curves") => curves = true,
                Long("quick") => options.quick = true,
                Long("rounds") => rounds = Some(parser.value()?.parse()?),
                Long("only") => options.only.0 = Some(parser.value()?.string()?),
                other => return Err(format!("{}\n\n{HELP}", other.unexpected()).into()),
            }
        }
        let usual = match (peers, options.quick) {
            (false, false) => 7,
            (false, true) | (true, false) => 3,
            (true, true) => 1,
        };
        options.rounds = rounds.unwrap_or(usual).max(1);
        Ok(match (curves, peers) {
            (true, _) => Self::Curves(options),
            (false, true) => Self::Peers(options),
            (false, false) => Self::Measure(options),
        })
    }
}

impl Only {
    pub(crate) fn matches(&self, name: &str) -> bool {
        self.0.as_deref().is_none_or(|begin| name.starts_with(begin))
    }
}
