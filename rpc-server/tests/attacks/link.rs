//! A link over server-sent events and `POST` to attack with. It is given the frames of a WebSocket: each text is a line of a
//! `POST`, each ping and pong a request that brings nothing, and a close is the header that closes the link.

use std::collections::VecDeque;

use rpc_core::internal::sse::{Event, EventReader, hello};

use crate::raw::Socket;
use crate::support::{CLOSE, PING, TEXT, whole_frame};
use crate::way::Way;

/// The hello of who says no hello by itself.
pub(crate) const HELLO: &str = r#"{"jsonrpc":"2.0","method":"$/hello","params":{"duplex":1}}"#;

const PONG: u8 = 10;

/// A link, which acknowledges with each request what was read from its stream.
pub(crate) struct Link {
    way: Way,
    /// More headers of each request.
    headers: String,
    name: String,
    stream: Option<Socket>,
    posts: Option<Socket>,
    events: EventReader,
    /// Frames that were read.
    ready: VecDeque<(u8, Vec<u8>)>,
    received: u64,
    acknowledges: bool,
    /// The number of the next message.
    next: u64,
    /// How this end has closed the link.
    closed: Option<Vec<u8>>,
}

/// What a request brings.
#[derive(Default)]
struct Bringing {
    lines: Vec<u8>,
    count: u64,
    close: Option<Vec<u8>>,
}

impl Link {
    /// Opens a link.
    pub(crate) async fn open(way: &Way, headers: &str) -> Self {
        let mut link = Self::later(way, headers);
        link.begin(HELLO).await;
        link.ready.clear();
        link
    }

    /// Makes a link that its first text opens, if that is a hello.
    pub(crate) fn later(way: &Way, headers: &str) -> Self {
        Self {
            way: way.clone(),
            headers: headers.to_owned(),
            name: String::new(),
            stream: None,
            posts: None,
            events: EventReader::new(usize::MAX),
            ready: VecDeque::new(),
            received: 0,
            acknowledges: true,
            next: 2,
            closed: None,
        }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Goes on behind messages that were sent in another way.
    pub(crate) fn skip(&mut self, count: u64) {
        self.next += count;
    }

    /// The connection that events are read from.
    pub(crate) fn stream(&mut self) -> &mut Socket {
        self.stream.as_mut().expect("the link has begun")
    }

    /// Whether each request says which events have come.
    pub(crate) fn acknowledge(&mut self, acknowledges: bool) {
        self.acknowledges = acknowledges;
    }

    /// Asks for the link, and reads its first event.
    async fn begin(&mut self, hello: &str) {
        let mut stream = self.way.connect().await;
        stream.send(opening(&self.headers, hello)).await;
        let head = stream.head().await;
        assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
        self.stream = Some(stream);
        let (_, first) = self.frame().await.expect("the stream ended");
        self.name = hello::link(&first).expect("the first event names the link");
        self.ready.push_back((TEXT, first));
    }

    /// Sends frames. Returns false if the link is over.
    pub(crate) async fn try_send(&mut self, mut bytes: &[u8]) -> bool {
        let mut bringing = Bringing::default();
        while let Some((opcode, start, end)) = whole_frame(bytes) {
            assert!(bytes[0] & 0x80 > 0 && opcode > 0, "a link has no fragments");
            let payload = bytes[start..end].to_vec();
            bytes = &bytes[end..];
            match opcode {
                TEXT if self.stream.is_none() => {
                    let text = String::from_utf8(payload).unwrap();
                    self.begin(&text).await;
                }
                TEXT => {
                    bringing.lines.extend(payload);
                    bringing.lines.push(b'\n');
                    bringing.count += 1;
                }
                PING | PONG => {
                    let before = std::mem::take(&mut bringing);
                    let is_fine = before.is_nothing() || self.post(before).await;
                    if !is_fine || !self.post(Bringing::default()).await {
                        return false;
                    }
                }
                CLOSE => {
                    bringing.close = Some(payload);
                    if !self.post(std::mem::take(&mut bringing)).await {
                        return false;
                    }
                }
                _ => panic!("a link carries text only"),
            }
        }
        let is_fine = bringing.is_nothing() || self.post(bringing).await;
        if !bytes.is_empty() {
            self.begin_post(bytes).await;
        }
        is_fine
    }

    /// Makes a request, over a connection that is kept. Returns false if the link is over.
    async fn post(&mut self, bringing: Bringing) -> bool {
        let Bringing { lines, count, close } = bringing;
        let mut headers = format!("Content-Length: {}\r\n", lines.len());
        if let Some(close) = &close {
            let (code, reason) = close.split_first_chunk().expect("a close of a link has a code");
            let (code, reason) = (u16::from_be_bytes(*code), std::str::from_utf8(reason).unwrap());
            headers += &format!("Rpc-Close: {code} {reason}\r\n");
        }
        let request = [self.head(&headers, count > 0).as_bytes(), &lines].concat();
        let kept = self.posts.take();
        let mut answer = String::new();
        if let Some(mut posts) = kept {
            posts.send(&request).await;
            answer = posts.head().await;
            self.posts = Some(posts);
        }
        if answer.is_empty() {
            // There was none, or the server has closed it since it was idle.
            let mut posts = self.way.connect().await;
            posts.send(&request).await;
            answer = posts.head().await;
            self.posts = Some(posts);
        }
        if answer.starts_with("HTTP/1.1 204 ") {
            self.next += count;
            self.closed = close;
            return true;
        }
        self.posts = None;
        let is_over = ["404", "413"].iter().any(|status| answer.contains(status));
        assert!(is_over || answer.is_empty(), "{answer}");
        false
    }

    /// Begins a request that does not come to its end.
    async fn begin_post(&mut self, part: &[u8]) {
        let mut posts = self.way.connect().await;
        let head = self.head(&format!("Content-Length: {}\r\n", part.len() + 1), true);
        posts.send([head.as_bytes(), part].concat()).await;
        self.posts = Some(posts);
    }

    /// The head of a request of this link.
    pub(crate) fn head(&self, headers: &str, has_messages: bool) -> String {
        let first = format!("Rpc-First: {}\r\n", self.next);
        let first = if has_messages { &*first } else { "" };
        let received = if self.acknowledges { self.received } else { 1 };
        format!(
            "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n{}Rpc-Link: {}\r\n\
             Rpc-Received: {received}\r\n{first}{headers}\r\n",
            self.headers, self.name
        )
    }

    /// The next event as a frame; `None` at the end of the stream.
    pub(crate) async fn frame(&mut self) -> Option<(u8, Vec<u8>)> {
        loop {
            if let Some(frame) = self.ready.pop_front() {
                return Some(frame);
            }
            while let Some(event) = self.events.next_event().unwrap() {
                let frame = self.frame_of(event);
                self.ready.push_back(frame);
            }
            if self.ready.is_empty() {
                match self.stream.as_mut()?.chunk().await {
                    Some(chunk) => self.events.feed(chunk.into()),
                    None => return self.closed.take().map(|close| (CLOSE, close)),
                }
            }
        }
    }

    fn frame_of(&mut self, event: Event) -> (u8, Vec<u8>) {
        match event {
            Event::Message { number, text } => {
                self.received += 1;
                assert_eq!(number, Some(self.received), "the number of the event");
                (TEXT, text.to_vec())
            }
            Event::Ping => (PING, Vec::new()),
            Event::Close(said) => {
                self.closed = None;
                let (code, reason) = said.expect("a close says why");
                (CLOSE, [&code.value().to_be_bytes()[..], reason.as_bytes()].concat())
            }
        }
    }

    /// Waits for some bytes of the stream; false if there are none any more.
    pub(crate) async fn some(&mut self) -> bool {
        match &mut self.stream {
            Some(stream) => stream.some().await,
            None => false,
        }
    }

    /// Reads, whatever it is, to the end.
    pub(crate) async fn ended(&mut self) -> bool {
        while self.some().await {}
        true
    }

    /// Says on each of its connections that nothing more will come.
    pub(crate) async fn shutdown(&mut self) {
        for socket in [&mut self.stream, &mut self.posts].into_iter().flatten() {
            socket.shutdown().await;
        }
    }

    /// Goes away without a word.
    pub(crate) fn reset(self) {
        self.stream.into_iter().chain(self.posts).for_each(Socket::reset);
    }
}

impl Bringing {
    fn is_nothing(&self) -> bool {
        self.count == 0 && self.close.is_none()
    }
}

/// A request that opens a link.
pub(crate) fn opening(headers: &str, hello: &str) -> String {
    format!(
        "POST / HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\nRpc-Received: 0\r\n\
         Content-Type: application/json\r\n{headers}Content-Length: {}\r\n\r\n{hello}",
        hello.len()
    )
}
