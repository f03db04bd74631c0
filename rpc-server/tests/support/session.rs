//! A client with a session, by hand.

#![allow(dead_code, reason = "each test file uses its part")]

use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncWrite};

use crate::support::{CLOSE, HANDSHAKE, Raw, TEXT, frame};

/// The header by which a link announces that it may resume a session.
pub(crate) const ANNOUNCE: &str = "Rpc-Resume: 1\r\n";

/// Asks for a WebSocket with more headers. Returns the head of the answer.
pub(crate) async fn shake<S>(raw: &mut Raw<S>, headers: &str) -> String
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    raw.send(HANDSHAKE.replacen("Host", &format!("{headers}Host"), 1)).await;
    raw.head().await
}

/// What a session has its messages carried by.
pub(crate) trait Carries {
    /// Sends a frame.
    async fn send(&mut self, frame: Vec<u8>);
    /// The next frame, opcode and payload; `None` at the end.
    async fn frame(&mut self) -> Option<(u8, Vec<u8>)>;
}

impl<S: AsyncRead + AsyncWrite + Unpin> Carries for Raw<S> {
    async fn send(&mut self, frame: Vec<u8>) {
        Self::send(self, frame).await;
    }

    async fn frame(&mut self) -> Option<(u8, Vec<u8>)> {
        Self::frame(self).await
    }
}

/// Says hello, and returns what the server says of the session in its own.
pub(crate) async fn greet(raw: &mut impl Carries, session: Value) -> Value {
    let params = json!({ "duplex": 1, "window": 65536, "session": session });
    let hello = json!({ "jsonrpc": "2.0", "method": "$/hello", "params": params });
    raw.send(frame(TEXT, hello.to_string().as_bytes())).await;
    let (_, said) = raw.frame().await.expect("no answer to the hello");
    let said: Value = serde_json::from_slice(&said).unwrap();
    assert_eq!(said["method"], "$/hello", "{said}");
    said["params"]["session"].clone()
}

/// A client, and what it knows of its session.
pub(crate) struct Session<R> {
    pub(crate) raw: R,
    pub(crate) token: String,
    pub(crate) attempt: u64,
    /// How many messages of the server were taken in.
    pub(crate) received: u64,
}

impl<R: Carries> Session<R> {
    /// Begins a session on a WebSocket, and acknowledges its token.
    pub(crate) async fn begin(mut raw: R) -> Self {
        let said = greet(&mut raw, json!({})).await;
        let token = said["token"].as_str().expect("a session is granted").to_owned();
        let mut session = Self { raw, token, attempt: 0, received: 0 };
        session.ack(0).await;
        session
    }

    /// What the next hello says to resume the session.
    pub(crate) fn asks(&mut self) -> Value {
        self.attempt += 1;
        json!({ "token": self.token, "attempt": self.attempt, "received": self.received })
    }

    /// Asks for the session on another WebSocket. Returns what the server says.
    pub(crate) async fn ask(&mut self, mut raw: R) -> (R, Value) {
        let asks = self.asks();
        let said = greet(&mut raw, asks).await;
        (raw, said)
    }

    /// Resumes the session on another WebSocket. Returns what the server says, and the link before.
    pub(crate) async fn resume(&mut self, raw: R) -> (Value, R) {
        let (raw, said) = self.ask(raw).await;
        assert_eq!(said["resumed"], true, "{said}");
        self.token = said["token"].as_str().unwrap().to_owned();
        let before = std::mem::replace(&mut self.raw, raw);
        self.ack(self.received).await;
        (said, before)
    }

    pub(crate) async fn ack(&mut self, n: impl Into<Value>) {
        let ack = json!({ "jsonrpc": "2.0", "method": "$/ack", "params": { "n": n.into() } });
        self.raw.send(frame(TEXT, ack.to_string().as_bytes())).await;
    }

    /// The next message that counts.
    pub(crate) async fn next(&mut self) -> Value {
        loop {
            let (opcode, payload) = self.raw.frame().await.expect("the link ended");
            assert_ne!(opcode, CLOSE, "{payload:?}");
            if opcode != TEXT {
                continue;
            }
            let message: Value = serde_json::from_slice(&payload).unwrap();
            if message["method"] != "$/ack" {
                self.received += 1;
                return message;
            }
        }
    }

    pub(crate) async fn call(&mut self, id: impl Into<Value>, method: &str, params: Value) {
        let call = json!({ "jsonrpc": "2.0", "id": id.into(), "method": method, "params": params });
        self.raw.send(frame(TEXT, call.to_string().as_bytes())).await;
    }

    /// Calls `echo` and takes the answer, which must be the next message.
    pub(crate) async fn echoes(&mut self, text: &str) {
        self.call(text, "echo", json!([text])).await;
        let answer = json!({ "jsonrpc": "2.0", "id": text, "result": text });
        assert_eq!(self.next().await, answer);
    }

    /// Closes the link with a code.
    pub(crate) async fn close(&mut self, code: u16) {
        self.raw.send(frame(CLOSE, &code.to_be_bytes())).await;
    }
}
