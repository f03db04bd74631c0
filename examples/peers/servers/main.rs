//! Our client against servers of other protocols, each doing a small job: `peers_servers NAME URL`, or
//! `peers_servers NAME PROGRAM ARGUMENT…` for those that are started.

#[path = "../checks.rs"]
mod checks;

mod anvil;
mod aria2;
mod codex;
mod deltachat;
mod everything;
mod kodi;
mod mcp_rounds;
mod mopidy;
mod pylsp;
mod reached;
mod snapserver;

use std::env;
use std::process::ExitCode;

use reached::Reached;

#[tokio::main]
async fn main() -> ExitCode {
    let mut arguments = env::args().skip(1);
    let name = arguments.next().expect("the name of a server");
    let reached = Reached(arguments.collect());
    let url = reached.0.first().expect("a URL, or a program").clone();
    let passed = match name.as_str() {
        "anvil" => anvil::passes(&url).await,
        "aria2" => aria2::passes(&url).await,
        "codex" => codex::passes(&url).await,
        "deltachat" => deltachat::passes(reached).await,
        "everything" => everything::passes(reached).await,
        "kodi" => kodi::passes(&url).await,
        "mcp_rounds" => mcp_rounds::passes(reached).await,
        "mopidy" => mopidy::passes(&url).await,
        "pylsp" => pylsp::passes(reached).await,
        "snapserver" => snapserver::passes(&url).await,
        other => panic!("there are no checks for `{other}`"),
    };
    if passed { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
