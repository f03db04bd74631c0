//! What links over streams of bytes cost: little when they are idle, whatever they carried; and hostile peers cost no
//! more than honest ones.
//!
//! A process of its own: what is counted is the heap of the process.

#[path = "support/malformed_streams.rs"]
mod malformed_streams;

use std::future::poll_fn;
use std::task::{Context, Waker};

use bytes::Bytes;
use malformed_streams::{Reached, cases};
use peak_alloc::PeakAlloc;
use rpc_core::Limits;
use rpc_core::transport::{ByteStream, Framing, Received, Transport};

#[global_allocator]
static HEAP: PeakAlloc = PeakAlloc;

const MIB: usize = 1024 * 1024;

/// One test, as other tests would be counted along.
#[tokio::test(start_paused = true)]
async fn streams_of_bytes_cost_little() {
    large_messages_leave_nothing_behind().await;
    a_declared_length_takes_no_memory().await;
    hostile_input_leaves_the_memory_flat().await;
}

async fn large_messages_leave_nothing_behind() {
    let limits = Limits::client();
    for framing in [Framing::Lines, Framing::ContentLength] {
        let mut idle = Vec::new();
        for round in 0..2 {
            let before = HEAP.current_usage();
            for _ in 0..20 {
                let (near, far) = tokio::io::duplex(2048);
                let mut ends = [near, far].map(|io| ByteStream::new(io, framing, &limits));
                let [from, to] = &mut ends;
                from.send(Bytes::from(vec![b'x'; MIB])).unwrap();
                let receive = async {
                    let received = poll_fn(|cx| to.poll_receive(cx, MIB)).await;
                    assert!(matches!(received, Received::Text));
                    assert_eq!(to.message().len(), MIB);
                };
                let (flushed, ()) = tokio::join!(poll_fn(|cx| from.poll_flush(cx)), receive);
                flushed.unwrap();
                for end in &mut ends {
                    let cx = &mut Context::from_waker(Waker::noop());
                    assert!(end.poll_receive(cx, MIB).is_pending());
                    end.shrink();
                }
                idle.push(ends);
            }
            let each = (HEAP.current_usage() - before) / 40;
            assert!(
                round == 0 || each < 3072,
                "{framing:?}: {each} bytes, 2 KiB of its line included"
            );
        }
    }
}

async fn a_declared_length_takes_no_memory() {
    let mut limits = Limits::client();
    limits.message_in = usize::MAX / 2;
    let (near, mut far) = tokio::io::duplex(4096);
    let mut stream = ByteStream::new(near, Framing::ContentLength, &limits);
    let head = format!("Content-Length: {}\r\n\r\nfew", limits.message_in);
    tokio::io::AsyncWriteExt::write_all(&mut far, head.as_bytes()).await.unwrap();
    HEAP.reset_peak_usage();
    let before = HEAP.current_usage();
    let cx = &mut Context::from_waker(Waker::noop());
    assert!(stream.poll_receive(cx, MIB).is_pending());
    let most = HEAP.peak_usage() - before;
    assert!(most < 100_000, "{most} bytes");
    assert_eq!(stream.assembling(), Some(0));
}

async fn hostile_input_leaves_the_memory_flat() {
    let all = [Framing::Lines, Framing::ContentLength].map(|framing| (framing, cases(framing)));
    let mut peaks = Vec::new();
    for round in 0..12 {
        HEAP.reset_peak_usage();
        for (framing, cases) in &all {
            for case in cases {
                Reached::new(*framing).play(case).await;
            }
        }
        if round >= 2 {
            peaks.push(HEAP.peak_usage());
        }
    }
    let (first, last) = (peaks[0], peaks[peaks.len() - 1]);
    assert!(last < first + 64 * 1024, "{peaks:?}");
    assert!(last < 16 * MIB, "{peaks:?}");
}
