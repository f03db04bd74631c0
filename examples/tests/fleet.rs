//! The main example, run as a person would: in one process, and as several.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Output, Stdio};

fn fleet(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fleet"));
    command.args(args).stdin(Stdio::null());
    command
}

fn text(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{text}\n{}", String::from_utf8_lossy(&output.stderr));
    text
}

/// Ends with the test, whatever happens.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Running {
    /// Starts a process and waits for a line in which this stands.
    fn start(args: &[&str], sign: &str) -> (Self, String) {
        let mut child = fleet(args).stdout(Stdio::piped()).spawn().expect("the binary is there");
        let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        let running = Self(child);
        let line = lines.by_ref().map_while(Result::ok).find(|line| line.contains(sign));
        // The rest is read, or the process would stand still with a full pipe.
        std::thread::spawn(move || lines.for_each(drop));
        (running, line.unwrap_or_else(|| panic!("no `{sign}` from {args:?}")))
    }
}

#[test]
fn alone_it_shows_who_calls_whom_and_ends() {
    let shown = text(&fleet(&[]).output().expect("the binary is there"));
    for line in [
        "asks 3 agents",
        "ada      is asked for a report",
        "eve    did not answer in time",
        "operator gets the agent's error: no process `no-such-process`",
        "operator sees the load of ada ",
        "bob      is told the label `blue`",
        "network  cuts the line of bob",
        "bob      is up, session resumed",
        "ada      is up, fresh session: nothing was lost",
        "bob      is up, fresh session: nothing was lost",
        "server   is shut down",
    ] {
        assert!(shown.contains(line), "no `{line}` in\n{shown}");
    }
    // Before the cut, over the cut, and behind the restart.
    assert_eq!(shown.matches("\n  bob ").count(), 3, "bob is missing from a survey:\n{shown}");
    assert_eq!(
        shown.matches("lets in agent bob").count(),
        2,
        "once in each life of the server:\n{shown}"
    );
}

#[test]
fn an_agent_waits_for_a_server_that_restarts() {
    let (server, line) = Running::start(&["server", "--listen", "127.0.0.1:0"], "listening on ");
    let url = line.rsplit(' ').next().unwrap();
    let _ada = Running::start(&["agent", "--connect", url, "--name", "ada"], "is connected");
    drop(server);
    let listen = url.trim_start_matches("ws://");
    let (_server, _) = Running::start(&["server", "--listen", listen], "lets in agent ada");
}

#[test]
fn as_separate_processes_it_does_the_same() {
    let (_server, line) = Running::start(&["server", "--listen", "127.0.0.1:0"], "listening on ");
    let url = line.rsplit(' ').next().unwrap();
    let connected = "is connected";
    let _ada = Running::start(&["agent", "--connect", url, "--name", "ada"], connected);
    let slow = ["agent", "--connect", url, "--name", "eve", "--delay", "5"];
    let _eve = Running::start(&slow, connected);

    let survey = text(&fleet(&["survey", "--connect", url]).output().unwrap());
    assert!(survey.contains("  ada ") && survey.contains("eve    did not answer"), "{survey}");
    let find = ["find", "--connect", url, "--agent", "bob", "--process", "x"];
    assert!(text(&fleet(&find).output().unwrap()).contains("no agent `bob`"));
    let watch = ["watch", "--connect", url, "--every", "0.1"];
    let watched = text(&fleet(&watch).output().unwrap());
    assert_eq!(watched.matches("sees the load of ada").count(), 3, "{watched}");
    let label = ["label", "--connect", url, "--label", "red"];
    assert!(text(&fleet(&label).output().unwrap()).contains("2 agents were told"));
}

#[test]
fn what_is_wrong_with_the_command_line_is_said() {
    for (args, complaint) in [
        (&["server"][..], "--listen ADDRESS"),
        (&["agent", "--connect", "ws://x", "--name", "a", "--delay", "-1"], "--delay"),
        (&["watch", "--connect", "ws://x", "--every", "soon"], "soon"),
        (&["dance"], "no command `dance`"),
        (&["survey", "--conect", "x"], "--conect"),
    ] {
        let output = fleet(args).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code() == Some(2) && said.contains(complaint), "{args:?}: {said}");
    }
    let output = fleet(&["survey", "--connect", "ws://127.0.0.1:1"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
}
