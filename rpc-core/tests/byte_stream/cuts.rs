//! However a stream is cut, the same messages arrive; and however it takes bytes, the same bytes leave.

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use proptest::prelude::*;
use rpc_core::Limits;
use rpc_core::transport::{ByteStream, Framing, Received, Transport};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::malformed_streams::framed;

/// Gives what arrives piece by piece, and takes what leaves in portions.
#[derive(Default)]
struct Stream {
    pieces: VecDeque<Vec<u8>>,
    portions: VecDeque<usize>,
    gathers: bool,
    taken: Arc<Mutex<Vec<u8>>>,
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let Some(mut piece) = self.pieces.pop_front() else { return Poll::Ready(Ok(())) };
        if piece.is_empty() {
            return Poll::Pending;
        }
        let rest = piece.split_off(piece.len().min(buffer.remaining()));
        buffer.put_slice(&piece);
        if !rest.is_empty() {
            self.pieces.push_front(rest);
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let portion = self.portions.pop_front().unwrap_or(usize::MAX);
        if portion == 0 {
            return Poll::Pending;
        }
        let taken = if self.gathers {
            pieces.iter().flat_map(|piece| piece.iter().copied()).collect()
        } else {
            pieces.iter().find(|piece| !piece.is_empty()).map_or(Vec::new(), |piece| piece.to_vec())
        };
        let taken = &taken[..taken.len().min(portion)];
        self.taken.lock().unwrap().extend_from_slice(taken);
        Poll::Ready(Ok(taken.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

fn framing() -> impl Strategy<Value = Framing> {
    prop_oneof![Just(Framing::Lines), Just(Framing::ContentLength)]
}

fn message() -> impl Strategy<Value = String> {
    let length = prop_oneof![6 => 1..200_usize, 2 => 4000..9000_usize, 1 => 60_000..140_000_usize];
    (length, prop::sample::select(vec!["a", "\u{e9}", "\u{1f980}", "{", "Content-Length: 1"]))
        .prop_map(|(length, text)| format!("\"{}\"", text.repeat(length.div_ceil(text.len()))))
}

/// What a peer may put between messages.
fn between(framing: Framing, kind: u8) -> &'static [u8] {
    match (framing, kind % 5) {
        (_, 0) => b"\r\n",
        (Framing::Lines, 1) => b"\n \t\r\n",
        (_, 1) => b"\n",
        (Framing::ContentLength, 2) => b"Content-Length: 0\r\n\r\n",
        _ => b"",
    }
}

fn as_peers_write(framing: Framing, message: &str, kind: u8) -> Vec<u8> {
    let text = message.as_bytes();
    match (framing, kind % 3) {
        (Framing::Lines, 0) => [text, b"\r\n"].concat(),
        (Framing::ContentLength, 0) => {
            let head = format!(
                "content-type: application/vscode-jsonrpc; charset=utf-8\r\nCONTENT-LENGTH:{}\r\n\r\n",
                text.len()
            );
            [head.as_bytes(), text].concat()
        }
        _ => framed(framing, text),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) })]

    #[test]
    fn the_same_arrives_however_a_stream_is_cut(
        framing in framing(),
        messages in prop::collection::vec((message(), any::<u8>(), any::<u8>()), 0..8),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..20),
        pauses in prop::collection::vec(any::<bool>(), 21),
        allowance in prop_oneof![Just(1_usize), Just(100), Just(65_536)],
    ) {
        let mut sent = Vec::new();
        for (message, before, kind) in &messages {
            sent.extend_from_slice(between(framing, *before));
            sent.extend(as_peers_write(framing, message, *kind));
        }
        let total = sent.len() as u64;
        let mut cuts: Vec<_> = cuts.into_iter().map(|cut| cut.index(sent.len() + 1)).collect();
        cuts.push(sent.len());
        cuts.sort_unstable();
        let (mut pieces, mut start) = (VecDeque::new(), 0);
        for (cut, pause) in cuts.into_iter().zip(pauses) {
            if cut > start {
                pieces.push_back(sent[start..cut].to_vec());
                start = cut;
            }
            if pause {
                pieces.push_back(Vec::new());
            }
        }
        let mut limits = Limits::server();
        limits.message_in = 200_000;
        let stream = Stream { pieces, ..Stream::default() };
        let mut link = ByteStream::new(stream, framing, &limits);
        let (mut came, mut polls) = (Vec::new(), 0);
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let _guard = runtime.enter(); // a link that has used its allowance lets others go first
        let cx = &mut Context::from_waker(Waker::noop());
        loop {
            polls += 1;
            prop_assert!(polls < 1_000_000, "it makes progress");
            match link.poll_receive(cx, allowance) {
                Poll::Ready(Received::Text) => {
                    came.push(String::from_utf8(link.message().to_vec()).unwrap());
                    prop_assert_eq!(&link.take_message()[..], link.message());
                }
                Poll::Ready(Received::Ended) => break,
                Poll::Ready(other) => prop_assert!(false, "{:?}", other),
                Poll::Pending => link.shrink(),
            }
        }
        prop_assert_eq!(link.received_bytes(), total);
        prop_assert_eq!(link.assembling(), None);
        prop_assert!(link.poll_receive(cx, allowance).is_pending());
        let messages: Vec<_> = messages.into_iter().map(|(message, ..)| message).collect();
        prop_assert_eq!(came, messages);
    }

    #[test]
    fn the_same_leaves_however_a_stream_takes_it(
        framing in framing(),
        messages in prop::collection::vec((message(), any::<bool>()), 1..12),
        portions in prop::collection::vec(prop_oneof![Just(0), 1..40_usize, 1..20_000_usize], 0..60),
        gathers: bool,
    ) {
        let taken = Arc::new(Mutex::new(Vec::new()));
        let stream = Stream { portions: portions.into(), gathers, taken: taken.clone(), ..Stream::default() };
        let mut link = ByteStream::new(stream, framing, &Limits::server());
        let cx = &mut Context::from_waker(Waker::noop());
        let (mut model, mut ends) = (Vec::new(), Vec::new());
        let accepted = |ends: &[usize]| {
            let taken = taken.lock().unwrap().len();
            (ends.iter().filter(|end| **end <= taken).count() as u64, taken)
        };
        for (message, flushes) in messages {
            while link.poll_ready(cx).is_pending() {}
            link.send(Bytes::from(message.clone())).unwrap();
            model.extend(framed(framing, message.as_bytes()));
            ends.push(model.len());
            if flushes {
                let _ = link.poll_flush(cx);
            }
            let (accepted, taken) = accepted(&ends);
            prop_assert_eq!(link.accepted(), accepted);
            prop_assert_eq!(link.backlog(), model.len() - taken);
            prop_assert!(link.backlog() < 20_000 + message.len(), "no more than a buffer and a message");
        }
        while link.poll_flush(cx).is_pending() {}
        prop_assert_eq!((link.accepted(), link.backlog()), (ends.len() as u64, 0));
        prop_assert_eq!(&*taken.lock().unwrap(), &model);
    }
}

#[test]
fn line_ends_within_a_message_never_leave_as_such() {
    for (framing, expected) in [
        (Framing::Lines, "{ \"a\":  \"\\n\" }\n"),
        (Framing::ContentLength, "Content-Length: 14\r\n\r\n{\n\"a\":\r\n\"\\n\"\r}"),
    ] {
        let stream = Stream { gathers: true, ..Stream::default() };
        let taken = stream.taken.clone();
        let mut link = ByteStream::new(stream, framing, &Limits::server());
        link.send(Bytes::from_static(b"{\n\"a\":\r\n\"\\n\"\r}")).unwrap();
        let cx = &mut Context::from_waker(Waker::noop());
        assert!(link.poll_flush(cx).is_ready());
        assert_eq!(String::from_utf8_lossy(&taken.lock().unwrap()), expected);
    }
}
