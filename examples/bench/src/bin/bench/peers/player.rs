//! The libraries that play: how each is built or installed, and how it is started.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use bench::Checked;

use crate::programs::{Programs, cargo, succeed};

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Player {
    Ours,
    Tcp,
    Tonic,
    Tarpc,
    Remoc,
    Socketioxide,
    Ws,
    RpcWebsockets,
}

/// The packages of npm.
const NODE: [&str; 2] = ["ws@8.23.0", "rpc-websockets@10.0.1"];

/// The directories of programs that are no part of this workspace.
pub(crate) struct Installed {
    release: PathBuf,
    node: PathBuf,
}

impl Player {
    pub(crate) const ALL: [Self; 8] = [
        Self::Ours,
        Self::Tcp,
        Self::Tonic,
        Self::Tarpc,
        Self::Remoc,
        Self::Socketioxide,
        Self::Ws,
        Self::RpcWebsockets,
    ];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Ours => "this framework",
            Self::Tcp => "raw TCP",
            Self::Tonic => "tonic",
            Self::Tarpc => "tarpc",
            Self::Remoc => "remoc",
            Self::Socketioxide => "socketioxide",
            Self::Ws => "Node `ws`",
            Self::RpcWebsockets => "Node `rpc-websockets`",
        }
    }
}

impl Installed {
    /// Builds and installs all of them; the first time that takes minutes.
    pub(crate) fn all(target: &Path) -> Checked<Self> {
        let kept = target.join("foreign-peers/bench");
        for name in ["tonic", "tarpc", "remoc", "socketioxide"] {
            let mut cargo = cargo("build");
            cargo
                .arg("--locked")
                .arg("--manifest-path")
                .arg(source().join(name).join("Cargo.toml"));
            succeed(cargo.arg("--target-dir").arg(&kept))?;
        }
        let node = kept.join("node");
        install_node(&node)?;
        Ok(Self { release: kept.join("release"), node })
    }

    /// The words that start one, with what follows.
    pub(crate) fn words(&self, programs: &Programs, player: Player, own: &[&str]) -> Vec<String> {
        let rust = |name| vec![self.release.join(name).to_string_lossy().into_owned()];
        let node = |name| {
            let modules = format!("NODE_PATH={}", self.node.join("node_modules").display());
            let script = source().join("node").join(name).to_string_lossy().into_owned();
            ["env", &modules, "node", &script].map(str::to_owned).into()
        };
        let mut words = match player {
            Player::Ours => programs.own("peer_ours"),
            Player::Tcp => programs.own("peer_tcp"),
            Player::Tonic => rust("peer-tonic"),
            Player::Tarpc => rust("peer-tarpc"),
            Player::Remoc => rust("peer-remoc"),
            Player::Socketioxide => rust("peer-socketioxide"),
            Player::Ws => node("ws.cjs"),
            Player::RpcWebsockets => node("rpc_websockets.cjs"),
        };
        words.extend(own.iter().map(|&word| word.to_owned()));
        words
    }
}

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("peers")
}

/// Unless the same was installed before.
fn install_node(node: &Path) -> Checked {
    let stamp = node.join("installed");
    let wanted = NODE.join(" ");
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    fs::create_dir_all(node)?;
    let mut npm = Command::new("npm");
    npm.args([
        "install",
        "--ignore-scripts",
        "--no-audit",
        "--no-fund",
        "--no-package-lock",
        "--loglevel=error",
    ]);
    succeed(npm.arg("--prefix").arg(node).args(NODE))?;
    Ok(fs::write(stamp, wanted)?)
}
