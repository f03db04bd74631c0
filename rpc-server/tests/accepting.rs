//! What the loop that accepts connections must survive.

mod support;

use std::process::Command;
use std::time::Duration;

use rpc_client::Client;
use support::{echo, soon, spawn};
use tokio::net::TcpStream;

/// Runs in a process of its own, since descriptors are counted by process.
#[tokio::test]
async fn a_lack_of_descriptors_is_survived() {
    const INSIDE: &str = "RPC_SERVER_FEW_DESCRIPTORS";
    if std::env::var_os(INSIDE).is_none() {
        let test = std::env::current_exe().unwrap();
        let status = Command::new("sh")
            .args(["-c", "ulimit -n 48 && exec \"$0\" a_lack_of_descriptors_is_survived"])
            .arg(test)
            .env(INSIDE, "1")
            .status();
        return assert!(status.unwrap().success());
    }
    let server = spawn(echo()).await;
    let mut crowd = Vec::new();
    while let Ok(stream) = TcpStream::connect(server.local_addr().unwrap()).await {
        crowd.push(stream);
        tokio::task::yield_now().await;
        assert!(crowd.len() < 100, "there is no lack of descriptors");
    }
    // Time for the server to find that out, more than once.
    tokio::time::sleep(Duration::from_millis(50)).await;
    drop(crowd);
    let connect = async {
        loop {
            // Its own descriptors may be missing, too.
            if let Ok(client) = Client::builder().connect(&server.url()).await {
                break client;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    let client = soon(connect).await;
    assert_eq!(client.peer().call::<String>("echo", ("hi",)).await.unwrap(), "hi");
}
