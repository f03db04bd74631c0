//! A server that can be killed, and started again on the same port.

use std::io;
use std::process::Stdio;

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

/// A running server. It ends with this value.
pub(crate) struct Program {
    command: Vec<String>,
    child: Child,
    pub(crate) url: String,
}

impl Program {
    /// Starts the program of `command` on a free port. Its first line says where it listens.
    pub(crate) async fn start(command: Vec<String>) -> io::Result<Self> {
        let (child, url) = listen(&command, "0").await?;
        Ok(Self { command, child, url })
    }

    /// Kills the program by SIGKILL, which it cannot prepare for.
    pub(crate) async fn kill(&mut self) -> io::Result<()> {
        self.child.kill().await
    }

    /// Starts the killed program on its port.
    pub(crate) async fn start_again(&mut self) -> io::Result<()> {
        let address = self.url.trim_start_matches("ws://").split('/').next().unwrap_or_default();
        let port = address.rsplit(':').next().unwrap_or_default().to_owned();
        let (child, url) = listen(&self.command, &port).await?;
        assert_eq!(url, self.url, "it listens on its port");
        self.child = child;
        Ok(())
    }
}

async fn listen(command: &[String], port: &str) -> io::Result<(Child, String)> {
    let (program, arguments) = command.split_first().expect("a program");
    let mut child = Command::new(program)
        .args(arguments)
        .arg(port)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
    let line = lines.next_line().await?.ok_or_else(|| io::Error::other("it says nothing"))?;
    let url = line.strip_prefix("listening on ").ok_or_else(|| io::Error::other(line.clone()))?;
    Ok((child, url.to_owned()))
}
