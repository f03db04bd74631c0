//! The standard input and output of a process as a link. The process is this test itself, started anew: whatever a
//! harness of tests printed would stand between the messages.
#![allow(clippy::print_stderr, reason = "the standard output belongs to the messages")]

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::{Child, Command, Stdio};

use rpc_core::transport::{Endpoint, EndpointConfig, Framing, Process, stdio};
use rpc_core::{CloseCode, Context, Limits, Router};

const CALL: &str = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"add\",\"params\":[1,2]}\n";
const ANSWER: &str = "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":3}\n";

fn main() {
    if std::env::args().nth(1).as_deref() == Some("serve") {
        return serve();
    }
    let tests: [(&str, fn()); 6] = [
        ("pipes", pipes),
        ("sockets_as_node_makes_them", sockets),
        ("a_file_as_input", a_file),
        ("logs_in_the_pipe_of_the_output", shared),
        ("a_call_and_the_end", a_call_and_the_end),
        ("our_own_client", our_own_client),
    ];
    for (name, test) in tests {
        test();
        eprintln!("test {name} ... ok");
    }
}

#[tokio::main(flavor = "current_thread")]
async fn serve() {
    let limits = Limits::server();
    let add = |_: Context, (a, b): (i64, i64)| async move { Ok(a + b) };
    // A lot, so that it has to wait for the other end.
    let log = |_: Context, (lines,): (usize,)| async move {
        (0..lines).for_each(|_| eprintln!("a line of the log"));
        Ok(())
    };
    let router = Router::new().method("add", add).method("log", log);
    let endpoint = Endpoint::new(EndpointConfig::new(router, limits.clone()));
    endpoint.connect(stdio(Framing::Lines, &limits)).await;
    std::process::exit(0);
}

fn this(stdin: impl Into<Stdio>, stdout: impl Into<Stdio>) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.arg("serve").stdin(stdin).stdout(stdout).spawn().unwrap()
}

/// Calls, hears the answer, calls again, and ends the input.
fn talk(mut child: Child, mut to: impl Write, mut from: impl Read) {
    for _ in 0..100 {
        to.write_all(CALL.as_bytes()).unwrap();
        let mut answer = vec![0; ANSWER.len()];
        from.read_exact(&mut answer).unwrap();
        assert_eq!(String::from_utf8(answer).unwrap(), ANSWER);
    }
    drop(to);
    let mut rest = String::new();
    from.read_to_string(&mut rest).unwrap();
    assert_eq!((rest.as_str(), child.wait().unwrap().success()), ("", true));
}

fn pipes() {
    let mut child = this(Stdio::piped(), Stdio::piped());
    let (to, from) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    talk(child, to, from);
}

fn sockets() {
    let [(to, stdin), (stdout, from)] = [(); 2].map(|()| UnixStream::pair().unwrap());
    let child = this(OwnedFd::from(stdin), OwnedFd::from(stdout));
    talk(child, to, from);
}

fn a_file() {
    let path = std::env::temp_dir().join(format!("rpc-core-stdio-{}", std::process::id()));
    std::fs::write(&path, CALL.repeat(3)).unwrap();
    let mut child = this(File::open(&path).unwrap(), Stdio::piped());
    let mut said = String::new();
    child.stdout.take().unwrap().read_to_string(&mut said).unwrap();
    assert_eq!((said, child.wait().unwrap().success()), (ANSWER.repeat(3), true));
    std::fs::remove_file(path).unwrap();
}

/// A pipe that must not block is one for all who have it open: then a process that logs to the same pipe would fail as
/// soon as the pipe is full.
fn shared() {
    let (mut from, to) = std::io::pipe().unwrap();
    let mut command = Command::new(std::env::current_exe().unwrap());
    let both = (to.try_clone().unwrap(), to);
    let child = command.arg("serve").stdin(Stdio::piped()).stdout(both.0).stderr(both.1).spawn();
    drop(command);
    let mut child = child.unwrap();
    let call = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"log\",\"params\":[100000]}\n";
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(call.as_bytes()).unwrap();
    std::thread::sleep(std::time::Duration::from_millis(200)); // until the pipe is full
    drop(stdin);
    let mut said = String::new();
    from.read_to_string(&mut said).unwrap();
    assert_eq!(said.lines().filter(|line| *line == "a line of the log").count(), 100_000);
    assert!(said.contains("\"result\":null") && child.wait().unwrap().success());
}

/// As `echo '…' | program` does it.
fn a_call_and_the_end() {
    let mut child = this(Stdio::piped(), Stdio::piped());
    child.stdin.take().unwrap().write_all(CALL.as_bytes()).unwrap();
    let mut said = String::new();
    child.stdout.take().unwrap().read_to_string(&mut said).unwrap();
    assert_eq!((said.as_str(), child.wait().unwrap().success()), (ANSWER, true));
}

#[tokio::main(flavor = "current_thread")]
async fn our_own_client() {
    let limits = Limits::client();
    let mut command = tokio::process::Command::new(std::env::current_exe().unwrap());
    command.arg("serve");
    let config = EndpointConfig::new(Router::new(), limits.clone());
    let endpoint = Endpoint::new(config.with(|config| config.answers_malformed = false));
    let peer = endpoint.peer();
    let process = Process::spawn(command, Framing::Lines, &limits).unwrap();
    let connection = tokio::spawn(endpoint.connect(process));
    for number in 0..1000 {
        assert_eq!(peer.call::<i64>("add", (number, 1)).await.unwrap(), number + 1);
    }
    peer.close(CloseCode::NORMAL, "");
    connection.await.unwrap();
}
