//! A server that is a child process.
#![cfg(unix)]

use std::time::Duration;

use rpc_client::{Client, ConnectError, Reconnect, State};
use rpc_core::transport::Framing;
use tokio::process::Command;

/// A program that tells its id, and ends when it is asked to.
const SCRIPT: &str = r#"
while read -r line; do
    id=$(printf '%s' "$line" | sed 's/.*"id":\([0-9]*\).*/\1/')
    case $line in
        *end*) exit 3 ;;
        *) echo '{"jsonrpc":"2.0","id":'$id',"result":'$$'}' ;;
    esac
done
"#;

fn script() -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", SCRIPT]);
    command
}

#[tokio::test]
async fn its_end_is_the_reason() {
    let client = Client::builder().spawn(script).await.unwrap();
    let pid: u32 = client.peer().call("pid", ()).await.unwrap();
    assert!(pid > 0);
    assert!(client.peer().call::<()>("end", ()).await.is_err());
    assert_eq!(client.closed().await.to_string(), "link lost: the process exited with code 3");
}

#[tokio::test]
async fn a_client_that_reconnects_starts_it_again() {
    let policy = Reconnect::default().min_delay(Duration::from_millis(10));
    let client = Client::builder().reconnect(policy).spawn(script).await.unwrap();
    let first: u32 = client.peer().call("pid", ()).await.unwrap();
    assert!(client.peer().call::<()>("end", ()).await.is_err());
    let second: u32 = client.peer().call("pid", ()).await.unwrap();
    assert_ne!(first, second);
    assert!(
        matches!(client.state(), State::Up { .. } | State::Fresh { .. }),
        "{:?}",
        client.state()
    );
    client.close().await;
    assert!(!std::path::Path::new(&format!("/proc/{second}")).exists(), "it has ended");
}

#[tokio::test]
async fn a_program_that_is_not_there_is_not_tried_again() {
    let missing = || Command::new("/no/such/program");
    let policy = Reconnect::default().wait_for_first(true);
    let error = Client::builder().reconnect(policy).spawn(missing).await.unwrap_err();
    assert!(matches!(&error, ConnectError::Start(_)), "{error}");
    assert!(error.to_string().starts_with("cannot start `/no/such/program`: "), "{error}");
    let builder = Client::builder().framing(Framing::ContentLength).header("x", "y");
    assert!(matches!(builder.spawn(script).await, Err(ConnectError::Url(_))));
}
