//! A server that bridges to programs of a few lines, and its clients.

#![allow(dead_code, reason = "each test file uses its part")]

use std::path::Path;
use std::time::Duration;

use rpc_client::Client;
use rpc_core::{CloseReason, Limits};
use rpc_server::{Bridge, Server};
use tokio::process::Command;
use tokio::time::{sleep, timeout};

pub(crate) fn shell(script: &str) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", script]);
    command
}

pub(crate) async fn serve(bridge: Bridge) -> Server {
    let limits = Limits::server();
    let server = Server::builder().limits(limits).bridge(bridge);
    server.bind("127.0.0.1:0").await.unwrap().spawn()
}

pub(crate) async fn serve_script(script: &'static str) -> Server {
    serve(Bridge::per_connection(move |_| shell(script))).await
}

pub(crate) async fn connect(server: &Server) -> Client {
    Client::builder().connect(server.url()).await.unwrap()
}

pub(crate) async fn closed(client: &Client) -> CloseReason {
    timeout(Duration::from_secs(20), client.peer().closed()).await.expect("it is closed")
}

pub(crate) async fn pid(client: &Client) -> u32 {
    client.peer().call("pid", ()).await.unwrap()
}

/// Waits until this process has ended.
pub(crate) async fn is_gone(pid: u32) {
    let path = format!("/proc/{pid}");
    for _ in 0..2000 {
        if !Path::new(&path).exists() {
            return;
        }
        sleep(Duration::from_millis(5)).await;
    }
    panic!("the process {pid} is left");
}
