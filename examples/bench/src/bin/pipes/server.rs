//! The servers that are measured.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use bench::{Adder, AdderServer, Checked};
use rpc_client::Client;
use rpc_core::transport::Framing;
use rpc_server::Server;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

/// How a server is reached, and what it is made of.
#[derive(Clone)]
pub(crate) enum Way {
    WebSocket,
    Lines,
    Heads,
    VscodeJsonrpc(PathBuf),
    McpSdk(PathBuf),
}

/// A server that is connected.
pub(crate) struct Running {
    pub(crate) client: Client,
    pub(crate) pid: u32,
    /// A server that is no child of its client.
    pub(crate) _child: Option<Child>,
}

struct Ours;

impl Adder for Ours {
    async fn add(&self, a: i64, b: i64) -> i64 {
        a + b
    }
}

/// Serves in this process.
pub(crate) async fn serve(way: &str) -> Checked {
    let server = Server::builder().service(AdderServer::new(Ours));
    match way {
        "lines" => server.framing(Framing::Lines).serve_stdio().await?,
        "heads" => server.framing(Framing::ContentLength).serve_stdio().await?,
        "websocket" => {
            let bound = server.bind("127.0.0.1:0").await?;
            println!("{}", bound.url());
            bound.serve().await;
        }
        other => return Err(format!("there is no way `{other}`").into()),
    }
    Ok(())
}

impl Way {
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::WebSocket => "ours, WebSocket",
            Self::Lines => "ours, lines over pipes",
            Self::Heads => "ours, heads over pipes",
            Self::VscodeJsonrpc(_) => "vscode-jsonrpc, heads",
            Self::McpSdk(_) => "MCP SDK, lines",
        }
    }

    /// Returns whether the server takes params by name only, and answers an object.
    pub(crate) fn is_by_name(&self) -> bool {
        matches!(self, Self::McpSdk(_))
    }

    /// Starts the server, and connects.
    pub(crate) async fn start(&self) -> Checked<Running> {
        match self {
            Self::WebSocket => over_websocket().await,
            Self::Lines => over_pipes(Framing::Lines, || this("lines")).await,
            Self::Heads => over_pipes(Framing::ContentLength, || this("heads")).await,
            Self::VscodeJsonrpc(modules) => {
                let modules = modules.clone();
                over_pipes(Framing::ContentLength, move || node(&modules, "vscode_jsonrpc.cjs"))
                    .await
            }
            Self::McpSdk(modules) => {
                let modules = modules.clone();
                over_pipes(Framing::Lines, move || node(&modules, "mcp_sdk.cjs")).await
            }
        }
    }
}

async fn over_websocket() -> Checked<Running> {
    let mut child = this("websocket").stdout(Stdio::piped()).kill_on_drop(true).spawn()?;
    let stdout = child.stdout.take().ok_or("no output")?;
    let url = BufReader::new(stdout).lines().next_line().await?.ok_or("no URL")?;
    let client = Client::builder().connect(url).await?;
    let pid = child.id().ok_or("the server has ended")?;
    Ok(Running { client, pid, _child: Some(child) })
}

/// The id of the process is told by the file of its parent: a client does not tell it.
async fn over_pipes(
    framing: Framing,
    command: impl Fn() -> Command + Send + Sync + 'static,
) -> Checked<Running> {
    let before = children()?;
    let client = Client::builder().plain(true).framing(framing).spawn(command).await?;
    let started: Vec<u32> = children()?.into_iter().filter(|pid| !before.contains(pid)).collect();
    match started[..] {
        [pid] => Ok(Running { client, pid, _child: None }),
        _ => Err("there is not one more child".into()),
    }
}

/// Returns the ids of the children of this process.
fn children() -> Checked<Vec<u32>> {
    let mut all = Vec::new();
    for thread in std::fs::read_dir("/proc/self/task")? {
        let children = std::fs::read_to_string(thread?.path().join("children"))?;
        for pid in children.split_whitespace() {
            all.push(pid.parse()?);
        }
    }
    Ok(all)
}

/// This program as a server.
fn this(way: &str) -> Command {
    let mut command = Command::new("/proc/self/exe");
    command.args(["serve", way]);
    command
}

fn node(modules: &Path, script: &str) -> Command {
    let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("peers/node");
    let mut command = Command::new("node");
    command.arg(scripts.join(script)).env("NODE_PATH", modules);
    command
}
