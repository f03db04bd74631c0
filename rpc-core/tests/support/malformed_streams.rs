//! What a peer may do wrong on a stream of bytes, in each framing, and what follows.

#![allow(dead_code, unreachable_pub, reason = "each test file uses its own part")]

use std::time::Duration;

use rpc_core::transport::{ByteStream, Endpoint, EndpointConfig, Framing};
use rpc_core::{CloseReason, Context, Limits, Router};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::task::JoinHandle;

/// What the other end sends, and what becomes of the link.
pub struct Case {
    pub bytes: Vec<u8>,
    /// Whether the stream ends behind the bytes.
    pub ends: bool,
    pub then: Then,
}

#[derive(Debug, Clone, Copy)]
pub enum Then {
    /// The link closes, with this in its reason.
    Closes(&'static str),
    /// An error with this in its text is answered, and the link goes on.
    Answers(&'static str),
    /// The link goes on.
    Nothing,
}

use Then::{Answers, Closes, Nothing};

/// The longest message that the end of these tests takes.
pub const MESSAGE_IN: usize = 10_000;

pub fn cases(framing: Framing) -> Vec<Case> {
    let case = |(bytes, then): (Vec<u8>, Then)| Case { bytes, ends: false, then };
    let texts = texts().into_iter().map(|(text, then)| (framed(framing, &text), then));
    let own = match framing {
        Framing::Lines => lines(),
        _ => heads(),
    };
    let mut cases: Vec<Case> = texts.chain(own).map(case).collect();
    let whole = framed(framing, br#"{"jsonrpc":"2.0","id":2,"method":"echo","params":["x"]}"#);
    cases.extend([1, 20, whole.len() - 1].map(|cut| {
        let then = Closes("in the middle of a message");
        Case { bytes: whole[..cut].to_vec(), ends: true, then }
    }));
    cases
}

/// A message in its framing.
pub fn framed(framing: Framing, text: &[u8]) -> Vec<u8> {
    match framing {
        Framing::Lines => [text, b"\n"].concat(),
        _ => [format!("Content-Length: {}\r\n\r\n", text.len()).as_bytes(), text].concat(),
    }
}

/// Malformed messages, in either framing.
fn texts() -> Vec<(Vec<u8>, Then)> {
    let mut texts: Vec<(Vec<u8>, Then)> = [
        ("{", Answers("-32700")),
        ("}", Answers("-32700")),
        ("nonsense", Answers("-32700")),
        ("'{}'", Answers("-32700")),
        ("{}{}", Answers("-32700")),
        ("{} // empty", Answers("-32700")),
        ("{\"jsonrpc\":\"2.0\",}", Answers("-32700")),
        ("{\"a\":NaN}", Answers("-32700")),
        ("{\"a\":\"", Answers("-32700")),
        ("{\"a\":\"\u{1}\"}", Answers("-32700")),
        ("{\0}\0", Answers("-32700")),
        ("\u{feff}{}", Answers("-32600")),
        ("<html>", Answers("-32700")),
        ("tru", Answers("-32700")),
        ("01", Answers("-32700")),
        ("{\"a\" 1}", Answers("-32700")),
        ("{\"a\":1", Answers("-32700")),
        ("[{},{}]", Answers("-32600")),
        ("{\"jsonrpc\":\"2.0\",\"id\":[1],\"method\":\"echo\"}", Answers("-32600")),
        ("{}\r{}", Answers("-32700")),
        ("\"text\"", Answers("-32600")),
        ("1", Answers("-32600")),
        ("null", Answers("-32600")),
        ("[]", Answers("-32600")),
        ("[1]", Answers("-32600")),
        ("{}", Answers("-32600")),
        ("{\"jsonrpc\":\"2.0\"}", Answers("-32600")),
        ("{\"jsonrpc\":\"1.0\",\"id\":2,\"method\":\"echo\"}", Answers("-32600")),
        ("{\"id\":2,\"method\":\"echo\",\"params\":[\"x\"]}", Answers("-32600")),
        ("{\"jsonrpc\":\"2.0\",\"id\":{},\"method\":\"echo\"}", Answers("-32600")),
        ("{\"jsonrpc\":\"2.0\",\"id\":true,\"method\":\"echo\"}", Answers("-32600")),
        ("{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":1}", Answers("-32600")),
        ("{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"echo\",\"params\":1}", Answers("-32600")),
        (
            "{\"jsonrpc\":\"2.0\",\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"echo\"}",
            Answers("-32600"),
        ),
        ("{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"nothing\"}", Answers("-32601")),
        ("{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"echo\",\"params\":[1]}", Answers("-32602")),
        ("{\"jsonrpc\":\"2.0\",\"method\":\"nothing\"}", Nothing),
        ("{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":1}", Nothing),
        ("\u{16}\u{3}\u{1}", Answers("-32700")),
    ]
    .map(|(text, then)| (text.as_bytes().to_vec(), then))
    .into();
    texts.extend([
        ("[".repeat(2000).into_bytes(), Answers("error")),
        (b"{\"a\":".repeat(1000), Answers("error")),
        (b"\xff".to_vec(), Closes("not UTF-8")),
        (b"{\"a\":\"\xc0\xaf\"}".to_vec(), Closes("not UTF-8")),
        (b"\xff\xfe{\0}\0".to_vec(), Closes("not UTF-8")),
        (b"\x81\x02{}".to_vec(), Closes("not UTF-8")),
        (vec![b'x'; MESSAGE_IN + 1], Closes("`message_in`")),
        (vec![b'x'; 20 * MESSAGE_IN], Closes("`message_in`")),
    ]);
    texts
}

fn lines() -> Vec<(Vec<u8>, Then)> {
    let own: [(&[u8], Then); 8] = [
        (b"\n\n\r\n \t\n", Nothing),
        (b"{\"jsonrpc\":\"2.0\",\n", Answers("-32700")),
        (b"GET / HTTP/1.1\r\n", Answers("-32700")),
        (b"Content-Length: 2\r\n\r\n{}", Closes("Framing::ContentLength")),
        (b"content-length:2\n", Closes("Framing::ContentLength")),
        (b"CONTENT-LENGTH: 2", Closes("Framing::ContentLength")),
        (b"\x0c{}\n", Answers("-32700")),
        (b"{\"a\":1}\x1a\n", Answers("-32700")),
    ];
    let mut own: Vec<_> = own.map(|(bytes, then)| (bytes.to_vec(), then)).into();
    own.push((vec![b'x'; MESSAGE_IN + 2], Closes("`message_in`")));
    own.push((b"x\n".repeat(200), Closes("`malformed_rate`")));
    own
}

fn heads() -> Vec<(Vec<u8>, Then)> {
    let lines = Closes("Framing::Lines");
    let needs = Closes("needs a head");
    let own: [(&str, Then); 26] = [
        ("\r\n\r\n\n", Nothing),
        ("Content-Length: 0\r\n\r\n", Nothing),
        ("{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"echo\"}\n", lines),
        ("[1]", lines),
        ("GET / HTTP/1.1\r\nHost: x\r\n\r\n", needs),
        ("POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}", needs),
        ("\u{feff}Content-Length: 2\r\n\r\n{}", needs),
        (" Content-Length: 2\r\n\r\n{}", needs),
        ("Content-Length : 2\r\n\r\n{}", needs),
        ("Content-Length\r\n\r\n{}", needs),
        ("Content-Length=2\r\n\r\n{}", needs),
        ("Content-Length: 2\r\nHost: x\r\n\r\n{}", needs),
        ("Content-Length: 2\r\n more\r\n\r\n{}", needs),
        ("Content-Length: -2\r\n\r\n{}", Closes("no number")),
        ("Content-Length: +2\r\n\r\n{}", Closes("no number")),
        ("Content-Length: 2.0\r\n\r\n{}", Closes("no number")),
        ("Content-Length: 0x2\r\n\r\n{}", Closes("no number")),
        ("Content-Length: 2, 2\r\n\r\n{}", Closes("no number")),
        ("Content-Length: two\r\n\r\n{}", Closes("no number")),
        ("Content-Length:\r\n\r\n{}", Closes("no number")),
        ("Content-Length: 10001\r\n\r\n", Closes("`message_in`")),
        ("Content-Length: 18446744073709551617\r\n\r\n", Closes("`message_in`")),
        ("Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}", Closes("two `Content-Length`")),
        ("Content-Type: a/b\r\nContent-Type: a/b\r\n\r\n{}", Closes("two `Content-Type`")),
        ("Content-Type: a/b\r\n\r\n{}", Closes("without `Content-Length`")),
        ("Content-Length: 2\r\nContent-Type: a/b; charset=utf-16\r\n\r\n{}", Closes("charset")),
    ];
    let mut own: Vec<_> = own.map(|(text, then)| (text.as_bytes().to_vec(), then)).into();
    let huge = format!("Content-Type: {}", "x".repeat(100_000));
    own.push((huge.into_bytes(), Closes("more than 1 KiB")));
    own.push((framed(Framing::ContentLength, b"x").repeat(200), Closes("`malformed_rate`")));
    own
}

/// A link over which a server of these tests is reached.
pub struct Reached {
    pub far: DuplexStream,
    pub connection: JoinHandle<CloseReason>,
    framing: Framing,
}

impl Reached {
    pub fn new(framing: Framing) -> Self {
        let mut limits = Limits::server();
        (limits.message_in, limits.message_out) = (MESSAGE_IN, MESSAGE_IN);
        let echo = |_: Context, (text,): (String,)| async move { Ok(text) };
        let router = Router::new().method("echo", echo);
        let endpoint = Endpoint::new(EndpointConfig::new(router, limits.clone()));
        let (near, far) = tokio::io::duplex(64 * 1024);
        let connection = tokio::spawn(endpoint.connect(ByteStream::new(near, framing, &limits)));
        Self { far, connection, framing }
    }

    /// Sends bytes; whether the other end takes all of them is its own matter.
    pub async fn send(&mut self, bytes: &[u8]) {
        let _ = self.far.write_all(bytes).await;
    }

    pub async fn call(&mut self, id: u32) {
        let call = format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"echo","params":["x"]}}"#);
        let call = framed(self.framing, call.as_bytes());
        self.send(&call).await;
    }

    /// Reads until the text of an answer has come.
    pub async fn hear(&mut self, text: &str) -> String {
        let mut heard = Vec::new();
        loop {
            let said = String::from_utf8_lossy(&heard).into_owned();
            if said.contains(text) {
                return said;
            }
            let read =
                tokio::time::timeout(Duration::from_secs(3600), self.far.read_buf(&mut heard));
            let count = read.await.expect("it answers").unwrap_or(0);
            assert!(count > 0, "the link ended before {text:?}: {said:?}");
        }
    }

    /// Plays a case between two calls, of which the first is always answered.
    pub async fn play(mut self, case: &Case) {
        let shown = String::from_utf8_lossy(&case.bytes[..case.bytes.len().min(80)]).into_owned();
        self.call(1).await;
        let Case { bytes, ends, then } = case;
        let (mut far, answered) = (self.far, format!("{:?}: {shown:?}", case.then));
        let (mut reading, mut writing) = tokio::io::split(far);
        let (sent, ended) = (bytes.clone(), *ends);
        let sending = tokio::spawn(async move {
            let _ = writing.write_all(&sent).await;
            if ended {
                writing.shutdown().await.unwrap();
            }
            writing
        });
        let mut heard = Vec::new();
        while !String::from_utf8_lossy(&heard).contains(r#""id":1,"result":"x""#) {
            assert!(reading.read_buf(&mut heard).await.unwrap() > 0, "{answered}");
        }
        match then {
            Closes(reason) => {
                while reading.read_buf(&mut heard).await.unwrap_or(0) > 0 {}
                drop((reading, sending.await));
                let closed = self.connection.await.unwrap().to_string();
                assert!(closed.contains(reason), "{answered}: {closed}");
            }
            Answers(_) | Nothing => {
                far = reading.unsplit(sending.await.unwrap());
                self.far = far;
                self.call(9).await;
                let rest = self.hear(r#""id":9,"result":"x""#).await;
                let all = String::from_utf8_lossy(&heard).into_owned() + &rest;
                let Answers(text) = then else { return assert!(!all.contains("error"), "{all}") };
                assert!(all.contains(text), "{answered}: {all}");
            }
        }
    }
}
