//! Our client, told to reconnect, against foreign servers that are killed and started again:
//! `peers_restarts NAME PROGRAM ARGUMENT…`. The last argument of the program is the port, which is given here.

#[path = "../checks.rs"]
mod checks;

mod jsonrpc_bidirectional;
mod jsonrpsee;
mod outage;
mod program;
mod rpc_websockets;

use std::env;
use std::process::ExitCode;

use program::Program;

#[tokio::main]
async fn main() -> ExitCode {
    let mut arguments = env::args().skip(1);
    let name = arguments.next().expect("the name of a server");
    let mut program = Program::start(arguments.collect()).await.expect("the program starts");
    let passed = match name.as_str() {
        "jsonrpc-bidirectional" => jsonrpc_bidirectional::passes(&mut program).await,
        "jsonrpsee" => jsonrpsee::passes(&mut program).await,
        "rpc-websockets" => rpc_websockets::passes(&mut program).await,
        other => panic!("there are no checks for `{other}`"),
    };
    if passed { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
