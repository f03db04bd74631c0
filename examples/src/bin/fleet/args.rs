//! What stands on the command line.

use std::time::Duration;

use lexopt::prelude::*;

pub(crate) const HELP: &str = "\
usage:
  fleet                                            all of it in one process
  fleet --web ADDRESS [--agents NUMBER] [--every SECONDS]
                                                   a page that shows it, until ctrl-c, with so many agents
                                                   (12) on made-up machines; others connect to ws://ADDRESS/rpc
  fleet server --listen ADDRESS                    until ctrl-c
  fleet agent --connect URL --name NAME [--delay SECONDS]
                                                   until ctrl-c
  fleet survey --connect URL                       a table of all agents
  fleet find --connect URL --agent NAME --process NAME
                                                   the processes of that name there
  fleet watch --connect URL [--every SECONDS]      how busy all agents are, three times
  fleet label --connect URL --label TEXT           tells all agents a label";

/// What is to be done.
#[derive(Debug)]
pub(crate) enum Command {
    Help,
    Tour,
    Web { listen: String, agents: usize, every: Duration },
    Server { listen: String },
    Agent { url: String, name: String, delay: Duration },
    Survey { url: String },
    Find { url: String, agent: String, process: String },
    Watch { url: String, every: Duration },
    Label { url: String, label: String },
}

/// The options of all commands.
#[derive(Default)]
struct Options {
    web: Option<String>,
    agents: Option<usize>,
    listen: Option<String>,
    connect: Option<String>,
    name: Option<String>,
    delay: Option<f64>,
    every: Option<f64>,
    agent: Option<String>,
    process: Option<String>,
    label: Option<String>,
}

impl Command {
    pub(crate) fn from_env() -> Result<Self, lexopt::Error> {
        let mut parser = lexopt::Parser::from_env();
        let mut command = None;
        let mut options = Options::default();
        while let Some(arg) = parser.next()? {
            match arg {
                Value(name) if command.is_none() => command = Some(name.string()?),
                Long("help") | Short('h') => return Ok(Self::Help),
                Long("web") => options.web = Some(parser.value()?.string()?),
                Long("agents") => options.agents = Some(parser.value()?.parse()?),
                Long("listen") => options.listen = Some(parser.value()?.string()?),
                Long("connect") => options.connect = Some(parser.value()?.string()?),
                Long("name") => options.name = Some(parser.value()?.string()?),
                Long("delay") => options.delay = Some(parser.value()?.parse()?),
                Long("every") => options.every = Some(parser.value()?.parse()?),
                Long("agent") => options.agent = Some(parser.value()?.string()?),
                Long("process") => options.process = Some(parser.value()?.string()?),
                Long("label") => options.label = Some(parser.value()?.string()?),
                other => return Err(other.unexpected()),
            }
        }
        Self::new(command.as_deref(), options)
    }

    fn new(command: Option<&str>, options: Options) -> Result<Self, lexopt::Error> {
        let url = || needed(options.connect.clone(), "--connect URL");
        Ok(match command {
            None => match options.web {
                None => Self::Tour,
                Some(listen) => Self::Web {
                    listen,
                    agents: options.agents.unwrap_or(12),
                    every: seconds(options.every.unwrap_or(0.25), "--every")?,
                },
            },
            Some("help") => Self::Help,
            Some("server") => Self::Server { listen: needed(options.listen, "--listen ADDRESS")? },
            Some("agent") => Self::Agent {
                url: url()?,
                name: needed(options.name, "--name NAME")?,
                delay: seconds(options.delay.unwrap_or_default(), "--delay")?,
            },
            Some("survey") => Self::Survey { url: url()? },
            Some("find") => Self::Find {
                url: url()?,
                agent: needed(options.agent, "--agent NAME")?,
                process: needed(options.process, "--process NAME")?,
            },
            Some("watch") => Self::Watch {
                url: url()?,
                every: seconds(options.every.unwrap_or(1.0), "--every")?,
            },
            Some("label") => {
                Self::Label { url: url()?, label: needed(options.label, "--label TEXT")? }
            }
            Some(other) => return Err(format!("no command `{other}`").into()),
        })
    }
}

fn needed(value: Option<String>, option: &str) -> Result<String, lexopt::Error> {
    value.ok_or_else(|| format!("this command needs {option}").into())
}

fn seconds(seconds: f64, option: &str) -> Result<Duration, lexopt::Error> {
    Duration::try_from_secs_f64(seconds).map_err(|error| format!("{option}: {error}").into())
}
