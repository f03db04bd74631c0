//! A proxy in front of the client, which lets only one user through.

use std::error::Error;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;
use std::{env, fs, process};

use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::time::sleep;

use crate::checks::Checked;

/// Whom the proxy lets through.
pub(crate) const LOGIN: &str = "ada:secret";

/// A running proxy. It ends with this value, and its folder with it.
pub(crate) struct Forward {
    kind: Kind,
    folder: PathBuf,
    port: u16,
    child: Child,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `CONNECT` of HTTP.
    Tinyproxy,
    /// SOCKS 5.
    Microsocks,
}

impl Kind {
    /// Returns the kind with the name of its program.
    pub(crate) fn named(name: &str) -> Option<Self> {
        match name {
            "tinyproxy" => Some(Self::Tinyproxy),
            "microsocks" => Some(Self::Microsocks),
            _ => None,
        }
    }

    fn command(self, folder: &std::path::Path, port: u16) -> Command {
        let mut command = match self {
            Self::Tinyproxy => {
                let mut command = Command::new("tinyproxy");
                command.arg("-d").arg("-c").arg(folder.join("conf"));
                command
            }
            Self::Microsocks => {
                let mut command = Command::new("microsocks");
                command.args(["-i", "127.0.0.1", "-p", &port.to_string()]);
                command.args(["-u", "ada", "-P", "secret"]);
                command
            }
        };
        // Both tell of each connection.
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command.kill_on_drop(true);
        command
    }
}

impl Forward {
    pub(crate) async fn start(kind: Kind) -> Result<Self, Box<dyn Error>> {
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let folder = env::temp_dir().join(format!("proxies-{}-forward-{port}", process::id()));
        fs::create_dir_all(&folder)?;
        let config = format!("Port {port}\nListen 127.0.0.1\nBasicAuth ada secret\nTimeout 600\n");
        fs::write(folder.join("conf"), config)?;
        let child = kind.command(&folder, port).spawn()?;
        let proxy = Self { kind, folder, port, child };
        proxy.listens().await?;
        Ok(proxy)
    }

    /// Returns its URL with this user and password.
    pub(crate) fn url(&self, login: &str) -> String {
        let scheme = match self.kind {
            Kind::Tinyproxy => "http",
            Kind::Microsocks => "socks5h",
        };
        let at = if login.is_empty() { "" } else { "@" };
        format!("{scheme}://{login}{at}127.0.0.1:{}", self.port)
    }

    /// Ends the proxy with all that it carries.
    pub(crate) async fn stop(&mut self) -> Checked {
        Ok(self.child.kill().await?)
    }

    /// Starts the proxy again.
    pub(crate) async fn start_again(&mut self) -> Checked {
        self.child = self.kind.command(&self.folder, self.port).spawn()?;
        self.listens().await
    }

    /// Waits until the proxy listens.
    async fn listens(&self) -> Checked {
        for _ in 0..500 {
            if TcpStream::connect(("127.0.0.1", self.port)).await.is_ok() {
                return Ok(());
            }
            sleep(Duration::from_millis(10)).await;
        }
        Err("it does not listen".into())
    }
}

impl Drop for Forward {
    fn drop(&mut self) {
        // What is left lies where each system cleans up.
        let _ = fs::remove_dir_all(&self.folder);
    }
}
