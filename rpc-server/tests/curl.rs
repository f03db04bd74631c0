//! The commands for `curl` in the README and in the page of the wire do what the text says. `curl` must be installed.

mod support;

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use rpc_core::{Context, Router};
use rpc_server::Server;
use support::spawn;

/// The blocks of commands below a heading.
fn commands(page: &str, heading: &str) -> [String; 2] {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/");
    let text = std::fs::read_to_string(format!("{root}{page}")).unwrap();
    let section = text.split_once(heading).unwrap_or_else(|| panic!("{page} has no {heading}")).1;
    let blocks = section.split("```sh\n").skip(1).take(2);
    let blocks = blocks.map(|block| block.split("```").next().unwrap().to_owned());
    blocks.collect::<Vec<_>>().try_into().expect("two blocks")
}

/// Runs commands as they stand, but for the address.
fn run(commands: &str, server: &Server, link: &str) -> Child {
    let address = server.local_addr().unwrap().to_string();
    assert!(commands.contains("127.0.0.1:9944") || commands.contains("$URL"), "{commands}");
    Command::new("bash")
        .args([
            "-c",
            &format!("exec {}", commands.trim_start().replace("127.0.0.1:9944", &address)),
        ])
        .env("URL", format!("http://{address}/"))
        .env("LINK", link)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .expect("bash and curl are installed")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_person_with_curl_calls_and_reads() {
    let add = |_: Context, (a, b): (i64, i64)| async move { Ok(a + b) };
    let router = Router::new().method("add", add);
    let server = spawn(Server::builder().service(router).sse(true)).await;
    for (page, heading) in
        [("../README.md", "## Where WebSockets do not reach"), ("docs/sse.md", "# By hand")]
    {
        let [open, call] = commands(page, heading);
        // Where a block sets the variable, the other terminal has it as well.
        let open = open.strip_prefix("URL=http://127.0.0.1:9944/\n").unwrap_or(&open).to_owned();
        let mut stream = run(&open, &server, "");
        let mut lines = BufReader::new(stream.stdout.take().unwrap()).lines().map(Result::unwrap);
        let hello = lines.find(|line| line.starts_with("data: ")).expect("curl is installed");
        let link = hello.split_once("\"link\":\"").expect(&hello).1.split('"').next().unwrap();
        let called = run(&call, &server, link).wait_with_output().unwrap();
        assert!(called.status.success() && called.stdout.is_empty(), "{called:?}");
        let answer = lines.find(|line| line.starts_with("data: ")).unwrap();
        assert_eq!(answer, r#"data: {"jsonrpc":"2.0","id":1,"result":3}"#);
        stream.kill().unwrap();
        stream.wait().unwrap();
    }
}
