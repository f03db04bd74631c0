//! A WebSocket to the server: text messages out and in.
//!
//! It blocks, so one thread and no runtime carry the load. What is sent is gathered until `flush`;
//! a server that reads all that it is sent before it expects its answers to be taken cannot lock up
//! with that, and one that does is found by the time limit.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use bench::Checked;

use crate::frames::{self, CLOSE, CONTINUATION, PING, PONG, TEXT};

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
}

impl Connection {
    pub(crate) fn open(address: &str) -> Checked<Self> {
        let stream = TcpStream::connect(address).map_err(|error| format!("connecting: {error}"))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        let mut connection = Self {
            stream,
            outbound: Vec::new(),
            inbound: Vec::new(),
            taken: 0,
            message: Vec::new(),
        };
        connection.shake_hands(address)?;
        Ok(connection)
    }

    fn shake_hands(&mut self, address: &str) -> Checked {
        write!(
            self.outbound,
            "GET / HTTP/1.1\r\nHost: {address}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
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
                    if frame.last {
                        return Ok(true);
                    }
                }
                opcode => return Err(format!("a frame with opcode {opcode}").into()),
            }
        }
        Ok(false)
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
