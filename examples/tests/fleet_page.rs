//! The page of the fleet, as a browser loads it, and as a client that is no browser is called by the same server.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rpc_client::Client;
use rpc_core::{Change, Context, Router};
use serde_json::Value;

/// The server with its page; it ends with the test, whatever happens.
struct Fleet {
    child: Child,
    address: String,
}

impl Fleet {
    fn start(agents: &str) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_fleet"));
        command.args(["--web", "127.0.0.1:0", "--agents", agents, "--every", "0.1"]);
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        let line = lines.next().expect("it says where it listens").unwrap();
        // The rest is read, or the process would stand still with a full pipe.
        std::thread::spawn(move || lines.for_each(drop));
        let address = line.strip_prefix("listening on http://").expect(&line).to_owned();
        Self { child, address }
    }

    /// The answer to a request, head and all.
    fn ask(&self, method: &str, path: &str, headers: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let host = &self.address;
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{headers}\r\n"
        );
        stream.write_all(head.as_bytes()).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        String::from_utf8(answer).expect("files of the page are text")
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The value of a header.
fn header<'a>(answer: &'a str, name: &str) -> &'a str {
    let line = answer.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
    line.unwrap_or_else(|| panic!("no `{name}` in {answer}"))
}

#[test]
fn each_file_that_the_page_names_is_served_as_what_it_is_under_a_strict_policy() {
    let fleet = Fleet::start("0");
    let mut paths = vec!["/".to_owned()];
    let mut next = 0;
    while let Some(path) = paths.get(next).cloned() {
        next += 1;
        let answer = fleet.ask("GET", &path, "");
        assert!(answer.starts_with("HTTP/1.1 200 "), "{path}: {answer}");
        let expected = match path.rsplit('.').next() {
            Some("js") => "text/javascript; charset=utf-8",
            Some("css") => "text/css; charset=utf-8",
            Some("svg") => "image/svg+xml",
            _ => "text/html; charset=utf-8",
        };
        assert_eq!(header(&answer, "content-type"), expected, "{path}");
        assert_eq!(header(&answer, "x-content-type-options"), "nosniff", "{path}");
        let policy = header(&answer, "content-security-policy");
        for part in [
            "default-src 'none'; ",
            "script-src 'self'; ",
            "style-src 'self'; ",
            "frame-ancestors 'none'",
        ] {
            assert!(policy.contains(part), "{path}: {policy}");
        }
        assert!(!policy.contains("unsafe"), "{path}: {policy}");
        // What it names in turn: in the page by attributes, in modules by imports of their own folder.
        let quoted = answer.split('"').skip(1).step_by(2);
        let named: Vec<_> = match expected {
            "text/html; charset=utf-8" => quoted.filter(|text| text.starts_with('/')).collect(),
            _ if path.starts_with("/vendor/") => Vec::new(),
            _ => quoted
                .filter_map(|text| text.strip_prefix('.'))
                .filter(|text| text.starts_with('/'))
                .collect(),
        };
        for name in named {
            if !paths.iter().any(|path| path == name) {
                paths.push(name.to_owned());
            }
        }
        if path == "/" {
            for inline in [" style=", "<style", "<script>", " onclick=", "javascript:"] {
                assert!(!answer.contains(inline), "{inline}: {answer}");
            }
        }
    }
    for path in ["/agents.js", "/chart.js", "/vendor/two-way-json-rpc.js", "/vendor/uPlot.js"] {
        assert!(paths.iter().any(|named| named == path), "{path} is not in {paths:?}");
    }
    for path in ["/nothing", "/vendor/", "/../Cargo.toml", "/style.css/x"] {
        let answer = fleet.ask("GET", path, "");
        assert!(answer.starts_with("HTTP/1.1 404 "), "{path}: {answer}");
    }
    assert!(fleet.ask("POST", "/", "Content-Length: 0\r\n").starts_with("HTTP/1.1 405 "));
}

#[test]
fn only_the_page_itself_may_connect() {
    let fleet = Fleet::start("0");
    let handshake = |origin: &str| {
        let headers = format!(
            "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nOrigin: {origin}\r\n"
        );
        let mut stream = TcpStream::connect(&fleet.address).unwrap();
        let head = format!("GET /rpc HTTP/1.1\r\nHost: {}\r\n{headers}\r\n", fleet.address);
        stream.write_all(head.as_bytes()).unwrap();
        let mut line = String::new();
        BufReader::new(stream).read_line(&mut line).unwrap();
        line
    };
    assert!(handshake(&format!("http://{}", fleet.address)).starts_with("HTTP/1.1 101 "));
    assert!(handshake("http://127.0.0.1:1").starts_with("HTTP/1.1 403 "));
}

#[tokio::test]
async fn an_agent_of_a_real_machine_is_shown_beside_the_others() {
    let fleet = Fleet::start("1");
    let url = format!("ws://{}/rpc", fleet.address);
    let mut agent = Command::new(env!("CARGO_BIN_EXE_fleet"));
    agent.args(["agent", "--connect", &url, "--name", "zed"]);
    let child = agent.stdin(Stdio::null()).stdout(Stdio::null()).spawn().unwrap();
    // Ends with the test as well.
    let _agent = Fleet { child, address: String::new() };
    let client = Client::builder().connect(&url).await.unwrap();
    let page = client.peer();
    let state = page
        .subscribe::<Change<Value>>("console.state", "console.unsubscribe_state", ())
        .await
        .unwrap();
    let mut state = state.watch();
    let is_told =
        |value: &Value| value["agents"]["zed"]["memory"].as_f64().is_some_and(|used| used > 0.0);
    while !is_told(&state.next().await.unwrap().unwrap()) {}
    // A button, and what the agent reports on the way back.
    let (sender, done) = std::sync::mpsc::channel();
    let work = page.call::<()>("console.work", ("zed",));
    work.on_progress(move |percent: u32| sender.send(percent).expect("it is waited for"))
        .await
        .unwrap();
    assert_eq!(done.try_iter().last(), Some(100));
}

#[tokio::test]
async fn who_watches_sees_each_agent_change_and_answers_its_question() {
    let fleet = Fleet::start("3");
    let ask = |_: Context, (question,): (Value,)| async move { Ok(question["agent"] == "cleo") };
    let client = Client::builder().service(Router::new().method("page.ask", ask));
    let client = client.connect(&format!("ws://{}/rpc", fleet.address)).await.unwrap();
    let page = client.peer();
    let state = page
        .subscribe::<Change<Value>>("console.state", "console.unsubscribe_state", ())
        .await
        .unwrap();
    let mut state = state.watch();

    let first = loop {
        let value = state.next().await.unwrap().unwrap();
        let told = |name| value["agents"][name]["cpu"].as_f64().is_some_and(|cpu| cpu > 0.0);
        if ["ada", "bob", "cleo"].into_iter().all(told) {
            break value;
        }
    };
    // One agent changes after the other.
    let changed = loop {
        let value = state.next().await.unwrap().unwrap();
        if value["agents"]["ada"]["cpu"] != first["agents"]["ada"]["cpu"] {
            break value;
        }
    };
    assert_eq!(changed["agents"]["ada"]["version"], "2.4.1");

    // A button: a call through the server to one agent.
    let report = page.call::<Value>("console.report", ("bob",)).await.unwrap();
    assert_eq!(report["host"], "bob.example.net");
    assert!(page.call::<Value>("console.report", ("zoe",)).await.is_err());

    // From now on it is asked, and its answer goes all the way back.
    page.call::<()>("console.attend", ()).await.unwrap();
    while state.next().await.unwrap().unwrap()["agents"]["cleo"]["version"] != "2.4.2" {}
    let mut events =
        page.subscribe::<Value>("console.events", "console.unsubscribe_events", ()).await.unwrap();
    let may = |event: &Value| event["agent"] == "cleo" && event["text"] == "may upgrade";
    loop {
        let event = events.next().await.unwrap().unwrap();
        // The page came later than the question, and was asked that one.
        assert_ne!(event["text"], "has had no answer");
        if may(&event) {
            break;
        }
    }

    // Who asks within a call of the page asks that page; this one is not sure about `bob`.
    assert!(!page.call::<bool>("console.restart", ("bob",)).await.unwrap());
    assert!(page.call::<bool>("console.restart", ("cleo",)).await.unwrap());
    while state.next().await.unwrap().unwrap()["agents"]["cleo"]["link"] != "gone" {}
    while state.next().await.unwrap().unwrap()["agents"]["cleo"]["link"] != "up" {}
    drop(tokio::time::timeout(Duration::from_secs(5), client.close()).await);
}
