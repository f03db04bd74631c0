//! This program in its other roles.

use std::process::Stdio;

use bench::Checked;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

/// Starts this program in another role, which says on which port it listens.
pub(crate) async fn start(role: &[&str]) -> Checked<(Child, String)> {
    let mut child = Command::new(std::env::current_exe()?)
        .args(role)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let mut lines = BufReader::new(child.stdout.take().ok_or("no stdout")?).lines();
    let line = lines.next_line().await?.ok_or("it says nothing")?;
    Ok((child, line.strip_prefix("listening on ").ok_or("no port")?.to_owned()))
}
