//! What stands on the command line.

use lexopt::prelude::*;

pub(crate) const HELP: &str = "\
usage:
  autobahn server --listen ADDRESS    echoes, until it is killed
  autobahn client --url URL           echoes to a server of the suite, once for each of its cases";

/// What is to be done.
#[derive(Debug)]
pub(crate) enum Command {
    Help,
    Server { listen: String },
    Client { url: String },
}

impl Command {
    pub(crate) fn from_env() -> Result<Self, lexopt::Error> {
        let mut parser = lexopt::Parser::from_env();
        let (mut command, mut listen, mut url) = (None, None, None);
        while let Some(arg) = parser.next()? {
            match arg {
                Value(name) if command.is_none() => command = Some(name.string()?),
                Long("help") | Short('h') => return Ok(Self::Help),
                Long("listen") => listen = Some(parser.value()?.string()?),
                Long("url") => url = Some(parser.value()?.string()?),
                other => return Err(other.unexpected()),
            }
        }
        match command.as_deref() {
            Some("server") => {
                Ok(Self::Server { listen: listen.ok_or("--listen ADDRESS is needed")? })
            }
            Some("client") => Ok(Self::Client { url: url.ok_or("--url URL is needed")? }),
            _ => Err("write `autobahn server` or `autobahn client`".into()),
        }
    }
}
