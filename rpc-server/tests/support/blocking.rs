//! A WebSocket client that takes nothing from the heap while it waits, for tests that count what
//! the server takes, and that needs no runtime, for tests that block one.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use super::{HANDSHAKE, PING, TEXT, frame};

/// A connection.
pub(crate) struct Blocking(TcpStream);

impl Blocking {
    /// A WebSocket.
    pub(crate) fn open(address: SocketAddr) -> Self {
        let mut stream = TcpStream::connect(address).unwrap();
        // It only ends a test that hangs.
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream.set_nodelay(true).unwrap();
        stream.write_all(HANDSHAKE.as_bytes()).unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            head.extend(byte);
        }
        assert!(head.starts_with(b"HTTP/1.1 101 "), "{}", String::from_utf8_lossy(&head));
        Self(stream)
    }

    /// Sends a message.
    pub(crate) fn send(&mut self, text: &str) {
        self.send_frame(&frame(TEXT, text.as_bytes()));
    }

    /// Sends a frame that was made before.
    pub(crate) fn send_frame(&mut self, frame: &[u8]) {
        self.0.write_all(frame).unwrap();
    }

    /// Reads a message; how many bytes it had, and the first and last of them.
    pub(crate) fn receive(&mut self) -> (usize, String) {
        let (mut length, mut shown) = (0, Vec::new());
        loop {
            let [first, short] = self.bytes();
            let mut left = match short {
                126 => u16::from_be_bytes(self.bytes()).into(),
                127 => usize::try_from(u64::from_be_bytes(self.bytes())).unwrap(),
                short => usize::from(short),
            };
            if first & 0x0f == PING {
                // The test takes longer than the server waits for a sign of life.
                let mut payload = vec![0; left];
                self.0.read_exact(&mut payload).unwrap();
                continue;
            }
            assert!(first & 0x0f <= TEXT, "a frame that is no part of a text: {first:#x}");
            length += left;
            while left > 0 {
                let mut part = [0; 4096];
                let part = &mut part[..left.min(4096)];
                self.0.read_exact(part).unwrap();
                left -= part.len();
                shown.truncate(256);
                shown.extend_from_slice(&part[part.len().saturating_sub(256)..]);
            }
            if first & 0x80 != 0 {
                return (length, String::from_utf8(shown).unwrap());
            }
        }
    }

    fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        self.0.read_exact(&mut bytes).unwrap();
        bytes
    }
}
