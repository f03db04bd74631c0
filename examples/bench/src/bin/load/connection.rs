//! A WebSocket to the server: text messages out and in.
//!
//! It blocks, so one thread and no runtime carry the load. What is sent is gathered until `flush`;
//! a server that reads all that it is sent before it expects its answers to be taken cannot lock up
//! with that, and one that does is found by the time limit.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use bench::Checked;

use crate::args::Options;
use crate::frames::{self, CLOSE, CONTINUATION, PING, PONG, TEXT};
use crate::session::{self, HELLO, Session};

/// A server that says nothing for so long has lost an answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// Key and answer are those of the WebSocket specification's example.
const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

pub(crate) struct Connection {
    stream: TcpStream,
    outbound: Vec<u8>,
    inbound: Vec<u8>,
    /// How much of `inbound` has been taken.
    taken: usize,
    message: Vec<u8>,
    /// If one was asked for and granted.
    session: Option<Session>,
}

impl Connection {
    pub(crate) fn open(options: &Options) -> Checked<Self> {
        let stream = TcpStream::connect(&options.address);
        let stream = stream.map_err(|error| format!("connecting: {error}"))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        let mut connection = Self {
            stream,
            outbound: Vec::new(),
            inbound: Vec::new(),
            taken: 0,
            message: Vec::new(),
            session: None,
        };
        connection.shake_hands(options)?;
        if options.session {
            connection.ask_for_session()?;
        }
        Ok(connection)
    }

    fn shake_hands(&mut self, options: &Options) -> Checked {
        let address = &options.address;
        let hello = if options.session { "Rpc-Hello: 1\r\n" } else { "" };
        write!(
            self.outbound,
            "GET / HTTP/1.1\r\nHost: {address}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n{hello}\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {KEY}\r\n\r\n"
        )?;
        self.flush()?;
        let end = loop {
            self.read()?;
            if let Some(end) = self.inbound.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
                break end + 4;
            }
        };
        let head = String::from_utf8_lossy(&self.inbound[..end]);
        if !head.starts_with("HTTP/1.1 101") || !head.contains(ACCEPT) {
            return Err(format!("the handshake failed: {head}").into());
        }
        self.taken = end;
        Ok(())
    }

    fn ask_for_session(&mut self) -> Checked {
        self.send(HELLO);
        self.flush()?;
        self.session = Session::granted(self.receive()?)?;
        let ack = self.session.as_mut().map(Session::acknowledge);
        ack.iter().for_each(|ack| self.send(ack.as_bytes()));
        self.flush()
    }

    /// Sends a message with the next `flush`.
    pub(crate) fn send(&mut self, text: &[u8]) {
        frames::put(TEXT, text, &mut self.outbound);
    }

    pub(crate) fn flush(&mut self) -> Checked {
        self.stream.write_all(&self.outbound).map_err(|error| format!("sending: {error}"))?;
        self.outbound.clear();
        Ok(())
    }

    /// The next message; waits for it.
    pub(crate) fn receive(&mut self) -> Checked<&[u8]> {
        while !self.take_buffered()? {
            self.read()?;
        }
        Ok(&self.message)
    }

    /// The next message, if it has been read already.
    pub(crate) fn receive_buffered(&mut self) -> Checked<Option<&[u8]>> {
        Ok(self.take_buffered()?.then_some(&self.message))
    }

    /// Closes, and waits until the server has done so too.
    pub(crate) fn close(mut self) -> Checked {
        frames::put(CLOSE, &1000_u16.to_be_bytes(), &mut self.outbound);
        self.flush()?;
        let mut rest = Vec::new();
        self.stream.read_to_end(&mut rest).map_err(|error| format!("closing: {error}"))?;
        // The server may have hung up first.
        let _ended = self.stream.shutdown(Shutdown::Both);
        let answered = frames::front(&rest)?.is_some_and(|frame| frame.opcode == CLOSE);
        if answered { Ok(()) } else { Err("the server did not answer the close".into()) }
    }

    /// Puts the next message into `message`, if all of it is there.
    fn take_buffered(&mut self) -> Checked<bool> {
        while let Some(frame) = frames::front(&self.inbound[self.taken..])? {
            let payload = self.taken + frame.payload.start..self.taken + frame.payload.end;
            self.taken = payload.end;
            match frame.opcode {
                PING => frames::put(PONG, &self.inbound[payload], &mut self.outbound),
                TEXT | CONTINUATION => {
                    if frame.opcode == TEXT {
                        self.message.clear();
                    }
                    self.message.extend_from_slice(&self.inbound[payload]);
                    if frame.last && self.take_in() {
                        return Ok(true);
                    }
                }
                opcode => return Err(format!("a frame with opcode {opcode}").into()),
            }
        }
        Ok(false)
    }

    /// Counts a message, and acknowledges it with the next `flush`, if that is due. Returns whether it is more than an
    /// acknowledgement.
    fn take_in(&mut self) -> bool {
        let Some(session) = &mut self.session else { return true };
        if session::is_acknowledgement(&self.message) {
            return false;
        }
        if session.take_in(self.message.len()) {
            let ack = session.acknowledge();
            self.send(ack.as_bytes());
        }
        true
    }

    fn read(&mut self) -> Checked {
        self.inbound.drain(..self.taken);
        self.taken = 0;
        let mut chunk = [0; 16 * 1024];
        let read = self.stream.read(&mut chunk).map_err(|error| match error.kind() {
            ErrorKind::WouldBlock => format!("an answer is lost: nothing came for {PATIENCE:?}"),
            _ => format!("receiving: {error}"),
        })?;
        if read == 0 {
            return Err("the server has hung up".into());
        }
        self.inbound.extend_from_slice(&chunk[..read]);
        Ok(())
    }
}
