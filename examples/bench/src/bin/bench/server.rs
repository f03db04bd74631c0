//! Programs that run: each on its core, none longer than whoever started it.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use bench::Checked;

/// Of the servers; of clients too where a server has the other one.
pub(crate) const FIRST_CORE: &str = "0";
/// Of whoever calls.
pub(crate) const SECOND_CORE: &str = "1";

/// Under valgrind a start takes seconds.
const STARTS_WITHIN: Duration = Duration::from_secs(60);
const STOPS_WITHIN: Duration = Duration::from_secs(15);

/// Seconds for one run of a load or a client.
const RUNS_WITHIN: &str = "300";

/// A server that listens; it is stopped when this is dropped.
pub(crate) struct Running {
    child: Child,
    pub(crate) url: String,
}

impl Running {
    /// Starts it, and waits until it says where it listens.
    pub(crate) fn start(core: &str, words: &[String]) -> Checked<Self> {
        let mut command = Command::new("taskset");
        // If this program dies without a chance to clean up, the server hears of it.
        command.args(["-c", core, "setpriv", "--pdeathsig", "TERM"]).args(words);
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        let child = command.spawn().map_err(|error| format!("{command:?}: {error}"))?;
        let mut running = Self { child, url: String::new() };
        running.url = running.listening()?;
        Ok(running)
    }

    fn listening(&mut self) -> Checked<String> {
        let stdout = self.child.stdout.take().ok_or("no stdout")?;
        let (sender, receiver) = mpsc::channel();
        thread::spawn(move || {
            let mut lines = BufReader::new(stdout).lines();
            let _nobody_waits = sender.send(lines.next());
            // Whatever else it says must not stop it.
            lines.for_each(drop);
        });
        let line = receiver.recv_timeout(STARTS_WITHIN).map_err(|_| "a server does not start")?;
        let line = line.ok_or("a server ends instead of listening")??;
        let url = line.strip_prefix("listening on ").ok_or_else(|| format!("it says: {line}"))?;
        Ok(url.to_owned())
    }

    pub(crate) fn pid(&self) -> String {
        self.child.id().to_string()
    }

    /// Stops it, and waits until it has ended: only then are a tool's numbers written.
    pub(crate) fn stop(mut self) -> Checked {
        self.end()
    }

    fn end(&mut self) -> Checked {
        if self.child.try_wait()?.is_some() {
            return Ok(());
        }
        Command::new("kill").args(["-s", "TERM", &self.pid()]).status()?;
        let since = Instant::now();
        while since.elapsed() < STOPS_WITHIN {
            if self.child.try_wait()?.is_some() {
                return Ok(());
            }
            thread::sleep(Duration::from_millis(10));
        }
        self.child.kill()?;
        self.child.wait()?;
        Err("a server did not stop when it was told to".into())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // There is nobody left to tell.
        let _ended = self.end();
    }
}

/// Runs a load or a client to its end; what it has measured.
pub(crate) fn run(core: &str, words: &[String]) -> Checked<serde_json::Value> {
    let mut command = Command::new("timeout");
    command.args([RUNS_WITHIN, "taskset", "-c", core, "setpriv", "--pdeathsig", "TERM"]);
    let output = command.args(words).stdin(Stdio::null()).stderr(Stdio::inherit()).output()?;
    if !output.status.success() {
        return Err(format!("{} failed: {}", words.join(" "), output.status).into());
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}
