//! Requests of a link as a person with a terminal makes them.

use rpc_server::Server;

use crate::support::Raw;

/// The hello of a client that knows what it must.
pub(crate) const HELLO: &str = r#"{"jsonrpc":"2.0","method":"$/hello","params":{"duplex":1}}"#;

/// A call with one text as its parameter.
pub(crate) fn call(id: u64, method: &str, text: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"{method}","params":["{text}"]}}"#)
}

/// An HTTP connection.
pub(crate) struct Http {
    raw: Raw,
}

/// A whole answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        header(&self.head, name)
    }
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let line = head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))?;
    Some(line.trim())
}

impl Http {
    pub(crate) async fn connect(server: &Server) -> Self {
        Self { raw: Raw::connect(server).await }
    }

    pub(crate) async fn send(&mut self, text: impl AsRef<[u8]>) {
        // That the server has closed shows when the answer is read.
        self.raw.send(text).await;
    }

    /// The head of a request with messages.
    pub(crate) fn head_of(&self, link: &str, headers: &str) -> String {
        format!(
            "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
             Rpc-Link: {link}\r\n{headers}\r\n"
        )
    }

    /// Sends messages over this connection.
    pub(crate) async fn up(&mut self, link: &str, headers: &str, body: &str) -> Answer {
        let headers = format!("{headers}Content-Length: {}\r\n", body.len());
        let head = self.head_of(link, &headers);
        self.send(head + body).await;
        self.answer().await
    }

    /// Sends messages over a connection of their own.
    pub(crate) async fn post(server: &Server, link: &str, headers: &str, body: &str) -> Answer {
        Self::connect(server).await.up(link, headers, body).await
    }

    /// Asks for a link. For an answer that is no stream.
    pub(crate) async fn open(&mut self, headers: &str, hello: &str) -> Answer {
        self.send(opening(headers, hello)).await;
        self.answer().await
    }

    pub(crate) async fn answer(&mut self) -> Answer {
        let head = self.head().await;
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
        let length = header(&head, "content-length").and_then(|length| length.parse().ok());
        let length: usize = length.unwrap_or(0);
        let body = self.raw.bytes(length).await;
        Answer { status, head, body: String::from_utf8(body).unwrap() }
    }

    /// The head of an answer; empty if the server closes before.
    pub(crate) async fn head(&mut self) -> String {
        self.raw.head().await
    }
}

/// A request for a link.
pub(crate) fn opening(headers: &str, hello: &str) -> String {
    format!(
        "POST / HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\
         Content-Type: application/json\r\n{headers}Content-Length: {}\r\n\r\n{hello}",
        hello.len()
    )
}

/// A stream of events.
pub(crate) struct Events {
    http: Http,
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) link: Option<String>,
    text: String,
}

impl Events {
    pub(crate) async fn open(server: &Server, hello: &str) -> Self {
        Self::ask(server, &opening("", hello)).await
    }

    /// Opens a link, and reads the hello of the server.
    pub(crate) async fn open_named(server: &Server) -> (Self, String) {
        Self::open_with(server, "").await
    }

    pub(crate) async fn open_with(server: &Server, headers: &str) -> (Self, String) {
        let mut events = Self::ask(server, &opening(headers, HELLO)).await;
        events.next().await;
        let link = events.link.clone().unwrap();
        (events, link)
    }

    pub(crate) async fn again(server: &Server, link: &str, received: u64) -> Self {
        let request = format!(
            "GET / HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\
             Rpc-Link: {link}\r\nRpc-Received: {received}\r\n\r\n"
        );
        Self::ask(server, &request).await
    }

    pub(crate) async fn ask(server: &Server, request: &str) -> Self {
        let mut http = Http::connect(server).await;
        http.send(request).await;
        let head = http.head().await;
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
        Self { http, status, head, link: None, text: String::new() }
    }

    /// The next event that is no comment, without the empty line behind it.
    pub(crate) async fn next(&mut self) -> String {
        self.try_next().await.expect("the stream ended")
    }

    async fn try_next(&mut self) -> Option<String> {
        loop {
            while let Some((event, rest)) = self.text.split_once("\n\n") {
                let (event, rest) = (event.to_owned(), rest.to_owned());
                self.text = rest;
                if event.starts_with(':') {
                    continue;
                }
                if let Some((_, link)) = event.split_once("\"link\":\"") {
                    self.link = link.split('"').next().map(str::to_owned);
                }
                return Some(event);
            }
            self.text += &String::from_utf8(self.http.raw.chunk().await?).unwrap();
        }
    }

    /// Reads to the end of the stream.
    pub(crate) async fn ended(&mut self) -> bool {
        while self.try_next().await.is_some() {}
        true
    }
}
