//! The reference server, as a stranger with a bare WebSocket sees it.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

/// Waits for what should be there at once; the time only ends a test that hangs.
async fn soon<T>(future: impl Future<Output = T>) -> T {
    timeout(Duration::from_secs(20), future).await.expect("hangs")
}

fn reference_server(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_reference_server"));
    command.args(args).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// A server that ends with the test, whatever happens.
struct Running {
    child: Child,
    stdout: BufReader<ChildStdout>,
    url: String,
}

impl Running {
    fn start(args: &[&str]) -> Self {
        let mut command = reference_server(&["--listen", "127.0.0.1:0"]);
        let mut child = command.args(args).stderr(Stdio::null()).spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        let url = line.strip_prefix("listening on ").expect(&line).trim_end().to_owned();
        assert!(url.starts_with("ws://127.0.0.1:"), "{url}");
        Self { child, stdout, url }
    }

    async fn client(&self) -> Client {
        Client::connect(&self.url).await
    }

    fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-s", name, &id]).status().unwrap().success());
    }

    /// How it ended, and all that it still wrote to stdout.
    fn end(mut self) -> (ExitStatus, String) {
        let mut rest = String::new();
        self.stdout.read_to_string(&mut rest).unwrap();
        (self.child.wait().unwrap(), rest)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A WebSocket, and no more.
struct Client {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    last_id: u64,
}

impl Client {
    async fn connect(url: &str) -> Self {
        let (socket, _) = soon(connect_async(url)).await.unwrap();
        Self { socket, last_id: 0 }
    }

    async fn send(&mut self, text: &str) {
        soon(self.socket.send(Message::text(text))).await.unwrap();
    }

    async fn receive(&mut self) -> String {
        loop {
            match soon(self.socket.next()).await.expect("the connection ended").unwrap() {
                Message::Text(text) => return text.as_str().to_owned(),
                Message::Close(close) => panic!("closed: {close:?}"),
                _ => {}
            }
        }
    }

    async fn receive_json(&mut self) -> Value {
        serde_json::from_str(&self.receive().await).unwrap()
    }

    /// Sends the lines with `-->`, and waits for those with `<--`, compared as JSON.
    async fn check(&mut self, script: &str) {
        for line in script.trim().lines() {
            match line.split_at(3) {
                ("-->", text) => self.send(text.trim()).await,
                ("<--", text) => {
                    let expected: Value = serde_json::from_str(text).unwrap();
                    assert_eq!(self.receive_json().await, expected);
                }
                _ => panic!("no direction: {line}"),
            }
        }
    }

    /// The result of a call, while nothing else comes.
    async fn call(&mut self, method: &str, params: Value) -> Value {
        self.answer(method, params).await["result"].take()
    }

    async fn answer(&mut self, method: &str, params: Value) -> Value {
        let id = self.start(method, params).await;
        let answer = self.receive_json().await;
        assert_eq!(answer["id"], id, "{answer}");
        answer
    }

    async fn start(&mut self, method: &str, params: Value) -> u64 {
        self.last_id += 1;
        let id = self.last_id;
        let call = json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params});
        self.send(&call.to_string()).await;
        id
    }
}

#[tokio::test]
async fn the_document_is_answered_only_if_the_flag_is_given() {
    let hello = r#"{"jsonrpc":"2.0","method":"$/hello","params":{"duplex":1}}"#;
    let server = Running::start(&[]);
    let mut client = server.client().await;
    let error = client.answer("rpc.discover", json!([])).await;
    assert_eq!(error["error"]["code"], -32601);
    client.send(hello).await;
    assert_eq!(client.receive_json().await["params"].get("offers"), None);

    let server = Running::start(&["--schema"]);
    let mut client = server.client().await;
    client.send(hello).await;
    let offers = client.receive_json().await["params"]["offers"].take();
    assert_eq!(offers[0]["name"], "Reference");
    let same = client.call("rpc.model", json!([[offers[0]["hash"]]])).await;
    assert_eq!(same, json!(true));
    let document = client.call("rpc.discover", json!([])).await;
    assert_eq!(
        (&document["openrpc"], &document["info"]["title"]),
        (&json!("1.4.1"), &json!("Reference server"))
    );
    let methods = document["methods"].as_array().unwrap();
    let tick = methods.iter().find(|method| method["name"] == "tick").unwrap();
    assert_eq!(tick["x-implemented-by"], json!(["client"]));
}

#[tokio::test]
async fn plain_methods_answer() {
    let server = Running::start(&[]);
    let mut client = server.client().await;
    client
        .check(
            r#"
--> {"jsonrpc":"2.0","id":1,"method":"add","params":[1,2]}
<-- {"jsonrpc":"2.0","id":1,"result":3}
--> {"jsonrpc":"2.0","id":2,"method":"add","params":{"b":-2,"a":1}}
<-- {"jsonrpc":"2.0","id":2,"result":-1}
--> {"jsonrpc":"2.0","id":3,"method":"add","params":[9223372036854775807,1]}
<-- {"jsonrpc":"2.0","id":3,"error":{"code":-32602,"message":"the sum does not fit into 64 bits"}}
--> {"jsonrpc":"2.0","id":4,"method":"greet","params":["Ada"]}
<-- {"jsonrpc":"2.0","id":4,"result":"hello, Ada"}
--> {"jsonrpc":"2.0","id":5,"method":"greet","params":{"name":"Ada","greeting":"good day"}}
<-- {"jsonrpc":"2.0","id":5,"result":"good day, Ada"}
--> {"jsonrpc":"2.0","id":6,"method":"fail","params":[7,"no",{"why":[1]}]}
<-- {"jsonrpc":"2.0","id":6,"error":{"code":7,"message":"no","data":{"why":[1]}}}
--> {"jsonrpc":"2.0","id":7,"method":"fail","params":{"code":-32601,"message":"no"}}
<-- {"jsonrpc":"2.0","id":7,"error":{"code":-32601,"message":"no"}}
--> {"jsonrpc":"2.0","id":8,"method":"typed_fail","params":[30]}
<-- {"jsonrpc":"2.0","id":8,"error":{"code":1001,"message":"full: there are 30","data":{"max":30}}}
--> {"jsonrpc":"2.0","id":9,"method":"panic"}
<-- {"jsonrpc":"2.0","id":9,"error":{"code":-32603,"message":"internal error"}}
--> {"jsonrpc":"2.0","id":10,"method":"big","params":[5]}
<-- {"jsonrpc":"2.0","id":10,"result":"xxxxx"}
--> {"jsonrpc":"2.0","method":"note","params":["a"]}
--> {"jsonrpc":"2.0","method":"note","params":{"text":"b"}}
--> {"jsonrpc":"2.0","id":11,"method":"notes"}
<-- {"jsonrpc":"2.0","id":11,"result":["a","b"]}
--> {"jsonrpc":"2.0","id":12,"method":"incr","params":["k"]}
<-- {"jsonrpc":"2.0","id":12,"result":1}
--> {"jsonrpc":"2.0","id":13,"method":"count","params":["other"]}
<-- {"jsonrpc":"2.0","id":13,"result":0}
"#,
        )
        .await;
    let mut other = Client::connect(&format!("{}/any/path?at=all", server.url)).await;
    assert_eq!(other.call("incr", json!(["k"])).await, 2);
    assert_eq!(other.call("count", json!({"key": "k"})).await, 2);
    assert_eq!(other.call("notes", json!([])).await, json!([]));
    assert_eq!(other.call("big", json!([2_000_000])).await.as_str().unwrap().len(), 2_000_000);
    assert_eq!(other.answer("big", json!([u64::MAX])).await["error"]["code"], -32008);
    let long = "k".repeat(257);
    assert_eq!(other.answer("incr", json!([long])).await["error"]["code"], 1002);
}

#[tokio::test]
async fn an_echo_is_the_same_to_the_byte() {
    let server = Running::start(&[]);
    let mut client = server.client().await;
    for value in [r#""a\u0041\/ ☃""#, "1.50e+2", r#"{"b":1,"a":{ "c": [ ] },"b":2}"#, "null"] {
        for params in [format!("[{value}]"), format!("{{\"value\":{value}}}")] {
            let call = r#"{"jsonrpc":"2.0","id":1,"method":"echo","params":"#;
            client.send(&format!("{call}{params}}}")).await;
            let answer = client.receive().await;
            assert!(answer.contains(&format!("\"result\":{value}}}")), "{answer}");
        }
    }
    assert_eq!(client.answer("echo", json!([])).await["error"]["code"], -32602);
}

#[tokio::test]
async fn a_sleep_that_is_cancelled_never_ends() {
    let server = Running::start(&[]);
    let mut client = server.client().await;
    assert_eq!(client.call("sleep", json!([1])).await, 1);
    let id = client.start("sleep", json!([u64::MAX])).await;
    client
        .send(&format!(r#"{{"jsonrpc":"2.0","method":"$/cancelRequest","params":{{"id":{id}}}}}"#))
        .await;
    assert_eq!(client.receive_json().await["error"]["code"], -32800);
    assert_eq!(client.call("slept", json!([])).await, 1);
}

#[tokio::test]
async fn the_caller_is_called_before_it_is_answered() {
    let server = Running::start(&[]);
    let mut client = server.client().await;
    client
        .check(
            r#"
--> {"jsonrpc":"2.0","method":"bounce","params":[0],"id":1}
<-- {"jsonrpc":"2.0","id":1,"result":0}
--> {"jsonrpc":"2.0","id":2,"method":"push","params":[2]}
<-- {"jsonrpc":"2.0","method":"tick","params":[0]}
<-- {"jsonrpc":"2.0","method":"tick","params":[1]}
<-- {"jsonrpc":"2.0","id":2,"result":2}
"#,
        )
        .await;
    for (method, params, called, given) in [
        ("bounce", json!([3]), "bounce", Some(json!([2]))),
        ("call_back", json!(["m"]), "m", None),
        ("call_back", json!(["m", [1, {"a": 2}]]), "m", Some(json!([1, {"a": 2}]))),
        ("call_back", json!({"method": "m", "params": {"a": 2}}), "m", Some(json!({"a": 2}))),
    ] {
        for (answer, passed_on) in [
            (r#""result":2"#, if called == "m" { json!(2) } else { json!(3) }),
            (r#""error":{"code":9,"message":"no","data":[1]}"#, Value::Null),
        ] {
            let id = client.start(method, params.clone()).await;
            let call = client.receive_json().await;
            assert_eq!((&call["method"], call.get("params")), (&json!(called), given.as_ref()));
            client.send(&format!(r#"{{"jsonrpc":"2.0","id":{},{answer}}}"#, call["id"])).await;
            let answer = client.receive_json().await;
            assert_eq!((&answer["id"], &answer["result"]), (&json!(id), &passed_on));
            if passed_on.is_null() {
                assert_eq!(answer["error"], json!({"code": 9, "message": "no", "data": [1]}));
            }
        }
    }
    let wrong = client.answer("call_back", json!(["m", 5])).await;
    assert_eq!(wrong["error"]["code"], -32602);
}

#[tokio::test]
async fn groups_are_pushed_to_and_asked() {
    let server = Running::start(&[]);
    let (mut ada, mut bob) = (server.client().await, server.client().await);
    let mut ids = Vec::new();
    for client in [&mut ada, &mut bob] {
        let caller = client.call("whoami", json!([])).await;
        assert!(caller["remote"].as_str().unwrap().starts_with("127.0.0.1:"), "{caller}");
        ids.push(caller["id"].clone());
        assert_eq!(client.call("join", json!(["lobby"])).await, Value::Null);
    }
    assert_ne!(ids[0], ids[1]);
    assert_eq!(ada.call("members", json!(["lobby"])).await, json!(ids));
    assert_eq!(ada.call("members", json!(["attic"])).await, json!([]));

    ada.start("publish", json!(["lobby", {"n": 1}])).await;
    let message = json!({"jsonrpc": "2.0", "method": "message", "params": ["lobby", {"n": 1}]});
    assert_eq!(ada.receive_json().await, message);
    assert_eq!(ada.receive_json().await["result"], 2);
    assert_eq!(bob.receive_json().await, message);

    ada.start("ask", json!(["lobby", "who?", 60_000])).await;
    for (client, answer) in
        [(&mut ada, r#""error":{"code":1,"message":"what?"}"#), (&mut bob, r#""result":"bob""#)]
    {
        let question = client.receive_json().await;
        assert_eq!(
            (&question["method"], &question["params"]),
            (&json!("answer"), &json!(["who?"]))
        );
        client.send(&format!(r#"{{"jsonrpc":"2.0","id":{},{answer}}}"#, question["id"])).await;
    }
    let replies = ada.receive_json().await;
    assert_eq!(replies["result"], json!([{"id": ids[1], "result": "bob"}]));
    // Nobody answers in time; each call is given up, which the members hear.
    let id = bob.start("ask", json!(["lobby", "who?", 1])).await;
    let replies = loop {
        let message = bob.receive_json().await;
        if message["id"] == id && message.get("method").is_none() {
            break message;
        }
    };
    assert_eq!(replies["result"], json!([]));
    drop(ada);
    while bob.call("members", json!(["lobby"])).await != json!([ids[1]]) {}

    assert_eq!(bob.call("leave", json!(["lobby"])).await, Value::Null);
    assert_eq!(bob.call("publish", json!(["lobby", 0])).await, 0);
    let long = "g".repeat(257);
    assert_eq!(bob.answer("join", json!([long])).await["error"]["code"], 1002);
    for group in 0..64 {
        assert_eq!(bob.answer("join", json!([group.to_string()])).await.get("error"), None);
    }
    let more = bob.answer("join", json!(["one more"])).await;
    assert_eq!(more["error"]["data"], json!({"max": 64}), "{more}");
}

#[tokio::test]
async fn ticks_are_a_subscription() {
    let server = Running::start(&[]);
    let mut client = server.client().await;
    let id = client.call("ticks", json!([3, 1])).await;
    assert!(id.is_string());
    for tick in 0..3 {
        let item = json!({"subscription": id, "result": tick});
        let expected = json!({"jsonrpc": "2.0", "method": "ticks", "params": item});
        assert_eq!(client.receive_json().await, expected);
    }
    // Its end sends nothing.
    assert_eq!(client.call("unsubscribe_ticks", json!([id])).await, false);

    let id = client.call("ticks", json!({"count": 0, "every_ms": 0})).await;
    for tick in 0..1000 {
        assert_eq!(client.receive_json().await["params"]["result"], tick);
    }
    client.start("unsubscribe_ticks", json!([id])).await;
    while client.receive_json().await.get("result") != Some(&json!(true)) {}
    assert_eq!(client.call("stats", json!([])).await["subscriptions"], 0);
}

#[tokio::test]
async fn bytes_are_a_subscription() {
    let server = Running::start(&[]);
    let mut client = server.client().await;
    let id = client.call("bytes", json!([5, 3])).await;
    for chunk in ["AAAA", "AAA="] {
        let item = json!({"subscription": id, "result": chunk});
        let expected = json!({"jsonrpc": "2.0", "method": "bytes", "params": item});
        assert_eq!(client.receive_json().await, expected);
    }
    assert_eq!(client.call("unsubscribe_bytes", json!([id])).await, false);
}

#[tokio::test]
async fn build_reports_each_step_to_who_asks() {
    let server = Running::start(&[]);
    let mut client = server.client().await;
    client
        .check(
            r#"
--> {"jsonrpc":"2.0","id":1,"method":"build","params":[2]}
<-- {"jsonrpc":"2.0","id":1,"result":"built"}
--> {"jsonrpc":"2.0","id":2,"method":"build","params":[2],"progressToken":"t"}
<-- {"jsonrpc":"2.0","method":"$/progress","params":{"token":"t","value":{"step":1,"of":2}}}
<-- {"jsonrpc":"2.0","method":"$/progress","params":{"token":"t","value":{"step":2,"of":2}}}
<-- {"jsonrpc":"2.0","id":2,"result":"built"}
--> {"jsonrpc":"2.0","id":3,"method":"build","params":{"steps":1,"workDoneToken":7}}
<-- {"jsonrpc":"2.0","method":"$/progress","params":{"token":7,"value":{"step":1,"of":1}}}
<-- {"jsonrpc":"2.0","id":3,"result":"built"}
"#,
        )
        .await;
}

#[tokio::test]
async fn sum_takes_a_stream_of_who_said_hello() {
    let server = Running::start(&[]);
    let mut client = server.client().await;
    client
        .check(
            r#"
--> {"jsonrpc":"2.0","id":1,"method":"sum","params":[{"$stream":"a"}]}
<-- {"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"a stream among params needs a `$/hello` before the request"}}
--> {"jsonrpc":"2.0","method":"$/hello","params":{"duplex":1}}
<-- {"jsonrpc":"2.0","method":"$/hello","params":{"duplex":1,"window":65536,"batch":100,"ack":true,"results":true,"sequences":true,"bytes":true}}
--> {"jsonrpc":"2.0","id":2,"method":"sum","params":[{"$stream":"a"}]}
--> {"jsonrpc":"2.0","method":"$/item","params":{"subscription":"a","seq":1,"result":2}}
--> {"jsonrpc":"2.0","method":"$/item","params":{"subscription":"a","seq":2,"result":3}}
--> {"jsonrpc":"2.0","method":"$/item","params":{"subscription":"a","seq":3,"done":true}}
<-- {"jsonrpc":"2.0","id":2,"result":5}
--> {"jsonrpc":"2.0","id":3,"method":"sum","params":[{"$stream":"a"}]}
--> {"jsonrpc":"2.0","method":"$/item","params":{"subscription":"a","seq":1,"result":9223372036854775807}}
--> {"jsonrpc":"2.0","method":"$/item","params":{"subscription":"a","seq":2,"result":1}}
<-- {"jsonrpc":"2.0","method":"$/stop","params":{"subscription":"a"}}
<-- {"jsonrpc":"2.0","id":3,"error":{"code":-32602,"message":"the sum does not fit into 64 bits"}}
--> {"jsonrpc":"2.0","id":4,"method":"sum","params":[{"$stream":"a"}]}
--> {"jsonrpc":"2.0","method":"$/item","params":{"subscription":"a","error":{"code":9,"message":"no more"}}}
<-- {"jsonrpc":"2.0","id":4,"error":{"code":9,"message":"no more"}}
"#,
        )
        .await;
}

#[tokio::test]
async fn stats_count_what_there_is() {
    let server = Running::start(&[]);
    let mut client = server.client().await;
    let mut other = server.client().await;
    other.call("ticks", json!([0, 3_600_000])).await;
    assert_eq!(other.receive_json().await["params"]["result"], 0); // the next is far off
    other.call("join", json!(["g"])).await;
    other.start("call_back", json!(["never"])).await;
    while other.receive_json().await.get("id").is_none() {}
    // What has been read is still counted until the other thread's write returns.
    let sent = async {
        loop {
            let stats = client.call("stats", json!([])).await;
            if stats["queue_bytes"] == 0 {
                break stats;
            }
        }
    };
    let stats = soon(sent).await;
    for (name, value) in [
        ("connections", 2),
        ("in_flight", 2),
        ("pending", 1),
        ("subscriptions", 1),
        ("groups", 1),
        ("stray", 0),
    ] {
        assert_eq!(stats[name], value, "{name} in {stats}");
    }
    assert!(stats["tasks"].as_u64().unwrap() >= 3, "{stats}");
    assert_eq!(stats["closes"], json!({}));

    client.send(r#"{"jsonrpc":"2.0","id":99,"result":1}"#).await;
    soon(other.socket.close(None)).await.unwrap();
    soon(async { while other.socket.next().await.is_some() {} }).await;
    drop(other);
    let stats = loop {
        let stats = client.call("stats", json!([])).await;
        if stats["connections"] == 1 {
            break stats;
        }
    };
    assert_eq!(
        (&stats["stray"], &stats["pending"], &stats["groups"]),
        (&json!(1), &json!(0), &json!(0))
    );
    assert_eq!(stats["closes"].as_object().unwrap().len(), 1, "{stats}");
}

#[tokio::test]
async fn limits_are_set_by_name() {
    let server = Running::start(&["--limit", "batch=2", "--limit", "message_in=1000"]);
    let mut client = server.client().await;
    client
        .check(
            r#"
--> [{"jsonrpc":"2.0","id":1,"method":"slept"},{"jsonrpc":"2.0","id":2,"method":"add","params":[1,2]}]
<-- [{"jsonrpc":"2.0","id":1,"result":0},{"jsonrpc":"2.0","id":2,"result":3}]
--> [{"jsonrpc":"2.0","id":1,"method":"slept"},1,1]
<-- {"jsonrpc":"2.0","id":null,"error":{"code":-32010,"message":"the batch has more members than `batch`, which is 2","data":{"kind":"batch_too_big","max":2}}}
"#,
        )
        .await;
    client.send(&json!({"jsonrpc": "2.0", "method": "x".repeat(2000)}).to_string()).await;
    let Some(Ok(Message::Close(Some(close)))) = soon(client.socket.next()).await else {
        panic!("not closed");
    };
    assert_eq!(u16::from(close.code), 1009);
}

#[tokio::test]
async fn pages_of_allowed_origins_may_connect() {
    let server = Running::start(&["--allow-origin", "https://good.example"]);
    for (origin, may) in [("https://good.example", true), ("https://evil.example", false)] {
        let mut request = server.url.as_str().into_client_request().unwrap();
        request.headers_mut().insert("origin", origin.parse().unwrap());
        assert_eq!(soon(connect_async(request)).await.is_ok(), may, "{origin}");
    }
}

#[test]
fn what_is_wrong_with_the_command_line_is_said() {
    for (args, code, complaint) in [
        (&[][..], 2, "--listen ADDRESS"),
        (&["--limit", "qeue=1"], 2, "`qeue`: unknown field"),
        (&["--limit", "queue"], 2, "no `=`"),
        (&["--limit", "queue=many"], 2, "`queue`"),
        (&["--limit", "ping=30s"], 2, "raise `dead_after` or lower `ping`"),
        (&["--limit", "live_handlers=9"], 2, "`inflight_requests` (512)"),
        (&["--max-level", "loud"], 2, "loud"),
        (&["--port", "1"], 2, "--port"),
        (&["--listen", "127.0.0.1:0", "--allow-origin", "good.example"], 1, "`good.example` is no"),
        (&["--listen", "203.0.113.7:1"], 1, "cannot listen"),
    ] {
        let output = reference_server(args).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{args:?}: {said}");
        assert!(said.contains(complaint) && output.stdout.is_empty(), "{args:?}: {said}");
    }
}

#[tokio::test]
async fn a_signal_lets_what_runs_come_to_its_end() {
    for signal in ["TERM", "INT"] {
        let server = Running::start(&["--max-level", "trace"]);
        let mut client = server.client().await;
        let id = client.start("sleep", json!([500])).await;
        // It runs by then.
        assert_eq!(client.call("slept", json!([])).await, 0);
        server.signal(signal);
        let answer = client.receive_json().await;
        assert_eq!((&answer["id"], &answer["result"]), (&json!(id), &json!(500)));
        let Some(Ok(Message::Close(Some(close)))) = soon(client.socket.next()).await else {
            panic!("not closed");
        };
        assert_eq!(u16::from(close.code), 1012);
        while client.socket.next().await.is_some() {}
        let (status, rest) = server.end();
        assert!(status.success() && rest.is_empty(), "{status}: {rest}");
    }
}

#[tokio::test]
async fn a_second_signal_waits_for_nothing() {
    let server = Running::start(&["--limit", "close=100ms"]);
    let mut client = server.client().await;
    client.start("sleep", json!([3_600_000])).await;
    assert_eq!(client.call("slept", json!([])).await, 0);
    server.signal("TERM");
    server.signal("INT");
    let (status, _) = server.end();
    assert!(status.success(), "{status}");
}
