//! Our client against servers of other protocols, each doing a small job: `peers_servers NAME URL`.

#[path = "../checks.rs"]
mod checks;

mod anvil;
mod aria2;
mod codex;
mod kodi;
mod mopidy;
mod pylsp;
mod snapserver;

use std::env;
use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    let mut arguments = env::args().skip(1);
    let (name, url) = (arguments.next(), arguments.next());
    let (name, url) = name.zip(url).expect("the name of a server, and its URL");
    let passed = match name.as_str() {
        "anvil" => anvil::passes(&url).await,
        "aria2" => aria2::passes(&url).await,
        "codex" => codex::passes(&url).await,
        "kodi" => kodi::passes(&url).await,
        "mopidy" => mopidy::passes(&url).await,
        "pylsp" => pylsp::passes(&url).await,
        "snapserver" => snapserver::passes(&url).await,
        other => panic!("there are no checks for `{other}`"),
    };
    if passed { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
