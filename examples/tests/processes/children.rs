//! Child processes: a server, and a client that stays connected.

use std::process::Stdio;

use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

use crate::soon;

/// A running program. It ends with this value.
pub(crate) struct Running {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Running {
    pub(crate) fn start(program: &str, arguments: &[&str]) -> Self {
        let mut child = Command::new(program)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    /// Starts a reference server, and returns its URL as well.
    pub(crate) async fn server(arguments: &[&str]) -> (Self, String) {
        let mut all = vec!["--max-level", "error"];
        all.extend(arguments);
        let mut server = Self::start(env!("CARGO_BIN_EXE_reference_server"), &all);
        let line = server.line().await;
        let url = line.strip_prefix("listening on ").expect(&line).to_owned();
        (server, url)
    }

    /// Returns the next line.
    pub(crate) async fn line(&mut self) -> String {
        soon(self.lines.next_line()).await.unwrap().expect("the program runs")
    }

    /// Sends a signal, such as `STOP`.
    pub(crate) async fn signal(&self, name: &str) {
        let id = self.child.id().expect("it runs").to_string();
        let sent = Command::new("kill").args(["-s", name, &id]).status().await.unwrap();
        assert!(sent.success(), "{name}");
    }

    /// Kills the program by SIGKILL, which it cannot prepare for.
    pub(crate) async fn kill(&mut self) {
        self.child.kill().await.unwrap();
    }
}
