//! The WebSocket of a browser as a transport.

use std::cell::RefCell;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use js_sys::{Array, ArrayBuffer, Uint8Array};
use rpc_core::internal::runtime::{Instant, Sleep, sleep_until};
use rpc_core::transport::{LinkError, Received, Transport};
use rpc_core::{CloseCode, Limits};
use send_wrapper::SendWrapper;
use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::{Closure, JsValue};
use web_sys::{BinaryType, CloseEvent, Event, MessageEvent, WebSocket};

use super::arrived::{Arrived, Closed, Message};
use super::unsent::Unsent;

/// The codes of a browser's own: the other end gave none, and the link broke.
const NO_CODE: u16 = 1005;
const BROKE: u16 = 1006;

/// What is added to a code that a page may not send (1000 and 3000 to 4999 it may).
const PRIVATE: u16 = 2000;

/// The longest reason of a close frame in bytes (RFC 6455, section 5.5).
const REASON: usize = 123;

/// A browser does not tell when its buffer is empty, so this end looks again and again.
const LOOK_AGAIN: Duration = Duration::from_millis(10);

/// How many messages of the longest kind may wait to be read. A page cannot make the browser read more slowly.
const UNREAD: usize = 4;

/// A WebSocket of the browser. When it is dropped without a close, the link is given up.
pub(crate) struct PageSocket {
    /// There is one thread, but the types of a transport cannot tell.
    page: SendWrapper<Page>,
    message: Bytes,
    unsent: Unsent,
    /// Rings when it is time to look at the buffer again.
    look: Option<Pin<Box<Sleep>>>,
    message_in: usize,
    write_buffer_max: usize,
    is_closing: bool,
}

/// What belongs to the page.
struct Page {
    socket: WebSocket,
    arrived: Rc<RefCell<Arrived>>,
    /// Called by the browser.
    _listeners: [Closure<dyn FnMut(Event)>; 3],
}

impl PageSocket {
    /// Begins to connect.
    ///
    /// # Errors
    /// The browser does not take the URL: its syntax is wrong, or the page came by TLS and the URL has none.
    pub(super) fn new(url: &str, offered: &[&str], limits: &Limits) -> Result<Self, JsValue> {
        let protocols: Array = offered.iter().map(|name| JsValue::from_str(name)).collect();
        let socket = WebSocket::new_with_str_sequence(url, &protocols)?;
        socket.set_binary_type(BinaryType::Arraybuffer);
        let arrived = Rc::<RefCell<Arrived>>::default();
        let open = listener(&arrived, |arrived, _| arrived.open());
        let message = listener(&arrived, |arrived, event| arrived.push(message_of(&event)));
        let close = listener(&arrived, |arrived, event| {
            let event: &CloseEvent = event.unchecked_ref();
            arrived.close(Closed { code: event.code(), reason: event.reason() });
        });
        socket.set_onopen(Some(open.as_ref().unchecked_ref()));
        socket.set_onmessage(Some(message.as_ref().unchecked_ref()));
        socket.set_onclose(Some(close.as_ref().unchecked_ref()));
        let page = Page { socket, arrived, _listeners: [open, message, close] };
        Ok(Self {
            page: SendWrapper::new(page),
            message: Bytes::new(),
            unsent: Unsent::default(),
            look: None,
            message_in: limits.message_in,
            write_buffer_max: limits.write_buffer_max,
            is_closing: false,
        })
    }

    /// Waits until the socket is open. Returns the subprotocol that the server has picked.
    pub(super) fn poll_open(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Option<String>>> {
        let opened = self.page.arrived.borrow_mut().poll_open(cx);
        opened.map(|opened| match opened {
            Ok(()) => Ok(Some(self.page.socket.protocol()).filter(|picked| !picked.is_empty())),
            Err(closed) => Err(io::Error::other(why_not_open(&closed))),
        })
    }

    /// Waits until no more than `most` bytes wait in the browser.
    fn poll_buffered(&mut self, cx: &mut Context<'_>, most: usize) -> Poll<()> {
        while self.buffered() > most && !self.page.arrived.borrow().is_closed() {
            let again = Instant::now() + LOOK_AGAIN;
            let look = self.look.get_or_insert_with(|| Box::pin(sleep_until(again)));
            if look.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
            self.look = None;
        }
        Poll::Ready(())
    }

    fn buffered(&mut self) -> usize {
        let waits = self.page.socket.buffered_amount();
        self.unsent.wait(waits);
        waits as usize
    }

    fn close(&mut self, code: CloseCode, reason: &str) {
        self.is_closing = true;
        let (code, reason) = (u16::from(code), &reason[..reason.floor_char_boundary(REASON)]);
        if self.page.socket.close_with_code_and_reason(code, reason).is_err() {
            // Ours are none that a page may not send after all.
            let _ = self.page.socket.close_with_code_and_reason(code + PRIVATE, reason);
        }
    }
}

fn listener(
    arrived: &Rc<RefCell<Arrived>>,
    tell: fn(&mut Arrived, Event),
) -> Closure<dyn FnMut(Event)> {
    let arrived = arrived.clone();
    Closure::new(move |event| tell(&mut arrived.borrow_mut(), event))
}

fn message_of(event: &Event) -> Message {
    let data = event.unchecked_ref::<MessageEvent>().data();
    match data.as_string() {
        Some(text) => Message::Text(text.into()),
        None => {
            let buffer: ArrayBuffer = data.unchecked_into();
            Message::Binary(Uint8Array::new(&buffer).to_vec().into())
        }
    }
}

fn why_not_open(closed: &Closed) -> String {
    match closed.code {
        BROKE => "the browser does not tell a page why; its console does".into(),
        code => format!("closed with {code}: {}", closed.reason.escape_debug()),
    }
}

/// The browser takes whole messages only while the socket is open. Behind that, the end says what has happened.
fn sent(result: Result<(), JsValue>) -> Result<(), LinkError> {
    result.map_err(|_| io::Error::from(io::ErrorKind::NotConnected).into())
}

fn text(message: &[u8]) -> Result<&str, LinkError> {
    std::str::from_utf8(message).map_err(|error| io::Error::other(error).into())
}

impl Transport for PageSocket {
    fn poll_receive(&mut self, cx: &mut Context<'_>, _allowance: usize) -> Poll<Received> {
        let mut arrived = self.page.arrived.borrow_mut();
        if arrived.waiting() > self.message_in.saturating_mul(UNREAD) {
            let error = LinkError::violation(CloseCode::POLICY, "sends faster than the page reads");
            return Poll::Ready(Received::Failed(error));
        }
        let taken = arrived.poll_message(cx);
        drop(arrived);
        let (message, received) = match std::task::ready!(taken) {
            Ok(Message::Text(text)) => (text, Received::Text),
            Ok(Message::Binary(bytes)) => (bytes, Received::Binary),
            Err(closed) => return Poll::Ready(end(closed)),
        };
        if message.len() > self.message_in {
            let error = LinkError::violation(CloseCode::TOO_BIG, "longer than `message_in`");
            return Poll::Ready(Received::Failed(error));
        }
        self.message = message;
        Poll::Ready(received)
    }

    fn message(&self) -> &[u8] {
        &self.message
    }

    fn take_message(&mut self) -> Bytes {
        self.message.clone()
    }

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), LinkError>> {
        let most = self.write_buffer_max;
        self.poll_buffered(cx, most).map(Ok)
    }

    fn send(&mut self, message: Bytes) -> Result<(), LinkError> {
        self.unsent.add(message.len(), 1);
        sent(self.page.socket.send_with_str(text(&message)?))
    }

    fn carries_binary(&self) -> bool {
        true
    }

    fn send_binary(&mut self, message: Bytes) -> Result<(), LinkError> {
        self.unsent.add(message.len(), 1);
        sent(self.page.socket.send_with_u8_array(&message))
    }

    fn carries_sequences(&self) -> bool {
        true
    }

    fn send_sequence(&mut self, messages: &[Bytes]) -> Result<(), LinkError> {
        let mut sequence = String::new();
        for message in messages {
            sequence.push('\u{1e}');
            sequence.push_str(text(message)?);
            sequence.push('\n');
        }
        self.unsent.add(sequence.len(), messages.len());
        sent(self.page.socket.send_with_str(&sequence))
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), LinkError>> {
        self.poll_buffered(cx, 0).map(Ok)
    }

    fn poll_close(&mut self, cx: &mut Context<'_>, code: CloseCode, reason: &str) -> Poll<()> {
        if !self.is_closing {
            self.close(code, reason);
        }
        self.page.arrived.borrow_mut().poll_closed(cx)
    }

    fn accepted(&self) -> u64 {
        self.unsent.sent()
    }

    fn backlog(&self) -> usize {
        self.page.socket.buffered_amount() as usize
    }

    fn received_bytes(&self) -> u64 {
        self.page.arrived.borrow().received()
    }

    fn set_limits(&mut self, limits: &Limits) {
        self.message_in = limits.message_in;
        self.write_buffer_max = limits.write_buffer_max;
    }
}

fn end(closed: Closed) -> Received {
    match closed.code {
        BROKE => Received::Failed(io::Error::from(io::ErrorKind::ConnectionAborted).into()),
        NO_CODE => Received::Closed { code: None, reason: closed.reason },
        code => Received::Closed { code: Some(CloseCode::from(code)), reason: closed.reason },
    }
}

impl Drop for PageSocket {
    fn drop(&mut self) {
        self.page.socket.set_onopen(None);
        self.page.socket.set_onmessage(None);
        self.page.socket.set_onclose(None);
        if !self.is_closing {
            self.close(CloseCode::LINK_GIVEN_UP, "");
        }
    }
}
