//! What is measured, and how it is built and started.

use std::path::{Path, PathBuf};
use std::process::Command;

use bench::Checked;

/// A server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Server {
    /// Ours, as the tests know it.
    Reference,
    /// The same, with room for what the curves measure beyond the default limits.
    Roomy,
    /// Ours, for what the reference server lacks.
    Ours,
    /// The same, with this number of layers.
    Layers(u8),
    /// The same, which grants sessions.
    Sessions,
    /// The same, with links over server-sent events.
    Sse,
    /// The least that a server can do.
    Floor,
    Jsonrpsee,
}

/// A client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Client {
    Ours,
    /// The same, which stays connected, with a session if the server has them.
    Session,
    /// The same, over server-sent events and `POST`.
    Sse,
    /// The least that a client can do.
    Minimal,
    Jsonrpsee,
}

/// Where the programs are.
pub(crate) struct Programs {
    ours: PathBuf,
    jsonrpsee: PathBuf,
    /// For what the tools of the system write.
    pub(crate) scratch: PathBuf,
}

impl Programs {
    /// Builds all of them.
    pub(crate) fn build() -> Checked<Self> {
        let programs = Self::build_ours()?;
        build_jsonrpsee(&programs.target()?)?;
        Ok(programs)
    }

    /// Builds them without jsonrpsee, which takes long.
    pub(crate) fn build_ours() -> Checked<Self> {
        // Together, so that what they share is built once and with the same features.
        let words = ["-p", "examples", "-p", "bench"];
        let bins = [
            "reference_server",
            "ours",
            "floor",
            "client",
            "load",
            "resume",
            "items",
            "chunks",
            "forwarding",
        ];
        Self::build_bins(&words, &bins)
    }

    /// Builds what plays our part beside other libraries, and the line between both ends.
    pub(crate) fn build_peers() -> Checked<Self> {
        Self::build_bins(&["-p", "bench"], &["peer_ours", "peer_tcp", "delay"])
    }

    fn build_bins(words: &[&str], bins: &[&str]) -> Checked<Self> {
        let mut cargo = cargo("build");
        cargo.arg("--locked").args(words);
        for bin in bins {
            cargo.args(["--bin", bin]);
        }
        cargo.arg("--manifest-path").arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml"));
        succeed(&mut cargo)?;
        // They are beside this very program.
        let here = std::env::current_exe()?;
        let ours = here.parent().ok_or("a program without a directory")?.to_owned();
        let target = ours.parent().ok_or("no target directory")?;
        let scratch = target.join("bench");
        std::fs::create_dir_all(&scratch)?;
        Ok(Self { jsonrpsee: target.join("foreign-peers/jsonrpsee-target/release"), ours, scratch })
    }

    pub(crate) fn target(&self) -> Checked<PathBuf> {
        Ok(self.ours.parent().ok_or("no target directory")?.to_owned())
    }

    /// The words that start a server.
    pub(crate) fn server(&self, server: Server) -> Vec<String> {
        let layers;
        let (directory, words): (_, &[&str]) = match server {
            Server::Reference => (&self.ours, REFERENCE),
            Server::Roomy => return [words_of(&self.ours, REFERENCE), roomy()].concat(),
            Server::Layers(count) => {
                layers = count.to_string();
                (&self.ours, &["ours", "--layers", &layers])
            }
            Server::Ours => (&self.ours, &["ours"]),
            Server::Sessions => (&self.ours, &["ours", "--sessions"]),
            Server::Sse => (&self.ours, &["ours", "--sse"]),
            Server::Floor => (&self.ours, &["floor", "b"]),
            Server::Jsonrpsee => (&self.jsonrpsee, &["peer-jsonrpsee-bench-server"]),
        };
        words_of(directory, words)
    }

    /// The words that start a client, up to the URL.
    pub(crate) fn client(&self, client: Client) -> Vec<String> {
        match client {
            Client::Ours => words_of(&self.ours, &["client", "ours"]),
            Client::Session => words_of(&self.ours, &["client", "session"]),
            Client::Sse => words_of(&self.ours, &["client", "sse"]),
            Client::Minimal => words_of(&self.ours, &["client", "minimal"]),
            Client::Jsonrpsee => words_of(&self.jsonrpsee, &["peer-jsonrpsee-bench-client"]),
        }
    }

    /// The words that start the load, up to its mode.
    pub(crate) fn load(&self) -> Vec<String> {
        words_of(&self.ours, &["load"])
    }

    /// The words that start a program of this package.
    pub(crate) fn own(&self, name: &str) -> Vec<String> {
        words_of(&self.ours, &[name])
    }

    /// The words that start a line to a server that takes so many milliseconds in each direction.
    pub(crate) fn delay(&self, address: &str, ms: u64) -> Vec<String> {
        words_of(&self.ours, &["delay", address, &ms.to_string()])
    }

    /// The words that start the client whose links are cut, up to its mode.
    pub(crate) fn resume(&self) -> Vec<String> {
        words_of(&self.ours, &["resume"])
    }
}

const REFERENCE: &[&str] = &["reference_server", "--listen", "127.0.0.1:0", "--max-level", "warn"];

fn roomy() -> Vec<String> {
    let limits = [
        "connections=20000",
        "subscriptions=10000",
        "groups=10000",
        "message_in=8388608",
        "message_out=8388608",
    ];
    limits.into_iter().flat_map(|limit| ["--limit".to_owned(), limit.to_owned()]).collect()
}

fn words_of(directory: &Path, words: &[&str]) -> Vec<String> {
    let program = directory.join(words[0]).to_string_lossy().into_owned();
    std::iter::once(program).chain(words[1..].iter().map(|&word| word.to_owned())).collect()
}

/// From a copy, as its lock file is not ours to keep; the same that the foreign peers' checks use.
fn build_jsonrpsee(target: &Path) -> Checked {
    let kept = target.join("foreign-peers");
    let copy = kept.join("jsonrpsee");
    std::fs::create_dir_all(&copy)?;
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../peers/jsonrpsee/.");
    // Older than what is built from it unless it was changed.
    succeed(Command::new("cp").args(["-r", "--preserve=timestamps"]).arg(source).arg(&copy))?;
    let mut cargo = cargo("build");
    cargo.args(["--bin", "peer-jsonrpsee-bench-server", "--bin", "peer-jsonrpsee-bench-client"]);
    cargo.arg("--manifest-path").arg(copy.join("Cargo.toml"));
    cargo.arg("--target-dir").arg(kept.join("jsonrpsee-target"));
    succeed(&mut cargo)
}

pub(crate) fn cargo(command: &str) -> Command {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args([command, "--release", "--quiet"]);
    cargo
}

pub(crate) fn succeed(command: &mut Command) -> Checked {
    if command.status()?.success() { Ok(()) } else { Err(format!("{command:?} failed").into()) }
}
